"""The merchant's face over HTTP: profile, stores, team and keys, with the exact values that come back."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.modules.tenancy.tests.factories import make_member, make_merchant, sign_in_cookie

ROOT = "/api/v1/merchants/tenancy"
STORE = {
    "name": "Muselbrout Gare",
    "address_line": "1, place de la Gare",
    "postal_code": "L-1616",
    "city": "Luxembourg",
    "country": "LU",
    "time_zone": "Europe/Luxembourg",
    "locale": "lb",
    "phone": "+352 26 12 34",
    "opening_text": "Lu–Ve 6:30–18:30\nSa 7:00–17:00",
}
Browsers = Callable[..., httpx.AsyncClient]


async def test_the_profile_is_read_and_changed(database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    before = (await client.get(f"{ROOT}/profile")).json()
    assert (before["id"], before["name"], before["currency"], before["status"]) == (str(merchant.id), merchant.name, "EUR", "active")
    body = {"name": "Muselbrout", "contact_email": " Bonjour@Muselbrout.example ", "time_zone": "Europe/Paris", "locale": "de"}
    answer = await client.put(f"{ROOT}/profile", json=body)
    assert answer.status_code == 200
    assert answer.json() == before | body | {"contact_email": "bonjour@muselbrout.example"}
    assert await superuser.fetchval("SELECT name FROM tenancy_merchants WHERE id = $1", other.id) == other.name
    (entry,) = await superuser.fetch("SELECT * FROM core_audit_log WHERE merchant_id = $1", merchant.id)
    assert (entry["action"], entry["actor_id"]) == ("tenancy.merchant.updated", merchant.owner.id)
    assert '"fields": ["contact_email", "locale", "name", "time_zone"]' in str(entry["details"]).replace("'", '"')


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": "EST"}, "time_zone"),
        ({"contact_email": "nobody"}, "contact_email"),
        ({"locale": "es"}, "locale"),
        ({"name": ""}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "a" * 201}, "name"),
    ],
)
async def test_a_wrong_value_is_named(database: Database, client: httpx.AsyncClient, change: dict[str, str], field: str) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    body = {"name": "Muselbrout", "time_zone": "Europe/Paris", "locale": "de"} | change
    answer = await client.put(f"{ROOT}/profile", json=body)
    assert (answer.status_code, [item["field"] for item in answer.json()["errors"]]) == (422, [field])


async def test_a_store_is_opened_changed_closed_and_opened_again(database: Database, client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    code = f"gare-{uuid.uuid4().hex[:12]}"
    made = await client.post(f"{ROOT}/stores", json=STORE | {"code": code.upper()})
    store = made.json()
    assert made.status_code == 201
    assert store == STORE | {"id": store["id"], "code": code, "status": "open", "created_at": store["created_at"], "deletion": None}
    path = f"{ROOT}/stores/{store['id']}"
    assert (await client.get(path)).json() == store
    changed = await client.put(path, json=STORE | {"name": "Am Haff", "phone": None, "opening_text": None})
    assert changed.json() == store | {"name": "Am Haff", "phone": None, "opening_text": None}
    names = [item["name"] for item in (await client.get(f"{ROOT}/stores")).json()["items"]]
    assert names == ["Am Haff", "Filiale 1"]
    for _ in range(2):
        assert (await client.post(f"{path}/close")).json()["status"] == "closed"
    assert [item["name"] for item in (await client.get(f"{ROOT}/stores")).json()["items"]] == ["Filiale 1"]
    listed = (await client.get(f"{ROOT}/stores", params={"include_closed": "true"})).json()["items"]
    assert [item["status"] for item in listed] == ["closed", "open"]
    assert (await client.post(f"{path}/reopen")).json()["status"] == "open"


async def test_a_code_is_made_from_the_name_and_taken_codes_are_passed_over(database: Database, client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    name = f"Zum Schlüssel {uuid.uuid4().hex[:8]}"
    codes = [(await client.post(f"{ROOT}/stores", json=STORE | {"name": name})).json()["code"] for _ in range(2)]
    base = f"zum-schlussel-{name.rsplit(maxsplit=1)[-1]}-luxembourg"[:32].strip("-")
    assert codes[0] == base
    assert codes[1] == base[:30].rstrip("-") + "-2"


@pytest.mark.parametrize("code", ["ab", "admin", "12345", "a--b", "-ab", "a" * 33])
async def test_an_unfit_code_is_refused(database: Database, client: httpx.AsyncClient, code: str) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    answer = await client.post(f"{ROOT}/stores", json=STORE | {"code": code})
    assert (answer.status_code, answer.json()["code"]) == (422, "store_code_invalid")


async def test_a_code_belongs_to_one_store_of_the_platform(
    database: Database, make_client: Browsers, superuser: asyncpg.Connection
) -> None:
    merchants = [await make_merchant(database) for _ in range(2)]
    code = f"rivals-{uuid.uuid4().hex[:12]}"
    browsers = []
    for merchant in merchants:
        browsers.append(make_client())
        browsers[-1].cookies.update(sign_in_cookie(merchant.owner))
    answers = await asyncio.gather(*[browser.post(f"{ROOT}/stores", json=STORE | {"code": code}) for browser in browsers * 3])
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"store_code_taken"}
    assert await superuser.fetchval("SELECT count(*) FROM tenancy_stores WHERE code = $1", code) == 1


async def test_somebody_bound_to_a_store_changes_that_one_only(database: Database, client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database, stores=2)
    bound = await make_member(database, merchant, role="manager", store_id=merchant.stores[1].id, bound=True)
    client.cookies.update(sign_in_cookie(bound))
    assert (await client.put(f"{ROOT}/stores/{merchant.stores[1].id}", json=STORE)).status_code == 200
    assert (await client.put(f"{ROOT}/stores/{merchant.stores[0].id}", json=STORE)).status_code == 403
    other_store = {"store_id": str(merchant.stores[0].id)}
    assert (await client.post("/api/v1/store/session/store", json=other_store)).status_code == 403


async def test_the_chosen_store_is_where_the_counter_stands(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    merchant = await make_merchant(database, stores=2)
    client.cookies.update(sign_in_cookie(merchant.staff))
    answer = await client.post("/api/v1/store/session/store", json={"store_id": str(merchant.stores[1].id)})
    assert (answer.status_code, answer.json()["id"]) == (200, str(merchant.stores[1].id))
    chosen = "SELECT store_id FROM tenancy_sessions WHERE id = $1"
    assert await superuser.fetchval(chosen, merchant.staff.session_id) == merchant.stores[1].id
    await superuser.execute("UPDATE tenancy_stores SET status = 'closed' WHERE id = $1", merchant.stores[0].id)
    closed = await client.post("/api/v1/store/session/store", json={"store_id": str(merchant.stores[0].id)})
    assert (closed.status_code, closed.json()["code"]) == (409, "store_inactive")
    assert await superuser.fetchval(chosen, merchant.staff.session_id) == merchant.stores[1].id


def member_body(**changes: Any) -> dict[str, Any]:
    """A body for a new member of the team."""
    return {"email": f"luc-{uuid.uuid4().hex[:12]}@example.lu", "display_name": "Luc", "role": "staff"} | changes


async def test_a_new_person_joins_the_team_and_is_sent_a_link(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    body = member_body(role="manager", store_id=str(merchant.store.id), locale="lb")
    answer = await client.post(f"{ROOT}/members", json=body | {"email": body["email"].upper()})
    member = answer.json()
    assert answer.status_code == 201
    assert member == {
        "id": member["id"],
        "email": body["email"].upper(),
        "display_name": "Luc",
        "role": "manager",
        "store_id": str(merchant.store.id),
        "created_at": member["created_at"],
        "last_signed_in_at": None,
    }
    (user,) = await superuser.fetch("SELECT * FROM tenancy_users WHERE email_normalized = $1", body["email"])
    assert (user["password_hash"], user["is_platform_admin"], user["locale"]) == (None, False, "lb")
    link = "SELECT expires_at - created_at FROM tenancy_password_links WHERE user_id = $1"
    assert (await superuser.fetchval(link, user["id"])).days == 7
    again = await client.post(f"{ROOT}/members", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "already_member")
    team = (await client.get(f"{ROOT}/members")).json()["items"]
    assert [person["role"] for person in team] == ["owner", "manager", "manager", "staff"]
    assert (await client.get(f"{ROOT}/members/{member['id']}")).json() == member


INVITATIONS = "SELECT count(*) FROM core_outbox WHERE task = 'messaging.send_user_invitation' AND payload->>'membership_id' = $1"


async def test_an_invitation_is_sent_again_until_the_person_has_come(
    database: Database, client: httpx.AsyncClient, make_client: Callable[..., httpx.AsyncClient], superuser: asyncpg.Connection
) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    member = (await client.post(f"{ROOT}/members", json=member_body())).json()
    again = await client.post(f"{ROOT}/members/{member['id']}/invitation")
    assert (again.status_code, again.json()) == (200, member)
    assert await superuser.fetchval(INVITATIONS, member["id"]) == 2
    user_id = await superuser.fetchval("SELECT user_id FROM tenancy_memberships WHERE id = $1", uuid.UUID(member["id"]))
    assert await superuser.fetchval("SELECT count(*) FROM tenancy_password_links WHERE user_id = $1", user_id) == 2
    known = await make_member(database, await make_merchant(database), password="correct-onion-parade-77")
    joined = (await client.post(f"{ROOT}/members", json=member_body(email=known.email))).json()
    person = make_client()
    assert (await person.post("/api/v1/auth/login", json={"email": known.email, "password": "correct-onion-parade-77"})).status_code == 200
    assert (await client.get(f"{ROOT}/members/{joined['id']}")).json()["last_signed_in_at"] is None  # at the other business, so far
    assert (await person.post("/api/v1/auth/merchant", json={"merchant_id": str(merchant.id)})).status_code == 200
    assert (await client.get(f"{ROOT}/members/{joined['id']}")).json()["last_signed_in_at"] is not None
    refused = await client.post(f"{ROOT}/members/{joined['id']}/invitation")
    assert (refused.status_code, refused.json()["code"]) == (409, "invitation_accepted")
    assert await superuser.fetchval(INVITATIONS, joined["id"]) == 1


async def test_a_manager_invites_staff_again_and_nobody_above(database: Database, client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.manager))
    assert (await client.post(f"{ROOT}/members/{merchant.owner.membership_id}/invitation")).status_code == 403
    member = (await client.post(f"{ROOT}/members", json=member_body())).json()
    assert (await client.post(f"{ROOT}/members/{member['id']}/invitation")).status_code == 200
    assert (await client.post(f"{ROOT}/members/{uuid.uuid4()}/invitation")).status_code == 404


async def test_somebody_known_elsewhere_joins_without_telling_their_name_there(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    known = await make_member(database, other, password="correct-onion-parade-77")
    client.cookies.update(sign_in_cookie(merchant.owner))
    answer = await client.post(f"{ROOT}/members", json=member_body(email=known.email, display_name="Our Luc"))
    assert (answer.status_code, answer.json()["display_name"], answer.json()["email"]) == (201, "Our Luc", known.email)
    assert await superuser.fetchval("SELECT count(*) FROM tenancy_password_links WHERE user_id = $1", known.id) == 0
    assert await superuser.fetchval("SELECT count(*) FROM tenancy_memberships WHERE user_id = $1", known.id) == 2


@pytest.mark.parametrize(
    ("role", "wanted", "status"),
    [("owner", "owner", 201), ("owner", "staff", 201), ("manager", "staff", 201), ("manager", "manager", 403), ("manager", "owner", 403)],
)
async def test_nobody_gives_a_role_that_is_not_theirs_to_give(
    database: Database, client: httpx.AsyncClient, role: str, wanted: str, status: int
) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.user(role)))
    answer = await client.post(f"{ROOT}/members", json=member_body(role=wanted))
    assert answer.status_code == status
    raised = await client.put(f"{ROOT}/members/{merchant.manager.membership_id}", json={"display_name": "Me", "role": "owner"})
    assert raised.status_code == (200 if role == "owner" else 403)


async def test_wrong_members_are_refused(database: Database, client: httpx.AsyncClient) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    for changes, status, code in (
        ({"email": "nobody"}, 422, "email_invalid"),
        ({"email": "a@b"}, 422, "email_invalid"),
        ({"role": "admin"}, 422, "invalid"),
        ({"role": "owner", "store_id": str(merchant.store.id)}, 422, "owner_has_all_stores"),
        ({"store_id": str(other.store.id)}, 404, "store_not_found"),
    ):
        answer = await client.post(f"{ROOT}/members", json=member_body(**changes))
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_another_role_or_store_ends_the_persons_sessions_here(database: Database, make_client: Browsers) -> None:
    merchant = await make_merchant(database, stores=2)
    owner, manager, staff = make_client(), make_client(), make_client()
    for browser, user in ((owner, merchant.owner), (manager, merchant.manager), (staff, merchant.staff)):
        browser.cookies.update(sign_in_cookie(user))
    path = f"{ROOT}/members/{merchant.staff.membership_id}"
    renamed = await manager.put(path, json={"display_name": "Lis", "role": "staff"})
    assert (renamed.status_code, renamed.json()["display_name"]) == (200, "Lis")
    assert (await staff.get(f"{ROOT}/profile")).status_code == 200
    moved = await manager.put(path, json={"display_name": "Lis", "role": "staff", "store_id": str(merchant.stores[1].id)})
    assert moved.json()["store_id"] == str(merchant.stores[1].id)
    assert (await staff.get(f"{ROOT}/profile")).status_code == 401
    path = f"{ROOT}/members/{merchant.manager.membership_id}"
    assert (await owner.put(path, json={"display_name": "Tom", "role": "staff"})).json()["role"] == "staff"
    assert (await manager.get(f"{ROOT}/profile")).status_code == 401


async def test_removing_somebody_ends_their_sessions_here_and_leaves_their_account(
    database: Database, make_client: Browsers, superuser: asyncpg.Connection
) -> None:
    merchant = await make_merchant(database)
    owner, staff = make_client(), make_client()
    owner.cookies.update(sign_in_cookie(merchant.owner))
    staff.cookies.update(sign_in_cookie(merchant.staff))
    path = f"{ROOT}/members/{merchant.staff.membership_id}"
    assert [(await owner.delete(path)).status_code for _ in range(2)] == [204, 404]
    assert (await staff.get(f"{ROOT}/profile")).status_code == 401
    assert await superuser.fetchval("SELECT disabled_at IS NULL FROM tenancy_users WHERE id = $1", merchant.staff.id) is True


async def test_the_last_owner_stays(database: Database, client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    path = f"{ROOT}/members/{merchant.owner.membership_id}"
    answers = [await client.delete(path), await client.put(path, json={"display_name": "Me", "role": "manager"})]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "last_owner")] * 2
    await make_member(database, merchant, role="owner")
    assert (await client.delete(path)).status_code == 204


async def test_two_owners_who_remove_each_other_at_once_leave_one(
    database: Database, make_client: Browsers, superuser: asyncpg.Connection
) -> None:
    for _ in range(5):
        merchant = await make_merchant(database)
        pair = [merchant.owner, await make_member(database, merchant, role="owner")]
        browsers = [make_client(), make_client()]
        for browser, user in zip(browsers, pair, strict=True):
            browser.cookies.update(sign_in_cookie(user))
        paths = [f"{ROOT}/members/{user.membership_id}" for user in reversed(pair)]
        answers = await asyncio.gather(*[browser.delete(path) for browser, path in zip(browsers, paths, strict=True)])
        assert sorted(answer.status_code for answer in answers) in ([204, 401], [204, 403], [204, 409])
        owners = "SELECT count(*) FROM tenancy_memberships WHERE merchant_id = $1 AND role = 'owner'"
        assert await superuser.fetchval(owners, merchant.id) == 1


async def test_a_key_is_shown_once_works_and_ends(database: Database, make_client: Browsers, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    owner, script = make_client(), make_client()
    owner.cookies.update(sign_in_cookie(merchant.owner))
    body = {"name": "Till", "role": "manager", "store_id": str(merchant.store.id), "expires_at": None}
    made = await owner.post(f"{ROOT}/api-keys", json=body)
    key = made.json()
    secret = key.pop("secret")
    assert made.status_code == 201
    assert key == body | {"id": key["id"], "created_at": key["created_at"], "last_used_at": None}
    bearer = {"Authorization": f"Bearer {secret}"}
    assert (await script.get(f"{ROOT}/members", headers=bearer)).status_code == 200
    assert (await script.get(f"{ROOT}/api-keys", headers=bearer)).status_code == 403
    listed = (await owner.get(f"{ROOT}/api-keys")).json()["items"]
    assert [item["id"] for item in listed] == [key["id"]]
    assert listed[0]["last_used_at"] is not None
    assert secret not in str(await superuser.fetchrow("SELECT * FROM tenancy_api_keys WHERE merchant_id = $1", merchant.id))
    assert [(await owner.delete(f"{ROOT}/api-keys/{key['id']}")).status_code for _ in range(2)] == [204, 404]
    assert (await script.get(f"{ROOT}/members", headers=bearer)).status_code == 401


async def test_a_key_cannot_make_keys_and_one_that_is_over_opens_nothing(database: Database, make_client: Browsers) -> None:
    merchant = await make_merchant(database)
    owner, script = make_client(), make_client()
    owner.cookies.update(sign_in_cookie(merchant.owner))
    secret = (await owner.post(f"{ROOT}/api-keys", json={"name": "A", "role": "owner"})).json()["secret"]
    made = await script.post(f"{ROOT}/api-keys", json={"name": "B", "role": "owner"}, headers={"Authorization": f"Bearer {secret}"})
    assert made.status_code == 403
    over = {"name": "C", "role": "owner", "expires_at": "2020-01-01T00:00:00Z"}
    secret = (await owner.post(f"{ROOT}/api-keys", json=over)).json()["secret"]
    assert (await script.get(f"{ROOT}/profile", headers={"Authorization": f"Bearer {secret}"})).status_code == 401
