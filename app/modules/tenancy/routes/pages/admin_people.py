"""Pages of the platform's panel: everybody who signs in. They only read; changes go through the API."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import PlatformCtx
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.lists import NameOrAge, page_links, sort_heads
from app.modules.tenancy.routes.pages._admin_frame import OfMerchant, Search, role_names, show
from app.modules.tenancy.services import overview_service, people_service

router = APIRouter(prefix="/admin/users", tags=["Admin pages"], include_in_schema=False)
VIEW: Any = access("admin", "tenancy.user.view")
KindChoice = Annotated[Literal["", "admins", "invited", "disabled"], Query(alias="kind")]


@router.get("", summary="Everybody who signs in")
async def list_people(
    request: Request,
    ctx: PlatformCtx = VIEW,
    q: Search = "",
    kind: KindChoice = "",
    merchant: OfMerchant = "",
    sort: NameOrAge = "name",
    cursor: Cursor | None = None,
) -> Response:
    """Show people with their roles and when they came last; search, filters, sort and page are in the address."""
    page = await people_service.list_people(ctx, search=q, kind=kind or None, merchant_id=merchant or None, sort=sort, cursor=cursor)
    return show(
        request,
        ctx,
        "users",
        rows=page.items,
        q=q,
        only=kind,
        sort=sort,
        merchant_id=merchant or None,
        merchant_names=await overview_service.find_merchant_names(ctx, {merchant} if merchant else set()),
        heads=sort_heads(request, sort, ["name", "-created"]),
        role_names=role_names(),
        **page_links(request, page),
    )


@router.get("/{user_id}", summary="Somebody who signs in")
async def read_person(request: Request, user_id: uuid.UUID, ctx: PlatformCtx = VIEW) -> Response:
    """Show a person: where they work, where they are signed in, and what an admin can do for them."""
    person = await people_service.get_person(ctx, user_id)
    sessions = await people_service.list_sessions(ctx, user_id)
    return show(request, ctx, "user", person=person.view, places=person.places, sessions=sessions, role_names=role_names())
