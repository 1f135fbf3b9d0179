"""Merchants: made, opened and suspended by the platform; described by themselves."""

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.core import audit, pagination
from app.core.context import Ctx, PlatformCtx, Principal
from app.core.errors import Forbidden
from app.core.ids import new_id
from app.core.pagination import Page
from app.modules.tenancy.domain import zones
from app.modules.tenancy.domain.email_address import require_email
from app.modules.tenancy.errors import MerchantInactiveException, MerchantNotFoundException
from app.modules.tenancy.events import MerchantCreated
from app.modules.tenancy.models import Merchant
from app.modules.tenancy.queries import merchants as merchant_queries
from app.modules.tenancy.queries import sessions as session_queries
from app.modules.tenancy.queries.merchants import MerchantSummary, MerchantView
from app.modules.tenancy.queries.stores import StoreView
from app.modules.tenancy.queries.users import MemberView
from app.modules.tenancy.services import store_service, user_service

CHANGEABLE = frozenset({"name", "contact_email", "time_zone", "locale"})


@dataclasses.dataclass(frozen=True, slots=True)
class NewMerchant:
    """A merchant just made, with its first store and owner."""

    merchant: MerchantView
    store: StoreView
    owner: MemberView


def act_for_merchant(ctx: PlatformCtx, merchant_id: uuid.UUID) -> Ctx:
    """Return a context of the same transaction within `merchant_id`, for the platform's admin (G6); the merchant must exist.

    The admin is noted as `acting_admin_id`. The transaction stays orion_platform's, which row-level security does not confine:
    every statement run with it must name the merchant.
    """
    actor = admin_acting_for(ctx, merchant_id).actor
    return Ctx(ctx.connection, ctx.conn, actor, ctx.now, ctx.request_id, ctx.locale, ctx._state, merchant_id)


def admin_acting_for(ctx: PlatformCtx, merchant_id: uuid.UUID) -> Principal:
    """Return the platform's admin as somebody who acts within `merchant_id`, noted as `acting_admin_id`; Forbidden for others."""
    if ctx.actor.role != "admin":
        raise Forbidden
    return Principal(dataclasses.replace(ctx.actor, acting_admin_id=ctx.actor.user_id), merchant_id, ctx.locale)


async def open_for_admin(ctx: PlatformCtx, merchant_id: uuid.UUID) -> Ctx:
    """Like `act_for_merchant`; MerchantNotFoundException when there is no such merchant."""
    await merchant_queries.get_merchant(ctx.conn, merchant_id)
    return act_for_merchant(ctx, merchant_id)


async def enter_merchant(ctx: PlatformCtx, merchant_id: uuid.UUID) -> None:
    """Let the admin's session work in the merchant's panel on their behalf, until it leaves. The right is read on every request.

    Raises MerchantNotFoundException, MerchantInactiveException for a suspended one. Noted in the merchant's audit log.
    """
    merchant = await merchant_queries.get_merchant(ctx.conn, merchant_id)
    if not merchant.is_active:
        raise MerchantInactiveException
    await _leave(ctx)
    if ctx.actor.session_id is not None:
        await session_queries.set_merchant(ctx.conn, ctx.actor.session_id, merchant_id)
    await audit.record(act_for_merchant(ctx, merchant_id), "tenancy.merchant.entered", "merchant", merchant_id)


async def leave_merchant(ctx: PlatformCtx) -> None:
    """Let the admin's session work in no merchant's panel any more; nothing happens when it does not."""
    await _leave(ctx)
    if ctx.actor.session_id is not None:
        await session_queries.set_merchant(ctx.conn, ctx.actor.session_id, None)


async def _leave(ctx: PlatformCtx) -> None:
    state = await session_queries.find_state(ctx.conn, ctx.actor.session_id)
    if state.merchant_id is not None:
        await audit.record(act_for_merchant(ctx, state.merchant_id), "tenancy.merchant.left", "merchant", state.merchant_id)


