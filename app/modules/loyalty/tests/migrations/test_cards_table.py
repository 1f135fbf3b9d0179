"""What the cards' table promises: rows keep to their merchant, and a stamp rewrites one page and no index."""

import dataclasses
from typing import Any

import asyncpg
import pytest

from app.core.ids import new_id
from app.core.testing.databases import DatabaseUrls
from app.modules.loyalty import models
from app.modules.loyalty.domain.balances import CardState, Entry, ProgramRules
from app.modules.loyalty.tests.migrations.rows import AT, add_card, add_merchant, insert

INDEXED = """
SELECT DISTINCT a.attname FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum > 0
WHERE i.indrelid = 'loyalty_cards'::regclass
  AND (a.attnum = ANY (i.indkey) OR pg_get_expr(i.indpred, i.indrelid) ~ ('\\m' || a.attname || '\\M'))
"""
STAMP = """
UPDATE loyalty_cards SET stamp_count = stamp_count + 1, total_stamps_earned = total_stamps_earned + 1, visit_count = visit_count + 1,
    last_stamp_at = now(), last_activity_at = now(), first_visit_at = now(), stamps_day = current_date, stamps_today = stamps_today + 1,
    updated_at = now(), status = status
WHERE merchant_id = $1 AND id = $2
"""


async def test_no_index_names_a_column_that_a_stamp_changes(superuser: asyncpg.Connection) -> None:
    indexed = {row["attname"] for row in await superuser.fetch(INDEXED)}
    assert {"merchant_id", "id", "customer_id", "status", "deleted_at"} <= indexed
    changed = {field.name for field in dataclasses.fields(CardState)} - {"status"} | {"updated_at"}
    assert not indexed & changed


async def test_stamps_are_hot_updates(superuser: asyncpg.Connection) -> None:
    merchant = await add_merchant(superuser)
    card_id = await add_card(superuser, merchant)
    counters = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'loyalty_cards'"
    async with superuser.transaction():
        before = await superuser.fetchrow(counters)
        for _ in range(10):
            await superuser.execute(STAMP, merchant.id, card_id)
        after = await superuser.fetchrow(counters)
    assert before is not None
    assert after is not None
    assert after["n_tup_upd"] - before["n_tup_upd"] == 10
    # One of them may find the page full, which it shares with other tests' cards, and go on in the next.
    assert after["n_tup_hot_upd"] - before["n_tup_hot_upd"] >= 9


async def test_every_field_of_the_rules_is_a_column(superuser: asyncpg.Connection) -> None:
    """`points_rate` is kept as points_per_euro; zone and void policy are the merchant's; expiry warnings come with loyalty_006."""
    elsewhere = {"program_type", "zone", "points_rate", "void_policy", "last_expiration_warning_at"}
    for rules, model in ((CardState, models.Card), (Entry, models.Transaction), (ProgramRules, models.Program)):
        columns = set(model.__table__.columns.keys())
        wanted = {field.name for field in dataclasses.fields(rules)}
        assert wanted - columns <= elsewhere, rules
    assert "points_rate" in models.Transaction.__table__.columns


@pytest.mark.parametrize("column", ["customer_id", "program_id", "enrolled_at_store_id", "merged_into_id"])
async def test_a_card_points_to_rows_of_its_own_merchant_only(superuser: asyncpg.Connection, column: str) -> None:
    mine, theirs = await add_merchant(superuser), await add_merchant(superuser)
    foreign: dict[str, Any] = {
        "customer_id": theirs.customer_id,
        "program_id": theirs.program_id,
        "enrolled_at_store_id": theirs.stores[0],
        "merged_into_id": await add_card(superuser, theirs),
    }
    status = "merged" if column == "merged_into_id" else "active"
    with pytest.raises(asyncpg.ForeignKeyViolationError, match=column):
        await add_card(superuser, mine, store=0, **{"status": status, column: foreign[column]})


async def test_a_merchant_has_one_live_program(superuser: asyncpg.Connection) -> None:
    merchant = await add_merchant(superuser)
    program = {"type": "stamps", "name": "Zwee", "card_name": "Zwee", "colour": "#A1B2C3", "created_at": AT, "updated_at": AT}
    with pytest.raises(asyncpg.UniqueViolationError, match="uq_loyalty_programs_live"):
        await insert(superuser, "loyalty_programs", merchant_id=merchant.id, id=new_id(), **program)
    await insert(superuser, "loyalty_programs", merchant_id=merchant.id, id=new_id(), deleted_at=AT, **program)
    with pytest.raises(asyncpg.CheckViolationError, match="colour_form"):
        await insert(superuser, "loyalty_programs", merchant_id=merchant.id, id=new_id(), deleted_at=AT, **program | {"colour": "red"})


async def test_settings_start_with_the_defaults_of_the_domain(superuser: asyncpg.Connection, database_urls: DatabaseUrls) -> None:
    merchant = await add_merchant(superuser)
    conn = await asyncpg.connect(database_urls.app)
    try:
        await conn.execute(f"SET app.merchant_id = '{merchant.id}'")
        row = await conn.fetchrow(
            "INSERT INTO loyalty_merchant_settings (merchant_id, updated_at) VALUES ($1, $2) RETURNING *", merchant.id, AT
        )
    finally:
        await conn.close()
    assert row is not None
    assert tuple(row)[1:] == (True, "required", 6, 5, 5, 15, "block", None, None, AT, None)
