"""Sweeps of expiring points for tests: the real task through the real runner, and cards by the thousand."""

import contextlib
import dataclasses
import datetime as dt
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from app.core.context import SYSTEM, Ctx, Principal, unit_of_work
from app.core.db.engine import Database
from app.core.tasks.runner import Outcome, Runner
from app.modules.loyalty.services.expiry_service import KIND
from app.modules.loyalty.services.verification_service import verify_ledger
from app.modules.loyalty.tasks.expiry_tasks import expire_points
from app.modules.loyalty.tests.factories import MadeShop

DUE = "SELECT id FROM core_outbox WHERE task = $1 AND merchant_id = $2 AND done_at IS NULL AND dead_at IS NULL AND available_at <= $3"
CARD = """
SELECT points_balance, points_owed, stamp_count, total_points_voided, last_expiration_warning_at, last_activity_at FROM loyalty_cards
WHERE id = $1
"""
ROWS = """
SELECT type, points_delta, stamps_delta, stamps_after, points_after, owed_after, op_key, created_at FROM loyalty_transactions
WHERE card_id = $1 ORDER BY id
"""
RUN = "SELECT status, counts, attempt, error FROM core_job_runs WHERE merchant_id = $1 AND kind = $2 AND period = $3"

# Cards like those that the services make, a purchase each; ids in order, so that a cursor can be foretold.
MANY_CARDS = """
WITH numbers AS (
  SELECT n, ('0199f1a0-0000-7000-8000-' || lpad(to_hex($4::bigint + n), 12, '0'))::uuid AS id,
         ('0199f1a0-0001-7000-8000-' || lpad(to_hex($4::bigint + n), 12, '0'))::uuid AS row_id
  FROM generate_series($7::int, $7::int + $5::int - 1) AS n
), cards AS (
  INSERT INTO loyalty_cards (merchant_id, id, program_id, enrolled_at_store_id, card_number, qr_token, stamps_target, points_balance,
    total_points_earned, visit_count, last_activity_at, first_visit_at, created_at, updated_at)
  SELECT $1, id, $2, $3, (100000000000 + n)::text, 'OL1' || lpad(n::text, 32, '0'), 10, 1 + n % 97, 1 + n % 97, 1, $6, $6, $6, $6
  FROM numbers
)
INSERT INTO loyalty_transactions (merchant_id, id, card_id, store_id, type, stamps_delta, points_delta, owed_delta, stamps_after,
  points_after, owed_after, amount_cents, points_rate, op_key, created_at)
SELECT $1, row_id, id, $3, 'points_earned', 0, 1 + n % 97, 0, 0, 1 + n % 97, 0, 100 * (1 + n % 97), 10000, 'made:' || id, $6 FROM numbers
"""


async def make_cards(conn: asyncpg.Connection, shop: MadeShop, count: int, *, at: dt.datetime, number: int = 1) -> int:
    """Make `count` cards with one purchase at `at` each, numbered from `number`, as superuser; return the sum of their points."""
    first = uuid.uuid4().int & 0xFFFF_FFFF_0000
    await conn.execute(MANY_CARDS, shop.merchant.id, shop.program.id, shop.merchant.store.id, first, count, at, number)
    return sum(1 + each % 97 for each in range(number, number + count))


async def ask_for_sweep(database: Database, merchant_id: uuid.UUID, now: dt.datetime) -> uuid.UUID:
    """Write the message that beat writes; return its id."""
    async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=now) as ctx:
        ctx.enqueue(KIND)
        return ctx.pending[0].id


async def run_sweep(database: Database, merchant_id: uuid.UUID, now: dt.datetime) -> list[Outcome]:
    """Ask for a sweep at `now` and run it, with the turns that follow at once; return the outcomes."""
    await ask_for_sweep(database, merchant_id, now)
    runner, outcomes = Runner(database, {KIND: expire_points}), []
    while due := await _due(database, merchant_id, now):
        outcomes += [await runner.run(message_id, now) for message_id in due]
    return outcomes


async def _due(database: Database, merchant_id: uuid.UUID, now: dt.datetime) -> list[uuid.UUID]:
    async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=now) as ctx:
        return [row["id"] for row in await ctx.conn.fetch(DUE, KIND, merchant_id, now)]


@dataclasses.dataclass
class Turns:
    """A sweep's turn that is out of time after `chunks` units of work (None: never), at a fixed `now`."""

    database: Database
    merchant_id: uuid.UUID
    now: dt.datetime
    chunks: int | None = None
    opened: int = 0

    @property
    def is_out_of_time(self) -> bool:
        """Whether the units of work are used up."""
        return self.chunks is not None and self.opened > self.chunks

    @contextlib.asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[Ctx]:
        """One chunk; the first is the run's beginning."""
        self.opened += 1
        async with unit_of_work(self.database, Principal(SYSTEM, self.merchant_id), now=self.now) as ctx:
            yield ctx


async def card_row(conn: asyncpg.Connection, card_id: uuid.UUID) -> dict[str, Any]:
    """Return what a sweep may change of a card."""
    [row] = await conn.fetch(CARD, card_id)
    return dict(row)


async def history_of(conn: asyncpg.Connection, card_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the card's rows in the order of their ids."""
    return [dict(row) for row in await conn.fetch(ROWS, card_id)]


async def expired_of(conn: asyncpg.Connection, card_id: uuid.UUID) -> list[int]:
    """Return the points of the card's expiries."""
    return [row["points_delta"] for row in await history_of(conn, card_id) if row["type"] == "points_expired"]


async def run_row(conn: asyncpg.Connection, merchant_id: uuid.UUID, day: str) -> dict[str, Any] | None:
    """Return the job run of a day, or None."""
    row = await conn.fetchrow(RUN, merchant_id, KIND, day)
    return None if row is None else dict(row)


async def warnings_of(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the payloads of the warnings that were asked for, in order."""
    statement = """SELECT payload FROM core_outbox WHERE merchant_id = $1 AND task = 'loyalty.send_notification_email'
                   AND payload->>'template' = 'loyalty_points_expiring' ORDER BY created_at, id"""
    return [row["payload"] for row in await conn.fetch(statement, merchant_id)]


async def assert_ledger_is_whole(database: Database, merchant_id: uuid.UUID) -> None:
    """Every card's history leads to its balances."""
    found = await verify_ledger(database, merchant_id)
    assert found.checked
    assert found.broken == []
