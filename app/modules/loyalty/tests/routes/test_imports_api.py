"""Imports and exports over HTTP (G8, case 44): a file goes in as a body, out as a stream, and back in again."""

import csv
import io
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.core.testing.background import run_due
from app.modules.loyalty.tests.factories import MadeShop, make_card, make_settings, make_shop
from app.modules.loyalty.tests.import_files import people_of
from app.modules.loyalty.tests.sweeps import assert_ledger_is_whole
from app.modules.tenancy.tests.factories import MadeMerchant

IMPORTS = "/api/v1/merchants/loyalty/imports"
EXPORTS = "/api/v1/merchants/loyalty/exports"
FILE = "email,first_name,last_name,points\nanna@example.lu,Anna,Weber,120\nbad,Jos,Klein,5\n"


def headers(merchant: MadeMerchant, role: str = "owner") -> dict[str, str]:
    return {"Cookie": f"orion_session={merchant.user(role).token}", "Sec-Fetch-Site": "same-origin"}


async def send_file(client: httpx.AsyncClient, shop: MadeShop, content: Any, **changes: str) -> httpx.Response:
    sent = headers(shop.merchant) | {"Content-Type": "text/csv"} | changes
    return await client.post(f"{IMPORTS}?name=old.csv", content=content, headers=sent)


