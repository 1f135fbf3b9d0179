"""The audit of the ledger names the first broken row, whatever was tampered with."""

import datetime as dt
import uuid
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from app.core.db.engine import Database
from app.modules.loyalty.cli import cli
from app.modules.loyalty.domain.enums import VoidPolicy
from app.modules.loyalty.queries.verification import BrokenCard
from app.modules.loyalty.services import points_service, stamp_service, verification_service
from app.modules.loyalty.tests.factories import (
    MadeCard,
    MadeShop,
    a_key,
    earn,
    make_card,
    make_reward,
    make_settings,
    make_shop,
    redeem_points,
    stamp,
)
from app.modules.tenancy.tests.factories import merchant_ctx

ROWS = "SELECT id, type FROM loyalty_transactions WHERE card_id = $1 ORDER BY created_at, id"


async def make_history(database: Database) -> tuple[MadeShop, MadeCard]:
    """A card with a row of every kind that a counter makes, debt and its payment included."""
    shop = await make_shop(database, stamps_target=3, welcome_bonus_points=5)
    await make_settings(database, shop.merchant, void_policy=VoidPolicy.OWE)
    card = await make_card(database, shop.merchant, stamps=4)
    purchase = await earn(database, shop.merchant, card, 2000)
    await redeem_points(database, shop.merchant, card, await make_reward(database, shop.merchant, cost_points=20))
    assert purchase.transaction_id is not None
    async with merchant_ctx(database, shop.merchant, role="manager") as ctx:
        await stamp_service.redeem_stamps(ctx, card_id=card.id, key=a_key(), present=lambda change: "{}")
        void = await points_service.void_points(ctx, transaction_id=purchase.transaction_id, key=a_key(), present=lambda change: "{}")
    assert void.decision is not None
    assert void.decision.card.points_owed == 15
    await stamp(database, shop.merchant, card, 2)
    await earn(database, shop.merchant, card, 1900)
    return shop, card


async def tamper(superuser: asyncpg.Connection, statement: str, *arguments: Any) -> None:
    """Change history as nobody can: beyond the triggers that forbid it."""
    async with superuser.transaction():
        await superuser.execute("SET LOCAL session_replication_role = 'replica'")
        await superuser.execute(statement, *arguments)


async def broken(database: Database, shop: MadeShop) -> list[BrokenCard]:
    return (await verification_service.verify_ledger(database, shop.merchant.id)).broken


async def test_an_honest_history_has_nothing_to_name_in_chunks_of_any_size(database: Database) -> None:
    shop, _ = await make_history(database)
    for _number in range(4):
        await make_card(database, shop.merchant, stamps=2)
    heard: list[int] = []
    result = await verification_service.verify_ledger(database, shop.merchant.id, progress=heard.append, chunk=2)
    assert (result.checked, result.broken_count, result.broken, heard) == (5, 0, [], [2, 2, 1])


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        ("UPDATE loyalty_cards SET stamp_count = stamp_count + 1 WHERE id = $1", (False, True, False)),
        ("UPDATE loyalty_cards SET points_balance = points_balance + 1 WHERE id = $1", (False, False, True)),
        ("UPDATE loyalty_transactions SET owed_after = owed_after + 1 WHERE id = $2", (True, False, False)),
        ("UPDATE loyalty_transactions SET points_after = points_after + 1 WHERE id = $2", (True, False, False)),
        ("UPDATE loyalty_transactions SET stamps_delta = 2 WHERE id = $2", (True, True, False)),
        ("DELETE FROM loyalty_transactions WHERE id = $2", (True, False, True)),
    ],
)
async def test_what_was_tampered_with_is_named(
    database: Database, superuser: asyncpg.Connection, change: str, flags: tuple[bool, bool, bool]
) -> None:
    shop, card = await make_history(database)
    rows = await superuser.fetch(ROWS, card.id)
    middle = next(row["id"] for row in rows if row["type"] == "points_earned")
    statement = change if "$2" in change else change + " AND $2::uuid IS NOT NULL"
    if "$1" not in statement:
        statement += " AND card_id = $1"
    await tamper(superuser, statement, card.id, middle)
    [item] = await broken(database, shop)
    assert (item.card_id, item.merchant_id) == (card.id, shop.merchant.id)
    assert (item.is_chain_broken, item.is_stamps_wrong, item.is_points_wrong) == flags
    follower = rows[[row["id"] for row in rows].index(middle) + 1]["id"]
    last = rows[-1]["id"]
    assert item.transaction_id in ({middle, follower} if flags[0] else {last})


async def test_rows_whose_instants_are_out_of_order_are_no_error(database: Database, superuser: asyncpg.Connection) -> None:
    shop, card = await make_history(database)
    rows = await superuser.fetch(ROWS, card.id)
    earlier = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    await tamper(superuser, "UPDATE loyalty_transactions SET created_at = $2 WHERE id = $1", rows[-1]["id"], earlier)
    assert await broken(database, shop) == []


async def test_a_row_without_its_card_s_balance_is_named_also_in_the_trash(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant)
    await superuser.execute("UPDATE loyalty_cards SET stamp_count = 1, deleted_at = now() WHERE id = $1", card.id)
    assert await broken(database, shop) == [BrokenCard(shop.merchant.id, card.id, None, False, True, False)]


async def test_the_command_names_the_card_and_fails(database: Database, superuser: asyncpg.Connection) -> None:
    shop, card = await make_history(database)
    runner = CliRunner()
    by_code = runner.invoke(cli, ["verify-ledger", "--merchant", shop.merchant.store.code])
    assert (by_code.exit_code, by_code.stdout) == (0, "1 cards checked, 0 broken.\n")
    await superuser.execute("UPDATE loyalty_cards SET points_balance = points_balance + 7 WHERE id = $1", card.id)
    last = (await superuser.fetch(ROWS, card.id))[-1]["id"]
    by_id = runner.invoke(cli, ["verify-ledger", "--merchant", str(shop.merchant.id)])
    assert by_id.exit_code == 1
    assert by_id.stdout == f"broken: merchant {shop.merchant.id} card {card.id} row {last} (points)\n1 cards checked, 1 broken.\n"
    unknown = runner.invoke(cli, ["verify-ledger", "--merchant", str(uuid.uuid4())])
    assert (unknown.exit_code, unknown.stdout) == (2, "")
