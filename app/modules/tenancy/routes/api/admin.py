"""The platform's face of tenancy: merchants and their stores."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.core import pagination
from app.core.context import PlatformCtx
from app.core.web.deps import access
from app.core.web.fields import Cursor, OptionalLine
from app.core.web.lists import NameOrAge
from app.core.web.problems import documented
from app.core.web.trash import OnlyDeleted
from app.modules.tenancy.routes.api._answers import merchant_answer, merchant_row, new_merchant_answer, store_answer, store_row
from app.modules.tenancy.routes.api.trash import trashed_merchants, trashed_stores_of_all
from app.modules.tenancy.schemas.merchant import (
    MerchantAnswer,
    MerchantPage,
    NewMerchantAnswer,
    NewMerchantBody,
    NewStoreBody,
    StoreAnswer,
    StoreList,
    StorePage,
)
from app.modules.tenancy.services import merchant_service, overview_service, store_service

router = APIRouter(prefix="/api/v1/admin/tenancy", tags=["Tenancy - Admin"])
ONE = documented(404)
Search = Annotated[OptionalLine, Query(alias="q", description="Part of a name, a contact address, a store's name or code.")]
Status = Annotated[Literal["active", "suspended"] | None, Query(description="Only merchants of this status.")]
StoreSearch = Annotated[OptionalLine, Query(alias="q", description="Part of a store's name, code or town, or of its merchant's name.")]
StoreStatus = Annotated[Literal["open", "closed"] | None, Query(alias="status", description="Only stores of this status.")]
Limit = Annotated[int, Query(ge=1, le=pagination.MAX_PAGE, description="Rows on a page.")]


@router.get("/merchants", summary="List merchants", responses=documented(400))
async def list_merchants(
    q: Search = "",
    status: Status = None,
    only_deleted: OnlyDeleted = False,
    sort: NameOrAge = "name",
    cursor: Cursor | None = None,
    limit: Limit = pagination.DEFAULT_PAGE,
    ctx: PlatformCtx = access("admin", "tenancy.merchant.view"),
) -> MerchantPage:
    """Return merchants by name, or those in the trash, the latest first; a page at a time."""
    if only_deleted:
        return await trashed_merchants(ctx, q, cursor, limit)
    page = await merchant_service.list_merchants(ctx, search=q, status=status, sort=sort, cursor=cursor, limit=limit)
    return MerchantPage(items=[merchant_row(row) for row in page.items], next_cursor=page.next_cursor)


@router.post("/merchants", summary="Create a merchant", status_code=201, responses=documented(409))
async def create_merchant(body: NewMerchantBody, ctx: PlatformCtx = access("admin", "tenancy.merchant.create")) -> NewMerchantAnswer:
    """Create a merchant with its first store and its owner, who is mailed a link to set a password."""
    return new_merchant_answer(await merchant_service.create_merchant(ctx, **body.model_dump(exclude_none=True)))


@router.get("/merchants/{merchant_id}", summary="Read a merchant", responses=ONE)
async def read_merchant(merchant_id: uuid.UUID, ctx: PlatformCtx = access("admin", "tenancy.merchant.view")) -> MerchantAnswer:
    """Return one merchant, active or suspended."""
    return merchant_answer(await merchant_service.get_merchant(await merchant_service.open_for_admin(ctx, merchant_id)))


@router.post("/merchants/{merchant_id}/open", summary="Let a merchant work again", responses=ONE)
async def open_merchant(merchant_id: uuid.UUID, ctx: PlatformCtx = access("admin", "tenancy.merchant.activate")) -> MerchantAnswer:
    """Open a deactivated merchant again; people, stores and cards are as they were."""
    return merchant_answer(await merchant_service.open_merchant(ctx, merchant_id))


@router.post("/merchants/{merchant_id}/deactivate", summary="Deactivate a merchant", responses=ONE)
async def deactivate_merchant(merchant_id: uuid.UUID, ctx: PlatformCtx = access("admin", "tenancy.merchant.activate")) -> MerchantAnswer:
    """Close every face of a merchant from the next request on; nothing is deleted."""
    return merchant_answer(await merchant_service.suspend_merchant(ctx, merchant_id))


@router.post("/merchants/{merchant_id}/enter", summary="Work in a merchant's panel", status_code=204, responses=documented(403, 404))
async def enter_merchant(merchant_id: uuid.UUID, ctx: PlatformCtx = access("admin", "tenancy.merchant.act")) -> Response:
    """Let this session see and use the merchant's panel on their behalf, with an owner's rights except for keys of scripts. Entering,
    leaving and all that is done are in the merchant's audit log with the admin's name; a banner says on every page for whom."""
    await merchant_service.enter_merchant(ctx, merchant_id)
    return Response(status_code=204)


@router.post("/leave", summary="Leave a merchant's panel", status_code=204, responses=documented())
async def leave_merchant(ctx: PlatformCtx = access("admin", "tenancy.merchant.act")) -> Response:
    """End working in a merchant's panel; also when this session does not."""
    await merchant_service.leave_merchant(ctx)
    return Response(status_code=204)


