"""The merchant's face of tenancy: profile, stores, team, keys."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.problems import documented
from app.core.web.trash import OnlyDeleted, require_right
from app.modules.tenancy.routes.api._answers import api_key_answer, member_answer, merchant_answer, store_answer
from app.modules.tenancy.routes.api.trash import trashed_stores
from app.modules.tenancy.schemas.merchant import (
    ApiKeyList,
    ChooseStoreBody,
    MemberAnswer,
    MemberBody,
    MemberList,
    MerchantAnswer,
    NewApiKeyAnswer,
    NewApiKeyBody,
    NewMemberBody,
    NewStoreBody,
    ProfileBody,
    StoreAnswer,
    StoreFields,
    StoreList,
)
from app.modules.tenancy.services import api_key_service, merchant_service, session_service, store_service, user_service

router = APIRouter(prefix="/api/v1/merchants/tenancy", tags=["Tenancy - Merchant"])
choice_router = APIRouter(prefix="/api/v1/store/session", tags=["Tenancy - Store"])
ONE = documented(404)
CHANGE = documented(404, 409)
IncludeClosed = Annotated[bool, Query(description="Whether closed stores are listed too.")]


@router.get("/profile", summary="Read the merchant's profile", responses=documented())
async def read_profile(ctx: Ctx = access("merchant", "tenancy.profile.view")) -> MerchantAnswer:
    """Return the merchant that the caller works for."""
    return merchant_answer(await merchant_service.get_merchant(ctx))


@router.put("/profile", summary="Change the merchant's profile", responses=documented())
async def change_profile(body: ProfileBody, ctx: Ctx = access("merchant", "tenancy.profile.edit")) -> MerchantAnswer:
    """Change name, contact, time zone and language."""
    return merchant_answer(await merchant_service.update_merchant(ctx, body.model_dump()))


@router.get("/stores", summary="List the stores", responses=documented(400))
async def list_stores(
    include_closed: IncludeClosed = False,
    only_deleted: OnlyDeleted = False,
    cursor: Cursor | None = None,
    ctx: Ctx = access("merchant", "tenancy.store.view"),
) -> StoreList:
    """Return the stores by name; or, to an owner, those in the trash, the latest first, a page at a time."""
    if only_deleted:
        require_right(ctx, "tenancy.store.trash")
        return await trashed_stores(ctx, cursor)
    return StoreList(items=[store_answer(store) for store in await store_service.list_stores(ctx, include_closed=include_closed)])


@router.post("/stores", summary="Open a store", status_code=201, responses=documented(409))
async def create_store(body: NewStoreBody, ctx: Ctx = access("merchant", "tenancy.store.create")) -> StoreAnswer:
    """Open a store. Its code is its public address and cannot be changed later."""
    return store_answer(await store_service.create_store(ctx, **body.model_dump()))


@router.get("/stores/{store_id}", summary="Read a store", responses=ONE)
async def read_store(store_id: uuid.UUID, ctx: Ctx = access("merchant", "tenancy.store.view")) -> StoreAnswer:
    """Return one store, open or closed."""
    return store_answer(await store_service.get_store(ctx, store_id))


@router.put("/stores/{store_id}", summary="Change a store", responses=ONE)
async def change_store(store_id: uuid.UUID, body: StoreFields, ctx: Ctx = access("merchant", "tenancy.store.edit")) -> StoreAnswer:
    """Change everything but the code. A manager of one store changes that one only."""
    return store_answer(await store_service.update_store(ctx, store_id, body.model_dump()))


@router.post("/stores/{store_id}/close", summary="Close a store", responses=ONE)
async def close_store(store_id: uuid.UUID, ctx: Ctx = access("merchant", "tenancy.store.close")) -> StoreAnswer:
    """Close a store: its terminals and its public pages stop working; cards and history stay."""
    return store_answer(await store_service.close_store(ctx, store_id))


@router.post("/stores/{store_id}/reopen", summary="Open a closed store again", responses=ONE)
async def reopen_store(store_id: uuid.UUID, ctx: Ctx = access("merchant", "tenancy.store.close")) -> StoreAnswer:
    """Open a closed store again."""
    return store_answer(await store_service.reopen_store(ctx, store_id))


@router.get("/members", summary="List the team", responses=documented())
async def list_members(ctx: Ctx = access("merchant", "tenancy.member.view")) -> MemberList:
    """Return owners, managers and staff."""
    return MemberList(items=[member_answer(member) for member in await user_service.list_members(ctx)])


@router.post("/members", summary="Add somebody to the team", status_code=201, responses=CHANGE)
async def invite_member(body: NewMemberBody, ctx: Ctx = access("merchant", "tenancy.member.invite", limit="30/minute")) -> MemberAnswer:
    """Add somebody by e-mail address. Who has no password yet is sent a link to set one."""
    return member_answer(await user_service.invite_member(ctx, **body.model_dump()))


@router.get("/members/{member_id}", summary="Read one of the team", responses=ONE)
async def read_member(member_id: uuid.UUID, ctx: Ctx = access("merchant", "tenancy.member.view")) -> MemberAnswer:
    """Return one of the team."""
    return member_answer(await user_service.get_member(ctx, member_id))


@router.put("/members/{member_id}", summary="Change what somebody of the team is", responses=CHANGE)
async def change_member(member_id: uuid.UUID, body: MemberBody, ctx: Ctx = access("merchant", "tenancy.member.edit")) -> MemberAnswer:
    """Change role, store and name. Another role or store ends the person's sessions here. There is always an owner."""
    return member_answer(await user_service.change_member(ctx, member_id, **body.model_dump()))


