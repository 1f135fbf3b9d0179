"""What loyalty does when a merchant or a store goes, comes back, or is deleted for good (`app/core/hooks.py`)."""

import datetime as dt
import uuid

from app.core.context import Ctx
from app.core.trash import Deletion
from app.modules.loyalty.queries import trash as trash_queries
from app.modules.loyalty.services import program_service, trash_service
from app.modules.loyalty.trash_errors import CardsOnTheirWayException, MerchantHasHistoryException, StoreHasHistoryException


async def merchant_trashed(ctx: Ctx, deletion: Deletion) -> None:
    """Put the program and its cards away with their merchant."""
    await trash_service.trash_with_merchant(ctx, deletion)


async def merchant_restored(ctx: Ctx, deletion_id: uuid.UUID | None) -> None:
    """Take back what went with the merchant."""
    await program_service.restore_for_merchant(ctx, deletion_id)


async def store_purging(ctx: Ctx, store_id: uuid.UUID, since: dt.datetime) -> None:
    """Refuse where cards or history belong to the store; delete its PINs, terminals and pairing codes."""
    if await trash_queries.store_has_history(ctx, store_id, since=since):
        raise StoreHasHistoryException
    await trash_queries.delete_of_store(ctx, store_id)


async def merchant_purging(ctx: Ctx) -> None:
    """Refuse where a card has a history, or while cards are still on their way into the trash."""
    if await trash_queries.merchant_has_history(ctx):
        raise MerchantHasHistoryException
    if await trash_queries.has_live_cards(ctx):
        raise CardsOnTheirWayException
