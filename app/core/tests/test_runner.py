"""Running messages: one transaction per run, retries, giving up, and nothing done twice."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

import asyncpg
import pytest

from app.core import audit, clock
from app.core.context import Ctx, PlatformCtx, platform_unit_of_work
from app.core.db.engine import Database
from app.core.errors import Conflict, GiveUp
from app.core.tasks.runner import PLATFORM, Handler, Runner
from app.core.testing.background import run_due
from app.core.tests.rows import count_due, enqueue, read_message


class Refused(GiveUp):
    """The receiver does not exist; the note about it outlives the task."""

    code = "smtp_550"
    keeps_work = True


class Full(Conflict):
    """Not now."""

    code = "mailbox_full"


async def note(ctx: Ctx, *, subject_id: uuid.UUID, message_id: uuid.UUID) -> None:
    await audit.record(ctx, "test.note", "subject", subject_id, message_id=str(message_id))


async def note_and_fail(ctx: Ctx, *, subject_id: uuid.UUID) -> None:
    await audit.record(ctx, "test.note", "subject", subject_id)
    raise Full


async def note_and_give_up(ctx: Ctx, *, subject_id: uuid.UUID) -> None:
    await audit.record(ctx, "test.note", "subject", subject_id)
    raise Refused


async def chain(ctx: Ctx, *, left: int, seen_ids: list[uuid.UUID]) -> None:
    if left:
        ctx.enqueue("test.chain", left=left - 1, seen_ids=[str(item) for item in seen_ids])
    await audit.record(ctx, "test.note", "subject", seen_ids[0])


HANDLERS: Mapping[str, Handler] = {
    "test.note": note,
    "test.fail": note_and_fail,
    "test.give_up": note_and_give_up,
    "test.chain": chain,
}


async def notes_of(superuser: asyncpg.Connection, subject_id: uuid.UUID) -> list[asyncpg.Record]:
    return await superuser.fetch("SELECT * FROM core_audit_log WHERE target_id = $1", subject_id)


async def test_a_message_runs_once_in_its_merchants_transaction(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, subject_id = uuid.uuid4(), uuid.uuid4()
    [message_id] = await enqueue(database, merchant_id, subject_id=subject_id)
    runner = Runner(database, HANDLERS)
    outcomes = await asyncio.gather(*(runner.run(message_id) for _ in range(8)))
    assert sorted(outcomes) == ["done"] + ["skipped"] * 7
    [entry] = await notes_of(superuser, subject_id)
    assert (entry["merchant_id"], entry["actor_kind"], entry["request_id"]) == (merchant_id, "system", str(message_id))
    assert entry["details"] == {"message_id": str(message_id)}
    assert (await read_message(superuser, message_id))["done_at"] is not None


async def test_a_failure_undoes_the_work_and_waits_for_the_next_try(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, subject_id = uuid.uuid4(), uuid.uuid4()
    [message_id] = await enqueue(database, merchant_id, "test.fail", subject_id=subject_id)
    assert await run_due(database, merchant_id=merchant_id, handlers=HANDLERS) == ["retried"]
    assert await notes_of(superuser, subject_id) == []
    row = await read_message(superuser, message_id)
    assert (row["error"], row["attempts"], row["lease_until"], row["dead_at"]) == ("mailbox_full", 1, None, None)
    assert row["available_at"] > clock.now() + dt.timedelta(seconds=10)
    later = clock.now() + dt.timedelta(minutes=1)
    assert await run_due(database, merchant_id=merchant_id, handlers={**HANDLERS, "test.fail": note_without_id}, now=later) == ["done"]
    assert len(await notes_of(superuser, subject_id)) == 1


async def note_without_id(ctx: Ctx, *, subject_id: uuid.UUID) -> None:
    await audit.record(ctx, "test.note", "subject", subject_id)


async def test_giving_up_is_final_at_once_and_may_keep_its_work(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, subject_id = uuid.uuid4(), uuid.uuid4()
    [message_id] = await enqueue(database, merchant_id, "test.give_up", subject_id=subject_id)
    assert await run_due(database, merchant_id=merchant_id, handlers=HANDLERS) == ["dead"]
    row = await read_message(superuser, message_id)
    assert (row["error"], row["attempts"], row["dead_at"] is not None) == ("smtp_550", 1, True)
    assert len(await notes_of(superuser, subject_id)) == 1


async def test_an_unknown_task_waits_for_a_release_that_knows_it(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()
    [message_id] = await enqueue(database, merchant_id, "test.of_tomorrow")
    assert await run_due(database, merchant_id=merchant_id, handlers=HANDLERS) == ["retried"]
    assert (await read_message(superuser, message_id))["error"] == "unknown_task"


async def test_messages_cause_messages_until_none_is_due(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, subject_id = uuid.uuid4(), uuid.uuid4()
    await enqueue(database, merchant_id, "test.chain", left=4, seen_ids=[str(subject_id)])
    assert await run_due(database, merchant_id=merchant_id, handlers=HANDLERS) == ["done"] * 5
    assert len(await notes_of(superuser, subject_id)) == 5
    assert await count_due(superuser, merchant_id) == 0


async def test_work_is_undone_when_the_lease_was_lost_meanwhile(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, subject_id = uuid.uuid4(), uuid.uuid4()
    [message_id] = await enqueue(database, merchant_id, subject_id=subject_id)

    async def overtaken(ctx: Ctx, *, subject_id: uuid.UUID) -> None:
        await audit.record(ctx, "test.note", "subject", subject_id)
        await superuser.execute("UPDATE core_outbox SET attempts = attempts + 1 WHERE id = $1", message_id)

    assert await Runner(database, {"test.note": overtaken}).run(message_id) == "lease_lost"
    assert await notes_of(superuser, subject_id) == []


async def test_a_message_without_merchant_runs_for_the_platform(database: Database, superuser: asyncpg.Connection) -> None:
    seen: list[Any] = []

    async def remember(ctx: PlatformCtx, *, number: int) -> None:
        seen.append((type(ctx), number))

    async with platform_unit_of_work(database, PLATFORM) as ctx:
        ctx.enqueue("test.remember", number=7)
        message_id = ctx.pending[0].id
    assert await Runner(database, {"test.remember": remember}).run(message_id) == "done"
    assert seen == [(PlatformCtx, 7)]


async def test_a_lost_connection_is_a_failure_that_is_recorded(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()
    [message_id] = await enqueue(database, merchant_id, "test.cut")

    async def cut(ctx: Ctx) -> None:
        await superuser.fetchval("SELECT pg_terminate_backend($1)", ctx.conn.get_server_pid())
        await ctx.conn.fetchval("SELECT 1")

    assert await Runner(database, {"test.cut": cut}).run(message_id) == "retried"
    row = await read_message(superuser, message_id)
    assert (row["deaths"], row["lease_until"]) == (0, None)
    assert row["error"].isidentifier()  # a type's name, which differs with the moment of the cut


async def test_a_lease_is_renewed_while_the_work_goes_on(
    database: Database, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.tasks.runner.RENEW_SECONDS", 0.02)
    merchant_id = uuid.uuid4()
    [message_id] = await enqueue(database, merchant_id, "test.long")

    async def long(ctx: Ctx) -> None:
        first = (await read_message(superuser, message_id))["lease_until"]
        async with asyncio.timeout(5):
            while await superuser.fetchval("SELECT lease_until FROM core_outbox WHERE id = $1", message_id) == first:
                pass

    assert await Runner(database, {"test.long": long}).run(message_id) == "done"


async def test_a_task_that_takes_too_long_is_ended(
    database: Database, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.tasks.runner.SOFT_SECONDS", 0.05)
    merchant_id, never = uuid.uuid4(), asyncio.Event()
    [message_id] = await enqueue(database, merchant_id, "test.never")

    async def wait(ctx: Ctx) -> None:
        await never.wait()

    assert await Runner(database, {"test.never": wait}).run(message_id) == "retried"
    row = await read_message(superuser, message_id)
    assert (row["error"], row["attempts"]) == ("TimeoutError", 1)
