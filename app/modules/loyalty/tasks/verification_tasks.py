"""The audit of the ledger as tasks: the whole of it at night, what was booked on every hour. It reads, and repairs nothing."""

import datetime as dt
import uuid
import zoneinfo

from app.core.context import Ctx, PlatformCtx
from app.core.tasks.batch import Batch, batch_task
from app.modules.loyalty.domain.expiry import local_day
from app.modules.loyalty.services import verification_service
from app.modules.loyalty.services.chunks import Chunk
from app.modules.loyalty.tasks.runs import run_in_chunks

NIGHTLY = "loyalty.verify_ledger"


@batch_task
async def verify_ledger(batch: Batch, *, asked: str = "") -> bool:
    """Check every card of the merchant, once per local day, and again whenever it was `asked` for by hand under another name."""

    def period(now: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
        return asked or local_day(now, zone).isoformat()

    return await run_in_chunks(batch, NIGHTLY, period, _verify)


async def _verify(ctx: Ctx, _period: str, after_id: uuid.UUID) -> Chunk:
    return await verification_service.verify_chunk(ctx, after_id)


async def verify_changes(ctx: PlatformCtx) -> None:
    """Start the check of the hour at every merchant whose cards were booked on."""
    await verification_service.start_verifying_changes(ctx)


@batch_task
async def verify_changed_cards(batch: Batch, *, period: str, since: int) -> bool:
    """Check the merchant's cards that were booked on from `since` (seconds since 1970) on, once per hour `period`."""

    async def verify(ctx: Ctx, _period: str, after_id: uuid.UUID) -> Chunk:
        return await verification_service.verify_changed_chunk(ctx, after_id, dt.datetime.fromtimestamp(since, tz=dt.UTC))

    return await run_in_chunks(batch, verification_service.CHANGED_TASK, lambda _now, _zone: period, verify)
