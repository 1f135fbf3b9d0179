"""loyalty_003 on a database that holds what it forbids (B2)."""

import decimal
import logging
import uuid

import asyncpg
import pytest

from app.core.ids import new_id
from app.modules.loyalty.tests.migrations.conftest import AtVersion, Step
from app.modules.loyalty.tests.migrations.rows import Merchant, add_card, add_customer, add_merchant, add_transaction

CHECKS = [
    ("loyalty_cards", "points_balance", -1),
    ("loyalty_cards", "stamp_count", -1),
    ("loyalty_cards", "stamps_target", 0),
    ("loyalty_programs", "minimum_purchase_cents", -1),
    ("loyalty_programs", "points_per_euro", decimal.Decimal("-0.0001")),
    ("loyalty_programs", "stamps_target", 0),
    ("loyalty_programs", "welcome_bonus_points", -1),
]

SUMS = """
SELECT c.points_balance - c.points_owed AS points, coalesce(sum(t.points_delta), 0)::int AS points_booked,
       c.total_points_earned - c.total_points_redeemed - c.total_points_voided AS points_by_totals,
       c.stamp_count AS stamps, coalesce(sum(t.stamps_delta), 0)::int AS stamps_booked,
       c.total_stamps_earned - c.total_stamps_redeemed - c.total_stamps_voided AS stamps_by_totals
FROM loyalty_cards c LEFT JOIN loyalty_transactions t ON t.card_id = c.id GROUP BY c.merchant_id, c.id ORDER BY c.id
"""


async def add_booked_card(
    step: Step, merchant: Merchant, *, points: int = 0, stamps: int = 0, owed: int = 0, target: int = 10
) -> uuid.UUID:
    """Insert a card whose history explains its balance, however impossible; another customer's each time."""
    customer_id = await add_customer(step.conn, merchant, new_id())
    balance = {"points_balance": points, "stamp_count": stamps, "points_owed": owed, "stamps_target": target}
    totals = {"total_points_earned": points - owed, "total_stamps_earned": stamps}
    card_id = await add_card(step.conn, merchant, customer_id=customer_id, **balance, **totals)
    await add_transaction(step.conn, merchant, card_id, points_delta=points - owed, stamps_delta=stamps)
    return card_id


async def test_violations_are_repaired_booked_and_reported(at_version: AtVersion, caplog: pytest.LogCaptureFixture) -> None:
    step = await at_version("loyalty_002")
    wrong = {"stamps_target": 0, "points_per_euro": -2, "welcome_bonus_points": -50, "minimum_purchase_cents": -100}
    merchant = await add_merchant(step.conn, **wrong)
    other = await add_merchant(step.conn, stamps_target=8)
    in_debt = await add_booked_card(step, merchant, points=-25, owed=5)
    overdrawn = await add_booked_card(step, other, points=40, stamps=-3)
    targetless = await add_booked_card(step, other, points=4, stamps=2, target=0)
    sound = await add_booked_card(step, other, points=12, stamps=4)
    with caplog.at_level(logging.INFO, "alembic.loyalty"):
        step.upgrade("loyalty_003")

    repaired = await step.conn.fetch(
        "SELECT stamps_target, points_per_euro, welcome_bonus_points, minimum_purchase_cents FROM loyalty_programs"
    )
    assert sorted(map(tuple, repaired)) == [(1, 0, 0, 0), (8, 1, 0, 0)]
    cards = await step.conn.fetch("SELECT id, points_balance, points_owed, stamp_count, stamps_target FROM loyalty_cards ORDER BY id")
    assert [tuple(card) for card in cards] == [
        (in_debt, 0, 5, 0, 10),
        (overdrawn, 40, 0, 0, 10),
        (targetless, 4, 0, 2, 8),
        (sound, 12, 0, 4, 10),
    ]
    for sums in await step.conn.fetch(SUMS):
        assert sums["points"] == sums["points_booked"] == sums["points_by_totals"]
        assert sums["stamps"] == sums["stamps_booked"] == sums["stamps_by_totals"]
    booked = await step.conn.fetch("SELECT * FROM loyalty_transactions WHERE op_key LIKE 'migration:%' ORDER BY card_id")
    assert [(row["op_key"], row["type"], row["points_delta"], row["stamps_delta"], row["owed_after"]) for row in booked] == [
        (f"migration:loyalty_003:{in_debt}", "admin_adjustment", 25, 0, 5),
        (f"migration:loyalty_003:{overdrawn}", "admin_adjustment", 0, 3, 0),
    ]

    audited = {row["target_id"]: row for row in await step.conn.fetch("SELECT * FROM core_audit_log")}
    assert set(audited) == {merchant.program_id, in_debt, overdrawn, targetless}
    assert audited[in_debt]["details"] == {"before": {"points_balance": -25, "stamp_count": 0, "stamps_target": 10}}
    assert audited[merchant.program_id]["details"]["before"]["welcome_bonus_points"] == -50
    assert audited[merchant.program_id]["merchant_id"] == merchant.id
    assert sorted(record.getMessage() for record in caplog.records if record.name == "alembic.loyalty") == [
        "loyalty_003 repaired 1 rows that violated loyalty_cards: points_balance >= 0",
        "loyalty_003 repaired 1 rows that violated loyalty_cards: stamp_count >= 0",
        "loyalty_003 repaired 1 rows that violated loyalty_cards: stamps_target >= 1",
        "loyalty_003 repaired 1 rows that violated loyalty_programs: minimum_purchase_cents >= 0",
        "loyalty_003 repaired 1 rows that violated loyalty_programs: points_per_euro >= 0",
        "loyalty_003 repaired 1 rows that violated loyalty_programs: stamps_target >= 1",
        "loyalty_003 repaired 1 rows that violated loyalty_programs: welcome_bonus_points >= 0",
    ]


