"""Batch tasks: chunks of their own, held by the message's lease, in turns."""

import asyncio
import datetime as dt
import uuid
from typing import Any, cast

import asyncpg
import pytest

from app.core import audit, clock
from app.core.context import Ctx, PlatformCtx, platform_unit_of_work
from app.core.db.engine import Database, raw_connection
from app.core.errors import Conflict, GiveUp
from app.core.outbox import claims
from app.core.tasks.batch import IDLE_PAUSE, Batch, batch_task
from app.core.tasks.runner import PLATFORM, Runner
from app.core.testing.background import run_due
from app.core.tests.rows import enqueue, read_message

SECOND = dt.timedelta(seconds=1)
ITEMS = 6
LIST = "SELECT * FROM core_outbox WHERE merchant_id = $1 ORDER BY id"


class Killed(BaseException):
    """The process is gone: nothing of it is caught or recorded."""


async def count_notes(superuser: asyncpg.Connection, merchant_id: uuid.UUID) -> int:
    return int(await superuser.fetchval("SELECT count(*) FROM core_audit_log WHERE merchant_id = $1", merchant_id))


async def note_next(ctx: Ctx) -> bool:
    """Write the note that comes next; False when all are there."""
    number = await ctx.conn.fetchval("SELECT count(*) FROM core_audit_log WHERE merchant_id = $1", ctx.merchant_id)
    if number >= ITEMS:
        return False
    await audit.record(ctx, "test.note", "item", uuid.uuid4(), number=number)
    return True


@batch_task
async def note_all(batch: Batch) -> bool:
    while not batch.is_out_of_time:
        async with batch.unit_of_work() as ctx:
            if not await note_next(ctx):
                return True
    return False


@batch_task
async def note_one(batch: Batch) -> bool:
    """A turn that is over after one chunk."""
    async with batch.unit_of_work() as ctx:
        return not await note_next(ctx)


