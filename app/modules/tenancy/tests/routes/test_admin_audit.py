"""The audit log on the platform's face: what it shows, filters, pages, the table to download."""

import csv
import datetime as dt
import io
import re
import uuid

import asyncpg
import httpx

from app.core import audit, clock
from app.core.db.engine import Database
from app.core.testing.application import page_text
from app.modules.tenancy import public as tenancy
from app.modules.tenancy.services import audit_service
from app.modules.tenancy.tests.factories import MadeMerchant, make_admin, make_merchant, merchant_ctx, platform_ctx, sign_in_cookie

API = "/api/v1/admin/tenancy/audit"


async def note(database: Database, merchant: MadeMerchant, action: str, *, at: dt.datetime | None = None, reason: str = "") -> uuid.UUID:
    """Let the merchant's owner do something to something; return what it was done to."""
    target = uuid.uuid4()
    async with merchant_ctx(database, merchant, now=at) as ctx:
        await audit.record(ctx, action, "card", target, reason=reason)
    return target


async def asked(client: httpx.AsyncClient, **query: str) -> list[str]:
    """The actions on all pages of what is asked for, two at a time."""
    found: list[str] = []
    cursor = None
    while True:
        answer = await client.get(API, params=query | {"limit": 2} | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        found += [item["action"] for item in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


async def test_entries_are_named_and_filtered(database: Database, admin_client: httpx.AsyncClient, superuser: asyncpg.Connection) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    start = dt.datetime(2031, 5, 4, 12, tzinfo=dt.UTC)
    tag = f"probe.{uuid.uuid4().hex[:8]}"
    await note(database, merchant, f"{tag}.made", at=start)
    await note(database, merchant, f"{tag}.changed", at=start + dt.timedelta(days=1))
    target = await note(database, merchant, f"{tag}.changed", at=start + dt.timedelta(days=2), reason="why")
    await note(database, other, f"{tag}.changed", at=start)
    async with platform_ctx(database, now=start) as ctx:
        inside = tenancy.act_for_merchant(ctx, merchant.id)
        await audit.record(inside, f"{tag}.helped", "card", None)
    mine = {"merchant_id": str(merchant.id), "since": "2031-05-01", "until": "2031-05-31"}
    assert await asked(admin_client, **mine) == [f"{tag}.changed", f"{tag}.changed", f"{tag}.helped", f"{tag}.made"]
    assert await asked(admin_client, **mine | {"until": "2031-05-04"}) == [f"{tag}.helped", f"{tag}.made"]
    assert await asked(admin_client, **mine | {"since": "2031-05-06"}) == [f"{tag}.changed"]
    assert await asked(admin_client, action=f"{tag}.changed") == [f"{tag}.changed"] * 3
    assert await asked(admin_client, person_id=str(merchant.owner.id), since="2031-05-05") == [f"{tag}.changed"] * 2
    assert await asked(admin_client, merchant_id=str(merchant.id), target_id=str(target)) == [f"{tag}.changed"]
    assert await asked(admin_client, target_id=str(target)) == []
    (newest,) = (await admin_client.get(API, params=mine | {"limit": 1})).json()["items"]
    (stored,) = await superuser.fetch("SELECT id, request_id FROM core_audit_log WHERE target_id = $1", target)
    name = await superuser.fetchval("SELECT display_name FROM tenancy_users WHERE id = $1", merchant.owner.id)
    assert newest == {
        "id": str(stored["id"]),
        "at": "2031-05-06T12:00:00Z",
        "merchant_id": str(merchant.id),
        "merchant_name": merchant.name,
        "action": f"{tag}.changed",
        "target_type": "card",
        "target_id": str(target),
        "actor_kind": "user",
        "actor_id": str(merchant.owner.id),
        "actor_name": name,
        "acting_admin_id": None,
        "acting_admin_name": None,
        "staff_pin_id": None,
        "request_id": stored["request_id"],
        "address": None,
        "details": {"reason": "why"},
    }


async def test_what_an_admin_did_for_a_merchant_is_found_by_the_admin(database: Database, client: httpx.AsyncClient) -> None:
    admin, merchant = await make_admin(database), await make_merchant(database)
    client.cookies.update(sign_in_cookie(admin) | {"orion_lang": "en"})
    await client.post(f"/api/v1/admin/tenancy/merchants/{merchant.id}/deactivate")
    assert await asked(client, admin_id=str(admin.id)) == ["tenancy.merchant.suspended"]
    text = await page_text(client, f"/admin/audit?admin={admin.id}")
    assert re.search(r'<option value="tenancy.merchant.suspended"[^>]*>Deactivated the business</option>', text)
    assert text.count("Deactivated the business</th>") == 1
    assert "as admin of the platform, for the merchant" in text
    assert f'<a class="link" href="/admin/merchants/{merchant.id}">Business</a>' in text


async def test_the_table_is_whole_and_no_spreadsheet_runs_it(database: Database, admin_client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database, name=f'=HYPERLINK("x") {uuid.uuid4().hex}')
    for number in range(3):
        await note(database, merchant, "probe.card.changed", reason=f'ü, "quoted"\n{number}')
    answer = await admin_client.get(f"{API}.csv", params={"merchant_id": str(merchant.id), "action": "probe.card.changed"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="audit-{clock.now():%Y-%m-%d}.csv"'
    assert answer.text.startswith("\ufeffat,merchant,")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    assert [row["merchant"] for row in rows] == [f"'{merchant.name}"] * 3
    assert [row["details"] for row in rows] == [f'{{"reason": "ü, \\"quoted\\"\\n{number}"}}' for number in (2, 1, 0)]
    assert tuple(rows[0]) == audit_service.HEAD


async def test_the_page_keeps_its_filters_and_leads_back(database: Database, admin_client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database)
    for _ in range(27):
        await note(database, merchant, "probe.card.changed")
    first = await page_text(admin_client, f"/admin/audit?merchant={merchant.id}&action=probe.card.changed&since=")
    assert first.count("probe · card · changed</th>") == 25
    assert f"Only of {merchant.name}" in first
    assert 'href="/admin/audit?action=probe.card.changed&amp;since="' in first
    assert f'href="{API}.csv?merchant_id={merchant.id}&amp;action=probe.card.changed"' in first
    found = re.search(r'rel="next" href="([^"]+)"', first)
    assert found is not None
    second = await page_text(admin_client, found[1].replace("&amp;", "&"))
    assert second.count("probe · card · changed</th>") == 2
    back = re.search(r'rel="prev" href="([^"]+)"', second)
    assert back is not None
    assert (await page_text(admin_client, back[1].replace("&amp;", "&"))).count("probe · card · changed</th>") == 25
    assert "No match" in await page_text(admin_client, f"/admin/audit?target={uuid.uuid4()}")


async def test_the_log_is_read_from_its_beginning_too(database: Database, admin_client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database)
    start = dt.datetime(2033, 5, 4, 12, tzinfo=dt.UTC)
    for day in range(27):
        await note(database, merchant, "probe.card.changed", at=start + dt.timedelta(days=day), reason=f"day {day}.")
    oldest = await page_text(admin_client, f"/admin/audit?merchant={merchant.id}&action=probe.card.changed&sort=created")
    assert re.findall(r"day \d+", oldest) == [f"day {day}" for day in range(25)]
    found = re.search(r'rel="next" href="([^"]+)"', oldest)
    assert found is not None
    assert re.findall(r"day \d+", await page_text(admin_client, found[1].replace("&amp;", "&"))) == ["day 25", "day 26"]
    newest = await page_text(admin_client, f"/admin/audit?merchant={merchant.id}&action=probe.card.changed")
    assert re.findall(r"day \d+", newest) == [f"day {day}" for day in range(26, 1, -1)]
    assert (await admin_client.get("/admin/audit?sort=name", headers={"Accept": "text/html"})).status_code == 422


def test_days_are_whole_and_in_utc() -> None:
    day = dt.date(2026, 2, 28)
    start, end = dt.datetime(2026, 2, 28, tzinfo=dt.UTC), dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    assert audit_service.day_bounds(day, day) == (start, end)
    assert audit_service.day_bounds(None, None) == (None, None)
    assert audit_service.day_bounds(None, dt.date.max) == (None, None)
