"""The audit of the ledger (B5, reliability.md promise 2): does every card's history lead to its balances?"""

import dataclasses
import uuid
from collections.abc import Callable

from app.core.context import SYSTEM, Principal, platform_unit_of_work
from app.core.db.engine import Database
from app.modules.loyalty.queries import verification
from app.modules.loyalty.queries.verification import BrokenCard

CHUNK = 2_000
MAX_NAMED = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Verification:
    """How many cards were checked, how many are broken, and the first hundred of those."""

    checked: int
    broken_count: int
    broken: list[BrokenCard]


async def count_cards(database: Database, merchant_id: uuid.UUID | None) -> int:
    """Return how many cards a verification will check."""
    async with platform_unit_of_work(database, Principal(SYSTEM)) as ctx:
        return await verification.count_cards(ctx.conn, merchant_id)


async def verify_ledger(
    database: Database, merchant_id: uuid.UUID | None = None, *, progress: Callable[[int], None] | None = None, chunk: int = CHUNK
) -> Verification:
    """Check every card, of one merchant or of all, and return what was found; changes nothing and stops nobody.

    Each chunk is one statement, so it sees cards and rows of one instant. `progress` hears how many cards each chunk had.
    """
    position = verification.START
    checked = broken_count = 0
    broken: list[BrokenCard] = []
    while True:
        async with platform_unit_of_work(database, Principal(SYSTEM)) as ctx:
            found = await verification.check_chunk(ctx.conn, merchant_id, position, chunk)
        if found is None:
            return Verification(checked, broken_count, broken)
        position = found.position
        checked += found.checked
        broken_count += len(found.broken)
        broken += found.broken[: MAX_NAMED - len(broken)]
        if progress is not None:
            progress(found.checked)
