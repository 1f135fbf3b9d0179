"""The chain as a whole (I5): up from every step with rows in it, down again step by step, and nothing left behind."""

import asyncpg
import pytest

from app.core.db import migrate
from app.modules.loyalty.tests.migrations.conftest import AtVersion
from app.modules.loyalty.tests.migrations.rows import add_card, add_merchant, add_transaction

VERSIONS = tuple(f"loyalty_{number:03}" for number in range(1, 13))
HEAD = VERSIONS[-1]

LEFTOVERS = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname LIKE '%loyalty%'
UNION ALL
SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE '%loyalty%'
"""
STRUCTURE = """
SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid), c.convalidated FROM pg_constraint c
WHERE c.conrelid::regclass::text LIKE 'loyalty%'
UNION ALL
SELECT tablename, indexname, indexdef, true FROM pg_indexes WHERE tablename LIKE 'loyalty%'
UNION ALL
SELECT a.attrelid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod) || a.attnotnull, true FROM pg_attribute a
JOIN pg_class r ON r.oid = a.attrelid WHERE r.relname LIKE 'loyalty%' AND r.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT tablename, policyname, concat(roles, qual, with_check), true FROM pg_policies WHERE tablename LIKE 'loyalty%'
UNION ALL
SELECT relname, 'grants', relacl::text, relforcerowsecurity FROM pg_class WHERE relname LIKE 'loyalty%' AND relkind = 'r'
UNION ALL
SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), true FROM pg_trigger
WHERE tgrelid::regclass::text LIKE 'loyalty%' AND NOT tgisinternal
ORDER BY 1, 2, 3
"""


async def structure(conn: asyncpg.Connection) -> list[asyncpg.Record]:
    return await conn.fetch(STRUCTURE)


@pytest.mark.parametrize("version", VERSIONS)
async def test_upgrade_from_every_step_keeps_rows_and_ends_at_the_same_schema(at_version: AtVersion, version: str) -> None:
    step = await at_version(version)
    merchant = await add_merchant(step.conn)
    card_id = await add_card(step.conn, merchant, points_balance=7, stamp_count=3)
    await add_transaction(step.conn, merchant, card_id, points_delta=7, stamps_delta=3, points_after=7, stamps_after=3)
    before = [await step.conn.fetchrow(f"SELECT * FROM {table}") for table in ("loyalty_programs", "loyalty_cards", "loyalty_transactions")]

    step.upgrade()

    assert migrate.read_status(step.urls.app).is_at_head
    after = [await step.conn.fetchrow(f"SELECT * FROM {table}") for table in ("loyalty_programs", "loyalty_cards", "loyalty_transactions")]
    for row, old in zip(after, before, strict=True):
        assert row is not None
        assert old is not None
        kept = dict(old)
        assert {name: row[name] for name in kept} == kept
    found = await structure(step.conn)
    assert all(row["convalidated"] for row in found if row[1].startswith("ck_"))
    fresh = await asyncpg.connect(step.urls.superuser, database="orion")
    try:
        assert found == await structure(fresh)
    finally:
        await fresh.close()


async def test_downgrade_step_by_step_with_rows_and_up_again(at_version: AtVersion) -> None:
    step = await at_version(HEAD)
    merchant = await add_merchant(step.conn)
    card_id = await add_card(step.conn, merchant, points_balance=7)
    await add_transaction(step.conn, merchant, card_id, points_delta=7, points_after=7)
    whole = await structure(step.conn)
    for version in reversed(VERSIONS[:-1]):
        step.downgrade(version)
        assert await step.version() == version
        assert await step.conn.fetchval("SELECT points_balance FROM loyalty_cards WHERE id = $1", card_id) == 7
    step.upgrade(HEAD)
    assert await structure(step.conn) == whole


async def test_downgrade_to_nothing_leaves_nothing_and_can_begin_anew(at_version: AtVersion) -> None:
    step = await at_version(HEAD)
    merchant = await add_merchant(step.conn)
    await add_transaction(step.conn, merchant, await add_card(step.conn, merchant))
    whole = await structure(step.conn)
    step.downgrade("loyalty@base")
    assert await step.conn.fetch(LEFTOVERS) == []
    assert await step.conn.fetchval("SELECT count(*) FROM customers") == 1
    step.upgrade(HEAD)
    assert await structure(step.conn) == whole
