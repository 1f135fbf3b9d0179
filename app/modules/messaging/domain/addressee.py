"""Who a mail to a user is for."""

import dataclasses
import uuid


@dataclasses.dataclass(frozen=True, slots=True)
class Addressee:
    """A user and their language. `email` is None when there is no address to write to any more."""

    email: str | None
    locale: str
    user_id: uuid.UUID
