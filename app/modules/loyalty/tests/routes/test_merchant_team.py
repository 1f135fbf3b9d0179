"""Staff, PINs and terminals through the merchant's API, and pairing a device with a code."""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Callable

import asyncpg
import httpx
import pytest

from app.core import clock
from app.core.config import Settings
from app.core.db.engine import Database
from app.core.testing import application
from app.core.web.middleware import Gate
from app.modules.loyalty.tests.factories import PIN, MadeShop, make_pin, make_shop
from app.modules.tenancy.tests.factories import merchant_ctx, sign_in_cookie

BASE = "/api/v1/merchants/loyalty"
PAIR = "/api/v1/store/loyalty/terminals/pair"
Clients = Callable[..., httpx.AsyncClient]


@pytest.fixture(autouse=True)
async def forget_tries(superuser: asyncpg.Connection) -> AsyncIterator[None]:
    """Tries of codes are counted for the whole platform: what other tests typed wrong is forgotten."""
    await superuser.execute("DELETE FROM tenancy_login_counters")
    yield
    await superuser.execute("DELETE FROM tenancy_login_counters")


async def manager_of(client: httpx.AsyncClient, database: Database, *, stores: int = 1) -> MadeShop:
    shop = await make_shop(database, stores=stores)
    client.cookies.update(sign_in_cookie(shop.merchant.manager))
    return shop


async def new_code(client: httpx.AsyncClient, shop: MadeShop, name: str = "Kasse 1") -> str:
    made = await client.post(f"{BASE}/terminals/pairing-codes", json={"store_id": str(shop.merchant.store.id), "name": name})
    assert made.status_code == 201
    code: str = made.json()["code"]
    return code


