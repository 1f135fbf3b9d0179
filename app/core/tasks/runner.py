"""Runs one message of the outbox: claim, act in one unit of work, mark done in the same transaction. Batch tasks act in many.

Whatever dies in between leaves a row that another worker takes up; whoever lost the lease undoes its work.
"""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import functools
import inspect
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Literal, TypeVar

import asyncpg
import structlog

from app.core import clock
from app.core.context import SYSTEM, Ctx, PlatformCtx, Principal, platform_unit_of_work, unit_of_work
from app.core.db.engine import Database, raw_connection
from app.core.errors import GiveUp, OrionException
from app.core.observability import TASK_RUNS, TASK_SECONDS, where_of
from app.core.outbox import claims
from app.core.tasks.batch import Batch, is_batch_task

log = structlog.get_logger(__name__)

SOFT_SECONDS = 100.0
RENEW_SECONDS = 20.0
PAUSES = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)
PLATFORM = Principal(SYSTEM)

Outcome = Literal["done", "continued", "retried", "dead", "skipped", "lease_lost"]
Handler = Callable[..., Awaitable[Any]]
T = TypeVar("T")


class UnknownTask(OrionException):
    """No module of this process knows the task: an older release meets a newer message, which waits for its like."""

    code = "unknown_task"


@dataclasses.dataclass(frozen=True, slots=True)
class Runner:
    """What running messages takes: the pools and the handlers by task name."""

    database: Database
    handlers: Mapping[str, Handler]

    async def run(self, message_id: uuid.UUID, now: dt.datetime | None = None) -> Outcome:
        """Run the message `message_id` if it is due and nobody has it; `now` is given by tests that move the clock."""
        held = await self._patiently(lambda conn: claims.claim(conn, message_id, now or clock.now()))
        if held is None:
            TASK_RUNS.labels("-", "skipped").inc()
            return "skipped"
        started = time.perf_counter()
        outcome = await self._run_held(held, now)
        TASK_SECONDS.labels(held.task).observe(time.perf_counter() - started)
        TASK_RUNS.labels(held.task, outcome).inc()
        return outcome

    async def _run_held(self, held: claims.Claim, now: dt.datetime | None) -> Outcome:
        try:
            async with self._keeping_lease(held), asyncio.timeout(SOFT_SECONDS):
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
    async def _keeping_lease(self, held: claims.Claim) -> AsyncIterator[None]:
        """Renew the lease every 20 s while the block runs: work may take longer than one lease."""
        renewing = asyncio.create_task(self._renew(held))
        try:
            yield
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing

    async def _renew(self, held: claims.Claim) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                async with raw_connection(self.database.platform) as conn:
                    if not await claims.renew(conn, held, clock.now()):
                        return
            except Exception as error:  # the next renewal may come in time
                log.warning("lease_not_renewed", message_id=str(held.id), error=type(error).__name__)


def reason_of(error: Exception) -> str:
    """Return an error's code or type: its text may hold a person's data and is never kept."""
    return error.error_code if isinstance(error, OrionException) else type(error).__name__


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
