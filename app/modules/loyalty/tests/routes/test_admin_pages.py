"""Cards and programs of all merchants in the platform's panel: who sees them, how they are found, filtered, paged, live or in the trash."""

import re
import uuid

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.core.testing.application import PAGE_HEADERS, page_text
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.tests.counter import applicant, make_card, make_shop, post
from app.modules.tenancy.tests.factories import make_admin, sign_in_cookie

PAGES = [
    "/admin/cards", "/admin/cards/{card_id}", "/admin/programs",
    "/admin/customers", "/admin/customers/{customer_id}", "/admin/customers/{customer_id}/erase",
]  # fmt: skip
TRASH_PROGRAM = "UPDATE loyalty_programs SET deleted_at = now(), deletion_reason = 'New one comes' WHERE merchant_id = $1"


def listed(text: str) -> list[str]:
    """The ids of the cards in a list."""
    return re.findall(r'href="/admin/cards/([0-9a-f-]{36})"', text)


@pytest.mark.parametrize("path", PAGES)
async def test_pages_open_for_an_admin_alone(database: Database, client: httpx.AsyncClient, path: str) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop)
    address = path.format(card_id=card.id, customer_id=card.customer_id)
    callers = [({}, 303), *((sign_in_cookie(shop.merchant.user(role)), 403) for role in ("owner", "manager", "staff"))]
    for cookies, status in [*callers, (sign_in_cookie(await make_admin(database)), 200)]:
        client.cookies.clear()
        client.cookies.update(cookies)
        assert (await client.get(address, headers=PAGE_HEADERS)).status_code == status


async def test_a_card_is_found_anywhere_by_number_code_and_email(database: Database, admin_client: httpx.AsyncClient) -> None:
    shop, other = await make_shop(database), await make_shop(database)
    person = applicant(f"Zoe.{uuid.uuid4().hex[:10]}@example.lu", first_name="Zoé", last_name="Thill")
    mine, theirs = await make_card(database, shop, person=person), await make_card(database, other, person=person)
    assert listed(await page_text(admin_client, f"/admin/cards?q={format_number(mine.card_number)}")) == [str(mine.id)]
    assert listed(await page_text(admin_client, f"/admin/cards?q={theirs.qr_token}")) == [str(theirs.id)]
    assert listed(await page_text(admin_client, f"/admin/cards?q={person.email.upper()}")) == [str(theirs.id), str(mine.id)]
    assert listed(await page_text(admin_client, f"/admin/cards?q={person.email[:12]}@")) == []
    assert listed(await page_text(admin_client, f"/admin/cards?q={person.email}&merchant={shop.id}")) == [str(mine.id)]
    assert listed(await page_text(admin_client, f"/admin/cards?q={mine.card_number}&merchant={other.id}")) == []
    by_name = await page_text(admin_client, f"/admin/cards?q=Thill&merchant={other.id}")
    assert listed(by_name) == [str(theirs.id)]
    assert "Zoé Thill" in by_name
    asked = await page_text(admin_client, "/admin/cards?q=Thill")
    assert "Names and phone numbers are looked for within one merchant" in asked
    assert (await admin_client.get(f"/admin/cards?q=Thill&merchant={uuid.uuid4()}", headers=PAGE_HEADERS)).status_code == 404


