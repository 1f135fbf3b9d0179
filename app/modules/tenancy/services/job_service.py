"""Long work that somebody of the merchant asked for, as people see it: what its things are called, and why some did not go."""

import dataclasses
import uuid
from collections.abc import Mapping, Sequence

from app.core import bulk, files
from app.core.bulk import COMMON_REASONS, BulkItem, BulkJob, Label, ListedWork, Result
from app.core.context import Ctx
from app.core.files import StoredFile
from app.core.modules import load_attribute
from app.core.pagination import Page


@dataclasses.dataclass(frozen=True, slots=True)
class ShownItem:
    """One thing of a job: the item, what it is called, and the msgid of why it went as it did (empty for nothing to say)."""

    item: BulkItem
    label: Label
    sentence: str


async def list_work(ctx: Ctx, *, cursor: str | None = None, limit: int) -> Page[ListedWork]:
    """Return a page of all long work of the merchant, whichever module does it, the latest first. BadCursor."""
    at, work_id = bulk.read_age(ctx, cursor)
    found = [_listed(job) for job in await bulk.list_jobs_before(ctx, at, work_id, limit + 1)]
    for path in bulk.listers():
        found += await load_attribute(path)(ctx, at, work_id, limit + 1)
    found.sort(key=lambda work: (work.created_at, work.id), reverse=True)
    return bulk.page_by_age(found, limit)


def _listed(job: BulkJob) -> ListedWork:
    return ListedWork(
        id=job.id,
        created_at=job.created_at,
        title=bulk.kind_of(job).title,
        href=f"/merchants/jobs/{job.id}",
        state=job.state,
        done=job.done,
        total=job.total,
        requested_by_user_id=job.requested_by_user_id,
        acting_admin_id=job.acting_admin_id,
    )


async def list_items(ctx: Ctx, job: BulkJob, *, outcome: Result | None = None, cursor: str | None = None, limit: int) -> Page[ShownItem]:
    """Return a page of a job's things, all or those of one outcome."""
    page = await bulk.list_items(ctx, job.id, outcome=outcome, cursor=cursor, limit=limit)
    return Page(await show_items(ctx, job, page.items), page.next_cursor)


async def list_items_after(ctx: Ctx, job: BulkJob, position: int, *, limit: int) -> list[ShownItem]:
    """Return up to `limit` things behind `position`."""
    return await show_items(ctx, job, await bulk.list_items_after(ctx, job.id, position, limit=limit))


async def show_items(ctx: Ctx, job: BulkJob, items: Sequence[BulkItem]) -> list[ShownItem]:
    """Return things of a job with what they are called: read for all of them at once by the module that does the job."""
    kind = bulk.kind_of(job)
    labels: Mapping[str, Label] = await load_attribute(kind.labels)(ctx, [item.key for item in items]) if kind.labels and items else {}
    reasons = {**COMMON_REASONS, **kind.reasons}
    return [ShownItem(item, labels.get(item.key) or Label(item.key), reasons.get(item.reason or "", "")) for item in items]


async def get_file(ctx: Ctx, job_id: uuid.UUID, file_id: uuid.UUID) -> StoredFile:
    """Return a file of the job; NotFound for any other, as for one that has expired."""
    found = await files.read(ctx, file_id)
    if found.job_id != job_id:
        raise files.FileNotFoundException
    return found
