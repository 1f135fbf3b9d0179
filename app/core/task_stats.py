"""What scheduled tasks did: a row per task, subject and day, for the admin's Jobs page. Other work leaves no trace here.

A mail or an event is one of many and has its row in the outbox; counting each would make one row that all workers wait for.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping

import asyncpg
import structlog

from app.core.db.engine import Database, raw_connection
from app.core.outbox.claims import Claim

log = structlog.get_logger(__name__)

PLATFORM_ID = uuid.UUID(int=0)
"""Who a task is run for when it is the platform's and no merchant's."""
WINDOW_DAYS = 7
LAST_DAYS = 15
"""How far back a last run is looked for: longer than a week, so that weekly tasks have one."""

_scheduled: set[str] = set()

NOTE = """
INSERT INTO core_task_stats AS s
    (task, subject_id, day, runs, failures, seconds, last_started_at, last_seconds, last_outcome, last_reason, last_success_at)
SELECT $1, $2, ($3::timestamptz AT TIME ZONE 'UTC')::date, $4, $5, $6, $3, $6, $7,
       CASE WHEN $5 > 0 THEN (SELECT error FROM core_outbox WHERE id = $8) END, CASE WHEN $7 = 'done' THEN $3 END
ON CONFLICT (task, subject_id, day) DO UPDATE SET
    runs = s.runs + excluded.runs, failures = s.failures + excluded.failures, seconds = s.seconds + excluded.seconds,
    last_started_at = excluded.last_started_at, last_seconds = excluded.last_seconds, last_outcome = excluded.last_outcome,
    last_reason = excluded.last_reason, last_success_at = coalesce(excluded.last_success_at, s.last_success_at)
"""
READ = """
SELECT task, coalesce(sum(runs) FILTER (WHERE day > $2::date - $3::int), 0) AS runs,
       coalesce(sum(failures) FILTER (WHERE day > $2::date - $3::int), 0) AS failures,
       max(last_started_at) AS last_started_at, max(last_success_at) AS last_success_at,
       (array_agg(last_outcome ORDER BY last_started_at DESC))[1] AS last_outcome,
       (array_agg(last_reason ORDER BY last_started_at DESC))[1] AS last_reason,
       (array_agg(last_seconds ORDER BY last_started_at DESC))[1] AS last_seconds
FROM core_task_stats WHERE task = ANY($1) AND day > $2::date - $4::int GROUP BY task
"""
WAITING = """
SELECT task, count(*) FILTER (WHERE done_at IS NULL AND dead_at IS NULL) AS waiting,
       count(*) FILTER (WHERE done_at IS NULL AND dead_at IS NULL AND lease_until IS NOT NULL) AS running,
       count(*) FILTER (WHERE dead_at IS NOT NULL) AS dead
FROM core_outbox WHERE done_at IS NULL AND task = ANY($1) GROUP BY task
"""


@dataclasses.dataclass(frozen=True, slots=True)
class TaskStats:
    """A scheduled task over the last days: runs and failed tries of seven days, and its last run wherever it was."""

    runs: int
    failures: int
    last_started_at: dt.datetime
    last_success_at: dt.datetime | None
    last_outcome: str
    last_reason: str | None
    last_seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class TaskBacklog:
    """A task's messages: not done yet, of those the ones that a worker holds, and those that gave up."""

    waiting: int = 0
    running: int = 0
    dead: int = 0


def watch_tasks(tasks: Iterable[str]) -> None:
    """Keep account of these tasks, those of the timetable."""
    _scheduled.update(tasks)


async def note_run(database: Database, held: Claim, outcome: str, *, ended_at: dt.datetime, seconds: float) -> None:
    """Note one try of a scheduled task; of any other, nothing. One statement of its own, and no error: the work is done already.

    `outcome` is the runner's: "continued" is a part of a run, "retried" and "dead" are failures, anything else but "done" no run.
    """
    if held.task not in _scheduled or outcome not in ("done", "continued", "retried", "dead"):
        return
    is_failure, started_at = outcome in ("retried", "dead"), ended_at - dt.timedelta(seconds=seconds)
    values = (
        held.task,
        held.merchant_id or PLATFORM_ID,
        started_at,
        int(outcome != "continued"),
        int(is_failure),
        seconds,
        outcome,
        held.id,
    )
    try:
        async with raw_connection(database.platform) as conn:
            await conn.execute(NOTE, *values)
    except Exception as error:  # figures for people
        log.warning("run_not_noted", task=held.task, error=type(error).__name__)


async def read_stats(conn: asyncpg.Connection, tasks: Collection[str], today: dt.date) -> Mapping[str, TaskStats]:
    """Return what each of `tasks` did; one that did not run lately has no entry."""
    rows = await conn.fetch(READ, list(tasks), today, WINDOW_DAYS, LAST_DAYS)
    return {
        row["task"]: TaskStats(
            runs=row["runs"],
            failures=row["failures"],
            last_started_at=row["last_started_at"],
            last_success_at=row["last_success_at"],
            last_outcome=row["last_outcome"],
            last_reason=row["last_reason"],
            last_seconds=row["last_seconds"],
        )
        for row in rows
    }


async def read_backlog(conn: asyncpg.Connection, tasks: Collection[str]) -> Mapping[str, TaskBacklog]:
    """Return what waits, runs and gave up, by task; tasks without any have no entry."""
    return {row["task"]: TaskBacklog(row["waiting"], row["running"], row["dead"]) for row in await conn.fetch(WAITING, list(tasks))}
