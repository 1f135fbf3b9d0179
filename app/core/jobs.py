"""Long work in chunks that is done once per merchant and period, goes on where it stopped, and shows how far it is.

A run is a row, unique per (merchant, kind, period). Whoever begins it holds it while its heartbeat is younger than a minute;
after that another may take it over, and `attempt` is the fence: the one that was slow finds another number and must undo its
chunk (reliability.md, Settings, Celery; promise 10).
"""

import dataclasses
import datetime as dt
import json
import uuid
from collections.abc import Mapping
from typing import Any

from app.core.context import Ctx, PlatformCtx
from app.core.ids import new_id

LAPSE = dt.timedelta(seconds=60)

BEGIN = """
INSERT INTO core_job_runs (id, merchant_id, kind, period, status, started_at, heartbeat_at) VALUES ($1, $2, $3, $4, 'running', $5, $5)
ON CONFLICT (merchant_id, kind, period) DO UPDATE
SET attempt = core_job_runs.attempt + 1, status = 'running', heartbeat_at = excluded.heartbeat_at, error = NULL
WHERE core_job_runs.status = 'failed' OR (core_job_runs.status = 'running' AND core_job_runs.heartbeat_at < $6)
RETURNING id, attempt, cursor, counts
"""

# Counts are added where they lie, name by name.
ADVANCE = """
UPDATE core_job_runs SET cursor = $3, heartbeat_at = greatest(heartbeat_at, $5), counts = (
    SELECT coalesce(jsonb_object_agg(total.name, total.value), '{}') FROM (
        SELECT part.name, sum(part.value::bigint) AS value FROM (
            SELECT * FROM jsonb_each_text(core_job_runs.counts) UNION ALL SELECT * FROM jsonb_each_text($4)) part (name, value)
        GROUP BY part.name) total)
WHERE id = $1 AND attempt = $2 AND status = 'running' RETURNING counts
"""

END = """
UPDATE core_job_runs SET status = $3, heartbeat_at = greatest(heartbeat_at, $4), error = $5,
    finished_at = CASE WHEN $3 = 'done' THEN $4::timestamptz END
WHERE id = $1 AND attempt = $2 AND status = 'running'
"""

RELEASE = "UPDATE core_job_runs SET heartbeat_at = $3 WHERE id = $1 AND attempt = $2 AND status = 'running'"

# The platform's runs have no merchant.
IS_DONE = """
SELECT EXISTS (SELECT FROM core_job_runs WHERE merchant_id IS NOT DISTINCT FROM $1 AND kind = $2 AND period = $3 AND status = 'done')
"""
LAST_DONE = """
SELECT max(started_at) FROM core_job_runs WHERE merchant_id IS NOT DISTINCT FROM $1 AND kind = $2 AND status = 'done'
"""

LIST_RUNS = """
SELECT id, merchant_id, kind, period, status, counts, attempt, started_at, heartbeat_at, finished_at, error FROM core_job_runs
"""
LIST_OPEN = f"{LIST_RUNS} WHERE status <> 'done' ORDER BY heartbeat_at DESC, id LIMIT $1"
LIST_DONE = f"{LIST_RUNS} WHERE status = 'done' AND started_at > $2 ORDER BY started_at DESC, id LIMIT $1"


class RunLost(Exception):
    """Another has taken the run over: this one's chunk must be undone, so let the error leave the unit of work."""


@dataclasses.dataclass(frozen=True, slots=True)
class JobRun:
    """A run that this process holds. `cursor` says where to go on, `counts` what has been done since the first attempt."""

    id: uuid.UUID
    kind: str
    period: str
    attempt: int
    cursor: Mapping[str, Any]
    counts: Mapping[str, int]


