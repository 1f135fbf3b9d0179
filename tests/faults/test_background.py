"""Background work under real failures: nothing is lost, nothing is done twice (reliability.md, promises 4 and 5, case 23)."""

import asyncio
import statistics
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from app.core.context import SYSTEM, Principal, unit_of_work
from app.core.db.engine import Database
from app.core.testing.processes import Stack, frozen, wait_for
from app.core.testing.waiting import until
from tests.faults.watching import watched

pytestmark = [pytest.mark.faults, pytest.mark.slow]
WORKER = "from tests.faults.worker import main; main()"
HURRIED_WORKER = "from tests.faults.worker import hurried; hurried()"

# "Time passes": leases and hints run out now instead of after a minute.
LET_TIME_PASS = """
UPDATE core_outbox SET sweep_at = now(), lease_until = CASE WHEN lease_until IS NOT NULL THEN now() END
WHERE done_at IS NULL AND dead_at IS NULL AND sweep_at IS NOT NULL
"""


class Traces:
    """Writes messages and reads what became of them."""

    def __init__(self, stack: Stack, database: Database, conn: asyncpg.Connection) -> None:
        self.stack, self.database, self.conn = stack, database, conn

    async def enqueue(self, count: int, task: str = "fault.note", **payload: Any) -> list[uuid.UUID]:
        """Commit `count` messages of a new merchant; return their ids."""
        async with unit_of_work(self.database, Principal(SYSTEM, uuid.uuid4())) as ctx:
            for _ in range(count):
                ctx.enqueue(task, **payload)
            return [message.id for message in ctx.pending]

    async def wait(self, condition: str, *, seconds: float = 40) -> None:
        """Wait until the SQL expression `condition` over core_outbox is true."""
        statement = f"SELECT {condition} FROM core_outbox"
        try:
            await until(lambda: self.conn.fetchval(statement), seconds=seconds)
        except TimeoutError:
            rows = await self.conn.fetch("SELECT task, attempts, deaths, error, done_at FROM core_outbox WHERE done_at IS NULL LIMIT 5")
            logs = {name: self.stack.log_of(name)[-600:] for name in self.stack.processes}
            raise AssertionError(f"not within {seconds} s: {condition}; {[dict(row) for row in rows]}; {logs}") from None

    async def wait_done(self, seconds: float = 40) -> None:
        """Wait until every message is done."""
        await self.wait("bool_and(done_at IS NOT NULL)", seconds=seconds)

    async def counts(self) -> list[int]:
        """Return how many traces each message left, as the distinct numbers: [1] when each ran exactly once."""
        rows = await self.conn.fetch(
            "SELECT DISTINCT count(a.id) AS n FROM core_outbox o LEFT JOIN core_audit_log a ON a.target_id = o.id GROUP BY o.id ORDER BY n"
        )
        return [row["n"] for row in rows]

    async def let_time_pass(self) -> None:
        """Let leases and hints run out."""
        await self.conn.execute(LET_TIME_PASS)


@pytest_asyncio.fixture(loop_scope="session")
async def traces(stack: Stack) -> AsyncIterator[Traces]:
    async with watched(stack) as (database, conn):
        yield Traces(stack, database, conn)


def start(stack: Stack, *names: str) -> None:
    """Start processes by name: worker…, relay…"""
    for name in names:
        if name.startswith("worker"):
            stack.spawn(name, WORKER)
        else:
            stack.start("relay", name)


async def test_a_message_is_done_within_about_a_second(stack: Stack, traces: Traces) -> None:
    start(stack, "relay", "worker")
    await traces.enqueue(1)
    await traces.wait_done()
    for _ in range(10):
        await traces.enqueue(1)
        await traces.wait_done()
    rows = await traces.conn.fetch(
        "SELECT extract(epoch FROM done_at - created_at)::float8 AS s FROM core_outbox ORDER BY created_at OFFSET 1"
    )
    assert statistics.median(row["s"] for row in rows) < 1.0
    assert await traces.counts() == [1]
    kinds = "SELECT array_agg(kind ORDER BY kind) FROM core_heartbeats"
    assert await traces.conn.fetchval(kinds) == ["relay", "worker"]


async def test_two_relays_and_two_workers_do_everything_once(stack: Stack, traces: Traces) -> None:
    for _ in range(8):
        await traces.enqueue(25)
    start(stack, "relay_1", "relay_2", "worker_1", "worker_2")
    await traces.wait_done()
    assert await traces.counts() == [1]
    assert await traces.conn.fetchval("SELECT array_agg(DISTINCT attempts) FROM core_outbox") == [1]


async def test_a_worker_killed_in_the_middle_loses_nothing(stack: Stack, traces: Traces) -> None:
    start(stack, "relay", "worker")
    for _ in range(3):
        await traces.enqueue(5, milliseconds=100)
    for _ in range(3):
        await traces.wait("count(*) FILTER (WHERE lease_until IS NOT NULL) > 0")
        stack.kill9("worker")
        await traces.let_time_pass()
        start(stack, "worker")
    await traces.wait_done()
    assert await traces.counts() == [1]
    assert await traces.conn.fetchval("SELECT sum(deaths) FROM core_outbox") >= 1


