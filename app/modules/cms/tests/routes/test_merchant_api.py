"""A merchant's pages through the API: written, published, taken down, brought back, and what is refused."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.modules.cms.domain.pages import PageText
from app.modules.cms.errors import PageInUseException
from app.modules.cms.services import page_service, uses
from app.modules.cms.tests.factories import TEXTS, make_page
from app.modules.tenancy.tests.factories import MadeMerchant, make_member, make_merchant, merchant_ctx, sign_in_cookie

API = "/api/v1/merchants/cms"
BODY: dict[str, Any] = {"locale": "fr", "title": "Conditions générales", "body": "La carte est **gratuite**."}


@pytest.fixture
def sign_in(make_client: Callable[..., httpx.AsyncClient]) -> Callable[[MadeMerchant], httpx.AsyncClient]:
    """The browser of a merchant's owner, in English."""

    def opened(merchant: MadeMerchant) -> httpx.AsyncClient:
        browser = make_client()
        browser.cookies.update(sign_in_cookie(merchant.owner) | {"orion_lang": "en"})
        return browser

    return opened


SignIn = Callable[[MadeMerchant], httpx.AsyncClient]


async def begin(browser: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    """Begin a page and return it."""
    answer = await browser.post(f"{API}/pages", json=BODY | changes)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_page_begins_as_a_draft_with_an_address_from_its_title(database: Database, sign_in: SignIn) -> None:
    merchant = await make_merchant(database)
    page = await begin(sign_in(merchant))
    assert page["slug"] == "conditions-generales"
    assert page["texts"] == {"fr": {"title": "Conditions générales", "body": "La carte est **gratuite**.", "revision": 1}}
    assert (page["published_version"], page["published_at"], page["has_changes"]) == (None, None, False)
    assert (page["locales"], page["missing"], page["is_in_footer"], page["store_id"]) == (["fr"], ["en", "de", "lb"], True, None)


@pytest.mark.parametrize("slug", ["", "Terms", "a b", "-a", "a-", "a--b", "ä", "a/b", "../x", "a" * 61, "a\u0000b"])
async def test_addresses_of_a_wrong_form_are_refused(database: Database, sign_in: SignIn, superuser: asyncpg.Connection, slug: str) -> None:
    merchant = await make_merchant(database)
    answer = await sign_in(merchant).post(f"{API}/pages", json=BODY | {"slug": slug})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["slug"]
    assert await superuser.fetchval("SELECT count(*) FROM cms_pages WHERE merchant_id = $1", merchant.id) == 0


async def test_an_address_is_taken_once_per_store_and_once_for_all_stores(database: Database, sign_in: SignIn) -> None:
    merchant = await make_merchant(database, stores=2)
    browser = sign_in(merchant)
    for place in (None, str(merchant.stores[0].id), str(merchant.stores[1].id)):
        await begin(browser, slug="terms", store_id=place)
        again = await browser.post(f"{API}/pages", json=BODY | {"slug": "terms", "store_id": place})
        assert code_of(again) == (409, "page_slug_taken")
    listed = (await browser.get(f"{API}/pages")).json()
    assert {item["store_id"] for item in listed["items"]} == {None, *(str(store.id) for store in merchant.stores)}


async def test_a_deleted_page_frees_its_address_and_numbers_go_on(database: Database, sign_in: SignIn) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant)
    first = await make_page(database, merchant)
    assert first.published_version == 1
    assert (await browser.delete(f"{API}/pages/{first.id}")).status_code == 204
    assert code_of(await browser.get(f"{API}/pages/{first.id}")) == (404, "page_not_found")
    second = await begin(browser, slug="terms")
    published = (await browser.post(f"{API}/pages/{second['id']}/publish")).json()
    assert published["published_version"] == 2, "version 1 of this address is somebody else's text"


async def test_a_text_is_saved_against_the_revision_that_was_loaded(database: Database, sign_in: SignIn) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant)
    page = await begin(browser)
    address = f"{API}/pages/{page['id']}/texts"
    saved = await browser.put(f"{address}/fr", json={"title": "Neuf", "body": "Texte", "revision": 1})
    assert saved.json()["texts"]["fr"] == {"title": "Neuf", "body": "Texte", "revision": 2}
    stale = await browser.put(f"{address}/fr", json={"title": "Vieux", "body": "Texte", "revision": 1})
    assert code_of(stale) == (409, "page_changed")
    same = await browser.put(f"{address}/fr", json={"title": "Neuf", "body": "Texte", "revision": 1})
    assert (same.status_code, same.json()["texts"]["fr"]["revision"]) == (200, 2), "who saves the same again is not in the way"
    other = await browser.put(f"{address}/lb", json={"title": "Konditiounen", "body": "Text", "revision": 0})
    assert (other.json()["texts"]["lb"]["revision"], other.json()["missing"]) == (1, ["en", "de"])
    removed = await browser.delete(f"{address}/lb")
    assert sorted(removed.json()["texts"]) == ["fr"]
    assert (await browser.delete(f"{address}/lb")).status_code == 200


