"""A merchant with N cards and five transactions each, made inside the database; ids are computed so that a client can draw one."""

import asyncio
import datetime as dt

import asyncpg

from app.core import clock
from app.core.ids import hash_token, new_id, new_token

ROWS_PER_CARD = 5

CUSTOMERS = """
INSERT INTO customers (merchant_id, id, first_name, last_name, first_name_search, last_name_search, email, email_normalized,
                       phone, phone_normalized, locale, registered_store_id, created_at, updated_at)
SELECT $1, bench_id('c', n), 'Léa' || n % 997, 'Weber' || n % 4999, 'lea' || n % 997, 'weber' || n % 4999,
       'p' || n || '@example.lu', 'p' || n || '@example.lu', '+352621' || lpad(n::text, 7, '0'), '+352621' || lpad(n::text, 7, '0'),
       'lb', $2, $3, $3
FROM generate_series($4::int, $5::int) AS n
"""
CARDS = """
INSERT INTO loyalty_cards (merchant_id, id, customer_id, program_id, enrolled_at_store_id, card_number, qr_token, stamps_target,
                           stamp_count, total_stamps_earned, visit_count, last_activity_at, first_visit_at, created_at, updated_at)
SELECT $1, bench_id('a', n), bench_id('c', n), $6, $2, (100000000000 + n)::text, 'OL1' || lpad(n::text, 32, '0'), 10, 5, 5, 5,
       $3, $3, $3, $3
FROM generate_series($4::int, $5::int) AS n
"""
TRANSACTIONS = """
INSERT INTO loyalty_transactions (merchant_id, id, card_id, store_id, type, stamps_delta, points_delta, owed_delta, stamps_after,
  points_after, owed_after, points_forgiven, stamps_forgiven, stamps_target, op_key, created_at)
SELECT $1, bench_id('b', n * 10 + k), bench_id('a', n), $2, 'stamp_earned', 1, 0, 0, k, 0, 0, 0, 0, 10, 'bench-' || n || '-' || k,
       $3::timestamptz - (10 - k) * interval '1 day'
FROM generate_series($4::int, $5::int) AS n, generate_series(1, 5) AS k
"""
ANSWERS = """
INSERT INTO core_idempotency (merchant_id, key, fingerprint, status, body, created_at)
SELECT $1, 'bench-answer-' || n, sha256(n::text::bytea), 200, repeat('x', 420), $2 FROM generate_series(1, $3::int) AS n
"""
BENCH_ID = """
CREATE FUNCTION bench_id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT ('00000000-000' || kind || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$
"""
CHUNK = 50_000
MOST_ANSWERS = 100_000
"""Kept answers of the last days, so that the planner meets the table as it is in use."""


def card_id(number: int) -> str:
    """Return the id of the card `number` (from 1), as the database's `bench_id` makes it."""
    return f"00000000-000a-7000-8000-{number:012x}"


class Tenant:
    """The benchmark's merchant: its ids and the token of a terminal that a staff member has opened."""

    def __init__(self) -> None:
        self.merchant_id, self.store_id, self.program_id, self.pin_id, self.terminal_id = (new_id() for _ in range(5))
        self.token = new_token()

    async def create(self, conn: asyncpg.Connection, *, cards: int) -> None:
        """Create the merchant, its terminal and `cards` cards with their history; `conn` is the superuser's."""
        now = clock.now()
        await self._create_merchant(conn, now)
        await conn.execute(BENCH_ID)
        for first in range(1, cards + 1, CHUNK):
            last = min(cards, first + CHUNK - 1)
            await conn.execute(CUSTOMERS, self.merchant_id, self.store_id, now, first, last)
            await conn.execute(CARDS, self.merchant_id, self.store_id, now, first, last, self.program_id)
            await conn.execute(TRANSACTIONS, self.merchant_id, self.store_id, now, first, last)
        await conn.execute(ANSWERS, self.merchant_id, now, min(cards, MOST_ANSWERS))
        await conn.execute("VACUUM ANALYZE")
        await conn.execute("CHECKPOINT")

    async def _create_merchant(self, conn: asyncpg.Connection, now: dt.datetime) -> None:
        merchant, store = self.merchant_id, self.store_id
        await conn.execute(
            "INSERT INTO tenancy_merchants (id, name, status, locale, time_zone, currency, created_at)"
            " VALUES ($1, 'Bench', 'active', 'fr', 'Europe/Luxembourg', 'EUR', $2)",
            merchant, now,
        )  # fmt: skip
        await conn.execute(
            "INSERT INTO tenancy_stores (merchant_id, id, code, name, address_line, postal_code, city, country, time_zone, locale,"
            " status, created_at) VALUES ($1, $2, 'bench', 'Bench', '', '', '', 'LU', 'Europe/Luxembourg', 'fr', 'open', $3)",
            merchant, store, now,
        )  # fmt: skip
        await conn.execute("INSERT INTO loyalty_merchant_settings (merchant_id, updated_at) VALUES ($1, $2)", merchant, now)
        await conn.execute(
            "INSERT INTO loyalty_programs (merchant_id, id, type, name, card_name, colour, created_at, updated_at)"
            " VALUES ($1, $2, 'both', 'Bench', 'Bench', '#3730a3', $3, $3)",
            merchant, self.program_id, now,
        )  # fmt: skip
        await conn.execute(
            "INSERT INTO loyalty_staff_pins (merchant_id, id, store_id, display_name, role, pin_hash, created_at, updated_at)"
            " VALUES ($1, $2, $3, 'Bench', 'staff', 'none', $4, $4)",
            merchant, self.pin_id, store, now,
        )  # fmt: skip
        await conn.execute(
            "INSERT INTO loyalty_terminals (merchant_id, id, store_id, name, paired_at, created_at) VALUES ($1, $2, $3, 'Bench', $4, $4)",
            merchant, self.terminal_id, store, now,
        )  # fmt: skip
        await conn.execute(
            "INSERT INTO tenancy_sessions (id, token_hash, kind, merchant_id, store_id, terminal_id, staff_pin_id, unlocked_until,"
            " created_at, last_seen_at, expires_at) VALUES ($1, $2, 'terminal', $3, $4, $5, $6, $7, $8, $8, $7)",
            new_id(), hash_token(self.token), merchant, store, self.terminal_id, self.pin_id, now + dt.timedelta(days=1), now,
        )  # fmt: skip


async def create_tenant(superuser_url: str, *, cards: int) -> Tenant:
    """Create the benchmark's merchant with `cards` cards in the migrated database at `superuser_url`."""
    tenant = Tenant()
    conn = await asyncpg.connect(superuser_url, command_timeout=None)
    try:
        await tenant.create(conn, cards=cards)
    finally:
        await conn.close()
    return tenant


def create(superuser_url: str, *, cards: int) -> Tenant:
    """Like `create_tenant`, from synchronous code."""
    return asyncio.run(create_tenant(superuser_url, cards=cards))
