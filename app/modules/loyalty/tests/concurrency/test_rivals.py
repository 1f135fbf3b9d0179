"""Rivals at one card: reliability.md, cases 1, 1b, 7, 9, 11 and 13. Every race ends with balance = sum of rows."""

import asyncio
import collections
import itertools
import time
import uuid
from collections.abc import Sequence

import asyncpg
import httpx
import pytest

from app.core.credentials import TERMINAL_COOKIE
from app.core.db.engine import Database
from app.core.ids import new_id
from app.modules.loyalty.tests.counter import Shop, make_card, make_reward, make_shop, post

pytestmark = pytest.mark.concurrency

BROKEN = """
SELECT c.id FROM loyalty_cards c LEFT JOIN loyalty_transactions t ON t.merchant_id = c.merchant_id AND t.card_id = c.id
WHERE c.merchant_id = $1 GROUP BY c.merchant_id, c.id
HAVING c.points_balance - c.points_owed <> coalesce(sum(t.points_delta), 0) OR c.stamp_count <> coalesce(sum(t.stamps_delta), 0)
"""


async def assert_sums(conn: asyncpg.Connection, shop: Shop) -> None:
    """The invariant of domain.md, for every card of the merchant."""
    assert await conn.fetch(BROKEN, shop.id) == []


def statuses(answers: Sequence[httpx.Response]) -> dict[int, int]:
    """How often each status was answered."""
    return dict(collections.Counter(answer.status_code for answer in answers))