async def test_a_message_that_kills_its_worker_three_times_is_dead(stack: Stack, traces: Traces) -> None:
    [deadly] = await traces.enqueue(1, "fault.kill_worker")
    start(stack, "relay")
    for _ in range(3):
        start(stack, "worker")
        stack.processes["worker"].wait(30)
        del stack.processes["worker"]
        await traces.let_time_pass()
    await traces.wait("bool_and(dead_at IS NOT NULL)")
    row = await traces.conn.fetchrow("SELECT deaths, attempts, error FROM core_outbox WHERE id = $1", deadly)
    assert row is not None
    assert tuple(row) == (3, 3, "worker_died")
    assert await traces.counts() == [0]


async def test_what_runs_beside_a_deadly_message_outlives_it(stack: Stack, traces: Traces) -> None:
    [deadly] = await traces.enqueue(1, "fault.kill_worker")
    for _ in range(4):
        await traces.enqueue(10, milliseconds=20)
    start(stack, "relay")
    for _ in range(3):
        start(stack, "worker")
        await asyncio.to_thread(stack.processes["worker"].wait, 30)
        del stack.processes["worker"]
        await traces.let_time_pass()
    start(stack, "worker")
    await traces.wait(f"bool_and(done_at IS NOT NULL OR id = '{deadly}')")
    dead = await traces.conn.fetch("SELECT id, deaths FROM core_outbox WHERE dead_at IS NOT NULL")
    assert [tuple(row) for row in dead] == [(deadly, 3)]
    assert await traces.conn.fetchval("SELECT max(deaths) FROM core_outbox WHERE id <> $1", deadly) <= 2
    assert await traces.counts() == [0, 1]


@pytest.mark.parametrize("fault", ["fault.block", "fault.cling"])
async def test_a_worker_that_is_stuck_ends_itself(stack: Stack, traces: Traces, fault: str) -> None:
    await traces.enqueue(1, fault)
    stack.start("relay")
    stack.spawn("worker", HURRIED_WORKER)
    assert await asyncio.to_thread(stack.processes["worker"].wait, 40) == 1
    del stack.processes["worker"]
    await traces.let_time_pass()
    await traces.wait("bool_and(deaths = 1)")


async def test_a_broker_that_was_stopped_and_wiped_only_delays(stack: Stack, traces: Traces) -> None:
    start(stack, "relay")
    await traces.enqueue(10)
    await traces.wait("bool_and(sweep_at IS NOT NULL)")  # all hints lie in the broker, and nowhere else
    stack.stop_valkey(wipe=True)
    await traces.enqueue(10)
    start(stack, "worker")
    await traces.enqueue(10)
    stack.start_valkey()
    await traces.let_time_pass()
    await traces.wait_done()
    assert await traces.counts() == [1]


async def test_a_hung_broker_wedges_neither_relay_nor_worker(stack: Stack, traces: Traces) -> None:
    start(stack, "relay", "worker")
    await traces.enqueue(1)
    await traces.wait_done()
    assert stack.valkey is not None
    with frozen(stack.valkey.process.pid):
        await traces.enqueue(10)
        await asyncio.to_thread(
            wait_for, lambda: "relay_waits" in stack.log_of("relay"), seconds=30, what="the relay meets the hung broker"
        )
    await traces.let_time_pass()
    await traces.wait_done()
    assert await traces.counts() == [1]


@pytest.mark.parametrize("end", [Stack.stop_postgres, Stack.kill_postgres])
async def test_a_database_restart_only_delays(stack: Stack, traces: Traces, end: Callable[[Stack], None]) -> None:
    start(stack, "relay", "worker")
    for _ in range(4):
        await traces.enqueue(10, milliseconds=30)
    await traces.wait("count(*) FILTER (WHERE done_at IS NOT NULL) > 3")
    end(stack)
    stack.start_postgres()
    traces.conn = await asyncpg.connect(stack.urls.superuser)
    for _ in range(3):  # a try that failed with the database waits half a minute: let it pass
        await traces.conn.execute("UPDATE core_outbox SET available_at = now() WHERE done_at IS NULL AND lease_until IS NULL")
        await traces.let_time_pass()
        await traces.wait("count(*) FILTER (WHERE done_at IS NULL AND available_at <= now()) = 0")
    await traces.wait_done()
    assert await traces.counts() == [1]


async def test_a_worker_that_is_asked_to_end_finishes_what_it_holds(stack: Stack, traces: Traces) -> None:
    start(stack, "relay", "worker")
    await traces.enqueue(1, milliseconds=700)
    await traces.wait("count(*) FILTER (WHERE lease_until IS NOT NULL) = 1")
    await asyncio.to_thread(stack.stop, "worker")
    await traces.wait_done(seconds=1)
    row = await traces.conn.fetchrow("SELECT attempts, deaths FROM core_outbox")
    assert row is not None
    assert tuple(row) == (1, 0)
    assert await traces.conn.fetchval("SELECT array_agg(kind) FROM core_heartbeats") == ["relay"]