@router.post("/members/{member_id}/invitation", summary="Send an invitation again", responses=CHANGE)
async def invite_again(
    member_id: uuid.UUID, ctx: Ctx = access("merchant", "tenancy.member.invite", limit="30/minute", limit_name="tenancy.invite_again")
) -> MemberAnswer:
    """Mail somebody who has not signed in here yet their invitation once more; a new link counts seven days from now."""
    return member_answer(await user_service.invite_again(ctx, member_id))


@router.delete("/members/{member_id}", summary="Take somebody out of the team", status_code=204, responses=CHANGE)
async def remove_member(member_id: uuid.UUID, ctx: Ctx = access("merchant", "tenancy.member.remove")) -> Response:
    """Take somebody out of the team and end their sessions here. The last owner stays."""
    await user_service.remove_member(ctx, member_id)
    return Response(status_code=204)


@router.get("/api-keys", summary="List the keys for scripts", responses=documented())
async def list_api_keys(ctx: Ctx = access("merchant", "tenancy.api_key.manage")) -> ApiKeyList:
    """Return the keys that work, the newest first."""
    return ApiKeyList(items=[api_key_answer(key) for key in await api_key_service.list_api_keys(ctx)])


@router.post("/api-keys", summary="Make a key for scripts", status_code=201, responses=ONE)
async def create_api_key(body: NewApiKeyBody, ctx: Ctx = access("merchant", "tenancy.api_key.manage")) -> NewApiKeyAnswer:
    """Make a key that may do at most what its role may, and what you may. The secret is shown this once."""
    key, secret = await api_key_service.create_api_key(ctx, **body.model_dump())
    return NewApiKeyAnswer(**api_key_answer(key).model_dump(), secret=secret)


@router.delete("/api-keys/{key_id}", summary="End a key", status_code=204, responses=ONE)
async def revoke_api_key(key_id: uuid.UUID, ctx: Ctx = access("merchant", "tenancy.api_key.manage")) -> Response:
    """End a key; it is refused from the next request on."""
    await api_key_service.revoke_api_key(ctx, key_id)
    return Response(status_code=204)


@choice_router.post("/store", summary="Choose the store to work at", responses=CHANGE)
async def choose_store(body: ChooseStoreBody, ctx: Ctx = access("merchant", "tenancy.session.choose_store")) -> StoreAnswer:
    """Say at which store's counter the signed-in person works; the store's face then belongs to that store."""
    return store_answer(await session_service.choose_store(ctx, body.store_id))
