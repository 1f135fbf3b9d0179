"""Who may call what: without sign-in 401, a role too low 403, another merchant's ids 404. A route without an entry fails."""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.core import bulk, files
from app.core.db.engine import Database
from app.core.modules import load_attribute
from app.core.web.middleware import Gate
from app.modules.tenancy.definition import MODULE
from app.modules.tenancy.services import api_key_service
from app.modules.tenancy.tests.factories import (
    MadeMerchant,
    make_admin,
    make_api_key,
    make_merchant,
    merchant_ctx,
    sign_in_cookie,
)

ALL, MANAGERS, OWNERS = {"owner", "manager", "staff"}, {"owner", "manager"}, {"owner"}
MERCHANT, ADMIN, JOBS = "/api/v1/merchants/tenancy", "/api/v1/admin/tenancy", "/api/v1/merchants/jobs"
STORE = {"name": "Gare", "address_line": "1, place de la Gare", "postal_code": "L-1616", "city": "Luxembourg"}
STORE |= {"time_zone": "Europe/Luxembourg", "locale": "fr"}
PROFILE = {"name": "Bäckerei", "time_zone": "Europe/Luxembourg", "locale": "fr"}
MEMBER = {"display_name": "Luc", "role": "staff"}

MERCHANT_ROUTES: list[tuple[str, str, set[str], dict[str, Any] | None]] = [
    ("GET", f"{MERCHANT}/profile", ALL, None),
    ("PUT", f"{MERCHANT}/profile", OWNERS, PROFILE),
    ("GET", f"{MERCHANT}/stores", ALL, None),
    ("POST", f"{MERCHANT}/stores", OWNERS, STORE),
    ("GET", f"{MERCHANT}/stores/{{store_id}}", ALL, None),
    ("PUT", f"{MERCHANT}/stores/{{store_id}}", MANAGERS, STORE),
    ("POST", f"{MERCHANT}/stores/{{store_id}}/close", OWNERS, None),
    ("POST", f"{MERCHANT}/stores/{{store_id}}/reopen", OWNERS, None),
    ("POST", f"{MERCHANT}/stores/restore", OWNERS, {"ids": [str(uuid.uuid4())]}),
    ("POST", f"{MERCHANT}/stores/{{store_id}}/trash", OWNERS, {"reason": "Never opened"}),
    ("POST", f"{MERCHANT}/stores/{{store_id}}/restore", OWNERS, None),
    ("POST", f"{MERCHANT}/stores/{{store_id}}/purge", OWNERS, {"confirmation": "Gare"}),
    ("GET", f"{MERCHANT}/members", MANAGERS, None),
    ("POST", f"{MERCHANT}/members", MANAGERS, MEMBER | {"email": "luc@example.lu"}),
    ("GET", f"{MERCHANT}/members/{{member_id}}", MANAGERS, None),
    ("PUT", f"{MERCHANT}/members/{{member_id}}", MANAGERS, MEMBER),
    ("DELETE", f"{MERCHANT}/members/{{member_id}}", MANAGERS, None),
    ("POST", f"{MERCHANT}/members/{{member_id}}/invitation", MANAGERS, None),
    ("GET", JOBS, MANAGERS, None),
    ("GET", f"{JOBS}/{{job_id}}", MANAGERS, None),
    ("GET", f"{JOBS}/{{job_id}}/items", MANAGERS, None),
    ("GET", f"{JOBS}/{{job_id}}/results.csv", MANAGERS, None),
    ("GET", f"{JOBS}/{{job_id}}/files", MANAGERS, None),
    ("GET", f"{JOBS}/{{job_id}}/files/{{file_id}}", MANAGERS, None),
    ("GET", f"{MERCHANT}/api-keys", OWNERS, None),
    ("POST", f"{MERCHANT}/api-keys", OWNERS, {"name": "Till", "role": "staff"}),
    ("DELETE", f"{MERCHANT}/api-keys/{{key_id}}", OWNERS, None),
    ("POST", "/api/v1/store/session/store", ALL, {"store_id": "{store_id}"}),
]
ROUTES_WITH_IDS = [route for route in MERCHANT_ROUTES if "{" in route[1] or "store_id" in str(route[3])]
MERCHANT_BODY = PROFILE | {"owner_email": "anna@example.lu", "owner_name": "Anna", "store": STORE}
ADMIN_ROUTES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", f"{ADMIN}/merchants", None),
    ("POST", f"{ADMIN}/merchants", MERCHANT_BODY),
    ("GET", f"{ADMIN}/merchants/{{merchant_id}}", None),
    ("POST", f"{ADMIN}/merchants/{{merchant_id}}/open", None),
    ("POST", f"{ADMIN}/merchants/{{merchant_id}}/deactivate", None),
    ("GET", f"{ADMIN}/merchants/{{merchant_id}}/stores", None),
    ("POST", f"{ADMIN}/merchants/{{merchant_id}}/stores", STORE),
    ("POST", f"{ADMIN}/merchants/{{merchant_id}}/stores/{{store_id}}/close", None),
    ("POST", f"{ADMIN}/merchants/{{merchant_id}}/stores/{{store_id}}/reopen", None),
    ("GET", f"{ADMIN}/stores", None),
    ("POST", f"{ADMIN}/merchants/restore", {"ids": [str(uuid.uuid4())]}),
    ("POST", f"{ADMIN}/merchants/{{merchant_id}}/trash", {"reason": "Contract ended"}),
    ("POST", f"{ADMIN}/merchants/{{merchant_id}}/restore", None),
    ("POST", f"{ADMIN}/merchants/{{merchant_id}}/purge", {"confirmation": "Bäckerei"}),
    ("POST", f"{ADMIN}/merchants/{{merchant_id}}/stores/restore", {"ids": [str(uuid.uuid4())]}),
    ("POST", f"{ADMIN}/merchants/{{merchant_id}}/stores/{{store_id}}/trash", {"reason": "Never opened"}),
    ("POST", f"{ADMIN}/merchants/{{merchant_id}}/stores/{{store_id}}/restore", None),
    ("POST", f"{ADMIN}/merchants/{{merchant_id}}/stores/{{store_id}}/purge", {"confirmation": "Gare"}),
    ("POST", f"{ADMIN}/merchants/{{merchant_id}}/enter", None),
    ("POST", f"{ADMIN}/leave", None),
    ("GET", f"{ADMIN}/users", None),
    ("GET", f"{ADMIN}/users/{{user_id}}", None),
    ("POST", f"{ADMIN}/users/{{user_id}}/disable", {"reason": "Left the company"}),
    ("POST", f"{ADMIN}/users/{{user_id}}/enable", None),
    ("POST", f"{ADMIN}/users/{{user_id}}/end-sessions", None),
    ("POST", f"{ADMIN}/users/{{user_id}}/password-link", None),
    ("GET", f"{ADMIN}/audit", None),
    ("GET", f"{ADMIN}/audit.csv", None),
]
IDS = ("store_id", "member_id", "key_id", "merchant_id", "job_id", "file_id", "user_id")
SIGNED_IN_ROUTES = [
    ("GET", "/api/v1/auth/me", None),
    ("POST", "/api/v1/auth/merchant", {"merchant_id": str(uuid.uuid4())}),
    ("PUT", "/api/v1/auth/language", {"locale": "lb"}),
    ("PUT", "/api/v1/auth/name", {"display_name": "Anna"}),
    ("POST", "/api/v1/auth/password", {"current_password": "a", "password": "b"}),
]
OPEN_ROUTES = ["login", "totp", "logout", "password/link", "password/set"]


