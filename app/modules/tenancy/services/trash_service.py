"""The trash of merchants and stores (G1, G2).

A merchant goes with everything it has, in one act: its people are signed out and every face of it is closed from the next request
on, as every way in asks for a live merchant. Its terminals stay paired and its customers' sessions stay as they are; they work again
when it comes back. What had been in the trash before has another `deletion_id` and stays there.
"""

import uuid
from collections.abc import Collection, Sequence

import asyncpg

from app.core import audit, hooks, pagination, trash
from app.core.context import Ctx, PlatformCtx
from app.core.db import tenants
from app.core.pagination import Page
from app.core.trash import Deletion, Outcome
from app.modules.tenancy.errors import (
    LastStoreException,
    MerchantInUseException,
    StoreInUseException,
    StoreNotFoundException,
    StoreRestoreConflictException,
)
from app.modules.tenancy.queries import locks, sessions
from app.modules.tenancy.queries import trash as trash_queries
from app.modules.tenancy.queries import users as user_queries
from app.modules.tenancy.queries.locks import LockedStore
from app.modules.tenancy.queries.merchants import like_pattern
from app.modules.tenancy.queries.trash import TrashedMerchant, TrashedStore
from app.modules.tenancy.services.merchant_service import act_for_merchant


async def trash_merchant(ctx: PlatformCtx, merchant_id: uuid.UUID, *, reason: str) -> Deletion:
    """Put a merchant away with its stores and whatever other modules keep for it; return the act. Doing it twice changes nothing.

    Raises MerchantNotFoundException.
    """
    merchant = await locks.lock_merchant(ctx.conn, merchant_id)
    if merchant.deletion is not None:
        return merchant.deletion
    deletion = trash.begin(ctx, reason)
    inside = act_for_merchant(ctx, merchant_id)
    await trash_queries.trash_merchant(ctx.conn, merchant_id, deletion)
    await sessions.revoke_of_users_at(ctx.conn, merchant_id, ctx.now)
    await hooks.run("merchant_trashed", inside, deletion)
    await audit.record(inside, "tenancy.merchant.trashed", "merchant", merchant_id, reason=reason, deletion_id=deletion.id)
    return deletion


async def restore_merchant(ctx: PlatformCtx, merchant_id: uuid.UUID) -> None:
    """Take a merchant back with what went with it, and with nothing else. Restoring a live one changes nothing.

    Raises MerchantNotFoundException.
    """
    merchant = await locks.lock_merchant(ctx.conn, merchant_id)
    if merchant.deletion is None:
        return
    inside = act_for_merchant(ctx, merchant_id)
    await trash_queries.restore_merchant(ctx.conn, merchant_id, merchant.deletion.id)
    await hooks.run("merchant_restored", inside, merchant.deletion.id)
    await audit.record(inside, "tenancy.merchant.restored", "merchant", merchant_id, deletion_id=merchant.deletion.id)


async def restore_merchants(ctx: PlatformCtx, merchant_ids: Sequence[uuid.UUID]) -> list[Outcome]:
    """Take several merchants back; return what became of each."""
    return await trash.each(merchant_ids, lambda merchant_id: restore_merchant(ctx, merchant_id))


async def purge_merchant(ctx: PlatformCtx, merchant_id: uuid.UUID, *, confirmation: str) -> None:
    """Delete a merchant in the trash for good, with every row that is its own; its entries of the audit log stay.

    `confirmation` is its name, typed. Raises MerchantNotFoundException, NotInTrashException, ConfirmationWrongException, what a module
    refuses that has to keep something (a history of cards stays for ever), MerchantInUseException for consents of customers.
    """
    merchant = await locks.lock_merchant(ctx.conn, merchant_id)
    trash.require_purgeable(merchant.deletion, confirmation, merchant.name)
    await hooks.run("merchant_purging", act_for_merchant(ctx, merchant_id))
    try:
        deleted = await tenants.delete_rows(ctx.conn, merchant_id)
        await trash_queries.delete_merchant(ctx.conn, merchant_id)
    except asyncpg.IntegrityConstraintViolationError as error:
        raise MerchantInUseException from error
    await audit.record(ctx, "tenancy.merchant.purged", "merchant", merchant_id, merchant_id=merchant_id, deleted_rows=deleted)


async def list_trashed_merchants(
    ctx: PlatformCtx, *, search: str | None = None, cursor: str | None = None, limit: int = pagination.DEFAULT_PAGE
) -> Page[TrashedMerchant]:
    """Return a page of merchants in the trash, the latest first; `search` looks in name and contact. BadCursor."""
    return await trash_queries.list_merchants(ctx.conn, pattern=like_pattern(search), cursor=cursor, limit=limit)


