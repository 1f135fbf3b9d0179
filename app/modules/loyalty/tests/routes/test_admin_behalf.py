"""The platform's admin acts for a merchant (G6): through the API, and in the merchant's own panel."""

import uuid
from collections.abc import Awaitable, Callable

import asyncpg
import httpx
import pytest

from app.core.config import Settings
from app.core.db.engine import Database
from app.core.modules import load_modules
from app.core.web.app import build_api
from app.core.web.openapi import list_routes
from app.modules.loyalty.tests.factories import MadeShop, make_card, make_shop
from app.modules.tenancy.tests.factories import MadeUser, make_admin, sign_in_cookie

NAMED = """
SELECT action, acting_admin_id FROM core_audit_log WHERE merchant_id = $1 AND acting_admin_id IS NOT NULL ORDER BY at
"""
Worker = Callable[..., Awaitable[list[str]]]
Checksum = Callable[[str, uuid.UUID], Awaitable[str]]


def base(shop: MadeShop) -> str:
    return f"/api/v1/admin/loyalty/merchants/{shop.merchant.id}"


def keyed() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


async def admin_of(client: httpx.AsyncClient, database: Database) -> MadeUser:
    admin = await make_admin(database)
    client.cookies.update(sign_in_cookie(admin))
    return admin


def test_everything_that_a_merchant_can_do_is_there_for_the_admin() -> None:
    routes = list(list_routes(build_api(Settings(env="test"), load_modules())))
    own = "/api/v1/merchants/loyalty"
    merchants = {(r.method, r.path.removeprefix(own)) for r in routes if r.path.startswith(f"{own}/")}
    prefix = "/api/v1/admin/loyalty/merchants/{merchant_id}"
    admins = [(r.method, r.path.removeprefix(prefix)) for r in routes if r.path.startswith(f"{prefix}/")]
    assert len(admins) == len(set(admins))
    assert merchants <= set(admins)
    assert {r.access.face for r in routes if r.access and r.path == f"{prefix}/cards/bulk/bonus"} == {"behalf"}


async def test_what_is_done_for_a_merchant_names_the_admin(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, worker_once: Worker
) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant)
    admin = await admin_of(client, database)
    read = await client.get(f"{base(shop)}/cards/{card.id}")
    assert (read.status_code, read.json()["id"]) == (200, str(card.id))
    changed = await client.post(f"{base(shop)}/cards/{card.id}/adjust", json={"points": 30, "reason": "Asked by mail"}, headers=keyed())
    assert (changed.status_code, changed.json()["card"]["points_balance"]) == (200, 30)
    off = await client.post(f"{base(shop)}/cards/{card.id}/deactivate", json={"reason": "Lost"})
    assert (off.status_code, off.json()["status"]) == (200, "deactivated")
    await client.post(f"{base(shop)}/cards/{card.id}/activate", json={"reason": "Found"})
    body = {"card_ids": [str(card.id)], "points": 5, "reason": "Hello"}
    started = await client.post(f"{base(shop)}/cards/bulk/bonus", json=body, headers=keyed())
    assert started.status_code == 202
    await worker_once(merchant_id=shop.merchant.id)
    rows = await superuser.fetch(
        "SELECT type, points_delta, user_id, acting_admin_id FROM loyalty_transactions WHERE card_id = $1 ORDER BY id", card.id
    )
    assert [tuple(row) for row in rows] == [("admin_adjustment", 30, admin.id, admin.id), ("bonus_granted", 5, admin.id, admin.id)]
    entries = await superuser.fetch(NAMED, shop.merchant.id)
    assert [tuple(entry) for entry in entries] == [
        ("loyalty.points.adjusted", admin.id),
        ("loyalty.card.deactivated", admin.id),
        ("loyalty.card.activated", admin.id),
        ("loyalty.card.bulk_bonus", admin.id),
    ]


