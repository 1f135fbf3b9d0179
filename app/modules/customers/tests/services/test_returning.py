"""Who erases themselves and comes back gets no second welcome bonus for 12 months."""

import datetime as dt

import asyncpg

from app.core.db.engine import Database
from app.modules.customers import public as customers
from app.modules.customers.tests.factories import fresh_email
from app.modules.tenancy.tests.factories import make_merchant, merchant_ctx


async def test_the_guard_holds_for_twelve_months_at_this_merchant_alone(database: Database, superuser: asyncpg.Connection) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    email = fresh_email()
    async with merchant_ctx(database, merchant) as ctx:
        assert await customers.may_get_welcome_bonus(ctx, email, today=dt.date(2026, 3, 1))
        await customers.remember_erased(ctx, email, today=dt.date(2026, 3, 1))
        assert not await customers.may_get_welcome_bonus(ctx, email.upper(), today=dt.date(2026, 3, 1))
        assert not await customers.may_get_welcome_bonus(ctx, email, today=dt.date(2027, 2, 28))
        assert await customers.may_get_welcome_bonus(ctx, email, today=dt.date(2027, 3, 1))
        assert await customers.may_get_welcome_bonus(ctx, fresh_email(), today=dt.date(2026, 3, 1))
    async with merchant_ctx(database, other) as ctx:
        assert await customers.may_get_welcome_bonus(ctx, email, today=dt.date(2026, 3, 1))
    row = await superuser.fetchval("SELECT t::text FROM customer_returning_guards t WHERE merchant_id = $1", merchant.id)
    assert email not in row
    assert "2027-03-01" in row


async def test_a_second_erasure_starts_anew(database: Database, superuser: asyncpg.Connection) -> None:
    merchant, email = await make_merchant(database), fresh_email()
    async with merchant_ctx(database, merchant) as ctx:
        await customers.remember_erased(ctx, email, today=dt.date(2026, 3, 1))
        await customers.remember_erased(ctx, email, today=dt.date(2026, 9, 1))
        assert not await customers.may_get_welcome_bonus(ctx, email, today=dt.date(2027, 5, 1))
    assert await superuser.fetchval("SELECT count(*) FROM customer_returning_guards WHERE merchant_id = $1", merchant.id) == 1
