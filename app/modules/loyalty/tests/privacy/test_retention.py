"""People who stay away for years are told, and erased 30 days later unless they come back; nobody is unless the merchant wants it."""

import datetime as dt
import zoneinfo
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core import clock
from app.core.config import Settings
from app.core.db.engine import Database
from app.core.modules import load_modules
from app.modules.customers import public as customers
from app.modules.loyalty.domain import retention
from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.services import retention_service, storefront_service
from app.modules.loyalty.tests.counter import Shop, applicant, counter_ctx, make_card, make_shop
from app.modules.loyalty.tests.factories import MadeShop
from app.modules.loyalty.tests.people import make_people, run_row, run_task
from app.modules.messaging.tests.factories import chosen_mail_server
from app.modules.tenancy.tests.factories import merchant_ctx

WorkerOnce = Callable[..., Awaitable[list[Any]]]
TASK = "loyalty.apply_retention"
START = clock.now().replace(hour=12) - dt.timedelta(days=1600)
DAY = dt.timedelta(days=1)
MAILS = "SELECT payload FROM core_outbox WHERE merchant_id = $1 AND payload->>'template' = 'loyalty_retention' ORDER BY id"


async def make_quiet(database: Database, *, years: int | None = 3) -> tuple[Shop, Card]:
    """Make a shop with the setting, and somebody whose only visit was at START."""
    shop = await make_shop(database, now=START)
    card = await make_card(database, shop, now=START)
    if years is not None:
        async with merchant_ctx(database, shop.merchant, now=START) as ctx:
            await retention_service.set_retention(ctx, years=years)
    return shop, card


async def run(database: Database, shop: Shop, now: dt.datetime) -> None:
    """Run the night's task."""
    assert [str(outcome) for outcome in await run_task(database, TASK, shop.id, now)] == ["done"]


async def state(superuser: asyncpg.Connection, card: Card) -> tuple[bool, bool]:
    """Return whether the person was told, and whether they are erased."""
    row = await superuser.fetchrow("SELECT retention_warned_at, anonymized_at FROM customers WHERE id = $1", card.customer_id)
    assert row is not None
    return row["retention_warned_at"] is not None, row["anonymized_at"] is not None


async def test_told_after_three_years_and_erased_thirty_days_later(database: Database, superuser: asyncpg.Connection) -> None:
    shop, card = await make_quiet(database)
    away = START.replace(year=START.year + 3)
    await run(database, shop, away - DAY)
    assert await state(superuser, card) == (False, False)
    told_at = away + DAY
    await run(database, shop, told_at)
    assert await state(superuser, card) == (True, False)
    (mail,) = await superuser.fetch(MAILS, shop.id)
    erased_on = (told_at + 30 * DAY).astimezone(zoneinfo.ZoneInfo("Europe/Luxembourg")).date()
    assert mail["payload"] == {"template": "loyalty_retention", "customer_id": str(card.customer_id), "erased_on": erased_on.isoformat()}
    await run(database, shop, told_at + 30 * DAY)
    assert await state(superuser, card) == (True, False)
    await run(database, shop, told_at + 31 * DAY)
    assert await state(superuser, card) == (False, True)
    entry = await superuser.fetchrow(
        "SELECT * FROM core_audit_log WHERE action = 'loyalty.customer.erased' AND target_id = $1", card.customer_id
    )
    assert entry is not None
    assert (entry["actor_kind"], entry["details"]["because"]) == ("system", "retention")
    assert len(await superuser.fetch(MAILS, shop.id)) == 1
    period = retention.retention_period(told_at + 31 * DAY, zoneinfo.ZoneInfo("Europe/Luxembourg"))
    done = await run_row(superuser, shop.id, TASK, period)
    assert done is not None
    assert (done["status"], done["counts"]) == ("done", {"told": 0, "erased": 1})


@pytest.mark.parametrize("way", ["visit", "sign_in", "change"])
async def test_who_comes_back_stays(database: Database, superuser: asyncpg.Connection, way: str) -> None:
    shop, card = await make_quiet(database)
    assert card.customer_id is not None
    told_at = START.replace(year=START.year + 3) + DAY
    await run(database, shop, told_at)
    back = told_at + 10 * DAY
    if way == "visit":
        await superuser.execute("UPDATE loyalty_cards SET last_activity_at = $2 WHERE id = $1", card.id, back)
    elif way == "sign_in":
        async with merchant_ctx(database, shop.merchant, now=back) as ctx:
            token = await customers.issue_login_link(ctx, card.customer_id)
        async with counter_ctx(database, shop, now=back) as ctx:
            await storefront_service.sign_in(ctx, token=token)
    else:
        async with merchant_ctx(database, shop.merchant, now=back) as ctx:
            await customers.update_customer(ctx, card.customer_id, phone="+352 621 555 777")
    await run(database, shop, told_at + 31 * DAY)
    assert await state(superuser, card) == (False, False)
    await run(database, shop, back.replace(year=back.year + 3) + DAY)
    assert await state(superuser, card) == (True, False)


