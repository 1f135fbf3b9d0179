"""Taking back what was booked, through HTTP and down to the rows (domain.md, Voids and corrections; reliability.md, cases 2 and 12)."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.core.ids import new_id
from app.modules.loyalty.domain.enums import VoidPolicy
from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.tests.counter import Shop, make_card, make_reward, make_shop, post
from app.modules.loyalty.tests.factories import make_settings

Checksum = Callable[[str, uuid.UUID], Awaitable[str]]
TABLES = ("loyalty_cards", "loyalty_transactions", "core_outbox")
ROWS = """
SELECT type, stamps_delta, points_delta, owed_delta, points_after, owed_after, points_forgiven, stamps_forgiven
FROM loyalty_transactions WHERE card_id = $1 ORDER BY id
"""


async def rows_of(conn: asyncpg.Connection, card: Card) -> list[tuple[Any, ...]]:
    """Return the card's rows: type, stamps, points, owed; points and debt after; points and stamps forgiven."""
    return [tuple(row) for row in await conn.fetch(ROWS, card.id)]


async def balance_of(conn: asyncpg.Connection, card: Card) -> tuple[int, int, int]:
    """Return stamps, points and owed points, and check them against the sums of the rows."""
    row = await conn.fetchrow("SELECT stamp_count, points_balance, points_owed FROM loyalty_cards WHERE id = $1", card.id)
    sums = await conn.fetchrow("SELECT sum(stamps_delta), sum(points_delta) FROM loyalty_transactions WHERE card_id = $1", card.id)
    assert row is not None
    assert sums is not None
    stamps, points, owed = tuple(row)
    assert (stamps, points - owed) == (sums[0] or 0, sums[1] or 0)
    return stamps, points, owed


