"""The database stops, dies and hangs while tills are busy (reliability.md, promise 6 and case 25). Web processes by `orion web`."""

import asyncio
import signal
import time

import httpx
import pytest

from app.core.testing import extent
from app.core.testing.application import new_key
from tests.faults.conftest import OpenShop, fresh_keys, postgres_pids, send_all

pytestmark = [pytest.mark.faults, pytest.mark.slow]
RECOVERY_SECONDS = 10


async def reached(statuses: list[int], count: int, keys_left: list[str]) -> None:
    """Wait until `count` purchases were acknowledged."""
    async with asyncio.timeout(60):
        while statuses.count(200) < count:
            assert keys_left or statuses.count(200) >= count
            await asyncio.sleep(0.005)  # allow[sleep]: tills work meanwhile


async def test_each_purchase_is_booked_once_over_a_restart_and_a_crash(open_shop: OpenShop) -> None:
    """Case 25: one restart, one SIGKILL, at moments drawn by the seed, during 1,000 purchases (short: 150) from 8 tills."""
    source = extent.source_of("restart and crash during purchases")
    count = extent.times(short=150, full=1_000)
    stack = open_shop.stack
    await asyncio.to_thread(open_shop.start_web)
    keys = fresh_keys(count)
    waiting, statuses = list(keys), []

    async def till() -> None:
        async with open_shop.client() as client:
            while waiting:
                statuses.extend(await open_shop.earn_until_done(client, waiting.pop()))

    tills = [asyncio.create_task(till()) for _ in range(8)]
    recoveries = []
    for share, end in ((0.15, stack.stop_postgres), (0.5, stack.kill_postgres)):
        await reached(statuses, int(count * (share + source.random() * 0.2)), waiting)
        await asyncio.to_thread(end)
        await asyncio.to_thread(stack.start_postgres)
        restarted, before = time.monotonic(), statuses.count(200)
        await reached(statuses, min(count, before + 8), waiting)
        recoveries.append(time.monotonic() - restarted)
    await asyncio.gather(*tills)
    assert set(statuses) <= {200, 503}, "a till that is told to wait, never that something broke"
    assert max(recoveries) < RECOVERY_SECONDS
    await open_shop.assert_exactly(keys)
    await assert_no_pool_is_poisoned(open_shop, keys)


async def assert_no_pool_is_poisoned(open_shop: OpenShop, keys: list[str]) -> None:
    """Every connection of both processes is good: of 60 purchases at once, more than there are connections, none is put off."""
    more = fresh_keys(60)
    async with open_shop.client() as client:
        answers = await asyncio.gather(*(open_shop.earn(client, key) for key in more))
    assert {answer.status_code for answer in answers} == {200}
    await open_shop.assert_exactly(keys + more)


async def test_without_a_database_tills_are_told_to_wait_and_the_process_lives(open_shop: OpenShop) -> None:
    await asyncio.to_thread(open_shop.start_web)
    keys = fresh_keys(20)
    async with open_shop.client() as client:
        assert (await open_shop.earn(client, keys[0])).status_code == 200
        await asyncio.to_thread(open_shop.stack.stop_postgres)
        answers = await asyncio.gather(*(open_shop.earn(client, key) for key in keys))
        assert {answer.status_code for answer in answers} == {503}
        assert {answer.json()["code"] for answer in answers} == {"unavailable"}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
        assert max(answer.elapsed.total_seconds() for answer in answers) < 9
        await assert_alive_and_not_ready(client)
        await asyncio.to_thread(open_shop.stack.start_postgres)
        restarted = time.monotonic()
        for key in keys:
            await open_shop.earn_until_done(client, key)
        assert time.monotonic() - restarted < RECOVERY_SECONDS
    await open_shop.assert_exactly(keys)
    await assert_no_pool_is_poisoned(open_shop, keys)


async def assert_alive_and_not_ready(client: httpx.AsyncClient) -> None:
    """The process answers at once for itself, and says within its own deadline that it cannot serve."""
    living = await client.get("/livez")
    assert (living.status_code, living.json()) == (200, {"status": "alive"})
    assert living.elapsed.total_seconds() < 1
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.headers["retry-after"]) == (503, "2")
    assert ready.elapsed.total_seconds() < 4


async def test_a_frozen_database_costs_nobody_more_than_the_deadline(open_shop: OpenShop) -> None:
    """SIGSTOP: connections stay open and nothing answers, which is worse than a refusal."""
    await asyncio.to_thread(open_shop.start_web)
    keys = fresh_keys(40)
    async with open_shop.client() as client:
        await asyncio.gather(*(open_shop.earn(client, key) for key in keys[:10]))
        frozen = postgres_pids(open_shop.stack)
        send_all(frozen, signal.SIGSTOP)
        try:
            asked = [asyncio.create_task(open_shop.earn(client, key)) for key in keys[10:]]
            await asyncio.wait(asked, timeout=0.3)
            await assert_alive_and_not_ready(client)
            answers = await asyncio.gather(*asked)
        finally:
            send_all(frozen, signal.SIGCONT)
        thawed = time.monotonic()
        assert {answer.status_code for answer in answers} == {503}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
        assert max(answer.elapsed.total_seconds() for answer in answers) < 9.5, "the deadline is 8 s"
        for key in keys:
            await open_shop.earn_until_done(client, key)
        assert time.monotonic() - thawed < RECOVERY_SECONDS
    await open_shop.assert_exactly(keys)


async def test_a_till_that_hangs_up_leaves_nothing_half_done(open_shop: OpenShop) -> None:
    """Purchases whose till goes away in the middle are booked or not, and the same key finds out which."""
    source = extent.source_of("tills that hang up")
    await asyncio.to_thread(open_shop.start_web)
    keys = [new_key() for _ in range(extent.times(short=60, full=400))]
    for key in keys:
        try:
            async with asyncio.timeout(source.random() * 0.02), open_shop.client() as client:
                await open_shop.earn(client, key)
        except TimeoutError:
            continue
    async with open_shop.client() as client:
        for key in keys:
            assert (await open_shop.earn_until_done(client, key))[-1] == 200
    await open_shop.assert_exactly(keys)
    await assert_no_pool_is_poisoned(open_shop, keys)
