"""Mailed links: once, for 15 minutes, by nobody else's guess, and not in floods."""

import asyncio
import datetime as dt
import uuid

import asyncpg
import pytest

from app.core.db.engine import Database
from app.core.ids import hash_token, new_id
from app.modules.customers import public as customers
from app.modules.customers.domain.customer import CustomerRecord
from app.modules.customers.tests.factories import make_customer
from app.modules.tenancy.tests.factories import MadeMerchant, make_merchant, merchant_ctx

MINUTE = dt.timedelta(minutes=1)


async def make_link(database: Database, merchant: MadeMerchant) -> tuple[CustomerRecord, str]:
    customer = await make_customer(database, merchant)
    async with merchant_ctx(database, merchant, now=customer.created_at) as ctx:
        return customer, await customers.issue_login_link(ctx, customer.id)


async def use(database: Database, merchant: MadeMerchant, token: str, now: dt.datetime | None = None) -> uuid.UUID:
    async with merchant_ctx(database, merchant, now=now) as ctx:
        return await customers.use_login_link(ctx, token)


async def attempts(superuser: asyncpg.Connection, token: str) -> int:
    count: int = await superuser.fetchval("SELECT attempts FROM customer_login_links WHERE token_hash = $1", hash_token(token))
    return count


async def test_a_link_signs_in_once(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    customer, token = await make_link(database, merchant)
    async with merchant_ctx(database, merchant) as ctx:
        link = await customers.find_usable_link(ctx, token)
        assert link is not None
        assert (link.customer_id, link.purpose) == (customer.id, "sign_in")
    assert await use(database, merchant, token) == customer.id
    for _ in range(2):
        with pytest.raises(customers.SignInLinkException):
            await use(database, merchant, token)
    async with merchant_ctx(database, merchant) as ctx:
        assert await customers.find_usable_link(ctx, token) is None
    assert await attempts(superuser, token) == 3


async def test_a_link_lasts_fifteen_minutes(database: Database) -> None:
    merchant = await make_merchant(database)
    customer, token = await make_link(database, merchant)
    with pytest.raises(customers.SignInLinkException):
        await use(database, merchant, token, now=customer.created_at + 15 * MINUTE)
    assert await use(database, merchant, token, now=customer.created_at + 15 * MINUTE - dt.timedelta(seconds=1)) == customer.id


@pytest.mark.concurrency
async def test_of_many_clicks_at_once_one_signs_in(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    _, token = await make_link(database, merchant)
    results = await asyncio.gather(*(use(database, merchant, token) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(result, uuid.UUID) for result in results) == 1
    assert sum(isinstance(result, customers.SignInLinkException) for result in results) == 19
    assert await attempts(superuser, token) == 20


async def test_a_link_is_nothing_at_another_merchant_and_garbage_nowhere(database: Database) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    _, token = await make_link(database, merchant)
    for place, text in ((other, token), (merchant, token[:-1]), (merchant, ""), (merchant, "x" * 5_000), (merchant, "\ud800")):
        with pytest.raises(customers.SignInLinkException):
            await use(database, place, text)


async def test_sending_the_same_mail_again_makes_the_same_link(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    customer = await make_customer(database, merchant)
    message_id, tokens = new_id(), []
    for minutes in (0, 10):
        async with merchant_ctx(database, merchant, now=customer.created_at + minutes * MINUTE) as ctx:
            tokens.append(await customers.issue_login_link(ctx, customer.id, message_id=message_id))
    async with merchant_ctx(database, merchant) as ctx:
        other = await customers.issue_login_link(ctx, customer.id, message_id=new_id())
    assert tokens[0] == tokens[1] != other
    assert await superuser.fetchval("SELECT count(*) FROM customer_login_links WHERE customer_id = $1", customer.id) == 2
    assert await use(database, merchant, tokens[0], now=customer.created_at + 20 * MINUTE) == customer.id


async def test_the_secret_is_not_in_the_database(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    _, token = await make_link(database, merchant)
    rows = await superuser.fetch("SELECT t::text AS row FROM customer_login_links t WHERE merchant_id = $1", merchant.id)
    assert rows
    assert all(token not in row["row"] for row in rows)


async def test_five_links_an_hour_are_enough(database: Database) -> None:
    merchant = await make_merchant(database)
    customer = await make_customer(database, merchant)
    for number in range(5):
        async with merchant_ctx(database, merchant, now=customer.created_at + number * MINUTE) as ctx:
            assert await customers.may_send_login_link(ctx, customer.id)
            await customers.issue_login_link(ctx, customer.id)
    async with merchant_ctx(database, merchant, now=customer.created_at + 10 * MINUTE) as ctx:
        assert not await customers.may_send_login_link(ctx, customer.id)
    async with merchant_ctx(database, merchant, now=customer.created_at + 60 * MINUTE) as ctx:
        assert await customers.may_send_login_link(ctx, customer.id)
