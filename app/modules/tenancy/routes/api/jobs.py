"""The merchant's face: long work that somebody asked for, how far it is, how each thing went, and its files."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core import bulk, csv_text, files
from app.core.bulk import BulkJob
from app.core.context import Ctx
from app.core.i18n import _
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.problems import documented
from app.core.web.streams import stream, stream_file
from app.modules.tenancy.schemas.jobs import JobAnswer, JobFile, JobFileList, JobItemAnswer, JobItemList, JobList, Result
from app.modules.tenancy.services import job_service
from app.modules.tenancy.services.job_service import ShownItem

router = APIRouter(prefix="/api/v1/merchants/jobs", tags=["Tenancy - Merchant"])
VIEW = "tenancy.job.view"
ONE = documented(404)
FILE_TYPES = ("text/csv", "application/json", "application/zip", "application/octet-stream")
Limit = Annotated[int, Query(ge=1, le=100)]


def job_answer(job: BulkJob) -> JobAnswer:
    """Return a job as it is answered."""
    values = {name: getattr(job, name) for name in JobAnswer.model_fields if name != "title"}
    return JobAnswer(**values, title=_(bulk.kind_of(job).title))


def _item_answer(shown: ShownItem) -> JobItemAnswer:
    item = shown.item
    return JobItemAnswer(
        position=item.position,
        key=item.key,
        label=shown.label.text,
        outcome=item.outcome,
        reason=item.reason,
        sentence=_(shown.sentence) if shown.sentence else "",
    )


@router.get("", summary="List the jobs", responses=documented(400))
async def list_jobs(ctx: Ctx = access("merchant", VIEW), cursor: Annotated[Cursor | None, Query()] = None, limit: Limit = 25) -> JobList:
    """Return long work that somebody of the merchant, or the platform for them, asked for in the last 90 days, the latest first."""
    page = await bulk.list_jobs(ctx, cursor=cursor, limit=limit)
    return JobList(items=[job_answer(job) for job in page.items], next_cursor=page.next_cursor)


@router.get("/{job_id}", summary="How far a job is", responses=ONE)
async def read_job(job_id: uuid.UUID, ctx: Ctx = access("merchant", VIEW)) -> JobAnswer:
    """Return a job's progress and how many of its things went how."""
    return job_answer(await bulk.read(ctx, job_id))


@router.get("/{job_id}/items", summary="How each thing of a job went", responses=documented(400, 404))
async def list_items(
    job_id: uuid.UUID,
    ctx: Ctx = access("merchant", VIEW),
    outcome: Annotated[Result | None, Query(description="Only things that went like this.")] = None,
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Limit = 25,
) -> JobItemList:
    """Return the job's things in the order in which they were asked for, with why some did not go."""
    page = await job_service.list_items(ctx, await bulk.read(ctx, job_id), outcome=outcome, cursor=cursor, limit=limit)
    return JobItemList(items=[_item_answer(shown) for shown in page.items], next_cursor=page.next_cursor)


@router.get(
    "/{job_id}/results.csv",
    summary="Download how each thing went",
    response_class=Response,
    responses={**ONE, 200: {"description": "A table: number, key, name, outcome, reason, sentence.", "content": {"text/csv": {}}}},
)
async def download_results(request: Request, job_id: uuid.UUID, ctx: Ctx = access("merchant", VIEW)) -> Response:
    """Return all results as a table for a spreadsheet, however many there are; cells that could be formulas are text."""
    job = await bulk.read(ctx, job_id)
    head = [_("Number"), _("Key"), _("Name"), _("Result"), _("Reason"), _("Explanation")]

    async def read(work: Ctx, position: int) -> tuple[bytes, int | None]:
        items = await job_service.list_items_after(work, job, position, limit=bulk.CHUNK)
        rows = [list(_item_answer(shown).model_dump().values()) for shown in items]
        text = csv_text.write_table(head, rows) if position == 0 else csv_text.write_rows(rows)
        return text.encode(), items[-1].item.position if len(items) == bulk.CHUNK else None

    return stream(request, ctx, 0, read, name=f"results-{job.created_at:%Y-%m-%d}.csv", media_type=csv_text.MEDIA_TYPE)


@router.get("/{job_id}/files", summary="The files of a job", responses=ONE)
async def list_files(job_id: uuid.UUID, ctx: Ctx = access("merchant", VIEW)) -> JobFileList:
    """Return the files that the job has made, as long as they can be downloaded."""
    await bulk.read(ctx, job_id)
    found = await files.list_of_job(ctx, job_id)
    return JobFileList(items=[JobFile(**{name: getattr(file, name) for name in JobFile.model_fields}) for file in found])


@router.get(
    "/{job_id}/files/{file_id}",
    summary="Download a file of a job",
    response_class=Response,
    responses={**ONE, 200: {"description": "The file.", "content": {kind: {} for kind in FILE_TYPES}}},
)
async def download_file(request: Request, job_id: uuid.UUID, file_id: uuid.UUID, ctx: Ctx = access("merchant", VIEW)) -> Response:
    """Return the file's bytes, piece by piece."""
    return stream_file(request, ctx, await job_service.get_file(ctx, job_id, file_id))
