"""The merchant's face: the audit log, read and downloaded, never changed."""

import datetime as dt
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core import csv_text
from app.core.context import Ctx
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.problems import documented
from app.core.web.streams import stream
from app.modules.loyalty.schemas.audit import AuditEntry, AuditPage
from app.modules.loyalty.services import audit_service
from app.modules.loyalty.services.audit_service import AuditFamily, AuditFilter, ReadEntry

router = APIRouter(prefix="/api/v1/merchants/loyalty/audit", tags=["Loyalty - Merchant"])
LATEST_DAY = dt.date(9999, 1, 1)
CSV_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "The entries, newest first.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


async def wanted_entries(
    family: Annotated[AuditFamily | None, Query(description="Only actions of this family.")] = None,
    person: Annotated[uuid.UUID | None, Query(description="Only what this user, terminal or customer did.")] = None,
    target: Annotated[uuid.UUID | None, Query(description="Only what was done to this card, customer, store …")] = None,
    since: Annotated[dt.date | None, Query(le=LATEST_DAY, description="From the beginning of this local day on.")] = None,
    until: Annotated[dt.date | None, Query(le=LATEST_DAY, description="To the end of this local day.")] = None,
) -> AuditFilter:
    """Return what the query asks for."""
    return AuditFilter(family=family, person_id=person, target_id=target, since=since, until=until)


def entry_answer(found: ReadEntry) -> AuditEntry:
    """Return an entry as it is answered."""
    own = {name: getattr(found.entry, name) for name in AuditEntry.model_fields if hasattr(found.entry, name)}
    return AuditEntry(
        **own | {"details": dict(found.entry.details)},
        text=found.text,
        actor=found.actor,
        target=found.target,
        is_by_platform=found.entry.acting_admin_id is not None,
    )


@router.get("", summary="Read the audit log", responses=documented(400))
async def list_entries(
    wanted: Annotated[AuditFilter, Depends(wanted_entries)],
    ctx: Ctx = access("merchant", "loyalty.audit.read"),
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
) -> AuditPage:
    """Return who did what at this merchant, newest first, a page at a time."""
    page = await audit_service.list_entries(ctx, wanted, cursor=cursor, limit=limit)
    return AuditPage(
        items=[entry_answer(found) for found in page.items], next_cursor=page.next_cursor, previous_cursor=page.previous_cursor
    )


@router.get(".csv", summary="Download the audit log", response_class=Response, responses=documented() | CSV_ANSWER)
async def download_entries(
    request: Request,
    wanted: Annotated[AuditFilter, Depends(wanted_entries)],
    ctx: Ctx = access("merchant", "loyalty.audit.read", limit="20/minute", limit_name="loyalty.audit_download"),
) -> Response:
    """Return the same entries, all of them, as a table that spreadsheets open; it is written while it is read."""

    async def read(work: Ctx, cursor: str) -> tuple[bytes, str | None]:
        lines, following = await audit_service.csv_piece(work, wanted, cursor or None)
        return (lines if cursor else audit_service.csv_head() + lines).encode(), following

    return stream(request, ctx, "", read, name=f"audit-{ctx.now:%Y-%m-%d}.csv", media_type=csv_text.MEDIA_TYPE)
