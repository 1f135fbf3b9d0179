"""The trash of cards through the merchant's API: out of reach, back as it was, deleted for good only without a history (G1, case 15)."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.tests.factories import (
    MadeCard,
    MadeShop,
    a_key,
    make_card,
    make_settings,
    make_shop,
    make_terminal,
    make_terminal_cookie,
    stamp,
)
from app.modules.tenancy.tests.factories import make_member, merchant_ctx, sign_in_cookie

BASE = "/api/v1/merchants/loyalty"
Checksum = Callable[[str, uuid.UUID], Awaitable[str]]
REASON = {"reason": "Enrolled twice"}
AUDIT = "SELECT action, details FROM core_audit_log WHERE merchant_id = $1 AND target_id = $2 ORDER BY at, id"


async def manager_of(client: httpx.AsyncClient, database: Database, **choices: Any) -> MadeShop:
    shop = await make_shop(database, **choices)
    client.cookies.update(sign_in_cookie(shop.merchant.manager))
    return shop


async def put_away(client: httpx.AsyncClient, card: MadeCard) -> dict[str, Any]:
    answer = await client.post(f"{BASE}/cards/{card.id}/trash", json=REASON)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def in_trash(client: httpx.AsyncClient, **params: str | int) -> list[str]:
    answer = await client.get(f"{BASE}/cards", params={**params, "only_deleted": "true"})
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_a_card_lies_in_the_trash_with_who_when_and_why_and_comes_back_as_it_was(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await manager_of(client, database)
    card, other = await make_card(database, shop.merchant), await make_card(database, shop.merchant)
    await stamp(database, shop.merchant, card, 3)
    before = (await client.get(f"{BASE}/cards/{card.id}")).json()
    act = await put_away(client, card)
    name = await superuser.fetchval("SELECT display_name FROM tenancy_memberships WHERE id = $1", shop.merchant.manager.membership_id)
    assert (act["reason"], act["deleted_by"]) == ("Enrolled twice", name)
    assert await put_away(client, card) == act, "doing it twice changes nothing"
    (row,) = (await client.get(f"{BASE}/cards", params={"only_deleted": "true"})).json()["items"]
    assert row == before | {"deletion": act}
    assert [item["id"] for item in (await client.get(f"{BASE}/cards")).json()["items"]] == [str(other.id)]
    assert (await client.get(f"{BASE}/cards/{card.id}")).status_code == 404

    restored = await client.post(f"{BASE}/cards/{card.id}/restore")
    assert (restored.status_code, restored.json()) == (200, before)
    assert (await client.post(f"{BASE}/cards/{card.id}/restore")).json() == before
    assert await in_trash(client) == []
    entries = [tuple(entry) for entry in await superuser.fetch(AUDIT, shop.merchant.id, card.id)]
    assert entries[-2:] == [
        ("loyalty.card.trashed", {"reason": "Enrolled twice", "deletion_id": act["deletion_id"]}),
        ("loyalty.card.restored", {"deletion_id": act["deletion_id"]}),
    ]


async def test_a_card_in_the_trash_is_out_of_reach_and_its_history_stays(
    client: httpx.AsyncClient, make_client: Callable[..., httpx.AsyncClient], database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await manager_of(client, database)
    card = await make_card(database, shop.merchant)
    await stamp(database, shop.merchant, card, 3)
    terminal = make_client()
    terminal.cookies.update(make_terminal_cookie(await make_terminal(database, shop.merchant)))
    await put_away(client, card)
    for text in (card.number, card.qr_token, card.email):
        found = await terminal.get("/api/v1/store/loyalty/cards", params={"q": text})
        assert (found.status_code, found.json()["items"]) == (200, []), text
    key = {"Idempotency-Key": a_key().key}
    unknown = await terminal.post("/api/v1/store/loyalty/stamp", json={"card_id": str(uuid.uuid4())}, headers=key)
    trashed = await terminal.post("/api/v1/store/loyalty/stamp", json={"card_id": str(card.id)}, headers={"Idempotency-Key": a_key().key})
    assert (trashed.status_code, trashed.json()["code"]) == (unknown.status_code, unknown.json()["code"]) == (404, "card_not_found")
    assert await superuser.fetchval("SELECT count(*) FROM loyalty_transactions WHERE card_id = $1", card.id) == 1
    assert await superuser.fetchval("SELECT stamp_count FROM loyalty_cards WHERE id = $1", card.id) == 3


async def test_who_enrolls_again_gets_a_new_card_and_the_old_one_names_it(
    client: httpx.AsyncClient, database: Database, checksum: Checksum
) -> None:
    """Case 15."""
    shop = await manager_of(client, database, stores=2)
    card = await make_card(database, shop.merchant)
    await put_away(client, card)
    new = await make_card(database, shop.merchant, email=card.email, store=shop.merchant.stores[1])
    assert (new.customer_id, new.id != card.id) == (card.customer_id, True)
    before = await checksum("loyalty_cards", shop.merchant.id)
    refused = await client.post(f"{BASE}/cards/{card.id}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "card_restore_conflict")
    assert refused.json()["params"] == {"live_card_id": str(new.id), "live_card_number": format_number(new.number)}
    assert format_number(new.number) in refused.json()["detail"]
    assert await checksum("loyalty_cards", shop.merchant.id) == before
    await put_away(client, new)
    assert (await client.post(f"{BASE}/cards/{card.id}/restore")).status_code == 200


async def test_with_a_card_per_store_only_the_own_store_s_card_is_in_the_way(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database, stores=2)
    await make_settings(database, shop.merchant, cross_location=False)
    first, second = shop.merchant.stores
    card = await make_card(database, shop.merchant, store=first)
    await put_away(client, card)
    await make_card(database, shop.merchant, email=card.email, store=second)
    assert (await client.post(f"{BASE}/cards/{card.id}/restore")).status_code == 200


async def test_several_come_back_each_for_itself(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await manager_of(client, database)
    other = await make_shop(database)
    cards = [await make_card(database, shop.merchant) for _ in range(3)]
    live, foreign = await make_card(database, shop.merchant), await make_card(database, other.merchant)
    for card in cards:
        await put_away(client, card)
    new = await make_card(database, shop.merchant, email=cards[1].email)
    unknown = uuid.uuid4()
    wanted = [cards[0].id, cards[1].id, cards[2].id, cards[0].id, live.id, foreign.id, unknown]
    answer = await client.post(f"{BASE}/cards/restore", json={"ids": [str(item) for item in wanted]})
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [item["id"] for item in items] == [str(item) for item in wanted]
    assert [item["outcome"] for item in items] == ["ok", "conflict", "ok", "ok", "ok", "not_found", "not_found"]
    assert (items[1]["code"], items[1]["params"]["live_card_id"]) == ("card_restore_conflict", str(new.id))
    assert {**items[5], "id": ""} == {**items[6], "id": ""}, "another merchant's card is no other than none"
    assert await in_trash(client) == [str(cards[1].id)]
    assert (await client.post(f"{BASE}/cards/restore", json={"ids": [str(uuid.uuid4())] * 101})).status_code == 422
    assert (await client.post(f"{BASE}/cards/restore", json={"ids": []})).status_code == 422


async def test_two_cards_of_one_person_do_not_come_back_together(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database)
    old = await make_card(database, shop.merchant)
    await put_away(client, old)
    new = await make_card(database, shop.merchant, email=old.email)
    await put_away(client, new)
    items = (await client.post(f"{BASE}/cards/restore", json={"ids": [str(old.id), str(new.id)]})).json()["items"]
    assert [item["outcome"] for item in items] == ["ok", "conflict"]
    assert items[1]["params"]["live_card_id"] == str(old.id)


async def test_only_a_card_without_transactions_is_deleted_for_good_and_its_number_is_typed(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, checksum: Checksum
) -> None:
    shop = await make_shop(database)
    client.cookies.update(sign_in_cookie(shop.merchant.owner))
    used, unused = await make_card(database, shop.merchant), await make_card(database, shop.merchant)
    await stamp(database, shop.merchant, used, 1)

    async def purge(card: MadeCard, typed: str) -> tuple[int, str]:
        answer = await client.post(f"{BASE}/cards/{card.id}/purge", json={"confirmation": typed})
        return answer.status_code, answer.json()["code"] if answer.content else ""

    assert await purge(unused, unused.number) == (409, "not_in_trash")
    for card in (used, unused):
        await put_away(client, card)
    before = await checksum("loyalty_cards", shop.merchant.id)
    assert await purge(unused, used.number) == (422, "confirmation_wrong")
    assert await purge(used, used.number) == (409, "card_has_history")
    assert await checksum("loyalty_cards", shop.merchant.id) == before
    assert await purge(unused, format_number(unused.number)) == (204, "")
    assert await purge(unused, unused.number) == (404, "card_not_found")
    left = [row["id"] for row in await superuser.fetch("SELECT id FROM loyalty_cards WHERE merchant_id = $1", shop.merchant.id)]
    assert left == [used.id]
    client.cookies.update(sign_in_cookie(shop.merchant.manager))
    assert await purge(used, used.number) == (403, "forbidden")


async def test_the_trash_is_read_by_pages_and_searched(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database, stores=2)
    cards = [await make_card(database, shop.merchant, store=shop.merchant.stores[number % 2]) for number in range(5)]
    for card in cards:
        await put_away(client, card)
    latest_first = [str(card.id) for card in reversed(cards)]
    assert await in_trash(client) == latest_first
    page = (await client.get(f"{BASE}/cards", params={"only_deleted": "true", "limit": 3})).json()
    assert [item["id"] for item in page["items"]] == latest_first[:3]
    assert await in_trash(client, limit=3, cursor=page["next_cursor"]) == latest_first[3:]
    assert await in_trash(client, store_id=str(shop.merchant.stores[1].id)) == [str(cards[3].id), str(cards[1].id)]
    for text in (cards[2].number, cards[2].qr_token, cards[2].email):
        assert await in_trash(client, q=text) == [str(cards[2].id)], text
    assert (await client.get(f"{BASE}/cards", params={"only_deleted": "true", "cursor": "AAAA"})).status_code == 400


async def test_staff_see_no_trash_and_a_bound_manager_only_their_stores(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database, stores=2)
    await make_settings(database, shop.merchant, cross_location=False)
    first, second = shop.merchant.stores
    mine, theirs = await make_card(database, shop.merchant, store=first), await make_card(database, shop.merchant, store=second)
    live = await make_card(database, shop.merchant, store=second)
    for card in (mine, theirs):
        await put_away(client, card)
    bound = await make_member(database, shop.merchant, role="manager", store_id=first.id, bound=True)
    client.cookies.update(sign_in_cookie(bound))
    assert await in_trash(client) == [str(mine.id)]
    for card, verb, body in ((theirs, "restore", None), (live, "trash", REASON)):
        assert (await client.post(f"{BASE}/cards/{card.id}/{verb}", json=body)).status_code == 404
    staff = await make_member(database, shop.merchant, role="staff")
    client.cookies.update(sign_in_cookie(staff))
    assert (await client.get(f"{BASE}/cards", params={"only_deleted": "true"})).status_code == 403


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201, "a\nb"])
async def test_a_reason_is_asked_for(client: httpx.AsyncClient, database: Database, reason: str) -> None:
    shop = await manager_of(client, database)
    card = await make_card(database, shop.merchant)
    assert (await client.post(f"{BASE}/cards/{card.id}/trash", json={"reason": reason})).status_code == 422
    async with merchant_ctx(database, shop.merchant) as ctx:
        assert await ctx.conn.fetchval("SELECT deleted_at FROM loyalty_cards WHERE id = $1", card.id) is None
