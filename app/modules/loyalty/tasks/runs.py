"""A run in chunks: each chunk and its progress are one transaction, so whoever goes on finds neither a gap nor anything twice."""

import contextlib
import datetime as dt
import uuid
import zoneinfo
from collections.abc import Awaitable, Callable

from app.core import jobs
from app.core.context import Ctx
from app.core.tasks.batch import Batch
from app.core.tasks.runner import reason_of
from app.modules.loyalty.services.chunks import FIRST, Chunk
from app.modules.tenancy import public as tenancy

PeriodOf = Callable[[dt.datetime, zoneinfo.ZoneInfo], str]
"""Names the period of a run that begins at an instant, by the merchant's calendar."""
Work = Callable[[Ctx, str, uuid.UUID], Awaitable[Chunk]]
"""Does the chunk of a period behind an id, in the given unit of work."""


class _Held(Exception):
    """Somebody else is at this run."""


async def run_in_chunks(batch: Batch, kind: str, period_of: PeriodOf, work: Work) -> bool:
    """Do the run `kind` that is due for the batch's merchant, chunk by chunk, or go on with it where it stopped.

    Returns whether it is done, now or before. False when the turn is over, or while somebody else is at it: should they die,
    their run lapses and is gone on with here. What `work` raises leaves the run failed and the chunks before it done.
    """
    try:
        run = await _begin(batch, kind, period_of)
        return run is None or await _go_on(batch, run, work)
    except (_Held, jobs.RunLost):
        return False


async def _begin(batch: Batch, kind: str, period_of: PeriodOf) -> jobs.JobRun | None:
    """Return the run, None when it is done; _Held undoes this unit of work, so that the next turn comes after a pause."""
    async with batch.unit_of_work() as ctx:
        period = period_of(ctx.now, await tenancy.merchant_zone(ctx))
        run = await jobs.begin_run(ctx, kind, period)
        if run is None and not await jobs.is_done(ctx, kind, period):
            raise _Held
    return run


async def _go_on(batch: Batch, run: jobs.JobRun, work: Work) -> bool:
    try:
        while not batch.is_out_of_time:
            async with batch.unit_of_work() as ctx:
                after_id = uuid.UUID(run.cursor["after_id"]) if run.cursor else FIRST
                chunk = await work(ctx, run.period, after_id)
                run = await jobs.advance(ctx, run, cursor={"after_id": str(chunk.after_id or after_id)}, counts=chunk.counts)
                if chunk.after_id is None:
                    await jobs.finish(ctx, run)
            if chunk.after_id is None:
                return True
        async with batch.unit_of_work() as ctx:
            await jobs.release(ctx, run)
    except Exception as error:
        with contextlib.suppress(Exception):  # the first error is the one to tell; without this note the run lapses in a minute
            async with batch.unit_of_work() as ctx:
                await jobs.fail(ctx, run, reason_of(error))
        raise
    return False
