"""Each migration with many cards under load and beside an open reader (reliability.md, case 30): nobody waits into a refusal.

The code of a version does not know the tables of the one before, so what requests do is done in plain SQL: as their role, with
their time limits. A statement that fails here is a 503 there.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from app.core.config import get_settings
from app.core.db import migrate
from app.core.ids import new_id
from app.core.testing import extent
from app.core.testing.databases import DatabaseUrls, create_database, drop_database
from app.core.web.deps import MAX_ATTEMPTS
from app.modules.loyalty.tests.migrations.rows import AT, Merchant, add_merchant

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.faults, pytest.mark.slow]
CARDS = extent.times(short=3_000, full=100_000)
READER_SECONDS = extent.times(short=300, full=5_000) / 1_000
"""How long the reader stays after a migration has begun: in the full form longer than any of them waits for a lock."""

START = ("core_003", "tenancy_001", "customers_002", "messaging_004", "loyalty_002")
STEPS = (
    "customers_003", "loyalty_003", "loyalty_004", "loyalty_005", "loyalty_006", "core_004", "core_005", "core_006", "tenancy_002",
    "tenancy_003", "tenancy_004", "customers_004", "customers_005", "customers_006", "cms_001", "loyalty_007", "loyalty_008", "loyalty_009",
    "loyalty_010", "loyalty_011", "loyalty_012",
)  # fmt: skip

PEOPLE = """
INSERT INTO customers (merchant_id, id, first_name, last_name, first_name_search, last_name_search, email, email_normalized, phone,
  phone_normalized, locale, registered_store_id, created_at, updated_at)
SELECT $1, gen_random_uuid(), 'Anna', 'Weber ' || n, 'anna', 'weber ' || n, 'a.nna+' || n || '@example.lu', 'a.nna+' || n || '@example.lu',
  '621' || n, '+352621' || n, 'lb', $2, $3, $3 FROM generate_series(1, $4::int) n
"""
THEIRS = (
    """INSERT INTO loyalty_cards (merchant_id, id, customer_id, program_id, enrolled_at_store_id, card_number, qr_token, stamps_target,
         last_activity_at, created_at, updated_at)
       SELECT c.merchant_id, gen_random_uuid(), c.id, p.id, c.registered_store_id, 'F' || c.phone, 'OL1F' || c.phone, 10, c.created_at,
         c.created_at, c.created_at
       FROM customers c JOIN loyalty_programs p ON p.merchant_id = c.merchant_id WHERE c.registered_store_id IS NOT NULL""",
    """INSERT INTO loyalty_transactions (merchant_id, id, card_id, type, stamps_delta, points_delta, owed_delta, stamps_after, points_after,
         owed_after, op_key, created_at)
       SELECT merchant_id, gen_random_uuid(), id, 'points_adjusted', 0, 0, 0, 0, 0, 0, id::text, created_at FROM loyalty_cards""",
    """INSERT INTO core_audit_log (id, merchant_id, at, action, target_type, target_id, actor_kind, request_id, details)
       SELECT gen_random_uuid(), merchant_id, created_at, 'loyalty.card.enrolled', 'card', id, 'customer', '', '{}' FROM loyalty_cards""",
    "VACUUM ANALYZE",
)
STAMP = """
UPDATE loyalty_cards SET stamp_count = stamp_count + 1, last_activity_at = now(), updated_at = now() WHERE merchant_id = $1 AND id = $2
"""
BOOK = """
INSERT INTO loyalty_transactions (merchant_id, id, card_id, type, stamps_delta, points_delta, owed_delta, stamps_after, points_after,
  owed_after, op_key, created_at) VALUES ($1, $2, $3, 'stamp_earned', 1, 0, 0, 1, 0, 0, $2::uuid::text, now())
