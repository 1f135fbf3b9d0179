"""The pages themselves: as the public reads them, and as a merchant edits them."""

import re
from collections.abc import Callable

import httpx
import pytest

from app.core.db.engine import Database
from app.core.i18n.locale import LOCALES
from app.modules.cms.domain.pages import PageText
from app.modules.cms.services import page_service
from app.modules.cms.tests.factories import TEXTS, make_page, publish_text
from app.modules.tenancy.tests.factories import MadeMerchant, MadeUser, make_merchant, merchant_ctx, sign_in_cookie

HTML = {"Accept": "text/html"}


@pytest.fixture
def browse(make_client: Callable[..., httpx.AsyncClient]) -> Callable[..., httpx.AsyncClient]:
    """A browser of a signed-in person, or of anybody, in a language."""

    def opened(user: MadeUser | None = None, locale: str = "en") -> httpx.AsyncClient:
        browser = make_client(**HTML)
        browser.cookies.update((sign_in_cookie(user) if user else {}) | {"orion_lang": locale})
        return browser

    return opened


Browse = Callable[..., httpx.AsyncClient]


def address(merchant: MadeMerchant, slug: str = "terms", store: int = 0) -> str:
    return f"/s/{merchant.stores[store].code}/pages/{slug}"


async def test_everybody_reads_a_published_page_in_their_language(database: Database, browse: Browse) -> None:
    merchant = await make_merchant(database)
    await make_page(database, merchant)
    german = await browse(locale="de").get(address(merchant))
    assert german.status_code == 200
    assert '<html lang="de"' in german.text
    assert 'lang="de" data-page>' in german.text
    assert "<h1 data-page-title>Bedingungen</h1>" in german.text
    assert "<h2>Ihre Karte</h2>\n<p>Sie ist <strong>kostenlos</strong>.</p>" in german.text
    assert "Version 1, veröffentlicht am" in german.text
    assert "Diese Seite gibt es nicht in Ihrer Sprache" not in german.text


async def test_another_language_is_said_and_marked(database: Database, browse: Browse) -> None:
    merchant = await make_merchant(database, locale="fr")
    await make_page(database, merchant)
    page = (await browse(locale="lb").get(address(merchant))).text
    assert '<html lang="lb"' in page
    assert 'lang="fr" data-page>' in page
    assert "Dës Säit gëtt et net an Ärer Sprooch. Dir liest se an dëser: Français." in page
    only_german = {"de": TEXTS["de"]}
    await make_page(database, merchant, slug="hours", texts=only_german)
    assert 'lang="de" data-page>' in (await browse(locale="lb").get(address(merchant, "hours"))).text


async def test_a_stores_own_page_comes_first(database: Database, browse: Browse) -> None:
    merchant = await make_merchant(database, stores=2)
    await make_page(database, merchant)
    await make_page(database, merchant, store_id=merchant.stores[1].id, texts={"fr": PageText("À Esch", "Texte")})
    assert "<h1 data-page-title>Conditions</h1>" in (await browse(locale="fr").get(address(merchant))).text
    assert "<h1 data-page-title>À Esch</h1>" in (await browse(locale="fr").get(address(merchant, store=1))).text


@pytest.mark.parametrize("slug", ["terms", "Terms", "a%00b", "..%2Fx", "x" * 300, "%F0%9F%92%A9"])
async def test_what_is_not_public_is_unknown(database: Database, browse: Browse, slug: str) -> None:
    merchant = await make_merchant(database, stores=2)
    draft = await make_page(database, merchant, is_published=False)
    await make_page(database, merchant, slug="other", store_id=merchant.stores[1].id)
    answer = await browse().get(address(merchant, slug))
    assert answer.status_code in (400, 404)
    assert (await browse().get(address(merchant, "other"))).status_code == 404, "the page of another store"
    stranger = await make_merchant(database)
    assert (await browse().get(address(stranger))).status_code == 404
    async with merchant_ctx(database, merchant) as ctx:
        await page_service.publish_page(ctx, draft.id)
    assert (await browse().get(address(merchant))).status_code == 200


async def test_a_draft_changes_nothing_before_it_is_published(database: Database, browse: Browse) -> None:
    merchant = await make_merchant(database)
    page = await make_page(database, merchant)
    async with merchant_ctx(database, merchant) as ctx:
        await page_service.save_text(ctx, page.id, "fr", PageText("Neuf", "Texte neuf"), revision=1)
    assert "<h1 data-page-title>Conditions</h1>" in (await browse(locale="fr").get(address(merchant))).text
    async with merchant_ctx(database, merchant) as ctx:
        await page_service.publish_page(ctx, page.id)
    assert "<h1 data-page-title>Neuf</h1>" in (await browse(locale="fr").get(address(merchant))).text
    async with merchant_ctx(database, merchant) as ctx:
        await page_service.withdraw_page(ctx, page.id)
    assert (await browse(locale="fr").get(address(merchant))).status_code == 404


