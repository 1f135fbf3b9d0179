"""The nightly task that lets points expire and warns of it (D1, C5)."""

from app.core.tasks.batch import Batch, batch_task
from app.modules.loyalty.services import expiry_service


@batch_task
async def expire_points(batch: Batch) -> bool:
    """Expire and warn at the message's merchant, once per local day; a run that somebody else is at is looked after until it is done."""
    return (await expiry_service.sweep(batch)).ending.is_done
