"""Birthday greetings and bonuses (C6), by the real task: whom, when, once."""

import asyncio
import datetime as dt
import uuid
from typing import Any

import asyncpg
import pytest

from app.core.db.engine import Database
from app.modules.customers import public as customers
from app.modules.loyalty.definition import MODULE
from app.modules.loyalty.domain.enums import ProgramType
from app.modules.loyalty.services import card_service, verification_service
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, make_card, make_program, make_settings, make_shop, stamp
from app.modules.loyalty.tests.people import ask_for, mails_of, make_people, rows_of, run_due_turns, run_row, run_task, runner_of
from app.modules.tenancy.tests.factories import MadeMerchant, make_merchant, merchant_ctx

TASK = "loyalty.send_birthday_emails"
LONG_AGO = dt.datetime(2026, 1, 5, 12, 0, tzinfo=dt.UTC)
BONUS = 25


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


async def a_shop(database: Database, *, zone: str = "Europe/Luxembourg", stores: int = 1, **program: Any) -> MadeShop:
    merchant = await make_merchant(database, zone=zone, stores=stores, now=LONG_AGO)
    return MadeShop(merchant, await make_program(database, merchant, now=LONG_AGO, **program))


async def a_person(database: Database, shop: MadeShop, birth_date: str, *, wants: bool = True, **choices: Any) -> MadeCard:
    choices = {"now": LONG_AGO, **choices}
    return await make_card(database, shop.merchant, birth_date=dt.date.fromisoformat(birth_date), wants_marketing=wants, **choices)


async def greeted(conn: asyncpg.Connection, shop: MadeShop) -> list[str]:
    """The cards whose holders are written to, in the order of customers."""
    return [mail["card_id"] for mail in await mails_of(conn, shop.merchant.id, "loyalty_birthday")]


def ids(*cards: MadeCard) -> list[str]:
    return [str(card.id) for card in sorted(cards, key=lambda card: card.customer_id)]


async def years(conn: asyncpg.Connection, shop: MadeShop) -> list[tuple[uuid.UUID, int]]:
    rows = await conn.fetch(
        "SELECT customer_id, year FROM loyalty_birthday_greetings WHERE merchant_id = $1 ORDER BY 1, 2", shop.merchant.id
    )
    return [(row["customer_id"], row["year"]) for row in rows]


@pytest.mark.parametrize(
    ("now", "zone", "today"),
    [
        ("2027-02-28T08:00", "Europe/Luxembourg", ["1992-02-29", "1991-02-28"]),
        ("2028-02-28T08:00", "Europe/Luxembourg", ["1991-02-28"]),
        ("2028-02-29T08:00", "Europe/Luxembourg", ["1992-02-29", "1991-02-28"]),  # the 28th was missed
        ("2026-03-29T06:00", "Europe/Luxembourg", ["1980-03-29"]),  # eight in summer, the night was an hour shorter
        ("2026-03-29T05:59", "Europe/Luxembourg", []),
        ("2026-10-25T07:00", "Europe/Luxembourg", ["1980-10-25"]),  # eight in winter
        ("2026-10-25T06:59", "Europe/Luxembourg", []),
        ("2026-12-31T19:00", "Pacific/Auckland", ["1980-01-01"]),  # the year has changed there
        ("2026-12-31T18:59", "Pacific/Auckland", []),
        ("2027-01-01T13:00", "America/New_York", ["1980-01-01"]),
        ("2027-01-01T12:59", "America/New_York", []),
    ],
)
async def test_birthdays_are_greeted_at_eight_of_the_merchant_s_day(
    database: Database, superuser: asyncpg.Connection, now: str, zone: str, today: list[str]
) -> None:
    shop = await a_shop(database, zone=zone)
    people = {
        birth_date: await a_person(database, shop, birth_date)
        for birth_date in ("1991-02-28", "1992-02-29", "1980-03-02", "1980-03-29", "1980-10-25", "1980-01-01")
    }
    assert await run_task(database, TASK, shop.merchant.id, at(now)) == ["done"]
    assert await greeted(superuser, shop) == ids(*(people[birth_date] for birth_date in today))


