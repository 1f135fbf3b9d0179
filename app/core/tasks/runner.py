"""Runs messages of the outbox: claim, act in one unit of work, mark done in the same transaction. Batch tasks act in many.

Whatever dies in between leaves a row that another worker takes up; whoever lost the lease undoes its work.
"""

import asyncio
import contextlib
import datetime as dt
import functools
import inspect
import itertools
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar, cast

import asyncpg
import structlog

from app.core import clock, task_stats
from app.core.context import SYSTEM, Ctx, PlatformCtx, Principal, platform_unit_of_work, unit_of_work
from app.core.db.engine import Database, raw_connection
from app.core.errors import GiveUp, OrionException, reason_of
from app.core.observability import TASK_RUNS, TASK_SECONDS, where_of
from app.core.outbox import claims
from app.core.tasks.batch import Batch, is_batch_task

log = structlog.get_logger(__name__)

SOFT_SECONDS = 100.0
RENEW_SECONDS = 20.0
BATCH_SLOTS = 2
IDS_AT_A_TIME = 10
SUSPECTS_WAIT_SECONDS = 5.0
PAUSES = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)
PLATFORM = Principal(SYSTEM)

Outcome = Literal["done", "continued", "retried", "dead", "skipped", "lease_lost"]
SKIPPED: Outcome = "skipped"
Handler = Callable[..., Awaitable[Any]]
T = TypeVar("T")


class UnknownTask(OrionException):
    """No module of this process knows the task: an older release meets a newer message, which waits for its like."""

    code = "unknown_task"


