"""A page of the merchant as the terms of its program: chosen, shown, accepted by its version, and not taken away (E1)."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.credentials import TERMINAL_COOKIE
from app.core.db.engine import Database
from app.modules.cms.tests.factories import PageText, delete_page, make_page, publish_text
from app.modules.loyalty.domain.terms import TermsText, parse_own_version, parse_seen
from app.modules.loyalty.tests import counter
from app.modules.loyalty.tests.factories import MadeShop, make_program, make_shop
from app.modules.tenancy.tests.factories import make_admin, make_merchant, sign_in_cookie

PROGRAM = "/api/v1/merchants/loyalty/program"
PAGES = "/api/v1/merchants/cms/pages"
CONSENTS = "SELECT purpose, text_version, locale FROM customer_consents WHERE merchant_id = $1 ORDER BY purpose DESC, at"
Clients = Callable[..., httpx.AsyncClient]


@pytest.fixture
def owner(make_client: Clients) -> Callable[[MadeShop], httpx.AsyncClient]:
    """The browser of a merchant's owner, in English."""

    def opened(shop: MadeShop) -> httpx.AsyncClient:
        browser = make_client()
        browser.cookies.update(sign_in_cookie(shop.merchant.owner) | {"orion_lang": "en"})
        return browser

    return opened


Owner = Callable[[MadeShop], httpx.AsyncClient]


async def choose(browser: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    """Save the program as it is, with `changes`."""
    current = (await browser.get(PROGRAM)).json()
    kept = {name: value for name, value in current.items() if name not in ("id", "logo_path", "terms_version", "created_at", "updated_at")}
    return await browser.put(PROGRAM, json=kept | changes)


async def enroll(client: httpx.AsyncClient, shop: MadeShop, store: int = 0, **changes: Any) -> None:
    """Enroll somebody new at a store."""
    body = {
        "first_name": "Léa",
        "last_name": "Weber",
        "email": f"{uuid.uuid4().hex}@example.lu",
        "locale": "fr",
        "has_accepted_terms": True,
    }
    answer = await client.post(
        f"/api/v1/storefront/{shop.merchant.stores[store].code}/loyalty/enroll",
        json=body | {"wants_marketing": True} | changes,
        headers={"Idempotency-Key": uuid.uuid4().hex},
    )
    assert answer.status_code == 201, answer.text


async def consents(superuser: asyncpg.Connection, shop: MadeShop) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in await superuser.fetch(CONSENTS, shop.merchant.id)]


async def join_page(client: httpx.AsyncClient, shop: MadeShop, language: str, store: int = 0, path: str = "join") -> str:
    address = f"/s/{shop.merchant.stores[store].code}/loyalty/{path}"
    return (await client.get(address, headers={"Accept": "text/html", "Accept-Language": language})).text


async def test_a_published_page_can_be_chosen_and_is_answered(database: Database, owner: Owner) -> None:
    shop = await make_shop(database)
    await make_page(database, shop.merchant)
    browser = owner(shop)
    saved = await choose(browser, terms_cms_page_slug="terms")
    assert (saved.status_code, saved.json()["terms_cms_page_slug"], saved.json()["owning_store_id"]) == (200, "terms", None)
    assert (await browser.get(PROGRAM)).json()["terms_cms_page_slug"] == "terms"
    assert (await choose(browser, terms_cms_page_slug=None)).json()["terms_cms_page_slug"] is None


async def test_only_what_is_public_at_the_owning_store_can_be_chosen(database: Database, owner: Owner) -> None:
    shop = await make_shop(database, stores=2)
    first, second = shop.merchant.stores
    await make_page(database, shop.merchant, slug="draft", is_published=False)
    await make_page(database, shop.merchant, slug="esch", store_id=second.id)
    stranger = await make_merchant(database)
    await make_page(database, stranger, slug="foreign")
    browser = owner(shop)
    for slug, store in (("draft", None), ("esch", None), ("esch", first.id), ("foreign", None), ("nothing", None), ("a\u2028b", None)):
        answer = await choose(browser, terms_cms_page_slug=slug, owning_store_id=str(store) if store else None)
        assert answer.status_code == 422, answer.text
        assert [item["field"] for item in answer.json()["errors"]] == ["terms_cms_page_slug"]
    assert (await browser.get(PROGRAM)).json()["terms_cms_page_slug"] is None
    chosen = await choose(browser, terms_cms_page_slug="esch", owning_store_id=str(second.id))
    assert (chosen.status_code, chosen.json()["owning_store_id"]) == (200, str(second.id))
    lost = await choose(browser, owning_store_id=str(stranger.store.id))
    assert (lost.status_code, lost.json()["code"]) == (404, "store_not_found")


