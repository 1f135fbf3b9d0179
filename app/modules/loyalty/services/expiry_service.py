"""The nightly sweep (D1, C5): points expire and holders are warned, once per merchant and local day, in chunks that commit.

Progress is a job run of the merchant and day: whoever is killed leaves a cursor behind, and the next goes on from there. A pass
walks along all cards and passes over those that somebody holds; while any of them is still due another pass follows, and the
last passes wait for them.
"""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import enum
import time
import uuid
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from app.core import jobs
from app.core.context import SYSTEM, Ctx, Principal, unit_of_work
from app.core.db.engine import Database
from app.core.jobs import JobRun, RunLost
from app.core.observability import EXPIRED_CARDS, EXPIRED_POINTS, EXPIRY_WARNINGS
from app.modules.loyalty.domain import expiry
from app.modules.loyalty.domain.balances import CardState
from app.modules.loyalty.queries import expiry as queries
from app.modules.loyalty.queries.expiry import Forecast, ForecastCard, Sweep
from app.modules.loyalty.services import notification_service
from app.modules.loyalty.services.chunks import FIRST
from app.modules.loyalty.services.ledger_expiry import TOLD_AFTER, ExpiredChunk, WarnedCard, expire_chunk
from app.modules.tenancy import public as tenancy

KIND = "loyalty.expire_points"
PASSING_BY = 3
"""Passes that wait for nobody; a counter holds a card for milliseconds."""
MOST_PASSES = 6
"""What is due again after so many passes came onto its card meanwhile, and is tomorrow's."""
GIVEN_WAY = 2.0
"""While counters have the database at work, the sweep rests after a chunk for so many times what the chunk took."""
DAY_OVER = "day_over"


class Turn(Protocol):
    """Who gives the sweep its units of work: a batch task's turn, or a command."""

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


