"""Customers through the merchant's API: lists in every order and both directions, filters, search, stores, corrections."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, make_card, make_shop, stamp
from app.modules.tenancy.tests.factories import make_member, sign_in_cookie

BASE = "/api/v1/merchants/loyalty/customers"
Checksum = Callable[[str, uuid.UUID], Awaitable[str]]


async def manager_of(client: httpx.AsyncClient, database: Database, **choices: Any) -> MadeShop:
    shop = await make_shop(database, **choices)
    client.cookies.update(sign_in_cookie(shop.merchant.manager))
    return shop


async def people(database: Database, shop: MadeShop, names: str, **choices: Any) -> dict[str, MadeCard]:
    """One card for each of `names`, enrolled in their order, by last name."""
    return {name: await make_card(database, shop.merchant, first_name="Zoé", last_name=name, **choices) for name in names.split()}


async def listed(client: httpx.AsyncClient, **params: str | int | bool) -> list[str]:
    answer = await client.get(BASE, params=params)
    assert answer.status_code == 200, answer.text
    return [item["last_name"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("-created", "Cruz Äbel Dahm Braun"),
        ("created", "Braun Dahm Äbel Cruz"),
        ("name", "Äbel Braun Cruz Dahm"),
        ("-name", "Dahm Cruz Braun Äbel"),
    ],
)
async def test_people_are_listed_in_every_order_on_and_back(client: httpx.AsyncClient, database: Database, sort: str, names: str) -> None:
    shop = await manager_of(client, database)
    await people(database, shop, "Braun Dahm Äbel Cruz")
    assert await listed(client, sort=sort) == names.split()
    first = (await client.get(BASE, params={"sort": sort, "limit": 3})).json()
    second = (await client.get(BASE, params={"sort": sort, "limit": 3, "cursor": first["next_cursor"]})).json()
    back = (await client.get(BASE, params={"sort": sort, "limit": 3, "cursor": second["previous_cursor"]})).json()
    assert [item["last_name"] for item in (*first["items"], *second["items"])] == names.split()
    assert (second["next_cursor"], first["previous_cursor"], back["previous_cursor"]) == (None, None, None)
    assert back["items"] == first["items"]
    other = {"name": "created", "-name": "created"}.get(sort, "name")
    assert (await client.get(BASE, params={"sort": other, "cursor": first["next_cursor"]})).status_code == 400


async def test_who_was_here_last_comes_first(client: httpx.AsyncClient, database: Database) -> None:
    """By visit: each once, at their latest; who never came back after enrolling is not among them."""
    shop = await manager_of(client, database)
    cards = await people(database, shop, "Adam Berg Cler Dumont")
    for name in ("Berg", "Adam", "Cler", "Berg"):
        await stamp(database, shop.merchant, cards[name])
    assert await listed(client, sort="-visit") == ["Berg", "Cler", "Adam"]
    first = (await client.get(BASE, params={"sort": "-visit", "limit": 2})).json()
    assert await listed(client, sort="-visit", limit=2, cursor=first["next_cursor"]) == ["Adam"]
    [berg] = [item for item in first["items"] if item["last_name"] == "Berg"]
    assert (berg["visit_count"], berg["last_visit_at"] is not None) == (2, True)


async def test_people_are_filtered_by_store_and_consent(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database, stores=2)
    first, second = shop.merchant.stores
    await people(database, shop, "Adam Berg", store=first, wants_marketing=True)
    await people(database, shop, "Cler Dumont", store=second)
    await people(database, shop, "Ewen", store=second, wants_marketing=True)
    assert await listed(client, wants_marketing=True) == ["Ewen", "Berg", "Adam"]
    assert await listed(client, wants_marketing=False, sort="name") == ["Cler", "Dumont"]
    assert await listed(client, store_id=str(second.id), sort="name") == ["Cler", "Dumont", "Ewen"]
    assert await listed(client, store_id=str(second.id), wants_marketing=True) == ["Ewen"]
    page = (await client.get(BASE, params={"store_id": str(second.id), "sort": "name", "limit": 2})).json()
    assert [item["last_name"] for item in page["items"]] == ["Cler", "Dumont"]
    assert await listed(client, store_id=str(second.id), sort="name", limit=2, cursor=page["next_cursor"]) == ["Ewen"]


async def test_people_are_found_by_name_address_phone_and_card(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database, stores=2)
    first, second = shop.merchant.stores
    card = await make_card(database, shop.merchant, store=second, first_name="Zoé", last_name="Thill", phone="+352 621 445 566")
    await people(database, shop, "Weber")
    for text in ("thill", "zoe thill", card.email.upper(), "445566", format_number(card.number), card.qr_token):
        assert await listed(client, q=text) == ["Thill"], text
    assert await listed(client, q="thill", store_id=str(first.id)) == []
    assert await listed(client, q="thill", wants_marketing=True) == []
    assert await listed(client, q="nobody") == []


async def test_who_is_bound_to_a_store_sees_its_people_while_cards_belong_to_stores(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, stores=2, cross_location=False)
    first, second = shop.merchant.stores
    own = await make_card(database, shop.merchant, store=first, last_name="Adam")
    other = await make_card(database, shop.merchant, store=second, last_name="Berg")
    bound = await make_member(database, shop.merchant, role="manager", bound=True)
    client.cookies.update(sign_in_cookie(bound))
    assert await listed(client) == ["Adam"]
    assert await listed(client, q="berg") == []
    unknown = (await client.get(f"{BASE}/{uuid.uuid4()}")).json() | {"request_id": ""}
    for path in ("", "/history", "/consents", "/mails"):
        assert (await client.get(f"{BASE}/{own.customer_id}{path}")).status_code == 200
        answer = await client.get(f"{BASE}/{other.customer_id}{path}")
        assert (answer.status_code, answer.json() | {"request_id": ""}) == (404, unknown)
    assert (await client.patch(f"{BASE}/{other.customer_id}", json={"first_name": "Eve"})).status_code == 404
    assert (await client.get(BASE, params={"store_id": str(second.id)})).status_code == 404


async def test_a_person_is_read_with_cards_history_consents_and_mails(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await manager_of(client, database, stores=2, cross_location=False)
    first, second = shop.merchant.stores
    card = await make_card(database, shop.merchant, store=first, stamps=2, last_name="Thill", wants_marketing=True)
    again = await make_card(database, shop.merchant, store=second, email=card.email, amount_cents=700)
    await superuser.execute(
        """INSERT INTO email_logs (id, merchant_id, outbox_id, template, locale, customer_id, recipient, state, attempts, created_at)
        VALUES ($1, $2, $1, 'card_enrolled', 'lb', $3, 'x@example.lu', 'failed', 1, now())""",
        uuid.uuid4(), shop.merchant.id, card.customer_id,
    )  # fmt: skip
    person = (await client.get(f"{BASE}/{card.customer_id}")).json()
    assert [(item["id"], item["stamp_count"], item["points_balance"]) for item in person["cards"]] == [
        (str(card.id), 2, 0), (str(again.id), 0, 7),
    ]  # fmt: skip
    assert (person["last_name"], person["wants_marketing"], person["visit_count"]) == ("Thill", True, 2)
    history = (await client.get(f"{BASE}/{card.customer_id}/history")).json()["items"]
    assert [(row["type"], row["card_id"]) for row in history] == [("points_earned", str(again.id)), ("stamp_earned", str(card.id))]
    consents = (await client.get(f"{BASE}/{card.customer_id}/consents")).json()["items"]
    assert {(item["purpose"], item["action"], item["source"]) for item in consents} == {
        ("terms", "granted", "terminal"), ("marketing", "granted", "terminal"),
    }  # fmt: skip
    mails = (await client.get(f"{BASE}/{card.customer_id}/mails")).json()["items"]
    assert [(mail["state"], mail["locale"], mail["delivery"]) for mail in mails] == [("failed", "lb", None)]
    assert "x@example.lu" not in str(mails)


async def test_a_persons_data_are_corrected_and_the_log_keeps_no_values(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await manager_of(client, database)
    card, other = (await people(database, shop, "Thill Weber", phone="+352 621 445 566")).values()
    changes = {"first_name": "Zoë", "phone": "", "birth_date": "1990-02-28", "locale": "de"}
    answer = await client.patch(f"{BASE}/{card.customer_id}", json=changes)
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in (*changes, "last_name")} == {**changes, "phone": None, "last_name": "Thill"}
    [entry] = await superuser.fetch("SELECT action, details FROM core_audit_log WHERE target_id = $1", card.customer_id)
    assert (entry["action"], entry["details"]) == ("customers.customer.update", {"fields": ["birth_date", "first_name", "locale", "phone"]})
    taken = await client.patch(f"{BASE}/{card.customer_id}", json={"email": other.email.upper()})
    assert (taken.status_code, taken.json()["code"]) == (409, "customer_email_taken")
    for wrong in ({"email": "x@y"}, {"first_name": None}, {"locale": "it"}, {"birth_date": "2090-01-01"}, {"phone": "12"}):
        assert (await client.patch(f"{BASE}/{card.customer_id}", json=wrong)).status_code == 422, wrong


async def test_a_withdrawn_consent_is_noted_once_and_never_given(client: httpx.AsyncClient, database: Database, checksum: Checksum) -> None:
    shop = await manager_of(client, database)
    card = await make_card(database, shop.merchant, wants_marketing=True)
    for _ in range(2):
        answer = await client.post(f"{BASE}/{card.customer_id}/withdraw-marketing")
        assert (answer.status_code, answer.json()["wants_marketing"]) == (200, False)
    consents = (await client.get(f"{BASE}/{card.customer_id}/consents")).json()["items"]
    withdrawn = [(item["purpose"], item["source"]) for item in consents if item["action"] == "withdrawn"]
    assert withdrawn == [("marketing", "merchant")]
    before = await checksum("customer_consents", shop.merchant.id)
    assert (await client.patch(f"{BASE}/{card.customer_id}", json={"wants_marketing": True})).status_code == 422
    assert await checksum("customer_consents", shop.merchant.id) == before
