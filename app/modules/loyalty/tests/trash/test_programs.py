"""The trash of programs: with all its cards in one act, and back with them (G1)."""

import uuid
from collections.abc import Awaitable, Callable

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.modules.loyalty.services import trash_service
from app.modules.loyalty.tests.factories import make_card, make_program, make_reward, make_shop, stamp
from app.modules.loyalty.tests.people import run_due_turns
from app.modules.tenancy.tests.factories import merchant_ctx, sign_in_cookie

BASE = "/api/v1/merchants/loyalty"
Checksum = Callable[[str, uuid.UUID], Awaitable[str]]
REASON = {"reason": "Season is over"}
LIVE = "SELECT count(*) FROM loyalty_cards WHERE merchant_id = $1 AND deleted_at IS NULL"
ACTS = "SELECT DISTINCT deletion_id::text FROM loyalty_cards WHERE merchant_id = $1 AND deleted_at IS NOT NULL"


async def test_a_program_goes_and_comes_back_with_its_cards(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    client.cookies.update(sign_in_cookie(shop.merchant.owner))
    cards = [await make_card(database, shop.merchant) for _ in range(3)]
    before = await client.post(f"{BASE}/cards/{cards[0].id}/trash", json={"reason": "Lost"})
    program = (await client.get(f"{BASE}/program")).json()
    act = (await client.post(f"{BASE}/programs/{shop.program.id}/trash", json=REASON)).json()
    assert (await client.post(f"{BASE}/programs/{shop.program.id}/trash", json=REASON)).json() == act
    assert (await client.get(f"{BASE}/program")).status_code == 404
    assert (await client.get(f"{BASE}/programs")).json() == {"items": [], "next_cursor": None}
    (row,) = (await client.get(f"{BASE}/programs", params={"only_deleted": "true"})).json()["items"]
    assert (row["id"], row["name"], row["deletion"]) == (str(shop.program.id), "Treueprogramm", act)
    acts = {row["deletion_id"] for row in await superuser.fetch(ACTS, shop.merchant.id)}
    assert acts == {act["deletion_id"], before.json()["deletion_id"]}
    assert await superuser.fetchval(LIVE, shop.merchant.id) == 0
    refused = await client.post(f"{BASE}/cards/{cards[1].id}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "program_in_trash")

    restored = await client.post(f"{BASE}/programs/{shop.program.id}/restore")
    assert (restored.status_code, restored.json() | {"updated_at": ""}) == (200, program | {"updated_at": ""})
    assert [item["id"] for item in (await client.get(f"{BASE}/cards")).json()["items"]] == [str(cards[2].id), str(cards[1].id)]
    trashed = (await client.get(f"{BASE}/cards", params={"only_deleted": "true"})).json()["items"]
    assert [item["id"] for item in trashed] == [str(cards[0].id)], "what was trashed before stays there"


async def test_another_program_in_the_meantime_is_named(client: httpx.AsyncClient, database: Database, checksum: Checksum) -> None:
    shop = await make_shop(database)
    client.cookies.update(sign_in_cookie(shop.merchant.owner))
    card = await make_card(database, shop.merchant)
    await client.post(f"{BASE}/programs/{shop.program.id}/trash", json=REASON)
    new = await make_program(database, shop.merchant, name="Neues Programm")
    again = await make_card(database, shop.merchant, email=card.email)
    assert again.customer_id == card.customer_id
    before = await checksum("loyalty_programs", shop.merchant.id)
    refused = await client.post(f"{BASE}/programs/{shop.program.id}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "program_restore_conflict")
    assert refused.json()["params"] == {"live_program_id": str(new.id), "live_program_name": "Neues Programm"}
    assert await checksum("loyalty_programs", shop.merchant.id) == before
    assert (await client.post(f"{BASE}/programs/{new.id}/trash", json=REASON)).status_code == 200
    assert (await client.post(f"{BASE}/programs/{shop.program.id}/restore")).status_code == 200
    assert [item["id"] for item in (await client.get(f"{BASE}/cards")).json()["items"]] == [str(card.id)]
    names = [item["name"] for item in (await client.get(f"{BASE}/programs", params={"only_deleted": "true"})).json()["items"]]
    assert names == ["Neues Programm"]


async def test_only_a_program_without_transactions_is_deleted_for_good(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    client.cookies.update(sign_in_cookie(shop.merchant.owner))
    await make_reward(database, shop.merchant)
    card = await make_card(database, shop.merchant)
    url = f"{BASE}/programs/{shop.program.id}"

    async def purge(program_id: uuid.UUID, typed: str) -> tuple[int, str]:
        answer = await client.post(f"{BASE}/programs/{program_id}/purge", json={"confirmation": typed})
        return answer.status_code, answer.json()["code"] if answer.content else ""

    assert await purge(shop.program.id, "Treueprogramm") == (409, "not_in_trash")
    await stamp(database, shop.merchant, card, 1)
    await client.post(f"{url}/trash", json=REASON)
    assert await purge(shop.program.id, "Treue") == (422, "confirmation_wrong")
    assert await purge(shop.program.id, "Treueprogramm") == (409, "program_has_history")
    new = await make_program(database, shop.merchant, name="Neues Programm")
    await make_reward(database, shop.merchant)
    unused = await make_card(database, shop.merchant)
    await client.post(f"{BASE}/programs/{new.id}/trash", json=REASON)
    assert await purge(new.id, " neues programm ") == (204, "")
    assert await purge(new.id, "Neues Programm") == (404, "program_not_found")
    left = {row["id"] for row in await superuser.fetch("SELECT id FROM loyalty_cards WHERE merchant_id = $1", shop.merchant.id)}
    assert left == {card.id}
    assert unused.id not in left
    assert await superuser.fetchval("SELECT count(*) FROM loyalty_rewards WHERE merchant_id = $1", shop.merchant.id) == 1


@pytest.mark.parametrize("turns_back", [False, True])
async def test_the_cards_of_a_large_program_follow_in_the_background(
    database: Database, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, turns_back: bool
) -> None:
    """Seven cards, two at a time: out of reach at once, in the trash when the task was there; whatever happens in between."""
    monkeypatch.setattr(trash_service, "CHUNK", 2)
    shop = await make_shop(database)
    cards = [await make_card(database, shop.merchant) for _ in range(7)]
    async with merchant_ctx(database, shop.merchant) as ctx:
        await trash_service.trash_program(ctx, shop.program.id, reason="Season is over")
        now = ctx.now
    assert await superuser.fetchval(LIVE, shop.merchant.id) == 5
    if turns_back:
        async with merchant_ctx(database, shop.merchant) as ctx:
            await trash_service.restore_program(ctx, shop.program.id)
        assert await superuser.fetchval(LIVE, shop.merchant.id) == 7
        async with merchant_ctx(database, shop.merchant) as ctx:
            deletion = await trash_service.trash_program(ctx, shop.program.id, reason="It is")
            now = ctx.now
    else:
        async with merchant_ctx(database, shop.merchant) as ctx:
            deletion = await trash_service.trash_program(ctx, shop.program.id, reason="Doing it twice")
    with pytest.raises(Exception, match="card_not_found"):
        await stamp(database, shop.merchant, cards[6], 1)
    assert "done" in await run_due_turns(database, trash_service.FOLLOW_TASK, shop.merchant.id, now)
    assert await superuser.fetchval(LIVE, shop.merchant.id) == 0
    assert {row["deletion_id"] for row in await superuser.fetch(ACTS, shop.merchant.id)} == {str(deletion.id)}
    async with merchant_ctx(database, shop.merchant) as ctx:
        await trash_service.restore_program(ctx, shop.program.id)
        now = ctx.now
    assert await superuser.fetchval(LIVE, shop.merchant.id) == 2
    await run_due_turns(database, trash_service.FOLLOW_TASK, shop.merchant.id, now)
    assert await superuser.fetchval(LIVE, shop.merchant.id) == 7


async def test_what_was_left_by_one_act_belongs_to_the_next(
    database: Database, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trashed, restored in part and trashed again: the cards that had not come back yet come back with the later act."""
    shop = await make_shop(database)
    for _ in range(5):
        await make_card(database, shop.merchant)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await trash_service.trash_program(ctx, shop.program.id, reason="First")
    monkeypatch.setattr(trash_service, "CHUNK", 2)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await trash_service.restore_program(ctx, shop.program.id)
    assert await superuser.fetchval(LIVE, shop.merchant.id) == 2
    async with merchant_ctx(database, shop.merchant) as ctx:
        second = await trash_service.trash_program(ctx, shop.program.id, reason="Second")
        now = ctx.now
    await run_due_turns(database, trash_service.FOLLOW_TASK, shop.merchant.id, now)
    assert {row["deletion_id"] for row in await superuser.fetch(ACTS, shop.merchant.id)} == {str(second.id)}
    async with merchant_ctx(database, shop.merchant) as ctx:
        await trash_service.restore_program(ctx, shop.program.id)
        now = ctx.now
    await run_due_turns(database, trash_service.FOLLOW_TASK, shop.merchant.id, now)
    assert await superuser.fetchval(LIVE, shop.merchant.id) == 5
