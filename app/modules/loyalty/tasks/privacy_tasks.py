"""Tasks about people's data."""

import datetime as dt
import uuid
from collections.abc import Sequence

from app.core.context import Ctx
from app.modules.loyalty.services import my_data_service, privacy_service


async def finish_erasure(ctx: Ctx, *, message_id: uuid.UUID, customer_id: uuid.UUID, card_ids: Sequence[uuid.UUID], erased_at: str) -> None:
    """Empty what was under way while a customer was erased; safe to run twice."""
    await privacy_service.finish_erasure(ctx, customer_id=customer_id, card_ids=card_ids, erased_at=dt.datetime.fromisoformat(erased_at))


async def export_my_data(ctx: Ctx, *, message_id: uuid.UUID, customer_id: uuid.UUID, file_id: uuid.UUID) -> None:
    """Make the download that a customer asked for; safe to run twice."""
    await my_data_service.make_download(ctx, customer_id=customer_id, file_id=file_id)
