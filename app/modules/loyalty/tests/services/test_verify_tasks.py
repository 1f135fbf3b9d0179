"""The audit of the ledger by night and by the hour: what does not add up raises an alert, and only a later night clears it."""

import asyncio
import datetime as dt
import uuid
from typing import Any

import asyncpg
import pytest

from app.core import clock
from app.core.context import SYSTEM, Principal, platform_unit_of_work
from app.core.db.engine import Database
from app.core.observability import LEDGER_MISMATCHES
from app.core.schedules import start_now
from app.core.testing.background import run_due
from app.modules.loyalty.definition import MODULE
from app.modules.loyalty.queries import verification
from app.modules.loyalty.services import verification_service
from app.modules.loyalty.services.verification_service import CHANGED_TASK, HOURLY
from app.modules.loyalty.tasks.verification_tasks import NIGHTLY
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, a_key, earn, make_card, make_shop, stamp
from app.modules.loyalty.tests.people import ask_for, make_people, rows_of, run_due_turns, run_row, run_task, runner_of
from app.modules.loyalty.tests.sweeps import make_cards

ALERTS = "SELECT * FROM core_alerts WHERE merchant_id = $1 AND rule = 'ledger_mismatch' ORDER BY opened_at, subject"
BREAK = "UPDATE loyalty_cards SET points_balance = points_balance + 7 WHERE id = $1"
REPAIR = "UPDATE loyalty_cards SET points_balance = points_balance - 7 WHERE id = $1"
NIGHT = dt.datetime(2026, 3, 29, 1, 0, tzinfo=dt.UTC)  # three in Luxembourg, an hour after the clocks changed
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


async def alerts_of(conn: asyncpg.Connection, shop: MadeShop) -> list[tuple[str, dt.datetime, dt.datetime | None]]:
    return [(row["subject"], row["opened_at"], row["cleared_at"]) for row in await conn.fetch(ALERTS, shop.merchant.id)]


def mismatches() -> float:
    value: float = LEDGER_MISMATCHES._value.get()
    return value


