"""Programs of all merchants."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import PlatformCtx
from app.core.i18n import N_, _
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.lists import page_links, sort_heads, with_filter
from app.modules.loyalty.domain.enums import ProgramType
from app.modules.loyalty.queries import platform
from app.modules.loyalty.routes.pages._admin.frame import PAGE, OfMerchant, OnlyDeleted, Search, merchant_values, show
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/admin/programs", tags=["Loyalty - Admin pages"], include_in_schema=False)
READ: Any = access("admin", "loyalty.platform.read")
TypeChoice = Annotated[ProgramType | Literal[""], Query(alias="type")]
StateChoice = Annotated[Literal["", "active", "paused"], Query(alias="state")]
Sort = Annotated[Literal["name", "-name", "-created", "created"], Query()]
TYPE_NAMES = {ProgramType.STAMPS: N_("Stamps"), ProgramType.POINTS: N_("Points"), ProgramType.BOTH: N_("Stamps and points")}


@router.get("", summary="The programs of all merchants")
async def list_programs(
    request: Request,
    ctx: PlatformCtx = READ,
    q: Search = "",
    merchant: OfMerchant = "",
    type_: TypeChoice = "",
    state: StateChoice = "",
    only_deleted: OnlyDeleted = False,
    sort: Sort = "name",
    cursor: Cursor | None = None,
) -> Response:
    """Show programs by name, or those in the trash; search, filters and page are in the address."""
    page = await platform.list_programs(
        ctx,
        pattern=tenancy.like_pattern(q),
        merchant_id=merchant or None,
        type_=type_ or None,
        is_active=None if not state else state == "active",
        only_deleted=only_deleted,
        sort=sort,
        cursor=cursor,
        limit=PAGE,
    )
    deleters = {item.deleted_by_user_id for item in page.items}
    return show(
        request,
        ctx,
        "programs",
        rows=page.items,
        q=q,
        type=type_ or None,
        state=state,
        only_deleted=only_deleted,
        sort=sort,
        heads={} if only_deleted else sort_heads(request, sort, ["name", "-created"]),
        is_filtered=bool(q or merchant or type_ or state),
        tab_hrefs={"live": with_filter(request, only_deleted=None), "trash": with_filter(request, only_deleted="true", sort=None)},
        type_names={item: _(name) for item, name in TYPE_NAMES.items()},
        most_counted=platform.MOST_COUNTED,
        user_names=await tenancy.find_names_of_users(ctx, {user_id for user_id in deleters if user_id}),
        **await merchant_values(ctx, merchant or None, {item.merchant_id for item in page.items}),
        **page_links(request, page.next_cursor, page.previous_cursor),
    )
