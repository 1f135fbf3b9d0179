"""Work on many cards comes in chunks: what one chunk did, and where the next begins."""

import dataclasses
import uuid
from collections.abc import Mapping

CHUNK = 500
FIRST = uuid.UUID(int=0)
"""Below every id: where a list that is read by id begins."""


@dataclasses.dataclass(frozen=True, slots=True)
class Chunk:
    """What a chunk did, in numbers by name, and the id behind which the next one begins; None after the last."""

    after_id: uuid.UUID | None
    counts: Mapping[str, int]


NOTHING_TO_DO = Chunk(None, {})
