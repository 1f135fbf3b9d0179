"""The platform's panel: who may open its pages, and what they show."""

import datetime as dt
import re
import uuid
from collections.abc import Callable

import asyncpg
import httpx
import pytest

from app.core import alerts, clock, jobs
from app.core.context import SYSTEM, Principal, unit_of_work
from app.core.db import heartbeats
from app.core.db.engine import Database
from app.core.testing.application import PAGE_HEADERS, page_text
from app.modules.tenancy.tests.factories import (
    customer_cookie,
    make_admin,
    make_customer_session,
    make_merchant,
    make_store,
    make_terminal_session,
    platform_ctx,
    sign_in_cookie,
    terminal_cookie,
)
from app.modules.tenancy.tests.routes.test_operation import add_dead

PAGES = [
    "/admin", "/admin/merchants", "/admin/merchants/new", "/admin/merchants/{merchant_id}", "/admin/merchants/{merchant_id}/stores/new",
    "/admin/stores", "/admin/health", "/admin/jobs", "/admin/users", "/admin/audit",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
async def test_pages_open_for_an_admin_alone(
    database: Database, make_client: Callable[..., httpx.AsyncClient], superuser: asyncpg.Connection, path: str
) -> None:
    merchant, waiting, admin = await make_merchant(database), await make_admin(database), await make_admin(database)
    await superuser.execute("UPDATE tenancy_sessions SET second_factor_at = NULL WHERE id = $1", waiting.session_id)
    terminal = await make_terminal_session(database, merchant, uuid.uuid4())
    customer = await make_customer_session(database, merchant, uuid.uuid4())
    address = path.format(merchant_id=merchant.id)
    outside = [{}, terminal_cookie(terminal.token), customer_cookie(customer), sign_in_cookie(waiting)]
    for cookies, status in [
        *((cookies, 303) for cookies in outside),
        *((sign_in_cookie(merchant.user(role)), 403) for role in ("owner", "manager", "staff")),
        (sign_in_cookie(admin), 200),
    ]:
        browser = make_client(**PAGE_HEADERS)
        browser.cookies.update(cookies)
        answer = await browser.get(address)
        assert answer.status_code == status
        assert answer.headers.get("location", "/admin/sign-in").startswith("/admin/sign-in")
        assert (merchant.name in answer.text) <= (status == 200)


async def test_the_first_page_counts_and_names_the_latest(
    database: Database, admin_client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    merchant = await make_merchant(database, stores=3, name=f"Latest {uuid.uuid4().hex}", now=clock.now() + dt.timedelta(days=3650))
    suspended = await make_merchant(database, status="suspended")
    await superuser.execute("UPDATE tenancy_stores SET status = 'closed' WHERE id = $1", merchant.store.id)
    text = await page_text(admin_client, "/admin")
    for label, table, status in (
        ("Active merchants", "tenancy_merchants", "active"),
        ("Deactivated merchants", "tenancy_merchants", "suspended"),
        ("Open stores", "tenancy_stores", "open"),
        ("Closed stores", "tenancy_stores", "closed"),
    ):
        whose = "id" if table == "tenancy_merchants" else "merchant_id"
        live = f"deleted_at IS NULL AND {whose} IN (SELECT id FROM tenancy_merchants WHERE deleted_at IS NULL)"
        count = await superuser.fetchval(f"SELECT count(*) FROM {table} WHERE status = $1 AND {live}", status)
        assert re.search(rf'{label}</div> <div class="stat-value">{count}</div>', text), label
    assert f'<a class="link" href="/admin/merchants/{merchant.id}">{merchant.name}</a>' in text
    assert merchant.owner.email not in text
    await superuser.execute("UPDATE tenancy_merchants SET created_at = now() WHERE id = ANY($1)", [merchant.id, suspended.id])


async def test_merchants_are_found_and_the_next_page_keeps_the_search(database: Database, admin_client: httpx.AsyncClient) -> None:
    tag = f"t{uuid.uuid4().hex[:10]}"
    for number in range(27):
        await make_merchant(database, name=f"{tag} & Söhne {number:02}", status="suspended" if number == 26 else "active")
    first = await page_text(admin_client, f"/admin/merchants?q={tag}&status=")
    assert f"{tag} &amp; Söhne 24" in first
    assert f"{tag} &amp; Söhne 25" not in first
    assert "Back to the first page" not in first
    found = re.search(r'rel="next" href="([^"]+)"', first)
    assert found is not None
    second = await page_text(admin_client, found[1].replace("&amp;", "&"))
    assert [number for number in range(27) if f"Söhne {number:02}" in second] == [25, 26]
    assert f'href="/admin/merchants?q={tag}&amp;status="' in second
    assert f'value="{tag}"' in second
    suspended = await page_text(admin_client, f"/admin/merchants?q={tag}&status=suspended")
    assert [number for number in range(27) if f"Söhne {number:02}" in suspended] == [26]
    assert "No match" in await page_text(admin_client, f"/admin/merchants?q={tag}-nothing")


async def test_a_merchants_page_shows_stores_and_names_but_no_addresses_of_people(
    database: Database, admin_client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    merchant = await make_merchant(database, stores=2)
    await superuser.execute("UPDATE tenancy_stores SET status = 'closed' WHERE id = $1", merchant.stores[1].id)
    text = await page_text(admin_client, f"/admin/merchants/{merchant.id}")
    for store in merchant.stores:
        assert f"<code>{store.code}</code>" in text
    names = await superuser.fetch("SELECT display_name FROM tenancy_memberships WHERE merchant_id = $1", merchant.id)
    assert len(names) == 3
    for row in names:
        assert row["display_name"] in text
    for person in (merchant.owner, merchant.manager, merchant.staff):
        assert person.email not in text
    api = f"/api/v1/admin/tenancy/merchants/{merchant.id}"
    assert f'data-action="{api}/deactivate"' in text
    assert f'data-action="{api}/stores/{merchant.store.id}/close"' in text
    assert f'data-action="{api}/stores/{merchant.stores[1].id}/reopen"' in text
    await admin_client.post(f"{api}/deactivate")
    after = await page_text(admin_client, f"/admin/merchants/{merchant.id}")
    assert f'data-action="{api}/open"' in after
    assert "Deactivated since" in after
    missing = await admin_client.get(f"/admin/merchants/{uuid.uuid4()}", headers=PAGE_HEADERS)
    assert missing.status_code == 404


async def test_stores_of_all_merchants_are_found(database: Database, admin_client: httpx.AsyncClient) -> None:
    tag = f"t{uuid.uuid4().hex[:10]}"
    merchant = await make_merchant(database, name=f"{tag} One", status="suspended")
    other = await make_merchant(database, name=f"{tag} Two")
    place = await make_store(database, other.id, name="Zenter")
    text = await page_text(admin_client, f"/admin/stores?q={tag}")
    for code in (merchant.store.code, other.store.code, place.code):
        assert f"<code>{code}</code>" in text
    assert f'href="/admin/merchants/{other.id}"' in text
    assert text.count("Merchant deactivated") == 1
    assert "No match" in await page_text(admin_client, f"/admin/stores?q={tag}&status=closed")


async def test_the_health_page_names_what_needs_somebody(
    database: Database, admin_client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    merchant, now = await make_merchant(database), clock.now()
    await superuser.execute("DELETE FROM core_heartbeats WHERE kind <> 'web'")
    await superuser.execute(heartbeats.BEAT, "relay:probe:1", "relay", now - dt.timedelta(minutes=5))
    await superuser.execute(heartbeats.BEAT, "worker:probe:2", "worker", now)
    message_id = await add_dead(superuser, merchant.id)
    text = await page_text(admin_client, "/admin/health")
    await superuser.execute("DELETE FROM core_outbox WHERE id = $1", message_id)
    await superuser.execute("DELETE FROM core_heartbeats WHERE process LIKE '%:probe:%'")
    assert "Something needs you" in text
    assert "Relay: no process is alive." in text
    assert "Scheduler: no process is alive." in text
    assert "Worker: no process is alive." not in text
    assert text.count("None is running") == 1
    assert text.count("Silent") == 1
    assert "5 minutes ago" in text
    assert {"<code>relay:probe:1</code>", "<code>worker:probe:2</code>"} <= set(re.findall(r"<code>[^<]+</code>", text))
    assert 'href="/admin/jobs#dead"' in text
    assert "Up to date" in text


async def test_the_health_page_lists_alerts_by_name_open_ones_first(
    database: Database, admin_client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    await superuser.execute("DELETE FROM core_alerts")  # what other tests left would stand before
    merchant, now = await make_merchant(database, name=f"Alerted {uuid.uuid4().hex}"), clock.now()
    async with platform_ctx(database, now=now - dt.timedelta(hours=3)) as ctx:
        await alerts.open_alert(ctx, "store_refusals", subject=str(merchant.store.id), details={"count": 140})
        await alerts.open_alert(ctx, "ledger_mismatch", subject="x", merchant_id=merchant.id, details={"cards": 2, "card_id": "0199"})
    async with platform_ctx(database, now=now - dt.timedelta(hours=2)) as ctx:
        await alerts.clear_alert(ctx, "ledger_mismatch", subject="x", merchant_id=merchant.id)
    text = await page_text(admin_client, "/admin/health")
    assert text.index("140 requests within a minute") < text.index("The check of the ledger found a card")
    assert f'href="/admin/merchants/{merchant.id}">{merchant.store.name}</a>' in text
    assert f'href="/admin/merchants/{merchant.id}">{merchant.name}</a>' in text
    assert "To investigate" in text
    assert "2 hours ago" in text
    assert "Something needs you" in await page_text(admin_client, "/admin")
    listed = (await admin_client.get("/api/v1/admin/operation/alerts")).json()
    mine = [item for item in listed["open"] if item["subject"] == str(merchant.store.id)]
    assert [(item["rule"], item["severity"], item["details"]) for item in mine] == [("store_refusals", "investigate", {"count": 140})]
    assert [item["merchant_id"] for item in listed["cleared"] if item["merchant_id"] == str(merchant.id)] == [str(merchant.id)]
    health = (await admin_client.get("/api/v1/admin/operation/health")).json()
    assert (health["open_alerts"], health["is_well"]) == (len(listed["open"]), False)
    await superuser.execute("DELETE FROM core_alerts WHERE subject = ANY($1)", [str(merchant.store.id), "x"])


async def test_the_jobs_page_shows_runs_progress_and_what_gave_up(
    database: Database, admin_client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    await superuser.execute("DELETE FROM core_job_runs")  # the page shows the latest only, and other tests live in later years
    merchant, now = await make_merchant(database, name=f"0 Working {uuid.uuid4().hex}"), clock.now()
    for period, cards in (("2026-11-22", 21), ("2026-11-23", 1234)):
        async with unit_of_work(database, Principal(SYSTEM, merchant.id), now=now) as ctx:
            run = await jobs.begin_run(ctx, "tenancy.forget_sessions", period)
            assert run is not None
            run = await jobs.advance(ctx, run, cursor={}, counts={"sessions": cards})
            if cards == 21:
                await jobs.finish(ctx, run)
    message_id = await add_dead(superuser, merchant.id, dead_at=now + dt.timedelta(days=3650))
    text = await page_text(admin_client, "/admin/jobs")
    await superuser.execute("DELETE FROM core_outbox WHERE id = $1", message_id)
    await superuser.execute("DELETE FROM core_job_runs WHERE merchant_id = $1", merchant.id)
    assert text.index("<code>sessions</code> 1,234") < text.index("<code>sessions</code> 21")
    assert "Running" in text
    assert text.count(f'href="/admin/merchants/{merchant.id}">{merchant.name}</a>') == 3
    assert "Forget ended sessions and links" in text
    assert "Daily at 00:00, by each merchant’s clock" in text
    assert "Every hour" in text
    assert 'data-action="/api/v1/admin/operation/jobs/loyalty.expire_points/run"' in text
    assert f'<option value="{merchant.id}"' in text
    assert f'data-action="/api/v1/admin/operation/dead/{message_id}/retry"' in text
    assert "<code>mail_<wbr>refused</code>" in text
    assert "Try all again: test.gave_up" in text


@pytest.mark.parametrize("locale", ["fr", "de", "lb"])
async def test_no_english_is_left(database: Database, admin_client: httpx.AsyncClient, locale: str) -> None:
    merchant = await make_merchant(database)
    english = {}
    for path in PAGES:
        address = path.format(merchant_id=merchant.id)
        english[path] = await page_text(admin_client, address)
        text = await page_text(admin_client, f"{address}?lang={locale}")
        assert f'<html lang="{locale}"' in text
        for sentence in re.findall(r">([A-Z][a-z]+(?: [a-z]+){3,}[.?]?)<", english[path]):
            assert sentence not in text, path


async def test_merchants_and_stores_go_to_the_trash_and_come_back(database: Database, admin_client: httpx.AsyncClient) -> None:
    tag = f"t{uuid.uuid4().hex[:10]}"
    merchant = await make_merchant(database, name=f"{tag} & Cie", stores=2)
    api = f"/api/v1/admin/tenancy/merchants/{merchant.id}"
    page = await page_text(admin_client, f"/admin/merchants/{merchant.id}")
    assert f'data-action="{api}/trash"' in page
    for place in ("stores", "users", "programs", "cards", "customers", "mails", "audit"):
        assert f'href="/admin/{place}?merchant={merchant.id}"' in page
    assert (await admin_client.post(f"{api}/stores/{merchant.stores[1].id}/trash", json={"reason": "Moved"})).status_code == 200
    stores = await page_text(admin_client, f"/admin/stores?only_deleted=true&q={tag}")
    assert f"{api}/stores/{merchant.stores[1].id}/restore" in stores
    assert "Moved" in stores
    assert (await admin_client.post(f"{api}/trash", json={"reason": "Gave up"})).status_code == 200
    assert "No match" in await page_text(admin_client, f"/admin/merchants?q={tag}")
    trash = await page_text(admin_client, f"/admin/merchants?only_deleted=true&q={tag}")
    for part in (f"{tag} &amp; Cie", "Gave up", 'data-action="/api/v1/admin/tenancy/merchants/restore"', f"{api}/purge"):
        assert part in trash
    assert (await admin_client.post("/api/v1/admin/tenancy/merchants/restore", json={"ids": [str(merchant.id)]})).status_code == 200
    assert f"{tag} &amp; Cie" in await page_text(admin_client, f"/admin/merchants?q={tag}")
    assert merchant.stores[1].name in await page_text(admin_client, f"/admin/stores?only_deleted=true&q={tag}")
    assert "No match" in await page_text(admin_client, "/admin/merchants?only_deleted=true&q=no-such-merchant")


async def test_merchants_and_stores_are_sorted_from_both_ends(database: Database, admin_client: httpx.AsyncClient) -> None:
    tag = f"t{uuid.uuid4().hex[:10]}"
    for letter in "BCA":
        await make_merchant(database, name=f"{tag} {letter}")

    async def order(path: str, sort: str) -> str:
        text = await page_text(admin_client, f"{path}?q={tag}&sort={sort}")
        return "".join(letter for _at, letter in sorted((text.index(f"{tag} {letter}<"), letter) for letter in "ABC"))

    for sort, expected in (("name", "ABC"), ("-name", "CBA"), ("created", "BCA"), ("-created", "ACB")):
        assert await order("/admin/merchants", sort) == expected
    for sort, expected in (("created", "BCA"), ("-created", "ACB")):
        assert await order("/admin/stores", sort) == expected


async def test_the_log_of_mails_is_confined_to_a_merchant(database: Database, admin_client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database)
    text = await page_text(admin_client, f"/admin/mails?merchant={merchant.id}")
    assert "No match" in text
    assert f"Only of {merchant.name}" in text
