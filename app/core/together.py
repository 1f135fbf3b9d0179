"""Many requests, one transaction: whatever queued while the last one was being committed goes into the next.

A commit waits for the disk and every statement for a round trip; shared by all who ask at the same time they cost each a part.
No timer: a request that comes alone runs at once. One merchant a transaction, because of row-level security, and one
transaction a merchant at a time in this process. See docs/adr/0012-requests-share-transactions.md.
"""

import asyncio
import collections
import dataclasses
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from app.core.context import SYSTEM, Ctx, Principal, unit_of_work
from app.core.db.engine import Database
from app.core.errors import OrionException, Unavailable

MOST = 64
SECONDS = 8.0
"""How long a shared transaction may take: those who wait for it have given up by then."""

Answer = tuple[int, str, bool]
"""Status, body, and whether the answer was given at an earlier time."""
Outcome = Answer | OrionException | None
"""What became of one request's part; None when it has to run alone."""
Work = Callable[[Sequence[tuple[Ctx, Any]]], Awaitable[Sequence[Outcome]]]
"""Does the parts of several callers, each given with its context, and returns their outcomes in the same order.

It raises when the transaction is spoilt: then all of them run alone, and the one at fault meets its error by itself.
"""


class _Spoilt(Exception):
    """The shared transaction cannot be committed, through the fault of one of its parts."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    principal: Principal
    request_id: str
    item: Any
    outcome: "asyncio.Future[Outcome]"


class Together:
    """The lines of those who wait for the next shared transaction; one object per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lines: dict[tuple[Work, uuid.UUID], collections.deque[_Part]] = {}
        self._serving: set[asyncio.Task[None]] = set()

    async def ask(self, work: Work, principal: Principal, item: Any, *, request_id: str) -> Outcome:
        """Have `work` do `item` for `principal` in the next transaction of their merchant and return what became of it.

        Raises Unavailable when the database cannot be reached or the commit's outcome is not known. Who is cancelled while
        waiting in line is left out; later on the part is done, and its answer is kept under its key.
        """
        if principal.merchant_id is None:
            raise ValueError("work that is shared needs a merchant")
        part = _Part(principal, request_id, item, asyncio.get_running_loop().create_future())
        line = self._lines.get((work, principal.merchant_id))
        if line is None:
            line = self._lines[work, principal.merchant_id] = collections.deque()
            serving = asyncio.create_task(self._serve(work, principal.merchant_id, line))
            self._serving.add(serving)
            serving.add_done_callback(self._serving.discard)
        line.append(part)
        return await part.outcome

    async def _serve(self, work: Work, merchant_id: uuid.UUID, line: "collections.deque[_Part]") -> None:
        """Empty the line, at most 64 at a time."""
        try:
            while line:
                taken = [line.popleft() for _ in range(min(len(line), MOST))]
                if parts := [part for part in taken if not part.outcome.done()]:
                    await self._run(work, merchant_id, parts)
        finally:
            del self._lines[work, merchant_id]

    async def _run(self, work: Work, merchant_id: uuid.UUID, parts: Sequence[_Part]) -> None:
        try:
            outcomes = await self._attempt(work, merchant_id, parts)
        except _Spoilt:
            outcomes = [None] * len(parts)
        except BaseException as error:
            for part in parts:
                if not part.outcome.done():
                    part.outcome.set_exception(Unavailable() if isinstance(error, TimeoutError | asyncio.CancelledError) else error)
            if not isinstance(error, Exception):
                raise
            return
        for part, outcome in zip(parts, outcomes, strict=True):
            if not part.outcome.done():
                part.outcome.set_result(outcome)

    async def _attempt(self, work: Work, merchant_id: uuid.UUID, parts: Sequence[_Part]) -> Sequence[Outcome]:
        async with asyncio.timeout(SECONDS), unit_of_work(self._database, Principal(SYSTEM, merchant_id), request_id="together") as ctx:
            try:
                return await work([(ctx.acting_for(part.principal, request_id=part.request_id), part.item) for part in parts])
            except asyncpg.PostgresConnectionError:
                raise
            except (OrionException, asyncpg.PostgresError) as error:
                raise _Spoilt from error
