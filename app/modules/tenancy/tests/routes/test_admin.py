"""The platform's face over HTTP: merchants and their stores."""

import uuid
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.core.pagination import encode_cursor
from app.modules.tenancy.tests.factories import make_admin, make_merchant, make_store, sign_in_cookie

ROOT = "/api/v1/admin/tenancy"
STORE = {"name": "Gare", "address_line": "1, place de la Gare", "postal_code": "L-1616", "city": "Esch-sur-Alzette"}
STORE |= {"time_zone": "Europe/Luxembourg", "locale": "lb"}


def merchant_body(tag: str, **changes: Any) -> dict[str, Any]:
    """A body for a new merchant whose name starts with `tag`."""
    body = {"name": f"{tag} Bäckerei", "time_zone": "Europe/Luxembourg", "locale": "lb", "contact_email": f"hello@{tag}.example"}
    return body | {"owner_email": f"anna@{tag}.example", "owner_name": "Anna", "store": STORE | {"code": f"{tag}-gare"}} | changes


@pytest.fixture
def tag() -> str:
    """Text that occurs in this test's rows only."""
    return f"t{uuid.uuid4().hex[:10]}"


async def test_a_merchant_is_created_with_store_and_owner(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection, tag: str
) -> None:
    admin = await make_admin(database)
    client.cookies.update(sign_in_cookie(admin))
    answer = await client.post(f"{ROOT}/merchants", json=merchant_body(tag))
    new = answer.json()
    assert answer.status_code == 201
    assert new["merchant"] == {
        "id": new["merchant"]["id"],
        "name": f"{tag} Bäckerei",
        "contact_email": f"hello@{tag}.example",
        "time_zone": "Europe/Luxembourg",
        "locale": "lb",
        "currency": "EUR",
        "status": "active",
        "created_at": new["merchant"]["created_at"],
        "deletion": None,
    }
    assert (new["store"]["code"], new["store"]["country"], new["store"]["status"]) == (f"{tag}-gare", "LU", "open")
    assert (new["owner"]["email"], new["owner"]["role"], new["owner"]["store_id"]) == (f"anna@{tag}.example", "owner", None)
    merchant_id = uuid.UUID(new["merchant"]["id"])
    entries = await superuser.fetch("SELECT action, acting_admin_id FROM core_audit_log WHERE merchant_id = $1", merchant_id)
    assert {entry["action"] for entry in entries} == {"tenancy.merchant.created", "tenancy.store.created", "tenancy.member.invited"}
    assert {entry["acting_admin_id"] for entry in entries} == {admin.id}
    assert (await client.get(f"{ROOT}/merchants/{merchant_id}")).json() == new["merchant"]


async def test_a_merchant_is_created_whole_or_not_at_all(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection, tag: str
) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    assert (await client.post(f"{ROOT}/merchants", json=merchant_body(tag))).status_code == 201
    for changes, status, code in (
        ({}, 409, "store_code_taken"),
        ({"time_zone": "Moon/Sea", "store": STORE}, 422, "zone_invalid"),
        ({"owner_email": "nobody", "store": STORE}, 422, "email_invalid"),
        ({"store": STORE | {"name": ""}}, 422, "invalid"),
    ):
        answer = await client.post(f"{ROOT}/merchants", json=merchant_body(tag, **changes))
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await superuser.fetchval("SELECT count(*) FROM tenancy_merchants WHERE name LIKE $1", f"{tag}%") == 1