async def test_a_sound_database_is_left_alone(at_version: AtVersion, caplog: pytest.LogCaptureFixture) -> None:
    step = await at_version("loyalty_002")
    merchant = await add_merchant(step.conn)
    await add_booked_card(step, merchant, points=5, stamps=1)
    before = await step.conn.fetch("SELECT c, p FROM loyalty_cards c CROSS JOIN loyalty_programs p")
    with caplog.at_level(logging.INFO, "alembic.loyalty"):
        step.upgrade("loyalty_003")
    assert await step.conn.fetch("SELECT c, p FROM loyalty_cards c CROSS JOIN loyalty_programs p") == before
    assert await step.conn.fetchval("SELECT count(*) FROM core_audit_log") == 0
    assert "loyalty_003 found no row that violates a check" in caplog.messages


@pytest.mark.parametrize(("table", "column", "value"), CHECKS)
async def test_a_direct_update_is_refused_afterwards(at_version: AtVersion, table: str, column: str, value: object) -> None:
    step = await at_version("loyalty_002")
    merchant = await add_merchant(step.conn)
    await add_booked_card(step, merchant)
    update = f"UPDATE {table} SET {column} = $1"
    async with step.conn.transaction():
        assert await step.conn.execute(update, value) == "UPDATE 1"
    step.upgrade("loyalty_003")
    with pytest.raises(asyncpg.CheckViolationError, match=f"ck_{table}_{column}"):
        await step.conn.execute(update, value)
    step.downgrade("loyalty_002")
    assert await step.conn.execute(update, value) == "UPDATE 1"


async def test_a_card_that_broke_again_after_a_downgrade_is_repaired_again(at_version: AtVersion) -> None:
    step = await at_version("loyalty_002")
    merchant = await add_merchant(step.conn)
    card_id = await add_booked_card(step, merchant, points=-1)
    for _ in range(2):
        step.upgrade("loyalty_003")
        step.downgrade("loyalty_002")
        await step.conn.execute(
            "UPDATE loyalty_cards SET points_balance = points_balance - 3, total_points_voided = total_points_voided + 3"
        )
        await add_transaction(step.conn, merchant, card_id, points_delta=-3)
    step.upgrade("loyalty_003")
    keys = await step.conn.fetch("SELECT op_key, points_delta FROM loyalty_transactions WHERE op_key LIKE 'migration:%' ORDER BY op_key")
    key = f"migration:loyalty_003:{card_id}"
    assert [tuple(row) for row in keys] == [(key, 1), (f"{key}:2", 3), (f"{key}:3", 3)]
    (sums,) = await step.conn.fetch(SUMS)
    assert sums["points"] == sums["points_booked"] == sums["points_by_totals"] == 0


async def test_an_interrupted_run_is_finished_by_the_next(at_version: AtVersion) -> None:
    step = await at_version("loyalty_002")
    merchant = await add_merchant(step.conn)
    await add_booked_card(step, merchant, points=-1)
    await step.conn.execute(
        "ALTER TABLE loyalty_cards ADD CONSTRAINT ck_loyalty_cards_points_balance_not_negative CHECK (points_balance >= 0) NOT VALID"
    )
    step.upgrade("loyalty_003")
    assert await step.version() == "loyalty_003"
    assert await step.conn.fetchval("SELECT bool_and(convalidated) FROM pg_constraint WHERE contype = 'c'")