async def test_the_picker_offers_the_pages_of_the_owning_store(database: Database, owner: Owner) -> None:
    shop = await make_shop(database, stores=2)
    second = shop.merchant.stores[1]
    await make_page(database, shop.merchant)
    await make_page(database, shop.merchant, slug="esch", store_id=second.id, texts={"fr": PageText("À Esch", "x")})
    await make_page(database, shop.merchant, slug="draft", is_published=False)
    browser = owner(shop)

    async def offered() -> list[str]:
        page = (await browser.get("/merchants/program", headers={"Accept": "text/html"})).text
        select = re.search(r'<select[^>]*name="terms_cms_page_slug".*?</select>', page, re.S)
        assert select is not None
        return re.findall(r'<option value="([^"]*)"', select[0])

    assert await offered() == ["", "terms"]
    assert (await choose(browser, owning_store_id=str(second.id))).status_code == 200
    assert await offered() == ["", "esch", "terms"]


async def test_the_form_shows_the_page_in_the_customers_language(database: Database, owner: Owner, client: httpx.AsyncClient) -> None:
    shop = await make_shop(database, stores=2)
    await make_page(database, shop.merchant)
    await choose(owner(shop), terms_cms_page_slug="terms", terms_text="Le texte du programme.")
    for store in (0, 1):
        page = await join_page(client, shop, "de", store)
        code = shop.merchant.stores[store].code
        assert f'<a class="link" href="/s/{code}/loyalty/terms" data-open-modal="terms">' in page
        dialog = page[page.index('id="terms"') :]
        assert '<h2 id="terms-title">Bedingungen</h2>' in dialog
        assert '<div class="prose-kit" lang="de"><h3>Ihre Karte</h3>' in re.sub(r">\s+<", "><", dialog)
        assert '<input type="hidden" name="terms_seen" value="terms@1:de">' in page
        assert "Le texte du programme." not in page
        assert "<h3>Ihre Karte</h3>" in await join_page(client, shop, "de", store, "terms")
    luxembourgish = await join_page(client, shop, "lb")
    assert 'name="terms_seen" value="terms@1:fr"' in luxembourgish, "there is no Luxembourgish text: the store's language"
    assert 'lang="fr"' in luxembourgish


