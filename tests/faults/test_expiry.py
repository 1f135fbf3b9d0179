"""The expiry of points under a worker's death (reliability.md, case 16, promise 10)."""

import datetime as dt
import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from app.core import clock
from app.core.db.engine import Database
from app.core.testing.processes import Stack
from app.modules.loyalty.domain import expiry
from app.modules.loyalty.services.chunks import CHUNK
from app.modules.loyalty.services.expiry_service import KIND
from app.modules.loyalty.services.verification_service import verify_ledger
from app.modules.loyalty.tests.domain.builders import LUXEMBOURG
from app.modules.loyalty.tests.factories import MadeShop, make_shop
from app.modules.loyalty.tests.sweeps import ask_for_sweep, make_cards
from tests.faults.watching import IS_STUCK, LET_TIME_PASS, wait_until, watched

pytestmark = [pytest.mark.faults, pytest.mark.slow]
CARDS, KILLED_IN = 10_000, 7
FLAT_KB = 8 * 1024
"""What a worker may grow by from 500 cards to 10,000: less than the rows of a twentieth of them would take."""

EXPIRED = """
SELECT count(*) AS rows, count(DISTINCT card_id) AS cards, -sum(points_delta) AS points FROM loyalty_transactions
WHERE merchant_id = $1 AND type = 'points_expired'
"""
TOLD = """
SELECT count(*) AS messages, count(DISTINCT payload->>'card_id') AS cards FROM core_outbox
WHERE merchant_id = $1 AND task = 'loyalty.announce_expiry'
"""
# A card of the chunk cannot be held against the sweep, which passes over it; but who claims the key of its row, for another card
# that is not due, is waited for.
CLAIM_KEY = """
INSERT INTO loyalty_transactions (merchant_id, id, card_id, type, stamps_delta, points_delta, owed_delta, stamps_after, points_after,
  owed_after, op_key, created_at)
SELECT c.merchant_id, gen_random_uuid(), (SELECT id FROM loyalty_cards WHERE merchant_id = $1 ORDER BY last_activity_at DESC LIMIT 1),
  'points_adjusted', 0, 0, 0, 0, 0, 0, 'expiry:' || c.id || ':' || $2::text, now()
FROM loyalty_cards c WHERE c.merchant_id = $1 AND c.last_activity_at < now() - interval '1 year' ORDER BY c.id OFFSET $3 LIMIT 1
"""
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