async def test_the_list_is_filtered_sorted_and_paged(
    database: Database, admin_client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    cards = [str((await make_card(database, shop)).id) for _ in range(27)]
    await superuser.execute("UPDATE loyalty_cards SET status = 'deactivated' WHERE id = ANY($1::uuid[])", cards[3:5])
    first = await page_text(admin_client, f"/admin/cards?merchant={shop.id}&status=")
    assert listed(first) == cards[:1:-1]
    found = re.search(r'rel="next" href="([^"]+)"', first)
    assert found is not None
    second = await page_text(admin_client, found[1].replace("&amp;", "&"))
    assert listed(second) == cards[1::-1]
    assert f'href="/admin/cards?merchant={shop.id}&amp;status="' in second
    assert listed(await page_text(admin_client, f"/admin/cards?merchant={shop.id}&sort=created"))[:3] == cards[:3]
    assert listed(await page_text(admin_client, f"/admin/cards?merchant={shop.id}&status=deactivated")) == [cards[4], cards[3]]
    assert cards[26] in listed(await page_text(admin_client, "/admin/cards"))
    assert "No match" in await page_text(admin_client, f"/admin/cards?merchant={shop.id}&status=merged")


def trashed(text: str) -> list[str]:
    """The ids of the rows in a trash."""
    return re.findall(r'data-row="([0-9a-f-]{36})"', text)


async def test_the_trash_says_who_put_a_card_there_and_takes_it_back(
    database: Database, admin_client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    live, gone = await make_card(database, shop), await make_card(database, shop)
    api = f"/api/v1/admin/loyalty/merchants/{shop.id}/cards"
    page = await page_text(admin_client, f"/admin/cards/{gone.id}")
    assert f'data-action="{api}/{gone.id}/trash"' in page
    assert (await admin_client.post(f"{api}/{gone.id}/trash", json={"reason": "Lost twice"})).status_code == 200
    name = await superuser.fetchval(
        "SELECT display_name FROM tenancy_users JOIN loyalty_cards c ON c.deleted_by_user_id = tenancy_users.id WHERE c.id = $1", gone.id
    )
    trash = await page_text(admin_client, f"/admin/cards?only_deleted=true&merchant={shop.id}")
    assert trashed(trash) == [str(gone.id)]
    for part in (name, "Lost twice", f'data-action="{api}/restore"', f"{api}/{gone.id}/purge", shop.merchant.name):
        assert part in trash
    assert listed(await page_text(admin_client, f"/admin/cards?merchant={shop.id}")) == [str(live.id)]
    everywhere = await page_text(admin_client, f"/admin/cards?only_deleted=true&q={gone.card_number}")
    assert trashed(everywhere) == [str(gone.id)]
    assert "Choose a merchant to restore several at once." in everywhere
    assert listed(await page_text(admin_client, f"/admin/cards?q={gone.card_number}")) == []
    page = await page_text(admin_client, f"/admin/cards/{gone.id}")
    assert f"By {name}. Nobody can collect" in page
    assert "restore_points" not in page
    restored = await admin_client.post(f"{api}/restore", json={"ids": [str(gone.id)]})
    assert [item["outcome"] for item in restored.json()["items"]] == ["ok"]
    assert trashed(await page_text(admin_client, f"/admin/cards?only_deleted=true&merchant={shop.id}")) == []


async def test_the_page_of_a_card_shows_holder_history_and_where_to_go_on(database: Database, admin_client: httpx.AsyncClient) -> None:
    shop = await make_shop(database)
    person = applicant()
    card = await make_card(database, shop, person=person)
    assert (await post(admin_client, shop, "/stamp", {"card_id": str(card.id), "stamps": 2})).status_code == 200
    text = await page_text(admin_client, f"/admin/cards/{card.id}")
    assert person.email in text
    assert " ".join(format_number(card.card_number).split()) in text
    assert f'href="/admin/merchants/{shop.id}"' in text
    assert f'href="/admin/audit?merchant={shop.id}&amp;target={card.id}"' in text
    assert f'data-action="/api/v1/admin/loyalty/cards/{card.id}/restore_points"' in text
    assert "Anouk" in text
    assert shop.merchant.store.name in text
    assert (await admin_client.get(f"/admin/cards/{uuid.uuid4()}", headers=PAGE_HEADERS)).status_code == 404


async def test_programs_are_listed_with_merchant_type_and_cards(
    database: Database, admin_client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    tag = uuid.uuid4().hex[:10]
    shops = [await make_shop(database) for _ in range(2)]
    for number, shop in enumerate(shops):
        await superuser.execute("UPDATE loyalty_programs SET name = $2 WHERE merchant_id = $1", shop.id, f"{tag} {number}")
    for _ in range(3):
        await make_card(database, shops[0])
    text = await page_text(admin_client, f"/admin/programs?q={tag}&sort=-name")
    assert text.index(f"{tag} 1") < text.index(f"{tag} 0")
    assert f'<a class="link" href="/admin/cards?merchant={shops[0].id}">3</a>' in text
    assert f'<a class="link" href="/admin/merchants/{shops[1].id}">{shops[1].merchant.name}</a>' in text
    await superuser.execute(TRASH_PROGRAM, shops[1].id)
    live = await page_text(admin_client, f"/admin/programs?q={tag}&state=active&type=both")
    assert (f"{tag} 0" in live, f"{tag} 1" in live) == (True, False)
    trash = await page_text(admin_client, f"/admin/programs?only_deleted=true&merchant={shops[1].id}")
    assert f"{tag} 1" in trash
    assert "The system" in trash
    assert "New one comes" in trash
    assert "No match" in await page_text(admin_client, f"/admin/programs?q={tag}&state=paused")


@pytest.mark.parametrize("locale", ["fr", "de", "lb"])
async def test_no_english_is_left(database: Database, admin_client: httpx.AsyncClient, locale: str) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop)
    for path in ("/admin/cards", "/admin/cards?only_deleted=true&q=none@example.lu", f"/admin/cards/{card.id}", "/admin/programs"):
        english = await page_text(admin_client, path)
        text = await page_text(admin_client, f"{path}{'&' if '?' in path else '?'}lang={locale}")
        assert f'<html lang="{locale}"' in text
        for sentence in re.findall(r">([A-Z][a-z]+(?: [a-z]+){3,}[.?]?)<", english):
            assert sentence not in text, path