async def trash_store(ctx: Ctx, store_id: uuid.UUID, *, reason: str) -> Deletion:
    """Put one of the merchant's stores away; return the act. Doing it twice changes nothing.

    Its terminals and its storefront stop working; cards enrolled there stay, and work at the other stores where the merchant wants
    that. Raises StoreNotFoundException, and LastStoreException for the last live one.
    """
    stores = await locks.lock_stores(ctx.conn, ctx.merchant_id)
    store = _of(stores, store_id)
    if store.deletion is not None:
        return store.deletion
    if sum(other.deletion is None for other in stores.values()) == 1:
        raise LastStoreException
    deletion = trash.begin(ctx, reason)
    await trash_queries.trash_stores(ctx.conn, ctx.merchant_id, deletion, store_id=store_id)
    await audit.record(ctx, "tenancy.store.trashed", "store", store_id, reason=reason, deletion_id=deletion.id)
    return deletion


async def restore_store(ctx: Ctx, store_id: uuid.UUID) -> None:
    """Take one of the merchant's stores back. Restoring a live one changes nothing.

    Raises StoreNotFoundException, StoreRestoreConflictException when its code was given to another store meanwhile.
    """
    await _restore_store(ctx, store_id, await locks.lock_stores(ctx.conn, ctx.merchant_id))


async def restore_stores(ctx: Ctx, store_ids: Sequence[uuid.UUID]) -> list[Outcome]:
    """Take several stores back; return what became of each."""

    async def restore(store_id: uuid.UUID) -> None:
        await _restore_store(ctx, store_id, await locks.lock_stores(ctx.conn, ctx.merchant_id))

    return await trash.each(store_ids, restore)


async def purge_store(ctx: Ctx, store_id: uuid.UUID, *, confirmation: str) -> None:
    """Delete a store in the trash for good. `confirmation` is its name or code, typed.

    Raises StoreNotFoundException, NotInTrashException, ConfirmationWrongException, StoreInUseException when people belong to it,
    and what a module refuses that keeps cards, customers or a history of it.
    """
    store = _of(await locks.lock_stores(ctx.conn, ctx.merchant_id), store_id)
    trash.require_purgeable(store.deletion, confirmation, store.name, store.code)
    if await trash_queries.has_people(ctx.conn, ctx.merchant_id, store_id):
        raise StoreInUseException
    await hooks.run("store_purging", ctx, store_id, store.created_at)
    try:
        await trash_queries.delete_store(ctx.conn, ctx.merchant_id, store_id)
    except asyncpg.ForeignKeyViolationError as error:
        raise StoreInUseException from error
    await audit.record(ctx, "tenancy.store.purged", "store", store_id, code=store.code)


async def list_trashed_stores(
    ctx: Ctx | PlatformCtx, *, search: str | None = None, cursor: str | None = None, limit: int = pagination.DEFAULT_PAGE
) -> Page[TrashedStore]:
    """Return a page of stores in the trash, the latest first: the merchant's, on the platform those of all. BadCursor."""
    merchant_id = ctx.merchant_id if isinstance(ctx, Ctx) else None
    return await trash_queries.list_stores(
        ctx.conn, merchant_id=merchant_id, pattern=like_pattern(search), cursor=cursor, limit=limit
    )  # fmt: skip


async def names_of_deleters(ctx: Ctx | PlatformCtx, deletions: Collection[Deletion]) -> dict[uuid.UUID, str]:
    """Return what those who put things away are called: to a merchant its own team, to the platform everybody."""
    users = {deletion.by_user_id for deletion in deletions if deletion.by_user_id}
    if not users:
        return {}
    if isinstance(ctx, Ctx):
        return await user_queries.find_names(ctx.conn, ctx.merchant_id, users)
    return await user_queries.find_names_of_all(ctx.conn, users)


def _of(stores: dict[uuid.UUID, LockedStore], store_id: uuid.UUID) -> LockedStore:
    try:
        return stores[store_id]
    except KeyError:
        raise StoreNotFoundException from None


async def _restore_store(ctx: Ctx, store_id: uuid.UUID, stores: dict[uuid.UUID, LockedStore]) -> None:
    store = _of(stores, store_id)
    if store.deletion is None:
        return
    rival = next((other for other in stores.values() if other.deletion is None and other.code == store.code), None)
    if rival is not None:
        raise StoreRestoreConflictException(code=store.code, live_store_id=rival.id, live_store_name=rival.name)
    await trash_queries.restore_store(ctx.conn, ctx.merchant_id, store_id)
    await audit.record(ctx, "tenancy.store.restored", "store", store_id, deletion_id=store.deletion.id)
