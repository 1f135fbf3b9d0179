"""Cards: found, listed, read with their history, corrected."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core import permissions
from app.core.context import Ctx
from app.core.pagination import Page
from app.core.web.deps import access
from app.core.web.fields import Cursor, OptionalLine
from app.core.web.lists import page_links, sort_heads
from app.core.web.trash import OnlyDeleted
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.domain.enums import CardStatus, VoidPolicy
from app.modules.loyalty.domain.program import stamp_progress
from app.modules.loyalty.queries import cards as card_queries
from app.modules.loyalty.queries import programs, rewards
from app.modules.loyalty.routes.pages._merchant import trash, views
from app.modules.loyalty.routes.pages._merchant.counter import StoreChoice
from app.modules.loyalty.routes.pages._merchant.panel import open_stores, options, read_store_choice, show
from app.modules.loyalty.routes.pages._panel_values import STATUS_WORDS, card_values
from app.modules.loyalty.routes.pages._qr import qr_image
from app.modules.loyalty.services import card_service, store_scope
from app.modules.loyalty.services.card_service import FoundCard
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/merchants", tags=["Loyalty - Merchant pages"], include_in_schema=False)
READ: Any = access("merchant", "loyalty.card.read")
PAGE = 25
Search = Annotated[OptionalLine, Query(alias="q", description="Card number, QR content, e-mail, phone number or name.")]
StatusChoice = Annotated[str, Query(max_length=20, description="A status of cards; empty is all.")]
Place = Annotated[Cursor | None, Query()]
PointsChoice = Annotated[str, Query(pattern="^[0-9]{0,7}$", description="At least so many points; empty is no matter.")]


@router.get("/cards", summary="The cards")
async def list_cards(
    request: Request,
    ctx: Ctx = READ,
    q: Search = "",
    store: StoreChoice = "",
    status: StatusChoice = "",
    points: PointsChoice = "",
    sort: StatusChoice = "",
    only_deleted: OnlyDeleted = False,
    cursor: Place = None,
) -> Response:
    """Show the cards that the search and the filters name, or those of them in the trash; all is kept in the address."""
    if only_deleted:
        return await trash.show_cards(request, ctx, text=q, store=store, cursor=cursor)
    wanted = next((item for item in CardStatus if item.value == status), None)
    place = await store_scope.choose_card_store(ctx, read_store_choice(store))
    order = next((item for item in card_queries.CardSort if item.value == sort), card_queries.CardSort.NEWEST)
    if q:
        page = Page(await _search(ctx, q, place, wanted, int(points or 0)))
    else:
        cards = await card_queries.list_cards(
            ctx, store_id=place, status=wanted, min_points=int(points) if points else None, sort=order, cursor=cursor, limit=PAGE
        )
        page = Page(await card_service.with_customers(ctx, cards.items), cards.next_cursor, cards.previous_cursor)
    found = page.items
    given = {"q": q, "store": store, "status": wanted.value if wanted else "", "points": points}
    filters = {name: value for name, value in given.items() if value}
    names = await tenancy.find_store_names(ctx, {item.card.enrolled_at_store_id for item in found})
    return await show(
        request,
        ctx,
        "cards",
        rows=[
            (item, views.person_name(item.customer), format_number(item.card.card_number), stamp_progress(item.card.state))
            for item in found
        ],
        store_names=names,
        **STATUS_WORDS,
        stores=options(await open_stores(ctx)),
        filters=filters,
        sort=order.value,
        heads={} if q else sort_heads(request, order.value, [card_queries.CardSort.NEWEST]),
        **page_links(request, page),
        program=await programs.find_program(ctx),
        may_trash=permissions.is_allowed("loyalty.card.trash", ctx.actor.role),
        may_bulk=permissions.is_allowed("loyalty.card.bulk", ctx.actor.role, bound_to=ctx.actor.store_id),
    )


async def _search(ctx: Ctx, text: str, store_id: uuid.UUID | None, status: CardStatus | None, min_points: int) -> list[FoundCard]:
    found = await card_service.search_card_for_store(ctx, text=text, store_id=store_id)
    return [
        item
        for item in found
        if store_id in (None, item.card.enrolled_at_store_id)
        and status in (None, item.card.status)
        and item.card.state.points_balance >= min_points
    ]


@router.get("/cards/{card_id}", summary="A card")
async def read_card(request: Request, card_id: uuid.UUID, ctx: Ctx = READ, cursor: Place = None) -> Response:
    """Show a card with its holder, its balances, and why each number is as it is."""
    found = await card_service.get_card_for_store(ctx, card_id)
    program = await programs.find_program(ctx)
    offered = await rewards.list_rewards(ctx, program.id, only_active=True) if program else []
    merchant = await tenancy.get_merchant(ctx)
    policy = (await programs.get_settings(ctx)).void_policy
    return await show(
        request,
        ctx,
        "card",
        found=found,
        **await card_values(request, ctx, found.card, found.customer, cursor=cursor),
        picture=views.card_picture(found, program, offered, merchant.name),
        may_correct=permissions.is_allowed("loyalty.points.correct", ctx.actor.role) and found.card.status is not CardStatus.MERGED,
        may_trash=permissions.is_allowed("loyalty.card.trash", ctx.actor.role) and found.card.status is not CardStatus.MERGED,
        may_see_person=permissions.is_allowed("loyalty.customer.read", ctx.actor.role),
        may_see_audit=permissions.is_allowed("loyalty.audit.read", ctx.actor.role, bound_to=ctx.actor.store_id),
        is_blocking=policy is VoidPolicy.BLOCK,
    )


@router.get("/cards/{card_id}/qr.svg", summary="The code of a card")
async def card_code(card_id: uuid.UUID, ctx: Ctx = READ) -> Response:
    """Return the card's code as an image."""
    return qr_image((await card_service.get_card_for_store(ctx, card_id)).card.qr_token)
