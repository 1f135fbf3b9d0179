"""Programs of all merchants."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import PlatformCtx
from app.core.i18n import N_, _
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.lists import NameOrAge, page_links, sort_heads
from app.core.web.trash import OnlyDeleted, TrashItem, trash_values
from app.modules.loyalty.domain.enums import ProgramType
from app.modules.loyalty.queries import platform
from app.modules.loyalty.queries.platform import PlatformProgram
from app.modules.loyalty.routes.pages._admin.frame import API, PAGE, OfMerchant, Search, merchant_values, show
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/admin/programs", tags=["Loyalty - Admin pages"], include_in_schema=False)
READ: Any = access("admin", "loyalty.platform.read")
TypeChoice = Annotated[ProgramType | Literal[""], Query(alias="type")]
StateChoice = Annotated[Literal["", "active", "paused"], Query(alias="state")]
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
    sort: NameOrAge = "name",
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
    merchants = await merchant_values(ctx, merchant or None, {item.merchant_id for item in page.items})
    if only_deleted:
        items = _trash_items(page.items, merchants["merchant_names"])
        trash = await trash_values(request, ctx, page, items, tenancy.names_of_deleters, may_purge=True)
        return show(request, ctx, "programs-trash", q=q, zone="UTC", **trash, **merchants)
    return show(
        request,
        ctx,
        "programs",
        rows=page.items,
        q=q,
        type=type_ or None,
        state=state,
        sort=sort,
        heads=sort_heads(request, sort, ["name", "-created"]),
        is_filtered=bool(q or merchant or type_ or state),
        type_names={item: _(name) for item, name in TYPE_NAMES.items()},
        most_counted=platform.MOST_COUNTED,
        **merchants,
        **page_links(request, page),
    )


def _trash_items(found: Sequence[PlatformProgram], merchant_names: Mapping[uuid.UUID, str]) -> list[TrashItem]:
    return [
        TrashItem(
            item.id, item.name, merchant_names.get(item.merchant_id, ""), item.deletion, f"{API}/{item.merchant_id}/programs/{item.id}"
        )
        for item in found
        if item.deletion
    ]
