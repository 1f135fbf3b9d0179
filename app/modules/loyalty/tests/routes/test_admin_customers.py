"""Customers of all merchants in the platform's panel: found by e-mail, shown with what they hold, erased after a look at what goes."""

import re
import uuid

import asyncpg
import httpx

from app.core.db.engine import Database
from app.core.testing.application import PAGE_HEADERS, page_text
from app.modules.loyalty.services import person_merge_service
from app.modules.loyalty.tests.counter import applicant, make_card, make_shop
from app.modules.tenancy.tests.factories import merchant_ctx


def listed(text: str) -> list[str]:
    """The ids of the customers in a list."""
    return re.findall(r'href="/admin/customers/([0-9a-f-]{36})"', text)


async def test_people_are_found_by_email_anywhere_and_by_name_within_a_merchant(
    database: Database, admin_client: httpx.AsyncClient
) -> None:
    shop, other = await make_shop(database), await make_shop(database)
    tag = uuid.uuid4().hex[:10]
    first, second = applicant(f"{tag}.a@example.lu", last_name="Kremer"), applicant(f"{tag}.b@example.lu", last_name="Kremer")
    mine, theirs = await make_card(database, shop, person=first), await make_card(database, other, person=second)
    assert listed(await page_text(admin_client, f"/admin/customers?q={tag}.a@")) == [str(mine.customer_id)]
    assert listed(await page_text(admin_client, f"/admin/customers?q={theirs.card_number}")) == [str(theirs.customer_id)]
    assert listed(await page_text(admin_client, f"/admin/customers?q={theirs.card_number}&merchant={shop.id}")) == []
    assert listed(await page_text(admin_client, f"/admin/customers?q=Kremer&merchant={other.id}")) == [str(theirs.customer_id)]
    assert "choose it" in await page_text(admin_client, "/admin/customers?q=Kremer")
    assert "Whom are you looking for?" in await page_text(admin_client, "/admin/customers")
    nobody = await page_text(admin_client, f"/admin/customers?q={tag}.c@example.lu")
    assert "No match" in nobody


async def test_a_merchants_people_are_paged_and_sorted(database: Database, admin_client: httpx.AsyncClient) -> None:
    shop = await make_shop(database)
    people = [str((await make_card(database, shop, person=applicant(last_name=f"N{number:02}"))).customer_id) for number in range(27)]
    first = await page_text(admin_client, f"/admin/customers?merchant={shop.id}")
    assert listed(first) == people[:1:-1]
    found = re.search(r'rel="next" href="([^"]+)"', first)
    assert found is not None
    assert listed(await page_text(admin_client, found[1].replace("&amp;", "&"))) == people[1::-1]
    assert listed(await page_text(admin_client, f"/admin/customers?merchant={shop.id}&sort=name")) == people[:25]


async def test_the_page_of_a_person_leads_to_cards_merchant_and_log(database: Database, admin_client: httpx.AsyncClient) -> None:
    shop = await make_shop(database)
    person = applicant(wants_marketing=True)
    card = await make_card(database, shop, person=person)
    text = await page_text(admin_client, f"/admin/customers/{card.customer_id}")
    for part in (person.email, f"/admin/cards/{card.id}", f"/admin/merchants/{shop.id}", "Wants marketing e-mails"):
        assert part in text
    assert f'href="/admin/audit?merchant={shop.id}&amp;target={card.customer_id}"' in text
    assert (await admin_client.get(f"/admin/customers/{uuid.uuid4()}", headers=PAGE_HEADERS)).status_code == 404


async def test_somebody_is_erased_after_a_look_at_what_goes(
    database: Database, admin_client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    person = applicant()
    card = await make_card(database, shop, person=person)
    look = await page_text(admin_client, f"/admin/customers/{card.customer_id}/erase")
    assert "What will go" in look
    assert f'data-action="/api/v1/admin/loyalty/cards/customer/{card.customer_id}"' in look
    assert await superuser.fetchval("SELECT email FROM customers WHERE id = $1", card.customer_id) == person.email
    erased = await admin_client.delete(f"/api/v1/admin/loyalty/cards/customer/{card.customer_id}")
    assert erased.status_code == 200
    after = await page_text(admin_client, f"/admin/customers/{card.customer_id}")
    assert "This person was erased on" in after
    assert "Erase this person" not in after
    assert person.email not in after
    assert "data-open-modal" not in re.sub(
        r'data-open-modal="shortcuts"', "", await page_text(admin_client, f"/admin/customers/{card.customer_id}/erase")
    )


async def test_the_api_lists_and_finds_cards_and_customers(database: Database, admin_client: httpx.AsyncClient) -> None:
    shop = await make_shop(database)
    person = applicant(phone="+352621123456")
    card = await make_card(database, shop, person=person)
    found = await admin_client.get("/api/v1/admin/loyalty/cards", params={"q": card.card_number})
    assert found.json() == {
        "items": [
            {
                "id": str(card.id),
                "merchant_id": str(shop.id),
                "card_number": card.card_number,
                "status": "active",
                "customer_id": str(card.customer_id),
                "holder_name": "Léa Weber",
                "holder_email": person.email,
                "enrolled_at_store_id": str(shop.merchant.store.id),
                "stamp_count": 0,
                "stamps_target": card.state.stamps_target,
                "points_balance": card.state.points_balance,
                "created_at": card.created_at.isoformat().replace("+00:00", "Z"),
                "deleted_at": None,
                "deletion_reason": "",
            }
        ],
        "next_cursor": None,
    }
    one = await admin_client.get(f"/api/v1/admin/loyalty/cards/{card.id}")
    assert one.json() == found.json()["items"][0]
    unknown = await admin_client.get(f"/api/v1/admin/loyalty/cards/{uuid.uuid4()}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "card_not_found")
    people = await admin_client.get("/api/v1/admin/loyalty/customers", params={"merchant_id": str(shop.id)})
    assert [(item["id"], item["email"], item["phone"]) for item in people.json()["items"]] == [
        (str(card.customer_id), person.email, "+352621123456")
    ]
    for path, query in (("cards", {"q": "Weber"}), ("customers", {"q": "Weber"}), ("customers", {})):
        assert (await admin_client.get(f"/api/v1/admin/loyalty/{path}", params=query)).json() == {"items": [], "next_cursor": None}
    nowhere = await admin_client.get("/api/v1/admin/loyalty/customers", params={"merchant_id": str(uuid.uuid4())})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "merchant_not_found")


async def test_somebody_merged_leads_to_whom_they_are_now(database: Database, admin_client: httpx.AsyncClient) -> None:
    shop = await make_shop(database)
    kept, gone = await make_card(database, shop), await make_card(database, shop)
    assert kept.customer_id is not None
    assert gone.customer_id is not None
    async with merchant_ctx(database, shop.merchant) as ctx:
        await person_merge_service.merge_people(ctx, kept.customer_id, gone.customer_id)
    answer = await admin_client.get(f"/admin/customers/{gone.customer_id}", headers=PAGE_HEADERS)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/admin/customers/{kept.customer_id}")
