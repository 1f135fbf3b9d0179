"""The task that lets the cards of a large program follow it into the trash, or out of it."""

import uuid

from app.core.tasks.batch import Batch, batch_task
from app.modules.loyalty.services import trash_service
from app.modules.loyalty.services.chunks import FIRST


@batch_task
async def follow_program(batch: Batch, *, program_id: uuid.UUID, deletion_id: uuid.UUID) -> bool:
    """Move the cards of a program to where it is, chunk by chunk; each turn begins with those that are left."""
    after_id: uuid.UUID | None = FIRST
    while after_id is not None:
        if batch.is_out_of_time:
            return False
        async with batch.unit_of_work() as ctx:
            _, after_id = await trash_service.follow_chunk(ctx, program_id, deletion_id, after_id)
    return True
