"""The caps of requirement B4, declared on the routes and enforced without a side effect."""

import uuid
from collections.abc import AsyncIterator
from typing import cast

import asyncpg
import httpx
import pytest_asyncio
from fastapi import FastAPI

from app.core.config import Settings
from app.core.db.engine import Database
from app.core.testing import application
from app.core.web.middleware import Gate
from app.modules.loyalty.tests.counter import make_card, make_shop, post
from tests.security.routes import api_routes

STORE = "/api/v1/store/loyalty"
CAPS = {
    f"POST {STORE}/stamp": "60/minute",
    f"POST {STORE}/stamp/redeem": "30/minute",
    f"POST {STORE}/stamp/void": "20/minute",
    f"POST {STORE}/points/earn": "60/minute",
    f"POST {STORE}/points/redeem": "30/minute",
    f"POST {STORE}/points/void": "20/minute",
    f"POST {STORE}/cards/{{card_id}}/points/adjust": "20/minute",
    f"POST {STORE}/pins/{{pin_id}}/unlock": "10/minute",
}
ALSO_LIMITED = (
    "POST /api/v1/storefront/{store_code}/loyalty/enroll",
    "POST /api/v1/storefront/{store_code}/loyalty/sign-in",
    "POST /api/v1/storefront/{store_code}/loyalty/session",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/totp",
    f"POST {STORE}/enroll",
    f"POST {STORE}/staff/session",
    f"POST {STORE}/terminals/pair",
)


def test_the_caps_are_those_of_the_requirement() -> None:
    declared = {route.name: route.access.limit for route in api_routes()}
    assert {name: declared[name] for name in CAPS} == CAPS
    assert [name for name in ALSO_LIMITED if declared[name] is None] == []


@pytest_asyncio.fixture(loop_scope="session")
async def gate(settings: Settings) -> AsyncIterator[Gate]:
    """The application with its limits on, counting in the process."""
    with_limits = settings.model_copy(update={"rate_limits_enabled": True, "broker_url": None})
    async with application.running(application.make_app(with_limits)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def limited(gate: Gate) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of that application."""
    async with application.make_client(gate) as client:
        yield client


async def test_over_the_cap_there_is_no_side_effect(
    gate: Gate, limited: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    """Twenty voids a minute and store; another store has its own count.

    The window slides by counting two fixed ones: across their border it may let up to a tenth more through (case 47).
    """
    shop = await make_shop(database, stores=2)
    card = await make_card(database, shop)
    stamped = [(await post(limited, shop, "/stamp", {"card_id": str(card.id)})).json()["transaction"]["id"] for _ in range(25)]
    proof = {"pin": shop.counter.staff_proof()}
    answers = [await post(limited, shop, "/stamp/void", {"transaction_id": transaction} | proof) for transaction in stamped]
    done = [answer.status_code for answer in answers].count(200)
    assert 20 <= done <= 22
    assert [answer.status_code for answer in answers].count(429) == 25 - done
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "rate_limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert await superuser.fetchval("SELECT stamp_count FROM loyalty_cards WHERE id = $1", card.id) == 25 - done
    left = stamped[answers.index(refused)]
    await cast(FastAPI, gate.app).state.refusals.flush(database)
    counted = await superuser.fetch(
        "SELECT store_id, count FROM core_store_refusals WHERE store_id = ANY($1)", [store.id for store in shop.merchant.stores]
    )
    assert sum(row["count"] for row in counted) == 25 - done
    assert {row["store_id"] for row in counted} == {shop.merchant.store.id}
    elsewhere = {"transaction_id": left, "pin": shop.counters[1].staff_proof()}
    assert (await post(limited, shop, "/stamp/void", elsewhere, counter=shop.counters[1])).status_code == 200


async def test_a_refused_key_can_be_used_later(limited: httpx.AsyncClient, database: Database) -> None:
    """A 429 is not kept: the same human action goes through once there is room again."""
    shop = await make_shop(database, stores=2)
    card = await make_card(database, shop)
    refused, key = None, ""
    for _ in range(70):
        key = uuid.uuid4().hex
        refused = await post(limited, shop, "/stamp", {"card_id": str(card.id)}, key=key)
        if refused.status_code == 429:
            break
    assert refused is not None
    assert refused.status_code == 429
    again = await post(limited, shop, "/stamp", {"card_id": str(card.id)}, key=key, counter=shop.counters[1])
    assert again.status_code == 200
    assert "idempotent-replayed" not in again.headers


async def test_a_stranger_over_the_cap_closes_the_store_to_nobody_else(gate: Gate, database: Database) -> None:
    """On the storefront a limit counts the caller's address, else anybody could keep a store's customers from signing in."""
    shop = await make_shop(database)
    path = f"/api/v1/storefront/{shop.merchant.store.code}/loyalty/sign-in"
    async with application.make_client(gate, address="192.0.2.1") as one, application.make_client(gate, address="192.0.2.2") as two:
        statuses = [(await one.post(path, json={"email": "niemand@example.lu"})).status_code for _ in range(11)]
        other = await two.post(path, json={"email": "niemand@example.lu"})
    assert statuses == [202] * 10 + [429]
    assert other.status_code == 202
