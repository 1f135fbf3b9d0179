"""loyalty_004: one card per person and store (A2), and the way back."""

import asyncio
import logging

import asyncpg
import pytest
from alembic.util import CommandError
from sqlalchemy.exc import IntegrityError

from app.core.ids import new_id
from app.modules.loyalty.tests.migrations.conftest import AtVersion
from app.modules.loyalty.tests.migrations.rows import AT, add_card, add_customer, add_merchant

UNIQUE = "SELECT indexname FROM pg_indexes WHERE tablename = 'loyalty_cards' AND indexname LIKE 'uq_loyalty_cards_live%'"


async def test_a_second_store_is_refused_before_and_allowed_after(at_version: AtVersion) -> None:
    step = await at_version("loyalty_003")
    merchant = await add_merchant(step.conn)
    await add_card(step.conn, merchant, store=0)
    with pytest.raises(asyncpg.UniqueViolationError, match="uq_loyalty_cards_live_per_merchant"):
        await add_card(step.conn, merchant, store=1)
    step.upgrade("loyalty_004")
    await add_card(step.conn, merchant, store=1)
    for store in (0, 1):
        with pytest.raises(asyncpg.UniqueViolationError, match="uq_loyalty_cards_live_per_store"):
            await add_card(step.conn, merchant, store=store)


@pytest.mark.parametrize("version", ["loyalty_001", "loyalty_003", "loyalty_004"])
async def test_trashed_merged_and_anonymous_cards_stand_in_nobodys_way(at_version: AtVersion, version: str) -> None:
    step = await at_version(version)
    merchant = await add_merchant(step.conn)
    live = await add_card(step.conn, merchant)
    await add_card(step.conn, merchant, deleted_at=AT)
    await add_card(step.conn, merchant, status="merged", merged_into_id=live)
    await add_card(step.conn, merchant, customer_id=None)
    await add_card(step.conn, merchant, customer_id=None)
    with pytest.raises(asyncpg.UniqueViolationError):
        await add_card(step.conn, merchant, status="deactivated")
    assert await step.conn.fetchval("SELECT count(*) FROM loyalty_cards") == 5


async def test_downgrade_names_the_people_with_several_cards_and_changes_nothing(
    at_version: AtVersion, caplog: pytest.LogCaptureFixture
) -> None:
    step = await at_version("loyalty_004")
    sound = await add_merchant(step.conn)
    await add_card(step.conn, sound)
    merchant = await add_merchant(step.conn)
    second_customer = await add_customer(step.conn, merchant, new_id())
    cards = [await add_card(step.conn, merchant, store=store) for store in (0, 1)]
    cards += [await add_card(step.conn, merchant, store=store, customer_id=second_customer) for store in (0, 1)]

    with pytest.raises(CommandError, match=f"^2 people at 1 merchants hold more than one .* merchant is {merchant.id}"):
        step.downgrade("loyalty_003")
    assert (
        f"merchant {merchant.id}: 2 people hold 4 live cards, for example customers {merchant.customer_id}, {second_customer}"
        in caplog.messages
    )
    assert not [record for record in caplog.records if str(sound.id) in record.getMessage()]
    assert logging.ERROR in {record.levelno for record in caplog.records}
    assert await step.version() == "loyalty_004"
    assert await step.conn.fetchval(UNIQUE) == "uq_loyalty_cards_live_per_store"

    merged = "UPDATE loyalty_cards SET status = 'merged', merged_into_id = $2 WHERE id = $1"
    await step.conn.execute(merged, cards[1], cards[0])
    await step.conn.execute(merged, cards[3], cards[2])
    step.downgrade("loyalty_003")
    assert await step.conn.fetchval(UNIQUE) == "uq_loyalty_cards_live_per_merchant"


async def wait_for_build(conn: asyncpg.Connection) -> None:
    """Wait until the migrator waits for a transaction older than its index."""
    waiting = """SELECT count(*) FROM pg_stat_activity
                 WHERE application_name = 'orion-migrate' AND wait_event_type = 'Lock' AND query LIKE 'CREATE UNIQUE INDEX%'"""
    async with asyncio.timeout(20):
        while not await conn.fetchval(waiting):
            await conn.execute("SELECT pg_sleep(0.02)")


async def test_the_index_is_built_beside_an_open_transaction_and_new_writes(at_version: AtVersion) -> None:
    step = await at_version("loyalty_003")
    merchant = await add_merchant(step.conn)
    card_id = await add_card(step.conn, merchant)
    other = await asyncpg.connect(step.urls.superuser)
    transaction = other.transaction()
    await transaction.start()
    await other.execute("UPDATE loyalty_cards SET notes = 'open'")
    migration = asyncio.create_task(asyncio.to_thread(step.upgrade, "loyalty_004"))
    await wait_for_build(step.conn)
    customer_id = await add_customer(step.conn, merchant, new_id())
    added = await asyncio.wait_for(add_card(step.conn, merchant, customer_id=customer_id), 1)
    await transaction.commit()
    await migration
    await other.close()
    assert await step.version() == "loyalty_004"
    assert {row["id"] for row in await step.conn.fetch("SELECT id FROM loyalty_cards")} == {card_id, added}
    assert await step.conn.fetchval("SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 'loyalty_cards'::regclass")


async def test_a_second_card_that_comes_in_during_the_downgrade_stops_it_cleanly(at_version: AtVersion) -> None:
    step = await at_version("loyalty_004")
    merchant = await add_merchant(step.conn)
    await add_card(step.conn, merchant, store=0)
    other = await asyncpg.connect(step.urls.superuser)
    transaction = other.transaction()
    await transaction.start()
    await add_card(other, merchant, store=1)
    migration = asyncio.create_task(asyncio.to_thread(step.downgrade, "loyalty_003"))
    await wait_for_build(step.conn)
    await transaction.commit()
    with pytest.raises(IntegrityError, match="uq_loyalty_cards_live_per_merchant"):
        await migration
    await other.close()
    assert await step.version() == "loyalty_004"
    assert [row[0] for row in await step.conn.fetch(UNIQUE)] == ["uq_loyalty_cards_live_per_store"]


async def test_what_an_interrupted_build_left_is_built_anew(at_version: AtVersion) -> None:
    step = await at_version("loyalty_003")
    await add_card(step.conn, await add_merchant(step.conn))
    await step.conn.execute("CREATE UNIQUE INDEX uq_loyalty_cards_live_per_store ON loyalty_cards (merchant_id)")
    await step.conn.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'uq_loyalty_cards_live_per_store'::regclass")
    step.upgrade("loyalty_004")
    definition = await step.conn.fetchval("SELECT indexdef FROM pg_indexes WHERE indexname = 'uq_loyalty_cards_live_per_store'")
    assert "(merchant_id, enrolled_at_store_id, customer_id)" in definition
