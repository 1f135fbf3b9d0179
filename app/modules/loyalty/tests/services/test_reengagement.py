"""Calls to come back (C7), by the real task: who stayed away, and how often they are written to."""

import asyncio
import datetime as dt
import uuid
from typing import Any

import asyncpg
import pytest

from app.core.db.engine import Database
from app.modules.customers import public as customers
from app.modules.loyalty.definition import MODULE
from app.modules.loyalty.services import card_service
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, earn, make_card, make_program, make_settings, stamp
from app.modules.loyalty.tests.people import ask_for, mails_of, make_people, run_due_turns, run_row, run_task, runner_of
from app.modules.tenancy.tests.factories import make_merchant, merchant_ctx

TASK = "loyalty.send_reengagement"
TEMPLATE = "loyalty_reengagement"
LONG_AGO = dt.datetime(2026, 1, 5, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
WEEK = dt.timedelta(weeks=1)
TUESDAY = dt.datetime(2026, 6, 2, 8, 0, tzinfo=dt.UTC)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


async def a_shop(database: Database, *, zone: str = "Europe/Luxembourg", stores: int = 1, **program: Any) -> MadeShop:
    merchant = await make_merchant(database, zone=zone, stores=stores, now=LONG_AGO)
    return MadeShop(merchant, await make_program(database, merchant, now=LONG_AGO, **program))


async def a_person(database: Database, shop: MadeShop, *, wants: bool = True, **choices: Any) -> MadeCard:
    choices = {"now": LONG_AGO, **choices}
    return await make_card(database, shop.merchant, wants_marketing=wants, **choices)


async def called(conn: asyncpg.Connection, shop: MadeShop) -> list[tuple[str, int]]:
    """Card and days of each mail that was asked for."""
    return [(mail["card_id"], mail["days_inactive"]) for mail in await mails_of(conn, shop.merchant.id, TEMPLATE)]


async def asked_at(conn: asyncpg.Connection, *cards: MadeCard) -> list[dt.datetime | None]:
    return [await conn.fetchval("SELECT last_reengagement_at FROM loyalty_cards WHERE id = $1", card.id) for card in cards]


@pytest.mark.parametrize(
    ("visit", "now", "zone", "days"),
    [
        ("2026-04-02T21:59", "2026-06-02T08:00", "Europe/Luxembourg", 61),
        ("2026-04-02T22:00", "2026-06-02T08:00", "Europe/Luxembourg", None),  # the 3rd there: sixty days, not more
        ("2026-03-28T22:59", "2026-05-28T08:00", "Europe/Luxembourg", 61),
        ("2026-03-28T23:00", "2026-05-28T08:00", "Europe/Luxembourg", None),  # the 29th, the day of the change
        ("2026-10-24T21:59", "2026-12-24T08:00", "Europe/Luxembourg", 61),
        ("2026-10-24T22:00", "2026-12-24T08:00", "Europe/Luxembourg", None),  # the 25th
        ("2026-04-02T10:59", "2026-06-02T08:00", "Pacific/Auckland", 61),
        ("2026-04-02T11:00", "2026-06-02T08:00", "Pacific/Auckland", None),
        ("2026-12-02T12:00", "2027-02-02T12:00", "America/New_York", 62),
    ],
)
async def test_more_than_sixty_local_days_without_a_visit(
    database: Database, superuser: asyncpg.Connection, visit: str, now: str, zone: str, days: int | None
) -> None:
    shop = await a_shop(database, zone=zone)
    card = await a_person(database, shop)
    await stamp(database, shop.merchant, card, now=at(visit))
    assert await run_task(database, TASK, shop.merchant.id, at(now)) == ["done"]
    assert await called(superuser, shop) == ([] if days is None else [(str(card.id), days)])
    assert await asked_at(superuser, card) == [None if days is None else at(now)]


async def test_the_program_says_how_many_days(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await a_shop(database, reengagement_days=14)
    late, soon = await a_person(database, shop), await a_person(database, shop)
    await stamp(database, shop.merchant, late, now=TUESDAY - 15 * DAY)
    await stamp(database, shop.merchant, soon, now=TUESDAY - 14 * DAY)
    await run_task(database, TASK, shop.merchant.id, TUESDAY)
    assert await called(superuser, shop) == [(str(late.id), 15)]


async def test_at_most_once_a_quarter(database: Database, superuser: asyncpg.Connection) -> None:
    """Week by week over a year: every fourteenth week, as thirteen are 91 days and no quarter is longer than 92."""
    shop = await a_shop(database)
    card = await a_person(database, shop)
    asked = []
    for week in range(52):
        now = TUESDAY + week * WEEK
        await run_task(database, TASK, shop.merchant.id, now)
        [last] = await asked_at(superuser, card)
        asked.append(last == now)
    assert [week for week, was_asked in enumerate(asked) if was_asked] == [0, 14, 28, 42]
    days = [TUESDAY + week * WEEK for week in (0, 14, 28, 42)]
    assert len({(day.year, (day.month - 1) // 3) for day in days}) == 4
    assert len(await called(superuser, shop)) == 4


async def test_a_visit_ends_it_and_staying_away_again_begins_it(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await a_shop(database)
    card = await a_person(database, shop)
    await run_task(database, TASK, shop.merchant.id, TUESDAY)
    await earn(database, shop.merchant, card, 1000, now=TUESDAY + 60 * DAY)
    for weeks in (14, 17):  # 38 and 59 days after the visit
        await run_task(database, TASK, shop.merchant.id, TUESDAY + weeks * WEEK)
    assert len(await called(superuser, shop)) == 1
    await run_task(database, TASK, shop.merchant.id, TUESDAY + 18 * WEEK)
    assert [days for _, days in await called(superuser, shop)] == [148, 66]


async def test_only_with_consent_and_without_a_trace_otherwise(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await a_shop(database)
    wants, silent, withdrew = await a_person(database, shop), await a_person(database, shop, wants=False), await a_person(database, shop)
    async with merchant_ctx(database, shop.merchant, now=TUESDAY - DAY) as ctx:
        await customers.record_consents(
            ctx, withdrew.customer_id, marketing=False, text_version="1", source=customers.ConsentSource.UNSUBSCRIBE, locale="fr"
        )
    await run_task(database, TASK, shop.merchant.id, TUESDAY)
    assert await mails_of(superuser, shop.merchant.id, TEMPLATE) == [
        {
            "template": TEMPLATE, "customer_id": str(wants.customer_id), "card_id": str(wants.id),
            "store_id": str(shop.merchant.store.id), "days_inactive": 148,
        }
    ]  # fmt: skip
    assert await asked_at(superuser, wants, silent, withdrew) == [TUESDAY, None, None]
    assert await run_row(superuser, shop.merchant.id, TASK, "2026-W23") == {
        "status": "done", "attempt": 1, "error": None, "counts": {"cards": 3, "mails": 1},
    }  # fmt: skip


async def several_cards(database: Database, *, count: int = 2) -> tuple[MadeShop, list[MadeCard]]:
    """One person with a card per store, the second used after the others."""
    shop = await a_shop(database, stores=count)
    await make_settings(database, shop.merchant, cross_location=False)
    email = f"{uuid.uuid4().hex}@example.lu"
    cards = [await a_person(database, shop, store=store, email=email) for store in shop.merchant.stores]
    await stamp(database, shop.merchant, cards[1], store=shop.merchant.stores[1], now=LONG_AGO + 10 * DAY)
    return shop, cards


async def test_a_person_with_several_cards_gets_one_mail_about_the_one_used_last(database: Database, superuser: asyncpg.Connection) -> None:
    shop, cards = await several_cards(database, count=3)
    for week in range(12):
        await run_task(database, TASK, shop.merchant.id, TUESDAY + week * WEEK)
    assert await called(superuser, shop) == [(str(cards[1].id), 138)]
    assert await asked_at(superuser, *cards) == [None, TUESDAY, None]
    async with merchant_ctx(database, shop.merchant, now=TUESDAY + 12 * WEEK) as ctx:  # a call counts for the person, not for the card
        await card_service.set_active(ctx, cards[1].id, is_active=False, reason="verloren")
    for week in (12, 13):
        await run_task(database, TASK, shop.merchant.id, TUESDAY + week * WEEK)
    assert len(await called(superuser, shop)) == 1
    await run_task(database, TASK, shop.merchant.id, TUESDAY + 14 * WEEK)
    assert [card_id for card_id, _ in await called(superuser, shop)] == [str(cards[1].id), str(cards[0].id)]


async def test_who_uses_any_of_their_cards_has_not_stayed_away(database: Database, superuser: asyncpg.Connection) -> None:
    shop, cards = await several_cards(database)
    await stamp(database, shop.merchant, cards[0], now=TUESDAY - 3 * DAY)
    await run_task(database, TASK, shop.merchant.id, TUESDAY)
    assert await called(superuser, shop) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE loyalty_cards SET status = 'deactivated' WHERE id = $1",
        "UPDATE loyalty_cards SET deleted_at = now() WHERE id = $1",
        "UPDATE loyalty_cards SET customer_id = NULL WHERE id = $1",
        "UPDATE loyalty_programs SET is_active = false WHERE id = (SELECT program_id FROM loyalty_cards WHERE id = $1)",
        "UPDATE loyalty_programs SET deleted_at = now() WHERE id = (SELECT program_id FROM loyalty_cards WHERE id = $1)",
    ],
)
async def test_who_has_no_card_to_use_is_not_called(database: Database, superuser: asyncpg.Connection, statement: str) -> None:
    shop = await a_shop(database)
    card = await a_person(database, shop)
    await superuser.execute(statement, card.id)
    assert await run_task(database, TASK, shop.merchant.id, TUESDAY) == ["done"]
    assert (await called(superuser, shop), await asked_at(superuser, card)) == ([], [None])


async def test_the_week_s_second_run_does_nothing_and_a_missed_week_is_made_up_for(
    database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await a_shop(database)
    await a_person(database, shop)
    await run_task(database, TASK, shop.merchant.id, TUESDAY)
    newcomer = await a_person(database, shop)
    await run_task(database, TASK, shop.merchant.id, TUESDAY + 2 * DAY)
    assert len(await called(superuser, shop)) == 1
    await run_task(database, TASK, shop.merchant.id, TUESDAY + 3 * WEEK)
    assert (str(newcomer.id), 169) in await called(superuser, shop)
    assert len(await called(superuser, shop)) == 2


async def test_twelve_hundred_people_are_three_chunks(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await a_shop(database)
    people = await make_people(superuser, shop, 1200, at=LONG_AGO)
    assert await run_task(database, TASK, shop.merchant.id, TUESDAY) == ["done"]
    assert [mail["customer_id"] for mail in await mails_of(superuser, shop.merchant.id, TEMPLATE)] == [str(person) for person in people]
    assert await run_row(superuser, shop.merchant.id, TASK, "2026-W23") == {
        "status": "done", "attempt": 1, "error": None, "counts": {"cards": 1200, "mails": 1200},
    }  # fmt: skip
    commits = await superuser.fetchval("SELECT count(DISTINCT xmin::text) FROM loyalty_cards WHERE merchant_id = $1", shop.merchant.id)
    assert commits == 3


@pytest.mark.concurrency
async def test_two_workers_at_once_call_everybody_once(database: Database, superuser: asyncpg.Connection) -> None:
    """Twenty times: two messages of one week, and two of neighbouring weeks, which no run keeps apart."""
    for moments in [(TUESDAY, TUESDAY), (TUESDAY, TUESDAY + WEEK)] * 10:
        shop = await a_shop(database)
        people = await make_people(superuser, shop, 30, at=LONG_AGO)
        messages = [await ask_for(database, TASK, shop.merchant.id, now) for now in moments]
        runs = [runner_of(database, TASK).run(message, now) for message, now in zip(messages, moments, strict=True)]
        assert set(await asyncio.gather(*runs)) <= {"done", "continued"}
        await run_due_turns(database, TASK, shop.merchant.id, max(moments) + dt.timedelta(minutes=1))
        assert [mail["customer_id"] for mail in await mails_of(superuser, shop.merchant.id, TEMPLATE)] == [str(i) for i in people]


def test_beat_asks_on_tuesdays_at_ten() -> None:
    [schedule] = [schedule for schedule in MODULE.beat if schedule.task == TASK]
    assert (schedule.hour, schedule.weekday, schedule.seconds) == (10, 1, 0)
