"""The background work that is started by the clock: what ran, what runs, what comes next, and starting it by hand. Admins only."""

import datetime as dt
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import ConfigDict, Field, JsonValue
from starlette.requests import Request
from starlette.responses import Response

from app.core import audit, jobs, task_stats
from app.core.context import PlatformCtx
from app.core.errors import N_, NotFound
from app.core.i18n import _
from app.core.idempotency import IdempotencyKey
from app.core.jobs import RunView
from app.core.modules import Schedule
from app.core.schedules import Timetable, next_start, start_now
from app.core.task_stats import TaskBacklog, TaskStats
from app.core.web.deps import Mutation, access, idempotent
from app.core.web.fields import Answer, Body, example
from app.core.web.problems import documented

router = APIRouter(prefix="/api/v1/admin/operation/jobs", tags=["Operation - Admin"])
TaskName = Annotated[str, Path(max_length=100, description="A task of the timetable.")]

MOST_RUNS = 25
RECENT = dt.timedelta(days=8)

TASK_EXAMPLE: dict[str, JsonValue] = {
    "task": "loyalty.expire_points", "title": "Let points expire", "is_per_merchant": True, "seconds": None, "hour": 0, "weekday": None,
    "next_start_at": "2026-11-23T23:00:00Z", "last_started_at": "2026-11-22T23:00:04Z", "last_success_at": "2026-11-22T23:00:04Z",
    "last_seconds": 1.27, "last_outcome": "done", "last_reason": None, "runs": 14, "failures": 0, "waiting": 0, "running": 0, "dead": 0,
}  # fmt: skip
RUN_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-7c22-7d41-9e11-3a4b5c6d7e8f", "merchant_id": "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e", "kind": "loyalty.expire_points",
    "period": "2026-11-23", "status": "done", "counts": {"expired": 212, "points": 40_112, "warned": 31}, "attempt": 1,
    "started_at": "2026-11-22T23:00:04Z", "heartbeat_at": "2026-11-22T23:00:05Z", "finished_at": "2026-11-22T23:00:05Z", "error": None,
    "is_alive": False,
}  # fmt: skip


class TaskNotFound(NotFound):
    """No schedule of this release names the task."""

    code = "task_not_found"
    message = N_("Nothing starts this task by the clock.")


class JobMerchantNotFound(NotFound):
    """There is no active merchant of this id to run the task for."""

    code = "merchant_not_found"
    message = N_("There is no active merchant of this id.")


class TaskAnswer(Answer):
    """A scheduled task. `runs` and `failures` (failed tries) are those of the last seven days; `waiting` holds what runs as well.

    It starts every `seconds`, or at `hour` of each merchant's clock, with `weekday` (0 is Monday) once a week.
    """

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [TASK_EXAMPLE]})

    task: str
    title: str
    is_per_merchant: bool
    seconds: int | None
    hour: int | None
    weekday: int | None
    next_start_at: dt.datetime | None
    last_started_at: dt.datetime | None
    last_success_at: dt.datetime | None
    last_seconds: float | None
    last_outcome: str | None
    last_reason: str | None
    runs: int
    failures: int
    waiting: int
    running: int
    dead: int


class RunAnswer(Answer):
    """A long run: `counts` grow with each chunk; `is_alive` when somebody is at it now."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [RUN_EXAMPLE]})

    id: uuid.UUID
    merchant_id: uuid.UUID | None
    kind: str
    period: str
    status: str
    counts: dict[str, int]
    attempt: int
    started_at: dt.datetime
    heartbeat_at: dt.datetime
    finished_at: dt.datetime | None
    error: str | None
    is_alive: bool


class JobsAnswer(Answer):
    """Every scheduled task, long runs that are not done, and those done lately, the latest first."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"tasks": [TASK_EXAMPLE], "open": [], "done": [RUN_EXAMPLE]}]})

    tasks: list[TaskAnswer]
    open: list[RunAnswer]
    done: list[RunAnswer]


class StartForm(Body):
    """Whom to run a merchant's task for: one merchant, or all active ones (null). The platform's tasks take no merchant."""

    model_config = example(merchant_id=None)

    merchant_id: uuid.UUID | None = Field(default=None, description="One merchant; null for all.")


