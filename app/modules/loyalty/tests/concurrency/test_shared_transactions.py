"""Counters that share a transaction: nobody waits for another's card, nobody pays for another's mistake."""

import asyncio
import collections
import uuid
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.core.ids import new_id
from app.modules.loyalty.services import verification_service
from app.modules.loyalty.tests.counter import Shop, make_card, make_reward, make_shop, post

pytestmark = pytest.mark.concurrency

ROWS = "SELECT card_id, type, store_id, terminal_id, staff_pin_id, points_delta FROM loyalty_transactions WHERE merchant_id = $1"


async def earn(client: httpx.AsyncClient, shop: Shop, card_id: uuid.UUID, **more: Any) -> httpx.Response:
    counter = more.pop("counter", shop.counter)
    return await post(client, shop, "/points/earn", {"card_id": str(card_id), "amount_cents": 500, **more}, counter=counter)


async def test_each_row_names_its_own_counter(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database, stores=3, points_per_euro=1)
    cards = [await make_card(database, shop) for _ in range(3)]
    pairs = [(card, counter) for card in cards for counter in shop.counters]
    answers = await asyncio.gather(*(earn(client, shop, card.id, counter=counter) for card, counter in pairs))
    assert [answer.status_code for answer in answers] == [200] * 9
    rows = await superuser.fetch(ROWS, shop.id)
    assert collections.Counter((row["card_id"], row["store_id"], row["terminal_id"], row["staff_pin_id"]) for row in rows) == (
        collections.Counter((card.id, counter.store.id, counter.terminal_id, counter.staff_pin_id) for card, counter in pairs)
    )
    balances = [answer.json()["card"]["points_balance"] for answer in answers]
    assert [sorted(balances[first : first + 3]) for first in (0, 3, 6)] == [[5, 10, 15]] * 3
    assert (await verification_service.verify_ledger(database, shop.id)).broken == []


async def test_a_card_that_somebody_holds_delays_only_its_own(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database, points_per_euro=1)
    held, free = await make_card(database, shop), await make_card(database, shop)
    async with superuser.transaction():
        await superuser.execute("SELECT 1 FROM loyalty_cards WHERE id = $1 FOR UPDATE", held.id)
        waiting = asyncio.create_task(earn(client, shop, held.id))
        others = await asyncio.gather(*(earn(client, shop, free.id) for _ in range(5)))
        assert [other.status_code for other in others] == [200] * 5
        assert not waiting.done()
    assert (await waiting).json()["card"]["points_balance"] == 5


async def test_one_mistake_is_one_counters(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    """Of many at once: an unknown card, an order that earned before, and a reward that is too dear; the others are booked."""
    shop = await make_shop(database, points_per_euro=1)
    card, other = await make_card(database, shop), await make_card(database, shop)
    reward = await make_reward(database, shop, cost_points=1000)
    assert (await earn(client, shop, card.id, order_reference="A-1")).status_code == 200
    answers = await asyncio.gather(
        earn(client, shop, card.id),
        earn(client, shop, uuid.uuid4()),
        earn(client, shop, other.id),
        earn(client, shop, other.id, order_reference="A-1"),
        post(client, shop, "/points/redeem", {"card_id": str(card.id), "reward_id": str(reward)}),
        earn(client, shop, card.id, order_reference="A-2"),
    )
    assert [(answer.status_code, answer.json().get("code")) for answer in answers] == [
        (200, None),
        (404, "card_not_found"),
        (200, None),
        (409, "order_already_earned"),
        (409, "not_enough_points"),
        (200, None),
    ]
    balances = await superuser.fetch("SELECT id, points_balance FROM loyalty_cards WHERE merchant_id = $1", shop.id)
    assert {row["id"]: row["points_balance"] for row in balances} == {card.id: 15, other.id: 5}
    assert len(await superuser.fetch(ROWS, shop.id)) == 4


async def test_a_refusal_is_repeated_under_its_key(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, stamps_target=10)
    card = await make_card(database, shop)
    key = str(new_id())
    calls = [post(client, shop, "/stamp/redeem", {"card_id": str(card.id)}, key=key) for _ in range(6)]
    answers = await asyncio.gather(*calls)
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "not_enough_stamps")}
    assert len({answer.content for answer in answers}) == 1
    again = await post(client, shop, "/stamp/redeem", {"card_id": str(card.id)}, key=key)
    assert again.headers["idempotent-replayed"] == "true"


async def test_two_merchants_at_once_touch_only_their_own(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    ours, theirs = await make_shop(database, points_per_euro=1), await make_shop(database, points_per_euro=2)
    our_card, their_card = await make_card(database, ours), await make_card(database, theirs)
    key = str(new_id())
    body = {"amount_cents": 500}
    answers = await asyncio.gather(
        post(client, ours, "/points/earn", {"card_id": str(our_card.id), **body}, key=key),
        post(client, theirs, "/points/earn", {"card_id": str(their_card.id), **body}, key=key),
        earn(client, ours, their_card.id),
        earn(client, theirs, our_card.id),
    )
    assert [answer.status_code for answer in answers] == [200, 200, 404, 404]
    assert [row["points_delta"] for row in await superuser.fetch(ROWS, ours.id)] == [5]
    assert [row["points_delta"] for row in await superuser.fetch(ROWS, theirs.id)] == [10]