async def create_merchant(
    ctx: PlatformCtx,
    *,
    name: str,
    time_zone: str,
    locale: str,
    owner_email: str,
    owner_name: str,
    store: Mapping[str, Any],
    contact_email: str | None = None,
    currency: str = "EUR",
) -> NewMerchant:
    """Make an active merchant with its first store and owner, who is sent a link to set a password unless they have one.

    `store` holds the arguments of `store_service.create_store`. Raises its errors, ZoneInvalidException, EmailInvalidException.
    """
    zones.require_zone(time_zone, field="time_zone")
    merchant = Merchant(
        id=new_id(),
        name=name,
        contact_email=require_email(contact_email, field="contact_email") if contact_email else None,
        time_zone=time_zone,
        locale=locale,
        currency=currency,
        status="active",
        created_at=ctx.now,
    )
    ctx.session.add(merchant)
    await ctx.session.flush()
    inside = act_for_merchant(ctx, merchant.id)
    await audit.record(inside, "tenancy.merchant.created", "merchant", merchant.id)
    inside.emit(MerchantCreated(merchant.id))
    first_store = await store_service.create_store(inside, **{"time_zone": time_zone, "locale": locale} | dict(store))
    owner = await user_service.invite_member(inside, email=owner_email, display_name=owner_name, role="owner", locale=locale)
    return NewMerchant(await merchant_queries.get_merchant(ctx.conn, merchant.id), first_store, owner)


async def open_merchant(ctx: PlatformCtx, merchant_id: uuid.UUID) -> MerchantView:
    """Let a suspended merchant work again; return it. MerchantNotFoundException."""
    return await _set_status(ctx, merchant_id, "active")


async def suspend_merchant(ctx: PlatformCtx, merchant_id: uuid.UUID) -> MerchantView:
    """Deactivate a merchant: every face of it is closed from the next request on, nothing is deleted. Return it."""
    return await _set_status(ctx, merchant_id, "suspended")


async def _set_status(ctx: PlatformCtx, merchant_id: uuid.UUID, status: str) -> MerchantView:
    merchant = await _get(ctx, merchant_id)
    if merchant.status != status:
        merchant.status = status
        merchant.suspended_at = ctx.now if status == "suspended" else None
        await ctx.session.flush()
        action = "tenancy.merchant.suspended" if status == "suspended" else "tenancy.merchant.opened"
        await audit.record(act_for_merchant(ctx, merchant_id), action, "merchant", merchant_id)
    return await merchant_queries.get_merchant(ctx.conn, merchant_id)


async def update_merchant(ctx: Ctx, changes: Mapping[str, Any]) -> MerchantView:
    """Change the named fields of the context's merchant and return it. ZoneInvalidException, EmailInvalidException."""
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise ValueError(f"a merchant's {', '.join(sorted(unknown))} cannot be changed")
    merchant = await _get(ctx, ctx.merchant_id)
    values = dict(changes)
    if "time_zone" in values:
        zones.require_zone(values["time_zone"], field="time_zone")
    if values.get("contact_email"):
        values["contact_email"] = require_email(values["contact_email"], field="contact_email")
    changed = {name: value for name, value in values.items() if getattr(merchant, name) != value}
    for name, value in changed.items():
        setattr(merchant, name, value)
    await ctx.session.flush()
    if changed:
        await audit.record(ctx, "tenancy.merchant.updated", "merchant", ctx.merchant_id, fields=sorted(changed))
    return await merchant_queries.get_merchant(ctx.conn, ctx.merchant_id)


async def find_merchant(ctx: Ctx) -> MerchantView | None:
    """Return the context's merchant, or None while it lies in the trash: its last tasks still run, and have nothing to do."""
    return await merchant_queries.find_merchant(ctx.conn, ctx.merchant_id)


async def get_merchant(ctx: Ctx) -> MerchantView:
    """Return the context's merchant."""
    return await merchant_queries.get_merchant(ctx.conn, ctx.merchant_id)


async def list_merchants(
    ctx: PlatformCtx,
    *,
    search: str | None = None,
    status: str | None = None,
    sort: str = "name",
    cursor: str | None = None,
    limit: int = pagination.DEFAULT_PAGE,
) -> Page[MerchantSummary]:
    """Return a page of merchants, by name or as `sort` says. `search` looks in name, contact, store names and codes. BadCursor."""
    return await merchant_queries.list_merchants(ctx.conn, search=search, status=status, sort=sort, cursor=cursor, limit=limit)


async def list_zones(ctx: PlatformCtx) -> list[tuple[uuid.UUID, str]]:
    """Return every active merchant with its IANA zone, for what happens once a day in each."""
    return await merchant_queries.list_zones(ctx.conn)


async def _get(ctx: Ctx | PlatformCtx, merchant_id: uuid.UUID) -> Merchant:
    statement = select(Merchant).where(Merchant.id == merchant_id, Merchant.deleted_at.is_(None))
    merchant = (await ctx.session.scalars(statement)).one_or_none()
    if merchant is None:
        raise MerchantNotFoundException
    return merchant