async def test_a_person_is_greeted_once_a_year(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await a_shop(database, birthday_bonus_points=BONUS)
    card = await a_person(database, shop, "1985-06-15")
    for now in ("2026-06-15T08:00", "2026-06-15T09:00", "2026-06-16T08:00", "2026-06-17T08:00", "2026-06-18T08:00", "2026-06-19T08:00"):
        assert await run_task(database, TASK, shop.merchant.id, at(now)) == ["done"]
    assert await greeted(superuser, shop) == ids(card)
    assert await run_task(database, TASK, shop.merchant.id, at("2027-06-15T08:00")) == ["done"]
    assert await greeted(superuser, shop) == ids(card) * 2
    assert await years(superuser, shop) == [(card.customer_id, 2026), (card.customer_id, 2027)]
    assert [(row["op_key"], row["points_delta"]) for row in await rows_of(superuser, card.id)] == [
        (f"birthday:{card.customer_id}:{year}", BONUS) for year in (2026, 2027)
    ]
    assert await run_row(superuser, shop.merchant.id, TASK, "2026-06-15") == {
        "status": "done", "attempt": 1, "error": None, "counts": {"people": 1, "mails": 1, "bonuses": 1, "points": BONUS},
    }  # fmt: skip
    assert await run_row(superuser, shop.merchant.id, TASK, "2026-06-16") == {
        "status": "done", "attempt": 1, "error": None, "counts": {"people": 1, "mails": 0, "bonuses": 0, "points": 0},
    }  # fmt: skip


@pytest.mark.parametrize(("now", "is_greeted"), [("2026-06-18T08:00", True), ("2026-06-19T05:59", True), ("2026-06-19T06:00", False)])
async def test_a_missed_day_is_made_up_for_within_three(
    database: Database, superuser: asyncpg.Connection, now: str, is_greeted: bool
) -> None:
    shop = await a_shop(database)
    card = await a_person(database, shop, "1985-06-15")
    await run_task(database, TASK, shop.merchant.id, at(now))
    assert await greeted(superuser, shop) == (ids(card) if is_greeted else [])


async def test_a_birthday_of_the_old_year_counts_for_the_old_year(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await a_shop(database, birthday_bonus_points=BONUS)
    old, new = await a_person(database, shop, "1985-12-31"), await a_person(database, shop, "1985-01-01")
    assert await run_task(database, TASK, shop.merchant.id, at("2027-01-02T08:00")) == ["done"]
    assert await years(superuser, shop) == sorted([(old.customer_id, 2026), (new.customer_id, 2027)])
    assert [row["op_key"] for row in await rows_of(superuser, old.id)] == [f"birthday:{old.customer_id}:2026"]


async def test_who_joins_after_eight_is_greeted_next_year(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await a_shop(database)
    before = await a_person(database, shop, "1985-06-15", now=at("2026-06-15T05:59"))
    await a_person(database, shop, "1985-06-15", now=at("2026-06-15T06:01"))
    await a_person(database, shop, "1985-06-14", now=at("2026-06-15T05:00"))
    await run_task(database, TASK, shop.merchant.id, at("2026-06-15T12:00"))
    assert await greeted(superuser, shop) == ids(before)
    await run_task(database, TASK, shop.merchant.id, at("2026-06-16T08:00"))
    assert await greeted(superuser, shop) == ids(before)


async def test_the_mail_needs_consent_and_the_bonus_does_not(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await a_shop(database, birthday_bonus_points=BONUS)
    wants, silent = await a_person(database, shop, "1985-06-15"), await a_person(database, shop, "1985-06-15", wants=False)
    await run_task(database, TASK, shop.merchant.id, at("2026-06-15T08:00"))
    [mail] = await mails_of(superuser, shop.merchant.id, "loyalty_birthday")
    assert mail == {
        "template": "loyalty_birthday", "customer_id": str(wants.customer_id), "card_id": str(wants.id),
        "store_id": str(shop.merchant.store.id), "bonus_points": BONUS,
    }  # fmt: skip
    for card in (wants, silent):
        assert await rows_of(superuser, card.id) == [
            {
                "type": "bonus_granted", "points_delta": BONUS, "op_key": f"birthday:{card.customer_id}:2026", "store_id": None,
                "created_at": at("2026-06-15T08:00"),
            }
        ]  # fmt: skip
        [row] = await superuser.fetch("SELECT points_balance, last_activity_at, visit_count FROM loyalty_cards WHERE id = $1", card.id)
        assert tuple(row) == (BONUS, LONG_AGO, 0)
    assert (await verification_service.verify_ledger(database, shop.merchant.id)).broken == []


async def test_without_bonus_and_consent_nothing_is_kept_of_a_birthday(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await a_shop(database)
    silent = await a_person(database, shop, "1985-06-15", wants=False)
    withdrawn = await a_person(database, shop, "1985-06-15")
    async with merchant_ctx(database, shop.merchant, now=at("2026-06-14T08:00")) as ctx:
        await customers.record_consents(
            ctx, withdrawn.customer_id, marketing=False, text_version="1", source=customers.ConsentSource.UNSUBSCRIBE, locale="fr"
        )
    await run_task(database, TASK, shop.merchant.id, at("2026-06-15T08:00"))
    assert (await greeted(superuser, shop), await years(superuser, shop), await rows_of(superuser, silent.id)) == ([], [], [])


async def test_a_person_with_several_cards_is_greeted_by_the_one_used_last(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database, stores=3, now=LONG_AGO)
    shop = await make_shop_per_store(database, merchant, birthday_bonus_points=BONUS)
    cards: list[MadeCard] = []
    for number, store in enumerate(merchant.stores):
        now = LONG_AGO + dt.timedelta(hours=number)
        email = cards[0].email if cards else f"{uuid.uuid4().hex}@example.lu"
        cards.append(await a_person(database, shop, "1985-06-15", store=store, email=email, now=now))
    await stamp(database, merchant, cards[1], store=merchant.stores[1], now=at("2026-05-01T10:00"))
    async with merchant_ctx(database, merchant, now=at("2026-05-02T10:00")) as ctx:
        await card_service.set_active(ctx, cards[2].id, is_active=False, reason="verloren")
    await run_task(database, TASK, merchant.id, at("2026-06-15T08:00"))
    assert await greeted(superuser, shop) == ids(cards[1])
    assert [len([row for row in await rows_of(superuser, card.id) if row["points_delta"]]) for card in cards] == [0, 1, 0]


async def make_shop_per_store(database: Database, merchant: MadeMerchant, **program: Any) -> MadeShop:
    shop = MadeShop(merchant, await make_program(database, merchant, now=LONG_AGO, **program))
    await make_settings(database, merchant, cross_location=False)
    return shop


@pytest.mark.parametrize("state", ["deactivated", "trashed", "paused", "no program"])
async def test_who_has_no_card_to_use_is_not_greeted(database: Database, superuser: asyncpg.Connection, state: str) -> None:
    shop = await a_shop(database, birthday_bonus_points=BONUS)
    card = await a_person(database, shop, "1985-06-15")
    await superuser.execute(
        {
            "deactivated": "UPDATE loyalty_cards SET status = 'deactivated' WHERE id = $1",
            "trashed": "UPDATE loyalty_cards SET deleted_at = now() WHERE id = $1",
            "paused": "UPDATE loyalty_programs SET is_active = false WHERE id = (SELECT program_id FROM loyalty_cards WHERE id = $1)",
            "no program": "UPDATE loyalty_programs SET deleted_at = now() WHERE id = (SELECT program_id FROM loyalty_cards WHERE id = $1)",
        }[state],
        card.id,
    )
    assert await run_task(database, TASK, shop.merchant.id, at("2026-06-15T08:00")) == ["done"]
    assert (await greeted(superuser, shop), await years(superuser, shop), await rows_of(superuser, card.id)) == ([], [], [])


async def test_a_bonus_that_would_expire_the_next_night_is_not_given_and_the_mail_does_not_speak_of_it(
    database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await a_shop(database, birthday_bonus_points=BONUS, points_expiration_days=30)
    asleep = await a_person(database, shop, "1985-06-15")
    awake = await a_person(database, shop, "1985-06-15", now=at("2026-06-01T08:00"))
    await run_task(database, TASK, shop.merchant.id, at("2026-06-15T08:00"))
    mails = await mails_of(superuser, shop.merchant.id, "loyalty_birthday")
    assert {mail["card_id"]: mail["bonus_points"] for mail in mails} == {str(asleep.id): 0, str(awake.id): BONUS}
    assert [len(await rows_of(superuser, card.id)) for card in (asleep, awake)] == [0, 1]


async def test_a_program_of_stamps_greets_without_points(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await a_shop(database, type=ProgramType.STAMPS)
    card = await a_person(database, shop, "1985-06-15")
    await run_task(database, TASK, shop.merchant.id, at("2026-06-15T08:00"))
    [mail] = await mails_of(superuser, shop.merchant.id, "loyalty_birthday")
    assert (mail["card_id"], mail["bonus_points"]) == (str(card.id), 0)


async def test_the_ledger_gives_one_bonus_whatever_is_known_of_greetings(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await a_shop(database, birthday_bonus_points=BONUS)
    card, other = await a_person(database, shop, "1985-06-15"), await a_person(database, shop, "1985-06-16")
    await run_task(database, TASK, shop.merchant.id, at("2026-06-15T08:00"))
    await superuser.execute("DELETE FROM loyalty_birthday_greetings WHERE merchant_id = $1", shop.merchant.id)
    await run_task(database, TASK, shop.merchant.id, at("2026-06-16T08:00"))
    assert [len(await rows_of(superuser, made.id)) for made in (card, other)] == [1, 1]


async def test_twelve_hundred_birthdays_are_three_chunks(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await a_shop(database, birthday_bonus_points=BONUS)
    people = await make_people(superuser, shop, 1200, at=LONG_AGO, birth_date=dt.date(1985, 6, 15))
    now = at("2026-06-15T08:00")
    assert await run_task(database, TASK, shop.merchant.id, now) == ["done"]
    mails = await mails_of(superuser, shop.merchant.id, "loyalty_birthday")
    assert [mail["customer_id"] for mail in mails] == [str(person) for person in people]
    assert await run_row(superuser, shop.merchant.id, TASK, "2026-06-15") == {
        "status": "done", "attempt": 1, "error": None,
        "counts": {"people": 1200, "mails": 1200, "bonuses": 1200, "points": 1200 * BONUS},
    }  # fmt: skip
    commits = await superuser.fetchval(
        "SELECT count(DISTINCT xmin::text) FROM loyalty_birthday_greetings WHERE merchant_id = $1", shop.merchant.id
    )
    assert commits == 3
    result = await verification_service.verify_ledger(database, shop.merchant.id)
    assert (result.checked, result.broken) == (1200, [])


async def test_a_run_that_fails_in_its_second_chunk_goes_on_there(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await a_shop(database, birthday_bonus_points=BONUS)
    people = await make_people(superuser, shop, 1200, at=LONG_AGO, birth_date=dt.date(1985, 6, 15))
    now = at("2026-06-15T08:00")
    blocked = await superuser.fetchval("SELECT id FROM loyalty_cards WHERE customer_id = $1", people[700])
    async with superuser.transaction():
        await superuser.execute("SELECT 1 FROM loyalty_cards WHERE id = $1 FOR UPDATE", blocked)
        assert await run_task(database, TASK, shop.merchant.id, now) == ["retried"]
        assert len(await greeted(superuser, shop)) == 500
        row = await run_row(superuser, shop.merchant.id, TASK, "2026-06-15")
        assert row is not None
        assert (row["status"], row["counts"]["mails"], row["error"]) == ("failed", 500, "LockNotAvailableError")
    later = now + dt.timedelta(hours=1)
    assert await run_due_turns(database, TASK, shop.merchant.id, later) == ["done"]
    assert await greeted(superuser, shop) == [
        str(row["id"])
        for row in await superuser.fetch("SELECT id FROM loyalty_cards WHERE merchant_id = $1 ORDER BY customer_id", shop.merchant.id)
    ]
    row = await run_row(superuser, shop.merchant.id, TASK, "2026-06-15")
    assert row == {
        "status": "done", "attempt": 2, "error": None,
        "counts": {"people": 1200, "mails": 1200, "bonuses": 1200, "points": 1200 * BONUS},
    }  # fmt: skip


@pytest.mark.concurrency
async def test_two_workers_at_once_greet_everybody_once(database: Database, superuser: asyncpg.Connection) -> None:
    """Twenty times: two messages of one day, as when somebody runs the task by hand, and neither waits for a run to lapse."""
    now = at("2026-06-15T08:00")
    for _ in range(20):
        shop = await a_shop(database, birthday_bonus_points=BONUS)
        people = await make_people(superuser, shop, 30, at=LONG_AGO, birth_date=dt.date(1985, 6, 15))
        messages = [await ask_for(database, TASK, shop.merchant.id, now) for _worker in range(2)]
        outcomes = await asyncio.gather(*(runner_of(database, TASK).run(message, now) for message in messages))
        assert set(outcomes) <= {"done", "continued"}
        assert "done" in outcomes
        await run_due_turns(database, TASK, shop.merchant.id, now + dt.timedelta(minutes=1))
        assert [mail["customer_id"] for mail in await mails_of(superuser, shop.merchant.id, "loyalty_birthday")] == [str(i) for i in people]
        points = await superuser.fetchval("SELECT sum(points_balance) FROM loyalty_cards WHERE merchant_id = $1", shop.merchant.id)
        assert points == 30 * BONUS


@pytest.mark.concurrency
async def test_two_runs_that_know_nothing_of_each_other_greet_everybody_once(database: Database, superuser: asyncpg.Connection) -> None:
    """Twenty times: the rows themselves decide, also where no run holds them apart (two days whose birthdays overlap)."""
    for _ in range(20):
        shop = await a_shop(database, birthday_bonus_points=BONUS)
        people = await make_people(superuser, shop, 30, at=LONG_AGO, birth_date=dt.date(1985, 6, 15))
        moments = [at("2026-06-15T08:00"), at("2026-06-16T08:00")]
        messages = [await ask_for(database, TASK, shop.merchant.id, now) for now in moments]
        runs = [runner_of(database, TASK).run(message, now) for message, now in zip(messages, moments, strict=True)]
        assert await asyncio.gather(*runs) == ["done", "done"]
        assert [mail["customer_id"] for mail in await mails_of(superuser, shop.merchant.id, "loyalty_birthday")] == [str(i) for i in people]
        assert await superuser.fetchval("SELECT count(*) FROM loyalty_transactions WHERE merchant_id = $1", shop.merchant.id) == len(people)


def test_beat_asks_every_morning_at_eight() -> None:
    [schedule] = [schedule for schedule in MODULE.beat if schedule.task == TASK]
    assert (schedule.hour, schedule.weekday, schedule.seconds) == (8, None, 0)


async def test_nobody_of_another_merchant_is_greeted(database: Database, superuser: asyncpg.Connection) -> None:
    shop, other = await make_shop(database, now=LONG_AGO), await make_shop(database, now=LONG_AGO)
    card, stranger = await a_person(database, shop, "1985-06-15"), await a_person(database, other, "1985-06-15")
    await run_task(database, TASK, shop.merchant.id, at("2026-06-15T08:00"))
    assert (await greeted(superuser, shop), await greeted(superuser, other)) == (ids(card), [])
    await run_task(database, TASK, other.merchant.id, at("2026-06-15T08:00"))
    assert await greeted(superuser, other) == ids(stranger)
