"""The trash of merchants and stores: with all that belongs to them, and back with what went, and nothing else (G2)."""

import uuid
from collections.abc import Callable

import asyncpg
import httpx

from app.core.db.engine import Database
from app.modules.loyalty.tests.factories import (
    make_card,
    make_program,
    make_shop,
    make_terminal,
    make_terminal_cookie,
    stamp,
)
from app.modules.tenancy.tests.factories import make_admin, make_member, sign_in_cookie

ADMIN = "/api/v1/admin/tenancy"
MERCHANT = "/api/v1/merchants"
Clients = Callable[..., httpx.AsyncClient]
REASON = {"reason": "Contract ended"}
LIVE = """
SELECT (SELECT count(*) FROM tenancy_merchants WHERE id = $1 AND deleted_at IS NULL)
     + (SELECT count(*) FROM loyalty_programs WHERE merchant_id = $1 AND deleted_at IS NULL)
     + (SELECT count(*) FROM loyalty_cards WHERE merchant_id = $1 AND deleted_at IS NULL)
"""
SNAPSHOT = "SELECT md5(string_agg((to_jsonb(t) - 'updated_at')::text, '' ORDER BY t.id)) FROM {} t WHERE t.merchant_id = $1"
TABLES = ("tenancy_stores", "loyalty_programs", "loyalty_cards", "loyalty_transactions", "loyalty_terminals")


async def admin_client(make_client: Clients, database: Database) -> httpx.AsyncClient:
    client = make_client()
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    return client