"""
NOTE = """
INSERT INTO core_audit_log (id, merchant_id, at, action, target_type, target_id, actor_kind, request_id, details)
VALUES ($2, $1, now(), 'loyalty.pin.locked', 'card', $3, 'terminal', '', '{}')
"""
ENTER = """
SELECT m.name, s.name, p.name FROM tenancy_merchants m JOIN tenancy_stores s ON s.merchant_id = m.id
JOIN loyalty_programs p ON p.merchant_id = m.id WHERE m.id = $1 AND s.id = $2
"""
ENROLL = (
    """INSERT INTO customers (merchant_id, id, first_name, last_name, email, email_normalized, locale, registered_store_id, created_at,
         updated_at) VALUES ($1, $2, 'Ben', 'Klein', $2::uuid || '@example.lu', $2::uuid || '@example.lu', 'fr', $3, now(), now())""",
    """INSERT INTO loyalty_cards (merchant_id, id, customer_id, program_id, enrolled_at_store_id, card_number, qr_token, stamps_target,
         last_activity_at, created_at, updated_at)
       SELECT $1, gen_random_uuid(), $2, id, $3, right($2::uuid::text, 15), 'OL1' || $2::uuid, 10, now(), now(), now()
       FROM loyalty_programs WHERE merchant_id = $1""",
)
LOOK = """
SELECT c.first_name, k.stamp_count FROM loyalty_cards k
JOIN customers c ON c.merchant_id = k.merchant_id AND c.id = k.customer_id WHERE k.merchant_id = $1 AND k.id = $2
"""
HELD = ("loyalty_cards", "customers", "loyalty_programs", "loyalty_transactions", "core_audit_log", "tenancy_stores", "tenancy_merchants")


Act = Callable[[asyncpg.Connection, Any], Awaitable[None]]


class Traffic:
    """What requests do meanwhile, over and over; every failure and the longest time that one of them took."""

    def __init__(self, urls: DatabaseUrls, merchant: Merchant, cards: list[Any]) -> None:
        self._urls, self._merchant, self._cards = urls, merchant, cards
        self.failures: list[str] = []
        self.longest = 0.0
        self.done = 0

    @contextlib.asynccontextmanager
    async def going(self) -> AsyncIterator[None]:
        """Keep it going."""
        acts = (self._stamp, self._enroll, self._note, self._look)
        tasks = [asyncio.create_task(self._repeat(act)) for act in acts]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self, act: Act) -> None:
        settings = get_settings()
        limits = {"lock_timeout": str(settings.lock_timeout_ms), "statement_timeout": str(settings.statement_timeout_ms)}
        conn = await asyncpg.connect(self._urls.app, server_settings=limits | {"app.merchant_id": str(self._merchant.id)})
        try:
            while True:
                begun = time.monotonic()
                try:
                    await self._try(conn, act)
                except asyncpg.PostgresError as error:
                    self.failures.append(f"{act.__name__}: {type(error).__name__}: {error}")
                self.longest = max(self.longest, time.monotonic() - begun)
                self.done += 1
                await asyncio.sleep(0.005)  # allow[sleep]: a counter does not ask all the time
        finally:
            conn.terminate()

    async def _try(self, conn: asyncpg.Connection, act: Act) -> None:
        """Do it, again after a deadlock, as often as requests do."""
        card_id = self._cards[self.done % len(self._cards)]
        for _ in range(MAX_ATTEMPTS - 1):
            with contextlib.suppress(asyncpg.DeadlockDetectedError):
                return await self._do(conn, act, card_id)
        return await self._do(conn, act, card_id)

    async def _do(self, conn: asyncpg.Connection, act: Act, card_id: Any) -> None:
        async with conn.transaction():
            assert len(await conn.fetch(ENTER, self._merchant.id, self._merchant.stores[0])) == 1
            await act(conn, card_id)

    async def _stamp(self, conn: asyncpg.Connection, card_id: Any) -> None:
        await conn.execute(STAMP, self._merchant.id, card_id)
        await conn.execute(BOOK, self._merchant.id, new_id(), card_id)

    async def _enroll(self, conn: asyncpg.Connection, _card_id: Any) -> None:
        customer_id = new_id()
        for statement in ENROLL:
            await conn.execute(statement, self._merchant.id, customer_id, self._merchant.stores[1])

    async def _note(self, conn: asyncpg.Connection, card_id: Any) -> None:
        await conn.execute(NOTE, self._merchant.id, new_id(), card_id)

    async def _look(self, conn: asyncpg.Connection, card_id: Any) -> None:
        assert len(await conn.fetch(LOOK, self._merchant.id, card_id)) == 1


@pytest_asyncio.fixture(loop_scope="session")
async def busy(postgres_socket_dir: str, worker_id: str) -> AsyncIterator[tuple[DatabaseUrls, Traffic]]:
    """A database at START with a merchant of many cards, and its traffic."""
    name = f"busy_{worker_id}"
    urls = create_database(postgres_socket_dir, name, template=None)
    for version in START:
        migrate.upgrade(urls.owner, version)
    conn = await asyncpg.connect(urls.superuser)
    merchant = await add_merchant(conn)
    await conn.execute(PEOPLE, merchant.id, merchant.stores[0], AT, CARDS)
    for statement in THEIRS:
        await conn.execute(statement)
    cards = [row[0] for row in await conn.fetch("SELECT id FROM loyalty_cards LIMIT 500")]
    assert await conn.fetchval("SELECT count(*) FROM loyalty_cards") == CARDS
    await conn.close()
    yield urls, Traffic(urls, merchant, cards)
    drop_database(postgres_socket_dir, name)


@contextlib.asynccontextmanager
async def reading(urls: DatabaseUrls, seconds: float) -> AsyncIterator[None]:
    """Have somebody read all the tables, who goes `seconds` after."""
    conn = await asyncpg.connect(urls.superuser)
    transaction = conn.transaction()
    await transaction.start()
    for table in HELD:
        await conn.fetchrow(f"SELECT 1 FROM {table} LIMIT 1")

    async def go() -> None:
        await asyncio.sleep(seconds)  # allow[sleep]: the reader takes its time
        await transaction.rollback()
        await conn.close()

    leaving = asyncio.create_task(go())
    try:
        yield
    finally:
        await leaving


def ways() -> Iterator[tuple[str, Callable[[str, str], None], str]]:
    """Up step by step, then down again: what it is called, what does it, and to which version."""
    reached = list(START)
    backwards = []
    for version in STEPS:
        module = version.rpartition("_")[0]
        before = next((known for known in reversed(reached) if known.startswith(module)), f"{module}@base")
        yield f"up to {version}", migrate.upgrade, version
        backwards.append((f"down from {version}", migrate.downgrade, before))
        reached.append(version)
    yield from reversed(backwards)


async def test_each_migration_leaves_requests_alone(busy: tuple[DatabaseUrls, Traffic]) -> None:
    urls, traffic = busy
    taken: list[str] = []
    for name, act, version in ways():
        traffic.longest, begun = 0.0, time.monotonic()
        async with traffic.going(), reading(urls, READER_SECONDS):
            await asyncio.to_thread(act, urls.owner, version)
        taken.append(f"{name}: {time.monotonic() - begun:.1f} s, the slowest request {traffic.longest * 1000:.0f} ms")
        log.info("%s", taken[-1])
        assert traffic.failures == [], "\n".join(taken)
    assert traffic.done > 10 * len(STEPS)
    assert migrate.read_status(urls.app).current >= {"loyalty_002", "customers_002"}


def test_every_migration_is_tried() -> None:
    """A new version of a module has to be added to STEPS."""
    heads = migrate.status_of(()).heads
    assert {version for version in heads if not version.startswith("messaging")} <= set(STEPS)