async def test_merchants_are_listed_by_name_page_by_page(database: Database, client: httpx.AsyncClient, tag: str) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    names = [f"{tag} {name}" for name in ("Änder", "anna", "Bernd", "Bernd", "Claire")]
    for name in names:
        await make_merchant(database, name=name, stores=2)
    seen: list[dict[str, Any]] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        parameters = {"q": tag.upper(), "limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await client.get(f"{ROOT}/merchants", params=parameters)).json()
        seen += page["items"]
        cursor, pages = page["next_cursor"], pages + 1
    assert pages == 3
    assert [row["name"] for row in seen] == [f"{tag} {name}" for name in ("anna", "Bernd", "Bernd", "Claire", "Änder")]
    assert len({row["id"] for row in seen}) == 5
    assert [(row["store_count"], row["member_count"]) for row in seen] == [(2, 3)] * 5


async def test_the_search_takes_text_as_it_is_and_finds_stores_too(database: Database, client: httpx.AsyncClient, tag: str) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    merchant = await make_merchant(database, name=f"{tag} 100% _Brout_")

    async def found(text: str) -> list[str]:
        return [row["id"] for row in (await client.get(f"{ROOT}/merchants", params={"q": text})).json()["items"]]

    for text in (f"{tag} 100%", f"{tag} 100% _b", merchant.store.code, f" {tag} "):
        assert await found(text) == [str(merchant.id)], text
    for text in (f"{tag}%Brout", f"{tag}_100", f"{tag}\\"):
        assert await found(text) == [], text


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"limit": 0}, 422),
        ({"limit": 101}, 422),
        ({"cursor": "AAAA"}, 400),
        ({"cursor": "ä"}, 422),
        ({"status": "gone"}, 422),
        ({"q": "\x00"}, 422),
    ],
)
async def test_odd_parameters_are_refused(
    database: Database, client: httpx.AsyncClient, parameters: dict[str, str | int], status: int
) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    assert (await client.get(f"{ROOT}/merchants", params=parameters)).status_code == status


async def test_a_deactivated_merchant_is_closed_until_it_is_opened_again(
    database: Database, make_client: Callable[..., httpx.AsyncClient], superuser: asyncpg.Connection
) -> None:
    merchant, admin = await make_merchant(database), await make_admin(database)
    platform, owner = make_client(), make_client()
    platform.cookies.update(sign_in_cookie(admin))
    owner.cookies.update(sign_in_cookie(merchant.owner))
    path = f"{ROOT}/merchants/{merchant.id}"
    for _ in range(2):
        assert (await platform.post(f"{path}/deactivate")).json()["status"] == "suspended"
    refused = await owner.get("/api/v1/merchants/tenancy/profile")
    assert (refused.status_code, refused.json()["code"]) == (403, "merchant_inactive")
    only_suspended = (await platform.get(f"{ROOT}/merchants", params={"status": "suspended", "q": merchant.store.code})).json()["items"]
    assert [row["id"] for row in only_suspended] == [str(merchant.id)]
    assert (await platform.post(f"{path}/open")).json()["status"] == "active"
    assert (await owner.get("/api/v1/merchants/tenancy/profile")).status_code == 200
    entries = "SELECT action FROM core_audit_log WHERE merchant_id = $1 AND acting_admin_id = $2 ORDER BY at"
    actions = [row["action"] for row in await superuser.fetch(entries, merchant.id, admin.id)]
    assert actions == ["tenancy.merchant.suspended", "tenancy.merchant.opened"]


async def test_the_admin_opens_a_store_for_a_merchant(database: Database, client: httpx.AsyncClient, tag: str) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    made = await client.post(f"{ROOT}/merchants/{merchant.id}/stores", json=STORE | {"code": tag})
    assert (made.status_code, made.json()["code"]) == (201, tag)
    codes = [store["code"] for store in (await client.get(f"{ROOT}/merchants/{merchant.id}/stores")).json()["items"]]
    assert sorted(codes) == sorted([merchant.store.code, tag])
    others = [store["code"] for store in (await client.get(f"{ROOT}/merchants/{other.id}/stores")).json()["items"]]
    assert others == [other.store.code]


