"""Core's own tasks: what is kept for a time and no longer. 500 rows a transaction; a full one makes the next follow at once."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping

from app.core.context import PlatformCtx
from app.core.modules import Schedule

CHUNK = 500
KEEP_ANSWERS = dt.timedelta(days=7)  # domain.md, Idempotency
KEEP_ADDRESSES = dt.timedelta(days=90)  # domain.md, Privacy
KEEP_DONE = dt.timedelta(days=30)
KEEP_RUNS = dt.timedelta(days=60)
KEEP_SIGNS = dt.timedelta(days=1)

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
DELETE_SIGNS = "DELETE FROM core_heartbeats WHERE process IN (SELECT process FROM core_heartbeats WHERE beat_at < $1 LIMIT $2)"


async def _clear(ctx: PlatformCtx, task: str, statement: str, before: dt.datetime) -> None:
    if _count(await ctx.conn.execute(statement, before, CHUNK)) == CHUNK:
        ctx.enqueue(task)


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])


async def forget_answers(ctx: PlatformCtx) -> None:
    """Delete answers to idempotent requests after 7 days."""
    await _clear(ctx, "core.forget_answers", DELETE_ANSWERS, ctx.now - KEEP_ANSWERS)


async def forget_addresses(ctx: PlatformCtx) -> None:
    """Remove addresses from the audit log after 90 days; the entries stay."""
    await _clear(ctx, "core.forget_addresses", SCRUB_ADDRESSES, ctx.now - KEEP_ADDRESSES)


async def forget_done_messages(ctx: PlatformCtx) -> None:
    """Delete messages 30 days after they were done; dead ones stay until somebody decides."""
    await _clear(ctx, "core.forget_done_messages", DELETE_DONE, ctx.now - KEEP_DONE)


async def forget_schedule_runs(ctx: PlatformCtx) -> None:
    """Delete beat's notes after 60 days, and the signs of life of processes that never signed off."""
    await ctx.conn.execute(DELETE_SIGNS, ctx.now - KEEP_SIGNS, CHUNK)
    await _clear(ctx, "core.forget_schedule_runs", DELETE_RUNS, ctx.now - KEEP_RUNS)


TASKS: Mapping[str, Callable[..., Awaitable[None]]] = {
    "core.forget_answers": forget_answers,
    "core.forget_addresses": forget_addresses,
    "core.forget_done_messages": forget_done_messages,
    "core.forget_schedule_runs": forget_schedule_runs,
}
HOUR = 3600
BEAT = tuple(Schedule(task, seconds=HOUR) for task in TASKS)
