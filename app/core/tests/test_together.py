"""Shared transactions: one for all who wait, each with an outcome of its own, and nothing of a spoilt one."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
import pytest

from app.core import audit
from app.core.context import Actor, Ctx, Principal
from app.core.db.engine import Database
from app.core.errors import Conflict, OrionException, Unavailable
from app.core.together import MOST, Outcome, Together


class Desk:
    """Work that notes each item in the audit log, with the transaction it ran in, and can be held up before it begins."""

    def __init__(self, refuse: Callable[[str], OrionException | None] = lambda _item: None) -> None:
        self.sizes: list[int] = []
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.has_begun = asyncio.Event()
        self._refuse = refuse

    async def work(self, parts: Sequence[tuple[Ctx, Any]]) -> list[Outcome]:
        """Note every item that is not refused; `spoilt` breaks the transaction."""
        self.sizes.append(len(parts))
        self.has_begun.set()
        await self.is_open.wait()
        outcomes: list[Outcome] = []
        for ctx, item in parts:
            if item == "spoilt":
                await ctx.conn.execute("SELECT 1 / 0")
            if refusal := self._refuse(item):
                outcomes.append(refusal)
                continue
            await audit.record(ctx, f"test.{item}", "note", ctx.actor.user_id)
            transaction = await ctx.conn.fetchval("SELECT pg_current_xact_id()::text")
            outcomes.append((200, f"{ctx.merchant_id}:{ctx.actor.user_id}:{transaction}", False))
        return outcomes


def somebody(merchant_id: uuid.UUID) -> Principal:
    return Principal(Actor(kind="user", role="staff", user_id=uuid.uuid4()), merchant_id)


async def noted(superuser: asyncpg.Connection, merchant_id: uuid.UUID) -> list[str]:
    """Return the merchant's entries."""
    rows = await superuser.fetch("SELECT action FROM core_audit_log WHERE merchant_id = $1 ORDER BY action", merchant_id)
    return [row["action"] for row in rows]


async def ask_all(together: Together, desk: Desk, principals: Sequence[Principal], items: Sequence[str]) -> list[Any]:
    asked = [together.ask(desk.work, who, item, request_id=item) for who, item in zip(principals, items, strict=True)]
    return await asyncio.gather(*asked, return_exceptions=True)


async def test_who_asks_at_the_same_time_shares_a_transaction(database: Database, superuser: asyncpg.Connection) -> None:
    desk, together, merchant_id = Desk(), Together(database), uuid.uuid4()
    callers = [somebody(merchant_id) for _ in range(5)]
    outcomes = await ask_all(together, desk, callers, ["a", "b", "c", "d", "e"])
    assert desk.sizes == [5]
    assert len({outcome[1].rpartition(":")[2] for outcome in outcomes}) == 1
    assert [outcome[1].split(":")[1] for outcome in outcomes] == [str(caller.actor.user_id) for caller in callers]
    assert await noted(superuser, merchant_id) == ["test.a", "test.b", "test.c", "test.d", "test.e"]


async def test_who_comes_meanwhile_goes_into_the_next(database: Database, superuser: asyncpg.Connection) -> None:
    desk, together, merchant_id = Desk(), Together(database), uuid.uuid4()
    desk.is_open.clear()
    who = somebody(merchant_id)
    first = asyncio.create_task(together.ask(desk.work, who, "first", request_id="1"))
    await desk.has_begun.wait()
    later = [asyncio.create_task(together.ask(desk.work, who, f"later{number:02}", request_id="2")) for number in range(MOST + 3)]
    await asyncio.sleep(0)
    desk.is_open.set()
    await asyncio.gather(first, *later)
    assert desk.sizes == [1, MOST, 3]
    assert len(await noted(superuser, merchant_id)) == MOST + 4


async def test_merchants_never_share(database: Database, superuser: asyncpg.Connection) -> None:
    desk, together = Desk(), Together(database)
    ours, theirs = uuid.uuid4(), uuid.uuid4()
    outcomes = await ask_all(together, desk, [somebody(ours), somebody(theirs)], ["ours", "theirs"])
    assert desk.sizes == [1, 1]
    assert [outcome[1].split(":")[0] for outcome in outcomes] == [str(ours), str(theirs)]
    assert (await noted(superuser, ours), await noted(superuser, theirs)) == (["test.ours"], ["test.theirs"])


async def test_one_refusal_is_one_callers(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, refusal = uuid.uuid4(), Conflict()
    desk = Desk(lambda item: refusal if item == "b" else None)
    outcomes = await ask_all(Together(database), desk, [somebody(merchant_id)] * 3, ["a", "b", "c"])
    assert outcomes[1] is refusal
    assert await noted(superuser, merchant_id) == ["test.a", "test.c"]


async def test_a_spoilt_transaction_sends_everybody_to_run_alone(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()
    outcomes = await ask_all(Together(database), Desk(), [somebody(merchant_id)] * 3, ["a", "spoilt", "c"])
    assert outcomes == [None, None, None]
    assert await noted(superuser, merchant_id) == []


async def test_who_gave_up_waiting_is_left_out(database: Database, superuser: asyncpg.Connection) -> None:
    desk, together, merchant_id = Desk(), Together(database), uuid.uuid4()
    desk.is_open.clear()
    who = somebody(merchant_id)
    first = asyncio.create_task(together.ask(desk.work, who, "first", request_id="1"))
    await desk.has_begun.wait()
    gone, stays = (asyncio.create_task(together.ask(desk.work, who, item, request_id="2")) for item in ("gone", "stays"))
    await asyncio.sleep(0)
    gone.cancel()
    desk.is_open.set()
    await asyncio.gather(first, stays)
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert desk.sizes == [1, 1]
    assert await noted(superuser, merchant_id) == ["test.first", "test.stays"]


async def test_who_gives_up_while_it_runs_takes_nobody_along(database: Database, superuser: asyncpg.Connection) -> None:
    desk, together, merchant_id = Desk(), Together(database), uuid.uuid4()
    desk.is_open.clear()
    who = somebody(merchant_id)
    gone, stays = (asyncio.create_task(together.ask(desk.work, who, item, request_id="1")) for item in ("gone", "stays"))
    await desk.has_begun.wait()
    gone.cancel()
    desk.is_open.set()
    outcome = await stays
    assert isinstance(outcome, tuple)
    assert outcome[0] == 200
    assert await noted(superuser, merchant_id) == ["test.gone", "test.stays"], "what had begun is done; the key keeps its answer"


async def test_an_error_of_ours_reaches_all_who_waited_and_the_line_goes_on(database: Database, superuser: asyncpg.Connection) -> None:
    together, merchant_id, desk = Together(database), uuid.uuid4(), Desk()

    async def broken(parts: Sequence[tuple[Ctx, Any]]) -> list[Outcome]:
        await desk.work(parts)
        raise TimeoutError

    who = somebody(merchant_id)
    outcomes = await asyncio.gather(*(together.ask(broken, who, item, request_id="1") for item in "ab"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    assert await noted(superuser, merchant_id) == []
    assert await together.ask(desk.work, who, "after", request_id="2") is not None
    assert await noted(superuser, merchant_id) == ["test.after"]