async def test_the_first_store_takes_zone_and_language_of_its_merchant(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection, tag: str
) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    store = {name: STORE[name] for name in ("name", "address_line", "postal_code", "city")} | {
        "code": None,
        "time_zone": None,
        "locale": None,
    }
    changes = {"store": store, "time_zone": "Europe/Brussels", "locale": "de", "contact_email": None}
    new = (await client.post(f"{ROOT}/merchants", json=merchant_body(tag, **changes))).json()
    assert (new["store"]["time_zone"], new["store"]["locale"]) == ("Europe/Brussels", "de")
    assert new["store"]["code"].startswith("gare-esch-sur-alzette")
    assert new["merchant"]["contact_email"] is None


async def test_the_admin_closes_and_reopens_a_merchants_store(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    merchant, other, admin = await make_merchant(database), await make_merchant(database), await make_admin(database)
    client.cookies.update(sign_in_cookie(admin))
    path = f"{ROOT}/merchants/{merchant.id}/stores/{merchant.store.id}"
    for _ in range(2):
        answer = await client.post(f"{path}/close")
        assert (answer.status_code, answer.json()["status"], answer.json()["id"]) == (200, "closed", str(merchant.store.id))
    assert (await client.post(f"{path}/reopen")).json()["status"] == "open"
    entries = "SELECT action FROM core_audit_log WHERE merchant_id = $1 AND acting_admin_id = $2 ORDER BY at"
    actions = [row["action"] for row in await superuser.fetch(entries, merchant.id, admin.id)]
    assert actions == ["tenancy.store.closed", "tenancy.store.reopened"]
    astray = await client.post(f"{ROOT}/merchants/{other.id}/stores/{merchant.store.id}/close")
    assert (astray.status_code, astray.json()["code"]) == (404, "store_not_found")
    assert await superuser.fetchval("SELECT status FROM tenancy_stores WHERE id = $1", merchant.store.id) == "open"


async def test_stores_of_all_merchants_are_listed_by_name_page_by_page(database: Database, client: httpx.AsyncClient, tag: str) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    one, two = await make_merchant(database, name=f"{tag} A"), await make_merchant(database, name=f"B {tag}")
    more = [await make_store(database, one.id, name="Zenter"), await make_store(database, two.id, name="Arlon")]
    await client.post(f"{ROOT}/merchants/{one.id}/stores/{more[0].id}/close")
    seen: list[dict[str, Any]] = []
    cursor = None
    for _ in range(3):
        parameters: dict[str, str | int] = {"q": tag.upper(), "limit": 2}
        if cursor:
            parameters["cursor"] = cursor
        page = (await client.get(f"{ROOT}/stores", params=parameters)).json()
        seen, cursor = seen + page["items"], page["next_cursor"]
        if cursor is None:
            break
    assert [(row["name"], row["merchant_name"], row["status"]) for row in seen] == [
        ("Arlon", f"B {tag}", "open"),
        ("Filiale 1", f"{tag} A", "open"),
        ("Filiale 1", f"B {tag}", "open"),
        ("Zenter", f"{tag} A", "closed"),
    ]
    closed = (await client.get(f"{ROOT}/stores", params={"q": tag, "status": "closed"})).json()["items"]
    assert [row["id"] for row in closed] == [str(more[0].id)]
    by_code = (await client.get(f"{ROOT}/stores", params={"q": one.store.code})).json()["items"]
    assert [(row["merchant_id"], row["merchant_status"]) for row in by_code] == [(str(one.id), "active")]
    assert (await client.get(f"{ROOT}/stores", params={"q": f"{tag}%A"})).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(("parameters", "status"), [({"limit": 0}, 422), ({"cursor": "AAAA"}, 400), ({"status": "active"}, 422)])
async def test_odd_parameters_of_stores_are_refused(
    database: Database, client: httpx.AsyncClient, parameters: dict[str, str | int], status: int
) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    assert (await client.get(f"{ROOT}/stores", params=parameters)).status_code == status


async def test_a_cursor_of_another_list_is_refused(database: Database, client: httpx.AsyncClient) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    for values in (["one"], ["one", "two"], ["a", "b", "c"]):
        answer = await client.get(f"{ROOT}/stores", params={"cursor": encode_cursor(values)})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
