"""The unit of work: commits, rolls back, keeps what must be kept, and never says yes to a transaction that was given up."""

import asyncio
import uuid

import asyncpg
import pytest
from sqlalchemy import text

from app.core import audit
from app.core.context import SYSTEM, Ctx, Principal, platform_unit_of_work, unit_of_work
from app.core.db.engine import Database, raw_connection
from app.core.errors import Conflict, Unavailable
from app.core.web import problems


class Counted(Conflict):
    """A refusal that was counted."""

    code = "counted"
    keeps_work = True


def at(merchant_id: uuid.UUID) -> Principal:
    return Principal(SYSTEM, merchant_id)


async def write(ctx: Ctx) -> None:
    await audit.record(ctx, "test.note", "note", None)
    ctx.enqueue("test.note")


async def write_and_raise(database: Database, merchant_id: uuid.UUID, error: BaseException) -> None:
    async with unit_of_work(database, at(merchant_id)) as ctx:
        await write(ctx)
        raise error


async def rows(superuser: asyncpg.Connection, merchant_id: uuid.UUID) -> tuple[int, int]:
    """Return how many audit entries and outbox messages a merchant has."""
    statement = (
        """SELECT (SELECT count(*) FROM core_audit_log WHERE merchant_id = $1), (SELECT count(*) FROM core_outbox WHERE merchant_id = $1)"""
    )
    [row] = await superuser.fetch(statement, merchant_id)
    return row[0], row[1]


async def test_commits_work_and_messages_together(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()
    async with unit_of_work(database, at(merchant_id)) as ctx:
        await write(ctx)
        assert await rows(superuser, merchant_id) == (0, 0)
    assert await rows(superuser, merchant_id) == (1, 1)


async def test_the_session_and_the_raw_connection_share_the_transaction(database: Database) -> None:
    async with unit_of_work(database, at(uuid.uuid4())) as ctx:
        await write(ctx)
        assert (await ctx.session.execute(text("SELECT count(*) FROM core_audit_log"))).scalar_one() == 1
        assert (await ctx.session.execute(text("SELECT pg_current_xact_id()::text"))).scalar_one() == await ctx.conn.fetchval(
            "SELECT pg_current_xact_id()::text"
        )


@pytest.mark.parametrize("error", [Conflict(), RuntimeError("x"), asyncio.CancelledError()])
async def test_an_error_undoes_everything(database: Database, superuser: asyncpg.Connection, error: BaseException) -> None:
    merchant_id = uuid.uuid4()
    with pytest.raises(type(error)):
        await write_and_raise(database, merchant_id, error)
    assert await rows(superuser, merchant_id) == (0, 0)


async def test_a_refusal_that_keeps_its_work_is_committed_and_raised(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()
    with pytest.raises(Counted):
        await write_and_raise(database, merchant_id, Counted())
    assert await rows(superuser, merchant_id) == (1, 1)


@pytest.mark.parametrize("with_message", [True, False])
async def test_a_transaction_that_the_server_gave_up_is_never_taken_for_committed(
    database: Database, superuser: asyncpg.Connection, with_message: bool
) -> None:
    merchant_id = uuid.uuid4()

    async def go_on() -> None:
        async with unit_of_work(database, at(merchant_id)) as ctx:
            await audit.record(ctx, "test.note", "note", None)
            with pytest.raises(asyncpg.DivisionByZeroError):
                await ctx.conn.execute("SELECT 1/0")
            if with_message:
                ctx.enqueue("test.note")

    with pytest.raises((Unavailable, asyncpg.InFailedSQLTransactionError)):
        await go_on()
    assert await rows(superuser, merchant_id) == (0, 0)


async def test_a_merchant_sees_and_writes_only_their_own(database: Database) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    async with unit_of_work(database, at(one)) as ctx:
        await write(ctx)
    async with unit_of_work(database, at(other)) as ctx:
        assert await ctx.conn.fetchval("SELECT count(*) FROM core_audit_log WHERE merchant_id = $1", one) == 0
        assert await ctx.conn.execute("UPDATE core_outbox SET attempts = 9 WHERE merchant_id = $1", one) == "UPDATE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with unit_of_work(database, at(other)) as ctx:
            await ctx.conn.execute("INSERT INTO core_idempotency VALUES ($1, 'k', '', 200, '', now())", one)


async def test_the_merchant_is_forgotten_with_the_transaction(database: Database) -> None:
    async with unit_of_work(database, at(uuid.uuid4())) as ctx:
        await write(ctx)
    async with database.app.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM core_audit_log"))).scalar_one() == 0
        assert (await connection.execute(text("SELECT current_setting('app.merchant_id', true)"))).scalar_one() in (None, "")


async def test_the_platform_sees_all_merchants(database: Database) -> None:
    ids = [uuid.uuid4(), uuid.uuid4()]
    for merchant_id in ids:
        async with unit_of_work(database, at(merchant_id)) as ctx:
            await write(ctx)
    async with platform_unit_of_work(database, Principal(SYSTEM)) as platform:
        seen = await platform.conn.fetchval("SELECT count(*) FROM core_audit_log WHERE merchant_id = ANY($1::uuid[])", ids)
    assert seen == 2


@pytest.mark.parametrize("statement", ["UPDATE core_audit_log SET action = 'x'", "DELETE FROM core_audit_log", "TRUNCATE core_audit_log"])
async def test_history_is_not_edited_by_the_application(database: Database, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with unit_of_work(database, at(uuid.uuid4())) as ctx:
            await ctx.conn.execute(statement)


async def test_a_cancelled_statement_leaves_a_usable_pool(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()

    async def wait() -> None:
        async with unit_of_work(database, at(merchant_id)) as ctx:
            await write(ctx)
            await ctx.conn.execute("SELECT pg_sleep(30)")

    for _ in range(15):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wait(), 0.05)
    async with unit_of_work(database, at(merchant_id)) as ctx:
        assert await ctx.conn.fetchval("SELECT 1") == 1
    assert await rows(superuser, merchant_id) == (0, 0)
    idle = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
    assert await superuser.fetchval(idle) == 0


async def test_a_cut_connection_does_not_poison_the_pool(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()

    async def cut() -> None:
        async with unit_of_work(database, at(merchant_id)) as ctx:
            await superuser.fetchval("SELECT pg_terminate_backend($1)", ctx.conn.get_server_pid())
            await ctx.conn.fetchval("SELECT 1")

    for _ in range(12):
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)) as caught:
            await cut()
        assert problems.status_of(problems.classify(caught.value)[0]) == 503
    async with unit_of_work(database, at(merchant_id)) as ctx:
        await write(ctx)
    assert await rows(superuser, merchant_id) == (1, 1)


async def test_connections_cut_while_idle_are_replaced_unnoticed(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()

    async def hold(everybody: asyncio.Barrier) -> None:
        async with unit_of_work(database, at(merchant_id)):
            await everybody.wait()

    for with_loop in (True, False):
        barrier = asyncio.Barrier(5)
        await asyncio.gather(*(hold(barrier) for _ in range(5)))
        cut = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE usename IN ('orion_app', 'orion_platform') AND datname = current_database()"""
        assert await superuser.fetchval(cut) >= 5
        if with_loop:  # the loop learns of it, as a web process would
            gone = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'orion_app' AND datname = current_database()"
            while await superuser.fetchval(gone):
                pass
        for _ in range(12):
            async with unit_of_work(database, at(merchant_id)) as ctx:
                await write(ctx)
            async with raw_connection(database.platform) as conn:
                assert await conn.fetchval("SELECT 1") == 1
    assert await rows(superuser, merchant_id) == (24, 24)