async def test_a_batch_commits_chunk_by_chunk_and_is_done(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()
    [message_id] = await enqueue(database, merchant_id, "test.all")
    assert await run_due(database, merchant_id=merchant_id, handlers={"test.all": note_all}) == ["done"]
    transactions = "SELECT count(DISTINCT xmin::text) FROM core_audit_log WHERE merchant_id = $1"
    assert await superuser.fetchval(transactions, merchant_id) == ITEMS
    row = await read_message(superuser, message_id)
    assert (row["done_at"] is not None, row["attempts"], row["lease_until"]) == (True, 1, None)


async def test_a_worker_killed_in_the_middle_leaves_the_rest_to_another(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, now = uuid.uuid4(), clock.now()
    [message_id] = await enqueue(database, merchant_id, "test.all")

    @batch_task
    async def note_and_die(batch: Batch) -> bool:
        for number in range(ITEMS):
            async with batch.unit_of_work() as ctx:
                await note_next(ctx)
                if number == 3:
                    raise Killed
        return True

    with pytest.raises(Killed):
        await Runner(database, {"test.all": note_and_die}).run(message_id)
    assert await count_notes(superuser, merchant_id) == 3
    runner = Runner(database, {"test.all": note_all})
    assert await runner.run(message_id) == "skipped"  # the dead worker's lease still runs
    async with raw_connection(database.platform) as conn:
        later = now + claims.LEASE + 5 * SECOND
        assert message_id in (await claims.sweep(conn, later)).ids
    assert await runner.run(message_id, later) == "done"
    assert await count_notes(superuser, merchant_id) == ITEMS
    assert (await read_message(superuser, message_id))["deaths"] == 1


async def test_a_chunk_is_undone_when_the_lease_was_lost(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()
    [message_id] = await enqueue(database, merchant_id, "test.overtaken")

    @batch_task
    async def overtaken(batch: Batch) -> bool:
        for number in range(ITEMS):
            async with batch.unit_of_work() as ctx:
                await note_next(ctx)
                if number == 2:
                    await superuser.execute("UPDATE core_outbox SET attempts = attempts + 1 WHERE id = $1", message_id)
        return True

    assert await Runner(database, {"test.overtaken": overtaken}).run(message_id) == "lease_lost"
    assert await count_notes(superuser, merchant_id) == 2


class Noted(GiveUp):
    """A refusal that keeps its work."""

    code = "noted"
    keeps_work = True


async def test_work_that_outlives_a_refusal_needs_the_lease_as_well(database: Database, superuser: asyncpg.Connection) -> None:
    kept, lost = uuid.uuid4(), uuid.uuid4()

    @batch_task
    async def refuse(batch: Batch) -> bool:
        async with batch.unit_of_work() as ctx:
            await note_next(ctx)
            if batch.merchant_id == lost:
                await superuser.execute("UPDATE core_outbox SET lease_until = NULL WHERE id = $1", batch.message_id)
            raise Noted

    for merchant_id, outcome, notes in ((kept, "dead", 1), (lost, "lease_lost", 0)):
        [message_id] = await enqueue(database, merchant_id, "test.refuse")
        assert await Runner(database, {"test.refuse": refuse}).run(message_id) == outcome
        assert await count_notes(superuser, merchant_id) == notes


async def test_a_batch_goes_on_in_turns_that_are_no_failures(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, now = uuid.uuid4(), clock.now()
    await enqueue(database, merchant_id, "test.one", now=now, program_id=uuid.uuid4())

    @batch_task
    async def with_payload(batch: Batch, *, program_id: uuid.UUID) -> bool:
        assert isinstance(program_id, uuid.UUID)
        assert batch.now == now
        return await note_one(batch)

    outcomes = await run_due(database, merchant_id=merchant_id, now=now, handlers={"test.one": with_payload})
    assert outcomes == ["continued"] * ITEMS + ["done"]
    rows = await superuser.fetch(LIST, merchant_id)
    assert {(row["attempts"], row["deaths"], row["error"], row["available_at"]) for row in rows} == {(1, 0, None, now)}
    assert len({row["payload"]["program_id"] for row in rows}) == 1
    assert await count_notes(superuser, merchant_id) == ITEMS


async def test_a_turn_that_did_nothing_waits_before_the_next(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, now = uuid.uuid4(), clock.now()
    await enqueue(database, merchant_id, "test.idle", now=now)

    @batch_task
    async def idle(batch: Batch) -> bool:
        return False

    assert await run_due(database, merchant_id=merchant_id, now=now, handlers={"test.idle": idle}) == ["continued"]
    assert await run_due(database, merchant_id=merchant_id, now=now + IDLE_PAUSE, handlers={"test.idle": idle}) == ["continued"]
    rows = await superuser.fetch(LIST, merchant_id)
    assert [row["available_at"] for row in rows] == [now, now + IDLE_PAUSE, now + 2 * IDLE_PAUSE]
    await superuser.execute("UPDATE core_outbox SET done_at = now() WHERE merchant_id = $1", merchant_id)


async def test_an_error_keeps_the_chunks_before_it_and_counts(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()
    [message_id] = await enqueue(database, merchant_id, "test.stumble")

    @batch_task
    async def stumble(batch: Batch) -> bool:
        async with batch.unit_of_work() as ctx:
            await note_next(ctx)
        async with batch.unit_of_work() as ctx:
            await note_next(ctx)
            raise Conflict(code="stumbled")

    assert await run_due(database, merchant_id=merchant_id, handlers={"test.stumble": stumble}) == ["retried"]
    assert await count_notes(superuser, merchant_id) == 1
    row = await read_message(superuser, message_id)
    assert (row["error"], row["attempts"], row["done_at"]) == ("stumbled", 1, None)
    await superuser.execute("UPDATE core_outbox SET done_at = now() WHERE id = $1", message_id)


async def test_two_workers_never_have_the_same_turn(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()
    [message_id] = await enqueue(database, merchant_id, "test.all")
    runner = Runner(database, {"test.all": note_all})
    assert sorted(await asyncio.gather(*(runner.run(message_id) for _ in range(4)))) == ["done"] + ["skipped"] * 3
    assert await count_notes(superuser, merchant_id) == ITEMS


async def test_a_turn_ends_by_the_clock(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant_id = uuid.uuid4()
    [message_id] = await enqueue(database, merchant_id, "test.all")
    monkeypatch.setattr("app.core.tasks.batch.TURN_SECONDS", 0.0)
    assert await Runner(database, {"test.all": note_all}).run(message_id) == "continued"
    monkeypatch.undo()
    later = clock.now() + IDLE_PAUSE
    assert await run_due(database, merchant_id=merchant_id, now=later, handlers={"test.all": note_all}) == ["done"]


async def test_a_batch_of_the_platform_sees_all_and_one_of_a_merchant_does_not(database: Database) -> None:
    seen: list[type] = []

    @batch_task
    async def look(batch: Batch) -> bool:
        async with batch.platform_unit_of_work() as ctx:
            seen.append(type(ctx))
        with pytest.raises(ValueError, match="platform"):
            _ = batch.merchant_id
        return True

    async with platform_unit_of_work(database, PLATFORM) as ctx:
        ctx.enqueue("test.look")
        message_id = ctx.pending[0].id
    assert await Runner(database, {"test.look": look}).run(message_id) == "done"
    assert seen == [PlatformCtx]
    [of_merchant] = await enqueue(database, uuid.uuid4(), "test.look")
    assert await Runner(database, {"test.look": look}).run(of_merchant) == "retried"


def test_only_coroutine_functions_can_be_marked() -> None:
    def plain(batch: Batch) -> bool:
        return True

    with pytest.raises(TypeError):
        batch_task(cast("Any", plain))
