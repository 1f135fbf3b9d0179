"""Cards of all merchants: listed, found by number, code or e-mail, and each with its holder and history."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import PlatformCtx
from app.core.i18n import _
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.lists import page_links, sort_heads, with_filter
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.domain.enums import CardStatus
from app.modules.loyalty.domain.program import stamp_progress
from app.modules.loyalty.queries import programs, transactions
from app.modules.loyalty.routes.pages._admin.frame import PAGE, OfMerchant, OnlyDeleted, Search, merchant_values, show
from app.modules.loyalty.routes.pages._merchant import views
from app.modules.loyalty.services import platform_service
from app.modules.loyalty.services.platform_service import CardsWanted, HeldCard
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/admin/cards", tags=["Loyalty - Admin pages"], include_in_schema=False)
READ: Any = access("admin", "loyalty.platform.read")
StatusChoice = Annotated[CardStatus | Literal[""], Query(alias="status")]
Sort = Annotated[Literal["-created", "created"], Query()]


@router.get("", summary="The cards of all merchants")
async def list_cards(
    request: Request,
    ctx: PlatformCtx = READ,
    q: Search = "",
    merchant: OfMerchant = "",
    status: StatusChoice = "",
    only_deleted: OnlyDeleted = False,
    sort: Sort = "-created",
    cursor: Cursor | None = None,
) -> Response:
    """Show cards, the newest first, or those in the trash; search, filters and page are in the address."""
    wanted = CardsWanted(text=q, merchant_id=merchant or None, status=status or None, only_deleted=only_deleted)
    page = await platform_service.list_cards(ctx, wanted, sort=sort, cursor=cursor, limit=PAGE)
    deleters = {item.found.deleted_by_user_id for item in page.items}
    return show(
        request,
        ctx,
        "cards",
        rows=[_row(item) for item in page.items],
        wanted=wanted,
        sort=sort,
        heads={} if q or only_deleted else sort_heads(request, sort, ["-created"]),
        needs_merchant=platform_service.needs_merchant(q, merchant or None),
        is_filtered=bool(q or merchant or status),
        tab_hrefs={"live": with_filter(request, only_deleted=None), "trash": with_filter(request, only_deleted="true", sort=None)},
        status_choices=[(item.value, _(name)) for item, name in views.STATUS_NAMES.items()],
        status_names=views.STATUS_NAMES,
        status_kinds=views.STATUS_KINDS,
        user_names=await tenancy.find_names_of_users(ctx, {user_id for user_id in deleters if user_id}),
        **await merchant_values(ctx, merchant or None, {item.found.merchant_id for item in page.items}),
        **page_links(request, page.next_cursor, page.previous_cursor),
    )


def _row(item: HeldCard) -> dict[str, Any]:
    card = item.found.card
    return {
        "found": item.found,
        "card": card,
        "person": views.person_name(item.customer),
        "email": item.customer.email if item.customer else None,
        "number": format_number(card.card_number),
        "progress": stamp_progress(card.state),
    }


@router.get("/{card_id}", summary="A card of any merchant")
async def read_card(request: Request, card_id: uuid.UUID, ctx: PlatformCtx = READ, cursor: Cursor | None = None) -> Response:
    """Show a card with its holder, balances and history, also one in the trash."""
    held = await platform_service.get_card(ctx, card_id)
    found = held.found
    inside = tenancy.act_for_merchant(ctx, found.merchant_id)
    page = await transactions.list_history(inside, card_id, cursor=cursor, limit=PAGE)
    stores = {found.card.enrolled_at_store_id, *(row.store_id for row in page.items if row.store_id)}
    names = await tenancy.find_store_names(inside, stores)
    merchants = await tenancy.find_merchant_names(ctx, {found.merchant_id})
    by = found.deleted_by_user_id
    return show(
        request,
        ctx,
        "card",
        **_row(held),
        customer=held.customer,
        merchant_id=found.merchant_id,
        merchant_name_shown=merchants.get(found.merchant_id, "–"),
        program=await programs.find_program(inside),
        entries=views.entries(page.items, names),
        store_names=names,
        status_names=views.STATUS_NAMES,
        status_kinds=views.STATUS_KINDS,
        user_names=await tenancy.find_names_of_users(ctx, {by} if by else set()),
        zone=str(await tenancy.merchant_zone(inside)),
        **page_links(request, page.next_cursor),
    )
