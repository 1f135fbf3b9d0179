"""The platform's face: the trash of a merchant's cards and programs, through the merchant's own services."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.core.context import PlatformCtx
from app.core.web.deps import access
from app.core.web.fields import Cursor, OptionalLine
from app.core.web.problems import documented
from app.core.web.trash import DeletionAnswer, OnlyDeleted, PurgeBody, RestoredList, RestoreManyBody, TrashBody, restored_list
from app.modules.loyalty.queries import cards as card_queries
from app.modules.loyalty.queries import programs
from app.modules.loyalty.routes.api._merchant.cards import show
from app.modules.loyalty.routes.api._merchant.shapes import program_answer
from app.modules.loyalty.routes.api._trash import list_programs, list_trashed_cards, show_deletion
from app.modules.loyalty.schemas.merchant import MerchantCard, MerchantCardList, ProgramAnswer
from app.modules.loyalty.schemas.trash import ProgramList
from app.modules.loyalty.services import card_service, trash_service
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/api/v1/admin/loyalty/merchants/{merchant_id}", tags=["Loyalty - Admin"])
ONE = documented(404)
LIST = documented(400, 404)
CHANGE = documented(404, 409)
Search = Annotated[OptionalLine | None, Query(description="Card number, QR content, e-mail, phone number or name.")]


@router.get("/cards", summary="List a merchant's cards", responses=LIST)
async def read_cards(
    merchant_id: uuid.UUID,
    ctx: PlatformCtx = access("admin", "loyalty.platform.trash"),
    only_deleted: OnlyDeleted = False,
    q: Search = None,
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
) -> MerchantCardList:
    """Return a merchant's cards, the newest first, or those that `q` names; with `only_deleted` those in the trash, the latest first,
    with who put them there, when and why."""
    inside = await tenancy.open_for_admin(ctx, merchant_id)
    if only_deleted:
        return await list_trashed_cards(inside, text=q, cursor=cursor, limit=limit)
    if q:
        return MerchantCardList(items=await show(inside, await card_service.search_card_for_store(inside, text=q, store_id=None)))
    page = await card_queries.list_cards(inside, cursor=cursor, limit=limit)
    return MerchantCardList(items=await show(inside, await card_service.with_customers(inside, page.items)), next_cursor=page.next_cursor)


@router.post("/cards/restore", summary="Restore several of a merchant's cards", responses=ONE)
async def restore_cards(
    merchant_id: uuid.UUID, body: RestoreManyBody, ctx: PlatformCtx = access("admin", "loyalty.platform.trash")
) -> RestoredList:
    """Take cards out of the trash on behalf of a merchant, each for itself."""
    return restored_list(await trash_service.restore_cards(await tenancy.open_for_admin(ctx, merchant_id), body.ids))


@router.post("/cards/{card_id}/trash", summary="Move a merchant's card to the trash", responses=CHANGE)
async def trash_card(
    merchant_id: uuid.UUID, card_id: uuid.UUID, body: TrashBody, ctx: PlatformCtx = access("admin", "loyalty.platform.trash")
) -> DeletionAnswer:
    """Put a card away on behalf of a merchant, with a reason."""
    inside = await tenancy.open_for_admin(ctx, merchant_id)
    return await show_deletion(inside, await trash_service.trash_card(inside, card_id, reason=body.reason))


@router.post("/cards/{card_id}/restore", summary="Restore a merchant's card", responses=CHANGE)
async def restore_card(
    merchant_id: uuid.UUID, card_id: uuid.UUID, ctx: PlatformCtx = access("admin", "loyalty.platform.trash")
) -> MerchantCard:
    """Take a card out of the trash on behalf of a merchant. 409 names the card that its holder has got meanwhile."""
    inside = await tenancy.open_for_admin(ctx, merchant_id)
    await trash_service.restore_card(inside, card_id)
    return (await show(inside, [await card_service.get_card_for_store(inside, card_id)]))[0]


@router.post("/cards/{card_id}/purge", summary="Delete a merchant's card for good", status_code=204, responses=CHANGE)
async def purge_card(
    merchant_id: uuid.UUID, card_id: uuid.UUID, body: PurgeBody, ctx: PlatformCtx = access("admin", "loyalty.platform.purge")
) -> Response:
    """Delete a card without transactions for good; its number is typed to confirm."""
    await trash_service.purge_card(await tenancy.open_for_admin(ctx, merchant_id), card_id, confirmation=body.confirmation)
    return Response(status_code=204)


@router.get("/programs", summary="List a merchant's programs", responses=LIST)
async def read_programs(
    merchant_id: uuid.UUID,
    ctx: PlatformCtx = access("admin", "loyalty.platform.trash"),
    only_deleted: OnlyDeleted = False,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> ProgramList:
    """Return a merchant's live program, of which there is one at most, or those in the trash."""
    return await list_programs(await tenancy.open_for_admin(ctx, merchant_id), only_deleted=only_deleted, cursor=cursor)


@router.post("/programs/{program_id}/trash", summary="Move a merchant's program to the trash", responses=CHANGE)
async def trash_program(
    merchant_id: uuid.UUID, program_id: uuid.UUID, body: TrashBody, ctx: PlatformCtx = access("admin", "loyalty.platform.trash")
) -> DeletionAnswer:
    """Put a program away with all its cards on behalf of a merchant, with a reason."""
    inside = await tenancy.open_for_admin(ctx, merchant_id)
    return await show_deletion(inside, await trash_service.trash_program(inside, program_id, reason=body.reason))


@router.post("/programs/{program_id}/restore", summary="Restore a merchant's program", responses=CHANGE)
async def restore_program(
    merchant_id: uuid.UUID, program_id: uuid.UUID, ctx: PlatformCtx = access("admin", "loyalty.platform.trash")
) -> ProgramAnswer:
    """Take a program out of the trash with the cards that went with it. 409 names the program that runs now."""
    inside = await tenancy.open_for_admin(ctx, merchant_id)
    await trash_service.restore_program(inside, program_id)
    return program_answer(await programs.get_program(inside))


@router.post("/programs/{program_id}/purge", summary="Delete a merchant's program for good", status_code=204, responses=CHANGE)
async def purge_program(
    merchant_id: uuid.UUID, program_id: uuid.UUID, body: PurgeBody, ctx: PlatformCtx = access("admin", "loyalty.platform.purge")
) -> Response:
    """Delete a program whose cards have no transactions for good; its name is typed to confirm."""
    await trash_service.purge_program(await tenancy.open_for_admin(ctx, merchant_id), program_id, confirmation=body.confirmation)
    return Response(status_code=204)
