"""The trash of stores, for the merchant and for the platform, and of merchants, for the platform."""

import uuid

from fastapi import APIRouter
from starlette.responses import Response

from app.core import pagination
from app.core.context import Ctx, PlatformCtx
from app.core.web.deps import access
from app.core.web.problems import documented
from app.core.web.trash import DeletionAnswer, PurgeBody, RestoredList, RestoreManyBody, TrashBody, deletion_answer, restored_list
from app.modules.tenancy.routes.api._answers import (
    merchant_answer,
    store_answer,
    trashed_merchant_row,
    trashed_store,
    trashed_store_row,
)
from app.modules.tenancy.schemas.merchant import MerchantAnswer, MerchantPage, StoreAnswer, StoreList, StorePage
from app.modules.tenancy.services import merchant_service, store_service, trash_service

merchant_router = APIRouter(prefix="/api/v1/merchants/tenancy", tags=["Tenancy - Merchant"])
admin_router = APIRouter(prefix="/api/v1/admin/tenancy", tags=["Tenancy - Admin"])
ONE = documented(404)
CHANGE = documented(404, 409)


async def trashed_stores(ctx: Ctx, cursor: str | None, limit: int = pagination.DEFAULT_PAGE) -> StoreList:
    """Return a page of the merchant's stores in the trash. BadCursor."""
    page = await trash_service.list_trashed_stores(ctx, cursor=cursor, limit=limit)
    names = await trash_service.names_of_deleters(ctx, [item.deletion for item in page.items])
    return StoreList(items=[trashed_store(item, names) for item in page.items], next_cursor=page.next_cursor)


async def trashed_stores_of_all(ctx: PlatformCtx, search: str, cursor: str | None, limit: int) -> StorePage:
    """Return a page of all merchants' stores in the trash. BadCursor."""
    page = await trash_service.list_trashed_stores(ctx, search=search, cursor=cursor, limit=limit)
    names = await trash_service.names_of_deleters(ctx, [item.deletion for item in page.items])
    return StorePage(items=[trashed_store_row(item, names) for item in page.items], next_cursor=page.next_cursor)


async def trashed_merchants(ctx: PlatformCtx, search: str, cursor: str | None, limit: int) -> MerchantPage:
    """Return a page of merchants in the trash. BadCursor."""
    page = await trash_service.list_trashed_merchants(ctx, search=search, cursor=cursor, limit=limit)
    names = await trash_service.names_of_deleters(ctx, [item.deletion for item in page.items])
    return MerchantPage(items=[trashed_merchant_row(item, names) for item in page.items], next_cursor=page.next_cursor)


@merchant_router.post("/stores/restore", summary="Restore several stores", responses=documented())
async def restore_stores(body: RestoreManyBody, ctx: Ctx = access("merchant", "tenancy.store.trash")) -> RestoredList:
    """Take stores out of the trash, each for itself; the answer says what became of each. Doing it twice changes nothing."""
    return restored_list(await trash_service.restore_stores(ctx, body.ids))


@merchant_router.post("/stores/{store_id}/trash", summary="Move a store to the trash", responses=CHANGE)
async def trash_store(store_id: uuid.UUID, body: TrashBody, ctx: Ctx = access("merchant", "tenancy.store.trash")) -> DeletionAnswer:
    """Put a store away, with a reason. Its terminals and public pages stop working; cards enrolled there stay. The last one stays."""
    return await _answer(ctx, store_id, body.reason)


@merchant_router.post("/stores/{store_id}/restore", summary="Restore a store", responses=CHANGE)
async def restore_store(store_id: uuid.UUID, ctx: Ctx = access("merchant", "tenancy.store.trash")) -> StoreAnswer:
    """Take a store out of the trash, open or closed as it was. 409 names the store that has its code by now."""
    await trash_service.restore_store(ctx, store_id)
    return store_answer(await store_service.get_store(ctx, store_id))


@merchant_router.post("/stores/{store_id}/purge", summary="Delete a store for good", status_code=204, responses=CHANGE)
async def purge_store(store_id: uuid.UUID, body: PurgeBody, ctx: Ctx = access("merchant", "tenancy.store.purge")) -> Response:
    """Delete a store in the trash for good; its name or code is typed to confirm. 409 where people, cards or a history belong to it."""
    await trash_service.purge_store(ctx, store_id, confirmation=body.confirmation)
    return Response(status_code=204)


