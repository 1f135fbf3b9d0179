"""The task that merges people's cards, chunk by chunk."""

import uuid

from app.core.context import Ctx
from app.modules.loyalty.services import merge_service


async def merge_cards(ctx: Ctx, *, run_id: uuid.UUID) -> None:
    """Merge the next chunk of the run `run_id`; enqueues itself until nobody holds several cards."""
    await merge_service.continue_merge(ctx, run_id)
