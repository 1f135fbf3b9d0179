"""Erasing again whom a restored backup brought back (docs/operations.md, Backups)."""

import dataclasses
import datetime as dt
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator

from app.core.context import SYSTEM, PlatformCtx, Principal, platform_unit_of_work
from app.core.db.engine import Database
from app.modules.customers import public as customers
from app.modules.loyalty.services import privacy_service
from app.modules.tenancy import public as tenancy

CHUNK = 500


@dataclasses.dataclass(slots=True)
class Replayed:
    """How many erasures the log has, how many people were erased again, and how many the database never knew."""

    logged: int = 0
    erased_again: int = 0
    unknown: int = 0


def write_lines(erasures: Iterable[customers.Erasure]) -> Iterator[str]:
    """Yield each erasure as a line of JSON: ids, an instant and a role, nothing of a person."""
    for erasure in erasures:
        yield json.dumps(dataclasses.asdict(erasure), default=str) + "\n"


def read_lines(lines: Iterable[str]) -> Iterator[customers.Erasure]:
    """Yield the erasures of such lines; ValueError, with the number of the line, for what is none."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
            yield customers.Erasure(
                merchant_id=uuid.UUID(values["merchant_id"]),
                customer_id=uuid.UUID(values["customer_id"]),
                at=dt.datetime.fromisoformat(values["at"]),
                actor_kind=str(values["actor_kind"]),
                actor_id=uuid.UUID(values["actor_id"]) if values["actor_id"] else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"line {number} is no erasure") from error


async def list_all(database: Database) -> AsyncIterator[customers.Erasure]:
    """Yield the whole log, 500 at a time."""
    last: customers.Erasure | None = None
    while True:
        async with platform_unit_of_work(database, Principal(SYSTEM)) as ctx:
            chunk = await customers.list_erasures(ctx, after=last, limit=CHUNK)
        for last in chunk:
            yield last
        if len(chunk) < CHUNK:
            return


async def merge(database: Database, erasures: Iterable[customers.Erasure]) -> None:
    """Add to the log what another copy of the database knows of."""
    async with platform_unit_of_work(database, Principal(SYSTEM)) as ctx:
        for erasure in erasures:
            await customers.add_erasure(ctx, erasure)


async def replay(database: Database, *, progress: Callable[[int], None] = lambda count: None) -> Replayed:
    """Do every erasure of the log again, each in a unit of work of its own; who is gone already stays as they are."""
    result = Replayed()
    async for erasure in list_all(database):
        result.logged += 1
        async with platform_unit_of_work(database, Principal(SYSTEM), request_id="replay-erasures") as ctx:
            outcome = await _repeat(ctx, erasure)
        result.erased_again += outcome is True
        result.unknown += outcome is None
        progress(1)
    return result


async def _repeat(ctx: PlatformCtx, erasure: customers.Erasure) -> bool | None:
    try:
        return await privacy_service.repeat_erasure(tenancy.act_for_merchant(ctx, erasure.merchant_id), erasure)
    except customers.CustomerNotFoundException:
        return None
