"""People who are there twice: found by what they share, previewed, made one; sums stay, the stricter wish counts."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx

from app.core.db.engine import Database
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, make_card, make_shop
from app.modules.tenancy.tests.factories import make_member, sign_in_cookie

BASE = "/api/v1/merchants/loyalty/customers"
PHONE = "+352 621 445 566"
Checksum = Callable[[str, uuid.UUID], Awaitable[str]]
TABLES = ("customers", "customer_consents", "loyalty_cards", "loyalty_transactions", "loyalty_merge_runs", "email_opt_outs")


async def manager_of(client: httpx.AsyncClient, database: Database, **choices: Any) -> MadeShop:
    shop = await make_shop(database, **choices)
    client.cookies.update(sign_in_cookie(shop.merchant.manager))
    return shop


async def merge(client: httpx.AsyncClient, kept: MadeCard, gone: MadeCard, key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return await client.post(f"{BASE}/{kept.customer_id}/merge/{gone.customer_id}", headers=headers)


async def test_likely_pairs_are_found_with_the_reason(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database)
    birthday = dt.date(1990, 2, 28)
    tag = uuid.uuid4().hex[:12]
    email = f"zoe.{tag}@example.lu"
    first = await make_card(database, shop.merchant, first_name="Zoé", last_name="Thill", birth_date=birthday, email=email)
    named = await make_card(database, shop.merchant, first_name="zoe", last_name="THILL", birth_date=birthday)
    mailed = await make_card(database, shop.merchant, email=f"z.o.e{tag}+card@example.lu")
    called = [await make_card(database, shop.merchant, phone=phone) for phone in (PHONE, "621 44 55 66")]
    await make_card(database, shop.merchant, first_name="Zoé", last_name="Thill", birth_date=dt.date(1990, 3, 1))
    answer = (await client.get(f"{BASE}/duplicates")).json()
    found = {(pair["older"]["id"], pair["newer"]["id"]): pair["likeness"] for pair in answer["items"]}
    assert found == {
        (str(first.customer_id), str(named.customer_id)): "name_and_birthday",
        (str(first.customer_id), str(mailed.customer_id)): "email",
        (str(called[0].customer_id), str(called[1].customer_id)): "phone",
    }
    assert (await client.get(f"{BASE}/duplicates", params={"limit": 1})).json()["next_cursor"]


async def test_two_people_become_one_with_all_they_have(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, checksum: Checksum
) -> None:
    shop = await manager_of(client, database, stores=2)
    first, second = shop.merchant.stores
    kept = await make_card(database, shop.merchant, store=first, stamps=3, amount_cents=700, wants_marketing=True, last_name="Thill")
    gone = await make_card(database, shop.merchant, store=second, stamps=4, amount_cents=500, phone=PHONE, birth_date=dt.date(1990, 2, 28))
    before = [await checksum(table, shop.merchant.id) for table in TABLES]
    preview = (await client.get(f"{BASE}/{kept.customer_id}/merge/{gone.customer_id}")).json()
    assert [await checksum(table, shop.merchant.id) for table in TABLES] == before
    key = str(uuid.uuid4())
    first_answer, again = await merge(client, kept, gone, key), await merge(client, kept, gone, key)
    assert (first_answer.status_code, again.headers.get("idempotent-replayed")) == (200, "true"), first_answer.text
    assert again.json() == first_answer.json()
    done = first_answer.json()
    for answer in (preview, done):
        [card] = answer["after"]["cards"]
        assert (card["id"], card["stamp_count"], card["points_balance"]) == (str(kept.id), 7, 12)
        assert (answer["after"]["last_name"], answer["after"]["phone"], answer["after"]["birth_date"]) == ("Thill", PHONE, "1990-02-28")
        assert answer["after"]["wants_marketing"] is False  # only one of both wanted it
        run = answer["run"]
        assert (run["stamps_before"], run["stamps_after"], run["points_before"], run["points_after"]) == (7, 7, 12, 12)
    row = await superuser.fetchrow("SELECT * FROM customers WHERE id = $1", gone.customer_id)
    assert row is not None
    assert (row["merged_into_id"], row["email"], row["first_name"]) == (kept.customer_id, None, None)
    owners = await superuser.fetch("SELECT customer_id, status FROM loyalty_cards WHERE id = ANY($1)", [kept.id, gone.id])
    assert sorted((str(owner["customer_id"]), owner["status"]) for owner in owners) == [
        (str(kept.customer_id), "active"), (str(kept.customer_id), "merged"),
    ]  # fmt: skip
    entries = "SELECT details FROM core_audit_log WHERE action = 'customers.customer.merged' AND target_id = $1"
    [entry] = await superuser.fetch(entries, kept.customer_id)
    assert entry["details"] == {"merged_id": str(gone.customer_id), "fields": ["birth_date", "phone"]}
    history = (await client.get(f"{BASE}/{kept.customer_id}/history")).json()["items"]
    assert sum(item["points_delta"] for item in history if item["type"] == "points_earned") == 12
    assert (await merge(client, kept, gone)).status_code == 410
    led = await client.get(f"/merchants/customers/{gone.customer_id}", headers={"Accept": "text/html"})
    assert (led.status_code, led.headers["location"]) == (303, f"/merchants/customers/{kept.customer_id}")


async def test_wishes_of_both_count_and_statements_are_kept(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database)
    kept, gone = [await make_card(database, shop.merchant, wants_marketing=True) for _ in range(2)]
    assert (await merge(client, kept, gone)).json()["after"]["wants_marketing"] is True
    consents = (await client.get(f"{BASE}/{kept.customer_id}/consents")).json()["items"]
    assert sorted(item["purpose"] for item in consents) == ["marketing", "marketing", "terms", "terms"]


async def test_cards_of_several_stores_become_one_each_where_cards_belong_to_stores(client: httpx.AsyncClient, database: Database) -> None:
    shop = await manager_of(client, database, stores=2, cross_location=False)
    first, second = shop.merchant.stores
    kept = await make_card(database, shop.merchant, store=first, stamps=1)
    gone = await make_card(database, shop.merchant, store=first, stamps=2)
    elsewhere = await make_card(database, shop.merchant, store=second, email=gone.email, stamps=5)
    done = (await merge(client, kept, gone)).json()
    assert [(card["id"], card["stamp_count"]) for card in done["after"]["cards"]] == [(str(kept.id), 3), (str(elsewhere.id), 5)]
    assert (done["run"]["stamps_before"], done["run"]["stamps_after"]) == (3, 3)


async def test_what_cannot_become_one_changes_nothing(client: httpx.AsyncClient, database: Database, checksum: Checksum) -> None:
    shop = await manager_of(client, database)
    kept, gone = [await make_card(database, shop.merchant) for _ in range(2)]
    await client.post(f"/api/v1/merchants/loyalty/cards/{gone.id}/deactivate", json={"reason": "Lost"})
    before = [await checksum(table, shop.merchant.id) for table in TABLES]
    for answer in (await merge(client, kept, gone), await client.get(f"{BASE}/{kept.customer_id}/merge/{gone.customer_id}")):
        assert (answer.status_code, answer.json()["code"]) == (409, "cards_not_mergeable")
    assert (await merge(client, kept, kept)).json()["code"] == "same_person"
    bound = await make_member(database, shop.merchant, role="manager", bound=True)
    client.cookies.update(sign_in_cookie(bound))
    assert (await merge(client, kept, gone)).status_code == 403
    assert [await checksum(table, shop.merchant.id) for table in TABLES] == before


async def test_of_two_rivals_one_wins(client: httpx.AsyncClient, database: Database) -> None:
    """A into B and B into A at once: one is done, the other finds nobody any more, and neither waits for ever."""
    shop = await manager_of(client, database)
    one, two = [await make_card(database, shop.merchant, stamps=1) for _ in range(2)]
    answers = await asyncio.gather(merge(client, one, two), merge(client, two, one))
    assert sorted(answer.status_code for answer in answers) == [200, 410]
    [done] = [answer.json() for answer in answers if answer.status_code == 200]
    assert [card["stamp_count"] for card in done["after"]["cards"]] == [2]
