"""Many cards at once through the merchant's API (G5, case 52), and points given back by the platform (G7)."""

import datetime as dt
import json
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import httpx
import pytest

from app.core import bulk, clock
from app.core.context import SYSTEM, Principal, unit_of_work
from app.core.db.engine import Database
from app.modules.loyalty.domain.enums import ProgramType
from app.modules.loyalty.domain.pins import PinProof, pin_problem
from app.modules.loyalty.services import bulk_service, expiry_service, pin_service
from app.modules.loyalty.services.expiry_service import ByHand
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, make_card, make_shop
from app.modules.loyalty.tests.sweeps import make_cards
from app.modules.tenancy.tests.factories import make_admin, make_member, make_merchant, merchant_ctx, sign_in_cookie

BASE = "/api/v1/merchants/loyalty"
BONUSES = (
    "SELECT card_id, points_delta, user_id, type FROM loyalty_transactions WHERE merchant_id = $1 AND op_key LIKE 'bulk:%' ORDER BY card_id"
)
TRASH = "UPDATE loyalty_cards SET deleted_at = now() WHERE id = $1"
SPOIL = "UPDATE loyalty_cards SET points_balance = 1000000000 WHERE id = $1"
Worker = Callable[..., Awaitable[list[str]]]
Checksum = Callable[[str, uuid.UUID], Awaitable[str]]


async def manager_of(client: httpx.AsyncClient, database: Database, **choices: Any) -> MadeShop:
    shop = await make_shop(database, **choices)
    client.cookies.update(sign_in_cookie(shop.merchant.manager))
    return shop


async def post(client: httpx.AsyncClient, path: str, body: dict[str, Any], key: str | None = None) -> httpx.Response:
    return await client.post(BASE + path, json=body, headers={"Idempotency-Key": key or str(uuid.uuid4())})


async def results(database: Database, shop: MadeShop, job_id: str) -> tuple[bulk.BulkJob, list[bulk.BulkItem]]:
    async with unit_of_work(database, Principal(SYSTEM, shop.merchant.id)) as ctx:
        return await bulk.read(ctx, uuid.UUID(job_id)), await bulk.list_items_after(ctx, uuid.UUID(job_id), 0, limit=2_000)


def ids(cards: Sequence[MadeCard]) -> list[str]:
    return [str(card.id) for card in cards]


async def test_a_bonus_for_a_thousand_listed_cards_is_given_once_to_each(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, worker_once: Worker
) -> None:
    """Case 52: one foreign, one in the trash, five twice; besides them one merged, one switched off, one that is full."""
    shop = await manager_of(client, database)
    other = await make_card(database, (await make_shop(database)).merchant)
    trashed, merged, off, full = [await make_card(database, shop.merchant) for _ in range(4)]
    await make_cards(superuser, shop, 990, at=clock.now())
    made = "SELECT id FROM loyalty_cards WHERE merchant_id = $1 AND id <> ALL($2) ORDER BY id"
    special = [trashed.id, merged.id, off.id, full.id]
    good = [str(row["id"]) for row in await superuser.fetch(made, shop.merchant.id, special)]
    await superuser.execute(TRASH, trashed.id)
    await superuser.execute("UPDATE loyalty_cards SET status = 'merged', merged_into_id = $2 WHERE id = $1", merged.id, off.id)
    await superuser.execute("UPDATE loyalty_cards SET status = 'deactivated' WHERE id = $1", off.id)
    await superuser.execute(SPOIL, full.id)
    asked = [*good[:500], str(other.id), *ids([trashed, merged, off, full]), *good[500:], *good[:5]]
    assert len(asked) == 1_000
    before = await superuser.fetchval("SELECT sum(points_balance) FROM loyalty_cards WHERE merchant_id = $1", shop.merchant.id)
    key = str(uuid.uuid4())
    answer = await post(client, "/cards/bulk/bonus", {"card_ids": asked, "points": 50, "reason": "Ten years"}, key)
    assert answer.status_code == 202
    again = await post(client, "/cards/bulk/bonus", {"card_ids": asked, "points": 50, "reason": "Ten years"}, key)
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (202, answer.json(), "true")
    await worker_once(merchant_id=shop.merchant.id)
    job, items = await results(database, shop, answer.json()["job_id"])
    assert (job.state, job.total, dict(job.counts)) == ("done", 1_000, {"ok": 990, "not_found": 1, "conflict": 9, "points": 49_500})
    outcomes = {item.position - 1: (item.outcome, item.reason) for item in items if item.outcome != "ok"}
    assert outcomes == {
        500: ("not_found", None),
        501: ("conflict", "card_trashed"),
        502: ("conflict", "card_merged"),
        503: ("conflict", "card_inactive"),
        504: ("conflict", "balance_limit"),
        **dict.fromkeys(range(995, 1_000), ("conflict", "listed_twice")),
    }
    rows = await superuser.fetch(BONUSES, shop.merchant.id)
    assert [str(row["card_id"]) for row in rows] == sorted(good)
    assert {tuple(row)[1:] for row in rows} == {(50, shop.merchant.manager.id, "bonus_granted")}
    after = await superuser.fetchval("SELECT sum(points_balance) FROM loyalty_cards WHERE merchant_id = $1", shop.merchant.id)
    assert after - before == 49_500
    mails = "SELECT count(*) FROM core_outbox WHERE merchant_id = $1 AND task = 'loyalty.announce_bonus'"
    assert await superuser.fetchval(mails, shop.merchant.id) == 990


