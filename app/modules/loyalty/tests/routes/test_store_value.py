"""What moves value at a counter, through HTTP: exact answers, and on refusal nothing changed."""

import datetime as dt
import uuid
from collections.abc import Awaitable, Callable

import asyncpg
import httpx

from app.core.db.engine import Database
from app.modules.loyalty.tests.counter import make_card, make_reward, make_shop, post

Checksum = Callable[[str, uuid.UUID], Awaitable[str]]


async def rows_of(conn: asyncpg.Connection, card_id: uuid.UUID) -> list[tuple[str, int, int]]:
    """Return a card's ledger rows as (type, stamps, points), oldest first."""
    found = await conn.fetch("SELECT type, stamps_delta, points_delta FROM loyalty_transactions WHERE card_id = $1 ORDER BY id", card_id)
    return [(row["type"], row["stamps_delta"], row["points_delta"]) for row in found]


async def test_stamps_over_the_target_carry_over(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database, stamps_target=10)
    card = await make_card(database, shop)
    first = await post(client, shop, "/stamp", {"card_id": str(card.id), "stamps": 9})
    second = await post(client, shop, "/stamp", {"card_id": str(card.id), "stamps": 3})
    assert first.status_code == second.status_code == 200
    assert first.json()["new_rewards"] == 0
    assert second.json()["card"] | {"id": None, "card_number": None} == {
        "id": None, "card_number": None, "status": "active", "stamp_count": 12, "stamps_target": 10, "stamps_filled": 2,
        "rewards_ready": 1, "points_balance": 0, "points_owed": 0,
    }  # fmt: skip
    assert second.json()["new_rewards"] == 1
    redeemed = await post(client, shop, "/stamp/redeem", {"card_id": str(card.id)})
    assert (redeemed.json()["card"]["stamp_count"], redeemed.json()["transaction"]["stamps_delta"]) == (2, -10)
    assert await rows_of(superuser, card.id) == [("stamp_earned", 9, 0), ("stamp_earned", 3, 0), ("stamp_redeemed", -10, 0)]


async def test_a_card_that_is_not_full_is_not_redeemed(client: httpx.AsyncClient, database: Database, checksum: Checksum) -> None:
    shop = await make_shop(database, stamps_target=10)
    card = await make_card(database, shop)
    await post(client, shop, "/stamp", {"card_id": str(card.id), "stamps": 7})
    before = await checksum("loyalty_cards", shop.id), await checksum("loyalty_transactions", shop.id)
    answer = await post(client, shop, "/stamp/redeem", {"card_id": str(card.id)})
    assert (answer.status_code, answer.json()["code"], answer.json()["params"]["missing"]) == (409, "not_enough_stamps", 3)
    assert (await checksum("loyalty_cards", shop.id), await checksum("loyalty_transactions", shop.id)) == before


async def test_the_cooldown_says_when_to_try_again(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database, stamp_cooldown_minutes=30)
    card = await make_card(database, shop)
    assert (await post(client, shop, "/stamp", {"card_id": str(card.id)})).status_code == 200
    answer = await post(client, shop, "/stamp", {"card_id": str(card.id)})
    stamped_at = await superuser.fetchval("SELECT last_stamp_at FROM loyalty_cards WHERE id = $1", card.id)
    assert (answer.status_code, answer.json()["code"]) == (409, "stamp_cooldown")
    assert dt.datetime.fromisoformat(answer.json()["params"]["retry_at"]) == stamped_at + dt.timedelta(minutes=30)
    assert await rows_of(superuser, card.id) == [("stamp_earned", 1, 0)]


async def test_a_void_gives_the_daily_quota_back(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, max_stamps_per_day=1)
    card = await make_card(database, shop)
    stamped = await post(client, shop, "/stamp", {"card_id": str(card.id)})
    assert (await post(client, shop, "/stamp", {"card_id": str(card.id)})).json()["code"] == "daily_stamp_limit"
    void = {"transaction_id": stamped.json()["transaction"]["id"], "pin": shop.counter.staff_proof()}
    assert (await post(client, shop, "/stamp/void", void)).json()["card"]["stamp_count"] == 0
    assert (await post(client, shop, "/stamp", {"card_id": str(card.id)})).status_code == 200


