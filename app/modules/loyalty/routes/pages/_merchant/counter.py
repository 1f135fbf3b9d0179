"""The people at the counter with their PINs, and the terminals."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web.deps import access
from app.modules.loyalty.queries import pins
from app.modules.loyalty.routes.pages._merchant.panel import open_stores, options, read_store_choice, show
from app.modules.loyalty.services import store_scope, terminal_service
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/merchants", tags=["Loyalty - Merchant pages"], include_in_schema=False)
PINS: Any = access("merchant", "loyalty.pin.manage")
TERMINALS: Any = access("merchant", "loyalty.terminal.manage")
StoreChoice = Annotated[str, Query(max_length=36, description="Only this store; empty is all.")]


async def chosen_store(ctx: Ctx, text: str) -> uuid.UUID | None:
    """Return the store that a filter names, None for all; StoreNotFoundException for one that is not the caller's."""
    store_id = read_store_choice(text)
    if store_id is not None:
        await store_scope.require_store(ctx, store_id)
    return store_id


@router.get("/staff", summary="Staff and PINs")
async def staff(request: Request, ctx: Ctx = PINS, store: StoreChoice = "") -> Response:
    """Show who opens the terminals, by store."""
    store_id = await chosen_store(ctx, store)
    found = await pins.list_pins(ctx, store_id or ctx.actor.store_id)
    stores = await open_stores(ctx)
    names = await tenancy.find_store_names(ctx, {pin.store_id for pin in found})
    groups = [(names[place], [pin for pin in found if pin.store_id == place]) for place in sorted(names, key=lambda place: names[place])]
    return await show(
        request,
        ctx,
        "staff",
        groups=groups,
        stores=options(stores),
        store=str(store_id or ""),
        rules=await pins.get_pin_settings(ctx),
    )


@router.get("/terminals", summary="The terminals")
async def terminals(request: Request, ctx: Ctx = TERMINALS) -> Response:
    """Show the paired terminals and when each was last seen."""
    found = await terminal_service.list_terminals(ctx)
    return await show(
        request,
        ctx,
        "terminals",
        terminals=found,
        store_names=await tenancy.find_store_names(ctx, {seen.terminal.store_id for seen in found}),
        stores=options(await open_stores(ctx)),
        lifetime_seconds=int(tenancy.pairing_code.LIFETIME.total_seconds()),
        terminal_address=f"{request.app.state.settings.base_url.rstrip('/')}/store/terminal",
    )
