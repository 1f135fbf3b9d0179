"""The frame of loyalty's pages in the merchant's panel."""

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web import pages
from app.modules.tenancy import public as tenancy


async def show(request: Request, ctx: Ctx, template: str, **values: Any) -> Response:
    """Return the page loyalty/merchant/`template`.html with the panel's navigation, the merchant, their zone and who is signed in."""
    panel = await tenancy.get_panel(ctx)
    return pages.render(request, f"loyalty/merchant/{template}.html", ctx=ctx, face="merchant", **panel.values() | values)


async def open_stores(ctx: Ctx) -> list[tenancy.StoreView]:
    """Return the open stores that the caller may manage, by name: all, or the one they are bound to."""
    return [store for store in await tenancy.list_stores(ctx) if ctx.actor.store_id in (None, store.id)]


def read_store_choice(text: str) -> uuid.UUID | None:
    """Return the store that a filter names, None for all; StoreNotFoundException for what is no id at all."""
    try:
        return uuid.UUID(text) if text else None
    except ValueError as error:
        raise tenancy.StoreNotFoundException from error


def options(stores: list[tenancy.StoreView]) -> list[tuple[str, str]]:
    """Return stores as the choices of a field."""
    return [(str(store.id), store.name) for store in stores]
