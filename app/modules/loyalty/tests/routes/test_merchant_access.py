"""Who may what on the merchant's face: every route without sign-in, with a lower role, with a foreign id, with a smuggled field."""

import dataclasses
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core.db.engine import Database
from app.modules.loyalty.routes.api._merchant import cards, home, merging, program, team, trash
from app.modules.loyalty.tests.factories import MadeCard, make_card, make_pin, make_reward, make_shop, make_terminal
from app.modules.loyalty.tests.pictures import encode, make_png
from app.modules.tenancy.tests.factories import MadeMerchant, MadeUser, make_member, sign_in_cookie

BASE = "/api/v1/merchants/loyalty"
TABLES = (
    "loyalty_programs", "loyalty_rewards", "loyalty_merchant_settings", "loyalty_staff_pins", "loyalty_terminals", "loyalty_cards",
    "loyalty_transactions", "loyalty_merge_runs", "loyalty_pairing_codes", "loyalty_logos",
)  # fmt: skip
Clients = Callable[..., httpx.AsyncClient]
Checksum = Callable[[str, uuid.UUID], Awaitable[str]]

PROGRAM = {"type": "both", "name": "Neu", "card_name": "Karte", "colour": "#12654b"}
SETTINGS = {
    "pin_policy": "off", "pin_length": 4, "unlock_minutes": 0, "max_pin_attempts": 3, "pin_lock_minutes": 1, "void_policy": "owe",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One route: method, path with names of things in braces, body, and the lowest role that may."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    lowest: str = "manager"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


CALLS = (
    Call("GET", "/program", lowest="staff"),
    Call("PUT", "/program", PROGRAM),
    Call("PUT", "/program/logo", {"content": encode(make_png())}),
    Call("DELETE", "/program/logo"),
    Call("GET", "/rewards", lowest="staff"),
    Call("POST", "/rewards", {"name": "Kuchen", "cost_points": 50}),
    Call("PUT", "/rewards/{reward_id}", {"name": "Kuchen", "cost_points": 50}),
    Call("DELETE", "/rewards/{reward_id}"),
    Call("GET", "/settings"),
    Call("PUT", "/settings", SETTINGS),
    Call("POST", "/settings/cross-location", {"allow_cross_location_redemption": False}),
    Call("GET", "/pins"),
    Call("POST", "/pins", {"store_id": "{store_id}", "display_name": "Marie", "pin": "739205"}),
    Call("PUT", "/pins/{pin_id}", {"display_name": "Marie", "role": "manager"}),
    Call("DELETE", "/pins/{pin_id}"),
    Call("POST", "/pins/{pin_id}/unlock"),
    Call("GET", "/terminals"),
    Call("POST", "/terminals/pairing-codes", {"store_id": "{store_id}", "name": "Kasse 9"}),
    Call("PATCH", "/terminals/{terminal_id}", {"name": "Kasse 9"}),
    Call("DELETE", "/terminals/{terminal_id}"),
    Call("GET", "/cards", lowest="staff"),
    Call("GET", "/cards/{card_id}", lowest="staff"),
    Call("GET", "/cards/{card_id}/history", lowest="staff"),
    Call("POST", "/cards/{card_id}/adjust", {"points": 5, "reason": "Forgotten receipt"}),
    Call("POST", "/cards/{card_id}/void", {"transaction_id": "{transaction_id}"}),
    Call("POST", "/cards/{card_id}/deactivate", {"reason": "Lost card"}),
    Call("POST", "/cards/{card_id}/activate", {"reason": "Found card"}),
    Call("POST", "/cards/restore", {"ids": ["0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e"]}),
    Call("POST", "/cards/{card_id}/trash", {"reason": "Enrolled twice"}),
    Call("POST", "/cards/{card_id}/restore"),
    Call("POST", "/cards/{card_id}/purge", {"confirmation": "1234"}, lowest="owner"),
    Call("GET", "/programs"),
    Call("POST", "/programs/{program_id}/trash", {"reason": "Season is over"}, lowest="owner"),
    Call("POST", "/programs/{program_id}/restore", lowest="owner"),
    Call("POST", "/programs/{program_id}/purge", {"confirmation": "Treueprogramm"}, lowest="owner"),
    Call("GET", "/merges"),
    Call("GET", "/merges/preview"),
    Call("POST", "/merges", {"customer_id": "{customer_id}"}),
    Call("GET", "/merges/{merge_id}"),
    Call("GET", "/overview"),
)
WITH_IDS = [call for call in CALLS if "{" in call.path or '"{' in json.dumps(call.body)]
WITH_BODY = [call for call in CALLS if call.body is not None]


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A merchant with one of everything."""

    merchant: MadeMerchant
    card: MadeCard
    ids: dict[str, str]


async def make_place(database: Database) -> Place:
    """A merchant with a program, a reward, staff, a terminal, and a card with a stamp."""
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant, stamps=1)
    reward = await make_reward(database, shop.merchant)
    pin, terminal = await make_pin(database, shop.merchant), await make_terminal(database, shop.merchant)
    ids = {
        "reward_id": reward.id, "store_id": shop.merchant.store.id, "pin_id": pin.id, "terminal_id": terminal.id, "card_id": card.id,
        "program_id": shop.program.id, "customer_id": card.customer_id, "transaction_id": uuid.uuid4(), "merge_id": uuid.uuid4(),
    }  # fmt: skip
    return Place(shop.merchant, card, {name: str(value) for name, value in ids.items()})


def filled(text: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        text = text.replace("{" + name + "}", value)
    return text


async def send(client: httpx.AsyncClient, call: Call, ids: dict[str, str], **extra: Any) -> httpx.Response:
    body = None if call.body is None else json.loads(filled(json.dumps(call.body | extra), ids))
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    return await client.request(call.method, BASE + filled(call.path, ids), json=body, headers=headers)


def signed_in(clients: Clients, user: MadeUser) -> httpx.AsyncClient:
    client = clients()
    client.cookies.update(sign_in_cookie(user))
    return client


async def checksums(checksum: Checksum, merchant: MadeMerchant) -> list[str]:
    return [await checksum(table, merchant.id) for table in TABLES]


def test_every_route_of_these_parts_is_in_the_table() -> None:
    """All others meet the same in tests/security, which are generated from the routes."""
    app = FastAPI()
    for part in (program, cards, home, team, merging, trash):
        app.include_router(part.router)
    paths = app.openapi()["paths"]
    routes = {(method.upper(), path.removeprefix(BASE)) for path, operations in paths.items() for method in operations}
    assert routes == {(call.method, call.path) for call in CALLS}


async def test_nobody_without_signing_in(client: httpx.AsyncClient) -> None:
    ids = {name: str(uuid.uuid4()) for name in ("reward_id", "store_id", "pin_id", "terminal_id", "card_id", "customer_id", "merge_id")}
    answers = {str(call): (await send(client, call, ids | {"transaction_id": str(uuid.uuid4())})).status_code for call in CALLS}
    assert answers == {str(call): 401 for call in CALLS}


async def test_staff_read_cards_and_the_program_and_nothing_else(database: Database, make_client: Clients, checksum: Checksum) -> None:
    place = await make_place(database)
    client = signed_in(make_client, place.merchant.staff)
    before = await checksums(checksum, place.merchant)
    answers = {str(call): (await send(client, call, place.ids)).status_code for call in CALLS}
    assert answers == {str(call): 200 if call.lowest == "staff" else 403 for call in CALLS}
    assert await checksums(checksum, place.merchant) == before


@pytest.mark.parametrize("call", WITH_IDS, ids=str)
async def test_another_merchant_s_id_is_like_an_unknown_one(
    database: Database, make_client: Clients, checksum: Checksum, call: Call
) -> None:
    own, other = await make_place(database), await make_place(database)
    client = signed_in(make_client, own.merchant.owner)
    before = await checksums(checksum, other.merchant), await checksums(checksum, own.merchant)
    foreign = await send(client, call, other.ids)
    unknown = await send(client, call, {name: str(uuid.uuid4()) for name in other.ids})
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    assert (await checksums(checksum, other.merchant), await checksums(checksum, own.merchant)) == before


async def test_a_filter_by_another_merchant_s_store_is_like_an_unknown_one(database: Database, make_client: Clients) -> None:
    own, other = await make_place(database), await make_place(database)
    client = signed_in(make_client, own.merchant.owner)
    for path in ("/cards", "/pins"):
        foreign = await client.get(BASE + path, params={"store_id": other.ids["store_id"]})
        unknown = await client.get(BASE + path, params={"store_id": str(uuid.uuid4())})
        assert (foreign.status_code, foreign.json() | {"request_id": ""}) == (404, unknown.json() | {"request_id": ""})


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
async def test_smuggled_fields_are_refused_and_nothing_changes(
    database: Database, make_client: Clients, checksum: Checksum, call: Call
) -> None:
    place = await make_place(database)
    client = signed_in(make_client, place.merchant.owner)
    before = await checksums(checksum, place.merchant)
    extras = {"merchant_id": str(uuid.uuid4()), "points_balance": 9, "terms_version": 9, "id": str(uuid.uuid4())}
    answer = await send(client, call, place.ids, **extras)
    assert answer.status_code == 422
    assert {item["field"] for item in answer.json()["errors"]} == set(extras)
    assert await checksums(checksum, place.merchant) == before


async def test_who_is_bound_to_a_store_manages_that_store_s_staff_and_terminals(database: Database, make_client: Clients) -> None:
    shop = await make_shop(database, stores=2, cross_location=False)
    first, second = shop.merchant.stores
    bound = await make_member(database, shop.merchant, role="manager", store_id=second.id, bound=True)
    client = signed_in(make_client, bound)
    here, there = await make_pin(database, shop.merchant, store=second), await make_pin(database, shop.merchant, store=first)
    own, foreign = await make_terminal(database, shop.merchant, store=second), await make_terminal(database, shop.merchant, store=first)
    card, far = await make_card(database, shop.merchant, store=second), await make_card(database, shop.merchant, store=first, stamps=1)
    assert [item["id"] for item in (await client.get(f"{BASE}/pins")).json()["items"]] == [str(here.id)]
    assert [item["id"] for item in (await client.get(f"{BASE}/terminals")).json()["items"]] == [str(own.id)]
    assert [item["id"] for item in (await client.get(f"{BASE}/cards")).json()["items"]] == [str(card.id)]
    ids = {
        "pin_id": str(there.id), "terminal_id": str(foreign.id), "store_id": str(first.id), "card_id": str(far.id),
        "transaction_id": str(uuid.uuid4()),
    }  # fmt: skip
    kinds = ("/pins/", "/terminals/", "/cards/")
    calls = [call for call in WITH_IDS if call.path.startswith(kinds) or "{store_id}" in json.dumps(call.body)]
    calls = [call for call in calls if call.lowest != "owner"]  # 403, whatever the card
    answers = {str(call): (await send(client, call, ids)).status_code for call in calls}
    assert answers == {str(call): 404 for call in calls}
    assert (await client.get(f"{BASE}/cards", params={"store_id": str(first.id)})).status_code == 404
    assert (await client.get(f"{BASE}/cards", params={"q": far.email})).json()["items"] == []


FOR_THE_WHOLE_BUSINESS = [
    call
    for call in CALLS
    if call.lowest == "manager" and (call.path.startswith(("/program", "/rewards", "/merges")) or call.path.startswith("/settings/"))
] + [call for call in CALLS if str(call) == "PUT /settings"]


async def test_who_is_bound_to_one_store_changes_nothing_for_the_others(
    make_client: Clients, database: Database, checksum: Checksum
) -> None:
    """Program, rewards, settings and merges are the whole business's; a manager of one store reads them and manages that store."""
    place = await make_place(database)
    bound = await make_member(database, place.merchant, role="manager", bound=True)
    client = signed_in(make_client, bound)
    before = [await checksum(table, place.merchant.id) for table in TABLES]
    refused = [(str(call), (await send(client, call, place.ids)).status_code) for call in FOR_THE_WHOLE_BUSINESS]
    assert refused == [(str(call), 403) for call in FOR_THE_WHOLE_BUSINESS]
    assert len(refused) == 13
    assert [await checksum(table, place.merchant.id) for table in TABLES] == before
    for path in ("/program", "/rewards", "/settings", "/pins", "/cards"):
        assert (await client.get(BASE + path)).status_code == 200, path
    pages = {path: (await client.get(path, headers={"Accept": "text/html"})) for path in ("/merchants/staff", "/merchants/program")}
    assert [answer.status_code for answer in pages.values()] == [200, 403]
    assert "/merchants/settings" not in pages["/merchants/staff"].text
