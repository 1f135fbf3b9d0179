"""Cards through the merchant's API: list, find, correct, take back, switch off; merging; the home page's numbers."""

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core import clock
from app.core.db.engine import Database
from app.core.pagination import encode_cursor
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.tests.factories import (
    MadeCard,
    MadeShop,
    earn,
    make_card,
    make_reward,
    make_settings,
    make_shop,
    redeem_points,
    stamp,
)
from app.modules.tenancy.tests.factories import make_member, sign_in_cookie

BASE = "/api/v1/merchants/loyalty"
Checksum = Callable[[str, uuid.UUID], Awaitable[str]]
Worker = Callable[..., Awaitable[list[Any]]]


async def manager_of(client: httpx.AsyncClient, database: Database, **choices: Any) -> MadeShop:
    shop = await make_shop(database, **choices)
    client.cookies.update(sign_in_cookie(shop.merchant.manager))
    return shop


async def post(client: httpx.AsyncClient, path: str, body: dict[str, Any], key: str | None = None) -> httpx.Response:
    return await client.post(BASE + path, json=body, headers={"Idempotency-Key": key or str(uuid.uuid4())})


async def listed(client: httpx.AsyncClient, **params: str | int) -> list[str]:
    answer = await client.get(f"{BASE}/cards", params=params)
    assert answer.status_code == 200
    return [item["id"] for item in answer.json()["items"]]


async def history(client: httpx.AsyncClient, card: MadeCard) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.get(f"{BASE}/cards/{card.id}/history")).json()["items"]
    return items


