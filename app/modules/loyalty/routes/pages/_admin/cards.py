"""Cards of all merchants: listed, found by number, code or e-mail, and each with its holder and history."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import PlatformCtx
from app.core.i18n import _
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.lists import Age, page_links, sort_heads
from app.core.web.trash import OnlyDeleted, TrashItem, deleted_by, trash_values
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.domain.enums import CardStatus
from app.modules.loyalty.domain.program import stamp_progress
from app.modules.loyalty.queries import programs
from app.modules.loyalty.routes.pages._admin.frame import API, PAGE, OfMerchant, Search, merchant_values, show
from app.modules.loyalty.routes.pages._merchant import views
from app.modules.loyalty.routes.pages._panel_values import STATUS_WORDS, card_values
from app.modules.loyalty.services import platform_service
from app.modules.loyalty.services.platform_service import CardsWanted, HeldCard
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/admin/cards", tags=["Loyalty - Admin pages"], include_in_schema=False)
READ: Any = access("admin", "loyalty.platform.read")
StatusChoice = Annotated[CardStatus | Literal[""], Query(alias="status")]


@router.get("", summary="The cards of all merchants")
async def list_cards(
    request: Request,
    ctx: PlatformCtx = READ,
    q: Search = "",
    merchant: OfMerchant = "",
    status: StatusChoice = "",
    only_deleted: OnlyDeleted = False,
    sort: Age = "-created",
    cursor: Cursor | None = None,
) -> Response:
    """Show cards, the newest first, or those in the trash; search, filters and page are in the address."""
    wanted = CardsWanted(text=q, merchant_id=merchant or None, status=status or None, only_deleted=only_deleted)
    page = await platform_service.list_cards(ctx, wanted, sort=sort, cursor=cursor, limit=PAGE)
    merchants = await merchant_values(ctx, merchant or None, {item.found.merchant_id for item in page.items})
    if only_deleted:
        items = _trash_items(page.items, merchants["merchant_names"])
        trash = await trash_values(request, ctx, page, items, tenancy.names_of_deleters, may_purge=True)
        restore_many = f"{API}/{merchant}/cards/restore" if merchant else None
        return show(request, ctx, "cards-trash", wanted=wanted, restore_many=restore_many, zone="UTC", **trash, **merchants)
    return show(
        request,
        ctx,
        "cards",
        rows=[_row(item) for item in page.items],
        wanted=wanted,
        sort=sort,
        heads={} if q else sort_heads(request, sort, ["-created"]),
        needs_merchant=platform_service.needs_merchant(q, merchant or None),
        is_filtered=bool(q or merchant or status),
        status_choices=[(item.value, _(name)) for item, name in views.STATUS_NAMES.items()],
        **STATUS_WORDS,
        **merchants,
        **page_links(request, page),
    )


def _trash_items(found: Sequence[HeldCard], merchant_names: Mapping[uuid.UUID, str]) -> list[TrashItem]:
    return [
        TrashItem(
            item.found.card.id,
            f"{views.person_name(item.customer)}, {format_number(item.found.card.card_number)}",
            merchant_names.get(item.found.merchant_id, ""),
            item.found.deletion,
            f"{API}/{item.found.merchant_id}/cards/{item.found.card.id}",
            typed=format_number(item.found.card.card_number),
        )
        for item in found
        if item.found.deletion
    ]


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
    merchants = await tenancy.find_merchant_names(ctx, {found.merchant_id})
    return show(
        request,
        ctx,
        "card",
        **await card_values(request, inside, found.card, held.customer, cursor=cursor),
        found=found,
        customer=held.customer,
        merchant_id=found.merchant_id,
        merchant_name_shown=merchants.get(found.merchant_id, "–"),
        program=await programs.find_program(inside),
        deleted_by=deleted_by(found.deletion, await tenancy.names_of_deleters(ctx, [found.deletion])) if found.deletion else None,
        zone=str(await tenancy.merchant_zone(inside)),
    )