@dataclasses.dataclass(frozen=True, slots=True)
class Swept:
    """The outcome of a turn: how it ended, the day, and what the day's run has done in all."""

    ending: Ending
    day: dt.date
    counts: Mapping[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class _Position:
    """Where a run goes on: the pass, counted from 1, and the last card that was looked at in it."""

    number: int = 1
    after_id: uuid.UUID = FIRST

    @classmethod
    def read(cls, cursor: Mapping[str, Any]) -> "_Position":
        return cls(int(cursor["pass"]), uuid.UUID(cursor["after"])) if cursor else cls()

    def written(self) -> dict[str, Any]:
        return {"pass": self.number, "after": str(self.after_id)}


class _NotOurs(Exception):
    """There is no run to go on with; leaves the unit of work without a commit, so that the turn counts as idle."""

    def __init__(self, ending: Ending, day: dt.date) -> None:
        super().__init__(ending)
        self.ending, self.day = ending, day


Progress = Callable[[int], None]


async def sweep(turn: Turn, *, progress: Progress | None = None) -> Swept:
    """Do what is due today at the merchant of `turn`, or as much of it as the turn allows, and say how it ended.

    A day that was missed needs nothing: what was due then is due today. `progress` hears how many cards each chunk changed.
    Raises what the database raises; the run is then marked as failed, and the next turn goes on with it.
    """
    try:
        run, zone, day = await _begin(turn)
    except _NotOurs as other:
        return Swept(other.ending, other.day, {})
    try:
        return await _work(turn, run, zone, day, progress)
    except RunLost:
        return Swept(Ending.HELD, day, {})
    except Exception as error:
        with contextlib.suppress(Exception):  # the database is away: the run lapses by itself
            async with turn.unit_of_work() as ctx:
                await jobs.fail(ctx, run, getattr(error, "error_code", None) or type(error).__name__)
        raise


async def _begin(turn: Turn) -> tuple[JobRun, zoneinfo.ZoneInfo, dt.date]:
    async with turn.unit_of_work() as ctx:
        zone = await tenancy.merchant_zone(ctx)
        day = expiry.local_day(ctx.now, zone)
        run = await jobs.begin_run(ctx, KIND, day.isoformat())
        if run is None:
            raise _NotOurs(Ending.DONE_BEFORE if await jobs.is_done(ctx, KIND, day.isoformat()) else Ending.HELD, day)
        return run, zone, day


async def _work(turn: Turn, run: JobRun, zone: zoneinfo.ZoneInfo, day: dt.date, progress: Progress | None) -> Swept:
    position, due = _Position.read(run.cursor), None
    while True:
        started = time.perf_counter()
        async with turn.unit_of_work() as ctx:
            if expiry.local_day(ctx.now, zone) != day:  # the new day's run covers this one's rest
                await jobs.fail(ctx, run, DAY_OVER)
                return Swept(Ending.GOES_ON, day, run.counts)
            due = due or await queries.find_sweep(ctx, zone)
            if due is None:
                await jobs.finish(ctx, run)
                return Swept(Ending.DONE, day, run.counts)
            chunk = await _expire(ctx, due, position)
            following = await _next(ctx, due, position, chunk)
            is_over = following is not None and turn.is_out_of_time
            run = await jobs.advance(ctx, run, cursor=(following or position).written(), counts=_counts(chunk))
            if following is None:
                await jobs.finish(ctx, run)
            elif is_over:
                await jobs.release(ctx, run)
            is_counter_busy = await queries.is_counter_busy(ctx)
        _measure(chunk)
        if progress is not None:
            progress(chunk.expired + len(chunk.warned))
        if following is None:
            return Swept(Ending.DONE, day, run.counts)
        if is_over:
            return Swept(Ending.GOES_ON, day, run.counts)
        if following.number != position.number:
            due = None  # the program may have changed: the next pass asks again
        position = following
        if is_counter_busy:
            await asyncio.sleep(GIVEN_WAY * (time.perf_counter() - started))


async def _expire(ctx: Ctx, due: Sweep, position: _Position) -> ExpiredChunk:
    chunk = await expire_chunk(ctx, due, after_id=position.after_id, waits=position.number > PASSING_BY)
    first = len(ctx.pending)
    for card in chunk.warned:
        warning = expiry.due_warning(_state(card), due.rules, due.now)
        if warning is None:
            raise RuntimeError(f"the sweep warns a card that the rule does not: {card.id}")
        notification_service.send_points_expiration_warning(ctx, card, warning.days_before, warning.expiring_points, warning.expires_on)
    ctx.pending[first:] = [dataclasses.replace(message, available_at=ctx.now + TOLD_AFTER) for message in ctx.pending[first:]]
    return chunk


def _state(card: WarnedCard) -> CardState:
    return CardState(
        stamps_target=card.stamps_target,
        last_activity_at=card.last_activity_at,
        points_balance=card.points_balance,
        last_expiration_warning_at=card.last_expiration_warning_at,
    )


async def _next(ctx: Ctx, due: Sweep, position: _Position, chunk: ExpiredChunk) -> _Position | None:
    """Return where to go on after `chunk`: behind it, with another pass, or None when all is done."""
    if chunk.is_full and chunk.last_id is not None:
        return _Position(position.number, chunk.last_id)
    fresh = await queries.find_sweep(ctx, due.rules.zone)
    if position.number >= MOST_PASSES or fresh is None or not await queries.is_any_left(ctx, fresh):
        return None
    return _Position(position.number + 1)


def _counts(chunk: ExpiredChunk) -> dict[str, int]:
    return {"expired": chunk.expired, "points": chunk.points, "warned": len(chunk.warned)}


def _measure(chunk: ExpiredChunk) -> None:
    EXPIRED_CARDS.inc(chunk.expired)
    EXPIRED_POINTS.inc(chunk.points)
    EXPIRY_WARNINGS.inc(len(chunk.warned))


class ByHand:
    """A turn that an operator gives from the command line: it has all the time, and no message that holds it."""

    is_out_of_time = False

    def __init__(self, database: Database, merchant_id: uuid.UUID, *, now: dt.datetime | None = None) -> None:
        """`now` is given by tests that move the clock."""
        self._database, self._merchant_id, self._now = database, merchant_id, now

    def unit_of_work(self) -> contextlib.AbstractAsyncContextManager[Ctx]:
        """One chunk, committed when the block ends."""
        return unit_of_work(self._database, Principal(SYSTEM, self._merchant_id), now=self._now)


async def look_ahead(ctx: Ctx, *, limit: int) -> tuple[Forecast, list[ForecastCard]]:
    """Return what a sweep would do now, and the first `limit` cards by number; locks and changes nothing."""
    due = await queries.find_sweep(ctx, await tenancy.merchant_zone(ctx))
    if due is None:
        return Forecast(0, 0, 0), []
    return await queries.forecast(ctx, due), await queries.list_first_cards(ctx, due, limit)
