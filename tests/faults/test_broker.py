"""The broker stopped, and wiped, while a shop is open (reliability.md, promise 5, case 23): it holds hints and rate limits only."""

import asyncio

import httpx
import pytest

from app.core.testing import extent
from app.core.testing.application import new_key
from app.modules.loyalty.tests.counter import API
from tests.faults.conftest import fresh_keys
from tests.faults.mail_shop import MailShop

pytestmark = [pytest.mark.faults, pytest.mark.slow]
PER_SECOND = 5


class Counter:
    """What a till and a terminal do all day, and how they were answered."""

    def __init__(self, mail_shop: MailShop, client: httpx.AsyncClient) -> None:
        self.mail_shop, self.client = mail_shop, client
        self.keys: list[str] = []
        self.statuses: list[int] = []

    async def work(self, seconds: float) -> None:
        """Book a purchase, look at the session and enroll somebody, a few times a second."""
        for _ in range(int(seconds * PER_SECOND)):
            await self._book()
            await self._enroll()
            session = await self.client.get(f"{API}/session")
            self.statuses.append(session.status_code)
            assert session.json()["staff"] is not None
            await asyncio.sleep(1 / PER_SECOND)  # allow[sleep]: people need time

    async def _book(self) -> None:
        [key] = fresh_keys(1)
        answer = await self.mail_shop.open_shop.earn(self.client, key)
        self.statuses.append(answer.status_code)
        if answer.status_code == 200:
            self.keys.append(key)

    async def _enroll(self) -> None:
        answer = await self.client.post(f"{API}/enroll", json=self.mail_shop.form(), headers={"Idempotency-Key": new_key()})
        self.statuses.append(answer.status_code)


async def test_a_broker_that_is_stopped_and_wiped_only_delays_mails(mail_shop: MailShop) -> None:
    stack, open_shop = mail_shop.stack, mail_shop.open_shop
    stack.environment["ORION_RATE_LIMITS_ENABLED"] = "true"
    await asyncio.to_thread(open_shop.start_web)
    stack.start("relay")
    stack.start("worker")
    async with open_shop.client() as client:
        counter = Counter(mail_shop, client)
        await counter.work(1)
        await asyncio.to_thread(stack.stop_valkey, wipe=True)
        await counter.work(extent.times(short=4, full=60))
        waiting = sum(row["done_at"] is None for row in await mail_shop.messages())
        await asyncio.to_thread(stack.start_valkey)
        await counter.work(1)
    assert max(counter.statuses) < 500
    assert set(counter.statuses) <= {200, 201, 429}, "rate limits are counted on, in the process"
    assert waiting > 0
    await mail_shop.let_hints_pass()
    await mail_shop.wait_settled()
    assert all(row["done_at"] is not None for row in await mail_shop.messages())
    await mail_shop.assert_mailed_once(await mail_shop.everybody())
    await open_shop.assert_exactly(counter.keys)
