"""Customers are one per address and merchant, checked field by field, and changed with an entry in the audit log."""

import asyncio
import datetime as dt
import uuid
from typing import Any

import asyncpg
import pytest

from app.core.db.engine import Database
from app.core.ids import new_id
from app.modules.customers import public as customers
from app.modules.customers.tests.factories import fresh_email, make_customer
from app.modules.tenancy.tests.factories import make_merchant, merchant_ctx

TODAY = dt.date(2026, 3, 1)


async def test_a_created_customer_is_found_by_any_spelling_of_the_address(database: Database) -> None:
    merchant = await make_merchant(database, stores=2)
    customer = await make_customer(database, merchant, email="Zoë.Muller+card@Example.LU".replace("ë", "e"))
    async with merchant_ctx(database, merchant, store=merchant.stores[1]) as ctx:
        for spelling in ("zoe.muller+card@example.lu", "  ZOE.MULLER+CARD@EXAMPLE.LU ", "zoe.muller+card@ｅxample.lu"):
            assert await customers.find_customer_id_by_email(ctx, spelling) == customer.id
        assert await customers.find_customer_id_by_email(ctx, "zoemuller+card@example.lu") is None
        assert await customers.get_customer(ctx, customer.id) == customer
        assert await customers.find_customer_by_email(ctx, customer.email or "") == customer
    assert customer.email == "Zoe.Muller+card@Example.LU"
    assert (customer.full_name, customer.is_anonymized) == ("Léa Weber", False)


async def test_the_same_address_at_another_merchant_is_never_found(database: Database) -> None:
    mine, other = await make_merchant(database), await make_merchant(database)
    customer = await make_customer(database, other)
    async with merchant_ctx(database, mine) as ctx:
        assert await customers.find_customer_id_by_email(ctx, customer.email or "") is None
        assert await customers.get_many(ctx, [customer.id]) == {}
        assert await customers.search_customers(ctx, "Weber") == []
        with pytest.raises(customers.CustomerNotFoundException):
            await customers.get_customer(ctx, customer.id)
        with pytest.raises(customers.CustomerNotFoundException):
            await customers.lock_customer(ctx, customer.id)
        with pytest.raises(customers.CustomerNotFoundException):
            await customers.update_customer(ctx, customer.id, first_name="Eve")


async def test_creating_again_returns_the_customer_unchanged(database: Database) -> None:
    merchant = await make_merchant(database)
    first = await make_customer(database, merchant, first_name="Anna")
    async with merchant_ctx(database, merchant) as ctx:
        again, is_new = await customers.create_customer(
            ctx, first_name="Mallory", last_name="Smith", email=(first.email or "").upper(), locale="en"
        )
    assert (again, is_new) == (first, False)


@pytest.mark.concurrency
async def test_rivals_with_one_new_address_end_with_one_customer(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database, stores=5)
    email = fresh_email()

    async def create(number: int) -> tuple[uuid.UUID, bool]:
        async with merchant_ctx(database, merchant, store=merchant.stores[number % 5]) as ctx:
            spelling = email.upper() if number % 2 else email
            customer, is_new = await customers.create_customer(ctx, first_name="Léa", last_name="Weber", email=spelling, locale="fr")
            return customer.id, is_new

    results = await asyncio.gather(*(create(number) for number in range(40)))
    assert len({customer_id for customer_id, _ in results}) == 1
    assert sum(is_new for _, is_new in results) == 1
    assert await superuser.fetchval("SELECT count(*) FROM customers WHERE merchant_id = $1", merchant.id) == 1