async def test_publishing_makes_versions_that_stay(database: Database, sign_in: SignIn, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant)
    page = await begin(browser)
    address = f"{API}/pages/{page['id']}"
    assert (await browser.put(f"{address}/texts/de", json={"title": "Nur ein Titel", "body": "", "revision": 0})).status_code == 200
    first = (await browser.post(f"{address}/publish")).json()
    assert (first["published_version"], first["has_changes"]) == (1, False)
    assert code_of(await browser.post(f"{address}/publish")) == (409, "page_unchanged")
    changed = await browser.put(f"{address}/texts/fr", json={"title": "Deux", "body": "Autre", "revision": 1})
    assert (changed.json()["has_changes"], changed.json()["published_version"]) == (True, 1)
    assert (await browser.post(f"{address}/publish")).json()["published_version"] == 2
    listed = (await browser.get(f"{address}/versions")).json()["items"]
    assert [(item["number"], item["is_public"], item["locales"]) for item in listed] == [(2, True, ["fr"]), (1, False, ["fr"])]
    assert all(item["published_by"].startswith("Person ") for item in listed)
    old = (await browser.get(f"{address}/versions/1")).json()
    assert old["texts"] == {"fr": {"title": "Conditions générales", "body": "La carte est **gratuite**."}}
    assert code_of(await browser.get(f"{address}/versions/3")) == (404, "page_version_not_found")
    back = (await browser.post(f"{address}/versions/1/restore")).json()
    assert (back["texts"]["fr"]["title"], sorted(back["texts"]), back["published_version"]) == ("Conditions générales", ["fr"], 2)
    assert (await browser.post(f"{address}/publish")).json()["published_version"] == 3
    actions = [
        row["action"]
        for row in await superuser.fetch(
            "SELECT action FROM core_audit_log WHERE merchant_id = $1 AND action LIKE 'cms.%' ORDER BY at, id", merchant.id
        )
    ]
    assert actions == [
        "cms.page.created", "cms.page.written", "cms.page.published", "cms.page.written", "cms.page.published",
        "cms.page.version_restored", "cms.page.published",
    ]  # fmt: skip


async def test_nothing_is_published_without_a_filled_text(database: Database, sign_in: SignIn) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant)
    page = await begin(browser, body="")
    assert code_of(await browser.post(f"{API}/pages/{page['id']}/publish")) == (409, "page_empty")
    assert (await browser.get(f"{API}/pages/{page['id']}")).json()["published_version"] is None


async def test_a_page_that_was_taken_down_comes_back_as_the_same_version(database: Database, sign_in: SignIn) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant)
    page = await make_page(database, merchant)
    address = f"{API}/pages/{page.id}"
    assert (await browser.post(f"{address}/withdraw")).json()["published_version"] is None
    assert (await browser.post(f"{address}/withdraw")).status_code == 200
    assert (await browser.post(f"{address}/publish")).json()["published_version"] == 1


async def test_a_published_page_keeps_its_address_and_its_store(database: Database, sign_in: SignIn) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant)
    page = await make_page(database, merchant)
    address = f"{API}/pages/{page.id}"
    for change in ({"slug": "agb"}, {"store_id": str(merchant.store.id)}):
        answer = await browser.put(address, json={"slug": "terms", "store_id": None, "is_in_footer": True} | change)
        assert code_of(answer) == (409, "page_slug_fixed")
    hidden = await browser.put(address, json={"slug": "terms", "store_id": None, "is_in_footer": False})
    assert (hidden.status_code, hidden.json()["is_in_footer"]) == (200, False)


async def test_a_draft_can_move(database: Database, sign_in: SignIn) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant)
    page = await begin(browser)
    moved = await browser.put(f"{API}/pages/{page['id']}", json={"slug": "agb", "store_id": str(merchant.store.id), "is_in_footer": True})
    assert (moved.json()["slug"], moved.json()["store_id"]) == ("agb", str(merchant.store.id))
    lost = await browser.put(f"{API}/pages/{page['id']}", json={"slug": "agb", "store_id": str(uuid.uuid4()), "is_in_footer": True})
    assert code_of(lost) == (404, "store_not_found")


