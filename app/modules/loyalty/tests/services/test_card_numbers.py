"""Numbers of cards are drawn until they are free."""

import itertools

from app.core.db.engine import Database
from app.modules.loyalty.domain import card_number
from app.modules.loyalty.services.card_numbers import draw_numbers
from app.modules.loyalty.tests.factories import make_card, make_shop
from app.modules.tenancy.tests.factories import merchant_ctx


async def test_a_number_that_is_taken_is_drawn_again(database: Database) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant)
    payload = int(card.number[:-2]) - 10**9
    throws = itertools.chain([payload, 5, 5, payload], itertools.count(6))
    async with merchant_ctx(database, shop.merchant) as ctx:
        numbers = await draw_numbers(ctx, 3, random_bytes=lambda size: next(throws).to_bytes(size, "big"))
    assert sorted(numbers) == [card_number.generate(value.to_bytes(8, "big")) for value in (5, 6, 7)]


async def test_other_merchants_numbers_are_free(database: Database) -> None:
    shop, other = await make_shop(database), await make_shop(database)
    card = await make_card(database, other.merchant)
    payload = int(card.number[:-2]) - 10**9
    async with merchant_ctx(database, shop.merchant) as ctx:
        assert await draw_numbers(ctx, 1, random_bytes=lambda size: payload.to_bytes(size, "big")) == [card.number]