async def test_off_by_default_and_switching_off_takes_back_what_was_announced(database: Database, superuser: asyncpg.Connection) -> None:
    shop, card = await make_quiet(database, years=None)
    late = START.replace(year=START.year + 4)
    await run(database, shop, late)
    assert await state(superuser, card) == (False, False)
    for years, days, expected in ((3, 1, (True, False)), (None, 2, (False, False)), (3, 40, (True, False))):
        async with merchant_ctx(database, shop.merchant, now=late) as ctx:
            await retention_service.set_retention(ctx, years=years)
        await run(database, shop, late + days * DAY)
        assert await state(superuser, card) == expected


async def test_the_setting_is_the_managers_and_bounded(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    shop = await make_shop(database)
    path = "/api/v1/merchants/loyalty/settings/retention"
    owner = {"Cookie": f"orion_session={shop.merchant.owner.token}"}
    assert (await client.get(path, headers=owner)).json() == {"retention_years": None}
    for value in (0, 11, 2.5, "3", True):
        assert (await client.put(path, json={"retention_years": value}, headers=owner)).status_code == 422
    assert (await client.put(path, json={"retention_years": 3}, headers=owner)).json() == {"retention_years": 3}
    page = await client.get("/merchants/settings", headers=owner | {"Accept": "text/html"})
    assert 'data-action="/api/v1/merchants/loyalty/settings/retention"' in page.text
    assert (await client.put(path, json={"retention_years": None}, headers=owner)).json() == {"retention_years": None}


@pytest.mark.parametrize(
    ("now", "years", "expected"),
    [("2026-11-23", 3, "2023-11-23"), ("2028-02-29", 3, "2025-02-28"), ("2028-02-29", 4, "2024-02-29"), ("2027-03-01", 1, "2026-03-01")],
)
def test_years_are_calendar_years(now: str, years: int, expected: str) -> None:
    def at(day: str) -> dt.datetime:
        return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(4), dt.UTC)

    assert retention.quiet_since(at(now), years) == at(expected)


@pytest.mark.parametrize(
    ("locale", "subject", "day"),
    [
        ("en", "We will erase your data", "{d} {m} {y}"),
        ("fr", "Nous allons effacer vos données", "{d} "),
        ("de", "Wir löschen Ihre Daten", "{d}. "),
        ("lb", "Mir läschen Är Donnéeën", "{d}. "),
    ],
)
async def test_the_mail_says_when_and_how_to_stay(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, worker_once: WorkerOnce, locale: str, subject: str, day: str
) -> None:
    load_modules()
    shop = await make_shop(database, now=START)
    await make_card(database, shop, person=applicant(locale=locale), now=START)
    async with merchant_ctx(database, shop.merchant, now=START) as ctx:
        await retention_service.set_retention(ctx, years=1)
    told_at = START.replace(year=START.year + 1) + DAY
    await run(database, shop, told_at)
    async with chosen_mail_server(settings, monkeypatch) as server:
        await worker_once(merchant_id=shop.id, now=told_at)
        (mail,) = [message for message in server.messages if subject in str(message["Subject"])]
    assert mail["List-Unsubscribe"] is None  # a service mail
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    on = (told_at + 30 * DAY).astimezone(zoneinfo.ZoneInfo("Europe/Luxembourg"))
    assert day.format(d=on.day, m=f"{on:%B}", y=on.year) in text
    assert str(on.year) in text
    assert f"/s/{shop.merchant.store.code}/loyalty/sign-in" in text


async def test_many_are_told_and_erased_a_few_at_a_time(database: Database, superuser: asyncpg.Connection) -> None:
    shop, _card = await make_quiet(database)
    await make_people(superuser, MadeShop(shop.merchant, shop.program), 120, at=START)
    told_at = START.replace(year=START.year + 3) + DAY
    await run(database, shop, told_at)
    assert len(await superuser.fetch(MAILS, shop.id)) == 121
    await run(database, shop, told_at + 31 * DAY)
    left = "SELECT count(*) FILTER (WHERE anonymized_at IS NULL), count(*) FROM customers WHERE merchant_id = $1"
    assert tuple(await superuser.fetchrow(left, shop.id) or ()) == (0, 121)


async def test_others_are_let_be(database: Database, superuser: asyncpg.Connection) -> None:
    shop, card = await make_quiet(database)
    late = START.replace(year=START.year + 3) + DAY
    fresh = await make_card(database, shop, now=late - 100 * DAY)
    other_shop, other = await make_quiet(database)
    await run(database, shop, late)
    assert [await state(superuser, item) for item in (card, fresh, other)] == [(True, False), (False, False), (False, False)]
    assert await superuser.fetch(MAILS, other_shop.id) == []
