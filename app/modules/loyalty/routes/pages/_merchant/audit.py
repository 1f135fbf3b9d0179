"""The audit log: who did what, in words."""

import datetime as dt
import uuid
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core import audit_log
from app.core.audit_log import Entry
from app.core.context import Ctx
from app.core.i18n import N_, _
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.lists import page_links, with_filter
from app.modules.loyalty.routes.pages._merchant.panel import show
from app.modules.loyalty.services import audit_service
from app.modules.loyalty.services.audit_service import AuditFamily, AuditFilter
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/merchants", tags=["Loyalty - Merchant pages"], include_in_schema=False)
READ: Any = access("merchant", "loyalty.audit.read")
LATEST_DAY = dt.date(9999, 1, 1)
Id = Annotated[uuid.UUID | Literal[""], Query()]
Day = Annotated[dt.date | Literal[""], Query()]
TARGET_PAGES = {
    "card": "/merchants/cards/{id}",
    "customer": "/merchants/customers/{id}",
    "store": "/merchants/stores/{id}",
    "merge_run": "/merchants/settings/merges/{id}",
    "bulk_job": "/merchants/jobs/{id}",
    "program": "/merchants/program",
    "reward": "/merchants/program/rewards",
    "staff_pin": "/merchants/staff",
    "terminal": "/merchants/terminals",
    "membership": "/merchants/team",
    "api_key": "/merchants/keys",
    "email_template": "/merchants/mails",
}
FAMILY_NAMES = {
    AuditFamily.CARDS: N_("Cards and points"),
    AuditFamily.CUSTOMERS: N_("Customers"),
    AuditFamily.PROGRAM: N_("Program and rewards"),
    AuditFamily.COUNTER: N_("Counter"),
    AuditFamily.TEAM: N_("Accounts and keys"),
    AuditFamily.BUSINESS: N_("Business and stores"),
    AuditFamily.TEXTS: N_("E-mails and pages"),
}


@router.get("/audit", summary="The audit log")
async def list_entries(
    request: Request,
    ctx: Ctx = READ,
    family: Annotated[str, Query(max_length=20)] = "",
    person: Id = "",
    target: Id = "",
    since: Day = "",
    until: Day = "",
    cursor: Cursor | None = None,
) -> Response:
    """Show who did what, newest first; filters and page are in the address, so that other pages can lead here."""
    wanted = AuditFilter(
        family=next((item for item in AuditFamily if item.value == family), None),
        person_id=person or None,
        target_id=target or None,
        since=min(since, LATEST_DAY) if since else None,
        until=min(until, LATEST_DAY) if until else None,
    )
    page = await audit_service.list_entries(ctx, wanted, cursor=cursor)
    asked = {"family": wanted.family, "person": wanted.person_id, "target": wanted.target_id, "since": wanted.since, "until": wanted.until}
    chosen = {name: str(value) for name, value in asked.items() if value}
    return await show(
        request,
        ctx,
        "audit",
        rows=[(found, target_href(found.entry), audit_log.say(found.entry)) for found in page.items],
        wanted=wanted,
        families=[(item.value, _(name)) for item, name in FAMILY_NAMES.items()],
        people=[(str(member_id), name) for member_id, name in await tenancy.list_team_names(ctx)],
        is_filtered=bool(chosen),
        without_target=with_filter(request, target=None),
        export_href=f"/api/v1/merchants/loyalty/audit.csv?{urlencode(chosen)}".rstrip("?"),
        **page_links(request, page),
    )


def target_href(entry: Entry) -> str | None:
    """Return the page of what an entry is about, if it has one."""
    page = TARGET_PAGES.get(entry.target_type)
    return page.format(id=entry.target_id) if page and entry.target_id else None