async def test_points_are_rounded_down_once(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, points_per_euro=1)
    card = await make_card(database, shop)
    answer = await post(client, shop, "/points/earn", {"card_id": str(card.id), "amount_cents": 999})
    assert (answer.json()["transaction"]["points_delta"], answer.json()["card"]["points_balance"]) == (9, 9)


async def test_refunds_follow_the_rule_of_the_purchase(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, points_per_euro="0.1")
    card = await make_card(database, shop)
    earned = await post(client, shop, "/points/earn", {"card_id": str(card.id), "amount_cents": 2190})
    assert earned.json()["transaction"]["points_delta"] == 2
    purchase = earned.json()["transaction"]["id"]
    taken = []
    for _ in range(3):
        body = {"transaction_id": purchase, "refund_cents": 500, "pin": shop.counter.staff_proof()}
        taken.append((await post(client, shop, "/points/refund", body)).json()["transaction"]["points_delta"])
    assert taken == [-1, 0, -1]


async def test_an_order_earns_once_per_store(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, stores=2)
    card = await make_card(database, shop)
    body = {"card_id": str(card.id), "amount_cents": 500, "order_reference": "R-1"}
    assert (await post(client, shop, "/points/earn", body)).status_code == 200
    again = await post(client, shop, "/points/earn", body)
    assert (again.status_code, again.json()["code"]) == (409, "order_already_earned")
    elsewhere = await post(client, shop, "/points/earn", body, counter=shop.counters[1])
    assert (elsewhere.status_code, elsewhere.json()["card"]["points_balance"]) == (200, 10)


async def test_below_the_minimum_purchase_there_are_no_points(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, minimum_purchase_cents=500)
    card = await make_card(database, shop)
    below = await post(client, shop, "/points/earn", {"card_id": str(card.id), "amount_cents": 499})
    exactly = await post(client, shop, "/points/earn", {"card_id": str(card.id), "amount_cents": 500})
    assert (below.status_code, below.json()["code"]) == (409, "purchase_below_minimum")
    assert (exactly.status_code, exactly.json()["card"]["points_balance"]) == (200, 5)


async def test_a_reward_costs_its_points_and_cancelling_returns_them(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop)
    reward = await make_reward(database, shop, cost_points=30)
    too_few = await post(client, shop, "/points/redeem", {"card_id": str(card.id), "reward_id": str(reward)})
    assert (too_few.status_code, too_few.json()["code"], too_few.json()["params"]["missing"]) == (409, "not_enough_points", 30)
    await post(client, shop, "/points/earn", {"card_id": str(card.id), "amount_cents": 5000})
    redeemed = await post(client, shop, "/points/redeem", {"card_id": str(card.id), "reward_id": str(reward)})
    assert redeemed.json()["card"]["points_balance"] == 20
    void = {"transaction_id": redeemed.json()["transaction"]["id"], "pin": shop.counter.staff_proof()}
    cancelled = await post(client, shop, "/points/void", void)
    assert (cancelled.json()["transaction"]["type"], cancelled.json()["card"]["points_balance"]) == ("redemption_cancelled", 50)


async def test_a_repeat_gets_the_first_answer_and_changes_nothing(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop)
    key = uuid.uuid4().hex
    first = await post(client, shop, "/stamp", {"card_id": str(card.id)}, key=key)
    second = await post(client, shop, "/stamp", {"card_id": str(card.id)}, key=key)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert (first.headers.get("idempotent-replayed"), second.headers["idempotent-replayed"]) == (None, "true")
    other_body = await post(client, shop, "/stamp", {"card_id": str(card.id), "stamps": 2}, key=key)
    other_route = await post(client, shop, "/stamp/redeem", {"card_id": str(card.id)}, key=key)
    assert (other_body.status_code, other_body.json()["code"]) == (422, "idempotency_key_reused")
    assert other_route.status_code == 422
    assert await rows_of(superuser, card.id) == [("stamp_earned", 1, 0)]