async def act(client: httpx.AsyncClient, shop: Shop, path: str, **body: Any) -> dict[str, Any]:
    """Do what must succeed, and return the answer."""
    answer = await post(client, shop, path, body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def void(client: httpx.AsyncClient, shop: Shop, transaction_id: str, *, kind: str = "points") -> httpx.Response:
    """Ask to take a row back."""
    return await post(client, shop, f"/{kind}/void", {"transaction_id": transaction_id, "pin": shop.counter.staff_proof()})


class Spent:
    """A card that earned 100 points and spent 80 of them on a reward."""

    def __init__(self, shop: Shop, card: Card, reward: uuid.UUID, earn: str, redemption: str) -> None:
        self.shop, self.card, self.reward, self.earn, self.redemption = shop, card, reward, earn, redemption


async def make_spent(client: httpx.AsyncClient, database: Database, policy: VoidPolicy) -> Spent:
    """Make one at a merchant with the void policy."""
    shop = await make_shop(database)
    await make_settings(database, shop.merchant, void_policy=policy)
    card = await make_card(database, shop)
    reward = await make_reward(database, shop, cost_points=80)
    earned = await act(client, shop, "/points/earn", card_id=str(card.id), amount_cents=10_000)
    redeemed = await act(client, shop, "/points/redeem", card_id=str(card.id), reward_id=str(reward))
    return Spent(shop, card, reward, earned["transaction"]["id"], redeemed["transaction"]["id"])


EARNED = ("points_earned", 0, 100, 0, 100, 0, 0, 0)
REDEEMED = ("points_redeemed", 0, -80, 0, 20, 0, 0, 0)


async def test_block_refuses_and_nothing_changes(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, checksum: Checksum
) -> None:
    spent = await make_spent(client, database, VoidPolicy.BLOCK)
    before = [await checksum(table, spent.shop.id) for table in TABLES]
    answer = await void(client, spent.shop, spent.earn)
    assert (answer.status_code, answer.json()["code"], answer.json()["params"]) == (409, "points_already_spent", {"missing": 80})
    assert [await checksum(table, spent.shop.id) for table in TABLES] == before
    assert await rows_of(superuser, spent.card) == [EARNED, REDEEMED]


async def test_forgive_takes_what_is_there_and_books_the_rest_as_forgiven(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    spent = await make_spent(client, database, VoidPolicy.FORGIVE)
    answer = await void(client, spent.shop, spent.earn)
    assert (answer.status_code, answer.json()["transaction"]["points_forgiven"]) == (200, 80)
    assert await rows_of(superuser, spent.card) == [EARNED, REDEEMED, ("points_voided", 0, -20, 0, 0, 0, 80, 0)]
    assert await balance_of(superuser, spent.card) == (0, 0, 0)


async def test_owe_keeps_the_rest_and_later_earnings_pay_it_first(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, checksum: Checksum
) -> None:
    spent = await make_spent(client, database, VoidPolicy.OWE)
    shop, card = spent.shop, spent.card
    answer = await void(client, shop, spent.earn)
    assert (answer.json()["card"]["points_balance"], answer.json()["card"]["points_owed"]) == (0, 80)
    assert await balance_of(superuser, card) == (0, 0, 80)
    part = await act(client, shop, "/points/earn", card_id=str(card.id), amount_cents=3_000)
    assert (part["transaction"]["points_delta"], part["card"]["points_balance"], part["card"]["points_owed"]) == (30, 0, 50)
    before = [await checksum(table, shop.id) for table in TABLES]
    refused = await post(client, shop, "/points/redeem", {"card_id": str(card.id), "reward_id": str(spent.reward)})
    assert (refused.status_code, refused.json()["code"], refused.json()["params"]) == (409, "points_owed", {"points_owed": 50})
    assert [await checksum(table, shop.id) for table in TABLES] == before
    rest = await act(client, shop, "/points/earn", card_id=str(card.id), amount_cents=13_000)
    assert (rest["card"]["points_balance"], rest["card"]["points_owed"]) == (80, 0)
    await act(client, shop, "/points/redeem", card_id=str(card.id), reward_id=str(spent.reward))
    assert await rows_of(superuser, card) == [
        EARNED,
        REDEEMED,
        ("points_voided", 0, -100, 80, 0, 80, 0, 0),
        ("points_earned", 0, 30, -30, 0, 50, 0, 0),
        ("points_earned", 0, 130, -50, 80, 0, 0, 0),
        ("points_redeemed", 0, -80, 0, 0, 0, 0, 0),
    ]
    assert await balance_of(superuser, card) == (0, 0, 0)


async def test_voiding_what_paid_a_debt_brings_the_debt_back(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    spent = await make_spent(client, database, VoidPolicy.OWE)
    await void(client, spent.shop, spent.earn)
    paid = await act(client, spent.shop, "/points/earn", card_id=str(spent.card.id), amount_cents=9_000)
    assert await balance_of(superuser, spent.card) == (0, 10, 0)
    await make_settings(database, spent.shop.merchant, void_policy=VoidPolicy.BLOCK)
    assert (await void(client, spent.shop, paid["transaction"]["id"])).status_code == 200, "the debt was there before: nothing was spent"
    assert (await rows_of(superuser, spent.card))[-1] == ("points_voided", 0, -90, 80, 0, 80, 0, 0)
    assert await balance_of(superuser, spent.card) == (0, 0, 80)


@pytest.mark.parametrize("policy", list(VoidPolicy))
async def test_cancelling_a_redemption_returns_exactly_what_it_took(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, policy: VoidPolicy
) -> None:
    spent = await make_spent(client, database, policy)
    assert (await void(client, spent.shop, spent.redemption)).json()["transaction"]["type"] == "redemption_cancelled"
    assert await rows_of(superuser, spent.card) == [EARNED, REDEEMED, ("redemption_cancelled", 0, 80, 0, 100, 0, 0, 0)]
    again = await void(client, spent.shop, spent.redemption)
    assert (again.status_code, again.json()["code"]) == (409, "transaction_already_voided")
    assert (await void(client, spent.shop, spent.earn)).status_code == 200, "with the points back, every policy lets the purchase go"
    assert await balance_of(superuser, spent.card) == (0, 0, 0)


async def test_cancelling_pays_a_debt_first(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    spent = await make_spent(client, database, VoidPolicy.OWE)
    await void(client, spent.shop, spent.earn)
    cancelled = await void(client, spent.shop, spent.redemption)
    assert (cancelled.json()["card"]["points_balance"], cancelled.json()["card"]["points_owed"]) == (0, 0)
    assert (await rows_of(superuser, spent.card))[-1] == ("redemption_cancelled", 0, 80, -80, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("policy", "status", "last"),
    [
        (VoidPolicy.BLOCK, 409, None),
        (VoidPolicy.FORGIVE, 200, ("points_refunded", 0, -20, 0, 0, 0, 30, 0)),
        (VoidPolicy.OWE, 200, ("points_refunded", 0, -50, 30, 0, 30, 0, 0)),
    ],
)
async def test_a_refund_of_spent_points_follows_the_policy_too(
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    policy: VoidPolicy,
    status: int,
    last: tuple[Any, ...] | None,
) -> None:
    spent = await make_spent(client, database, policy)
    body = {"transaction_id": spent.earn, "refund_cents": 5_000, "pin": spent.shop.counter.staff_proof()}
    answer = await post(client, spent.shop, "/points/refund", body)
    assert answer.status_code == status
    assert (await rows_of(superuser, spent.card))[2:] == ([last] if last else [])
    await balance_of(superuser, spent.card)


async def test_more_than_the_purchase_is_not_refunded_and_a_voided_one_not_at_all(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop)
    earned = (await act(client, shop, "/points/earn", card_id=str(card.id), amount_cents=1_000))["transaction"]["id"]

    async def refund(cents: int) -> httpx.Response:
        body = {"transaction_id": earned, "refund_cents": cents, "pin": shop.counter.staff_proof()}
        return await post(client, shop, "/points/refund", body)

    assert (await refund(400)).json()["transaction"]["points_delta"] == -4
    too_much = await refund(601)
    assert (too_much.status_code, too_much.json()["code"], too_much.json()["params"]) == (
        409,
        "refund_exceeds_purchase",
        {"refundable_cents": 600},
    )
    voided = await void(client, shop, earned)
    assert voided.json()["transaction"]["points_delta"] == -6, "what refunds have taken is not taken again"
    after = await refund(100)
    assert (after.status_code, after.json()["code"]) == (409, "transaction_already_voided")
    assert await balance_of(superuser, card) == (0, 0, 0)


# --- Stamps


@pytest.mark.parametrize(
    ("policy", "status", "last"),
    [
        (VoidPolicy.BLOCK, 409, None),
        (VoidPolicy.OWE, 409, None),
        (VoidPolicy.FORGIVE, 200, ("stamp_voided", -2, 0, 0, 0, 0, 0, 8)),
    ],
)
async def test_stamps_that_became_a_reward(
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    policy: VoidPolicy,
    status: int,
    last: tuple[Any, ...] | None,
) -> None:
    """Stamps cannot be owed: `owe` refuses as `block` does."""
    shop = await make_shop(database, stamps_target=10)
    await make_settings(database, shop.merchant, void_policy=policy)
    card = await make_card(database, shop)
    await act(client, shop, "/stamp", card_id=str(card.id), stamps=2)
    stamped = (await act(client, shop, "/stamp", card_id=str(card.id), stamps=10))["transaction"]["id"]
    await act(client, shop, "/stamp/redeem", card_id=str(card.id))
    answer = await void(client, shop, stamped, kind="stamp")
    assert answer.status_code == status
    if status == 409:
        assert (answer.json()["code"], answer.json()["params"]) == ("stamps_already_spent", {"missing": 8})
    assert (await rows_of(superuser, card))[3:] == ([last] if last else [])
    assert (await balance_of(superuser, card))[0] == (0 if last else 2)


async def test_a_cancelled_stamp_card_is_full_again(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database, stamps_target=3)
    card = await make_card(database, shop)
    await act(client, shop, "/stamp", card_id=str(card.id), stamps=4)
    redeemed = (await act(client, shop, "/stamp/redeem", card_id=str(card.id)))["transaction"]["id"]
    cancelled = await void(client, shop, redeemed, kind="stamp")
    assert cancelled.json()["card"] | {"id": "", "card_number": ""} == {
        "id": "", "card_number": "", "status": "active", "stamp_count": 4, "stamps_target": 3, "stamps_filled": 1, "rewards_ready": 1,
        "points_balance": 0, "points_owed": 0,
    }  # fmt: skip
    assert await rows_of(superuser, card) == [
        ("stamp_earned", 4, 0, 0, 0, 0, 0, 0),
        ("stamp_redeemed", -3, 0, 0, 0, 0, 0, 0),
        ("redemption_cancelled", 3, 0, 0, 0, 0, 0, 0),
    ]


async def test_each_face_takes_back_its_own_kind_and_nothing_else(
    client: httpx.AsyncClient, database: Database, checksum: Checksum
) -> None:
    """Stamps by /stamp/void, points by /points/void; a void, a bonus and a correction by neither."""
    shop = await make_shop(database, welcome_bonus_points=5)
    card = await make_card(database, shop)
    stamped = (await act(client, shop, "/stamp", card_id=str(card.id)))["transaction"]["id"]
    earned = (await act(client, shop, "/points/earn", card_id=str(card.id), amount_cents=500))["transaction"]["id"]
    adjusted = (
        await act(client, shop, f"/cards/{card.id}/points/adjust", points=3, reason="Slip of the till", pin=shop.counter.manager_proof())
    )["transaction"]["id"]
    before = [await checksum(table, shop.id) for table in TABLES]
    for kind, transaction in (("points", stamped), ("stamp", earned), ("points", adjusted), ("stamp", adjusted)):
        answer = await void(client, shop, transaction, kind=kind)
        assert (answer.status_code, answer.json()["code"]) == (409, "transaction_not_voidable")
    assert (await void(client, shop, str(new_id()))).json()["code"] == "transaction_not_found"
    assert [await checksum(table, shop.id) for table in TABLES] == before


async def test_voiding_the_last_stamp_ends_its_cooldown(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, stamp_cooldown_minutes=60)
    card = await make_card(database, shop)
    stamped = (await act(client, shop, "/stamp", card_id=str(card.id)))["transaction"]["id"]
    assert (await post(client, shop, "/stamp", {"card_id": str(card.id)})).json()["code"] == "stamp_cooldown"
    await void(client, shop, stamped, kind="stamp")
    assert (await act(client, shop, "/stamp", card_id=str(card.id)))["card"]["stamp_count"] == 1


# --- Case 2, third part


async def test_one_key_at_two_merchants_is_two_keys(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    key = str(new_id())
    for shop in (await make_shop(database), await make_shop(database)):
        card = await make_card(database, shop)
        answer = await post(client, shop, "/points/earn", {"card_id": str(card.id), "amount_cents": 300}, key=key)
        assert (answer.status_code, answer.headers.get("idempotent-replayed")) == (200, None)
        assert await rows_of(superuser, card) == [("points_earned", 0, 3, 0, 3, 0, 0, 0)]


async def test_one_key_at_two_terminals_of_a_merchant_is_refused(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    """The answer belongs to who asked: another device with the same key learns nothing of it, and changes nothing."""
    shop = await make_shop(database, stores=2)
    card = await make_card(database, shop)
    key, body = str(new_id()), {"card_id": str(card.id), "amount_cents": 300}
    assert (await post(client, shop, "/points/earn", body, key=key)).status_code == 200
    other = await post(client, shop, "/points/earn", body, key=key, counter=shop.counters[1])
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await balance_of(superuser, card) == (0, 3, 0)
