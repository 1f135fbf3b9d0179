"""A merchant's pages in a browser: written, previewed, published, chosen as terms, read and accepted by a customer, brought back."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.core.db.engine import Database
from app.modules.cms.tests.factories import make_page
from app.modules.loyalty.tests.factories import MadeShop, make_shop
from app.modules.tenancy.tests.factories import merchant_ctx
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import axe_violations
from tests.e2e.merchant_panel import OpenContext, open_desk

pytestmark = pytest.mark.e2e
CONSENT = "SELECT text_version, locale FROM customer_consents WHERE merchant_id = $1 AND purpose = 'terms'"
WORDS = {
    "en": {
        "new": "New page", "begin": "Begin", "save": "Save the draft", "saved": "Saved", "publish": "Publish", "published": "Published",
        "versions": "Versions", "back": "Bring it back", "again": "The draft says it again", "used": "Your program uses this page",
        "more": "More about this page", "delete": "Delete",
    },
    "de": {
        "new": "Neue Seite", "begin": "Beginnen", "save": "Entwurf speichern", "saved": "Gespeichert", "publish": "Veröffentlichen",
        "published": "Veröffentlicht", "versions": "Versionen", "back": "Zurückholen", "again": "Der Entwurf sagt es wieder",
        "used": "Ihr Programm verwendet diese Seite", "more": "Mehr zu dieser Seite", "delete": "Löschen",
    },
}  # fmt: skip


async def read_consents(database: Database, shop: MadeShop) -> list[tuple[str, str]]:
    """Return which terms people agreed to, and in which language."""
    async with merchant_ctx(database, shop.merchant) as ctx:
        return [(row["text_version"], row["locale"]) for row in await ctx.conn.fetch(CONSENT, shop.merchant.id)]


def choose_terms(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> MadeShop:
    """Let a merchant choose a page as the terms of their program."""
    shop: MadeShop = arrange(make_shop(site.database))
    arrange(make_page(site.database, shop.merchant))
    desk = open_desk(open_context, site.url, shop.merchant.owner)
    desk.page.goto("/merchants/program")
    desk.page.locator("[name=terms_cms_page_slug]").select_option("terms")
    desk.page.locator("#program-form [type=submit]").click()
    desk.expect_toast("Program saved")
    return shop


def body_of(page: Page) -> Any:
    """The text inside the preview's frame."""
    return page.frame_locator("iframe").locator("[data-page-body]")


@pytest.mark.parametrize("locale", ["en", "de"])
def test_a_page_is_written_published_and_brought_back(open_context: OpenContext, site: Site, arrange: Arrange[Any], locale: str) -> None:
    words = WORDS[locale]
    shop: MadeShop = arrange(make_shop(site.database))
    desk = open_desk(open_context, site.url, shop.merchant.owner, locale=locale)
    page = desk.page
    page.goto("/merchants/pages")
    page.get_by_role("button", name=words["new"]).first.click()
    page.locator("#new-page [name=title]").fill("Öffnungszeiten")
    page.get_by_role("button", name=words["begin"]).click()
    page.wait_for_url(f"**/merchants/pages/*/{locale}")

    expect(page.frame_locator("iframe").locator("[data-page-title]")).to_have_text("Öffnungszeiten")
    page.locator("#page-text [name=body]").fill(
        "## Montag\n\n**7 bis 18 Uhr** <script>alert(1)</script> ![x](https://elsewhere.example/x.png)"
    )
    expect(body_of(page).locator("h2")).to_have_text("Montag")
    expect(body_of(page).locator("strong")).to_have_text("7 bis 18 Uhr")
    expect(body_of(page)).to_contain_text("<script>alert(1)</script> x")
    assert body_of(page).locator("script, img").count() == 0
    page.get_by_role("button", name=words["save"]).click()
    desk.expect_toast(words["saved"])

    page.get_by_role("button", name=words["publish"], exact=True).click()
    assert desk.dialog() == "#publish-page"
    desk.send()
    desk.expect_toast(words["published"])
    public = f"/s/{shop.merchant.store.code}/pages/offnungszeiten"
    expect(page.locator(f'main a[href="{public}"]')).to_be_visible()
    assert axe_violations(page) == []

    page.locator("#page-text [name=body]").fill("Neu.")
    page.get_by_role("button", name=words["save"]).click()
    desk.expect_toast(words["saved"])
    page.get_by_role("button", name=words["publish"], exact=True).click()
    desk.send()
    desk.expect_toast(words["published"])
    page.get_by_role("link", name=words["versions"], exact=True).click()
    assert axe_violations(page) == []
    page.get_by_role("button", name=words["back"]).last.click()
    assert desk.dialog() == "#restore-version"
    desk.send()
    desk.expect_toast(words["again"])
    expect(page.locator("#page-text [name=body]")).to_have_value(
        "## Montag\n\n**7 bis 18 Uhr** <script>alert(1)</script> ![x](https://elsewhere.example/x.png)"
    )
    page.goto(public)
    expect(page.locator("[data-page-body]")).to_have_text("Neu.")
    assert axe_violations(page) == []
    assert desk.complaints == []


