"""loyalty_006: what it adds to rows that are there, what it refuses, and the way back."""

import asyncpg
import pytest

from app.core.ids import new_id
from app.modules.loyalty.tests.migrations.conftest import AtVersion
from app.modules.loyalty.tests.migrations.rows import AT, add_card, add_customer, add_merchant, add_transaction, insert

GREETINGS = "loyalty_birthday_greetings"


async def test_rows_that_are_there_get_the_values_of_never(at_version: AtVersion) -> None:
    step = await at_version("loyalty_005")
    merchant = await add_merchant(step.conn)
    card_id = await add_card(step.conn, merchant, points_balance=7)
    await add_transaction(step.conn, merchant, card_id, points_delta=7, points_after=7)
    step.upgrade("loyalty_006")
    card = await step.conn.fetchrow("SELECT last_expiration_warning_at, last_reengagement_at, points_balance FROM loyalty_cards")
    assert card is not None
    assert tuple(card) == (None, None, 7)
    assert await step.conn.fetchval("SELECT acting_admin_id FROM loyalty_transactions") is None
    assert await step.conn.fetchval("SELECT birthday_bonus_points FROM loyalty_programs") == 0


async def test_the_bonus_is_bounded(at_version: AtVersion) -> None:
    step = await at_version("loyalty_006")
    merchant = await add_merchant(step.conn, birthday_bonus_points=1_000_000)
    for points in (-1, 1_000_001):
        with pytest.raises(asyncpg.CheckViolationError, match="ck_loyalty_programs_birthday_bonus_points_range"):
            await step.conn.execute("UPDATE loyalty_programs SET birthday_bonus_points = $2 WHERE id = $1", merchant.program_id, points)


async def test_one_greeting_per_person_and_year_within_the_merchant(at_version: AtVersion) -> None:
    step = await at_version("loyalty_006")
    merchant, other = await add_merchant(step.conn), await add_merchant(step.conn)
    card_id, second = await add_card(step.conn, merchant, store=0), await add_card(step.conn, merchant, store=1)
    greeting = {"merchant_id": merchant.id, "customer_id": merchant.customer_id, "card_id": card_id, "created_at": AT}
    await insert(step.conn, GREETINGS, **greeting, year=2026)
    await insert(step.conn, GREETINGS, **greeting, year=2027)
    with pytest.raises(asyncpg.UniqueViolationError, match="pk_loyalty_birthday_greetings"):
        await insert(step.conn, GREETINGS, **greeting | {"card_id": second}, year=2026)
    stranger = await add_customer(step.conn, other, new_id())
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await insert(step.conn, GREETINGS, **greeting | {"customer_id": stranger}, year=2026)
    elsewhere = await add_card(step.conn, other)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await insert(step.conn, GREETINGS, **greeting | {"card_id": elsewhere}, year=2028)


async def test_going_back_forgets_and_keeps_balances(at_version: AtVersion) -> None:
    step = await at_version("loyalty_006")
    merchant = await add_merchant(step.conn, birthday_bonus_points=5)
    card_id = await add_card(step.conn, merchant, points_balance=7, last_expiration_warning_at=AT, last_reengagement_at=AT)
    await add_transaction(step.conn, merchant, card_id, points_delta=7, points_after=7, acting_admin_id=new_id())
    await insert(step.conn, GREETINGS, merchant_id=merchant.id, customer_id=merchant.customer_id, card_id=card_id, created_at=AT, year=2026)
    step.downgrade("loyalty_005")
    assert await step.conn.fetchval("SELECT points_balance FROM loyalty_cards WHERE id = $1", card_id) == 7
    assert await step.conn.fetchval("SELECT to_regclass($1)", GREETINGS) is None
    step.upgrade("loyalty_006")
    assert await step.conn.fetchval("SELECT count(*) FROM loyalty_birthday_greetings") == 0
