"""Voids and refunds of purchases whose points have expired since: nobody owes what they lost (domain.md, Voids and corrections)."""

import dataclasses
import datetime as dt
import uuid

import asyncpg
import pytest

from app.core.db.engine import Database
from app.modules.loyalty.domain.enums import VoidPolicy
from app.modules.loyalty.errors import PointsAlreadySpentException
from app.modules.loyalty.services import void_service
from app.modules.loyalty.services.void_service import POINT_KINDS
from app.modules.loyalty.tests.domain.builders import local
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
)
from app.modules.loyalty.tests.sweeps import assert_ledger_is_whole, card_row, expired_of, run_sweep
from app.modules.tenancy.tests.factories import merchant_ctx

VISIT, SINCE = local("2025-01-10T15:00"), local("2024-01-01T00:00")
EXPIRY = local("2026-01-11T00:00")
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@dataclasses.dataclass(frozen=True)
class Till:
    """One card of a shop, and what a counter does with it. Every call gives the row's id, or the balance and the debt after it."""

    database: Database
    superuser: asyncpg.Connection
    shop: MadeShop
    card: MadeCard

    async def earn(self, points: int, at: dt.datetime) -> uuid.UUID:
        posted = await earn(self.database, self.shop.merchant, self.card, points * 100, now=at)
        assert posted.transaction_id is not None
        return posted.transaction_id

    async def spend(self, points: int, at: dt.datetime) -> None:
        reward = await make_reward(self.database, self.shop.merchant, cost_points=points)
        await redeem_points(self.database, self.shop.merchant, self.card, reward, now=at)

    async def void(self, transaction_id: uuid.UUID, at: dt.datetime) -> tuple[int, int]:
        async with merchant_ctx(self.database, self.shop.merchant, role="manager", now=at) as ctx:
            await void_service.void(ctx, transaction_id=transaction_id, key=a_key(), present=lambda _: "{}", proof=None, kinds=POINT_KINDS)
        return await self.balance()

    async def refund(self, transaction_id: uuid.UUID, euros: int, at: dt.datetime) -> tuple[int, int]:
        async with merchant_ctx(self.database, self.shop.merchant, role="manager", now=at) as ctx:
            await void_service.refund(ctx, transaction_id=transaction_id, refund_cents=euros * 100, key=a_key(), present=lambda _: "{}")
        return await self.balance()

    async def expire(self, at: dt.datetime, *, points: int) -> None:
        await run_sweep(self.database, self.shop.merchant.id, at)
        assert (await expired_of(self.superuser, self.card.id))[-1] == -points

    async def balance(self) -> tuple[int, int]:
        await assert_ledger_is_whole(self.database, self.shop.merchant.id)
        row = await card_row(self.superuser, self.card.id)
        return row["points_balance"], row["points_owed"]


async def till_of(database: Database, superuser: asyncpg.Connection, policy: VoidPolicy = VoidPolicy.OWE) -> Till:
    """A till of a shop with this policy, whose points expire after a year, and a new card."""
    shop = await make_shop(database, now=SINCE, points_expiration_days=365)
    await make_settings(database, shop.merchant, void_policy=policy)
    return Till(database, superuser, shop, await make_card(database, shop.merchant, now=VISIT))


async def test_only_what_was_spent_is_owed(database: Database, superuser: asyncpg.Connection) -> None:
    till = await till_of(database, superuser)
    purchase = await till.earn(100, VISIT)
    await till.spend(80, VISIT + HOUR)
    await till.expire(EXPIRY, points=20)
    assert await till.void(purchase, EXPIRY + HOUR) == (0, 80)


@pytest.mark.parametrize("policy", list(VoidPolicy))
async def test_what_expired_whole_can_be_voided_under_every_policy(
    database: Database, superuser: asyncpg.Connection, policy: VoidPolicy
) -> None:
    till = await till_of(database, superuser, policy)
    purchase = await till.earn(100, VISIT)
    await till.expire(EXPIRY, points=100)
    await till.earn(40, EXPIRY + HOUR)
    assert await till.void(purchase, EXPIRY + 2 * HOUR) == (40, 0)


async def test_block_names_what_was_spent_alone(database: Database, superuser: asyncpg.Connection) -> None:
    till = await till_of(database, superuser, VoidPolicy.BLOCK)
    purchase = await till.earn(100, VISIT)
    await till.spend(80, VISIT + HOUR)
    await till.expire(EXPIRY, points=20)
    with pytest.raises(PointsAlreadySpentException) as refusal:
        await till.void(purchase, EXPIRY + HOUR)
    assert refusal.value.params == {"missing": 80}


async def test_one_expiry_excuses_no_two_purchases(database: Database, superuser: asyncpg.Connection) -> None:
    """100 and 50 earned, 80 spent, 70 expired. Without both purchases 80 were spent that never were: 80 are owed, in either order."""
    for first_is_larger in (True, False):
        till = await till_of(database, superuser)
        larger, smaller = await till.earn(100, VISIT), await till.earn(50, VISIT + HOUR)
        await till.spend(80, VISIT + 2 * HOUR)
        await till.expire(EXPIRY, points=70)
        first, second = (larger, smaller) if first_is_larger else (smaller, larger)
        assert await till.void(first, EXPIRY + HOUR) == (0, 30 if first_is_larger else 0)
        assert await till.void(second, EXPIRY + 2 * HOUR) == (0, 80)


async def test_each_expiry_excuses_the_purchases_before_it(database: Database, superuser: asyncpg.Connection) -> None:
    till = await till_of(database, superuser)
    old = await till.earn(100, VISIT)
    await till.expire(EXPIRY, points=100)
    new = await till.earn(50, EXPIRY + HOUR)
    await till.expire(EXPIRY + 366 * DAY, points=50)
    later = EXPIRY + 367 * DAY
    assert await till.void(old, later) == (0, 0)
    assert await till.void(new, later + HOUR) == (0, 0)


async def test_refunds_in_parts_take_what_a_void_would(database: Database, superuser: asyncpg.Connection) -> None:
    till = await till_of(database, superuser)
    purchase = await till.earn(100, VISIT)
    await till.spend(80, VISIT + HOUR)
    await till.expire(EXPIRY, points=20)
    assert await till.refund(purchase, 10, EXPIRY + HOUR) == (0, 0)
    assert await till.refund(purchase, 30, EXPIRY + 2 * HOUR) == (0, 20)
    assert await till.void(purchase, EXPIRY + 3 * HOUR) == (0, 80)


async def test_an_expiry_that_a_visit_books_counts_alike(database: Database, superuser: asyncpg.Connection) -> None:
    """Nobody swept: the visit on the day after takes the due points away first."""
    till = await till_of(database, superuser)
    purchase = await till.earn(100, VISIT)
    await till.earn(40, EXPIRY + HOUR)
    assert await expired_of(superuser, till.card.id) == [-100]
    assert await till.void(purchase, EXPIRY + 2 * HOUR) == (40, 0)