async def begin_run(ctx: Ctx | PlatformCtx, kind: str, period: str) -> JobRun | None:
    """Begin the run `kind` (a task's name) of `period` (a local day such as "2026-10-25") for the context's merchant.

    Goes on with a run that failed, or whose heartbeat is older than 60 s at `ctx.now`, with the next attempt. None when the run
    is done or somebody else is at it. Rivals wait for this unit of work: commit it before the work proper.
    """
    merchant_id = ctx.merchant_id if isinstance(ctx, Ctx) else None
    row = await ctx.conn.fetchrow(BEGIN, new_id(), merchant_id, kind, period, ctx.now, ctx.now - LAPSE)
    return JobRun(row["id"], kind, period, row["attempt"], row["cursor"], row["counts"]) if row else None


async def advance(ctx: Ctx | PlatformCtx, run: JobRun, *, cursor: Mapping[str, Any], counts: Mapping[str, int]) -> JobRun:
    """Note, in the chunk's own unit of work, where to go on and what this chunk added; RunLost when another has the run."""
    row = await ctx.conn.fetchrow(ADVANCE, run.id, run.attempt, json.dumps(cursor, default=str), json.dumps(counts), ctx.now)
    if row is None:
        raise RunLost
    return dataclasses.replace(run, cursor=dict(cursor), counts=row["counts"])


async def finish(ctx: Ctx | PlatformCtx, run: JobRun) -> None:
    """Mark the run done: nobody begins this period again. RunLost when another has it."""
    await _end(ctx, run, "done", None)


async def fail(ctx: Ctx | PlatformCtx, run: JobRun, error: str) -> None:
    """Mark the run failed, with an error's code or type (no text that may hold personal data): the next attempt goes on with it."""
    await _end(ctx, run, "failed", error)


async def release(ctx: Ctx | PlatformCtx, run: JobRun) -> None:
    """Let go of a run between two turns: whoever begins it next goes on at once, with the next attempt. RunLost when another has it."""
    lapsed_at = ctx.now - LAPSE - dt.timedelta(seconds=1)
    if await ctx.conn.execute(RELEASE, run.id, run.attempt, lapsed_at) != "UPDATE 1":
        raise RunLost


async def _end(ctx: Ctx | PlatformCtx, run: JobRun, status: str, error: str | None) -> None:
    if await ctx.conn.execute(END, run.id, run.attempt, status, ctx.now, error) != "UPDATE 1":
        raise RunLost


async def is_done(ctx: Ctx | PlatformCtx, kind: str, period: str) -> bool:
    """Return whether the context's merchant has had the run of this period: what tells apart why `begin_run` gave none."""
    found: bool = await ctx.conn.fetchval(IS_DONE, ctx.merchant_id if isinstance(ctx, Ctx) else None, kind, period)
    return found


async def last_done(ctx: Ctx | PlatformCtx, kind: str) -> dt.datetime | None:
    """Return when the last run of this kind that was finished had begun, or None."""
    at: dt.datetime | None = await ctx.conn.fetchval(LAST_DONE, ctx.merchant_id if isinstance(ctx, Ctx) else None, kind)
    return at


@dataclasses.dataclass(frozen=True, slots=True)
class RunView:
    """A run as the admin sees it; `counts` are its own words for what it did."""

    id: uuid.UUID
    merchant_id: uuid.UUID | None
    kind: str
    period: str
    status: str
    counts: Mapping[str, int]
    attempt: int
    started_at: dt.datetime
    heartbeat_at: dt.datetime
    finished_at: dt.datetime | None
    error: str | None

    def is_alive(self, now: dt.datetime) -> bool:
        """Whether somebody is at it: the others wait for their next turn, or for somebody to take them over."""
        return self.status == "running" and now - self.heartbeat_at <= LAPSE


async def list_open_runs(ctx: PlatformCtx, limit: int) -> list[RunView]:
    """Return runs that are not done, those with the latest sign of life first."""
    return [RunView(**dict(row)) for row in await ctx.conn.fetch(LIST_OPEN, limit)]


async def list_done_runs(ctx: PlatformCtx, limit: int, *, since: dt.datetime) -> list[RunView]:
    """Return runs that were begun after `since` and are done, the latest first."""
    return [RunView(**dict(row)) for row in await ctx.conn.fetch(LIST_DONE, limit, since)]