def test_the_marks_go_in_by_the_keyboard(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> None:
    shop: MadeShop = arrange(make_shop(site.database))
    made = arrange(make_page(site.database, shop.merchant))
    desk = open_desk(open_context, site.url, shop.merchant.owner)
    page = desk.page
    page.goto(f"/merchants/pages/{made.id}/fr", wait_until="networkidle")
    field = page.locator("#page-text [name=body]")
    field.fill("un mot")
    field.focus()
    page.keyboard.press("Control+a")
    bold = page.locator('[data-before="**"]')
    bold.focus()
    page.keyboard.press("Enter")
    expect(field).to_have_value("**un mot**")
    expect(field).to_be_focused()
    heading = page.locator('[data-before="## "]')
    heading.focus()
    page.keyboard.press("Enter")
    expect(field).to_have_value("**un mot**\n\n## Heading")
    expect(body_of(page).locator("strong")).to_have_text("un mot")
    assert desk.complaints == []


@pytest.mark.parametrize("width", [390, 1280])
def test_a_customer_reads_the_terms_and_agrees_to_that_version(
    open_context: OpenContext, site: Site, arrange: Arrange[Any], width: int
) -> None:
    shop = choose_terms(open_context, site, arrange)
    phone = open_desk(open_context, site.url, locale="de", width=width)
    page = phone.page
    page.goto(f"/s/{shop.merchant.store.code}/loyalty/join", wait_until="networkidle")
    page.locator('[data-open-modal="terms"]').focus()
    page.keyboard.press("Enter")
    assert phone.dialog() == "#terms"
    expect(page.locator("#terms h2")).to_have_text("Bedingungen")
    expect(page.locator("#terms h3")).to_have_text("Ihre Karte")
    assert axe_violations(page) == []
    page.keyboard.press("Escape")
    expect(page.locator('[data-open-modal="terms"]')).to_be_focused()
    assert page.locator("[name=has_accepted_terms]").is_checked() is False, "reading is not agreeing"
    for name, value in {"first_name": "Léa", "last_name": "Weber", "email": f"lea-{width}@example.lu"}.items():
        page.locator(f"#enroll [name={name}]").fill(value)
    page.locator("[name=has_accepted_terms]").check()
    page.locator("#enroll [type=submit]").click()
    page.wait_for_url("**/loyalty/success**")
    assert arrange(read_consents(site.database, shop)) == [("terms@1", "de")]
    page.goto(f"/s/{shop.merchant.store.code}/loyalty/my-data", wait_until="networkidle")
    agreed = page.get_by_text("Den Text lesen")
    expect(page.get_by_role("heading", name="Ihre Karte")).to_be_hidden()
    agreed.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ihre Karte")).to_be_visible()
    assert axe_violations(page) == []
    assert phone.complaints == []


def test_without_a_script_the_link_leads_to_the_same_words(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> None:
    shop = choose_terms(open_context, site, arrange)
    context = open_context(locale="de-DE", viewport={"width": 390, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}/s/{shop.merchant.store.code}/loyalty/join")
    page.locator("label[for=f-has_accepted_terms] a").click()
    expect(page.get_by_role("heading", name="Ihre Karte")).to_be_visible()
    expect(page.get_by_text("Sie ist kostenlos.")).to_be_visible()


@pytest.mark.parametrize(("width", "locale"), [(390, "lb"), (1280, "fr")])
def test_the_pages_fit(open_context: OpenContext, site: Site, arrange: Arrange[Any], tmp_path: Path, width: int, locale: str) -> None:
    shop: MadeShop = arrange(make_shop(site.database))
    desk = open_desk(open_context, site.url, shop.merchant.owner, locale=locale, width=width)
    page = desk.page
    page.goto("/merchants/pages")
    page.locator('main [data-open-modal="add-starters"]').first.click()
    desk.send()
    expect(page.locator("tbody tr")).to_have_count(3)
    arrange(make_page(site.database, shop.merchant, slug="opening-hours"))
    public = f"/s/{shop.merchant.store.code}/pages/opening-hours"
    addresses = [public, "/merchants/pages", page.locator("tbody a").first.get_attribute("href") or ""]
    for address in addresses:
        page.goto(address, wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), address
        assert axe_violations(page) == []
        page.screenshot(path=tmp_path / f"{width}-{locale}-{addresses.index(address)}.png", full_page=True)
    assert desk.complaints == []
