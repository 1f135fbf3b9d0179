"""Rows of one instant keep the order in which they were booked."""

import datetime as dt

import asyncpg

from app.core import clock
from app.core.db.engine import Database
from app.core.modules import load_modules
from app.modules.loyalty.queries import transactions
from app.modules.loyalty.services import verification_service
from app.modules.loyalty.tests.factories import earn, make_card, make_shop
from app.modules.tenancy.tests.factories import merchant_ctx

ANNOUNCE = "loyalty.announce_expiry"


async def test_points_expire_before_the_purchase_that_came_too_late(database: Database) -> None:
    shop = await make_shop(database, points_expiration_days=30)
    card = await make_card(database, shop.merchant, amount_cents=1000)
    later = clock.now() + dt.timedelta(days=40)
    await earn(database, shop.merchant, card, 500, now=later)
    async with merchant_ctx(database, shop.merchant) as ctx:
        page = await transactions.list_history(ctx, card.id)
    assert [(row.type.value, row.points_delta, row.points_after) for row in page.items] == [
        ("points_earned", 5, 5),
        ("points_expired", -10, 0),
        ("points_earned", 10, 10),
    ]
    assert page.items[0].created_at == page.items[1].created_at == later
    assert (await verification_service.verify_ledger(database, shop.merchant.id)).broken == []


async def test_a_visit_before_the_nightly_sweep_tells_of_the_points_that_expired(database: Database, superuser: asyncpg.Connection) -> None:
    """The card's holder hears of it whoever books the expiry: the event names the row and its points."""
    load_modules()  # who wants to hear of it
    shop = await make_shop(database, points_expiration_days=30)
    card = await make_card(database, shop.merchant, amount_cents=1000)
    await earn(database, shop.merchant, card, 500, now=clock.now() + dt.timedelta(days=40))
    announced = await superuser.fetch("SELECT payload FROM core_outbox WHERE merchant_id = $1 AND task = $2", shop.merchant.id, ANNOUNCE)
    [row] = await superuser.fetch("SELECT id FROM loyalty_transactions WHERE card_id = $1 AND type = 'points_expired'", card.id)
    assert [each["payload"] for each in announced] == [{"card_id": str(card.id), "transaction_id": str(row["id"]), "points": 10}]
