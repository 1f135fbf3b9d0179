"""Everybody who signs in, on the platform's face: found, shut out and let in again, signed out, sent a link; the pages about them."""

import datetime as dt
import re
import uuid
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.core.testing.application import page_text
from app.modules.tenancy.tests.factories import (
    PASSWORD,
    MadeUser,
    make_admin,
    make_api_key,
    make_member,
    make_merchant,
    sign_in_cookie,
)

API = "/api/v1/admin/tenancy/users"
AUDIT = "SELECT action, actor_id, details->>'reason' AS reason FROM core_audit_log WHERE target_id = $1 ORDER BY at, id"


@pytest.fixture
async def admin(database: Database) -> MadeUser:
    return await make_admin(database)


@pytest.fixture
async def admin_client(client: httpx.AsyncClient, admin: MadeUser) -> httpx.AsyncClient:
    """A browser in which `admin` has passed both steps, who reads English."""
    client.cookies.update(sign_in_cookie(admin) | {"orion_lang": "en"})
    return client


async def listed(client: httpx.AsyncClient, **query: Any) -> list[str]:
    """The names on all pages of the list, two at a time."""
    found: list[str] = []
    cursor = None
    while True:
        answer = await client.get(API, params=query | {"limit": 2} | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        found += [item["display_name"] for item in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


async def test_people_are_found_sorted_and_filtered(
    database: Database, admin_client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    merchant = await make_merchant(database, stores=2)
    tag = uuid.uuid4().hex[:10]
    people = [await make_member(database, merchant, role="staff") for _ in range(3)]
    for person, name in zip(people, ("Zoé", "anna", "Marc"), strict=True):
        await superuser.execute("UPDATE tenancy_users SET display_name = $2 WHERE id = $1", person.id, f"{name} {tag}")
    assert await listed(admin_client, q=tag) == [f"anna {tag}", f"Marc {tag}", f"Zoé {tag}"]
    assert await listed(admin_client, q=tag, sort="-name") == [f"Zoé {tag}", f"Marc {tag}", f"anna {tag}"]
    assert await listed(admin_client, q=tag, sort="-created") == [f"Marc {tag}", f"anna {tag}", f"Zoé {tag}"]
    assert await listed(admin_client, q=people[1].email) == [f"anna {tag}"]
    assert await listed(admin_client, q=f"{tag}%") == []
    assert len(await listed(admin_client, merchant_id=str(merchant.id))) == 6
    await superuser.execute("UPDATE tenancy_users SET disabled_at = now() WHERE id = $1", people[0].id)
    await superuser.execute("UPDATE tenancy_users SET password_hash = 'x' WHERE id = $1", people[2].id)
    assert await listed(admin_client, q=tag, kind="disabled") == [f"Zoé {tag}"]
    assert await listed(admin_client, q=tag, kind="invited") == [f"anna {tag}"]
    assert await listed(admin_client, q=tag, kind="admins") == []
    wrong = await admin_client.get(API, params={"sort": "-created", "cursor": "bm9uc2Vuc2U"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_cursor")


async def test_a_person_is_shown_with_their_places_and_last_sign_in(
    database: Database, admin_client: httpx.AsyncClient, make_client: Any, superuser: asyncpg.Connection
) -> None:
    merchant = await make_merchant(database, stores=2)
    person = await make_member(database, merchant, role="staff", store_id=merchant.stores[1].id, bound=True, password=PASSWORD)
    before = (await admin_client.get(f"{API}/{person.id}")).json()
    assert (before["email"], before["has_password"], before["last_signed_in_at"]) == (person.email, True, None)
    assert before["places"] == [
        {
            "merchant_id": str(merchant.id),
            "merchant_name": merchant.name,
            "role": "staff",
            "store_id": str(merchant.stores[1].id),
            "store_name": merchant.stores[1].name,
        }
    ]
    signed_in = await make_client().post("/api/v1/auth/login", json={"email": person.email, "password": PASSWORD})
    assert signed_in.status_code == 200
    after = (await admin_client.get(f"{API}/{person.id}")).json()
    at = await superuser.fetchval("SELECT max(created_at) FROM tenancy_sessions WHERE user_id = $1", person.id)
    assert dt.datetime.fromisoformat(after["last_signed_in_at"]) == at
    unknown = await admin_client.get(f"{API}/{uuid.uuid4()}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "user_not_found")


async def test_who_is_shut_out_is_out_at_once_and_comes_back_as_they_were(
    database: Database, admin_client: httpx.AsyncClient, admin: MadeUser, make_client: Any, superuser: asyncpg.Connection
) -> None:
    merchant = await make_merchant(database)
    person = await make_member(database, merchant, role="manager", password=PASSWORD)
    key = await make_api_key(database, merchant, person, role="manager")
    browser, till = make_client(), make_client(Authorization=f"Bearer {key}")
    browser.cookies.update(sign_in_cookie(person))
    profile = "/api/v1/merchants/tenancy/profile"
    assert [(await caller.get(profile)).status_code for caller in (browser, till)] == [200, 200]
    for _ in range(2):
        out = await admin_client.post(f"{API}/{person.id}/disable", json={"reason": "Left the company"})
        assert out.status_code == 200
        assert out.json()["disabled_at"] is not None
    assert [(await caller.get(profile)).status_code for caller in (browser, till)] == [401, 401]
    credentials = {"email": person.email, "password": PASSWORD}
    assert (await make_client().post("/api/v1/auth/login", json=credentials)).json()["code"] == "sign_in_failed"
    link = await admin_client.post(f"{API}/{person.id}/password-link")
    assert (link.status_code, link.json()["code"]) == (409, "user_disabled")
    for _ in range(2):
        back = await admin_client.post(f"{API}/{person.id}/enable")
        assert (back.status_code, back.json()["disabled_at"]) == (200, None)
    assert (await till.get(profile)).status_code == 200
    assert (await browser.get(profile)).status_code == 401
    assert (await make_client().post("/api/v1/auth/login", json=credentials)).status_code == 200
    assert [tuple(row) for row in await superuser.fetch(AUDIT, person.id)] == [
        ("tenancy.user.disabled", admin.id, "Left the company"),
        ("tenancy.account.sign_in_failed", None, None),
        ("tenancy.user.enabled", admin.id, None),
        ("tenancy.account.signed_in", None, None),
    ]


async def test_nobody_shuts_themselves_out(admin_client: httpx.AsyncClient, admin: MadeUser, superuser: asyncpg.Connection) -> None:
    for verb, body in (("disable", {"reason": "By mistake"}), ("end-sessions", None)):
        refused = await admin_client.post(f"{API}/{admin.id}/{verb}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "own_account")
    assert await superuser.fetchval("SELECT disabled_at FROM tenancy_users WHERE id = $1", admin.id) is None
    assert (await admin_client.get(API)).status_code == 200
    assert await superuser.fetch(AUDIT, admin.id) == []


async def test_sessions_end_and_links_are_mailed_but_not_without_end(
    database: Database, admin_client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    merchant = await make_merchant(database)
    ended = await admin_client.post(f"{API}/{merchant.owner.id}/end-sessions")
    assert (ended.status_code, ended.json()) == (200, {"ended": 1})
    assert (await admin_client.post(f"{API}/{merchant.owner.id}/end-sessions")).json() == {"ended": 0}
    answers = [await admin_client.post(f"{API}/{merchant.owner.id}/password-link") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert (answers[3].json()["code"], int(answers[3].headers["Retry-After"]) > 600) == ("too_many_links", True)
    links = await superuser.fetch("SELECT expires_at FROM tenancy_password_links WHERE user_id = $1 ORDER BY expires_at", merchant.owner.id)
    assert [dt.datetime.fromisoformat(answer.json()["expires_at"]) for answer in answers[:3]] == [row["expires_at"] for row in links]
    mails = "SELECT count(*) FROM core_outbox WHERE task = 'messaging.send_password_link' AND payload->>'user_id' = $1"
    assert await superuser.fetchval(mails, str(merchant.owner.id)) == 3
    for verb, body in (("end-sessions", None), ("password-link", None), ("enable", None), ("disable", {"reason": "x"})):
        assert (await admin_client.post(f"{API}/{uuid.uuid4()}/{verb}", json=body)).json()["code"] == "user_not_found"


async def test_the_pages_show_people_and_keep_what_was_asked_for(database: Database, admin_client: httpx.AsyncClient) -> None:
    tag = f"tag{uuid.uuid4().hex[:8]}"
    merchant = await make_merchant(database, name=f"{tag} & Cie")
    for _ in range(25):
        await make_member(database, merchant, role="staff")
    first = await page_text(admin_client, f"/admin/users?merchant={merchant.id}&sort=-created&kind=")
    assert first.count('href="/admin/users/') == 25
    assert f"Only of {tag} &amp; Cie" in first
    assert 'aria-sort="descending"' in first
    found = re.search(r'rel="next" href="([^"]+)"', first)
    assert found is not None
    second = await page_text(admin_client, found[1].replace("&amp;", "&"))
    assert second.count('href="/admin/users/') == 3
    assert f'href="/admin/users?merchant={merchant.id}&amp;sort=-created&amp;kind="' in second
    assert "No match" in await page_text(admin_client, f"/admin/users?q={tag}-nobody")


async def test_the_page_of_a_person_offers_what_fits_their_state(
    database: Database, admin_client: httpx.AsyncClient, admin: MadeUser
) -> None:
    merchant = await make_merchant(database)
    address = f"/admin/users/{merchant.manager.id}"
    text = await page_text(admin_client, address)
    assert merchant.manager.email in text
    assert f'href="/admin/merchants/{merchant.id}"' in text
    assert f'href="/admin/audit?person={merchant.manager.id}"' in text
    for verb in ("disable", "end-sessions", "password-link"):
        assert f'data-action="{API}/{merchant.manager.id}/{verb}"' in text
    await admin_client.post(f"{API}/{merchant.manager.id}/disable", json={"reason": "Gone"})
    text = await page_text(admin_client, address)
    assert "Shut out since" in text
    assert "Nowhere" in text
    assert re.findall(r'data-action="/api/v1/admin/tenancy/users/[^/"]+/([^"]+)"', text) == ["enable"]
    mine = await page_text(admin_client, f"/admin/users/{admin.id}")
    assert "This is you" in mine
    assert re.findall(r'data-action="/api/v1/admin/tenancy/users/[^/"]+/([^"]+)"', mine) == ["password-link"]
    assert (await admin_client.get(f"/admin/users/{uuid.uuid4()}")).status_code == 404