async def post(client: httpx.AsyncClient, shop: MadeShop, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    return await client.post(f"{IMPORTS}/{path}", json=body, headers=headers(shop.merchant) | {"Idempotency-Key": uuid.uuid4().hex})


async def get(client: httpx.AsyncClient, shop: MadeShop, path: str) -> httpx.Response:
    return await client.get(path, headers=headers(shop.merchant))


def choices(shop: MadeShop, header: str, **changes: Any) -> dict[str, Any]:
    columns = {name: position for position, name in enumerate(header.split(",")) if name in KNOWN}
    return {"columns": columns, "delimiter": "comma", "store_id": str(shop.merchant.stores[0].id)} | changes


KNOWN = {
    "email", "first_name", "last_name", "phone", "birth_date", "language", "points", "stamps", "card_number", "marketing", "marketing_at",
    "enrolled_at", "last_visit_at",
}  # fmt: skip


async def bring_in(client: httpx.AsyncClient, database: Database, shop: MadeShop, content: str, **changes: Any) -> dict[str, Any]:
    job = (await send_file(client, shop, content.encode())).json()
    checked = await post(client, shop, f"{job['id']}/check", choices(shop, content.split("\n", maxsplit=1)[0].strip(), **changes))
    assert checked.status_code == 202, checked.text
    await run_due(database, merchant_id=shop.merchant.id)
    assert (await post(client, shop, f"{job['id']}/run")).status_code == 202
    await run_due(database, merchant_id=shop.merchant.id)
    found: dict[str, Any] = (await get(client, shop, f"{IMPORTS}/{job['id']}")).json()
    return found


async def test_from_the_upload_to_the_result(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    uploaded = await send_file(client, shop, FILE.encode())
    assert uploaded.status_code == 201, uploaded.text
    job = uploaded.json()
    assert (job["status"], job["encoding"], job["file_name"], job["size_bytes"]) == ("uploaded", "utf-8", "old.csv", len(FILE))
    early = await post(client, shop, f"{job['id']}/run")
    assert (early.status_code, early.json()["code"]) == (409, "import_not_checked")
    await post(client, shop, f"{job['id']}/check", choices(shop, "email,first_name,last_name,points"))
    await run_due(database, merchant_id=shop.merchant.id)
    problems = (await get(client, shop, f"{IMPORTS}/{job['id']}/problems")).json()["items"]
    assert [(item["line"], item["field"], item["problem"], item["is_harmless"]) for item in problems] == [
        (3, "email", "email_invalid", False)
    ]
    table = (await get(client, shop, f"{IMPORTS}/{job['id']}/problems.csv?lang=de")).text
    assert list(csv.reader(io.StringIO(table.removeprefix("\ufeff"))))[1][0] == "3"
    assert (await post(client, shop, f"{job['id']}/run")).json()["status"] == "running"
    await run_due(database, merchant_id=shop.merchant.id)
    done = (await get(client, shop, f"{IMPORTS}/{job['id']}")).json()
    assert (done["status"], done["has_file"], done["counts"]["new_cards"], done["counts"]["points"]) == ("done", False, 1, 120)
    assert [item["id"] for item in (await get(client, shop, IMPORTS)).json()["items"]] == [job["id"]]
    assert (await client.delete(f"{IMPORTS}/{job['id']}", headers=headers(shop.merchant))).status_code == 204
    assert (await get(client, shop, f"{IMPORTS}/{job['id']}")).status_code == 404
    assert [row["points_balance"] for row in await people_of(superuser, shop)] == [120]


async def test_starting_twice_with_one_key_starts_once(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    job = (await send_file(client, shop, FILE.encode())).json()
    sent = headers(shop.merchant) | {"Idempotency-Key": uuid.uuid4().hex}
    body = choices(shop, "email,first_name,last_name,points")
    first, second = [await client.post(f"{IMPORTS}/{job['id']}/check", json=body, headers=sent) for _ in range(2)]
    assert (first.status_code, second.status_code, second.headers["Idempotent-Replayed"]) == (202, 202, "true")
    assert first.json() == second.json()


async def test_ten_megabytes_go_in_part_by_part_and_no_more(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    line = b"somebody.with.a.long.address@example.lu,Anna,Weber,1" + b" " * 200 + b"\n"
    content = b"email,first_name,last_name,points\n" + line * (10 * 1024 * 1024 // len(line) - 1)
    assert 10_480_000 < len(content) < 10_485_760

    async def pieces(data: bytes) -> AsyncIterator[bytes]:
        for first in range(0, len(data), 50_000):
            yield data[first : first + 50_000]

    whole = await send_file(client, shop, pieces(content))
    assert (whole.status_code, whole.json()["size_bytes"]) == (201, len(content))
    stored = await superuser.fetch("SELECT length(data) AS size FROM core_file_parts WHERE merchant_id = $1", shop.merchant.id)
    assert (sum(row["size"] for row in stored), max(row["size"] for row in stored)) == (len(content), 262_144)
    for too_much in (pieces(content + line * 3), content + line * 3):
        refused = await send_file(client, shop, too_much)
        assert (refused.status_code, refused.json()["status"]) == (413, 413)
    assert await superuser.fetchval("SELECT count(*) FROM loyalty_imports WHERE merchant_id = $1", shop.merchant.id) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04zip", b"email\x00,name\n", b"a," * 1_000_000, b"x" * 9_000_000, b"email,name\n", b"," * 300 + b"\n1,2\n"],
    ids=["empty", "zip", "nul", "columns", "line", "header", "many columns"],
)
async def test_hostile_files_are_refused_and_leave_nothing(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, content: bytes
) -> None:
    shop = await make_shop(database)
    refused = await send_file(client, shop, content)
    assert (refused.status_code, refused.json()["code"]) == (422, "import_file_invalid"), refused.text
    assert [item["field"] for item in refused.json()["errors"]] == ["file"]
    for table in ("loyalty_imports", "core_files", "core_file_parts"):
        assert await superuser.fetchval(f"SELECT count(*) FROM {table} WHERE merchant_id = $1", shop.merchant.id) == 0


async def test_a_file_is_taken_from_our_own_pages_only(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    assert (await send_file(client, shop, FILE, **{"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert (await send_file(client, shop, FILE, **{"Content-Type": "text/plain"})).status_code == 403
    assert (await get(client, shop, IMPORTS)).json()["items"] == []


async def test_only_managers_of_the_whole_business_import_and_export(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    for path in (IMPORTS, f"{IMPORTS}/template.csv", f"{EXPORTS}/cards.csv", f"{EXPORTS}/transactions.csv", f"{EXPORTS}/customers.csv"):
        statuses = [(await client.get(path, headers=headers(shop.merchant, role))).status_code for role in ("owner", "manager", "staff")]
        assert statuses == [200, 200, 403], path


def table_of(answer: httpx.Response, delimiter: str = ",") -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=delimiter))


async def test_an_export_is_safe_to_open_and_can_be_imported(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    """Case 44: formulas are neutralised; the own export in an empty merchant gives equal people, balances and stamps."""
    shop, empty = await make_shop(database), await make_shop(database)
    names = [("=HYPERLINK(1)", "Weber"), ("Anna", "+Plus"), ("-minus", "@at"), ('quo"te', "semi;colon, comma"), ("Zoë", "Œuvre")]
    rows = io.StringIO()
    for number, (first, last) in enumerate(names):
        person = (f"p{number}@example.lu", first, last, f"+35262100000{number}", f"19{number}0-02-03", "lb", number * 7, number, "yes")
        csv.writer(rows).writerow(person)
    header = "email,first_name,last_name,phone,birth_date,language,points,stamps,marketing"
    await bring_in(client, database, shop, f"{header}\n{rows.getvalue()}")
    await make_card(database, shop.merchant, stamps=2, amount_cents=5_000)
    exported = await get(client, shop, f"{EXPORTS}/cards.csv")
    found = table_of(exported)
    assert len(found) == 6
    cells = [cell for row in found for cell in row.values()]
    assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")] == []
    assert (found[0]["first_name"], found[1]["last_name"], found[0]["phone"]) == ("'=HYPERLINK(1)", "'+Plus", "'+352621000000")
    await bring_in(client, database, empty, exported.text)
    facts = ("email", "first_name", "last_name", "phone", "birth_date", "locale", "points_balance", "stamp_count", "card_number")
    before, after = [[tuple(row[name] for name in facts) for row in await people_of(superuser, each)] for each in (shop, empty)]
    assert len(before) == 6
    assert after == before
    again = await get(client, empty, f"{EXPORTS}/cards.csv")
    kept = ("email", "points", "stamps", "marketing", "enrolled_at", "last_visit_at")
    assert sorted(tuple(row[name] for name in kept) for row in table_of(again)) == sorted(
        tuple(row[name] for name in kept) for row in found
    )
    await assert_ledger_is_whole(database, empty.merchant.id)


async def test_an_own_export_changes_nothing_where_it_comes_from(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    """Points are never doubled: a line with the number of a card that lives here is that card, whatever the source is called."""
    shop = await make_shop(database)
    await bring_in(client, database, shop, "email,first_name,points,stamps\nanna@example.lu,Anna,120,3\nbob@example.lu,Bob,0,0\n")
    await make_card(database, shop.merchant, stamps=2, amount_cents=5_000)
    exported = (await get(client, shop, f"{EXPORTS}/cards.csv")).text
    before = [tuple(row) for row in await people_of(superuser, shop)]
    counts = (await bring_in(client, database, shop, exported, source="own export"))["counts"]
    assert {name: counts[name] for name in ("fine", "known_people", "new_cards", "already", "points", "stamps")} == {
        "fine": 3, "known_people": 3, "new_cards": 0, "already": 2, "points": 0, "stamps": 0,
    }  # fmt: skip
    assert [tuple(row) for row in await people_of(superuser, shop)] == before
    await assert_ledger_is_whole(database, shop.merchant.id)


async def test_transactions_and_customers_as_files(client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database, stores=2)
    await make_settings(database, shop.merchant, cross_location=False)
    first, second = shop.merchant.stores
    card = await make_card(database, shop.merchant, stamps=3, amount_cents=1_200)
    rows = table_of(await get(client, shop, f"{EXPORTS}/transactions.csv"))
    assert {(row["type"], row["points"], row["stamps"], row["card_number"]) for row in rows} == {
        ("stamp_earned", "0", "3", card.number), ("points_earned", "12", "0", card.number),
    }  # fmt: skip
    everybody = table_of(await get(client, shop, f"{EXPORTS}/customers.csv?excel=true"), ";")
    assert [(row["email"], row["store"]) for row in everybody] == [(card.email, first.code)]
    for kind in ("cards", "transactions", "customers"):
        assert table_of(await get(client, shop, f"{EXPORTS}/{kind}.csv?store_id={second.id}")) == []
        assert table_of(await get(client, shop, f"{EXPORTS}/{kind}.csv?until=2020-01-01")) == []
        assert table_of(await get(client, shop, f"{EXPORTS}/{kind}.csv?since=2099-01-01&until=9999-12-31")) == []
        assert len(table_of(await get(client, shop, f"{EXPORTS}/{kind}.csv?since=0001-01-01"))) >= 1
        unknown = await get(client, shop, f"{EXPORTS}/{kind}.csv?store_id={uuid.uuid4()}")
        assert unknown.status_code == 404
    noted = await superuser.fetch(
        "SELECT details->>'kind' AS kind FROM core_audit_log WHERE merchant_id = $1 AND action = 'loyalty.export.downloaded'",
        shop.merchant.id,
    )
    assert {row["kind"] for row in noted} == {"cards", "transactions", "customers"}


async def test_a_long_export_comes_in_pieces(client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await make_shop(database)
    cards = [await make_card(database, shop.merchant, stamps=1) for _ in range(5)]
    monkeypatch.setattr("app.modules.loyalty.services.export_service.PIECE", 2)
    for kind in ("cards", "transactions", "customers"):
        found = table_of(await get(client, shop, f"{EXPORTS}/{kind}.csv"))
        assert len(found) == len(cards)
        assert len({tuple(row.items()) for row in found}) == len(cards)
