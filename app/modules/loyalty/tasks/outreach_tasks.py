"""Mails that nobody caused by a click: birthdays every morning, calls to come back every week. Safe twice, also at once."""

import datetime as dt
import uuid

from app.core.context import Ctx
from app.core.tasks.batch import Batch, batch_task
from app.modules.loyalty.domain import outreach
from app.modules.loyalty.services import birthday_service, reengagement_service
from app.modules.loyalty.services.chunks import Chunk
from app.modules.loyalty.tasks.runs import run_in_chunks

BIRTHDAYS = "loyalty.send_birthday_emails"
REENGAGEMENT = "loyalty.send_reengagement"


@batch_task
async def send_birthday_emails(batch: Batch) -> bool:
    """Greet the merchant's people of the day, and those of the last three days whom a missed run left out (C6)."""
    return await run_in_chunks(batch, BIRTHDAYS, outreach.birthday_period, _greet)


async def _greet(ctx: Ctx, period: str, after_id: uuid.UUID) -> Chunk:
    return await birthday_service.greet_chunk(ctx, day=dt.date.fromisoformat(period), after_id=after_id)


@batch_task
async def send_reengagement(batch: Batch) -> bool:
    """Write to the merchant's people who stayed away, once a week (C7)."""
    return await run_in_chunks(batch, REENGAGEMENT, outreach.reengagement_period, _call_back)


async def _call_back(ctx: Ctx, _period: str, after_id: uuid.UUID) -> Chunk:
    return await reengagement_service.call_back_chunk(ctx, after_id=after_id)
