"""Rate limits: one count for all processes, the floor when the store is away, and no believing strangers (reliability.md, case 47)."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from app.core.config import Settings
from app.core.errors import Limited
from app.core.ids import new_id
from app.core.testing import application
from app.core.testing.processes import frozen
from app.core.tests.probe import PROBE, bearer
from app.core.web.rate_limit import STORE_TIMEOUT_SECONDS, RateLimiter
from app.ops.embedded_valkey import EmbeddedValkey, ephemeral_valkey

PATH = "/api/v1/store/probe/limited"


@pytest.fixture
def limited_settings(settings: Settings, valkey: EmbeddedValkey) -> Settings:
    return settings.model_copy(update={"rate_limits_enabled": True, "broker_url": SecretStr(valkey.url)})


@pytest_asyncio.fixture(loop_scope="session")
async def processes(limited_settings: Settings) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Two applications with one store, as two web processes have; the caller's address is new to both."""
    address = f"192.0.2.{new_id().int % 250 + 1}"
    async with (
        application.running_routes(limited_settings, PROBE) as one,
        application.running_routes(limited_settings, PROBE) as two,
        application.make_client(one, address=address) as first,
        application.make_client(two, address=address) as second,
    ):
        yield [first, second]


async def count_allowed(limiters: list[RateLimiter], limit: str, subject: str, *, hits: int) -> int:
    """Hit `limiters` in turn and return how many hits were allowed."""
    allowed = 0
    for number in range(hits):
        with contextlib.suppress(Limited):
            await limiters[number % len(limiters)].hit(limit, "probe", subject)
            allowed += 1
    return allowed


async def test_two_processes_share_one_count_and_spoofed_addresses_change_nothing(processes: list[httpx.AsyncClient]) -> None:
    merchant = bearer(uuid.uuid4())
    answers = [await processes[number % 2].get(PATH, headers=merchant | {"X-Forwarded-For": f"203.0.113.{number}"}) for number in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 7
    refused = answers[-1]
    assert refused.json()["code"] == "rate_limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 120


async def test_a_trusted_proxy_is_believed_from_the_right(limited_settings: Settings) -> None:
    trusting = limited_settings.model_copy(update={"trusted_proxies": ["10.0.0.1"]})
    person = f"203.0.113.{new_id().int % 250 + 1}"
    async with application.running_routes(trusting, PROBE) as gate, application.make_client(gate, address="10.0.0.1") as proxy:
        statuses = [
            (await proxy.get(PATH, headers=bearer(uuid.uuid4()) | {"X-Forwarded-For": f"198.51.100.{number}, {person}"})).status_code
            for number in range(6)
        ]
        other = await proxy.get(PATH, headers=bearer(uuid.uuid4()) | {"X-Forwarded-For": "198.51.100.9, not-an-address"})
    assert statuses == [200] * 5 + [429]
    assert other.status_code == 200


async def test_twice_the_limit_over_two_windows_gets_the_limit_through(limited_settings: Settings) -> None:
    limiters, subject, window = [RateLimiter(limited_settings) for _ in range(2)], str(new_id()), 2
    limit, loop = f"40/{window} seconds", asyncio.get_running_loop()
    allowed, started = 0, loop.time()
    for number in range(160):
        delay = started + number * (2 * window / 160) - loop.time()
        await asyncio.sleep(max(0.0, delay))  # allow[sleep]: the load is paced, that is what is measured
        allowed += await count_allowed([limiters[number % 2]], limit, subject, hits=1)
    assert 72 <= allowed <= 88


async def test_the_floor_counts_when_there_is_no_store(limited_settings: Settings) -> None:
    nowhere = limited_settings.model_copy(update={"broker_url": SecretStr("redis://127.0.0.1:9")})
    for broken in (nowhere, limited_settings.model_copy(update={"broker_url": None})):
        assert await count_allowed([RateLimiter(broken)], "5/minute", str(new_id()), hits=12) == 5


async def test_a_hung_store_costs_fifty_milliseconds_once(limited_settings: Settings) -> None:
    with ephemeral_valkey() as hung:
        limiter = RateLimiter(limited_settings.model_copy(update={"broker_url": SecretStr(hung.url)}))
        subject, loop = str(new_id()), asyncio.get_running_loop()
        assert await count_allowed([limiter], "5/minute", subject, hits=2) == 2
        with frozen(hung.process.pid):
            started = loop.time()
            assert await count_allowed([limiter], "5/minute", subject, hits=12) == 5
            assert loop.time() - started < 10 * STORE_TIMEOUT_SECONDS


async def test_limits_can_be_switched_off(settings: Settings) -> None:
    assert await count_allowed([RateLimiter(settings)], "1/hour", str(new_id()), hits=5) == 5
