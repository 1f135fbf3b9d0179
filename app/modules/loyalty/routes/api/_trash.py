"""What the trash of cards and programs answers."""

import uuid

from app.core.context import Ctx
from app.core.pagination import DEFAULT_PAGE
from app.core.trash import Deletion
from app.core.web.trash import DeletionAnswer, deletion_answer
from app.modules.loyalty.domain.enums import ProgramType
from app.modules.loyalty.queries import programs
from app.modules.loyalty.routes.api._merchant.shapes import merchant_card
from app.modules.loyalty.schemas.merchant import MerchantCardList
from app.modules.loyalty.schemas.trash import ProgramList, ProgramRow
from app.modules.loyalty.services import card_service, trash_service
from app.modules.tenancy import public as tenancy


async def show_deletion(ctx: Ctx, deletion: Deletion) -> DeletionAnswer:
    """Return the act with the name of who did it."""
    return deletion_answer(deletion, await tenancy.names_of_deleters(ctx, [deletion]))


async def list_trashed_cards(
    ctx: Ctx, *, text: str | None = None, store_id: uuid.UUID | None = None, cursor: str | None = None, limit: int = DEFAULT_PAGE
) -> MerchantCardList:
    """Return a page of cards in the trash. BadCursor, StoreNotFoundException."""
    page = await trash_service.list_trashed_cards(ctx, store_id=store_id, text=text, cursor=cursor, limit=limit)
    found = await card_service.with_customers(ctx, [item.card for item in page.items])
    stores = await tenancy.find_store_names(ctx, {item.card.enrolled_at_store_id for item in page.items})
    people = await tenancy.names_of_deleters(ctx, [item.deletion for item in page.items])

    items = [
        merchant_card(card, stores).model_copy(update={"deletion": deletion_answer(item.deletion, people)})
        for card, item in zip(found, page.items, strict=True)
    ]
    return MerchantCardList(items=items, next_cursor=page.next_cursor)


async def list_programs(ctx: Ctx, *, only_deleted: bool, cursor: str | None = None) -> ProgramList:
    """Return the live program, or a page of those in the trash. BadCursor."""
    if not only_deleted:
        live = await programs.find_program(ctx)
        return ProgramList(items=[ProgramRow.model_validate(live, from_attributes=True)] if live else [])
    page = await trash_service.list_trashed_programs(ctx, cursor=cursor)
    people = await tenancy.names_of_deleters(ctx, [item.deletion for item in page.items])
    rows = [
        ProgramRow(
            id=item.id,
            type=ProgramType(item.type),
            name=item.name,
            card_name=item.card_name,
            colour=item.colour,
            created_at=item.created_at,
            deletion=deletion_answer(item.deletion, people),
        )
        for item in page.items
    ]
    return ProgramList(items=rows, next_cursor=page.next_cursor)
