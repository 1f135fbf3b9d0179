"""The nightly sweep (D1, C5): points expire and holders are warned, once per merchant and local day, in chunks that commit.

Progress is a job run of the merchant and day: whoever is killed leaves a cursor behind, and the next goes on from there. A pass
walks along all cards and passes over those that somebody holds; while any of them is still due another pass follows, and the
last passes wait for them.
"""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import time
import uuid
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any

from app.core.context import SYSTEM, Ctx, Principal, unit_of_work
from app.core.db.engine import Database
from app.core.jobs import JobRun
from app.core.observability import EXPIRED_CARDS, EXPIRED_POINTS, EXPIRY_WARNINGS
from app.core.runs import Ending, Step, Turn, run_in_chunks
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


Progress = Callable[[int], None]


async def sweep(turn: Turn, *, progress: Progress | None = None) -> Swept:
    """Do what is due today at the merchant of `turn`, or as much of it as the turn allows, and say how it ended.

    A day that was missed needs nothing: what was due then is due today. `progress` hears how many cards each chunk changed.
    Raises what the database raises; the run is then marked as failed, and the next turn goes on with it.
    """
    sweeping = _Sweeping(progress)
    ran = await run_in_chunks(turn, sweeping.name, sweeping.do_chunk, committed=sweeping.heard)
    return Swept(ran.ending, dt.date.fromisoformat(ran.period), ran.counts)


class _Sweeping:
    """One turn of a day's run: what is due in the present pass, and what the last chunk did."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._zone = zoneinfo.ZoneInfo("UTC")
        self._due: Sweep | None = None
        self._chunk: ExpiredChunk | None = None
        self._started = 0.0
        self._is_counter_busy = False

    async def name(self, ctx: Ctx) -> tuple[str, str]:
        """Name the run of the merchant's day."""
        self._zone = await tenancy.merchant_zone(ctx)
        return KIND, expiry.local_day(ctx.now, self._zone).isoformat()

    async def do_chunk(self, ctx: Ctx, run: JobRun) -> Step:
        """Expire and warn at the next cards."""
        self._started, self._chunk = time.perf_counter(), None
        if expiry.local_day(ctx.now, self._zone).isoformat() != run.period:  # the new day's run covers this one's rest
            return Step(run.cursor, gives_up=DAY_OVER)
        due = self._due or await queries.find_sweep(ctx, self._zone)
        if due is None:
            return Step(None)
        position = _Position.read(run.cursor)
        self._chunk = await _expire(ctx, due, position)
        following = await _next(ctx, due, position, self._chunk)
        self._is_counter_busy = following is not None and await queries.is_counter_busy(ctx)
        # The program may have changed: the next pass asks again.
        self._due = due if following is not None and following.number == position.number else None
        return Step(following.written() if following else None, _counts(self._chunk))

    async def heard(self) -> None:
        """Count what was committed, tell of it, and give way to counters that are at work."""
        if self._chunk is None:
            return
        _measure(self._chunk)
        if self._progress is not None:
            self._progress(self._chunk.expired + len(self._chunk.warned))
        if self._is_counter_busy:
            await asyncio.sleep(GIVEN_WAY * (time.perf_counter() - self._started))


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
