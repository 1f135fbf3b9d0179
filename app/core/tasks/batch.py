"""Batch tasks: work that is too much for one transaction, done in chunks that are committed one by one.

    @batch_task
    async def expire_points(batch: Batch, *, program_id: UUID) -> bool:
        while not batch.is_out_of_time:
            async with batch.unit_of_work() as ctx:
                if not await expire_chunk(ctx, program_id):
                    return True
        return False

Each chunk holds the message's lease in its own transaction: a worker that lost it undoes its chunk, whoever has it now goes on.
The handler must find out from the data (or its job run) where to go on, and may find nothing left to do.
"""

import contextlib
import datetime as dt
import inspect
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from app.core import clock
from app.core.context import SYSTEM, Ctx, PlatformCtx, Principal, platform_unit_of_work, unit_of_work
from app.core.db.engine import Database
from app.core.errors import OrionException
from app.core.outbox import claims

TURN_SECONDS = 80.0
"""A turn takes no longer, so that its last chunk ends well before the limit of a task (100 s)."""
IDLE_PAUSE = dt.timedelta(seconds=5)
"""A turn that committed no chunk and still wants to go on waits for something: asking at once would only keep a worker busy."""
MARK = "_is_batch_task"

F = TypeVar("F", bound=Callable[..., Awaitable[bool]])


def batch_task(handler: F) -> F:
    """Mark `async def handler(batch: Batch, *, …payload) -> bool` as a batch task: it opens its own units of work.

    True says that all is done. False gives other work a turn and goes on afterwards: at once when this turn committed
    something, else after five seconds. Neither counts as a failure; an error does, and keeps the chunks committed before it.
    """
    is_coroutine_function = inspect.iscoroutinefunction(handler)
    if not is_coroutine_function:
        raise TypeError(f"{handler!r} is no coroutine function")
    setattr(handler, MARK, True)
    return handler


def is_batch_task(handler: Callable[..., Any]) -> bool:
    """Return whether `handler` is marked by `batch_task`."""
    return bool(getattr(handler, MARK, False))


class Batch:
    """One turn of a batch task: who it is for, when it began, and its units of work."""

    def __init__(self, database: Database, held: claims.Claim, fixed_now: dt.datetime | None = None) -> None:
        """`fixed_now` is given by tests that move the clock: time then stands still within the turn."""
        self._database = database
        self._held = held
        self._fixed_now = fixed_now
        self._ends_at = time.monotonic() + TURN_SECONDS
        self._chunks = 0
        self.now = fixed_now or clock.now()
        """When this turn began. A chunk's `ctx.now` is the time of the chunk."""

    @property
    def merchant_id(self) -> uuid.UUID:
        """The merchant of the message; ValueError when it is the platform's."""
        if self._held.merchant_id is None:
            raise ValueError("this batch is the platform's and has no merchant")
        return self._held.merchant_id

    @property
    def message_id(self) -> uuid.UUID:
        """The outbox row of this turn; the next turn has another."""
        return self._held.id

    @property
    def is_out_of_time(self) -> bool:
        """Whether this turn has lasted 80 s: commit, return False, and go on in the next."""
        return time.monotonic() >= self._ends_at

    @property
    def next_turn_at(self) -> dt.datetime:
        """When to go on after this turn."""
        now = self._fixed_now or clock.now()
        return now if self._chunks else now + IDLE_PAUSE

    @contextlib.asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[Ctx]:
        """Open one chunk within the merchant and commit it when the block ends; LeaseLost, and nothing done, without the lease."""
        who = Principal(SYSTEM, self.merchant_id)
        async with unit_of_work(self._database, who, request_id=str(self._held.id), now=self._fixed_now) as ctx, self._fenced(ctx):
            yield ctx
        self._chunks += 1

    @contextlib.asynccontextmanager
    async def platform_unit_of_work(self) -> AsyncIterator[PlatformCtx]:
        """Like `unit_of_work`, across merchants, for messages of the platform."""
        if self._held.merchant_id is not None:
            raise ValueError("this batch is a merchant's: it must not see the others'")
        async with (
            platform_unit_of_work(self._database, Principal(SYSTEM), request_id=str(self._held.id), now=self._fixed_now) as ctx,
            self._fenced(ctx),
        ):
            yield ctx
        self._chunks += 1

    @contextlib.asynccontextmanager
    async def _fenced(self, ctx: Ctx | PlatformCtx) -> AsyncIterator[None]:
        """Renew the lease as the last statement of the transaction: the row stays locked until the commit, so nobody takes it."""
        try:
            yield
        except OrionException as refusal:
            if refusal.keeps_work:
                await self._hold(ctx)
            raise
        await self._hold(ctx)

    async def _hold(self, ctx: Ctx | PlatformCtx) -> None:
        if not await claims.renew(ctx.conn, self._held, self._fixed_now or clock.now()):
            raise claims.LeaseLost