def filled(value: Any, ids: dict[str, str]) -> Any:
    """`value` with the placeholders of `ids` filled in."""
    if isinstance(value, dict):
        return {name: filled(item, ids) for name, item in value.items()}
    for name, text in ids.items():
        value = value.replace(f"{{{name}}}", text) if isinstance(value, str) else value
    return value


async def ids_of(database: Database, merchant: MadeMerchant) -> dict[str, str]:
    async with merchant_ctx(database, merchant) as ctx:
        key, _ = await api_key_service.create_api_key(ctx, name="Till", role="staff")
        job_id = await bulk.start(ctx, "test.kind", task="test.nothing", params={})
        file_id = await files.create(ctx, name="a.csv", media_type="text/csv", lasts=dt.timedelta(days=1), job_id=job_id)
    ids = (merchant.store.id, merchant.staff.membership_id, key.id, merchant.id, job_id, file_id, merchant.staff.id)
    return dict(zip(IDS, map(str, ids), strict=True))


def test_every_route_has_an_entry(api: Gate) -> None:
    known = {(method, path) for method, path, *_ in (*MERCHANT_ROUTES, *ADMIN_ROUTES, *SIGNED_IN_ROUTES)}
    known |= {("POST", f"/api/v1/auth/{name}") for name in OPEN_ROUTES}
    routes = {
        (method, route.path)
        for path in MODULE.routers
        for route in load_attribute(path).routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert routes == known
    documented = cast(FastAPI, api.app).openapi()["paths"]
    for method, path in routes:
        operation = documented[path][method.lower()]
        assert operation["summary"]
        assert operation["description"]
        assert operation["tags"]
        assert {"422", "503"} <= set(operation["responses"])


@pytest.mark.parametrize(("method", "path", "body"), [*[(r[0], r[1], r[3]) for r in MERCHANT_ROUTES], *ADMIN_ROUTES, *SIGNED_IN_ROUTES])
async def test_nobody_is_let_in_without_signing_in(client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None) -> None:
    ids = dict.fromkeys(IDS, str(uuid.uuid4()))
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Cookie": "orion_session=nonsense"}):
        answer = await client.request(method, filled(path, ids), json=filled(body, ids), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(("method", "path", "allowed", "body"), MERCHANT_ROUTES)
async def test_a_role_too_low_is_refused_and_changes_nothing(
    database: Database, make_client: Callable[..., httpx.AsyncClient], checksum: Any, method: str, path: str, allowed: set[str], body: Any
) -> None:
    merchant, admin = await make_merchant(database), await make_admin(database)
    ids = await ids_of(database, merchant)
    tables = ("tenancy_stores", "tenancy_memberships", "tenancy_api_keys")
    before = [await checksum(table, merchant.id) for table in tables]
    callers = [merchant.user(role) for role in sorted(ALL - allowed)] + [admin]
    for caller in callers:
        browser = make_client()
        browser.cookies.update(sign_in_cookie(caller))
        answer = await browser.request(method, filled(path, ids), json=filled(body, ids))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), caller.role
    for role in sorted(ALL - allowed):
        key = await make_api_key(database, merchant, merchant.owner, role=role)
        answer = await make_client().request(method, filled(path, ids), json=filled(body, ids), headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 403
    if not ALL - allowed:
        assert [await checksum(table, merchant.id) for table in tables] == before


@pytest.mark.parametrize(
    ("method", "path", "allowed", "body"), [route for route in MERCHANT_ROUTES if "{" in route[1] or "store_id" in str(route[3])]
)
async def test_another_merchants_ids_look_like_unknown_ones(
    database: Database, client: httpx.AsyncClient, checksum: Any, method: str, path: str, allowed: set[str], body: Any
) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    ids = await ids_of(database, other)
    tables = ("tenancy_stores", "tenancy_memberships", "tenancy_api_keys", "tenancy_sessions")
    before = [await checksum(table, other.id) for table in tables]
    client.cookies.update(sign_in_cookie(merchant.owner))
    answers = []
    for chosen in (ids, dict.fromkeys(ids, str(uuid.uuid4()))):
        answer = await client.request(method, filled(path, chosen), json=filled(body, chosen))
        answers.append((answer.status_code, {**answer.json(), "request_id": ""}))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert [await checksum(table, other.id) for table in tables] == before


@pytest.mark.parametrize(("method", "path", "body"), ADMIN_ROUTES)
async def test_the_admin_face_is_closed_to_merchants_and_to_admins_without_the_code(
    database: Database, make_client: Callable[..., httpx.AsyncClient], superuser: Any, method: str, path: str, body: Any
) -> None:
    merchant, waiting = await make_merchant(database), await make_admin(database)
    ids = await ids_of(database, merchant)
    for role in sorted(ALL):
        browser = make_client()
        browser.cookies.update(sign_in_cookie(merchant.user(role)))
        assert (await browser.request(method, filled(path, ids), json=body)).status_code == 403
    await superuser.execute("UPDATE tenancy_sessions SET second_factor_at = NULL WHERE id = $1", waiting.session_id)
    browser = make_client()
    browser.cookies.update(sign_in_cookie(waiting))
    answer = await browser.request(method, filled(path, ids), json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "totp_required")
    key = await make_api_key(database, merchant, merchant.owner)
    answer = await make_client().request(method, filled(path, ids), json=body, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401
    assert await superuser.fetchval("SELECT status FROM tenancy_merchants WHERE id = $1", merchant.id) == "active"


@pytest.mark.parametrize(("method", "path", "body"), [route for route in ADMIN_ROUTES if "{" in route[1]])
async def test_an_unknown_merchant_or_person_is_not_found(
    database: Database, client: httpx.AsyncClient, method: str, path: str, body: Any
) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    answer = await client.request(method, filled(path, dict.fromkeys(IDS, str(uuid.uuid4()))), json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found" if "user_id" in path else "merchant_not_found")


@pytest.mark.parametrize("extra", ["id", "merchant_id", "role_", "status", "is_platform_admin"])
async def test_a_smuggled_field_is_refused(database: Database, client: httpx.AsyncClient, extra: str) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    for method, path, _, body in MERCHANT_ROUTES:
        if body is not None:
            ids = await ids_of(database, merchant)
            answer = await client.request(method, filled(path, ids), json=filled(body, ids) | {extra: "x"})
            assert answer.status_code == 422, path
            assert answer.json()["errors"] == [{"field": extra, "message": answer.json()["errors"][0]["message"]}]
