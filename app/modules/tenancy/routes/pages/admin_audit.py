"""The audit log in the platform's panel."""

import datetime as dt
import uuid
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core import audit_log
from app.core.audit_log import Entry, Wanted
from app.core.context import PlatformCtx
from app.core.web.deps import access
from app.core.web.fields import Cursor, OptionalLine
from app.core.web.lists import Age, page_links, with_filter
from app.modules.tenancy.routes.pages._admin_frame import show
from app.modules.tenancy.services import audit_service

router = APIRouter(prefix="/admin/audit", tags=["Admin pages"], include_in_schema=False)
VIEW: Any = access("admin", "tenancy.audit.view")
Id = Annotated[uuid.UUID | Literal[""], Query()]
Day = Annotated[dt.date | Literal[""], Query()]
TARGET_PAGES = {"merchant": "/admin/merchants/", "user": "/admin/users/", "card": "/admin/cards/", "customer": "/admin/customers/"}


def target_href(entry: Entry) -> str | None:
    """Return the page of what an entry is about, if it has one."""
    page = TARGET_PAGES.get(entry.target_type)
    return f"{page}{entry.target_id}" if page and entry.target_id else None


@router.get("", summary="The audit log")
async def list_entries(
    request: Request,
    ctx: PlatformCtx = VIEW,
    merchant: Id = "",
    person: Id = "",
    admin: Id = "",
    target: Id = "",
    action: Annotated[OptionalLine, Query()] = "",
    since: Day = "",
    until: Day = "",
    sort: Age = "-created",
    cursor: Cursor | None = None,
) -> Response:
    """Show who did what, newest first; filters and page are in the address, so that other pages can lead here."""
    first, last = audit_service.day_bounds(since or None, until or None)
    wanted = Wanted(
        merchant_id=merchant or None,
        person_id=person or None,
        admin_id=admin or None,
        target_id=target or None,
        action=action or None,
        since=first,
        until=last,
        is_oldest_first=sort == "created",
    )
    found = await audit_service.list_entries(ctx, wanted, cursor=cursor)
    ids = {"merchant_id": merchant, "person_id": person, "admin_id": admin, "target_id": target}
    asked = {name: str(value) for name, value in (*ids.items(), ("action", action), ("since", since), ("until", until)) if value}
    return show(
        request,
        ctx,
        "audit",
        rows=[(audit_log.say(entry), target_href(entry)) for entry in found.page.items],
        wanted=wanted,
        sort=sort,
        since=since or None,
        until=until or None,
        merchant_names=found.merchant_names,
        user_names=found.user_names,
        action_choices=await audit_service.list_actions(ctx),
        admins=await audit_service.list_admins(ctx),
        is_filtered=bool(asked),
        without={name: with_filter(request, **{name: None}) for name in ("merchant", "person", "target")},
        export_href=f"/api/v1/admin/tenancy/audit.csv?{urlencode(asked)}".rstrip("?"),
        **page_links(request, found.page),
    )
