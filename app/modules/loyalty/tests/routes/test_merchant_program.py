"""Program, rewards and settings through the merchant's API: exact answers and what is refused."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.modules.loyalty.tests.factories import MadeShop, make_card, make_settings, make_shop
from app.modules.tenancy.tests.factories import MadeMerchant, make_merchant, sign_in_cookie

BASE = "/api/v1/merchants/loyalty"
Checksum = Callable[[str, uuid.UUID], Awaitable[str]]
PROGRAM: dict[str, Any] = {
    "type": "both", "name": "Treueprogramm", "card_name": "Brotkarte", "colour": "#12654B", "is_active": True, "stamps_target": 8,
    "stamp_reward": "Ein Kaffee", "stamp_cooldown_minutes": 15, "max_stamps_per_day": 3, "points_per_euro": "0.1",
    "welcome_bonus_points": 50, "minimum_purchase_cents": 200, "minimum_redemption_points": 100, "points_expiration_days": 365,
    "reengagement_days": 90, "birthday_bonus_points": 25, "terms_text": "Eine Karte pro Person.",
    "terms_cms_page_slug": None, "owning_store_id": None,
}  # fmt: skip


async def owner_of(client: httpx.AsyncClient, database: Database, **program: Any) -> MadeShop:
    shop = await make_shop(database, **program)
    client.cookies.update(sign_in_cookie(shop.merchant.owner))
    return shop


async def merchant_without_program(client: httpx.AsyncClient, database: Database) -> MadeMerchant:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.owner))
    return merchant


async def test_a_program_is_created_read_and_changed(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await merchant_without_program(client, database)
    missing = await client.get(f"{BASE}/program")
    assert (missing.status_code, missing.json()["code"]) == (404, "program_not_found")
    created = await client.put(f"{BASE}/program", json=PROGRAM)
    assert created.status_code == 200
    answer = created.json()
    own = {name: answer.pop(name) for name in ("id", "created_at", "updated_at")}
    assert answer == PROGRAM | {"colour": "#12654b", "logo_path": None, "terms_version": 1}
    assert (await client.get(f"{BASE}/program")).json() == answer | own
    changed = await client.put(f"{BASE}/program", json=PROGRAM | {"stamps_target": 12, "terms_text": "Neu."})
    assert (changed.json()["id"], changed.json()["stamps_target"], changed.json()["terms_version"]) == (own["id"], 12, 2)
    rows = await superuser.fetch("SELECT details FROM core_audit_log WHERE merchant_id = $1 ORDER BY at", merchant.id)
    assert rows[-1]["details"] == {"changes": {"stamps_target": 12}}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"stamps_target": 0}, "stamps_target"),
        ({"stamps_target": 2**63}, "stamps_target"),
        ({"stamps_target": 10.5}, "stamps_target"),
        ({"card_name": "x" * 61}, "card_name"),
        ({"colour": "red"}, "colour"),
        ({"points_per_euro": "-1"}, "points_per_euro"),
        ({"points_per_euro": "0.00001"}, "points_per_euro"),
        ({"points_per_euro": "1e400"}, "points_per_euro"),
        ({"points_per_euro": "NaN"}, "points_per_euro"),
        ({"points_expiration_days": 29}, "points_expiration_days"),
        ({"type": "cash"}, "type"),
        ({"type": "stamps", "birthday_bonus_points": 0}, "welcome_bonus_points"),
        ({"type": "stamps", "welcome_bonus_points": 0}, "birthday_bonus_points"),
        ({"birthday_bonus_points": 1_000_001}, "birthday_bonus_points"),
        ({"terms_text": "x" * 10_001}, "terms_text"),
        ({"name": "a\u0000b"}, "name"),
    ],
)
async def test_a_wrong_program_names_the_field_and_changes_nothing(
    client: httpx.AsyncClient, database: Database, checksum: Checksum, change: dict[str, Any], field: str
) -> None:
    shop = await owner_of(client, database)
    before = await checksum("loyalty_programs", shop.merchant.id)
    answer = await client.put(f"{BASE}/program", json=PROGRAM | change)
    assert (answer.status_code, [item["field"] for item in answer.json()["errors"]]) == (422, [field])
    assert await checksum("loyalty_programs", shop.merchant.id) == before


async def test_an_unreadable_colour_is_refused_with_one_that_is_readable(client: httpx.AsyncClient, database: Database) -> None:
    await owner_of(client, database)
    answer = await client.put(f"{BASE}/program", json=PROGRAM | {"colour": "#777777"}, headers={"Accept-Language": "en"})
    body = answer.json()
    assert (answer.status_code, body["code"], body["params"]) == (422, "program_invalid", {"suggestion": "#959595"})
    [problem] = body["errors"]
    assert problem["field"] == "colour"
    assert "#959595" in problem["message"]
    assert (await client.put(f"{BASE}/program", json=PROGRAM | {"colour": "#959595"})).status_code == 200


async def test_rewards_are_added_changed_listed_and_deleted(client: httpx.AsyncClient, database: Database) -> None:
    await owner_of(client, database, minimum_redemption_points=50)
    dear = await client.post(f"{BASE}/rewards", json={"name": "Frühstück", "description": "Für zwei", "cost_points": 300})
    cheap = await client.post(f"{BASE}/rewards", json={"name": "Kaffee", "cost_points": 50, "is_active": False})
    assert (dear.status_code, cheap.status_code) == (201, 201)
    expected = {"id": dear.json()["id"], "name": "Frühstück", "description": "Für zwei", "cost_points": 300, "is_active": True}
    assert dear.json() == expected
    assert [item["name"] for item in (await client.get(f"{BASE}/rewards")).json()["items"]] == ["Kaffee", "Frühstück"]
    change = {"name": "Brunch", "description": "", "cost_points": 320, "is_active": False}
    changed = await client.put(f"{BASE}/rewards/{expected['id']}", json=change)
    assert changed.json() == change | {"id": expected["id"]}
    below = await client.post(f"{BASE}/rewards", json={"name": "Keks", "cost_points": 49})
    assert (below.status_code, [item["field"] for item in below.json()["errors"]]) == (422, ["cost_points"])
    assert (await client.delete(f"{BASE}/rewards/{expected['id']}")).status_code == 204
    assert (await client.delete(f"{BASE}/rewards/{expected['id']}")).status_code == 404
    assert [item["name"] for item in (await client.get(f"{BASE}/rewards")).json()["items"]] == ["Kaffee"]


async def test_settings_have_defaults_and_are_saved(client: httpx.AsyncClient, database: Database) -> None:
    await merchant_without_program(client, database)
    defaults = {
        "allow_cross_location_redemption": True, "pin_policy": "required", "pin_length": 6, "unlock_minutes": 5, "max_pin_attempts": 5,
        "pin_lock_minutes": 15, "void_policy": "block", "redeem_limit_points": None,
    }  # fmt: skip
    assert (await client.get(f"{BASE}/settings")).json() == defaults
    change = {
        "pin_policy": "optional", "pin_length": 4, "unlock_minutes": 0, "max_pin_attempts": 3, "pin_lock_minutes": 30,
        "void_policy": "owe", "redeem_limit_points": 500,
    }  # fmt: skip
    saved = await client.put(f"{BASE}/settings", json=change)
    assert (saved.status_code, saved.json()) == (200, change | {"allow_cross_location_redemption": True})
    assert (await client.get(f"{BASE}/settings")).json() == saved.json()
    for wrong in ({"pin_length": 5}, {"max_pin_attempts": 0}, {"unlock_minutes": -1}, {"void_policy": "maybe"}):
        assert (await client.put(f"{BASE}/settings", json=change | wrong)).status_code == 422


async def test_the_switch_says_who_holds_several_cards(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, stores=3)
    client.cookies.update(sign_in_cookie(shop.merchant.owner))
    off = await client.post(f"{BASE}/settings/cross-location", json={"allow_cross_location_redemption": False})
    assert off.json() == {"allow_cross_location_redemption": False, "people_with_several_cards": 0, "their_cards": 0}
    for store in shop.merchant.stores:
        await make_card(database, shop.merchant, store=store, email="lea@example.lu")
    await make_card(database, shop.merchant)
    on = await client.post(f"{BASE}/settings/cross-location", json={"allow_cross_location_redemption": True})
    assert on.json() == {"allow_cross_location_redemption": True, "people_with_several_cards": 1, "their_cards": 3}
    assert (await client.get(f"{BASE}/settings")).json()["allow_cross_location_redemption"] is True
    await make_settings(database, shop.merchant, cross_location=False)
    assert (await client.get(f"{BASE}/settings")).json()["allow_cross_location_redemption"] is False
