"""Who may call what, for every route there is (reliability.md, cases 33, 34 and 36; requirements G9 and I2)."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core import permissions
from app.core.db.engine import Database
from app.modules.loyalty.tests.counter import STAFF_PIN
from app.modules.tenancy.tests.factories import make_merchant
from tests.security.conftest import World
from tests.security.routes import WITHOUT_ACCESS, ApiRoute, all_routes, api_routes

Checksum = Callable[[str, uuid.UUID], Awaitable[str]]

TENANT_FACES = ("merchant", "behalf", "store", "storefront", "account")
"""On these faces every id belongs to a merchant. The admin's face sees all merchants, so nothing is foreign to it."""

WITH_IDS = [pytest.param(route, id=route.name) for route in api_routes() if route.id_names and route.access.face in TENANT_FACES]
WITH_PIN = [pytest.param(route, id=route.name) for route in api_routes() if route.takes_pin]
WITH_BODY = [pytest.param(route, id=route.name) for route in api_routes() if route.body is not None and not route.is_open]
OPEN_BODIES = ["POST /api/v1/webhooks/mail/postmark"]
"""Documents of others, who may add to them; what we do not know in them is not looked at."""

CALLERS = ("nobody", "customer", "terminal", "staff", "manager", "owner", "admin")
SIGNED_IN: dict[str, dict[str, str]] = {
    # Which callers a face knows at all, and in which role; for everybody else nobody is signed in.
    "admin": {"admin": "admin", "owner": "owner", "manager": "manager", "staff": "staff"},
    "behalf": {"admin": "owner", "owner": "none", "manager": "none", "staff": "none"},
    "merchant": {"owner": "owner", "manager": "manager", "staff": "staff", "admin": "none"},
    "store": {"terminal": "staff", "owner": "owner", "manager": "manager", "staff": "staff", "admin": "none"},
    "storefront": {"customer": "customer"},
    "account": {"owner": "owner", "manager": "manager", "staff": "staff", "admin": "admin"},
    "public": {},
}
REFUSED = {(401, "unauthenticated"), (403, "forbidden")}
PROTECTED = (
    "loyalty_cards", "loyalty_transactions", "loyalty_programs", "loyalty_rewards", "loyalty_staff_pins", "loyalty_terminals",
    "loyalty_merchant_settings", "loyalty_merge_runs", "loyalty_logos", "loyalty_imports", "customers", "customer_consents", "erasure_log",
    "tenancy_stores",
    "tenancy_memberships", "tenancy_api_keys", "email_template_overrides", "email_suppressions", "email_opt_outs",
    "cms_pages", "cms_page_drafts", "cms_page_versions",
)  # fmt: skip


async def send(
    client: httpx.AsyncClient, route: ApiRoute, ids: dict[str, str], cookies: dict[str, str], body: dict[str, Any] | None
) -> httpx.Response:
    """Call `route` with `ids` and `cookies`, with a fresh key where one is wanted."""
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
    if route.is_idempotent:
        headers["Idempotency-Key"] = uuid.uuid4().hex
    return await client.request(route.method, route.url(ids), json=body, headers=headers)


def test_every_route_declares_its_access() -> None:
    declared, _ = all_routes()
    assert [item.path for item in declared if item.access is None and item.path not in WITHOUT_ACCESS] == []


def test_every_permission_is_known() -> None:
    declared, _ = all_routes()
    for item in declared:
        if item.access is not None:
            assert permissions.roles_for(item.access.permission), item.path


def test_every_operation_is_described() -> None:
    _, schema = all_routes()
    missing = [
        f"{method} {path}: {part}"
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
        for part in ("summary", "description", "tags")
        if not operation.get(part)
    ]
    missing += [f"{route.name}: example of its body" for route in api_routes() if not route.has_examples]
    assert missing == []


def cookies_at(route: ApiRoute, world: World) -> dict[str, str]:
    """Return the cookies of somebody of A, or the platform's admin, who may use `route`."""
    face = route.access.face
    return (
        world.admin if face in ("admin", "behalf") else world.a.cookies[{"store": "terminal", "storefront": "customer"}.get(face, "owner")]
    )


def role_at(route: ApiRoute, caller: str) -> str:
    """Return the role in which a route's face knows `caller`."""
    return SIGNED_IN[route.access.face].get(caller, "public")


UNINVITED = [
    pytest.param(route, caller, id=f"{caller} {route.name}")
    for route in api_routes()
    for caller in CALLERS
    if not permissions.is_allowed(route.access.permission, role_at(route, caller))
]


@pytest.mark.parametrize(("route", "caller"), UNINVITED)
async def test_only_the_right_callers_get_in(client: httpx.AsyncClient, world: World, route: ApiRoute, caller: str) -> None:
    """Case 34: without a token, with another face's, with a role too low. (The right caller is tested with the route's behaviour.)"""
    role = role_at(route, caller)
    cookies = {"nobody": {}, "admin": world.admin}[caller] if caller in ("nobody", "admin") else world.a.cookies[caller]
    answer = await send(client, route, {"store_code": world.a.ids["store_code"]}, cookies, route.body_with({}))
    assert (answer.status_code, answer.json()["code"]) in REFUSED, answer.text
    assert answer.status_code == (401 if role == "public" else 403)
    assert answer.headers["content-type"] == "application/problem+json"


