"""Pages of the merchant's panel about long work that somebody asked for. They can be left, and found again."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core import bulk, files
from app.core.bulk import BulkJob, ListedWork
from app.core.context import Ctx
from app.core.i18n import N_, _
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.lists import page_links, with_filter
from app.modules.tenancy.queries import users as user_queries
from app.modules.tenancy.routes.pages.merchant import show
from app.modules.tenancy.services import job_service

router = APIRouter(prefix="/merchants/jobs", tags=["Tenancy - Merchant pages"], include_in_schema=False)
VIEW: Any = access("merchant", "tenancy.job.view")
PAGE = 25
STATES = {
    "queued": (N_("Waiting"), "neutral"),
    "running": (N_("In progress"), "info"),
    "done": (N_("Done"), "success"),
    "failed": (N_("Stopped by an error"), "danger"),
    "waits": (N_("Waits for you"), "accent"),
    "stopped": (N_("Stopped"), "warning"),
}
RESULTS = {
    "ok": (N_("Done"), "success"),
    "not_found": (N_("Not found"), "warning"),
    "conflict": (N_("Not possible"), "warning"),
    "error": (N_("Error"), "danger"),
}
Choice = Annotated[str, Query(max_length=20, description="Only things that went like this; empty is all.")]


async def _names(ctx: Ctx, jobs: Sequence[BulkJob | ListedWork]) -> dict[uuid.UUID, str]:
    ids = {job.requested_by_user_id for job in jobs if job.requested_by_user_id and not job.acting_admin_id}
    return await user_queries.find_names(ctx.conn, ctx.merchant_id, ids) if ids else {}


def _who(job: BulkJob | ListedWork, names: dict[uuid.UUID, str]) -> str:
    if job.acting_admin_id:
        return _("Support of the platform")
    return names.get(job.requested_by_user_id, "–") if job.requested_by_user_id else "–"


@router.get("", summary="The jobs")
async def list_jobs(request: Request, ctx: Ctx = VIEW, cursor: Annotated[Cursor | None, Query()] = None) -> Response:
    """Show long work, whichever part of the platform does it, the latest first."""
    page = await job_service.list_work(ctx, cursor=cursor, limit=PAGE)
    names = await _names(ctx, page.items)
    return await show(
        request,
        ctx,
        "jobs",
        jobs=[(work, _(work.title), _who(work, names)) for work in page.items],
        states=STATES,
        **page_links(request, page),
    )


@router.get("/{job_id}", summary="A job")
async def read_job(
    request: Request, job_id: uuid.UUID, ctx: Ctx = VIEW, outcome: Choice = "", cursor: Annotated[Cursor | None, Query()] = None
) -> Response:
    """Show how far a job is while it runs, then how each thing went."""
    job = await bulk.read(ctx, job_id)
    kind = bulk.kind_of(job)
    chosen = next((result for result in bulk.RESULTS if result == outcome), None)
    page = await job_service.list_items(ctx, job, outcome=chosen, cursor=cursor, limit=PAGE)
    return await show(
        request,
        ctx,
        "job",
        job=job,
        title=_(kind.title),
        who=_who(job, await _names(ctx, [job])),
        sums=[(_(label), job.counts.get(name, 0)) for name, label in kind.sums.items()],
        items=page.items,
        state=STATES[job.state],
        results=RESULTS,
        tabs=[
            {"label": f"{label} ({count})", "href": with_filter(request, outcome=name), "active": chosen == name}
            for name, label, count in _tabs(job)
        ],
        files=await files.list_of_job(ctx, job_id),
        **page_links(request, page),
    )


def _tabs(job: BulkJob) -> list[tuple[str | None, str, int]]:
    """Return a tab for all things, and one for each result that there is."""
    found: list[tuple[str | None, str, int]] = [(None, _("All"), job.total)]
    found += [(name, _(RESULTS[name][0]), job.counts[name]) for name in bulk.RESULTS if job.counts.get(name)]
    return found