class Runner:
    """Runs messages in one process: the pools, the handlers by task name, and how much goes on side by side.

    `concurrency` messages at most, and beside them two turns of batch tasks, so that long work holds up no mail. What was
    held by a worker that died is claimed and run one at a time: it may be the reason, or have been beside the reason.
    """

    def __init__(self, database: Database, handlers: Mapping[str, Handler], *, concurrency: int = 8) -> None:
        """Nothing connects before the first message."""
        self.database = database
        self.handlers = handlers
        self.running: dict[uuid.UUID, float] = {}
        """Messages that are being worked on, with the instant (of `time.monotonic`) at which each began."""
        self._batch_tasks = [name for name, handler in handlers.items() if is_batch_task(handler)]
        self._slots = asyncio.Semaphore(concurrency)
        self._batch_slots = asyncio.Semaphore(BATCH_SLOTS)
        self._left_over: dict[uuid.UUID, None] = {}
        """Messages whose hints found no room for a batch, the first to come first; losing them costs a hint's life."""
        self._suspects = asyncio.Lock()

    async def run(self, message_id: uuid.UUID, now: dt.datetime | None = None) -> Outcome:
        """Run the message `message_id` if it is due and nobody has it; `now` is given by tests that move the clock."""
        [outcome] = await self.run_all([message_id], now)
        return outcome

    async def run_all(self, ids: Sequence[uuid.UUID], now: dt.datetime | None = None) -> list[Outcome]:
        """Run those of `ids` that are due and nobody has, side by side; return what became of each, the skipped ones last.

        Batch tasks that find no room are left to those that have it: waiting would keep others' messages from this process.
        """
        held = await self._claim(ids, now, other_than=self._batch_tasks, is_suspect=False)
        parts = [self._run_side_by_side(held, now)]
        if left := set(ids) - {item.id for item in held}:
            parts.append(self._run_suspects(left.copy(), now))
            if self._batch_tasks:
                parts.append(self._run_batches(left, now))
        outcomes = [outcome for part in await all_of(parts) for outcome in part]
        skipped = len(set(ids)) - len(outcomes)
        if skipped:
            TASK_RUNS.labels("-", "skipped").inc(skipped)
        return [*outcomes, *itertools.repeat(SKIPPED, skipped)]

    async def _claim(self, ids: Collection[uuid.UUID], now: dt.datetime | None, **which: Any) -> list[claims.Claim]:
        return await self._patiently(lambda conn: claims.claim_many(conn, list(ids), now or clock.now(), **which))

    async def _run_side_by_side(self, held: Sequence[claims.Claim], now: dt.datetime | None) -> list[Outcome]:
        if not held:
            return []
        async with self._keeping_leases(held) as unfinished:

            async def take_turn(item: claims.Claim) -> Outcome:
                async with self._slots:
                    outcome = await self._run_held(item, now)
                del unfinished[item.id]
                return outcome

            return await all_of([take_turn(item) for item in held])

    async def _run_suspects(self, ids: set[uuid.UUID], now: dt.datetime | None) -> list[Outcome]:
        """Run what a dead worker held: neither claimed nor run beside its like, so that each dies of nothing but itself."""
        try:
            await asyncio.wait_for(self._suspects.acquire(), SUSPECTS_WAIT_SECONDS)
        except TimeoutError:  # long ones are at it: a later hint
            return []
        try:
            return [outcome async for outcome in self._one_by_one(ids, now, is_suspect=True)]
        finally:
            self._suspects.release()

    async def _run_batches(self, ids: set[uuid.UUID], now: dt.datetime | None) -> list[Outcome]:
        """Run batch tasks, and then those for which others' hints found no room; without room leave `ids` to whoever has it.

        At night every merchant's sweep is due at once, and most take milliseconds: none should wait for its hint to lapse.
        """
        if self._batch_slots.locked():
            self._left_over.update(dict.fromkeys(ids))
            return []
        async with self._batch_slots:
            outcomes = [outcome async for outcome in self._one_by_one(ids, now, tasks=self._batch_tasks, is_suspect=False)]
            while self._left_over:
                taken = set(list(self._left_over)[:IDS_AT_A_TIME])
                for message_id in taken:
                    del self._left_over[message_id]
                async for _ in self._one_by_one(taken, now, tasks=self._batch_tasks, is_suspect=False):
                    pass  # counted, and skipped by its own hint
            return outcomes

    async def _one_by_one(self, ids: set[uuid.UUID], now: dt.datetime | None, **which: Any) -> AsyncIterator[Outcome]:
        while ids and (held := await self._claim(ids, now, limit=1, **which)):
            ids.discard(held[0].id)
            async with self._keeping_leases(held):
                outcome = await self._run_held(held[0], now)
            yield outcome

    async def _run_held(self, held: claims.Claim, now: dt.datetime | None) -> Outcome:
        self.running[held.id] = started = time.monotonic()
        try:
            outcome = await self._try(held, now)
        finally:
            del self.running[held.id]
        TASK_SECONDS.labels(held.task).observe(time.monotonic() - started)
        TASK_RUNS.labels(held.task, outcome).inc()
        await task_stats.note_run(self.database, held, outcome, ended_at=now or clock.now(), seconds=time.monotonic() - started)
        return outcome

    async def _try(self, held: claims.Claim, now: dt.datetime | None) -> Outcome:
        try:
            async with asyncio.timeout(SOFT_SECONDS):
                return await self._act(held, now)
        except claims.LeaseLost:
            log.warning("lease_lost", task=held.task, message_id=str(held.id), attempt=held.attempt)
            return "lease_lost"
        except Exception as error:  # every failure becomes a later try or a dead row with a reason
            is_dead = await self._record(held, error, now)
            log.warning(
                "task_failed",
                task=held.task,
                message_id=str(held.id),
                attempt=held.attempt,
                error=type(error).__name__,
                code=reason_of(error),
                where=where_of(error),
                outcome="dead" if is_dead else "retried",
            )
            return "dead" if is_dead else "retried"

    async def _act(self, held: claims.Claim, now: dt.datetime | None) -> Outcome:
        handler = self.handlers.get(held.task)
        if handler is None:
            raise UnknownTask
        if is_batch_task(handler):
            return await self._take_turn(handler, held, now)
        async with self._open(held, now or clock.now()) as ctx:
            await handler(ctx, **arguments(handler, held))
            if not await claims.mark_done(ctx.conn, held, ctx.now):
                raise claims.LeaseLost
        return "done"

    async def _take_turn(self, handler: Handler, held: claims.Claim, now: dt.datetime | None) -> Outcome:
        """Let a batch task work; its chunks are committed by then, so what follows may fail and be done again by the next turn."""
        batch = Batch(self.database, held, now)
        is_finished = await handler(batch, **arguments(handler, held))
        async with raw_connection(self.database.platform) as conn:
            if is_finished:
                is_held = await claims.mark_done(conn, held, now or clock.now())
            else:
                is_held = await claims.go_on(conn, held, now or clock.now(), due_at=batch.next_turn_at)
        if not is_held:
            raise claims.LeaseLost
        return "done" if is_finished else "continued"

    def _open(self, held: claims.Claim, now: dt.datetime) -> contextlib.AbstractAsyncContextManager[Ctx | PlatformCtx]:
        request_id = str(held.id)
        if held.merchant_id is None:
            return platform_unit_of_work(self.database, PLATFORM, request_id=request_id, now=now)
        return unit_of_work(self.database, Principal(SYSTEM, held.merchant_id), request_id=request_id, now=now)

    async def _record(self, held: claims.Claim, error: Exception, now: dt.datetime | None) -> bool:
        """Note the failure; return whether the message is dead. Should it not be possible, the lease runs out, as after a death."""
        return await self._patiently(
            lambda conn: claims.mark_failed(conn, held, now or clock.now(), reason=reason_of(error), is_final=isinstance(error, GiveUp))
        )

    async def _patiently(self, act: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """Do `act`, one statement, on a platform connection; a database that is away is asked again for a while."""
        for pause in PAUSES:
            try:
                async with raw_connection(self.database.platform) as conn:
                    return await act(conn)
            except Exception as trouble:
                log.warning("database_away", error=type(trouble).__name__, seconds=pause)
                await asyncio.sleep(pause)
        async with raw_connection(self.database.platform) as conn:
            return await act(conn)

    @contextlib.asynccontextmanager
    async def _keeping_leases(self, held: Sequence[claims.Claim]) -> AsyncIterator[dict[uuid.UUID, claims.Claim]]:
        """Renew the leases every 20 s while the block runs: waiting for a turn and work may take longer than one lease.

        What the block takes out of the dictionary is not renewed any more.
        """
        unfinished = {item.id: item for item in held}
        renewing = asyncio.create_task(self._renew(unfinished))
        try:
            yield unfinished
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing

    async def _renew(self, unfinished: dict[uuid.UUID, claims.Claim]) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                async with raw_connection(self.database.platform) as conn:
                    await claims.renew_many(conn, list(unfinished.values()), clock.now())
            except Exception as error:  # the next renewal may come in time
                log.warning("leases_not_renewed", count=len(unfinished), error=type(error).__name__)


async def all_of(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run `coroutines` side by side to the end of each, whatever happens to the others; raise the first error afterwards."""
    results = await asyncio.gather(*coroutines, return_exceptions=True)
    failed = [result for result in results if isinstance(result, BaseException)]
    if failed:
        raise failed[0]
    return cast(list[T], results)


def arguments(handler: Handler, held: claims.Claim) -> dict[str, Any]:
    """Return the handler's keyword arguments: the payload with UUIDs for `…_id` and `…_ids`, and `message_id` if it takes one."""
    values = {name: _as_ids(name, value) for name, value in held.payload.items()}
    if _takes_message_id(handler):
        values["message_id"] = held.id
    return values


@functools.lru_cache(maxsize=512)
def _takes_message_id(handler: Handler) -> bool:
    return "message_id" in inspect.signature(handler).parameters


def _as_ids(name: str, value: Any) -> Any:
    if name.endswith("_ids") and isinstance(value, list):
        return [_as_id(item) for item in value]
    return _as_id(value) if name.endswith("_id") else value


def _as_id(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return uuid.UUID(value)
    except ValueError:
        return value
