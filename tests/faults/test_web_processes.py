"""Web processes while the database, the broker or they themselves fail (reliability.md, promises 5 and 6, cases 27, 29, 47)."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.core.testing.application import BROWSER_HEADERS, new_key
from app.core.testing.processes import Stack, frozen
from app.core.tests.probe import bearer

pytestmark = [pytest.mark.faults, pytest.mark.slow]
PROBE = "app.core.tests.probe:app"
NOTES = "/api/v1/store/probe/notes"


@pytest_asyncio.fixture(loop_scope="session")
async def served(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """A client of two web processes that serve the probe; limits are on."""
    stack.environment["ORION_RATE_LIMITS_ENABLED"] = "true"
    stack.start_web(workers=2, target=PROBE)
    async with httpx.AsyncClient(base_url=stack.base_url, headers=BROWSER_HEADERS, timeout=12) as client:
        yield client


async def write_note(client: httpx.AsyncClient, merchant_id: uuid.UUID, text: str, key: str) -> httpx.Response:
    return await client.post(NOTES, json={"text": text}, headers=bearer(merchant_id) | {"Idempotency-Key": key})


async def write_until_done(client: httpx.AsyncClient, merchant_id: uuid.UUID, text: str, seconds: float = 30) -> list[int]:
    """Write one note, again and again with the same key until it is acknowledged; return the statuses (0: no answer)."""
    key, statuses = new_key(), []
    async with asyncio.timeout(seconds):
        while True:
            try:
                answer = await write_note(client, merchant_id, text, key)
                statuses.append(answer.status_code)
                if answer.status_code == 201:
                    return statuses
            except httpx.TransportError:
                statuses.append(0)
            await asyncio.sleep(0.1)  # allow[sleep]: a client that waits before it tries again


async def test_two_processes_count_together_and_a_forged_address_changes_nothing(served: httpx.AsyncClient) -> None:
    merchant = bearer(uuid.uuid4())
    statuses = []
    for number in range(20):
        async with httpx.AsyncClient(base_url=served.base_url) as fresh:  # a new connection may reach the other process
            sent = merchant | {"X-Forwarded-For": f"203.0.113.{number}"}
            statuses.append((await fresh.get("/api/v1/store/probe/limited", headers=sent)).status_code)
    assert statuses.count(200) == 5
    assert set(statuses) == {200, 429}


@pytest.mark.parametrize("end", [Stack.stop_postgres, Stack.kill_postgres])
async def test_no_acknowledged_note_is_lost_or_doubled_over_a_restart_of_the_database(
    stack: Stack, served: httpx.AsyncClient, end: Callable[[Stack], None]
) -> None:
    merchant_id, count = uuid.uuid4(), 200
    writing = [asyncio.create_task(worker(served, merchant_id, range(start, count, 8))) for start in range(8)]
    await asyncio.wait(writing, timeout=0.3)
    await asyncio.to_thread(end, stack)
    await asyncio.to_thread(stack.start_postgres)
    restarted = time.monotonic()
    statuses = [status for part in await asyncio.gather(*writing) for status in part]
    assert set(statuses) <= {201, 503}
    assert time.monotonic() - restarted < 10
    conn = await asyncpg.connect(stack.urls.superuser)
    texts = [row[0] for row in await conn.fetch("SELECT details->>'text' FROM core_audit_log WHERE merchant_id = $1", merchant_id)]
    await conn.close()
    assert sorted(texts) == sorted(f"note {number}" for number in range(count))


async def worker(client: httpx.AsyncClient, merchant_id: uuid.UUID, numbers: range) -> list[int]:
    return [status for number in numbers for status in await write_until_done(client, merchant_id, f"note {number}")]


async def test_a_frozen_database_is_503_within_the_deadline_and_liveness_is_quick(stack: Stack, served: httpx.AsyncClient) -> None:
    merchant_id = uuid.uuid4()
    assert (await write_note(served, merchant_id, "before", new_key())).status_code == 201
    assert stack.postgres is not None
    with frozen(stack.postgres.process.pid, *stack.children(stack.postgres.process.pid)):
        asked = time.monotonic()
        requests = [asyncio.create_task(write_note(served, merchant_id, "during", new_key())) for _ in range(30)]
        await asyncio.wait(requests, timeout=0.5)
        alive_asked = time.monotonic()
        assert (await served.get("/livez")).status_code == 200
        assert time.monotonic() - alive_asked < 1
        answers = await asyncio.gather(*requests)
        assert {answer.status_code for answer in answers} == {503}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
        assert time.monotonic() - asked < 9.5  # the deadline is 8 s
    thawed = time.monotonic()
    await write_until_done(served, merchant_id, "after")
    assert time.monotonic() - thawed < 10


async def test_without_a_broker_nothing_fails_and_limits_still_hold(stack: Stack, served: httpx.AsyncClient) -> None:
    merchant_id = uuid.uuid4()
    await asyncio.to_thread(stack.stop_valkey, wipe=True)
    answers = await asyncio.gather(*(write_note(served, merchant_id, f"{number}", new_key()) for number in range(40)))
    assert {answer.status_code for answer in answers} == {201}
    limited = [(await served.get("/api/v1/store/probe/limited", headers=bearer(merchant_id))).status_code for _ in range(30)]
    assert 5 <= limited.count(200) <= 10  # each of the two processes counts for itself while the store is away
    assert set(limited) == {200, 429}


async def test_a_hundred_and_twenty_slow_requests_are_200_or_503(served: httpx.AsyncClient) -> None:
    merchant = bearer(uuid.uuid4())
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=served.base_url, headers=BROWSER_HEADERS, timeout=20, limits=limits) as many:
        slow = [many.get("/api/v1/store/probe/sleep/1500", headers=merchant) for _ in range(120)]
        *answers, living = await asyncio.gather(*slow, many.get("/livez"))
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert sum(answer.status_code == 200 for answer in answers) >= 20
    assert living.status_code == 200
    assert living.elapsed.total_seconds() < 2


async def test_a_rolling_restart_fails_no_request(stack: Stack, served: httpx.AsyncClient) -> None:
    """A process that ends closes connections whose request it has not read yet: such a client asks again with the same key."""
    merchant_id, statuses = uuid.uuid4(), []
    master = stack.processes["web"].pid
    before = stack.children(master)

    async def ask(number: int) -> None:
        async with httpx.AsyncClient(base_url=stack.base_url, headers=BROWSER_HEADERS, timeout=10) as client:
            statuses.extend(await write_until_done(client, merchant_id, f"{number}"))

    def are_all_new() -> bool:
        return not set(before) & set(stack.children(master))

    asked = after = 0
    async with asyncio.TaskGroup() as group:
        while after < 40 and asked < 2_000:  # until two seconds after the last process was replaced
            if asked == 30:
                os.kill(master, signal.SIGHUP)
            group.create_task(ask(asked))
            asked += 1
            after += are_all_new()
            await asyncio.sleep(0.05)  # allow[sleep]: the load is 20 requests a second
    assert are_all_new()
    assert statuses.count(201) == asked
    assert set(statuses) <= {201, 0}
    assert statuses.count(0) < 8
    conn = await asyncpg.connect(stack.urls.superuser)
    assert await conn.fetchval("SELECT count(*) FROM core_audit_log WHERE merchant_id = $1", merchant_id) == asked
    await conn.close()