async def test_a_broken_balance_raises_an_alert_that_a_later_night_clears(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    good, bad = await make_card(database, shop.merchant, amount_cents=1000), await make_card(database, shop.merchant, amount_cents=2500)
    assert await run_task(database, NIGHTLY, shop.merchant.id, NIGHT) == ["done"]
    assert await alerts_of(superuser, shop) == []

    await superuser.execute(BREAK, bad.id)
    counted = mismatches()
    assert await run_task(database, NIGHTLY, shop.merchant.id, NIGHT + DAY) == ["done"]
    [alert] = await superuser.fetch(ALERTS, shop.merchant.id)
    [row] = await superuser.fetch("SELECT id FROM loyalty_transactions WHERE card_id = $1", bad.id)
    assert (alert["subject"], alert["severity"], alert["opened_at"], alert["cleared_at"]) == (str(bad.id), "page", NIGHT + DAY, None)
    assert alert["details"] == {
        "cards": 1, "card_id": str(bad.id), "transaction_id": str(row["id"]), "stamps": 0, "points": 1, "chain": 0,
    }  # fmt: skip
    assert mismatches() == counted + 1
    assert await run_row(superuser, shop.merchant.id, NIGHTLY, "2026-03-30") == {
        "status": "done", "attempt": 1, "error": None, "counts": {"cards": 2, "broken": 1},
    }  # fmt: skip

    # Nothing was repaired, and the next night says it again without a second alert.
    assert await run_task(database, NIGHTLY, shop.merchant.id, NIGHT + 2 * DAY) == ["done"]
    assert await alerts_of(superuser, shop) == [(str(bad.id), NIGHT + DAY, None)]
    assert [await superuser.fetchval("SELECT points_balance FROM loyalty_cards WHERE id = $1", card.id) for card in (good, bad)] == [10, 32]
    assert len(await rows_of(superuser, bad.id)) == 1

    await superuser.execute(REPAIR, bad.id)
    assert await run_task(database, NIGHTLY, shop.merchant.id, NIGHT + 3 * DAY) == ["done"]
    assert await alerts_of(superuser, shop) == [(str(bad.id), NIGHT + DAY, NIGHT + 3 * DAY)]


async def test_a_repaired_card_is_looked_at_again_on_the_same_day_when_somebody_asks(
    database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant, amount_cents=2500)
    await superuser.execute(BREAK, card.id)
    await run_task(database, NIGHTLY, shop.merchant.id, NIGHT)
    await superuser.execute(REPAIR, card.id)

    await run_task(database, NIGHTLY, shop.merchant.id, NIGHT + HOUR)  # the day's run is done
    assert await alerts_of(superuser, shop) == [(str(card.id), NIGHT, None)]

    schedule = next(item for item in MODULE.beat if item.task == NIGHTLY)
    async with platform_unit_of_work(database, Principal(SYSTEM), now=NIGHT + 2 * HOUR) as ctx:
        assert (await start_now(ctx, schedule, [shop.merchant.id], key=a_key().key)).count == 1
    assert await run_due_turns(database, NIGHTLY, shop.merchant.id, NIGHT + 2 * HOUR) == ["done"]
    assert await alerts_of(superuser, shop) == [(str(card.id), NIGHT, NIGHT + 2 * HOUR)]
    assert await run_row(superuser, shop.merchant.id, NIGHTLY, "2026-03-29 03:00:00 UTC") == {
        "status": "done", "attempt": 1, "error": None, "counts": {"cards": 1, "broken": 0},
    }  # fmt: skip


async def test_each_card_has_its_alert_and_one_that_is_gone_needs_none(database: Database, superuser: asyncpg.Connection) -> None:
    shop, other = await make_shop(database), await make_shop(database)
    cards = [await make_card(database, shop.merchant) for _ in range(3)]
    foreign = await make_card(database, other.merchant)
    for card in (*cards, foreign):
        await superuser.execute(BREAK, card.id)
    await run_task(database, NIGHTLY, shop.merchant.id, NIGHT)
    assert {subject for subject, _, _ in await alerts_of(superuser, shop)} == {str(card.id) for card in cards}
    assert await alerts_of(superuser, other) == []
    await superuser.execute(REPAIR, cards[0].id)
    await superuser.execute("UPDATE loyalty_cards SET deleted_at = now() WHERE id = $1", cards[1].id)
    await superuser.execute("DELETE FROM loyalty_cards WHERE id = $1", cards[1].id)
    await run_task(database, NIGHTLY, shop.merchant.id, NIGHT + DAY)
    still = {subject: cleared for subject, _, cleared in await alerts_of(superuser, shop)}
    assert still == {str(cards[0].id): NIGHT + DAY, str(cards[1].id): NIGHT + DAY, str(cards[2].id): None}


async def test_a_flood_is_counted_and_named_a_hundred_times(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    await make_people(superuser, shop, 250, at=NIGHT - DAY)
    await superuser.execute("UPDATE loyalty_cards SET stamp_count = 1 WHERE merchant_id = $1", shop.merchant.id)
    counted = mismatches()
    for night in (NIGHT, NIGHT + DAY):
        await run_task(database, NIGHTLY, shop.merchant.id, night)
        assert len(await alerts_of(superuser, shop)) == verification_service.MAX_NAMED == 100
    assert mismatches() == counted + 500
    await superuser.execute("UPDATE loyalty_cards SET stamp_count = 0 WHERE merchant_id = $1", shop.merchant.id)
    await run_task(database, NIGHTLY, shop.merchant.id, NIGHT + 2 * DAY)
    assert {cleared for _, _, cleared in await alerts_of(superuser, shop)} == {NIGHT + 2 * DAY}


async def test_twelve_hundred_cards_are_three_chunks_and_the_last_is_found(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    await make_cards(superuser, shop, 1200, at=NIGHT - DAY)
    last = await superuser.fetchval("SELECT max(id::text)::uuid FROM loyalty_cards WHERE merchant_id = $1", shop.merchant.id)
    await superuser.execute(BREAK, last)
    assert await run_task(database, NIGHTLY, shop.merchant.id, NIGHT) == ["done"]
    assert [subject for subject, _, _ in await alerts_of(superuser, shop)] == [str(last)]
    assert await run_row(superuser, shop.merchant.id, NIGHTLY, "2026-03-29") == {
        "status": "done", "attempt": 1, "error": None, "counts": {"cards": 1200, "broken": 1},
    }  # fmt: skip


async def test_a_merchant_without_cards_is_in_order(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    assert await run_task(database, NIGHTLY, shop.merchant.id, NIGHT) == ["done"]
    assert await run_row(superuser, shop.merchant.id, NIGHTLY, "2026-03-29") == {
        "status": "done", "attempt": 1, "error": None, "counts": {"cards": 0, "broken": 0},
    }  # fmt: skip


@pytest.mark.concurrency
async def test_the_counter_and_the_audit_do_not_disturb_each_other(database: Database, superuser: asyncpg.Connection) -> None:
    """Twenty times: stamps while the cards are read raise nothing, and two workers at once check once."""
    for _ in range(20):
        shop = await make_shop(database)
        cards = [await make_card(database, shop.merchant) for _number in range(5)]
        messages = [await ask_for(database, NIGHTLY, shop.merchant.id, NIGHT) for _worker in range(2)]
        await asyncio.gather(
            *(runner_of(database, NIGHTLY).run(message, NIGHT) for message in messages),
            *(stamp(database, shop.merchant, card) for card in cards for _visit in range(3)),
        )
        await run_due_turns(database, NIGHTLY, shop.merchant.id, NIGHT + dt.timedelta(minutes=1))
        assert await alerts_of(superuser, shop) == []
        row = await run_row(superuser, shop.merchant.id, NIGHTLY, "2026-03-29")
        assert row is not None
        assert (row["status"], row["counts"]) == ("done", {"cards": 5, "broken": 0})


async def hourly(database: Database, superuser: asyncpg.Connection, now: dt.datetime) -> dict[uuid.UUID, dict[str, Any]]:
    """Run the hour's check as beat starts it; return what it asked to be checked, by merchant."""
    message = await ask_for(database, HOURLY, None, now)
    assert await runner_of(database, HOURLY).run(message, now) == "done"
    rows = await superuser.fetch("SELECT merchant_id, payload FROM core_outbox WHERE task = $1 AND created_at = $2", CHANGED_TASK, now)
    return {row["merchant_id"]: row["payload"] for row in rows}


async def settle_hours(superuser: asyncpg.Connection) -> None:
    """Forget the hours of other tests: they share the platform."""
    await superuser.execute("DELETE FROM core_job_runs WHERE kind = $1", HOURLY)


async def test_every_hour_what_was_booked_on_is_checked(database: Database, superuser: asyncpg.Connection) -> None:
    await settle_hours(superuser)
    busy, quiet = await make_shop(database), await make_shop(database)
    card, untouched = await make_card(database, busy.merchant), await make_card(database, busy.merchant)
    start = clock.now()
    await earn(database, busy.merchant, card, 1000)
    asked = await hourly(database, superuser, start)
    assert asked[busy.merchant.id] == {"period": f"{start:%Y-%m-%dT%H}", "since": int((start - DAY).timestamp())}
    assert quiet.merchant.id not in asked
    for made in (card, untouched):
        await superuser.execute(BREAK, made.id)
    assert set(await run_due_turns(database, CHANGED_TASK, busy.merchant.id, start)) == {"done"}
    assert [subject for subject, _, _ in await alerts_of(superuser, busy)] == [str(card.id)]
    assert await run_row(superuser, busy.merchant.id, CHANGED_TASK, f"{start:%Y-%m-%dT%H}") == {
        "status": "done", "attempt": 1, "error": None, "counts": {"cards": 1, "broken": 1},
    }  # fmt: skip

    # The next hour begins where this one did, less the time that a commit may take. It finds the card repaired; the night clears.
    await superuser.execute(REPAIR, card.id)
    asked = await hourly(database, superuser, start + HOUR)
    assert asked[busy.merchant.id]["since"] == int((start - verification_service.LATE_COMMIT).timestamp())
    assert set(await run_due_turns(database, CHANGED_TASK, busy.merchant.id, start + HOUR)) == {"done"}
    assert [cleared for _, _, cleared in await alerts_of(superuser, busy)] == [None]
    assert await hourly(database, superuser, start + HOUR) == asked  # the same hour again asks for nothing more

    # A night later nothing has been booked for long.
    assert busy.merchant.id not in await hourly(database, superuser, start + 3 * HOUR)
    assert busy.merchant.id not in await hourly(database, superuser, start + 2 * DAY)


async def test_many_rows_are_read_in_chunks_each_once(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    made: list[MadeCard] = [await make_card(database, shop.merchant) for _ in range(3)]
    since = clock.now() - dt.timedelta(seconds=1)
    for _ in range(2):
        for card in made:
            await stamp(database, shop.merchant, card)
    booked = await superuser.fetch("SELECT card_id, id FROM loyalty_transactions WHERE merchant_id = $1 ORDER BY id", shop.merchant.id)
    found: list[tuple[uuid.UUID, uuid.UUID]] = []
    after = verification.first_id(since)
    while chunk := await verification.list_booked(superuser, shop.merchant.id, after, 4):
        found += chunk
        after = chunk[-1][1]
    assert found == [(row["card_id"], row["id"]) for row in booked]
    assert await verification.list_booked(superuser, shop.merchant.id, verification.first_id(clock.now()), 4) == []


def test_beat_checks_every_hour_and_every_night_at_three() -> None:
    schedules = {schedule.task: schedule for schedule in MODULE.beat}
    assert (schedules[NIGHTLY].hour, schedules[NIGHTLY].weekday) == (3, None)
    assert (schedules[HOURLY].seconds, schedules[HOURLY].hour) == (3600, None)


async def test_a_worker_knows_all_tasks(database: Database) -> None:
    shop = await make_shop(database)
    await make_card(database, shop.merchant, amount_cents=500)
    now = clock.now()
    for task in (NIGHTLY, "loyalty.send_birthday_emails", "loyalty.send_reengagement"):
        await ask_for(database, task, shop.merchant.id, now)
    await ask_for(database, CHANGED_TASK, shop.merchant.id, now, period="2026-11-23T10", since=0)
    handlers = {task: runner_of(database, task).handlers[task] for task in (NIGHTLY, CHANGED_TASK)}
    handlers |= {task: runner_of(database, task).handlers[task] for task in ("loyalty.send_birthday_emails", "loyalty.send_reengagement")}
    handlers["loyalty.confirm_enrollment"] = _nothing
    assert set(await run_due(database, merchant_id=shop.merchant.id, now=now, handlers=handlers)) == {"done"}


async def _nothing(_ctx: object, **_payload: object) -> None:
    """The enrollment's mail is not this test's."""