@admin_router.post("/merchants/restore", summary="Restore several merchants", responses=documented())
async def restore_merchants(body: RestoreManyBody, ctx: PlatformCtx = access("admin", "tenancy.merchant.trash")) -> RestoredList:
    """Take merchants out of the trash with what went with them; the answer says what became of each."""
    return restored_list(await trash_service.restore_merchants(ctx, body.ids))


@admin_router.post("/merchants/{merchant_id}/trash", summary="Move a merchant to the trash", responses=ONE)
async def trash_merchant(
    merchant_id: uuid.UUID, body: TrashBody, ctx: PlatformCtx = access("admin", "tenancy.merchant.trash")
) -> DeletionAnswer:
    """Put a merchant away with its stores, programs and cards, with a reason: every face of it is closed from the next request on, its
    people are signed out, no mail goes out. A great many cards follow in the background. Doing it twice changes nothing."""
    deletion = await trash_service.trash_merchant(ctx, merchant_id, reason=body.reason)
    return deletion_answer(deletion, await trash_service.names_of_deleters(ctx, [deletion]))


@admin_router.post("/merchants/{merchant_id}/restore", summary="Restore a merchant", responses=CHANGE)
async def restore_merchant(merchant_id: uuid.UUID, ctx: PlatformCtx = access("admin", "tenancy.merchant.trash")) -> MerchantAnswer:
    """Take a merchant out of the trash with all that went with it; what had been there before stays there."""
    await trash_service.restore_merchant(ctx, merchant_id)
    return merchant_answer(await merchant_service.get_merchant(await merchant_service.open_for_admin(ctx, merchant_id)))


@admin_router.post("/merchants/{merchant_id}/purge", summary="Delete a merchant for good", status_code=204, responses=CHANGE)
async def purge_merchant(merchant_id: uuid.UUID, body: PurgeBody, ctx: PlatformCtx = access("admin", "tenancy.merchant.purge")) -> Response:
    """Delete a merchant in the trash for good, with all its rows; its name is typed to confirm. 409 where a history of cards exists."""
    await trash_service.purge_merchant(ctx, merchant_id, confirmation=body.confirmation)
    return Response(status_code=204)


@admin_router.post("/merchants/{merchant_id}/stores/restore", summary="Restore several of a merchant's stores", responses=ONE)
async def restore_stores_of_merchant(
    merchant_id: uuid.UUID, body: RestoreManyBody, ctx: PlatformCtx = access("admin", "tenancy.merchant.store")
) -> RestoredList:
    """Take stores out of the trash on behalf of a merchant, each for itself."""
    inside = await merchant_service.open_for_admin(ctx, merchant_id)
    return restored_list(await trash_service.restore_stores(inside, body.ids))


@admin_router.post("/merchants/{merchant_id}/stores/{store_id}/trash", summary="Move a merchant's store to the trash", responses=CHANGE)
async def trash_store_of_merchant(
    merchant_id: uuid.UUID, store_id: uuid.UUID, body: TrashBody, ctx: PlatformCtx = access("admin", "tenancy.merchant.store")
) -> DeletionAnswer:
    """Put a store away on behalf of a merchant."""
    return await _answer(await merchant_service.open_for_admin(ctx, merchant_id), store_id, body.reason)


@admin_router.post("/merchants/{merchant_id}/stores/{store_id}/restore", summary="Restore a merchant's store", responses=CHANGE)
async def restore_store_of_merchant(
    merchant_id: uuid.UUID, store_id: uuid.UUID, ctx: PlatformCtx = access("admin", "tenancy.merchant.store")
) -> StoreAnswer:
    """Take a store out of the trash on behalf of a merchant."""
    inside = await merchant_service.open_for_admin(ctx, merchant_id)
    await trash_service.restore_store(inside, store_id)
    return store_answer(await store_service.get_store(inside, store_id))


@admin_router.post(
    "/merchants/{merchant_id}/stores/{store_id}/purge", summary="Delete a merchant's store for good", status_code=204, responses=CHANGE
)
async def purge_store_of_merchant(
    merchant_id: uuid.UUID, store_id: uuid.UUID, body: PurgeBody, ctx: PlatformCtx = access("admin", "tenancy.merchant.purge")
) -> Response:
    """Delete a store in the trash for good on behalf of a merchant."""
    inside = await merchant_service.open_for_admin(ctx, merchant_id)
    await trash_service.purge_store(inside, store_id, confirmation=body.confirmation)
    return Response(status_code=204)


async def _answer(ctx: Ctx, store_id: uuid.UUID, reason: str) -> DeletionAnswer:
    deletion = await trash_service.trash_store(ctx, store_id, reason=reason)
    return deletion_answer(deletion, await trash_service.names_of_deleters(ctx, [deletion]))
