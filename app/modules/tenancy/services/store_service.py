"""Stores of a merchant: made, changed, closed and opened again. A closed store keeps its history; nothing happens there."""

import uuid
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core import audit
from app.core.context import Ctx
from app.core.errors import Forbidden
from app.core.ids import new_id
from app.modules.tenancy.domain import store_code, zones
from app.modules.tenancy.errors import StoreCodeTakenException, StoreNotFoundException
from app.modules.tenancy.events import StoreClosed, StoreCreated
from app.modules.tenancy.models import Store
from app.modules.tenancy.queries import stores as store_queries
from app.modules.tenancy.queries.stores import StoreView

CODE_ATTEMPTS = 50
CHANGEABLE = frozenset({"name", "address_line", "postal_code", "city", "country", "time_zone", "locale", "phone", "opening_text"})


async def create_store(
    ctx: Ctx,
    *,
    name: str,
    address_line: str,
    postal_code: str,
    city: str,
    country: str = "LU",
    time_zone: str,
    locale: str,
    phone: str | None = None,
    opening_text: str | None = None,
    code: str | None = None,
) -> StoreView:
    """Open a store and return it. Without `code` one is made from name and city.

    Raises StoreCodeInvalidException, StoreCodeTakenException, ZoneInvalidException.
    """
    zones.require_zone(time_zone, field="time_zone")
    store = Store(
        merchant_id=ctx.merchant_id,
        code=await _choose_code(ctx, code, f"{name} {city}" if city.casefold() not in name.casefold() else name),
        name=name,
        address_line=address_line,
        postal_code=postal_code,
        city=city,
        country=country,
        time_zone=time_zone,
        locale=locale,
        phone=phone,
        opening_text=opening_text,
        status="open",
        created_at=ctx.now,
    )
    ctx.session.add(store)
    try:
        await ctx.session.flush()
    except IntegrityError as error:
        raise StoreCodeTakenException from error  # a rival took the code a moment ago
    await audit.record(ctx, "tenancy.store.created", "store", store.id, code=store.code)
    ctx.emit(StoreCreated(store.id))
    return await store_queries.get_store(ctx.conn, ctx.merchant_id, store.id)


async def update_store(ctx: Ctx, store_id: uuid.UUID, changes: Mapping[str, Any]) -> StoreView:
    """Change the named fields and return the store. Its code stays: it is printed on posters.

    Raises StoreNotFoundException, ZoneInvalidException, Forbidden for somebody who works at another store only.
    """
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise ValueError(f"a store's {', '.join(sorted(unknown))} cannot be changed")
    store = await _get_own(ctx, store_id)
    if "time_zone" in changes:
        zones.require_zone(changes["time_zone"], field="time_zone")
    changed = {name: value for name, value in changes.items() if getattr(store, name) != value}
    for name, value in changed.items():
        setattr(store, name, value)
    await ctx.session.flush()
    if changed:
        await audit.record(ctx, "tenancy.store.updated", "store", store_id, fields=sorted(changed))
    return await store_queries.get_store(ctx.conn, ctx.merchant_id, store_id)


async def close_store(ctx: Ctx, store_id: uuid.UUID) -> StoreView:
    """Close the store: its terminals and its storefront stop working at once. Closing a closed store changes nothing."""
    return await _set_status(ctx, store_id, "closed")


async def reopen_store(ctx: Ctx, store_id: uuid.UUID) -> StoreView:
    """Open a closed store again; its terminals work again."""
    return await _set_status(ctx, store_id, "open")


async def get_store(ctx: Ctx, store_id: uuid.UUID) -> StoreView:
    """Return one of the merchant's stores, open or closed; StoreNotFoundException."""
    return await store_queries.get_store(ctx.conn, ctx.merchant_id, store_id)


async def list_stores(ctx: Ctx, *, include_closed: bool = False) -> list[StoreView]:
    """Return the merchant's stores by name, the open ones unless asked otherwise."""
    return await store_queries.list_stores(ctx.conn, ctx.merchant_id, include_closed=include_closed)


async def find_store_names(ctx: Ctx, store_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of those of `store_ids` that are the merchant's, closed and deleted ones too."""
    return await store_queries.find_names(ctx.conn, ctx.merchant_id, store_ids) if store_ids else {}


async def _set_status(ctx: Ctx, store_id: uuid.UUID, status: str) -> StoreView:
    store = await _get_own(ctx, store_id)
    if store.status != status:
        store.status = status
        await ctx.session.flush()
        await audit.record(ctx, "tenancy.store.closed" if status == "closed" else "tenancy.store.reopened", "store", store_id)
        if status == "closed":
            ctx.emit(StoreClosed(store_id))
    return await store_queries.get_store(ctx.conn, ctx.merchant_id, store_id)


async def _get_own(ctx: Ctx, store_id: uuid.UUID) -> Store:
    """Return the store's row for a change by somebody who may work there."""
    statement = select(Store).where(Store.merchant_id == ctx.merchant_id, Store.id == store_id, Store.deleted_at.is_(None))
    store = (await ctx.session.scalars(statement)).one_or_none()
    if store is None:
        raise StoreNotFoundException
    if ctx.actor.store_id not in (None, store_id):
        raise Forbidden
    return store


async def _choose_code(ctx: Ctx, wanted: str | None, text: str) -> str:
    """Return the wanted code if it is valid and free, or a free one made from `text`."""
    if wanted is not None:
        code = store_code.normalize_code(wanted)
        store_code.require_valid_code(code)
        if not await store_queries.is_code_free(ctx.conn, ctx.merchant_id, code):
            raise StoreCodeTakenException
        return code
    for code in islice(store_code.code_candidates(text), CODE_ATTEMPTS):
        if await store_queries.is_code_free(ctx.conn, ctx.merchant_id, code):
            return code
    return f"{store_code.FALLBACK}-{new_id().hex[-12:]}"