async def test_without_a_page_the_programs_own_text_counts(
    database: Database, owner: Owner, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    await choose(owner(shop), terms_text="Premier.\n\nSecond.")
    page = await join_page(client, shop, "fr")
    assert "<p>Premier.</p><p>Second.</p>" in re.sub(r">\s+<", "><", page)
    assert '<input type="hidden" name="terms_seen" value="2">' in page
    await choose(owner(shop), terms_text="Tout autre.")
    for seen in ("2", "terms@1:fr", "4", "02", "-1", None):
        await enroll(client, shop, terms_seen=seen)
        client.cookies.clear()
    found = await superuser.fetch(
        "SELECT text_version, locale FROM customer_consents WHERE merchant_id = $1 AND purpose = 'terms' ORDER BY at", shop.merchant.id
    )
    assert [tuple(row) for row in found] == [("2", "fr"), *[("3", "fr")] * 5], "the first form was opened before"


async def test_the_consent_says_which_version_in_which_language(
    database: Database, owner: Owner, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    page = await make_page(database, shop.merchant)
    await choose(owner(shop), terms_cms_page_slug="terms")
    await enroll(client, shop, locale="lb")
    await publish_text(database, shop.merchant, page, "lb", PageText("Konditiounen", "Text"))
    client.cookies.clear()
    await enroll(client, shop, locale="lb")
    client.cookies.clear()
    await enroll(client, shop, locale="lb", terms_seen="terms@1:de")
    found = await superuser.fetch(
        "SELECT text_version, locale FROM customer_consents WHERE merchant_id = $1 AND purpose = 'terms' ORDER BY at", shop.merchant.id
    )
    assert [tuple(row) for row in found] == [("terms@1", "fr"), ("terms@2", "lb"), ("terms@1", "de")], "the last form was opened before"
    marketing = {row for row in await consents(superuser, shop) if row[0] == "marketing"}
    assert marketing == {("marketing", "1", "lb")}


@pytest.mark.parametrize("seen", ["terms@9:fr", "terms@1:lb", "other@1:fr", "terms@1", "' OR 1=1", "terms@0:fr", "terms@1:fr\n", "x" * 80])
async def test_what_nobody_published_is_not_accepted(
    database: Database, owner: Owner, client: httpx.AsyncClient, superuser: asyncpg.Connection, seen: str
) -> None:
    shop = await make_shop(database)
    await make_page(database, shop.merchant)
    await make_page(database, shop.merchant, slug="other")
    await choose(owner(shop), terms_cms_page_slug="terms")
    await enroll(client, shop, terms_seen=seen)
    assert ("terms", "terms@1", "fr") in await consents(superuser, shop)


async def test_a_page_that_is_the_terms_cannot_go(database: Database, owner: Owner) -> None:
    shop = await make_shop(database)
    page = await make_page(database, shop.merchant)
    browser = owner(shop)
    await choose(browser, terms_cms_page_slug="terms")
    for refused in (await browser.delete(f"{PAGES}/{page.id}"), await browser.post(f"{PAGES}/{page.id}/withdraw")):
        assert (refused.status_code, refused.json()["code"]) == (409, "page_in_use")
        assert refused.json()["detail"] == "Your program uses this page as its terms. Choose another page there first."
    assert (await browser.get(f"{PAGES}/{page.id}")).json()["published_version"] == 1
    await choose(browser, terms_cms_page_slug=None)
    assert (await browser.delete(f"{PAGES}/{page.id}")).status_code == 204


async def test_the_public_page_wears_the_programs_colour(database: Database, client: httpx.AsyncClient) -> None:
    shop = await make_shop(database)
    await make_page(database, shop.merchant)
    page = await client.get(f"/s/{shop.merchant.store.code}/pages/terms", headers={"Accept": "text/html"})
    assert f'<meta name="accent" content="{shop.program.colour}">' in page.text
    assert f'href="/s/{shop.merchant.store.code}/pages/terms"' in await join_page(client, shop, "fr")


async def test_the_counter_says_what_it_showed(
    database: Database, owner: Owner, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    shop = await counter.make_shop(database, colour="#12654b")
    page = await make_page(database, shop.merchant)
    chosen = await choose(owner(MadeShop(shop.merchant, shop.program)), terms_cms_page_slug="terms")
    assert chosen.status_code == 200, chosen.text
    headers = {"Cookie": f"{TERMINAL_COOKIE}={shop.counter.token}", "Accept": "text/html", "Accept-Language": "de"}
    shown = (await client.get("/store/terminal", headers=headers)).text
    assert re.findall('name="terms_seen" value="(.*?)"', shown) == ["terms@1:de"]
    await publish_text(database, shop.merchant, page, "de", PageText("Neue Bedingungen", "Ganz anders."))
    body = {
        "first_name": "Léa", "last_name": "Weber", "email": f"{uuid.uuid4().hex}@example.lu", "locale": "fr",
        "has_accepted_terms": True, "wants_marketing": False, "terms_seen": "terms@1:de",
    }  # fmt: skip
    enrolled = await counter.post(client, shop, "/enroll", body)
    assert enrolled.status_code == 201, enrolled.text
    found = await superuser.fetch("SELECT purpose, text_version, locale, source FROM customer_consents WHERE merchant_id = $1", shop.id)
    assert [tuple(row) for row in found] == [("terms", "terms@1", "de", "terminal")]


async def test_what_was_agreed_to_can_be_read_for_ever(
    database: Database, owner: Owner, client: httpx.AsyncClient, make_client: Clients, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    page = await make_page(database, shop.merchant)
    browser = owner(shop)
    await choose(browser, terms_cms_page_slug="terms")
    await enroll(client, shop, terms_seen="terms@1:de")
    newer = await publish_text(database, shop.merchant, page, "de", PageText("Neue Bedingungen", "Ganz anders."))
    await choose(browser, terms_cms_page_slug=None)
    await delete_page(database, shop.merchant, newer)
    admin = make_client()
    admin.cookies.update(sign_in_cookie(await make_admin(database)))
    customer_id = await superuser.fetchval("SELECT id FROM customers WHERE merchant_id = $1", shop.merchant.id)
    code = shop.merchant.store.code
    for reader, path in (
        (client, f"/s/{code}/loyalty/my-data"),
        (browser, f"/merchants/customers/{customer_id}"),
        (admin, f"/admin/customers/{customer_id}"),
    ):
        text = re.sub(r">\s+<", "><", (await reader.get(path, headers={"Accept": "text/html"})).text)
        assert text.count('<strong lang="de">Bedingungen</strong></p><div class="prose-kit" lang="de"><h3>Ihre Karte</h3>') == 1, path
        assert "Ganz anders." not in text
    listed = (await browser.get(f"/api/v1/merchants/loyalty/customers/{customer_id}/consents")).json()["items"]
    assert ("terms@1", "de") in [(item["text_version"], item["locale"]) for item in listed]


async def test_the_programs_own_text_can_be_read_for_ever_too(
    database: Database, owner: Owner, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    browser = owner(shop)
    await choose(browser, terms_text="Premier.\n\nSecond.")
    await enroll(client, shop)
    await choose(browser, terms_text="Tout autre.")
    await browser.post(f"/api/v1/merchants/loyalty/programs/{shop.program.id}/trash", json={"reason": "Old"})
    await make_program(database, shop.merchant, terms_text="Nouveau un.")
    await choose(browser, terms_text="Nouveau deux.")
    customer_id = await superuser.fetchval("SELECT id FROM customers WHERE merchant_id = $1", shop.merchant.id)
    assert ("terms", "2", "fr") in await consents(superuser, shop)
    kept = await superuser.fetch(
        "SELECT version, text FROM loyalty_terms_texts WHERE merchant_id = $1 ORDER BY created_at", shop.merchant.id
    )
    assert [tuple(row) for row in kept] == [
        (1, ""), (2, "Premier.\n\nSecond."), (3, "Tout autre."), (1, "Nouveau un."), (2, "Nouveau deux."),
    ]  # fmt: skip
    for reader, path in ((client, f"/s/{shop.merchant.store.code}/loyalty/my-data"), (browser, f"/merchants/customers/{customer_id}")):
        text = re.sub(r">\s+<", "><", (await reader.get(path, headers={"Accept": "text/html"})).text)
        assert text.count("<p>Premier.</p><p>Second.</p>") == 1, path
        assert "Tout autre." not in text
        assert "Nouveau" not in text


async def test_the_programs_answer_names_the_page_and_how_to_accept_it(
    database: Database, owner: Owner, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    await make_page(database, shop.merchant)
    code = shop.merchant.store.code
    answer = await client.get(f"/api/v1/storefront/{code}/loyalty/program", headers={"Accept-Language": "de"})
    assert answer.json()["terms_page"] is None
    await choose(owner(shop), terms_cms_page_slug="terms")
    page = (await client.get(f"/api/v1/storefront/{code}/loyalty/program", headers={"Accept-Language": "de"})).json()["terms_page"]
    assert page == {"title": "Bedingungen", "path": f"/s/{code}/loyalty/terms", "locale": "de", "seen": "terms@1:de"}
    await enroll(client, shop, terms_seen=page["seen"])
    assert ("terms", "terms@1", "de") in await consents(superuser, shop)
    assert (await client.get(f"/api/v1/storefront/{code}/loyalty/card")).json()["program"]["terms_page"]["seen"] == "terms@1:fr"


def test_how_a_form_says_what_it_showed() -> None:
    text = TermsText("my-terms", 12, "lb")
    assert (text.text_version, text.seen) == ("my-terms@12", "my-terms@12:lb")
    assert parse_seen(text.seen) == text
    assert [parse_own_version(odd, latest=3) for odd in ("1", "3", "4", "0", "03", "٣", "a@1:fr", "", None)] == [1, 3] + [None] * 7
    assert [parse_seen(odd) for odd in (None, "", "a@1", "a@01:fr", "a@1:xx", "A@1:fr", "a@1:fr ", "a@1234567890:fr")] == [None] * 8
