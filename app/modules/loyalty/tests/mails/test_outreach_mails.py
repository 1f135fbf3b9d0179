"""From the clock to the mail: beat's message, the task, the greeting and the call, by real SMTP; and a consent that is taken back."""

import datetime as dt

import asyncpg
import pytest

from app.core.db.engine import Database
from app.core.modules import load_modules
from app.core.schedules import timetable_of
from app.core.tasks import beat
from app.core.testing.background import run_due
from app.modules.customers import public as customers
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, make_card, make_shop
from app.modules.loyalty.tests.mails.conftest import Post, text_of
from app.modules.loyalty.tests.people import run_task
from app.modules.messaging.tests.factories import MailServer
from app.modules.tenancy.tests.factories import merchant_ctx, platform_ctx

BIRTHDAYS, CALLS = "loyalty.send_birthday_emails", "loyalty.send_reengagement"
JOINED = dt.datetime(2026, 1, 5, 12, 0, tzinfo=dt.UTC)
MORNING = dt.datetime(2026, 10, 25, 7, 0, tzinfo=dt.UTC)  # eight in Luxembourg, the day the clocks go back
TUESDAY = dt.datetime(2026, 6, 2, 8, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


async def a_holder(database: Database, post: Post, shop: MadeShop) -> MadeCard:
    card = await make_card(
        database, shop.merchant, now=JOINED, locale="en", wants_marketing=True, first_name="Anna", birth_date=dt.date(1985, 10, 25)
    )
    await post.forget(shop)
    return card


async def withdraw(database: Database, shop: MadeShop, card: MadeCard, now: dt.datetime) -> None:
    async with merchant_ctx(database, shop.merchant, now=now) as ctx:
        await customers.record_consents(
            ctx, card.customer_id, marketing=False, text_version="1", source=customers.ConsentSource.UNSUBSCRIBE, locale="en"
        )


async def test_a_birthday_from_the_clock_to_the_mail(
    database: Database, superuser: asyncpg.Connection, post: Post, server: MailServer
) -> None:
    shop = await make_shop(database, now=JOINED, birthday_bonus_points=25)
    card = await a_holder(database, post, shop)
    await make_card(database, shop.merchant, now=JOINED, birth_date=dt.date(1985, 10, 25))  # wants no mail
    await post.forget(shop)
    [schedule] = [schedule for schedule in timetable_of(load_modules()).daily if schedule.task == BIRTHDAYS]
    zones = [(shop.merchant.id, shop.merchant.zone)]
    for now in (MORNING - dt.timedelta(minutes=1), MORNING, MORNING + HOUR):
        async with platform_ctx(database, now=now) as platform:
            await beat.start_due_days(platform, [schedule], zones)
        assert set(await post.send(shop, now=now)) <= {"done"}
    [mail] = server.messages
    assert mail["To"] is not None
    assert card.email in mail["To"]
    assert "25 points" in text_of(mail)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert await post.logs(shop) == [("loyalty_birthday", "sent", None)]
    balances = await superuser.fetch("SELECT points_balance FROM loyalty_cards WHERE merchant_id = $1", shop.merchant.id)
    assert [row["points_balance"] for row in balances] == [25, 25]


async def test_somebody_who_stayed_away_is_called_back_by_mail(database: Database, post: Post, server: MailServer) -> None:
    shop = await make_shop(database, now=JOINED)
    card = await a_holder(database, post, shop)
    await run_task(database, CALLS, shop.merchant.id, TUESDAY)
    await post.send(shop, now=TUESDAY)
    [mail] = server.messages
    assert card.email in mail["To"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert await post.logs(shop) == [("loyalty_reengagement", "sent", None)]


@pytest.mark.parametrize(("task", "now", "template"), [(BIRTHDAYS, MORNING, "loyalty_birthday"), (CALLS, TUESDAY, "loyalty_reengagement")])
async def test_a_consent_taken_back_between_queueing_and_sending_sends_nothing(
    database: Database, post: Post, server: MailServer, task: str, now: dt.datetime, template: str
) -> None:
    shop = await make_shop(database, now=JOINED)
    card = await a_holder(database, post, shop)
    assert await run_task(database, task, shop.merchant.id, now) == ["done"]
    await withdraw(database, shop, card, now + dt.timedelta(minutes=5))
    assert await post.send(shop, now=now + dt.timedelta(minutes=10)) == ["done"]
    assert server.messages == []
    assert await post.logs(shop) == [(template, "suppressed", "no_consent")]
    assert await run_due(database, merchant_id=shop.merchant.id, now=now + HOUR) == []
