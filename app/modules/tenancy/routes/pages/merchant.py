"""Pages of the merchant's panel that are tenancy's: one's own account, the team, the business itself. They only read."""

import datetime as dt
import zoneinfo
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.i18n import N_, _
from app.core.web import pages
from app.core.web.deps import access
from app.modules.tenancy.domain.roles import MERCHANT_ROLES, UserRole, assignable_roles
from app.modules.tenancy.queries import users as user_queries
from app.modules.tenancy.services import api_key_service, panel_service, store_service, user_service

router = APIRouter(prefix="/merchants", tags=["Tenancy - Merchant pages"], include_in_schema=False)
PROFILE: Any = access("merchant", "tenancy.profile.view")
TEAM: Any = access("merchant", "tenancy.member.view")
KEYS: Any = access("merchant", "tenancy.api_key.manage")
BUSINESS: Any = access("merchant", "tenancy.profile.edit")
ROLE_NAMES = {UserRole.OWNER: N_("Owner"), UserRole.MANAGER: N_("Manager"), UserRole.STAFF: N_("Staff")}
ROLE_RIGHTS = {
    UserRole.OWNER: N_("Everything, also stores, the team and the business itself"),
    UserRole.MANAGER: N_("Program, staff, terminals, cards and settings"),
    UserRole.STAFF: N_("The terminal at the counter"),
}
KEY_RIGHTS = {
    UserRole.OWNER: N_("Everything that you may do yourself"),
    UserRole.MANAGER: N_("Program, cards, customers and settings"),
    UserRole.STAFF: N_("What a till does: stamp, collect, redeem"),
}
KEY_LIFETIMES = ((90, N_("Three months")), (365, N_("One year")), (30, N_("One month")))
ZONES = sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right")))


async def show(request: Request, ctx: Ctx, template: str, **values: Any) -> Response:
    """Return a page of the panel with the frame around it."""
    panel = await panel_service.get_panel(ctx)
    return pages.render(request, f"tenancy/{template}.html", ctx=ctx, face="merchant", **panel.values(), **values)


@router.get("/account", summary="One's own account")
async def account(request: Request, ctx: Ctx = PROFILE) -> Response:
    """Show one's name, language and the form for a new password."""
    contact = await user_queries.find_contact(ctx.conn, ctx.actor.user_id) if ctx.actor.user_id else None
    email, user_locale = contact or ("", ctx.locale)
    return await show(request, ctx, "account", email=email, user_locale=user_locale)


@router.get("/team", summary="The team")
async def team(request: Request, ctx: Ctx = TEAM) -> Response:
    """Show who belongs to the team, and the forms to add, change and remove people, as far as the caller may."""
    stores = await store_service.list_stores(ctx, include_closed=True)
    allowed = assignable_roles(UserRole(ctx.actor.role))
    bound_to = ctx.actor.store_id
    places = [(str(store.id), store.name) for store in stores if store.is_open and bound_to in (None, store.id)]
    return await show(
        request,
        ctx,
        "team",
        members=await user_service.list_members(ctx),
        store_names={store.id: store.name for store in stores},
        store_options=places if bound_to else [("", _("All stores")), *places],
        role_names={role.value: _(name) for role, name in ROLE_NAMES.items()},
        roles=[(role.value, _(ROLE_NAMES[role]), _(ROLE_RIGHTS[role])) for role in reversed(MERCHANT_ROLES) if role in allowed],
    )


@router.get("/keys", summary="Keys for scripts")
async def keys(request: Request, ctx: Ctx = KEYS) -> Response:
    """Show the keys that work and the form to make one; a secret is shown once, right after it was made."""
    stores = await store_service.list_stores(ctx, include_closed=True)
    found = await api_key_service.list_api_keys(ctx)
    rights = [(role.value, _(ROLE_NAMES[role]), _(KEY_RIGHTS[role])) for role in reversed(MERCHANT_ROLES)]
    return await show(
        request,
        ctx,
        "keys",
        keys=found,
        store_names={store.id: store.name for store in stores},
        user_names=await user_queries.find_names(ctx.conn, ctx.merchant_id, {key.user_id for key in found}),
        store_options=[("", _("All stores")), *((str(store.id), store.name) for store in stores if store.is_open)],
        role_names={role.value: _(name) for role, name in ROLE_NAMES.items()},
        roles=rights,
        lifetimes=[((ctx.now + dt.timedelta(days=days)).isoformat(timespec="seconds"), _(name)) for days, name in KEY_LIFETIMES],
    )


@router.get("/settings/business", summary="The business itself")
async def business(request: Request, ctx: Ctx = BUSINESS) -> Response:
    """Show the merchant's name, contact, language and time zone."""
    return await show(request, ctx, "business", zones=[(zone, zone.replace("_", " ")) for zone in ZONES])
