"""The merchant's trash: cards, stores and programs, each as the other half of its list."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.core import permissions
from app.core.context import Ctx
from app.core.pagination import Page
from app.core.web.trash import TrashItem, require_right, trash_values
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.routes.pages._merchant import views
from app.modules.loyalty.routes.pages._merchant.panel import open_stores, options, read_store_choice, show
from app.modules.loyalty.services import card_service, trash_service
from app.modules.tenancy import public as tenancy

CARDS = "/api/v1/merchants/loyalty/cards"
PROGRAMS = "/api/v1/merchants/loyalty/programs"
STORES = "/api/v1/merchants/tenancy/stores"


async def show_cards(request: Request, ctx: Ctx, *, text: str, store: str, cursor: str | None) -> Response:
    """Show the cards in the trash that the search and the filter name."""
    require_right(ctx, "loyalty.card.trash")
    page = await trash_service.list_trashed_cards(ctx, store_id=read_store_choice(store), text=text or None, cursor=cursor)
    found = await card_service.with_customers(ctx, [item.card for item in page.items])
    items = [
        TrashItem(
            item.card.id,
            views.person_name(person.customer),
            f"{format_number(item.card.card_number)} · {item.program_name}",
            item.deletion,
            f"{CARDS}/{item.card.id}",
            typed=format_number(item.card.card_number),
        )
        for person, item in zip(found, page.items, strict=True)
    ]
    filters = {name: value for name, value in (("q", text), ("store", store)) if value}
    stores = options(await open_stores(ctx))
    return await _show(request, ctx, "card-trash", "loyalty.card.purge", page, items, filters=filters, stores=stores)


async def show_stores(request: Request, ctx: Ctx, *, cursor: str | None) -> Response:
    """Show the stores in the trash."""
    require_right(ctx, "tenancy.store.trash")
    page = await tenancy.list_trashed_stores(ctx, cursor=cursor)
    items = [
        TrashItem(
            item.store.id,
            item.store.name,
            f"{item.store.address_line}, {item.store.postal_code} {item.store.city}",
            item.deletion,
            f"{STORES}/{item.store.id}",
        )
        for item in page.items
    ]
    return await _show(request, ctx, "store-trash", "tenancy.store.purge", page, items)


async def show_programs(request: Request, ctx: Ctx, *, cursor: str | None) -> Response:
    """Show the programs in the trash."""
    require_right(ctx, "loyalty.program.trash")
    page = await trash_service.list_trashed_programs(ctx, cursor=cursor)
    items = [TrashItem(item.id, item.name, item.card_name, item.deletion, f"{PROGRAMS}/{item.id}") for item in page.items]
    return await _show(request, ctx, "program-trash", "loyalty.program.purge", page, items)


async def _show(
    request: Request, ctx: Ctx, template: str, purge: str, page: Page[Any], items: Sequence[TrashItem], **values: Any
) -> Response:
    """Show `items` of the trash; `purge` is the permission to delete one of them for good."""
    may_purge = permissions.is_allowed(purge, ctx.actor.role, bound_to=ctx.actor.store_id)
    values |= await trash_values(request, ctx, page, items, tenancy.names_of_deleters, may_purge=may_purge)
    return await show(request, ctx, template, **values)