async def test_every_wrong_field_is_named(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    wrong: dict[str, Any] = {
        "first_name": " ",
        "last_name": "x" * 81,
        "email": "anna@example",
        "phone": "call me",
        "locale": "es",
        "birth_date": dt.date(2026, 3, 1),
    }
    async with merchant_ctx(database, merchant) as ctx:
        with pytest.raises(customers.CustomerInvalidException) as caught:
            await customers.create_customer(ctx, **wrong, today=TODAY)
    assert set(caught.value.fields) == set(wrong)
    assert await superuser.fetchval("SELECT count(*) FROM customers WHERE merchant_id = $1", merchant.id) == 0


@pytest.mark.parametrize("birth_date", [dt.date(1906, 3, 1), dt.date(2026, 2, 28), dt.date(2000, 2, 29), None])
async def test_a_possible_birthday_is_stored(database: Database, superuser: asyncpg.Connection, birth_date: dt.date | None) -> None:
    merchant = await make_merchant(database)
    async with merchant_ctx(database, merchant) as ctx:
        customer, _ = await customers.create_customer(
            ctx, first_name="Léa", last_name="Weber", email=fresh_email(), locale="lb", birth_date=birth_date, today=TODAY
        )
    assert await superuser.fetchval("SELECT birth_date FROM customers WHERE id = $1", customer.id) == birth_date


@pytest.mark.parametrize("birth_date", [dt.date(2026, 3, 1), dt.date(2027, 1, 1), dt.date(1905, 3, 1)])
async def test_an_impossible_birthday_is_a_field_error(database: Database, birth_date: dt.date) -> None:
    merchant = await make_merchant(database)
    async with merchant_ctx(database, merchant) as ctx:
        with pytest.raises(customers.CustomerInvalidException) as caught:
            await customers.create_customer(
                ctx, first_name="Léa", last_name="Weber", email=fresh_email(), locale="lb", birth_date=birth_date, today=TODAY
            )
    assert list(caught.value.fields) == ["birth_date"]


async def test_updating_changes_what_is_named_and_nothing_else(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    before = await make_customer(database, merchant, phone="621 123 456", birth_date=dt.date(1990, 5, 17))
    later = before.created_at + dt.timedelta(days=1)
    async with merchant_ctx(database, merchant, now=later) as ctx:
        after = await customers.update_customer(ctx, before.id, last_name="Wéber-Klein", locale="lb", phone=None)
    assert (after.last_name, after.locale, after.phone) == ("Wéber-Klein", "lb", None)
    assert (after.first_name, after.email, after.birth_date) == (before.first_name, before.email, before.birth_date)
    assert (after.created_at, after.updated_at) == (before.created_at, later)
    async with merchant_ctx(database, merchant) as ctx:
        assert [found.id for found in await customers.search_customers(ctx, "weber-k")] == [before.id]
        assert await customers.search_customers(ctx, "621123456") == []
        await customers.update_customer(ctx, before.id, birth_date=dt.date(1991, 6, 18))
        assert (await customers.get_customer(ctx, before.id)).birth_date == dt.date(1991, 6, 18)
        assert await customers.update_customer(ctx, before.id) == await customers.get_customer(ctx, before.id)
    entries = await superuser.fetch(
        "SELECT details FROM core_audit_log WHERE merchant_id = $1 AND action = 'customers.customer.update' ORDER BY id", merchant.id
    )
    assert [entry["details"] for entry in entries] == [{"fields": ["last_name", "locale", "phone"]}, {"fields": ["birth_date"]}]


async def test_an_address_in_use_is_refused_with_its_owner(database: Database) -> None:
    merchant = await make_merchant(database)
    anna, ben = await make_customer(database, merchant), await make_customer(database, merchant)
    async with merchant_ctx(database, merchant) as ctx:
        with pytest.raises(customers.CustomerEmailTakenException) as caught:
            await customers.update_customer(ctx, ben.id, email=(anna.email or "").upper())
        same = await customers.update_customer(ctx, ben.id, email=(ben.email or "").upper())
    assert caught.value.customer == anna
    assert caught.value.params == {}
    assert same.email == (ben.email or "").upper()


@pytest.mark.concurrency
async def test_rivals_for_one_address_end_with_one_owner(database: Database) -> None:
    merchant = await make_merchant(database)
    people = [await make_customer(database, merchant) for _ in range(6)]
    wanted = fresh_email()

    async def move(customer_id: uuid.UUID) -> bool:
        try:
            async with merchant_ctx(database, merchant) as ctx:
                await customers.update_customer(ctx, customer_id, email=wanted)
        except customers.CustomerEmailTakenException:
            return False
        return True

    assert sum(await asyncio.gather(*(move(person.id) for person in people))) == 1


async def test_an_erased_customer_frees_the_address_and_cannot_be_locked(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    erased = await make_customer(database, merchant)
    await superuser.execute(
        """UPDATE customers SET (first_name, last_name, first_name_search, last_name_search, email, email_normalized, anonymized_at) =
               (NULL, NULL, NULL, NULL, NULL, NULL, now()) WHERE id = $1""",
        erased.id,
    )
    async with merchant_ctx(database, merchant) as ctx:
        again, is_new = await customers.create_customer(ctx, first_name="Léa", last_name="Weber", email=erased.email or "", locale="fr")
        assert is_new
        assert again.id != erased.id
        assert (await customers.get_customer(ctx, erased.id)).full_name == ""
        assert await customers.count_customers(ctx) == 1
        assert set(await customers.get_many(ctx, [erased.id, again.id, new_id()])) == {erased.id, again.id}
        with pytest.raises(customers.CustomerAnonymizedException):
            await customers.lock_customer(ctx, erased.id)


async def test_a_locked_customer_is_seen_as_it_is_now(database: Database) -> None:
    merchant = await make_merchant(database)
    customer = await make_customer(database, merchant)
    has_lock, may_finish = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with merchant_ctx(database, merchant) as ctx:
            await customers.lock_customer(ctx, customer.id)
            has_lock.set()
            await customers.update_customer(ctx, customer.id, first_name="Later")
            await may_finish.wait()

    async def follow() -> str | None:
        async with merchant_ctx(database, merchant) as ctx:
            await has_lock.wait()
            assert (await customers.get_customer(ctx, customer.id)).first_name == customer.first_name
            may_finish.set()
            return (await customers.lock_customer(ctx, customer.id)).first_name

    _, seen = await asyncio.gather(hold(), follow())
    assert seen == "Later"


async def test_a_mail_that_is_being_sent_holds_nobody_up(database: Database) -> None:
    merchant = await make_merchant(database)
    customer = await make_customer(database, merchant)
    async with merchant_ctx(database, merchant) as worker:
        await customers.issue_login_link(worker, customer.id)
        async with merchant_ctx(database, merchant) as counter:
            await counter.conn.execute("SET LOCAL lock_timeout = '100ms'")
            assert await customers.lock_customer(counter, customer.id) == customer
            await customers.update_customer(counter, customer.id, phone="621 000 111", email=fresh_email())


async def test_an_unknown_field_is_a_mistake_of_ours(database: Database) -> None:
    merchant = await make_merchant(database)
    customer = await make_customer(database, merchant)
    async with merchant_ctx(database, merchant) as ctx:
        with pytest.raises(TypeError):
            await customers.update_customer(ctx, customer.id, points=5)
