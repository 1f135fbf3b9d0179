"""What cms does when tenancy tells of stores. Safe to run twice."""

import uuid

from app.core.context import Ctx
from app.modules.cms.services import starter_service
from app.modules.tenancy import public as tenancy


async def greet_new_merchant(ctx: Ctx, *, message_id: uuid.UUID, store_id: uuid.UUID) -> None:
    """Make the pages to begin with when a merchant opens its first store (tenancy.store_created)."""
    await starter_service.greet_new_merchant(ctx, await tenancy.get_store(ctx, store_id))
