"""Core's own tasks: what is kept for a time and no longer. 500 rows a transaction; a full one makes the next follow at once."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping

from app.core.context import PlatformCtx

CHUNK = 500
KEEP_ANSWERS = dt.timedelta(days=7)  # domain.md, Idempotency
KEEP_ADDRESSES = dt.timedelta(days=90)  # domain.md, Privacy
KEEP_DONE = dt.timedelta(days=30)
KEEP_RUNS = dt.timedelta(days=60)
KEEP_SIGNS = dt.timedelta(days=1)
KEEP_JOB_RUNS = dt.timedelta(days=60)
"""Longer than the period of any kind of run: one that is forgotten could be begun again."""
KEEP_STATS = dt.timedelta(days=90)
KEEP_REFUSALS = dt.timedelta(days=1)
KEEP_ALERTS = dt.timedelta(days=365)
KEEP_BULK_JOBS = dt.timedelta(days=90)
EXPIRED = dt.timedelta()

DELETE_ANSWERS = """
DELETE FROM core_idempotency USING (
    SELECT merchant_id, key FROM core_idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2) old
WHERE core_idempotency.merchant_id = old.merchant_id AND core_idempotency.key = old.key
"""
SCRUB_ADDRESSES = """
UPDATE core_audit_log SET address = NULL
WHERE id IN (SELECT id FROM core_audit_log WHERE address IS NOT NULL AND at < $1 ORDER BY at LIMIT $2)
"""
DELETE_DONE = """
DELETE FROM core_outbox WHERE id IN (SELECT id FROM core_outbox WHERE done_at < $1 ORDER BY done_at LIMIT $2)
"""
DELETE_RUNS = """
DELETE FROM core_schedule_runs USING (
    SELECT task, subject_id, period FROM core_schedule_runs WHERE started_at < $1 ORDER BY started_at LIMIT $2) old
WHERE core_schedule_runs.task = old.task AND core_schedule_runs.subject_id = old.subject_id AND core_schedule_runs.period = old.period
"""
DELETE_JOB_RUNS = "DELETE FROM core_job_runs WHERE id IN (SELECT id FROM core_job_runs WHERE started_at < $1 ORDER BY started_at LIMIT $2)"
DELETE_STATS = """
DELETE FROM core_task_stats USING (
    SELECT task, subject_id, day FROM core_task_stats WHERE day < ($1::timestamptz AT TIME ZONE 'UTC')::date ORDER BY day LIMIT $2) old
WHERE core_task_stats.task = old.task AND core_task_stats.subject_id = old.subject_id AND core_task_stats.day = old.day
"""
DELETE_REFUSALS = """
DELETE FROM core_store_refusals USING (SELECT minute, store_id FROM core_store_refusals WHERE minute < $1 ORDER BY minute LIMIT $2) old
WHERE core_store_refusals.minute = old.minute AND core_store_refusals.store_id = old.store_id
"""
DELETE_ALERTS = """
WITH old AS (
    DELETE FROM core_alerts WHERE id IN (SELECT id FROM core_alerts WHERE cleared_at < $1 ORDER BY cleared_at LIMIT $2) RETURNING id
), notices AS (DELETE FROM core_alert_notices WHERE alert_id IN (SELECT id FROM old))
SELECT id FROM old
"""
# Their items and parts go with them.
DELETE_BULK_JOBS = """
DELETE FROM core_bulk_jobs USING (
    SELECT merchant_id, id FROM core_bulk_jobs WHERE created_at < $1 ORDER BY created_at LIMIT $2) old
WHERE core_bulk_jobs.merchant_id = old.merchant_id AND core_bulk_jobs.id = old.id
"""
DELETE_FILES = """
DELETE FROM core_files USING (SELECT merchant_id, id FROM core_files WHERE expires_at < $1 ORDER BY expires_at LIMIT $2) old
WHERE core_files.merchant_id = old.merchant_id AND core_files.id = old.id
"""
DELETE_SIGNS = "DELETE FROM core_heartbeats WHERE process IN (SELECT process FROM core_heartbeats WHERE beat_at < $1 LIMIT $2)"


async def clear(ctx: PlatformCtx, task: str, *steps: tuple[str, dt.timedelta]) -> None:
    """Do one chunk of each step; go on at once, by the same `task`, when any of them was full.

    A step is a statement, which deletes up to $2 rows that are older than $1, and for how long rows are kept.
    """
    counts = [_count(await ctx.conn.execute(statement, ctx.now - keep, CHUNK)) for statement, keep in steps]
    if CHUNK in counts:
        ctx.enqueue(task)


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])


async def forget_answers(ctx: PlatformCtx) -> None:
    """Delete answers to idempotent requests after 7 days."""
    await clear(ctx, "core.forget_answers", (DELETE_ANSWERS, KEEP_ANSWERS))


async def forget_addresses(ctx: PlatformCtx) -> None:
    """Remove addresses from the audit log after 90 days; the entries stay."""
    await clear(ctx, "core.forget_addresses", (SCRUB_ADDRESSES, KEEP_ADDRESSES))


async def forget_done_messages(ctx: PlatformCtx) -> None:
    """Delete messages 30 days after they were done; dead ones stay until somebody decides."""
    await clear(ctx, "core.forget_done_messages", (DELETE_DONE, KEEP_DONE))


async def forget_schedule_runs(ctx: PlatformCtx) -> None:
    """Delete beat's notes after 60 days, and the signs of life of processes that never signed off."""
    await clear(ctx, "core.forget_schedule_runs", (DELETE_RUNS, KEEP_RUNS), (DELETE_SIGNS, KEEP_SIGNS))


async def forget_runs(ctx: PlatformCtx) -> None:
    """Delete long runs after 60 days, what tasks did after 90, refusals per store after one, alerts a year after their end."""
    steps = ((DELETE_JOB_RUNS, KEEP_JOB_RUNS), (DELETE_STATS, KEEP_STATS), (DELETE_REFUSALS, KEEP_REFUSALS), (DELETE_ALERTS, KEEP_ALERTS))
    await clear(ctx, "core.forget_runs", *steps)


async def forget_files(ctx: PlatformCtx) -> None:
    """Delete files that have expired, and bulk jobs with their items after 90 days."""
    await clear(ctx, "core.forget_files", (DELETE_FILES, EXPIRED), (DELETE_BULK_JOBS, KEEP_BULK_JOBS))


TASKS: Mapping[str, Callable[..., Awaitable[None]]] = {
    "core.forget_answers": forget_answers,
    "core.forget_addresses": forget_addresses,
    "core.forget_done_messages": forget_done_messages,
    "core.forget_schedule_runs": forget_schedule_runs,
    "core.forget_runs": forget_runs,
    "core.forget_files": forget_files,
}
