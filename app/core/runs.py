"""A run in chunks: each chunk and its progress are one transaction, so whoever goes on finds neither a gap nor anything twice."""

import contextlib
import dataclasses
import enum
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from app.core import jobs
from app.core.context import Ctx
from app.core.errors import reason_of
from app.core.jobs import JobRun


class Turn(Protocol):
    """Who gives a run its units of work: a batch task's turn, or a command."""

    @property
    def is_out_of_time(self) -> bool:
        """Whether to stop after this chunk and go on in another turn."""

    def unit_of_work(self) -> contextlib.AbstractAsyncContextManager[Ctx]:
        """One chunk, committed when the block ends."""


class Ending(enum.Enum):
    """How a turn ended."""

    DONE = "done"
    DONE_BEFORE = "done_before"
    GOES_ON = "goes_on"
    HELD = "held"
    """Somebody else is at it, or was killed less than a minute ago."""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do, now or since before."""
        return self in (Ending.DONE, Ending.DONE_BEFORE)


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """What a chunk did, in numbers by name, and the cursor with which the next one begins; None after the last.

    `gives_up` is a code: this run ends here as failed, for a later one covers what it left.
    """

    cursor: Mapping[str, Any] | None
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    gives_up: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """The outcome of a turn: how it ended, the run's period, and what the run has done in all (nothing when it was not ours)."""

    ending: Ending
    period: str
    counts: Mapping[str, int]


Name = Callable[[Ctx], Awaitable[tuple[str, str]]]
"""Names a run: its kind (a task's name) and its period."""
Work = Callable[[Ctx, JobRun], Awaitable[Step]]
"""Does the chunk at the run's cursor (empty at the first), in the given unit of work."""
Committed = Callable[[], Awaitable[None]]
"""Hears that a chunk was committed."""


class _NotOurs(Exception):
    """There is no run to go on with; leaves the unit of work without a commit, so that the turn counts as idle."""

    def __init__(self, ending: Ending, period: str) -> None:
        super().__init__(ending)
        self.ending, self.period = ending, period


async def run_in_chunks(turn: Turn, name: Name, work: Work, *, committed: Committed | None = None) -> Ran:
    """Do the run that `name` names, chunk by chunk, or go on with it where it stopped, as far as the turn allows.

    While somebody else is at it nothing is done: should they die, their run lapses and is gone on with here. Raises what `work`
    raises; the run is then marked as failed, the chunks before it stay, and the next turn goes on with it.
    """
    try:
        run = await _begin(turn, name)
    except _NotOurs as other:
        return Ran(other.ending, other.period, {})
    try:
        return await _go_on(turn, run, work, committed)
    except jobs.RunLost:
        return Ran(Ending.HELD, run.period, {})
    except Exception as error:
        with contextlib.suppress(Exception):  # the first error is the one to tell; without this note the run lapses in a minute
            async with turn.unit_of_work() as ctx:
                await jobs.fail(ctx, run, reason_of(error))
        raise


async def _begin(turn: Turn, name: Name) -> JobRun:
    async with turn.unit_of_work() as ctx:
        kind, period = await name(ctx)
        run = await jobs.begin_run(ctx, kind, period)
        if run is None:
            raise _NotOurs(Ending.DONE_BEFORE if await jobs.is_done(ctx, kind, period) else Ending.HELD, period)
        return run


async def _go_on(turn: Turn, run: JobRun, work: Work, committed: Committed | None) -> Ran:
    while True:
        async with turn.unit_of_work() as ctx:
            step = await work(ctx, run)
            run, ending = await _note(ctx, run, step, is_out_of_time=turn.is_out_of_time)
        if committed is not None:
            await committed()
        if ending is not None:
            return Ran(ending, run.period, run.counts)


async def _note(ctx: Ctx, run: JobRun, step: Step, *, is_out_of_time: bool) -> tuple[JobRun, Ending | None]:
    """Note the chunk's progress in its own transaction; return the run and how the turn ends, None when it goes on."""
    if step.gives_up is not None:
        await jobs.fail(ctx, run, step.gives_up)
        return run, Ending.GOES_ON
    run = await jobs.advance(ctx, run, cursor=run.cursor if step.cursor is None else step.cursor, counts=step.counts)
    if step.cursor is None:
        await jobs.finish(ctx, run)
        return run, Ending.DONE
    if is_out_of_time:
        await jobs.release(ctx, run)
        return run, Ending.GOES_ON
    return run, None