class StartedAnswer(Answer):
    """How many runs were put on their way: one, or one per merchant."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"started": 12}]})

    started: int


async def read_jobs(ctx: PlatformCtx, timetable: Timetable) -> JobsAnswer:
    """Return what the Jobs page shows, titles in the current language."""
    names = [schedule.task for schedule in timetable.schedules]
    stats = await task_stats.read_stats(ctx.conn, names, ctx.now.date())
    backlog = await task_stats.read_backlog(ctx.conn, names)
    zones = {zone for _, zone in await timetable.list_zones(ctx)}
    return JobsAnswer(
        tasks=[
            _shape_task(item, stats.get(item.task), backlog.get(item.task, TaskBacklog()), next_start(item, ctx.now, zones))
            for item in timetable.schedules
        ],
        open=[_shape_run(run, ctx.now) for run in await jobs.list_open_runs(ctx, MOST_RUNS)],
        done=[_shape_run(run, ctx.now) for run in await jobs.list_done_runs(ctx, MOST_RUNS, since=ctx.now - RECENT)],
    )


def _shape_task(schedule: Schedule, stats: TaskStats | None, backlog: TaskBacklog, next_at: dt.datetime | None) -> TaskAnswer:
    return TaskAnswer(
        task=schedule.task,
        title=_(schedule.title) if schedule.title else schedule.task,
        is_per_merchant=schedule.hour is not None,
        seconds=schedule.seconds or None,
        hour=schedule.hour,
        weekday=schedule.weekday,
        next_start_at=next_at,
        last_started_at=stats.last_started_at if stats else None,
        last_success_at=stats.last_success_at if stats else None,
        last_seconds=stats.last_seconds if stats else None,
        last_outcome=stats.last_outcome if stats else None,
        last_reason=stats.last_reason if stats else None,
        runs=stats.runs if stats else 0,
        failures=stats.failures if stats else 0,
        waiting=backlog.waiting,
        running=backlog.running,
        dead=backlog.dead,
    )


def _shape_run(run: RunView, now: dt.datetime) -> RunAnswer:
    return RunAnswer(
        id=run.id,
        merchant_id=run.merchant_id,
        kind=run.kind,
        period=run.period,
        status=run.status,
        counts=dict(run.counts),
        attempt=run.attempt,
        started_at=run.started_at,
        heartbeat_at=run.heartbeat_at,
        finished_at=run.finished_at,
        error=run.error,
        is_alive=run.is_alive(now),
    )


@router.get("", summary="List scheduled tasks and long runs", responses=documented())
async def list_jobs(request: Request, ctx: PlatformCtx = access("admin", "core.health.view")) -> JobsAnswer:
    """Return every task that is started by the clock with its last and next run, and long runs with their progress."""
    return await read_jobs(ctx, request.app.state.timetable)


@router.post("/{task}/run", summary="Run a task now", status_code=202, response_model=StartedAnswer, responses=documented(400, 404, 429))
async def run_task(
    request: Request, task: TaskName, form: StartForm, mutation: Mutation = idempotent("admin", "core.job.run", limit="60/minute")
) -> Response:
    """Put a run of the task on its way, for one merchant or all; the same key starts nothing twice.

    What a task does once a day it still does once a day: a second run of that day finds nothing left to do. Only the check of
    the ledger looks again.
    """
    timetable: Timetable = request.app.state.timetable

    async def act(ctx: Any, key: IdempotencyKey) -> tuple[int, str, bool]:
        schedule = timetable.find(task)
        if schedule is None:
            raise TaskNotFound
        merchant_ids = await _choose(ctx, timetable, schedule, form.merchant_id)
        started = await start_now(ctx, schedule, merchant_ids, key=key.key)
        if started.count:
            await audit.record(ctx, "core.job.started", "task", None, merchant_id=form.merchant_id, task=task, runs=started.count)
        return 202, StartedAnswer(started=started.wanted).model_dump_json(), started.count == 0 and started.wanted > 0

    return await mutation.run_stored(act)


async def _choose(ctx: PlatformCtx, timetable: Timetable, schedule: Schedule, merchant_id: uuid.UUID | None) -> list[uuid.UUID]:
    if schedule.hour is None:
        if merchant_id is not None:
            raise JobMerchantNotFound
        return []
    active = [found for found, _zone in await timetable.list_zones(ctx)]
    if merchant_id is None:
        return active
    if merchant_id not in active:
        raise JobMerchantNotFound
    return [merchant_id]
