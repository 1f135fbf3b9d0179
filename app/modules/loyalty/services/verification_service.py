"""The audit of the ledger (B5, reliability.md promise 2): does every card's history lead to its balances?

By command for everything at once, and by tasks: every night all cards of a merchant, every hour those that were booked on. Nothing
is repaired here; a card that does not add up raises the alert `ledger_mismatch`, which a later night clears when it does again.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable, Sequence

import structlog

from app.core import alerts, jobs
from app.core.context import SYSTEM, Ctx, PlatformCtx, Principal, platform_unit_of_work
from app.core.db.engine import Database
from app.core.observability import LEDGER_MISMATCHES
from app.modules.loyalty.queries import verification
from app.modules.loyalty.queries.verification import BrokenCard
from app.modules.loyalty.services.chunks import CHUNK as TASK_CHUNK
from app.modules.loyalty.services.chunks import FIRST, Chunk
from app.modules.loyalty.services.watch_service import LEDGER_MISMATCH

log = structlog.get_logger(__name__)

CHUNK = 2_000
MAX_NAMED = 100
"""More broken cards than this are counted and not named; of one merchant, so many alerts are open at most. `orion verify-ledger`
counts them all."""

CHANGED_TASK = "loyalty.verify_changed_cards"
HOURLY = "loyalty.verify_changes"
LATE_COMMIT = dt.timedelta(minutes=10)
"""A row gets its id before it is committed; no transaction lasts this long."""
LONGEST_LOOK_BACK = dt.timedelta(days=1)
"""What lies further back is the night's, which looks at every card."""


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


async def verify_chunk(ctx: Ctx, after_id: uuid.UUID) -> Chunk:
    """Check the merchant's next 500 cards and raise an alert for each that does not add up; after the last, clear alerts of cards
    that do again or are gone. Counts cards and broken ones."""
    found = await verification.check_chunk(ctx.conn, ctx.merchant_id, (ctx.merchant_id, after_id), TASK_CHUNK)
    checked, broken, last_id = (0, [], None) if found is None else (found.checked, found.broken, found.position[1])
    await _raise_alerts(ctx, broken)
    is_last = checked < TASK_CHUNK
    if is_last:
        await _clear_alerts(ctx)
    return Chunk(None if is_last else last_id, {"cards": checked, "broken": len(broken)})


async def verify_changed_chunk(ctx: Ctx, after_id: uuid.UUID, since: dt.datetime) -> Chunk:
    """Check the cards of the next 500 rows that were booked from `since` on, as `verify_chunk`; alerts stay for the night to clear."""
    booked = await verification.list_booked(
        ctx.conn, ctx.merchant_id, verification.first_id(since) if after_id == FIRST else after_id, TASK_CHUNK
    )
    card_ids = sorted({card_id for card_id, _ in booked})
    broken = await verification.check_cards(ctx.conn, ctx.merchant_id, card_ids)
    await _raise_alerts(ctx, broken)
    return Chunk(booked[-1][1] if len(booked) == TASK_CHUNK else None, {"cards": len(card_ids), "broken": len(broken)})


async def start_verifying_changes(ctx: PlatformCtx) -> None:
    """Have every merchant verified whose cards were booked on since the last time, at most a day back."""
    period = f"{ctx.now.astimezone(dt.UTC):%Y-%m-%dT%H}"
    run = await jobs.begin_run(ctx, HOURLY, period)
    if run is None:
        return
    last = await jobs.last_done(ctx, HOURLY)
    earliest = ctx.now - LONGEST_LOOK_BACK
    since = earliest if last is None else max(earliest, last - LATE_COMMIT)
    merchants = await verification.list_busy_merchants(ctx.conn, verification.first_id(since))
    for merchant_id in merchants:
        ctx.enqueue(CHANGED_TASK, merchant_id=merchant_id, period=period, since=int(since.timestamp()))
    await jobs.finish(ctx, await jobs.advance(ctx, run, cursor={}, counts={"merchants": len(merchants)}))


async def _raise_alerts(ctx: Ctx, broken: Sequence[BrokenCard]) -> None:
    """Count `broken`, and open their alerts as far as the merchant's number of alerts allows."""
    if not broken:
        return
    LEDGER_MISMATCHES.inc(len(broken))
    open_before = {alert.subject for alert in await alerts.list_alerts(ctx.conn, rule=LEDGER_MISMATCH.name, limit=MAX_NAMED)}
    free = MAX_NAMED - len(open_before)
    for card in broken:
        log.error("ledger_mismatch", merchant_id=str(ctx.merchant_id), card_id=str(card.card_id))
        is_open = str(card.card_id) in open_before
        if not is_open and free <= 0:
            continue
        free -= not is_open
        await alerts.open_alert(ctx, LEDGER_MISMATCH, subject=str(card.card_id), details=_details(card))


def _details(card: BrokenCard) -> dict[str, int | str]:
    """What the operator is told: which card and row, and what is wrong (1) or right (0)."""
    return {
        "cards": 1,
        "card_id": str(card.card_id),
        "transaction_id": "" if card.transaction_id is None else str(card.transaction_id),
        "stamps": int(card.is_stamps_wrong),
        "points": int(card.is_points_wrong),
        "chain": int(card.is_chain_broken),
    }


async def _clear_alerts(ctx: Ctx) -> None:
    """Clear the merchant's alerts about cards that add up, or that are no more."""
    subjects = [alert.subject for alert in await alerts.list_alerts(ctx.conn, rule=LEDGER_MISMATCH.name, limit=MAX_NAMED)]
    if not subjects:
        return
    still = {
        str(card.card_id) for card in await verification.check_cards(ctx.conn, ctx.merchant_id, [uuid.UUID(text) for text in subjects])
    }
    for subject in subjects:
        if subject not in still:
            await alerts.clear_alert(ctx, LEDGER_MISMATCH, subject=subject)