async def test_lists_come_in_pages(database: Database, sign_in: SignIn) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant)
    for slug in ("c", "a", "b"):
        await make_page(database, merchant, slug=slug, is_published=False)
    first = (await browser.get(f"{API}/pages?limit=2")).json()
    assert [item["slug"] for item in first["items"]] == ["a", "b"]
    second = (await browser.get(f"{API}/pages?limit=2&cursor={first['next_cursor']}")).json()
    assert ([item["slug"] for item in second["items"]], second["next_cursor"]) == (["c"], None)
    assert code_of(await browser.get(f"{API}/pages?cursor=abc")) == (400, "bad_cursor")


async def test_there_is_an_end_to_pages(database: Database, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant)
    monkeypatch.setattr("app.modules.cms.domain.pages.MAX_PAGES", 1)
    await begin(browser)
    assert code_of(await browser.post(f"{API}/pages", json=BODY | {"slug": "another"})) == (409, "too_many_pages")


async def test_the_preview_shows_safe_html_and_saves_nothing(database: Database, sign_in: SignIn) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant)
    page = await begin(browser)
    text = {"title": "T", "body": "# Un\n\n<script>alert(1)</script> [x](javascript:alert(1)) [autre](privacy)"}
    answer = await browser.post(f"{API}/pages/{page['id']}/preview", json=text)
    assert answer.json()["html"] == (
        "<h2>Un</h2>\n<p>&lt;script&gt;alert(1)&lt;/script&gt; [x](javascript:alert(1)) "
        f'<a href="/s/{merchant.store.code}/pages/privacy" rel="noopener noreferrer">autre</a></p>\n'
    )
    assert (await browser.get(f"{API}/pages/{page['id']}")).json()["texts"]["fr"]["title"] == "Conditions générales"


@pytest.mark.parametrize("field", ["title", "body"])
async def test_what_no_screen_can_take_is_refused(database: Database, sign_in: SignIn, field: str) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant)
    page = await begin(browser)
    for value in ("a\u0000b", "x" * 30_001, "\ud800"):
        body = {"title": "T", "body": "B", "revision": 1} | {field: value}
        answer = await browser.put(
            f"{API}/pages/{page['id']}/texts/fr",
            content=json.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code in (400, 422), answer.text
    assert (await browser.get(f"{API}/pages/{page['id']}")).json()["texts"]["fr"]["revision"] == 1


async def test_starter_pages_are_added_once(database: Database, sign_in: SignIn) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant)
    await begin(browser, slug="privacy")
    assert (await browser.post(f"{API}/starter-pages")).json() == {"added": ["terms", "accessibility"]}
    assert (await browser.post(f"{API}/starter-pages")).json() == {"added": []}
    listed = (await browser.get(f"{API}/pages")).json()["items"]
    assert [(item["slug"], item["published_version"], item["missing"]) for item in listed] == [
        ("accessibility", None, []),
        ("privacy", None, ["en", "de", "lb"]),
        ("terms", None, []),
    ]


async def test_starter_pages_need_a_store(database: Database, sign_in: SignIn) -> None:
    merchant = await make_merchant(database)
    async with merchant_ctx(database, merchant) as ctx:
        await ctx.conn.execute("UPDATE tenancy_stores SET deleted_at = now() WHERE merchant_id = $1", merchant.id)
    assert code_of(await sign_in(merchant).post(f"{API}/starter-pages")) == (409, "no_store")


async def test_somebody_bound_to_one_store_does_not_manage_pages(database: Database, client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database)
    bound = await make_member(database, merchant, role="manager", bound=True)
    client.cookies.update(sign_in_cookie(bound))
    assert code_of(await client.get(f"{API}/pages")) == (403, "forbidden")
    assert code_of(await client.post(f"{API}/pages", json=BODY)) == (403, "forbidden")


async def test_a_page_in_use_stays(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = await make_merchant(database)
    page = await make_page(database, merchant)
    monkeypatch.setattr(uses, "_hooks", {"is_used": "app.modules.cms.tests.routes.test_merchant_api:always"})
    for change in (page_service.withdraw_page, page_service.delete_page):
        with pytest.raises(PageInUseException):
            async with merchant_ctx(database, merchant) as ctx:
                await change(ctx, page.id)
    async with merchant_ctx(database, merchant) as ctx:
        assert (await page_service.save_text(ctx, page.id, "lb", PageText("L", "l"), revision=0)).published_version == 1


async def always(_ctx: Any, _page_id: uuid.UUID) -> bool:
    """Say that every page is in use."""
    return True


async def test_versions_cannot_be_changed_by_the_application(database: Database) -> None:
    merchant = await make_merchant(database)
    page = await make_page(database, merchant, texts=TEXTS)
    for statement in ("UPDATE cms_page_versions SET texts = '{}' WHERE page_id = $1", "DELETE FROM cms_page_versions WHERE page_id = $1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with merchant_ctx(database, merchant, role="owner") as ctx:
                await ctx.conn.execute(statement, page.id)