async def test_a_job_that_dies_half_way_goes_on_and_gives_nothing_twice(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, worker_once: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await manager_of(client, database)
    await make_cards(superuser, shop, 1_000, at=clock.now())
    listed = [str(row["id"]) for row in await superuser.fetch("SELECT id FROM loyalty_cards WHERE merchant_id = $1", shop.merchant.id)]
    answer = await post(client, "/cards/bulk/bonus", {"card_ids": listed, "points": 7, "reason": "Ten years"})
    real, chunks = bulk_service.give_bonuses, []

    async def dying(ctx: Any, job: Any, items: Any) -> Any:
        outcomes = await real(ctx, job, items)
        chunks.append(len(items))
        if len(chunks) == 2:
            raise RuntimeError("killed after the booking, before the commit")
        return outcomes

    monkeypatch.setattr(bulk_service, "give_bonuses", dying)
    outcomes = await worker_once(merchant_id=shop.merchant.id)
    assert outcomes[0] == "retried"
    assert len(await superuser.fetch(BONUSES, shop.merchant.id)) == 500
    assert (await results(database, shop, answer.json()["job_id"]))[0].state == "failed"
    await worker_once(merchant_id=shop.merchant.id, now=clock.now() + dt.timedelta(hours=1))
    job, _ = await results(database, shop, answer.json()["job_id"])
    assert (job.state, dict(job.counts)) == ("done", {"ok": 1_000, "points": 7_000})
    assert Counter(row["points_delta"] for row in await superuser.fetch(BONUSES, shop.merchant.id)) == {7: 1_000}


async def test_a_filter_means_what_the_preview_said(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, worker_once: Worker
) -> None:
    shop = await manager_of(client, database, stores=2)
    first, second = shop.merchant.stores
    rich = await make_card(database, shop.merchant, store=first, amount_cents=20_000)
    poor = await make_card(database, shop.merchant, store=first, amount_cents=1_000)
    there = await make_card(database, shop.merchant, store=second, amount_cents=30_000)
    new = await make_card(database, shop.merchant, store=second)
    await superuser.execute("UPDATE loyalty_cards SET last_activity_at = '2026-03-01T22:59Z' WHERE id = $1", rich.id)
    await superuser.execute("UPDATE loyalty_cards SET last_activity_at = '2026-03-01T23:00Z' WHERE id = $1", poor.id)
    cases: list[tuple[dict[str, Any], list[MadeCard]]] = [
        ({}, [rich, poor, there, new]),
        ({"store_id": str(first.id)}, [rich, poor]),
        ({"min_points": 200}, [rich, there]),
        ({"min_points": 200, "store_id": str(first.id)}, [rich]),
        ({"min_visits": 1}, [rich, poor, there]),
        ({"last_visit_before": "2026-03-02"}, [rich]),  # midnight in Luxembourg is 23:00 UTC
        ({"last_visit_after": "2026-03-02"}, [poor, there, new]),
        ({"last_visit_after": "2026-03-02", "last_visit_before": "2026-03-03"}, [poor]),
        ({"min_visits": 2}, []),
    ]
    for chosen, wanted in cases:
        preview = await client.post(f"{BASE}/cards/bulk/bonus/preview", json={"filter": chosen, "points": 5})
        assert (preview.status_code, preview.json()) == (200, {"cards": len(wanted), "points_in_all": 5 * len(wanted)}), chosen
        answer = await post(client, "/cards/bulk/bonus", {"filter": chosen, "points": 5, "reason": "Hello", "expected_cards": len(wanted)})
        await worker_once(merchant_id=shop.merchant.id)
        job, items = await results(database, shop, answer.json()["job_id"])
        assert [item.key for item in items] == sorted(ids(wanted)), chosen
        assert (job.state, job.total, {item.outcome for item in items} - {"ok"}) == ("done", len(wanted), set())


async def test_a_preview_that_is_no_longer_true_is_refused_with_the_new_numbers(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, checksum: Checksum
) -> None:
    shop = await manager_of(client, database)
    for _ in range(3):
        await make_card(database, shop.merchant)
    answer = await post(client, "/cards/bulk/bonus", {"filter": {}, "points": 5, "reason": "Hello", "expected_cards": 2})
    assert (answer.status_code, answer.json()["code"]) == (409, "bulk_preview_changed")
    assert answer.json()["params"] == {"cards": 3, "points_in_all": 15}
    assert await superuser.fetchval("SELECT count(*) FROM core_bulk_jobs WHERE merchant_id = $1", shop.merchant.id) == 0


async def test_a_bonus_is_no_visit_and_is_not_given_where_it_would_expire_at_once(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, worker_once: Worker
) -> None:
    shop = await manager_of(client, database, points_expiration_days=30)
    here, away = [await make_card(database, shop.merchant, amount_cents=1_000) for _ in range(2)]
    await superuser.execute("UPDATE loyalty_cards SET last_activity_at = now() - interval '60 days' WHERE id = $1", away.id)
    await superuser.execute("UPDATE loyalty_programs SET created_at = now() - interval '90 days' WHERE merchant_id = $1", shop.merchant.id)
    state = "SELECT last_activity_at, visit_count, points_balance FROM loyalty_cards WHERE id = $1"
    [before] = await superuser.fetch(state, here.id)
    answer = await post(client, "/cards/bulk/bonus", {"card_ids": ids([here, away]), "points": 5, "reason": "Hello"})
    await worker_once(merchant_id=shop.merchant.id)
    _, items = await results(database, shop, answer.json()["job_id"])
    assert [(item.outcome, item.reason) for item in items] == [("ok", None), ("conflict", "bonus_would_expire")]
    [after] = await superuser.fetch(state, here.id)
    assert tuple(after) == (before["last_activity_at"], before["visit_count"], before["points_balance"] + 5)


async def test_cards_are_switched_off_with_an_entry_for_each(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, worker_once: Worker
) -> None:
    shop = await manager_of(client, database)
    first, second, off, merged = [await make_card(database, shop.merchant, stamps=2) for _ in range(4)]
    await superuser.execute("UPDATE loyalty_cards SET status = 'deactivated' WHERE id = $1", off.id)
    await superuser.execute("UPDATE loyalty_cards SET status = 'merged', merged_into_id = $2 WHERE id = $1", merged.id, first.id)
    answer = await post(client, "/cards/bulk/deactivate", {"card_ids": ids([first, off, second, merged]), "reason": "Misprinted  cards"})
    assert answer.status_code == 202
    await worker_once(merchant_id=shop.merchant.id)
    job, items = await results(database, shop, answer.json()["job_id"])
    assert [(item.outcome, item.reason) for item in items] == [
        ("ok", None), ("ok", "unchanged"), ("ok", None), ("conflict", "card_merged"),
    ]  # fmt: skip
    assert job.params == {}  # the reason is in the audit log
    cards = await superuser.fetch("SELECT id, stamp_count, deactivated_at FROM loyalty_cards WHERE id = ANY($1)", [first.id, second.id])
    assert {(row["stamp_count"], row["deactivated_at"] is not None) for row in cards} == {(2, True)}
    entries = await superuser.fetch(
        "SELECT target_id, actor_id, details FROM core_audit_log WHERE merchant_id = $1 AND action = 'loyalty.card.deactivated'",
        shop.merchant.id,
    )
    assert {row["target_id"] for row in entries} == {first.id, second.id}
    assert {row["actor_id"] for row in entries} == {shop.merchant.manager.id}
    assert [row["details"]["reason"] for row in entries] == ["Misprinted cards"] * 2


async def test_what_cannot_be_meant_is_refused(client: httpx.AsyncClient, database: Database, checksum: Checksum) -> None:
    shop = await manager_of(client, database)
    card = await make_card(database, shop.merchant)
    foreign = (await make_merchant(database)).store
    before = await checksum("core_bulk_jobs", shop.merchant.id)
    bonus = {"points": 5, "reason": "Hello"}
    for body, status in (
        (bonus, 422),
        (bonus | {"card_ids": [str(card.id)], "filter": {}}, 422),
        (bonus | {"card_ids": []}, 422),
        (bonus | {"card_ids": [str(uuid.uuid4()) for _ in range(1_001)]}, 422),
        (bonus | {"card_ids": [str(card.id)], "points": 0}, 422),
        (bonus | {"card_ids": [str(card.id)], "points": 1_000_001}, 422),
        (bonus | {"card_ids": [str(card.id)], "reason": "x"}, 422),
        (bonus | {"filter": {"store_id": str(foreign.id)}}, 404),
        (bonus | {"filter": {"min_points": -1}}, 422),
        (bonus | {"filter": {"anything": 1}}, 422),
    ):
        answer = await post(client, "/cards/bulk/bonus", body)
        assert answer.status_code == status, (body, answer.text)
    missing = await client.post(f"{BASE}/cards/bulk/bonus", json=bonus | {"card_ids": [str(card.id)]})
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")
    assert await checksum("core_bulk_jobs", shop.merchant.id) == before


async def test_a_program_without_points_gives_no_bonus(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database, type=ProgramType.STAMPS)
    card = await make_card(database, shop.merchant)
    answer = await post(client, "/cards/bulk/bonus", {"card_ids": [str(card.id)], "points": 5, "reason": "Hello"})
    assert (answer.status_code, answer.json()["code"]) == (409, "points_not_offered")


async def test_who_is_bound_to_one_store_treats_no_cards_of_the_others(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, stores=2)
    bound = await make_member(database, shop.merchant, role="manager", bound=True)
    client.cookies.update(sign_in_cookie(bound))
    assert (await post(client, "/cards/bulk/bonus", {"filter": {}, "points": 5, "reason": "Hello"})).status_code == 403


async def test_people_get_pins_that_are_shown_once_and_kept_as_hashes(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await manager_of(client, database)
    people = [{"display_name": f"Person {number}"} for number in range(5)] + [
        {"display_name": "Marie", "role": "manager", "email": "Marie@example.lu", "pin": "739205"}
    ]
    body, key = {"store_id": str(shop.merchant.store.id), "pins": people}, str(uuid.uuid4())
    answer = await post(client, "/pins/bulk/assign", body, key)
    assert answer.status_code == 201
    items = answer.json()["items"]
    digits = [item["pin"] for item in items]
    assert [item["display_name"] for item in items] == [person["display_name"] for person in people]
    assert digits[-1] == "739205"
    assert len(set(digits)) == 6
    assert [pin_problem(pin) for pin in digits] == [None] * 6
    [kept] = await superuser.fetch("SELECT body FROM core_idempotency WHERE merchant_id = $1 AND key = $2", shop.merchant.id, key)
    rows = await superuser.fetch("SELECT * FROM loyalty_staff_pins WHERE merchant_id = $1", shop.merchant.id)
    audits = await superuser.fetch("SELECT details FROM core_audit_log WHERE merchant_id = $1", shop.merchant.id)
    everything = kept["body"] + repr([dict(row) for row in rows]) + json.dumps([row["details"] for row in audits])
    assert [pin for pin in digits if f'"{pin}"' in everything or f"'{pin}'" in everything] == []
    again = await post(client, "/pins/bulk/assign", body, key)
    assert [item["pin"] for item in again.json()["items"]] == [None] * 6
    assert [item["id"] for item in again.json()["items"]] == [item["id"] for item in items]
    async with merchant_ctx(database, shop.merchant, role="staff", store=shop.merchant.store) as ctx:
        for item in items:
            role = await pin_service.verify(ctx, PinProof(uuid.UUID(item["id"]), item["pin"]))
            assert role == item["role"]


async def test_one_weak_pin_is_named_and_nobody_gets_one(client: httpx.AsyncClient, database: Database, checksum: Checksum) -> None:
    shop = await manager_of(client, database)
    before = await checksum("loyalty_staff_pins", shop.merchant.id)
    people = [{"display_name": "A", "pin": "739205"}, {"display_name": "B", "pin": "123456"}, {"display_name": "C"}]
    answer = await post(client, "/pins/bulk/assign", {"store_id": str(shop.merchant.store.id), "pins": people})
    assert (answer.status_code, answer.json()["code"]) == (422, "pin_weak")
    assert list(answer.json()["errors"]) == ["pins.1.pin"] or "pins.1.pin" in answer.text
    assert await checksum("loyalty_staff_pins", shop.merchant.id) == before


async def test_expired_points_are_given_back_and_last_for_a_whole_period(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database, points_expiration_days=30, now=clock.now() - dt.timedelta(days=100))
    card = await make_card(database, shop.merchant, amount_cents=5_000, now=clock.now() - dt.timedelta(days=60))
    await expiry_service.sweep(ByHand(database, shop.merchant.id))
    admin = await make_admin(database)
    client.cookies.update(sign_in_cookie(admin))
    path, key = f"/api/v1/admin/loyalty/cards/{card.id}/restore_points", str(uuid.uuid4())
    balance = await superuser.fetchval("SELECT points_balance FROM loyalty_cards WHERE id = $1", card.id)
    for is_repeat in (False, True):
        answer = await client.post(path, json={"points": 50, "reason": "Was in hospital"}, headers={"Idempotency-Key": key})
        assert (answer.status_code, answer.json()["card"]["points_balance"]) == (200, balance + 50)
        assert ("Idempotent-Replayed" in answer.headers) == is_repeat
    [row] = await superuser.fetch(
        "SELECT type, points_delta, user_id, acting_admin_id FROM loyalty_transactions WHERE card_id = $1 ORDER BY id DESC LIMIT 1", card.id
    )
    assert tuple(row) == ("admin_adjustment", 50, admin.id, admin.id)
    assert await superuser.fetchval("SELECT last_activity_at > now() - interval '1 minute' FROM loyalty_cards WHERE id = $1", card.id)
    [entry] = await superuser.fetch(
        "SELECT merchant_id, acting_admin_id, details FROM core_audit_log WHERE action = 'loyalty.points.restored' AND target_id = $1",
        card.id,
    )
    assert tuple(entry) == (shop.merchant.id, admin.id, {"points": 50, "reason": "Was in hospital"})
    await expiry_service.sweep(ByHand(database, shop.merchant.id, now=clock.now() + dt.timedelta(days=2)))
    assert await superuser.fetchval("SELECT points_balance FROM loyalty_cards WHERE id = $1", card.id) == balance + 50


async def test_points_cannot_be_given_back_to_a_card_that_is_not_in_use(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, checksum: Checksum
) -> None:
    shop = await make_shop(database)
    off, trashed = [await make_card(database, shop.merchant) for _ in range(2)]
    await superuser.execute("UPDATE loyalty_cards SET status = 'deactivated' WHERE id = $1", off.id)
    await superuser.execute(TRASH, trashed.id)
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    before = await checksum("loyalty_transactions", shop.merchant.id)
    for card_id, status, code in (
        (off.id, 409, "card_inactive"),
        (trashed.id, 404, "card_not_found"),
        (uuid.uuid4(), 404, "card_not_found"),
    ):
        answer = await client.post(
            f"/api/v1/admin/loyalty/cards/{card_id}/restore_points",
            json={"points": 5, "reason": "Hello"},
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await checksum("loyalty_transactions", shop.merchant.id) == before