async def snapshot(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> list[str]:
    return [await conn.fetchval(SNAPSHOT.format(table), merchant_id) for table in TABLES]


async def test_a_merchant_comes_back_with_its_program_and_fifty_cards_and_what_was_trashed_before_stays(
    make_client: Clients, database: Database, superuser: asyncpg.Connection
) -> None:
    """G2: a merchant, two programs and fifty cards lie in the trash; all 52 that went with the merchant are back.

    The merchant, one program, fifty cards: of two programs one lay in the trash before, as a merchant has one live program.
    """
    admin, owner = await admin_client(make_client, database), make_client()
    shop = await make_shop(database, stores=3)
    merchant = shop.merchant
    owner.cookies.update(sign_in_cookie(merchant.owner))
    old = await make_card(database, merchant)
    await owner.post(f"{MERCHANT}/loyalty/programs/{shop.program.id}/trash", json={"reason": "Old program"})
    program = await make_program(database, merchant, name="Neues Programm")
    cards = [await make_card(database, merchant) for _ in range(52)]
    await stamp(database, merchant, cards[0], 4)
    for card in cards[50:]:
        await owner.post(f"{MERCHANT}/loyalty/cards/{card.id}/trash", json={"reason": "Lost"})
    await owner.post(f"{MERCHANT}/tenancy/stores/{merchant.stores[2].id}/trash", json={"reason": "Never opened"})
    assert await superuser.fetchval(LIVE, merchant.id) == 52, "the merchant, its program, fifty cards"
    before = await snapshot(superuser, merchant.id)

    act = await admin.post(f"{ADMIN}/merchants/{merchant.id}/trash", json=REASON)
    assert act.status_code == 200, act.text
    assert (await admin.post(f"{ADMIN}/merchants/{merchant.id}/trash", json=REASON)).json() == act.json()
    assert await superuser.fetchval(LIVE, merchant.id) == 0
    went = "SELECT count(*) FROM {} WHERE merchant_id = $1 AND deletion_id = $2"
    deletion_id = uuid.UUID(act.json()["deletion_id"])
    counts = [await superuser.fetchval(went.format(table), merchant.id, deletion_id) for table in TABLES[:3]]
    assert counts == [2, 1, 50]
    in_trash = "SELECT count(*) FROM loyalty_programs WHERE merchant_id = $1 AND deleted_at IS NOT NULL"
    assert await superuser.fetchval(in_trash, merchant.id) == 2

    restored = await admin.post(f"{ADMIN}/merchants/{merchant.id}/restore")
    assert (restored.status_code, restored.json()["id"], restored.json()["deletion"]) == (200, str(merchant.id), None)
    assert await superuser.fetchval(LIVE, merchant.id) == 52
    assert await snapshot(superuser, merchant.id) == before
    live = await superuser.fetchval("SELECT id FROM loyalty_programs WHERE merchant_id = $1 AND deleted_at IS NULL", merchant.id)
    assert live == program.id
    gone = await superuser.fetch("SELECT id FROM loyalty_cards WHERE merchant_id = $1 AND deleted_at IS NOT NULL", merchant.id)
    assert {row["id"] for row in gone} == {old.id, cards[50].id, cards[51].id}
    assert (await admin.post(f"{ADMIN}/merchants/{merchant.id}/restore")).status_code == 200, "restoring a live one changes nothing"
    actions = await superuser.fetch("SELECT action FROM core_audit_log WHERE merchant_id = $1 AND target_id = $1 ORDER BY at", merchant.id)
    assert [row["action"] for row in actions] == ["tenancy.merchant.trashed", "tenancy.merchant.restored"]


async def test_a_merchant_in_the_trash_is_closed_and_its_terminals_work_again_afterwards(make_client: Clients, database: Database) -> None:
    admin, owner, terminal, stranger = await admin_client(make_client, database), make_client(), make_client(), make_client()
    shop = await make_shop(database)
    merchant, card = shop.merchant, await make_card(database, shop.merchant)
    owner.cookies.update(sign_in_cookie(merchant.owner))
    terminal.cookies.update(make_terminal_cookie(await make_terminal(database, merchant)))
    storefront = f"/api/v1/storefront/{merchant.store.code}/loyalty/program"
    find = "/api/v1/store/loyalty/cards"
    assert (await terminal.get(find, params={"q": card.number})).status_code == 200
    assert (await stranger.get(storefront)).status_code == 200
    await admin.post(f"{ADMIN}/merchants/{merchant.id}/trash", json=REASON)
    assert (await owner.get(f"{MERCHANT}/tenancy/profile")).status_code == 401
    assert (await terminal.get(find, params={"q": card.number})).status_code == 403
    assert (await stranger.get(storefront)).status_code == 404
    for path in (f"merchants/{merchant.id}", f"merchants/{merchant.id}/stores"):
        assert (await admin.get(f"{ADMIN}/{path}")).status_code == 404
    await admin.post(f"{ADMIN}/merchants/{merchant.id}/restore")
    assert (await owner.get(f"{MERCHANT}/tenancy/profile")).status_code == 401, "people sign in again"
    assert [item["id"] for item in (await terminal.get(find, params={"q": card.number})).json()["items"]] == [str(card.id)]
    assert (await stranger.get(storefront)).status_code == 200


async def test_the_platform_lists_its_trash_and_restores_several(make_client: Clients, database: Database) -> None:
    admin = await admin_client(make_client, database)
    shops = [await make_shop(database) for _ in range(2)]
    ids = [str(shop.merchant.id) for shop in shops]
    for shop in shops:
        await admin.post(f"{ADMIN}/merchants/{shop.merchant.id}/trash", json=REASON)
    rows = (await admin.get(f"{ADMIN}/merchants", params={"only_deleted": "true"})).json()["items"]
    assert [row["id"] for row in rows[:2]] == ids[::-1]
    assert rows[0]["deletion"]["reason"] == "Contract ended"
    assert rows[0]["deletion"]["deleted_by"] not in ("", "The platform", "The system"), "the platform knows its admins by name"
    found = (await admin.get(f"{ADMIN}/merchants", params={"only_deleted": "true", "q": shops[0].merchant.name})).json()["items"]
    assert ids[0] in [row["id"] for row in found]
    live = (await admin.get(f"{ADMIN}/merchants", params={"q": shops[0].merchant.name})).json()["items"]
    assert ids[0] not in [row["id"] for row in live]
    stores = (await admin.get(f"{ADMIN}/stores", params={"only_deleted": "true"})).json()["items"]
    assert [row["merchant_id"] for row in stores[:2]] == ids[::-1]
    answer = await admin.post(f"{ADMIN}/merchants/restore", json={"ids": [*ids, str(uuid.uuid4())]})
    assert [item["outcome"] for item in answer.json()["items"]] == ["ok", "ok", "not_found"]
    assert (await admin.get(f"{ADMIN}/merchants/{ids[0]}")).status_code == 200


async def test_only_a_merchant_without_a_history_is_deleted_for_good(
    make_client: Clients, database: Database, superuser: asyncpg.Connection
) -> None:
    admin = await admin_client(make_client, database)
    used, unused, agreed = [await make_shop(database) for _ in range(3)]
    await make_card(database, used.merchant, stamps=1)
    await make_card(database, agreed.merchant)
    await make_terminal(database, unused.merchant)

    async def purge(merchant_id: uuid.UUID, typed: str) -> tuple[int, str]:
        answer = await admin.post(f"{ADMIN}/merchants/{merchant_id}/purge", json={"confirmation": typed})
        return answer.status_code, answer.json()["code"] if answer.content else ""

    assert await purge(unused.merchant.id, unused.merchant.name) == (409, "not_in_trash")
    for shop in (used, unused, agreed):
        await admin.post(f"{ADMIN}/merchants/{shop.merchant.id}/trash", json=REASON)
    before = [await snapshot(superuser, shop.merchant.id) for shop in (used, agreed)]
    assert await purge(used.merchant.id, used.merchant.name) == (409, "merchant_has_history")
    assert await purge(agreed.merchant.id, agreed.merchant.name) == (409, "merchant_in_use"), "what people agreed to is kept"
    assert [await snapshot(superuser, shop.merchant.id) for shop in (used, agreed)] == before
    assert await purge(unused.merchant.id, used.merchant.name + "x") == (422, "confirmation_wrong")
    assert await purge(unused.merchant.id, unused.merchant.name) == (204, "")
    assert await purge(unused.merchant.id, unused.merchant.name) == (404, "merchant_not_found")
    tables = await superuser.fetch("SELECT table_name FROM information_schema.columns WHERE column_name = 'merchant_id'")
    counts: dict[str, int] = {}
    for (table,) in tables:
        count = await superuser.fetchval(f"SELECT count(*) FROM {table} WHERE merchant_id = $1", unused.merchant.id)
        counts |= {table: count} if count else {}
    assert set(counts) == {"core_audit_log"}, "the audit log stays, and says who did it"
    assert await superuser.fetchval("SELECT count(*) FROM tenancy_merchants WHERE id = $1", unused.merchant.id) == 0
    assert await superuser.fetchval("SELECT count(*) FROM loyalty_cards WHERE merchant_id = $1", used.merchant.id) == 1


async def test_stores_go_and_come_back_but_the_last_one_and_a_taken_code_do_not(make_client: Clients, database: Database) -> None:
    owner = make_client()
    shop = await make_shop(database, stores=2)
    first, second = shop.merchant.stores
    owner.cookies.update(sign_in_cookie(shop.merchant.owner))
    stores = f"{MERCHANT}/tenancy/stores"
    act = (await owner.post(f"{stores}/{first.id}/trash", json=REASON)).json()
    assert (await owner.post(f"{stores}/{first.id}/trash", json=REASON)).json() == act
    refused = await owner.post(f"{stores}/{second.id}/trash", json=REASON)
    assert (refused.status_code, refused.json()["code"]) == (409, "last_store")
    assert [item["id"] for item in (await owner.get(stores)).json()["items"]] == [str(second.id)]
    (row,) = (await owner.get(stores, params={"only_deleted": "true"})).json()["items"]
    assert (row["id"], row["deletion"]) == (str(first.id), act)
    body = {"name": "Neu", "address_line": "1, Grand-Rue", "postal_code": "L-1661", "city": "Esch", "time_zone": "Europe/Luxembourg"}
    new = await owner.post(stores, json=body | {"locale": "fr", "code": first.code})
    assert new.status_code == 201, "its own merchant may use the code again"
    refused = await owner.post(f"{stores}/{first.id}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "store_restore_conflict")
    assert refused.json()["params"] == {"code": first.code, "live_store_id": new.json()["id"], "live_store_name": "Neu"}
    several = await owner.post(f"{stores}/restore", json={"ids": [str(first.id), str(second.id), str(uuid.uuid4())]})
    assert [item["outcome"] for item in several.json()["items"]] == ["conflict", "ok", "not_found"]
    await owner.post(f"{stores}/{new.json()['id']}/trash", json=REASON)
    assert (await owner.post(f"{stores}/{first.id}/restore")).json()["id"] == str(first.id)
    purged = await owner.post(f"{stores}/{new.json()['id']}/purge", json={"confirmation": "neu"})
    assert purged.status_code == 204
    other = await make_shop(database)
    rival = make_client()
    rival.cookies.update(sign_in_cookie(other.merchant.owner))
    assert (await rival.post(f"{stores}/{first.id}/restore")).status_code == 404


async def test_a_store_in_the_trash_is_closed_for_those_who_work_there_alone(make_client: Clients, database: Database) -> None:
    owner, bound, terminal = make_client(), make_client(), make_client()
    shop = await make_shop(database, stores=2)
    store = shop.merchant.stores[1]
    owner.cookies.update(sign_in_cookie(shop.merchant.owner))
    bound.cookies.update(sign_in_cookie(await make_member(database, shop.merchant, role="manager", store_id=store.id, bound=True)))
    terminal.cookies.update(make_terminal_cookie(await make_terminal(database, shop.merchant, store=store)))
    card = await make_card(database, shop.merchant, store=store)
    assert (await bound.get(f"{MERCHANT}/loyalty/cards")).status_code == 200
    await owner.post(f"{MERCHANT}/tenancy/stores/{store.id}/trash", json=REASON)
    for client, path in (
        (bound, f"{MERCHANT}/loyalty/cards"),
        (bound, f"{MERCHANT}/tenancy/stores"),
        (bound, "/api/v1/store/loyalty/program"),
    ):
        assert (await client.get(path)).status_code == 403, path
    assert (await owner.get(f"{MERCHANT}/loyalty/cards/{card.id}")).status_code == 200, "cards enrolled there stay"
    await owner.post(f"{MERCHANT}/tenancy/stores/{store.id}/restore")
    assert (await terminal.get("/api/v1/store/loyalty/program")).status_code == 200


async def test_a_store_with_cards_people_or_bookings_stays(make_client: Clients, database: Database, superuser: asyncpg.Connection) -> None:
    owner = make_client()
    shop = await make_shop(database, stores=4)
    first, enrolled, staffed, booked = shop.merchant.stores
    owner.cookies.update(sign_in_cookie(shop.merchant.owner))
    await make_card(database, shop.merchant, store=enrolled)
    await make_member(database, shop.merchant, role="staff", store_id=staffed.id, bound=True)
    card = await make_card(database, shop.merchant, store=first)
    await stamp(database, shop.merchant, card, 1, store=booked)
    codes = {}
    for store in (enrolled, staffed, booked):
        await owner.post(f"{MERCHANT}/tenancy/stores/{store.id}/trash", json=REASON)
        answer = await owner.post(f"{MERCHANT}/tenancy/stores/{store.id}/purge", json={"confirmation": store.code})
        codes[store.id] = (answer.status_code, answer.json()["code"])
    assert codes == {
        enrolled.id: (409, "store_has_history"),
        staffed.id: (409, "store_in_use"),
        booked.id: (409, "store_has_history"),
    }
    assert await superuser.fetchval("SELECT count(*) FROM tenancy_stores WHERE merchant_id = $1", shop.merchant.id) == 4


async def test_the_platform_does_the_same_for_a_merchant(make_client: Clients, database: Database, superuser: asyncpg.Connection) -> None:
    admin = await admin_client(make_client, database)
    shop = await make_shop(database, stores=2)
    base = f"/api/v1/admin/loyalty/merchants/{shop.merchant.id}"
    card = await make_card(database, shop.merchant)
    act = (await admin.post(f"{base}/cards/{card.id}/trash", json=REASON)).json()
    (row,) = (await admin.get(f"{base}/cards", params={"only_deleted": "true"})).json()["items"]
    assert (row["id"], row["deletion"]) == (str(card.id), act)
    assert (await admin.get(f"{base}/cards")).json()["items"] == []
    assert (await admin.post(f"{base}/cards/restore", json={"ids": [str(card.id)]})).json()["items"][0]["outcome"] == "ok"
    assert [item["id"] for item in (await admin.get(f"{base}/cards", params={"q": card.number})).json()["items"]] == [str(card.id)]
    await admin.post(f"{base}/programs/{shop.program.id}/trash", json=REASON)
    assert [item["id"] for item in (await admin.get(f"{base}/programs", params={"only_deleted": "true"})).json()["items"]] == [
        str(shop.program.id)
    ]
    assert (await admin.post(f"{base}/programs/{shop.program.id}/restore")).json()["id"] == str(shop.program.id)
    await admin.post(f"{base}/cards/{card.id}/trash", json=REASON)
    assert (await admin.post(f"{base}/cards/{card.id}/restore")).json()["id"] == str(card.id)
    store = shop.merchant.stores[1]
    of_store = f"{ADMIN}/merchants/{shop.merchant.id}/stores"
    await admin.post(f"{of_store}/{store.id}/trash", json=REASON)
    assert (await admin.post(f"{of_store}/restore", json={"ids": [str(store.id)]})).json()["items"][0]["outcome"] == "ok"
    await admin.post(f"{of_store}/{store.id}/trash", json=REASON)
    assert (await admin.post(f"{of_store}/{store.id}/restore")).json()["id"] == str(store.id)
    await admin.post(f"{of_store}/{store.id}/trash", json=REASON)
    assert (await admin.post(f"{of_store}/{store.id}/purge", json={"confirmation": store.name})).status_code == 204
    await admin.post(f"{base}/cards/{card.id}/trash", json=REASON)
    assert (await admin.post(f"{base}/cards/{card.id}/purge", json={"confirmation": card.number})).status_code == 204
    await admin.post(f"{base}/programs/{shop.program.id}/trash", json=REASON)
    assert (await admin.post(f"{base}/programs/{shop.program.id}/purge", json={"confirmation": "Treueprogramm"})).status_code == 204
    admins = await superuser.fetch(
        "SELECT DISTINCT acting_admin_id FROM core_audit_log WHERE merchant_id = $1 AND action LIKE '%trashed'", shop.merchant.id
    )
    assert len(admins) == 1
    assert admins[0]["acting_admin_id"] is not None
