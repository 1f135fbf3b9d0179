"""The tasks that look through a file of another system, and that import it (G8)."""

import uuid

from app.core.tasks.batch import Batch, batch_task
from app.modules.loyalty.services import import_service


@batch_task
async def check_import(batch: Batch, *, import_id: uuid.UUID) -> bool:
    """Look through the import's file; nothing is imported."""
    return await import_service.work_on(batch, import_id, is_check=True)


@batch_task
async def run_import(batch: Batch, *, import_id: uuid.UUID) -> bool:
    """Import the file, chunk by chunk; goes on where it stopped."""
    return await import_service.work_on(batch, import_id, is_check=False)
