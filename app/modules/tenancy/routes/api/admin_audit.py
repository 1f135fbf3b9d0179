"""The platform's face of the audit log: read and downloaded, never changed."""

import dataclasses
import datetime as dt
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from app.core import csv_text, pagination
from app.core.audit_log import Wanted
from app.core.context import PlatformCtx
from app.core.web.deps import access
from app.core.web.fields import Cursor, OptionalLine
from app.core.web.problems import documented
from app.modules.tenancy.schemas.audit import AuditEntryAnswer, AuditEntryPage
from app.modules.tenancy.services import audit_service
from app.modules.tenancy.services.audit_service import AuditPage

router = APIRouter(prefix="/api/v1/admin/tenancy/audit", tags=["Tenancy - Admin"])
Limit = Annotated[int, Query(ge=1, le=pagination.MAX_PAGE, description="Entries on a page.")]
CSV_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "The entries, newest first.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


async def wanted_entries(
    merchant_id: Annotated[uuid.UUID | None, Query(description="Only what concerns this merchant.")] = None,
    person_id: Annotated[uuid.UUID | None, Query(description="Only what this user, terminal or customer did.")] = None,
    admin_id: Annotated[uuid.UUID | None, Query(description="Only what this admin did on behalf of merchants.")] = None,
    target_id: Annotated[
        uuid.UUID | None, Query(description="Only what was done to this card, user …; to one of a merchant together with `merchant_id`.")
    ] = None,
    action: Annotated[OptionalLine, Query(description="Only this action, such as `loyalty.card.deactivated`.")] = "",
    since: Annotated[dt.date | None, Query(description="From the beginning of this day on, in UTC.")] = None,
    until: Annotated[dt.date | None, Query(description="To the end of this day, in UTC.")] = None,
) -> Wanted:
    """Return what the query asks for."""
    first, last = audit_service.day_bounds(since, until)
    return Wanted(
        merchant_id=merchant_id,
        person_id=person_id,
        admin_id=admin_id,
        target_id=target_id,
        action=action or None,
        since=first,
        until=last,
    )


def page_answer(found: AuditPage) -> AuditEntryPage:
    """Return a page of the log as the API shows it."""
    items = [
        AuditEntryAnswer.model_validate(
            dataclasses.asdict(entry)
            | {
                "merchant_name": found.merchant_names.get(entry.merchant_id) if entry.merchant_id else None,
                "actor_name": found.user_names.get(entry.actor_id) if entry.actor_id else None,
                "acting_admin_name": found.user_names.get(entry.acting_admin_id) if entry.acting_admin_id else None,
            }
        )
        for entry in found.page.items
    ]
    return AuditEntryPage(items=items, next_cursor=found.page.next_cursor)


@router.get("", summary="Read the audit log", responses=documented(400))
async def list_entries(
    wanted: Annotated[Wanted, Depends(wanted_entries)],
    cursor: Cursor | None = None,
    limit: Limit = pagination.DEFAULT_PAGE,
    ctx: PlatformCtx = access("admin", "tenancy.audit.view"),
) -> AuditEntryPage:
    """Return what was done at all merchants and on the platform, newest first, a page at a time."""
    return page_answer(await audit_service.list_entries(ctx, wanted, cursor=cursor, limit=limit))


@router.get(".csv", summary="Download the audit log", response_class=Response, responses=documented() | CSV_ANSWER)
async def export_entries(
    wanted: Annotated[Wanted, Depends(wanted_entries)], ctx: PlatformCtx = access("admin", "tenancy.audit.view")
) -> Response:
    """Return the same entries as a table that spreadsheets open, at most 20,000, the newest; for older ones give a time."""
    table = await audit_service.export_csv(ctx, wanted)
    headers = {"Content-Disposition": f'attachment; filename="audit-{ctx.now:%Y-%m-%d}.csv"'}
    return Response(table, media_type=csv_text.MEDIA_TYPE, headers=headers)