async def test_within_one_merchant_the_others_cards_are_unknown(client: httpx.AsyncClient, database: Database, checksum: Checksum) -> None:
    shop, other = await make_shop(database), await make_shop(database)
    card = await make_card(database, other.merchant)
    await admin_of(client, database)
    before = await checksum("loyalty_cards", other.merchant.id)
    for merchant_id in (shop.merchant.id, uuid.uuid4()):
        path = f"/api/v1/admin/loyalty/merchants/{merchant_id}/cards/{card.id}/deactivate"
        assert (await client.post(path, json={"reason": "Lost"})).status_code == 404
    assert (await client.get("/api/v1/admin/loyalty/merchants/nothing/program")).status_code in (404, 422)
    assert await checksum("loyalty_cards", other.merchant.id) == before


async def test_a_suspended_merchant_is_closed_to_the_admin_too(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    await admin_of(client, database)
    await superuser.execute("UPDATE tenancy_merchants SET status = 'suspended' WHERE id = $1", shop.merchant.id)
    for method, path in (("GET", f"{base(shop)}/program"), ("POST", f"/api/v1/admin/tenancy/merchants/{shop.merchant.id}/enter")):
        assert (await client.request(method, path)).status_code == 403


@pytest.mark.parametrize("role", ["owner", "manager", "staff"])
async def test_nobody_of_a_merchant_gets_in_there(client: httpx.AsyncClient, database: Database, role: str) -> None:
    shop = await make_shop(database)
    client.cookies.update(sign_in_cookie(shop.merchant.user(role)))
    assert (await client.get(f"{base(shop)}/program")).status_code == 403
    assert (await client.post(f"/api/v1/admin/tenancy/merchants/{shop.merchant.id}/enter")).status_code == 403


async def test_the_admin_enters_the_panel_and_leaves_it(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop, other = await make_shop(database), await make_shop(database)
    admin = await admin_of(client, database)
    assert (await client.get("/merchants/cards")).status_code == 403
    assert (await client.post(f"/api/v1/admin/tenancy/merchants/{shop.merchant.id}/enter")).status_code == 204
    for path in ("/merchants", "/merchants/cards", "/merchants/staff/slips", "/merchants/settings"):
        page = await client.get(f"{path}?lang=en")
        assert page.status_code == 200
        assert f"You act as the platform’s admin for {shop.merchant.name}." in page.text, path
    assert (await client.get("/admin/merchants")).status_code == 200  # the admin's own panel stays open, without the banner
    assert "You act as" not in (await client.get("/admin/merchants")).text
    for method, path in (("GET", "/api/v1/merchants/tenancy/api-keys"), ("GET", "/merchants/keys"), ("GET", "/api/v1/store/loyalty/home")):
        assert (await client.request(method, path)).status_code in (403, 404), path
    profile = await client.get("/api/v1/merchants/tenancy/profile")
    assert profile.json()["id"] == str(shop.merchant.id)
    # Another merchant ends the first one's.
    assert (await client.post(f"/api/v1/admin/tenancy/merchants/{other.merchant.id}/enter")).status_code == 204
    assert (await client.get("/api/v1/merchants/tenancy/profile")).json()["id"] == str(other.merchant.id)
    for _ in range(2):
        assert (await client.post("/api/v1/admin/tenancy/leave")).status_code == 204
    assert (await client.get("/merchants/cards")).status_code == 403
    trail = "SELECT action FROM core_audit_log WHERE merchant_id = $1 AND acting_admin_id = $2 ORDER BY at"
    for merchant in (shop.merchant, other.merchant):
        actions = [row["action"] for row in await superuser.fetch(trail, merchant.id, admin.id)]
        assert actions == ["tenancy.merchant.entered", "tenancy.merchant.left"]


async def test_who_is_no_admin_any_more_is_out_at_once(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    admin = await admin_of(client, database)
    await client.post(f"/api/v1/admin/tenancy/merchants/{shop.merchant.id}/enter")
    assert (await client.get("/merchants/cards")).status_code == 200
    await superuser.execute("UPDATE tenancy_users SET is_platform_admin = false WHERE id = $1", admin.id)
    assert (await client.get("/merchants/cards")).status_code == 403
    assert (await client.get(f"{base(shop)}/program")).status_code == 403