async def send_with_pin(
    client: httpx.AsyncClient, world: World, route: ApiRoute, ids: dict[str, str], cookies: dict[str, str]
) -> httpx.Response:
    """Call `route` with A's manager's PIN where its body takes one: the id alone shall be what is refused."""
    body = route.body_with(ids)
    if body is not None and route.takes_pin:
        body["pin"] = world.a.shop.counter.manager_proof()
    return await send(client, route, ids, cookies, body)


def test_every_id_that_routes_use_exists_in_the_tested_world(world: World) -> None:
    """A route with an id of a new name would otherwise be tested with random ids only."""
    used = {name for route in api_routes() if route.access.face in TENANT_FACES for name in route.id_names}
    assert sorted(used - world.b.ids.keys()) == []


@pytest.mark.parametrize("route", WITH_IDS)
async def test_another_merchants_ids_are_unknown(client: httpx.AsyncClient, world: World, checksum: Checksum, route: ApiRoute) -> None:
    """Case 33: one foreign id at a time among own ones answers 404, as a random id does, and changes nothing there."""
    before = [await checksum(table, world.b.shop.id) for table in PROTECTED]
    cookies = cookies_at(route, world)
    # An admin may act for any merchant, but within the one of the path the others' things are unknown.
    for name in [name for name in route.id_names if (route.access.face, name) != ("behalf", "merchant_id")]:
        foreign = await send_with_pin(client, world, route, own_ids(world, route) | {name: world.b.ids[name]}, cookies)
        unknown = await send_with_pin(client, world, route, own_ids(world, route) | {name: str(uuid.uuid4())}, cookies)
        assert foreign.status_code == 404, f"{name}: {foreign.text}"
        assert foreign.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    assert [await checksum(table, world.b.shop.id) for table in PROTECTED] == before


def own_ids(world: World, route: ApiRoute) -> dict[str, str]:
    """Return A's ids; optional ids of a query are left out until it is their turn."""
    return {name: value for name, value in world.a.ids.items() if name not in route.query_ids}


@pytest.mark.parametrize("route", WITH_PIN)
async def test_another_merchants_staff_are_unknown_at_the_counter(
    client: httpx.AsyncClient, world: World, checksum: Checksum, route: ApiRoute
) -> None:
    """Case 33, for the id inside a typed PIN: B's manager, with B's right digits, is nobody at A's terminal."""
    before = [await checksum(table, world.b.shop.id) for table in PROTECTED]
    answers = []
    for pin_id in (world.b.ids["pin_id"], str(uuid.uuid4())):
        body = (route.body_with(world.a.ids) or {}) | {"pin": {"pin_id": pin_id, "pin": STAFF_PIN}}
        answers.append(await send(client, route, world.a.ids, world.a.cookies["terminal"], body))
    foreign, unknown = answers
    assert (foreign.status_code, foreign.json()["code"]) == (404, "pin_not_found"), foreign.text
    assert foreign.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    assert [await checksum(table, world.b.shop.id) for table in PROTECTED] == before


def test_only_documents_of_others_may_hold_unknown_fields() -> None:
    assert [route.name for route in api_routes() if route.is_open] == OPEN_BODIES


@pytest.mark.parametrize("route", WITH_BODY)
async def test_unknown_fields_are_refused(client: httpx.AsyncClient, world: World, checksum: Checksum, route: ApiRoute) -> None:
    """Case 36: nobody smuggles a role, a balance or another merchant into a body."""
    cookies = cookies_at(route, world)
    before = [await checksum(table, world.a.shop.id) for table in PROTECTED]
    for field, value in {
        "merchant_id": world.b.ids["merchant_id"],
        "points_balance": 5,
        "role": "owner",
        "id": world.b.ids["card_id"],
    }.items():
        body = route.body_with(world.a.ids) or {}
        if field in body:
            continue
        answer = await send(client, route, world.a.ids, cookies, body | {field: value})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text
        assert field in [item["field"] for item in answer.json()["errors"]]
    assert [await checksum(table, world.a.shop.id) for table in PROTECTED] == before


async def test_a_suspended_merchants_people_are_shut_out(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    """Rights are read on every request: a session that worked a moment ago does not any more."""
    merchant = await make_merchant(database)
    cookie = {"Cookie": f"orion_session={merchant.owner.token}"}
    assert (await client.get("/api/v1/merchants/tenancy/profile", headers=cookie)).status_code == 200
    await superuser.execute("UPDATE tenancy_merchants SET status = 'suspended' WHERE id = $1", merchant.id)
    answer = await client.get("/api/v1/merchants/tenancy/profile", headers=cookie)
    assert answer.status_code == 403
