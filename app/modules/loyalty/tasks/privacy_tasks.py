"""Tasks about people's data."""

import datetime as dt
import uuid
from collections.abc import Sequence

from app.core.context import Ctx
from app.modules.loyalty.services import privacy_service


async def finish_erasure(ctx: Ctx, *, message_id: uuid.UUID, customer_id: uuid.UUID, card_ids: Sequence[uuid.UUID], erased_at: str) -> None:
    """Empty what was under way while a customer was erased; safe to run twice."""
    await privacy_service.finish_erasure(ctx, customer_id=customer_id, card_ids=card_ids, erased_at=dt.datetime.fromisoformat(erased_at))