async def test_fifty_redeems_with_one_key_are_one(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    """Case 1."""
    shop = await make_shop(database, stamps_target=10)
    card = await make_card(database, shop)
    await post(client, shop, "/stamp", {"card_id": str(card.id), "stamps": 20})
    key = str(new_id())
    answers = await asyncio.gather(*(post(client, shop, "/stamp/redeem", {"card_id": str(card.id)}, key=key) for _ in range(50)))
    assert statuses(answers) == {200: 50}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 49
    count = await superuser.fetchval("SELECT count(*) FROM loyalty_transactions WHERE card_id = $1 AND type = 'stamp_redeemed'", card.id)
    assert count == 1
    await assert_sums(superuser, shop)


async def test_two_taps_are_one(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    """Case 1, second half: the second tap comes while the first is under way."""
    shop = await make_shop(database)
    card = await make_card(database, shop)
    key = str(new_id())
    first, second = await asyncio.gather(*(post(client, shop, "/stamp", {"card_id": str(card.id)}, key=key) for _ in range(2)))
    assert first.content == second.content
    assert await superuser.fetchval("SELECT stamp_count FROM loyalty_cards WHERE id = $1", card.id) == 1


async def test_twelve_rivals_for_each_of_thirty_keys(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    """Case 1b."""
    shop = await make_shop(database, points_per_euro=1)
    card = await make_card(database, shop)
    keys = [str(new_id()) for _ in range(30)]
    calls = [post(client, shop, "/points/earn", {"card_id": str(card.id), "amount_cents": 100}, key=key) for key in keys for _ in range(12)]
    answers = await asyncio.gather(*calls)
    assert statuses(answers) == {200: 360}
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 330
    assert await superuser.fetchval("SELECT points_balance FROM loyalty_cards WHERE id = $1", card.id) == 30
    await assert_sums(superuser, shop)


async def test_one_key_for_two_cards_is_refused_for_one(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    """Case 2 under rivals: different cards do not meet at a card's lock, they meet at the key."""
    shop = await make_shop(database)
    cards = [await make_card(database, shop) for _ in range(2)]
    for _ in range(5):
        key = str(new_id())
        answers = await asyncio.gather(*(post(client, shop, "/stamp", {"card_id": str(card.id)}, key=key) for card in cards))
        assert statuses(answers) == {200: 1, 422: 1}
    await assert_sums(superuser, shop)


async def test_fifty_terminals_and_one_reward(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    """Case 7."""
    shop = await make_shop(database)
    card = await make_card(database, shop)
    reward = await make_reward(database, shop, cost_points=100)
    await post(client, shop, "/points/earn", {"card_id": str(card.id), "amount_cents": 10_000})
    body = {"card_id": str(card.id), "reward_id": str(reward)}
    answers = await asyncio.gather(*(post(client, shop, "/points/redeem", body) for _ in range(50)))
    assert statuses(answers) == {200: 1, 409: 49}
    assert {answer.json().get("code") for answer in answers} == {None, "not_enough_points"}
    assert await superuser.fetchval("SELECT points_balance FROM loyalty_cards WHERE id = $1", card.id) == 0
    await assert_sums(superuser, shop)


async def test_a_thousand_earns_from_twenty_clients(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    """Case 9: no deadlock, no lost update. (Its latency is a matter for the benchmark, not for a shared machine's test.)"""
    shop = await make_shop(database, points_per_euro=1)
    card = await make_card(database, shop)
    numbers = itertools.count()
    found: list[int] = []

    async def earn() -> None:
        while next(numbers) < 1_000:
            answer = await post(client, shop, "/points/earn", {"card_id": str(card.id), "amount_cents": 100})
            found.append(answer.status_code)

    started = time.perf_counter()
    await asyncio.gather(*(earn() for _ in range(20)))
    assert collections.Counter(found) == {200: 1_000}, f"after {time.perf_counter() - started:.1f} s"
    count, balance = await superuser.fetchrow(
        "SELECT count(*), sum(points_delta) FROM loyalty_transactions WHERE card_id = $1", card.id
    ) or (0, 0)
    assert (count, balance) == (1_000, 1_000)
    await assert_sums(superuser, shop)


async def test_twenty_voids_of_one_row(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    """Case 11: twice 409, a void of a void 409, of twenty at once one is done."""
    shop = await make_shop(database)
    card = await make_card(database, shop)
    earned = (await post(client, shop, "/points/earn", {"card_id": str(card.id), "amount_cents": 700})).json()["transaction"]["id"]
    reader = [{"Cookie": f"{TERMINAL_COOKIE}={shop.counter.token}"}]
    body = {"transaction_id": earned, "pin": shop.counter.staff_proof()}
    answers = await asyncio.gather(*(post(client, shop, "/points/void", body) for _ in range(20)))
    assert statuses(answers) == {200: 1, 409: 19}
    assert {answer.json().get("code") for answer in answers} == {None, "transaction_already_voided"}
    void_id = next(answer for answer in answers if answer.status_code == 200).json()["transaction"]["id"]
    of_void = await post(client, shop, "/points/void", {"transaction_id": void_id, "pin": shop.counter.staff_proof()})
    assert (of_void.status_code, of_void.json()["code"]) == (409, "transaction_not_voidable")
    history = await client.get(f"/api/v1/store/loyalty/cards/{card.id}/history", headers=reader[0])
    assert [(item["points_delta"], item["is_voided"], item["can_void"]) for item in history.json()["items"]] == [
        (-7, False, False),
        (7, True, False),
    ]
    await assert_sums(superuser, shop)


@pytest.mark.parametrize(("is_cross_location", "expected_cards"), [(True, 1), (False, 5)])
async def test_two_hundred_enrollments_of_one_address(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, is_cross_location: bool, expected_cards: int
) -> None:
    """Case 13: five stores, forty forms each, one address in several spellings."""
    shop = await make_shop(database, stores=5, is_cross_location=is_cross_location, welcome_bonus_points=10)
    address = f"Lea.{uuid.uuid4().hex[:10]}@Example.LU"
    spellings = (address, address.lower(), f"  {address.upper()} ")

    async def enroll(number: int) -> httpx.Response:
        counter = shop.counters[number % 5]
        body = {
            "first_name": "Léa", "last_name": "Weber", "email": spellings[number % 3], "locale": "lb", "has_accepted_terms": True,
        }  # fmt: skip
        headers = {"Idempotency-Key": str(new_id())}
        return await client.post(f"/api/v1/storefront/{counter.store.code}/loyalty/enroll", json=body, headers=headers)

    answers = await asyncio.gather(*(enroll(number) for number in range(200)))
    assert statuses(answers) == {201: 200}
    people = await superuser.fetchval("SELECT count(*) FROM customers WHERE merchant_id = $1", shop.id)
    cards = await superuser.fetchval("SELECT count(*) FROM loyalty_cards WHERE merchant_id = $1", shop.id)
    assert (people, cards) == (1, expected_cards)
    shown = [answer.json()["card"] for answer in answers if answer.json()["card"] is not None]
    assert len(shown) == 1, "only the session that made the customer sees a card"
    bonus = await superuser.fetchval("SELECT sum(points_delta) FROM loyalty_transactions WHERE merchant_id = $1", shop.id)
    assert bonus == 10, "once per person and merchant"
    await assert_sums(superuser, shop)