class Nights:
    """Shops whose points are due, and what became of them."""

    def __init__(self, stack: Stack, database: Database, conn: asyncpg.Connection) -> None:
        self.stack, self.database, self.conn = stack, database, conn

    async def shop(self, cards: int) -> tuple[MadeShop, int]:
        """A shop with `cards` cards that are due and one that is not, and the sum of the due points."""
        now = clock.now()
        shop = await make_shop(self.database, now=now - dt.timedelta(days=1_000), points_expiration_days=365)
        await make_cards(self.conn, shop, 1, at=now, number=cards + 1)
        return shop, await make_cards(self.conn, shop, cards, at=now - dt.timedelta(days=400))

    async def ask(self, shop: MadeShop, times: int = 1) -> None:
        """Ask for the sweep, as beat does."""
        for _ in range(times):
            await ask_for_sweep(self.database, shop.merchant.id, clock.now())

    async def wait(self, question: str, *arguments: object, seconds: float = 60) -> None:
        """Wait until the database answers `question` with true."""
        await wait_until(self.stack, self.conn, question, *arguments, seconds=seconds)

    async def wait_done(self, shop: MadeShop) -> None:
        """Wait until the day's run is done and everybody who was asked for it knows."""
        await self.wait("SELECT bool_and(status = 'done') FROM core_job_runs WHERE merchant_id = $1", shop.merchant.id)
        await self.wait(
            "SELECT NOT EXISTS (SELECT FROM core_outbox WHERE merchant_id = $1 AND task = $2 AND done_at IS NULL)", shop.merchant.id, KIND
        )

    async def assert_each_expired_once(self, shop: MadeShop, points: int) -> None:
        """Every card has one row and one message, its balance is the sum of its rows, and the ledger is whole."""
        [expired] = await self.conn.fetch(EXPIRED, shop.merchant.id)
        assert tuple(expired) == (CARDS, CARDS, points)
        [told] = await self.conn.fetch(TOLD, shop.merchant.id)
        assert tuple(told) == (CARDS, CARDS)
        counts = await self.conn.fetchval("SELECT counts FROM core_job_runs WHERE merchant_id = $1", shop.merchant.id)
        assert counts == f'{{"points": {points}, "warned": 0, "expired": {CARDS}}}'
        left = "SELECT count(*) FROM loyalty_cards WHERE merchant_id = $1 AND (points_balance <> 0 OR points_owed <> 0)"
        assert await self.conn.fetchval(left, shop.merchant.id) == 1
        found = await verify_ledger(self.database, shop.merchant.id)
        assert (found.checked, found.broken) == (CARDS + 1, [])

    def forget_peak(self, name: str) -> None:
        """Let a process and those it started count their peak of memory anew, from what they hold now."""
        for pid in self._family(name):
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak(self, name: str) -> int:
        """Return the most memory that a process, or one that it started, has held since, in kB."""
        return max(int(found[1]) for pid in self._family(name) for found in PEAK.finditer(Path(f"/proc/{pid}/status").read_text()))

    def _family(self, name: str) -> list[int]:
        pid = self.stack.processes[name].pid
        return [pid, *self.stack.children(pid)]


@pytest_asyncio.fixture(loop_scope="session")
async def nights(stack: Stack) -> AsyncIterator[Nights]:
    async with watched(stack) as (database, conn):
        yield Nights(stack, database, conn)


async def test_a_worker_killed_in_chunk_seven_of_twenty_and_two_reruns_at_once(stack: Stack, nights: Nights) -> None:
    """Case 16."""
    shop, points = await nights.shop(CARDS)
    day = expiry.local_day(clock.now(), LUXEMBOURG)
    blocker = await asyncpg.connect(stack.urls.superuser)
    await blocker.execute("BEGIN")
    await blocker.execute(CLAIM_KEY, shop.merchant.id, str(day), KILLED_IN * CHUNK - CHUNK // 2)
    stack.start("relay")
    stack.start("worker")
    await nights.ask(shop)
    await nights.wait(IS_STUCK)
    stack.kill9("worker")
    await blocker.execute("ROLLBACK")
    await blocker.close()
    await nights.wait(f"SELECT NOT ({IS_STUCK})")
    [expired] = await nights.conn.fetch(EXPIRED, shop.merchant.id)
    assert (expired["rows"], expired["cards"]) == ((KILLED_IN - 1) * CHUNK, (KILLED_IN - 1) * CHUNK)
    await nights.ask(shop)
    await nights.conn.execute(LET_TIME_PASS)
    stack.start("worker", "worker_1")
    stack.start("worker", "worker_2")
    await nights.wait_done(shop)
    await nights.assert_each_expired_once(shop, points)
    assert await nights.conn.fetchval("SELECT attempt FROM core_job_runs WHERE merchant_id = $1", shop.merchant.id) == 2


async def test_a_workers_memory_does_not_grow_with_the_cards(stack: Stack, nights: Nights) -> None:
    stack.start("relay")
    stack.start("worker")
    peaks: list[int] = []
    for cards in (CHUNK, CHUNK, CARDS):  # the first lets it load what it needs
        shop, _ = await nights.shop(cards)
        if peaks:
            nights.forget_peak("worker")
        await nights.ask(shop)
        await nights.wait_done(shop)
        peaks.append(nights.peak("worker"))
    assert peaks[2] - peaks[1] < FLAT_KB, peaks
