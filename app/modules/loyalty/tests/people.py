"""Batch tasks of loyalty through the real runner, what they asked to be mailed, and people by the thousand."""

import datetime as dt
import uuid
from typing import Any

import asyncpg

from app.core.context import SYSTEM, Principal, platform_unit_of_work, unit_of_work
from app.core.db.engine import Database
from app.core.modules import load_attribute
from app.core.tasks.runner import Outcome, Runner
from app.modules.loyalty.definition import MODULE
from app.modules.loyalty.tests.factories import MadeShop

DUE = """
SELECT id FROM core_outbox
WHERE task = $1 AND merchant_id = $2 AND done_at IS NULL AND dead_at IS NULL AND lease_until IS NULL AND available_at <= $3
"""
MAILS = """
SELECT payload FROM core_outbox WHERE merchant_id = $1 AND task = 'loyalty.send_notification_email' AND payload->>'template' = $2
ORDER BY payload->>'customer_id', created_at
"""
ROWS = "SELECT type, points_delta, op_key, store_id, created_at FROM loyalty_transactions WHERE card_id = $1 ORDER BY id"
RUN = "SELECT status, attempt, counts, error FROM core_job_runs WHERE merchant_id = $1 AND kind = $2 AND period = $3"

# Ids in order, each person with consent and one card without a visit.
MANY_PEOPLE = """
WITH numbers AS (
  SELECT n, ('0199f1a0-0000-7000-8000-' || lpad(to_hex($4::bigint + n), 12, '0'))::uuid AS person_id,
         ('0199f1a0-0001-7000-8000-' || lpad(to_hex($4::bigint + n), 12, '0'))::uuid AS card_id,
         ('0199f1a0-0002-7000-8000-' || lpad(to_hex($4::bigint + n), 12, '0'))::uuid AS consent_id
  FROM generate_series(1, $5::int) AS n
), people AS (
  INSERT INTO customers (merchant_id, id, first_name, last_name, email, email_normalized, locale, birth_date, registered_store_id,
    created_at, updated_at)
  SELECT $1, person_id, 'Anna', 'Muller', person_id || '@example.lu', person_id || '@example.lu', 'lb', $7, $3, $6, $6 FROM numbers
), consents AS (
  INSERT INTO customer_consents (merchant_id, id, customer_id, purpose, action, source, text_version, locale, at)
  SELECT $1, consent_id, person_id, 'marketing', 'granted', 'storefront', '1', 'lb', $6 FROM numbers
)
INSERT INTO loyalty_cards (merchant_id, id, customer_id, program_id, enrolled_at_store_id, card_number, qr_token, stamps_target,
  last_activity_at, created_at, updated_at)
SELECT $1, card_id, person_id, $2, $3, (100000000000 + n)::text, 'OL1' || lpad(n::text, 32, '0'), 10, $6, $6, $6 FROM numbers
"""


async def make_people(
    conn: asyncpg.Connection, shop: MadeShop, count: int, *, at: dt.datetime, birth_date: dt.date | None = None
) -> list[uuid.UUID]:
    """Make `count` people who want marketing mail, with a card since `at`, as superuser; return their ids, which grow."""
    first = uuid.uuid4().int & 0xFFFF_FFFF_0000
    await conn.execute(MANY_PEOPLE, shop.merchant.id, shop.program.id, shop.merchant.store.id, first, count, at, birth_date)
    rows = await conn.fetch("SELECT id FROM customers WHERE merchant_id = $1 ORDER BY id", shop.merchant.id)
    return [row["id"] for row in rows]


async def ask_for(database: Database, task: str, merchant_id: uuid.UUID | None, now: dt.datetime, **payload: Any) -> uuid.UUID:
    """Write the message that beat writes; return its id."""
    if merchant_id is None:
        async with platform_unit_of_work(database, Principal(SYSTEM), now=now) as platform:
            platform.enqueue(task, **payload)
            return platform.pending[0].id
    async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=now) as ctx:
        ctx.enqueue(task, **payload)
        return ctx.pending[0].id


def runner_of(database: Database, task: str) -> Runner:
    """Return a runner that knows the task as loyalty's definition names it."""
    return Runner(database, {task: load_attribute(MODULE.tasks[task])})


async def run_task(database: Database, task: str, merchant_id: uuid.UUID, now: dt.datetime) -> list[Outcome]:
    """Ask for a task at `now` and run it, with the turns that follow at once; return the outcomes."""
    await ask_for(database, task, merchant_id, now)
    return await run_due_turns(database, task, merchant_id, now)


async def run_due_turns(database: Database, task: str, merchant_id: uuid.UUID, now: dt.datetime) -> list[Outcome]:
    """Run the task's messages that are due at `now`, and those they cause."""
    runner, outcomes = runner_of(database, task), []
    while due := await _due(database, task, merchant_id, now):
        outcomes += [await runner.run(message_id, now) for message_id in due]
    return outcomes


async def _due(database: Database, task: str, merchant_id: uuid.UUID, now: dt.datetime) -> list[uuid.UUID]:
    async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=now) as ctx:
        return [row["id"] for row in await ctx.conn.fetch(DUE, task, merchant_id, now)]


async def mails_of(conn: asyncpg.Connection, merchant_id: uuid.UUID, template: str) -> list[dict[str, Any]]:
    """Return the payloads of the mails that were asked for, by customer."""
    return [row["payload"] for row in await conn.fetch(MAILS, merchant_id, template)]


async def rows_of(conn: asyncpg.Connection, card_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the card's history in the order of ids."""
    return [dict(row) for row in await conn.fetch(ROWS, card_id)]


async def run_row(conn: asyncpg.Connection, merchant_id: uuid.UUID, task: str, period: str) -> dict[str, Any] | None:
    """Return a period's job run, or None."""
    row = await conn.fetchrow(RUN, merchant_id, task, period)
    return None if row is None else dict(row)
