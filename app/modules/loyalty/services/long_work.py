"""Imports and merges of everybody's cards among the merchant's other long work: what the list of jobs shows of them."""

import datetime as dt
import uuid
from collections.abc import Mapping

from app.core.bulk import ListedWork, WorkState
from app.core.context import Ctx
from app.core.i18n import N_
from app.modules.loyalty.domain.enums import ImportStatus, MergeRunStatus
from app.modules.loyalty.queries import imports, merges
from app.modules.loyalty.queries.imports import ImportView
from app.modules.loyalty.queries.merges import MergeRun

IMPORT_STATES: Mapping[ImportStatus, WorkState] = {
    ImportStatus.UPLOADED: "waits",
    ImportStatus.CHECKING: "running",
    ImportStatus.CHECKED: "waits",
    ImportStatus.RUNNING: "running",
    ImportStatus.DONE: "done",
    ImportStatus.FAILED: "failed",
}
MERGE_STATES: Mapping[MergeRunStatus, WorkState] = {
    MergeRunStatus.RUNNING: "running",
    MergeRunStatus.DONE: "done",
    MergeRunStatus.STOPPED: "stopped",
}


async def list_before(ctx: Ctx, at: dt.datetime, work_id: uuid.UUID, limit: int) -> list[ListedWork]:
    """Return up to `limit` imports and as many merges from before `at`, or then with a lower id, the latest first of each."""
    found = [_import(job) for job in await imports.list_imports_before(ctx, at, work_id, limit)]
    return found + [_merge(run) for run in await merges.list_runs_before(ctx, at, work_id, limit)]


def _import(job: ImportView) -> ListedWork:
    read = job.counts.get("read", 0)
    return ListedWork(
        id=job.id,
        created_at=job.created_at,
        title=N_("Import"),
        note=job.file_name,
        href=f"/merchants/import/{job.id}",
        state=IMPORT_STATES[job.status],
        done=read,
        total=max(job.lines, read) if job.status is not ImportStatus.DONE else read,
        requested_by_user_id=job.requested_by_user_id,
        acting_admin_id=job.acting_admin_id,
    )


def _merge(run: MergeRun) -> ListedWork:
    return ListedWork(
        id=run.id,
        created_at=run.started_at,
        title=N_("Merge cards"),
        href=f"/merchants/settings/merges/{run.id}",
        state=MERGE_STATES[run.status],
        done=run.customers_merged + run.customers_skipped,
        total=run.customers_total,
        requested_by_user_id=run.started_by,
    )