@router.get("/merchants/{merchant_id}/stores", summary="List a merchant's stores", responses=ONE)
async def list_stores(merchant_id: uuid.UUID, ctx: PlatformCtx = access("admin", "tenancy.merchant.view")) -> StoreList:
    """Return all stores of a merchant, closed ones too."""
    inside = await merchant_service.open_for_admin(ctx, merchant_id)
    return StoreList(items=[store_answer(store) for store in await store_service.list_stores(inside, include_closed=True)])


@router.post("/merchants/{merchant_id}/stores", summary="Open a store for a merchant", status_code=201, responses=documented(404, 409))
async def create_store(
    merchant_id: uuid.UUID, body: NewStoreBody, ctx: PlatformCtx = access("admin", "tenancy.merchant.store")
) -> StoreAnswer:
    """Open a store on behalf of a merchant."""
    inside = await merchant_service.open_for_admin(ctx, merchant_id)
    return store_answer(await store_service.create_store(inside, **body.model_dump()))


@router.post("/merchants/{merchant_id}/stores/{store_id}/close", summary="Close a merchant's store", responses=ONE)
async def close_store(
    merchant_id: uuid.UUID, store_id: uuid.UUID, ctx: PlatformCtx = access("admin", "tenancy.merchant.store")
) -> StoreAnswer:
    """Close a store on behalf of a merchant: its terminals and public pages stop working; cards and history stay."""
    inside = await merchant_service.open_for_admin(ctx, merchant_id)
    return store_answer(await store_service.close_store(inside, store_id))


@router.post("/merchants/{merchant_id}/stores/{store_id}/reopen", summary="Open a merchant's closed store again", responses=ONE)
async def reopen_store(
    merchant_id: uuid.UUID, store_id: uuid.UUID, ctx: PlatformCtx = access("admin", "tenancy.merchant.store")
) -> StoreAnswer:
    """Open a closed store again on behalf of a merchant."""
    inside = await merchant_service.open_for_admin(ctx, merchant_id)
    return store_answer(await store_service.reopen_store(inside, store_id))


@router.get("/stores", summary="List the stores of all merchants", responses=documented(400))
async def list_all_stores(
    q: StoreSearch = "",
    status: StoreStatus = None,
    only_deleted: OnlyDeleted = False,
    sort: NameOrAge = "name",
    cursor: Cursor | None = None,
    limit: Limit = pagination.DEFAULT_PAGE,
    ctx: PlatformCtx = access("admin", "tenancy.merchant.view"),
) -> StorePage:
    """Return stores by name, open and closed, or those in the trash, the latest first; a page at a time."""
    if only_deleted:
        return await trashed_stores_of_all(ctx, q, cursor, limit)
    page = await overview_service.list_all_stores(ctx, search=q, status=status, sort=sort, cursor=cursor, limit=limit)
    return StorePage(items=[store_row(row) for row in page.items], next_cursor=page.next_cursor)
