"""Lists for mails to many: whose birthday is kept on which day, and who of them wants to hear of it."""

import datetime as dt
import uuid

import pytest

from app.core.db.engine import Database
from app.modules.customers import public as customers
from app.modules.customers.public import Birthday, ConsentSource
from app.modules.customers.tests.factories import make_customer
from app.modules.tenancy.tests.factories import make_merchant, merchant_ctx

NOBODY = uuid.UUID(int=0)
BIRTH_DATES = (dt.date(1990, 2, 27), dt.date(1991, 2, 28), dt.date(1992, 2, 29), dt.date(1993, 3, 1))


@pytest.mark.parametrize(
    ("days", "kept"),
    [
        ([dt.date(2027, 2, 28)], {1: dt.date(2027, 2, 28), 2: dt.date(2027, 2, 28)}),
        ([dt.date(2028, 2, 28)], {1: dt.date(2028, 2, 28)}),
        ([dt.date(2028, 2, 29)], {2: dt.date(2028, 2, 29)}),
        (
            [dt.date(2027, 2, 27), dt.date(2027, 2, 28), dt.date(2027, 3, 1)],
            {0: dt.date(2027, 2, 27), 1: dt.date(2027, 2, 28), 2: dt.date(2027, 2, 28), 3: dt.date(2027, 3, 1)},
        ),
        (
            [dt.date(2028, 2, 28), dt.date(2028, 2, 29), dt.date(2028, 3, 1)],
            {1: dt.date(2028, 2, 28), 2: dt.date(2028, 2, 29), 3: dt.date(2028, 3, 1)},
        ),
        ([dt.date(2027, 3, 2)], {}),
    ],
)
async def test_the_29th_of_february_is_kept_on_the_28th_in_common_years(
    database: Database, days: list[dt.date], kept: dict[int, dt.date]
) -> None:
    merchant = await make_merchant(database)
    people = [await make_customer(database, merchant, birth_date=birth_date) for birth_date in BIRTH_DATES]
    await make_customer(database, merchant)
    async with merchant_ctx(database, merchant) as ctx:
        found = await customers.list_birthdays(ctx, days, after_id=NOBODY, limit=10)
    assert found == [Birthday(people[number].id, day) for number, day in kept.items()]


async def test_they_are_read_in_chunks_and_of_one_merchant(database: Database) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    people = [await make_customer(database, merchant, birth_date=dt.date(1980 + year, 6, 15)) for year in range(5)]
    await make_customer(database, other, birth_date=dt.date(1980, 6, 15))
    chunks: list[list[uuid.UUID]] = []
    after = NOBODY
    async with merchant_ctx(database, merchant) as ctx:
        while chunk := await customers.list_birthdays(ctx, [dt.date(2026, 6, 15)], after_id=after, limit=2):
            chunks.append([birthday.customer_id for birthday in chunk])
            after = chunk[-1].customer_id
    ids = [person.id for person in people]
    assert chunks == [ids[:2], ids[2:4], ids[4:]]


async def test_the_day_of_birth_is_no_birthday(database: Database) -> None:
    merchant = await make_merchant(database)
    async with merchant_ctx(database, merchant, now=dt.datetime(2026, 6, 16, tzinfo=dt.UTC)) as ctx:
        await customers.create_customer(
            ctx, first_name="Léo", last_name="Weber", email="leo@example.lu", locale="lb", birth_date=dt.date(2026, 6, 15)
        )
        assert await customers.list_birthdays(ctx, [dt.date(2026, 6, 15)], after_id=NOBODY, limit=10) == []
        [birthday] = await customers.list_birthdays(ctx, [dt.date(2027, 6, 15)], after_id=NOBODY, limit=10)
    assert birthday.kept_on == dt.date(2027, 6, 15)


async def test_consent_of_many_is_what_each_said_last(database: Database) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    always, never, withdrew, again, at_once = [
        await make_customer(database, merchant, accepts_marketing=accepts) for accepts in (True, False, True, True, True)
    ]
    stranger = await make_customer(database, other, accepts_marketing=True)
    start = always.created_at

    async def say(customer_id: uuid.UUID, days: int, *, wants: bool) -> None:
        async with merchant_ctx(database, merchant, now=start + dt.timedelta(days=days)) as ctx:
            await customers.record_consents(ctx, customer_id, marketing=wants, text_version="1", source=ConsentSource.PROFILE, locale="fr")

    await say(withdrew.id, 1, wants=False)
    await say(again.id, 1, wants=False)
    await say(again.id, 2, wants=True)
    await say(at_once.id, 1, wants=False)
    await say(at_once.id, 1, wants=True)
    everybody = [person.id for person in (always, never, withdrew, again, at_once, stranger)]
    async with merchant_ctx(database, merchant) as ctx:
        assert await customers.filter_marketing_consent(ctx, everybody) == {always.id, again.id}
        assert await customers.filter_marketing_consent(ctx, []) == frozenset()
        for person in (always, never, withdrew, again, at_once):
            consents = await customers.current_consents(ctx, person.id)
            assert (customers.ConsentPurpose.MARKETING in consents) is (person.id in {always.id, again.id})
