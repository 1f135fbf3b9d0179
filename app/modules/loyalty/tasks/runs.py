"""Runs along the cards or people of a merchant, in the order of their ids, once per period of the merchant's calendar."""

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Awaitable, Callable

from app.core.context import Ctx
from app.core.jobs import JobRun
from app.core.runs import Step
from app.core.runs import run_in_chunks as run_steps
from app.core.tasks.batch import Batch
from app.modules.loyalty.services.chunks import FIRST, Chunk
from app.modules.tenancy import public as tenancy

PeriodOf = Callable[[dt.datetime, zoneinfo.ZoneInfo], str]
"""Names the period of a run that begins at an instant, by the merchant's calendar."""
Work = Callable[[Ctx, str, uuid.UUID], Awaitable[Chunk]]
"""Does the chunk of a period behind an id, in the given unit of work."""


async def run_in_chunks(batch: Batch, kind: str, period_of: PeriodOf, work: Work) -> bool:
    """Do the run `kind` that is due for the batch's merchant, or go on with it where it stopped; return whether it is done."""

    async def name(ctx: Ctx) -> tuple[str, str]:
        return kind, period_of(ctx.now, await tenancy.merchant_zone(ctx))

    async def step(ctx: Ctx, run: JobRun) -> Step:
        chunk = await work(ctx, run.period, uuid.UUID(run.cursor["after_id"]) if run.cursor else FIRST)
        return Step({"after_id": str(chunk.after_id)} if chunk.after_id else None, chunk.counts)

    return (await run_steps(batch, name, step)).ending.is_done
