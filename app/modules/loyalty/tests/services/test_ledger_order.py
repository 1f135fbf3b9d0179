"""Rows of one instant keep the order in which they were booked."""

import datetime as dt

from app.core import clock
from app.core.db.engine import Database
from app.modules.loyalty.queries import transactions
from app.modules.loyalty.services import verification_service
from app.modules.loyalty.tests.factories import earn, make_card, make_shop
from app.modules.tenancy.tests.factories import merchant_ctx


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