async def test_cards_are_listed_by_pages_and_filters(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database, stores=2)
    first, second = shop.merchant.stores
    cards = [await make_card(database, shop.merchant, store=store) for store in (first, second, first, first, second)]
    newest_first = [str(card.id) for card in reversed(cards)]
    assert await listed(client) == newest_first
    seen, cursor = [], None
    while True:
        page = (await client.get(f"{BASE}/cards", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen.append([item["id"] for item in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [newest_first[:2], newest_first[2:4], newest_first[4:]]
    assert await listed(client, store_id=str(second.id)) == [str(cards[4].id), str(cards[1].id)]
    await client.post(f"{BASE}/cards/{cards[0].id}/deactivate", json={"reason": "Lost card"})
    assert await listed(client, status="deactivated") == [str(cards[0].id)]
    assert await listed(client, status="active", store_id=str(first.id)) == [str(cards[3].id), str(cards[2].id)]
    assert await listed(client, sort="created") == newest_first[::-1]
    assert await listed(client, sort="created", store_id=str(second.id)) == [str(cards[1].id), str(cards[4].id)]
    rich = await make_card(database, shop.merchant, amount_cents=5_000)
    assert await listed(client, min_points=50) == [str(rich.id)]
    assert await listed(client, min_points=51) == []
    assert await listed(client, q=rich.number, min_points=51) == []
    for params in (
        {"cursor": "x" * 20},
        {"cursor": encode_cursor([str(uuid.uuid4())])},
        {"limit": 101},
        {"limit": 0},
        {"status": "gone"},
        {"store_id": "1"},
    ):
        assert (await client.get(f"{BASE}/cards", params=params)).status_code in (400, 422)


async def test_cards_are_found_by_number_code_e_mail_and_name(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database, stores=2)
    first, second = shop.merchant.stores
    card = await make_card(database, shop.merchant, store=second, first_name="Zoé", last_name="Thill", phone="+352 621 445 566")
    await make_card(database, shop.merchant)
    for text in (format_number(card.number), card.number, card.qr_token, card.email.upper(), "thill", "zoe", "445566"):
        assert await listed(client, q=text) == [str(card.id)]
    assert await listed(client, q="thill", store_id=str(first.id)) == []
    assert await listed(client, q="thill", status="deactivated") == []
    assert await listed(client, q="nobody") == []


async def test_a_card_is_read_with_all_there_is_to_know(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database)
    card = await make_card(database, shop.merchant, stamps=3, amount_cents=1234, first_name="Zoé", last_name="Thill")
    answer = (await client.get(f"{BASE}/cards/{card.id}")).json()
    assert answer | {"created_at": "", "last_activity_at": ""} == {
        "id": str(card.id), "card_number": format_number(card.number), "status": "active", "stamp_count": 3, "stamps_target": 10,
        "stamps_filled": 3, "rewards_ready": 0, "points_balance": 12, "points_owed": 0, "enrolled_at_store_id": str(card.store_id),
        "holder": {"customer_id": str(card.customer_id), "first_name": "Zoé", "last_name": "Thill", "email": card.email},
        "store_name": shop.merchant.store.name, "qr_token": card.qr_token, "merged_into_id": None, "deletion": None,
        "visit_count": 2,
        "created_at": "", "last_activity_at": "",
    }  # fmt: skip
    rows = await history(client, card)
    assert [(row["type"], row["stamps_delta"], row["points_delta"], row["can_void"]) for row in rows] == [
        ("points_earned", 0, 12, True),
        ("stamp_earned", 3, 0, True),
    ]
    assert {row["store_name"] for row in rows} == {shop.merchant.store.name}


async def test_a_balance_is_corrected_once_per_key(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await manager_of(client, database)
    card = await make_card(database, shop.merchant, amount_cents=1000)
    key, body = str(uuid.uuid4()), {"points": -4, "reason": "Typed  120 instead of 100"}
    first, again = [await post(client, f"/cards/{card.id}/adjust", body, key) for _ in range(2)]
    assert (first.status_code, first.json()["card"]["points_balance"], first.json()["transaction"]["type"]) == (200, 6, "points_adjusted")
    assert (again.status_code, again.content, again.headers["idempotent-replayed"]) == (200, first.content, "true")
    other = await post(client, f"/cards/{card.id}/adjust", body | {"points": -5}, key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    without = await client.post(f"{BASE}/cards/{card.id}/adjust", json=body)
    assert (without.status_code, without.json()["code"]) == (400, "idempotency_key_missing")
    rows = await superuser.fetch("SELECT points_delta, user_id FROM loyalty_transactions WHERE card_id = $1 ORDER BY id", card.id)
    assert [tuple(row) for row in rows] == [(10, shop.merchant.manager.id), (-4, shop.merchant.manager.id)]
    statement = "SELECT details FROM core_audit_log WHERE target_id = $1 AND action = 'loyalty.points.adjusted'"
    [entry] = await superuser.fetch(statement, card.id)
    assert entry["details"] == {"points": -4, "reason": "Typed 120 instead of 100"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"points": 0, "reason": "Nothing"}, 409, "points_out_of_range"),
        ({"points": -11, "reason": "Too many"}, 409, "not_enough_points"),
        ({"points": 5, "reason": "x"}, 422, "adjustment_reason_required"),
        ({"points": 2_000_000, "reason": "Too many"}, 422, "invalid"),
    ],
)
async def test_a_correction_that_cannot_be_changes_nothing(
    client: httpx.AsyncClient, database: Database, checksum: Checksum, body: dict[str, Any], status: int, code: str
) -> None:
    shop = await manager_of(client, database)
    card = await make_card(database, shop.merchant, amount_cents=1000)
    before = await checksum("loyalty_cards", shop.merchant.id), await checksum("loyalty_transactions", shop.merchant.id)
    answer = await post(client, f"/cards/{card.id}/adjust", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await checksum("loyalty_cards", shop.merchant.id), await checksum("loyalty_transactions", shop.merchant.id)) == before


async def test_a_row_is_taken_back_once_and_only_on_its_card(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database)
    card = await make_card(database, shop.merchant, stamps=2, amount_cents=1000)
    other = await make_card(database, shop.merchant)
    points, stamps = await history(client, card)
    elsewhere = await post(client, f"/cards/{other.id}/void", {"transaction_id": points["id"]})
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "transaction_not_found")
    voided = await post(client, f"/cards/{card.id}/void", {"transaction_id": points["id"]})
    assert (voided.status_code, voided.json()["card"]["points_balance"], voided.json()["transaction"]["points_delta"]) == (200, 0, -10)
    unstamped = await post(client, f"/cards/{card.id}/void", {"transaction_id": stamps["id"]})
    assert unstamped.json()["card"]["stamp_count"] == 0
    again = await post(client, f"/cards/{card.id}/void", {"transaction_id": points["id"]})
    assert (again.status_code, again.json()["code"]) == (409, "transaction_already_voided")
    void_of_void = await post(client, f"/cards/{card.id}/void", {"transaction_id": voided.json()["transaction"]["id"]})
    assert (void_of_void.status_code, void_of_void.json()["code"]) == (409, "transaction_not_voidable")
    assert [row["can_void"] for row in await history(client, card)] == [False] * 4


async def test_a_card_is_switched_off_and_on(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await manager_of(client, database)
    card = await make_card(database, shop.merchant)
    for _ in range(2):
        off = await client.post(f"{BASE}/cards/{card.id}/deactivate", json={"reason": "Lost card"})
        assert (off.status_code, off.json()["status"]) == (200, "deactivated")
    refused = await post(client, f"/cards/{card.id}/adjust", {"points": 5, "reason": "Forgotten"})
    assert (refused.status_code, refused.json()["code"]) == (409, "card_inactive")
    on = await client.post(f"{BASE}/cards/{card.id}/activate", json={"reason": "Found again"})
    assert on.json()["status"] == "active"
    statement = "SELECT action, details FROM core_audit_log WHERE target_id = $1 AND action ~ 'activated' ORDER BY at"
    entries = await superuser.fetch(statement, card.id)
    assert [(row["action"], row["details"]["reason"]) for row in entries] == [
        ("loyalty.card.deactivated", "Lost card"),
        ("loyalty.card.activated", "Found again"),
    ]


async def people_with_several(client: httpx.AsyncClient, database: Database) -> tuple[MadeShop, list[MadeCard]]:
    """Two people with a card at each of two stores, one with a single one; cards now work everywhere."""
    shop = await manager_of(client, database, stores=2, cross_location=False)
    cards = [
        await make_card(database, shop.merchant, store=store, email=email, stamps=2, amount_cents=700, first_name=email[:3].title())
        for email in ("ann@example.lu", "bob@example.lu")
        for store in shop.merchant.stores
    ]
    await make_card(database, shop.merchant, stamps=1)
    await make_settings(database, shop.merchant, cross_location=True)
    return shop, cards


async def test_merging_is_previewed_done_and_its_sums_shown(client: httpx.AsyncClient, database: Database, worker_once: Worker) -> None:
    shop, cards = await people_with_several(client, database)
    preview = (await client.get(f"{BASE}/merges/preview", params={"limit": 1})).json()
    assert (preview["people"], preview["cards"], len(preview["items"])) == (2, 4, 1)
    rest = (await client.get(f"{BASE}/merges/preview", params={"limit": 1, "cursor": preview["next_cursor"]})).json()
    assert rest["next_cursor"] is None
    ann = next(item for item in preview["items"] + rest["items"] if item["first_name"] == "Ann")
    assert [card["id"] for card in ann["cards"]] == [str(cards[0].id), str(cards[1].id)]
    assert [card["store_name"] for card in ann["cards"]] == [store.name for store in shop.merchant.stores]
    assert (ann["stamps_in_all"], ann["points_in_all"]) == (4, 14)
    key = str(uuid.uuid4())
    started, replayed = [await post(client, "/merges", {}, key) for _ in range(2)]
    assert (started.status_code, started.json()["status"], started.json()["customers_total"]) == (202, "running", 2)
    assert (replayed.status_code, replayed.content) == (202, started.content)
    rival = await post(client, "/merges", {})
    assert (rival.status_code, rival.json()["code"]) == (409, "merge_running")
    await worker_once(merchant_id=shop.merchant.id)
    done = (await client.get(f"{BASE}/merges/{started.json()['id']}")).json()
    assert done | {"id": "", "started_at": "", "finished_at": ""} == {
        "id": "", "status": "done", "customer_id": None, "customers_total": 2, "customers_merged": 2, "customers_skipped": 0,
        "cards_merged": 2, "stamps_before": 8, "stamps_after": 8, "points_before": 28, "points_after": 28, "points_expired": 0,
        "started_at": "", "finished_at": "",
    }  # fmt: skip
    assert done["finished_at"] is not None
    assert (await client.get(f"{BASE}/merges")).json() == {"items": [done]}
    assert (await client.get(f"{BASE}/merges/preview")).json() == {"people": 0, "cards": 0, "items": [], "next_cursor": None}
    nothing = await post(client, "/merges", {})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_merge")


async def test_one_customer_is_merged_at_once(client: httpx.AsyncClient, database: Database) -> None:
    _, cards = await people_with_several(client, database)
    merged = await post(client, "/merges", {"customer_id": str(cards[2].customer_id)})
    assert (merged.status_code, merged.json()["status"], merged.json()["cards_merged"]) == (202, "done", 1)
    source = (await client.get(f"{BASE}/cards/{cards[3].id}")).json()
    assert (source["status"], source["merged_into_id"], source["points_balance"]) == ("merged", str(cards[2].id), 0)
    assert (await client.get(f"{BASE}/cards/{cards[2].id}")).json()["points_balance"] == 14
    preview = (await client.get(f"{BASE}/merges/preview")).json()
    assert (preview["people"], [item["customer_id"] for item in preview["items"]]) == (1, [str(cards[0].customer_id)])


async def test_merging_waits_for_one_card_for_all_stores(client: httpx.AsyncClient, database: Database) -> None:
    shop, _ = await people_with_several(client, database)
    await make_settings(database, shop.merchant, cross_location=False)
    answer = await post(client, "/merges", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "cards_per_store")


async def test_the_overview_counts_local_days_and_leaves_out_what_was_voided(client: httpx.AsyncClient, database: Database) -> None:
    zone = zoneinfo.ZoneInfo("Europe/Luxembourg")
    midnight = dt.datetime.combine(clock.now().astimezone(zone).date(), dt.time.min, tzinfo=zone)
    shop = await manager_of(client, database)
    long_ago = await make_card(database, shop.merchant, stamps=4, now=midnight - dt.timedelta(days=30, minutes=1))
    first_day = midnight - dt.timedelta(days=29)
    await make_card(database, shop.merchant, stamps=2, now=first_day.astimezone(dt.UTC))
    late_yesterday = midnight - dt.timedelta(minutes=1)
    card = await make_card(database, shop.merchant, stamps=3, amount_cents=20_000, now=late_yesterday)
    reward = await make_reward(database, shop.merchant, cost_points=150)
    await redeem_points(database, shop.merchant, card, reward)
    await earn(database, shop.merchant, card, 1_500)
    mistake = await stamp(database, shop.merchant, card, 5)
    await stamp(database, shop.merchant, long_ago, 1)
    await post(client, f"/cards/{card.id}/void", {"transaction_id": str(mistake.transaction_id)})
    await client.post(f"{BASE}/cards/{long_ago.id}/deactivate", json={"reason": "Lost card"})
    answer = (await client.get(f"{BASE}/overview")).json()
    numbers = {"enrollments": 0, "stamps": 1, "points_earned": 15, "points_redeemed": 150, "rewards_redeemed": 1}
    today = numbers | {"day": midnight.date().isoformat()}
    assert (answer["today"], answer["active_cards"]) == (today, 2)
    days = answer["days"]
    assert [day["day"] for day in days] == [(midnight.date() - dt.timedelta(days=back)).isoformat() for back in range(29, -1, -1)]
    assert days[-1] == today
    yesterday = {"enrollments": 1, "stamps": 3, "points_earned": 200, "points_redeemed": 0, "rewards_redeemed": 0}
    assert days[-2] == yesterday | {"day": late_yesterday.date().isoformat()}
    assert (days[0]["enrollments"], days[0]["stamps"]) == (1, 2)
    assert all(sum(value for name, value in day.items() if name != "day") == 0 for day in days[1:-2])


async def test_the_overview_of_somebody_bound_to_a_store_is_that_store_s(
    client: httpx.AsyncClient, make_client: Callable[..., httpx.AsyncClient], database: Database
) -> None:
    shop = await make_shop(database, stores=2)
    first, second = shop.merchant.stores
    bound = await make_member(database, shop.merchant, role="manager", store_id=second.id, bound=True)
    client.cookies.update(sign_in_cookie(bound))
    await make_card(database, shop.merchant, store=first, stamps=5)
    there = await make_card(database, shop.merchant, store=second, stamps=2)
    mistake = await stamp(database, shop.merchant, there, 4, store=second)
    owner = make_client()
    owner.cookies.update(sign_in_cookie(shop.merchant.owner))
    await post(owner, f"/cards/{there.id}/void", {"transaction_id": str(mistake.transaction_id)})
    answer = (await client.get(f"{BASE}/overview")).json()
    assert (answer["today"]["enrollments"], answer["today"]["stamps"], answer["active_cards"]) == (1, 2, 1)
