"""Does any look-up of a terminal read a whole table? PostgreSQL is asked after the real calls, in their own transaction.

    async with Database… as database:
        assert await find_sequential_scans(database, tenant, cards=1_000_000) == []

`pg_stat_xact_user_tables` counts what the transaction's statements did, those inside functions and with generic plans included:
what EXPLAIN foretells, this saw happen.
"""

import dataclasses
import datetime as dt
import functools
import uuid
import zoneinfo
from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from app.core.context import Ctx, Opener, Principal, unit_of_work
from app.core.credentials import TERMINAL_COOKIE, Credentials
from app.core.db.engine import Database
from app.modules.loyalty.domain.card_number import is_valid
from app.modules.loyalty.queries import locks, pins, transactions
from app.modules.loyalty.routes.api._store.session import read_terminal_session
from app.modules.loyalty.services import card_service
from app.modules.tenancy.services import session_service
from benchmarks.data import Tenant, card_id

LARGE_ROWS = 500
"""A table with fewer rows is read faster as a whole, and rightly so."""

SCANS = """
SELECT s.relname, s.seq_scan FROM pg_stat_xact_user_tables s JOIN pg_class c ON c.oid = s.relid
WHERE s.seq_scan > 0 AND c.reltuples >= $1 ORDER BY s.relname
"""
NEIGHBOURS = """
WITH numbers AS (SELECT n, gen_random_uuid() AS merchant, gen_random_uuid() AS store, gen_random_uuid() AS terminal
                 FROM generate_series(1, $1::int) AS n),
merchants AS (
  INSERT INTO tenancy_merchants (id, name, status, locale, time_zone, currency, created_at)
  SELECT merchant, 'Neighbour ' || n, 'active', 'fr', 'Europe/Luxembourg', 'EUR', now() FROM numbers RETURNING id),
stores AS (
  INSERT INTO tenancy_stores (merchant_id, id, code, name, address_line, postal_code, city, country, time_zone, locale, status, created_at)
  SELECT merchant, store, 'neighbour-' || n, 'Store', '', '', '', 'LU', 'Europe/Luxembourg', 'fr', 'open', now() FROM numbers RETURNING id),
settings AS (
  INSERT INTO loyalty_merchant_settings (merchant_id, updated_at) SELECT merchant, now() FROM numbers RETURNING merchant_id),
programs AS (
  INSERT INTO loyalty_programs (merchant_id, id, type, name, card_name, colour, created_at, updated_at)
  SELECT merchant, gen_random_uuid(), 'both', 'Program', 'Card', '#3730a3', now(), now() FROM numbers RETURNING id),
pins AS (
  INSERT INTO loyalty_staff_pins (merchant_id, id, store_id, display_name, role, pin_hash, created_at, updated_at)
  SELECT merchant, gen_random_uuid(), store, 'Somebody', 'staff', 'none', now(), now() FROM numbers RETURNING id),
terminals AS (
  INSERT INTO loyalty_terminals (merchant_id, id, store_id, name, paired_at, created_at)
  SELECT merchant, terminal, store, 'Terminal', now(), now() FROM numbers RETURNING id)
INSERT INTO tenancy_sessions (id, token_hash, kind, merchant_id, store_id, terminal_id, created_at, last_seen_at, expires_at)
SELECT gen_random_uuid(), sha256(terminal::text::bytea), 'terminal', merchant, store, terminal, now(), now(), now() + interval '1 day'
FROM numbers
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Scan:
    """A look-up that read `table` as a whole, `times` times."""

    lookup: str
    table: str
    times: int


async def fill_neighbours(conn: asyncpg.Connection, count: int) -> None:
    """Make `count` more merchants, each with a store, program, staff and terminal, so that no table is small; as superuser."""
    await conn.execute(NEIGHBOURS, count)
    await conn.execute("ANALYZE")


LookUp = Callable[[Ctx], Awaitable[object]]


def lookups(tenant: Tenant, *, cards: int) -> dict[str, LookUp]:
    """Return everything that a terminal looks up, by name; on the card in the middle of the benchmark's."""
    number = next(n for n in range(cards // 2, cards) if is_valid(str(100_000_000_000 + n)))
    card = uuid.UUID(card_id(number))
    phone = f"{number:07d}"

    def search(text: str) -> LookUp:
        return lambda ctx: card_service.search_card_for_store(ctx, text=text, store_id=tenant.store_id)

    async def history(ctx: Ctx) -> object:
        page = await transactions.list_history(ctx, card, limit=10)
        return [await transactions.get_original(ctx, row.id) for row in page.items[:1]]

    async def last_stamp(ctx: Ctx) -> object:
        page = await transactions.list_history(ctx, card, limit=1)
        return await transactions.find_previous_stamp_at(ctx, card, page.items[0].id)

    async def lock(ctx: Ctx) -> object:
        zone = zoneinfo.ZoneInfo("Europe/Luxembourg")
        return await locks.lock_cards(ctx, [card], zone=zone, keys=["none-such-key-0000"], pin_ids=[tenant.pin_id])

    return {
        "session open": _nothing,
        "card number": search(str(100_000_000_000 + number)),
        "QR content": search(f"OL1{number:032d}"),
        "e-mail": search(f"p{number}@example.lu"),
        "start of an e-mail": search(f"p{number}@"),
        "phone number": search(f"+352621{phone}"),
        "end of a phone number": search(phone[-6:]),
        "last name": search(f"Weber{number % 4999}"),
        "both names": search(f"Léa{number % 997} Weber{number % 4999}"),
        "nobody's name": search("Zzyzx"),
        "nobody's e-mail": search("nobody@example.com"),
        "card id": lambda ctx: card_service.get_card_for_store(ctx, card),
        "history": history,
        "row to take back": last_stamp,
        "staff list": lambda ctx: pins.list_pins(ctx, tenant.store_id),
        "terminal's session": read_terminal_session,
        "stamp, before it is written": lock,
    }


async def _nothing(_ctx: Ctx) -> None:
    """Opening the session is all."""


def open_terminal(tenant: Tenant) -> Opener:
    """Return the opener of the store's face for the benchmark's terminal."""
    return functools.partial(_open, tenant.token)


async def _open(token: str, conn: asyncpg.Connection, now: dt.datetime) -> Principal:
    return await session_service.open_store(conn, now, Credentials({TERMINAL_COOKIE: token}, None, {}, None))


async def find_sequential_scans(database: Database, tenant: Tenant, *, cards: int) -> Sequence[Scan]:
    """Do each look-up twice (the second time with the kept plan) and return those that read a large table as a whole."""
    found: list[Scan] = []
    for name, look_up in lookups(tenant, cards=cards).items():
        for _ in range(2):
            async with unit_of_work(database, open_terminal(tenant)) as ctx:
                await look_up(ctx)
                rows = await ctx.conn.fetch(SCANS, float(LARGE_ROWS))
            found += [Scan(name, row["relname"], row["seq_scan"]) for row in rows]
    return list(dict.fromkeys(found))