async def test_a_refusal_is_repeated_too(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    """The same key keeps its first answer also when the rule would allow it by now; a new action has a new key."""
    shop = await make_shop(database, stamp_cooldown_minutes=30)
    card = await make_card(database, shop)
    await post(client, shop, "/stamp", {"card_id": str(card.id)})
    key = uuid.uuid4().hex
    first = await post(client, shop, "/stamp", {"card_id": str(card.id)}, key=key)
    await superuser.execute("UPDATE loyalty_cards SET last_stamp_at = last_stamp_at - interval '1 hour' WHERE id = $1", card.id)
    second = await post(client, shop, "/stamp", {"card_id": str(card.id)}, key=key)
    assert (first.status_code, first.json()["code"]) == (409, "stamp_cooldown")
    assert (second.status_code, second.content, second.headers["content-type"]) == (409, first.content, "application/problem+json")
    assert second.headers["idempotent-replayed"] == "true"
    assert (await post(client, shop, "/stamp", {"card_id": str(card.id)})).status_code == 200
    assert await rows_of(superuser, card.id) == [("stamp_earned", 1, 0), ("stamp_earned", 1, 0)]


async def test_the_ledger_remembers_a_key_whose_answer_is_gone(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop)
    key = uuid.uuid4().hex
    await post(client, shop, "/stamp", {"card_id": str(card.id)}, key=key)
    await superuser.execute("DELETE FROM core_idempotency WHERE merchant_id = $1", shop.id)
    late = await post(client, shop, "/stamp", {"card_id": str(card.id)}, key=key)
    assert (late.status_code, late.json()["code"]) == (409, "already_applied")
    assert await rows_of(superuser, card.id) == [("stamp_earned", 1, 0)]


async def test_a_correction_needs_a_reason_and_a_managers_pin(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop)
    path = f"/cards/{card.id}/points/adjust"
    body = {"points": 25, "reason": "Wrong amount typed"}
    without = await post(client, shop, path, body)
    by_staff = await post(client, shop, path, body | {"pin": shop.counter.staff_proof()})
    assert (without.status_code, without.json()["code"]) == (403, "manager_pin_required")
    assert (by_staff.status_code, by_staff.json()["code"]) == (403, "manager_pin_required")
    no_reason = await post(client, shop, path, {"points": 25, "reason": "x", "pin": shop.counter.manager_proof()})
    assert (no_reason.status_code, [item["field"] for item in no_reason.json()["errors"]]) == (422, ["reason"])
    done = await post(client, shop, path, body | {"pin": shop.counter.manager_proof()})
    assert (done.status_code, done.json()["card"]["points_balance"]) == (200, 25)
    row = await superuser.fetchrow("SELECT * FROM loyalty_transactions WHERE card_id = $1", card.id)
    assert row is not None
    assert (row["type"], row["staff_pin_id"], row["terminal_id"]) == (
        "points_adjusted",
        shop.counter.manager_pin_id,
        shop.counter.terminal_id,
    )
    details = await superuser.fetchval(
        "SELECT details FROM core_audit_log WHERE action = 'loyalty.points.adjusted' AND target_id = $1", card.id
    )
    assert "Wrong amount typed" in str(details)
    assert "Wrong amount typed" not in str(dict(row))


async def test_a_locked_terminal_asks_for_a_pin(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database, is_open=False)
    async_card = await make_card(database, shop)
    refused = await post(client, shop, "/stamp", {"card_id": str(async_card.id)})
    assert (refused.status_code, refused.json()["code"]) == (403, "pin_required")
    assert await rows_of(superuser, async_card.id) == []
    done = await post(client, shop, "/stamp", {"card_id": str(async_card.id), "pin": shop.counter.staff_proof()})
    assert done.status_code == 200
    recorded = await superuser.fetchval("SELECT staff_pin_id FROM loyalty_transactions WHERE card_id = $1", async_card.id)
    assert recorded == shop.counter.staff_pin_id


async def test_one_card_per_store_is_not_served_elsewhere(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, stores=2, is_cross_location=False)
    card = await make_card(database, shop)
    elsewhere = await post(client, shop, "/stamp", {"card_id": str(card.id)}, counter=shop.counters[1])
    unknown = await post(client, shop, "/stamp", {"card_id": str(uuid.uuid4())}, counter=shop.counters[1])
    assert (elsewhere.status_code, unknown.status_code) == (404, 404)
    assert elsewhere.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    assert (await post(client, shop, "/stamp", {"card_id": str(card.id)})).status_code == 200