async def test_the_foot_leads_to_pages_by_title(database: Database, browse: Browse) -> None:
    merchant = await make_merchant(database)
    await make_page(database, merchant)
    hidden = await make_page(database, merchant, slug="hidden", texts={"fr": PageText("Cachée", "x")})
    async with merchant_ctx(database, merchant) as ctx:
        await page_service.update_page(ctx, hidden.id, slug="hidden", store_id=None, is_in_footer=False)
    page = (await browse(locale="de").get(address(merchant))).text
    foot = page[page.index("<footer") :]
    assert f'<a class="link" href="{address(merchant)}">Bedingungen</a>' in foot
    assert "Cachée" not in foot


async def test_hostile_words_stay_words_on_the_page(database: Database, browse: Browse) -> None:
    merchant = await make_merchant(database)
    evil = PageText(
        '</title><script>alert("t")</script>',
        "<script>alert(1)</script>\n\n[x](javascript:alert(1))\n\n![p](https://elsewhere.example/p.png)",
    )
    await make_page(database, merchant, texts={"fr": evil})
    page = (await browse(locale="fr").get(address(merchant))).text
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert "elsewhere.example" not in page


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_merchant_lists_and_edits(database: Database, browse: Browse, locale: str) -> None:
    merchant = await make_merchant(database)
    page = await make_page(database, merchant)
    browser = browse(merchant.manager, locale)
    listed = (await browser.get("/merchants/pages")).text
    assert f'href="/merchants/pages/{page.id}">{"Bedingungen" if locale == "de" else "Conditions"}' in listed
    assert 'aria-current="page"' in listed
    assert 'id="add-starters"' in listed
    opened = await browser.get(f"/merchants/pages/{page.id}", follow_redirects=True)
    assert str(opened.url).endswith("/de" if locale == "de" else "/fr")
    assert f'data-action="/api/v1/merchants/cms/pages/{page.id}/texts/{opened.url.path[-2:]}"' in opened.text
    assert "frame-src 'self'" in opened.headers["content-security-policy"]
    assert 'id="publish-page"' not in opened.text, "nothing has changed"
    assert 'id="withdraw-page"' in opened.text
    missing = (await browser.get(f"/merchants/pages/{page.id}/en")).text
    assert 'name="revision" data-type="int" value="0"' in missing


async def test_an_empty_list_says_how_to_begin(database: Database, browse: Browse) -> None:
    merchant = await make_merchant(database)
    page = (await browse(merchant.owner).get("/merchants/pages")).text
    assert "No pages yet" in page
    assert 'data-open-modal="add-starters"' in page


async def test_the_preview_is_the_public_page_without_scripts(database: Database, browse: Browse) -> None:
    merchant = await make_merchant(database)
    page = await make_page(database, merchant, is_published=False)
    shown = await browse(merchant.owner, "en").get(f"/merchants/pages/{page.id}/preview/fr")
    policy = shown.headers["content-security-policy"]
    assert "sandbox allow-same-origin" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy
    async with merchant_ctx(database, merchant) as ctx:
        await page_service.publish_page(ctx, page.id)
    public = (await browse(locale="en").get(address(merchant))).text
    article = re.compile(r"<article.*?</article>", re.S)
    assert article.findall(shown.text) == article.findall(public)
    assert len(article.findall(public)) == 1


async def test_versions_are_listed_and_shown_as_they_were(database: Database, browse: Browse) -> None:
    merchant = await make_merchant(database)
    page = await make_page(database, merchant)
    await publish_text(database, merchant, page, "fr", PageText("Neuf", "Texte neuf"))
    browser = browse(merchant.owner)
    listed = (await browser.get(f"/merchants/pages/{page.id}/versions")).text
    assert listed.index("Version 2") < listed.index("Version 1")
    old = await browser.get(f"/merchants/pages/{page.id}/versions/1/fr")
    assert "<h1 data-page-title>Conditions</h1>" in old.text
    assert "Version 1, published on" in old.text
    assert (await browser.get(f"/merchants/pages/{page.id}/versions/1/lb")).status_code == 404
    assert (await browser.get(f"/merchants/pages/{page.id}/versions/9/fr")).status_code == 404


@pytest.mark.parametrize("path", ["", "/{id}", "/{id}/fr", "/{id}/versions", "/{id}/versions/1/fr", "/{id}/preview/fr"])
async def test_only_who_manages_the_business_sees_its_drafts(database: Database, browse: Browse, path: str) -> None:
    merchant = await make_merchant(database)
    page = await make_page(database, merchant)
    target = f"/merchants/pages{path.format(id=page.id)}"
    assert (await browse().get(target)).status_code == 303
    assert (await browse(merchant.staff).get(target)).status_code == 403
    assert (await browse(merchant.owner).get(target)).status_code in (200, 303)
    if path:
        stranger = await make_merchant(database)
        assert (await browse(stranger.owner).get(target)).status_code == 404