async def test_staff_get_change_and_lose_a_pin(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await manager_of(client, database)
    store = shop.merchant.store
    body = {"store_id": str(store.id), "display_name": "Marie", "role": "staff", "email": "Marie@Example.lu", "pin": PIN}
    created = await client.post(f"{BASE}/pins", json=body)
    answer = created.json()
    assert created.status_code == 201
    assert answer | {"id": "", "created_at": ""} == {
        "id": "", "created_at": "", "store_id": str(store.id), "store_name": store.name, "display_name": "Marie", "role": "staff",
        "email": "marie@example.lu", "failed_attempts": 0, "locked_until": None,
    }  # fmt: skip
    stored = await superuser.fetchval("SELECT pin_hash FROM loyalty_staff_pins WHERE id = $1", uuid.UUID(answer["id"]))
    assert stored.startswith("$argon2id$")
    assert PIN not in stored
    changed = await client.put(f"{BASE}/pins/{answer['id']}", json={"display_name": "Marie T.", "role": "manager"})
    assert (changed.json()["display_name"], changed.json()["role"], changed.json()["email"]) == ("Marie T.", "manager", None)
    assert await superuser.fetchval("SELECT pin_hash FROM loyalty_staff_pins WHERE id = $1", uuid.UUID(answer["id"])) == stored
    assert (await client.get(f"{BASE}/pins")).json() == {"items": [changed.json()]}
    assert (await client.delete(f"{BASE}/pins/{answer['id']}")).status_code == 204
    assert (await client.get(f"{BASE}/pins", params={"store_id": str(store.id)})).json() == {"items": []}
    for call in (client.delete(f"{BASE}/pins/{answer['id']}"), client.post(f"{BASE}/pins/{answer['id']}/unlock")):
        assert (await call).status_code == 404


@pytest.mark.parametrize("pin", ["123456", "111111", "010190", "7392"])
async def test_weak_pins_are_refused(client: httpx.AsyncClient, database: Database, pin: str) -> None:
    shop = await manager_of(client, database)
    body = {"store_id": str(shop.merchant.store.id), "display_name": "Marie", "pin": pin}
    answer = await client.post(f"{BASE}/pins", json=body)
    assert (answer.status_code, [item["field"] for item in answer.json()["errors"]]) == (422, ["pin"])
    assert (await client.get(f"{BASE}/pins")).json() == {"items": []}


async def test_a_manager_unlocks_a_pin(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await manager_of(client, database)
    pin = await make_pin(database, shop.merchant)
    until = clock.now() + dt.timedelta(minutes=15)
    await superuser.execute("UPDATE loyalty_staff_pins SET failed_attempts = 5, locked_until = $2 WHERE id = $1", pin.id, until)
    answer = await client.post(f"{BASE}/pins/{pin.id}/unlock")
    assert (answer.status_code, answer.json()["failed_attempts"], answer.json()["locked_until"]) == (200, 0, None)


async def test_a_device_is_paired_seen_renamed_and_revoked(
    client: httpx.AsyncClient, make_client: Clients, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await manager_of(client, database)
    code = await new_code(client, shop, "Kasse 1")
    [row] = await superuser.fetch("SELECT * FROM loyalty_pairing_codes WHERE merchant_id = $1", shop.merchant.id)
    assert row["expires_at"] - row["created_at"] == dt.timedelta(minutes=10)
    assert code.replace("-", "").encode() not in row["code_hash"]
    assert len(row["code_hash"]) == 32
    device = make_client()
    assert (await device.get("/api/v1/store/loyalty/program")).status_code == 401
    paired = await device.post(PAIR, json={"code": f" {code.lower()} "})
    assert (paired.status_code, paired.json()) == (201, {"name": "Kasse 1"})
    cookie = paired.headers["set-cookie"]
    assert cookie.startswith("orion_terminal=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    program = await device.get("/api/v1/store/loyalty/program")
    assert (program.status_code, program.json()["card_name"]) == (200, "Brotkarte")
    [terminal] = (await client.get(f"{BASE}/terminals")).json()["items"]
    assert (terminal["name"], terminal["store_name"]) == ("Kasse 1", shop.merchant.store.name)
    assert terminal["last_seen_at"] == terminal["paired_at"]
    renamed = await client.patch(f"{BASE}/terminals/{terminal['id']}", json={"name": "Theke"})
    assert renamed.json() == terminal | {"name": "Theke"}
    assert (await client.delete(f"{BASE}/terminals/{terminal['id']}")).status_code == 204
    assert (await device.get("/api/v1/store/loyalty/program")).status_code == 401
    assert (await client.get(f"{BASE}/terminals")).json() == {"items": []}
    assert (await client.delete(f"{BASE}/terminals/{terminal['id']}")).status_code == 404
    actions = await superuser.fetch(
        "SELECT action FROM core_audit_log WHERE merchant_id = $1 AND action LIKE 'loyalty.terminal%' ORDER BY at, id", shop.merchant.id
    )
    assert [row["action"].rpartition(".")[2] for row in actions] == ["code_created", "paired", "renamed", "revoked"]


async def test_a_code_works_once_also_for_rivals(client: httpx.AsyncClient, make_client: Clients, database: Database) -> None:
    shop = await manager_of(client, database)
    code = await new_code(client, shop)
    answers = await asyncio.gather(*(make_client().post(PAIR, json={"code": code}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 410, 410, 410, 410]
    assert len((await client.get(f"{BASE}/terminals")).json()["items"]) == 1


async def test_unknown_used_and_expired_codes_are_refused_alike(
    client: httpx.AsyncClient, make_client: Clients, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await manager_of(client, database)
    device = make_client()
    used, expired = await new_code(client, shop), await new_code(client, shop)
    assert (await device.post(PAIR, json={"code": used})).status_code == 201
    await superuser.execute(
        "UPDATE loyalty_pairing_codes SET expires_at = $2 WHERE merchant_id = $1 AND used_at IS NULL", shop.merchant.id, clock.now()
    )
    answers = [(await make_client().post(PAIR, json={"code": code})) for code in (used, expired, "CDFG-2345", "not a code", "é" * 40)]
    assert {answer.status_code for answer in answers} == {410}
    assert len({str(answer.json() | {"request_id": ""}) for answer in answers}) == 1
    assert answers[0].json()["code"] == "pairing_code_invalid"
    assert all("set-cookie" not in answer.headers for answer in answers)


async def test_after_ten_wrong_codes_the_right_one_is_refused_as_well(
    client: httpx.AsyncClient, make_client: Clients, database: Database
) -> None:
    shop = await manager_of(client, database)
    code = await new_code(client, shop)
    guesser = make_client(address="192.0.2.7")
    wrong = [(await guesser.post(PAIR, json={"code": "CDFG-2345"})).status_code for _ in range(10)]
    assert wrong == [410] * 10
    locked = await guesser.post(PAIR, json={"code": "CDFG-2345"})
    right = await guesser.post(PAIR, json={"code": code})
    assert (locked.status_code, right.status_code) == (429, 429)
    assert locked.json()["code"] == right.json()["code"] == "sign_in_locked"
    assert 1 <= int(right.headers["retry-after"]) <= 15 * 60
    assert (await make_client(address="192.0.2.8").post(PAIR, json={"code": code})).status_code == 201


async def test_the_right_codes_do_not_count(client: httpx.AsyncClient, make_client: Clients, database: Database) -> None:
    shop = await manager_of(client, database)
    device = make_client(address="192.0.2.9")
    paired = [(await device.post(PAIR, json={"code": await new_code(client, shop)})).status_code for _ in range(12)]
    assert paired == [201] * 12


async def test_pairing_is_limited_per_address(settings: Settings) -> None:
    limited = settings.model_copy(update={"rate_limits_enabled": True})
    async with application.running(application.make_app(limited)) as gate:
        assert isinstance(gate, Gate)
        async with application.make_client(gate, address="192.0.2.10") as device:
            answers = [(await device.post(PAIR, json={"code": "CDFG-2345"})) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [410] * 10 + [429]
    assert answers[-1].json()["code"] == "rate_limited"


async def test_a_smuggled_field_pairs_nothing(client: httpx.AsyncClient, make_client: Clients, database: Database) -> None:
    shop = await manager_of(client, database)
    code = await new_code(client, shop)
    device = make_client()
    answer = await device.post(PAIR, json={"code": code, "merchant_id": str(uuid.uuid4())})
    assert (answer.status_code, [item["field"] for item in answer.json()["errors"]]) == (422, ["merchant_id"])
    assert (await device.post(PAIR, json={"code": code})).status_code == 201
    async with merchant_ctx(database, shop.merchant) as ctx:
        assert await ctx.conn.fetchval("SELECT count(*) FROM loyalty_terminals") == 1
