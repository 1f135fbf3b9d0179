"""Tasks about people's data."""

import datetime as dt
import uuid
from collections.abc import Sequence

from app.core.context import Ctx
from app.core.tasks.batch import Batch, batch_task
from app.modules.loyalty.domain import retention
from app.modules.loyalty.services import my_data_service, privacy_service, retention_service
from app.modules.loyalty.services.chunks import Chunk
from app.modules.loyalty.tasks.runs import run_in_chunks

RETENTION = "loyalty.apply_retention"


async def finish_erasure(ctx: Ctx, *, message_id: uuid.UUID, customer_id: uuid.UUID, card_ids: Sequence[uuid.UUID], erased_at: str) -> None:
    """Empty what was under way while a customer was erased; safe to run twice."""
    await privacy_service.finish_erasure(ctx, customer_id=customer_id, card_ids=card_ids, erased_at=dt.datetime.fromisoformat(erased_at))


async def export_my_data(ctx: Ctx, *, message_id: uuid.UUID, customer_id: uuid.UUID, file_id: uuid.UUID) -> None:
    """Make the download that a customer asked for; safe to run twice."""
    await my_data_service.make_download(ctx, customer_id=customer_id, file_id=file_id)


@batch_task
async def apply_retention(batch: Batch) -> bool:
    """Tell, and later erase, the merchant's people who stayed away for years, where the merchant wants that."""
    return await run_in_chunks(batch, RETENTION, retention.retention_period, _apply)


async def _apply(ctx: Ctx, _period: str, after_id: uuid.UUID) -> Chunk:
    return await retention_service.apply_chunk(ctx, after_id=after_id)
