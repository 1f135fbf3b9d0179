"""The jobs about many cards (G5): item by item in chunks, each once, gone on with after a death."""

import uuid

from app.core import bulk
from app.core.tasks.batch import Batch, batch_task
from app.modules.loyalty.services import bulk_service


@batch_task
async def give_bonus(batch: Batch, *, job_id: uuid.UUID) -> bool:
    """Give the cards of a job their bonus; a filter's cards are gathered first."""
    return await bulk.run(batch, job_id, bulk_service.give_bonuses, fill=bulk_service.list_filtered)


@batch_task
async def deactivate_cards(batch: Batch, *, job_id: uuid.UUID) -> bool:
    """Switch the cards of a job off."""
    return await bulk.run(batch, job_id, bulk_service.deactivate)
