"""The merchant's face: the trash of cards and programs."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.problems import documented
from app.core.web.trash import DeletionAnswer, OnlyDeleted, PurgeBody, RestoredList, RestoreManyBody, TrashBody, restored_list
from app.modules.loyalty.queries import programs
from app.modules.loyalty.routes.api._merchant.cards import show
from app.modules.loyalty.routes.api._merchant.shapes import program_answer
from app.modules.loyalty.routes.api._trash import list_programs, show_deletion
from app.modules.loyalty.schemas.merchant import MerchantCard, ProgramAnswer
from app.modules.loyalty.schemas.trash import ProgramList
from app.modules.loyalty.services import card_service, trash_service

router = APIRouter(prefix="/api/v1/merchants/loyalty", tags=["Loyalty - Merchant"])
CHANGE = documented(404, 409)


@router.post("/cards/restore", summary="Restore several cards", responses=documented())
async def restore_cards(body: RestoreManyBody, ctx: Ctx = access("merchant", "loyalty.card.trash")) -> RestoredList:
    """Take cards out of the trash, each for itself; the answer says what became of each. Doing it twice changes nothing."""
    return restored_list(await trash_service.restore_cards(ctx, body.ids))


@router.post("/cards/{card_id}/trash", summary="Move a card to the trash", responses=CHANGE)
async def trash_card(card_id: uuid.UUID, body: TrashBody, ctx: Ctx = access("merchant", "loyalty.card.trash")) -> DeletionAnswer:
    """Put a card away, with a reason: no terminal, page, task or mail reaches it, its history stays. Doing it twice changes nothing."""
    return await show_deletion(ctx, await trash_service.trash_card(ctx, card_id, reason=body.reason))


@router.post("/cards/{card_id}/restore", summary="Restore a card", responses=CHANGE)
async def restore_card(card_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.card.trash")) -> MerchantCard:
    """Take a card out of the trash as it was. 409 names the card that its holder has got meanwhile."""
    await trash_service.restore_card(ctx, card_id)
    return (await show(ctx, [await card_service.get_card_for_store(ctx, card_id)]))[0]


@router.post("/cards/{card_id}/purge", summary="Delete a card for good", status_code=204, responses=CHANGE)
async def purge_card(card_id: uuid.UUID, body: PurgeBody, ctx: Ctx = access("merchant", "loyalty.card.purge")) -> Response:
    """Delete a card in the trash for good; its number is typed to confirm. 409 for a card with transactions, which must be kept: its
    holder's personal data can be deleted instead."""
    await trash_service.purge_card(ctx, card_id, confirmation=body.confirmation)
    return Response(status_code=204)


@router.get("/programs", summary="List programs", responses=documented(400))
async def read_programs(
    ctx: Ctx = access("merchant", "loyalty.program.manage"),
    only_deleted: OnlyDeleted = False,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> ProgramList:
    """Return the live program, of which there is one at most, or those in the trash."""
    return await list_programs(ctx, only_deleted=only_deleted, cursor=cursor)


@router.post("/programs/{program_id}/trash", summary="Move a program to the trash", responses=CHANGE)
async def trash_program(program_id: uuid.UUID, body: TrashBody, ctx: Ctx = access("merchant", "loyalty.program.trash")) -> DeletionAnswer:
    """Put the program away with all its cards, with a reason. Nothing can be earned or redeemed from then on; another program can be
    made. Balances and history stay, and come back with it."""
    return await show_deletion(ctx, await trash_service.trash_program(ctx, program_id, reason=body.reason))


@router.post("/programs/{program_id}/restore", summary="Restore a program", responses=CHANGE)
async def restore_program(program_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.program.trash")) -> ProgramAnswer:
    """Take a program out of the trash with the cards that went with it. 409 names the program that runs now."""
    await trash_service.restore_program(ctx, program_id)
    return program_answer(await programs.get_program(ctx))


@router.post("/programs/{program_id}/purge", summary="Delete a program for good", status_code=204, responses=CHANGE)
async def purge_program(program_id: uuid.UUID, body: PurgeBody, ctx: Ctx = access("merchant", "loyalty.program.purge")) -> Response:
    """Delete a program in the trash for good, with its rewards and cards; its name is typed to confirm. 409 where a card of it has
    transactions, which must be kept."""
    await trash_service.purge_program(ctx, program_id, confirmation=body.confirmation)
    return Response(status_code=204)
