"""How much a worker process does at a time: messages side by side, batch turns beside them, suspects one by one."""

import asyncio
import uuid
from collections.abc import Mapping

import asyncpg

from app.core.context import Ctx
from app.core.db.engine import Database
from app.core.tasks.batch import Batch, batch_task
from app.core.tasks.runner import BATCH_SLOTS, Handler, Runner
from app.core.tests.rows import enqueue, read_message


class Meter:
    """Counts who is at work; `gate` lets them end."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.gate = asyncio.Event()
        self.changed = asyncio.Condition()

    async def pass_through(self) -> None:
        await self._count(1)
        await self.gate.wait()
        await self._count(-1)

    async def _count(self, by: int) -> None:
        async with self.changed:
            self.now += by
            self.most = max(self.most, self.now)
            self.changed.notify_all()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(lambda: self.now >= count)


def handlers_of(work: Meter, batches: Meter) -> Mapping[str, Handler]:
    async def act(ctx: Ctx) -> None:
        await work.pass_through()

    @batch_task
    async def act_long(batch: Batch) -> bool:
        await batches.pass_through()
        return True

    return {"test.act": act, "test.long": act_long}


async def test_messages_of_one_hint_run_side_by_side_within_the_bound(database: Database) -> None:
    work = Meter()
    runner = Runner(database, handlers_of(work, Meter()), concurrency=3)
    running = asyncio.create_task(runner.run_all(await enqueue(database, uuid.uuid4(), "test.act", count=6)))
    await work.wait_for(3)
    assert len(runner.running) == 3
    work.gate.set()
    assert await running == ["done"] * 6
    assert (work.most, runner.running) == (3, {})


async def test_batches_hold_up_nothing_else_and_are_left_to_those_that_have_room(database: Database, superuser: asyncpg.Connection) -> None:
    work, batches, merchant_id = Meter(), Meter(), uuid.uuid4()
    runner = Runner(database, handlers_of(work, batches), concurrency=1)
    long = await enqueue(database, merchant_id, "test.long", count=BATCH_SLOTS)
    hints = [asyncio.create_task(runner.run_all([message_id])) for message_id in long]
    await batches.wait_for(BATCH_SLOTS)
    work.gate.set()
    more = await enqueue(database, merchant_id, "test.long", count=25)
    mails = await enqueue(database, merchant_id, "test.act", count=4)
    assert await runner.run_all([*mails, *more]) == ["done"] * 4 + ["skipped"] * 25
    row = await read_message(superuser, more[0])
    assert (row["attempts"], row["lease_until"]) == (0, None)
    batches.gate.set()
    assert [await hint for hint in hints] == [["done"]] * BATCH_SLOTS
    assert await runner.run_all(more) == ["skipped"] * 25
    assert [(await read_message(superuser, message_id))["done_at"] is not None for message_id in more] == [True] * 25
    assert batches.most == BATCH_SLOTS


async def test_what_was_beside_a_death_runs_one_at_a_time(database: Database, superuser: asyncpg.Connection) -> None:
    work, merchant_id = Meter(), uuid.uuid4()
    work.gate.set()
    runner = Runner(database, handlers_of(work, Meter()))
    ids = await enqueue(database, merchant_id, "test.act", count=5)
    await superuser.execute("UPDATE core_outbox SET deaths = 1 WHERE id = ANY($1)", ids)
    assert await runner.run_all(ids) == ["done"] * 5
    assert work.most == 1


async def test_a_failure_beside_others_ends_only_itself(database: Database) -> None:
    async def fail(ctx: Ctx) -> None:
        raise LookupError

    work, merchant_id = Meter(), uuid.uuid4()
    work.gate.set()
    runner = Runner(database, {**handlers_of(work, Meter()), "test.fail": fail})
    ids = await enqueue(database, merchant_id, "test.act", count=3) + await enqueue(database, merchant_id, "test.fail")
    assert sorted(await runner.run_all(ids)) == ["done"] * 3 + ["retried"]
