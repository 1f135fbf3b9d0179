"""Every page of the merchant's panel in a browser: accessible, within its policy, fitting a phone, usable by keyboard."""

from typing import Any

import pytest
from playwright.sync_api import expect

from app.modules.loyalty.domain.enums import PinRole
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, make_card, make_pin, make_reward, make_shop, make_terminal
from app.modules.tenancy.tests.factories import make_merchant
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import axe_violations
from tests.e2e.merchant_panel import OpenContext, open_desk

pytestmark = pytest.mark.e2e
PANEL = (
    "/merchants", "/merchants/program", "/merchants/program/rewards", "/merchants/stores", "/merchants/stores/new",
    "/merchants/stores/{store_id}", "/merchants/stores/{store_id}/poster?size=a4", "/merchants/stores/{store_id}/poster?size=a6",
    "/merchants/staff", "/merchants/terminals", "/merchants/cards", "/merchants/cards?q=nobody", "/merchants/cards/{card_id}",
    "/merchants/customers", "/merchants/customers?q=nobody", "/merchants/customers?sort=-visit", "/merchants/customers/{customer_id}",
    "/merchants/import", "/merchants/export",
    "/merchants/settings", "/merchants/settings/locations", "/merchants/settings/merge", "/merchants/settings/business",
    "/merchants/team", "/merchants/keys", "/merchants/audit", "/merchants/audit?family=texts", "/merchants/account", "/merchants/choose",
)  # fmt: skip
BEFORE = (
    "/merchants/sign-in",
    "/admin/sign-in",
    "/account/forgot",
    "/account/forgot?sent=true",
    "/account/password#abc",
    "/account/password",
)
SCREENS = (("lb", 390, "light"), ("de", 1280, "light"), ("fr", 1280, "dark"))


@pytest.fixture(scope="module")
def shop(site: Site, arrange: Arrange[Any]) -> MadeShop:
    made: MadeShop = arrange(make_shop(site.database, stores=2))
    arrange(make_reward(site.database, made.merchant))
    arrange(make_pin(site.database, made.merchant, role=PinRole.MANAGER, email="marie@example.lu"))
    arrange(make_terminal(site.database, made.merchant))
    return made


@pytest.fixture(scope="module")
def card(site: Site, arrange: Arrange[Any], shop: MadeShop) -> MadeCard:
    made: MadeCard = arrange(make_card(site.database, shop.merchant, stamps=12, amount_cents=12_345))
    return made


@pytest.mark.parametrize(("locale", "width", "scheme"), SCREENS)
def test_every_page_is_accessible_fits_and_keeps_its_policy(
    open_context: OpenContext, site: Site, shop: MadeShop, card: MadeCard, locale: str, width: int, scheme: Any
) -> None:
    desk = open_desk(open_context, site.url, shop.merchant.owner, locale=locale, width=width)
    desk.page.emulate_media(color_scheme=scheme)
    wrong: dict[str, Any] = {}
    for path in PANEL:
        desk.page.goto(
            path.format(store_id=shop.merchant.store.id, card_id=card.id, customer_id=card.customer_id), wait_until="networkidle"
        )
        overflow = desk.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found = [*axe_violations(desk.page), *desk.complaints, *([f"{overflow} px too wide"] if overflow > 0 else [])]
        if found:
            wrong[path] = found
        desk.complaints.clear()
    assert wrong == {}


@pytest.mark.parametrize(("locale", "width", "scheme"), SCREENS)
def test_pages_before_signing_in_too(open_context: OpenContext, site: Site, locale: str, width: int, scheme: Any) -> None:
    desk = open_desk(open_context, site.url, locale=locale, width=width)
    desk.page.emulate_media(color_scheme=scheme)
    for path in BEFORE:
        desk.page.goto(path, wait_until="networkidle")
        assert axe_violations(desk.page) == [], path
        assert desk.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert desk.complaints == []


def test_a_new_merchants_empty_pages_are_accessible(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> None:
    merchant = arrange(make_merchant(site.database))
    desk = open_desk(open_context, site.url, merchant.owner)
    paths = (
        "/merchants",
        "/merchants/program",
        "/merchants/program/rewards",
        "/merchants/staff",
        "/merchants/terminals",
        "/merchants/cards",
        "/merchants/customers",
    )
    for path in (*paths, f"/merchants/stores/{merchant.store.id}/poster"):
        desk.page.goto(path, wait_until="networkidle")
        assert axe_violations(desk.page) == [], path
    assert desk.complaints == []


@pytest.mark.parametrize(
    ("path", "opener"),
    [
        ("/merchants/program/rewards", "add-reward"),
        ("/merchants/staff", "add-pin"),
        ("/merchants/terminals", "pair"),
        ("/merchants/team", "invite"),
        ("/merchants/keys", "add"),
        ("/merchants/settings/locations", "switch"),
        ("/merchants/cards/{card_id}", "adjust"),
        ("/merchants/cards/{card_id}", "deactivate"),
        ("/merchants/customers/{customer_id}", "edit"),
    ],
)
@pytest.mark.parametrize("width", [390, 1280])
def test_dialogs_are_accessible(
    open_context: OpenContext, site: Site, shop: MadeShop, card: MadeCard, path: str, opener: str, width: int
) -> None:
    desk = open_desk(open_context, site.url, shop.merchant.owner, locale="lb", width=width)
    desk.page.goto(path.format(card_id=card.id, customer_id=card.customer_id))
    desk.page.locator(f"[data-open-modal={opener}]").first.click()
    assert desk.dialog() == f"#{opener}"
    assert axe_violations(desk.page) == []
    assert desk.complaints == []


def test_the_keyboard_alone_reaches_search_menu_and_dialog(open_context: OpenContext, site: Site, shop: MadeShop, card: MadeCard) -> None:
    desk = open_desk(open_context, site.url, shop.merchant.owner)
    page = desk.page
    page.goto("/merchants/cards")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type(card.number)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.url}/merchants/cards?q={card.number}&store=&status=")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto("/merchants/staff")
    page.keyboard.press("n")
    assert desk.dialog() == "#add-pin"
    page.keyboard.press("Escape")
    menu = page.locator("tbody [aria-haspopup=menu]").first
    menu.focus()
    page.keyboard.press("Enter")
    items = page.get_by_role("menuitem")
    expect(items.nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(items.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    assert desk.dialog() == "#new-pin"
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    assert desk.complaints == []


def test_on_paper_the_code_is_large_enough(open_context: OpenContext, site: Site, shop: MadeShop) -> None:
    desk = open_desk(open_context, site.url, shop.merchant.owner)
    desk.page.emulate_media(media="print")
    for size, sheet in (("a4", 210), ("a6", 105)):
        desk.page.goto(f"/merchants/stores/{shop.merchant.store.id}/poster?size={size}", wait_until="networkidle")
        box = desk.page.evaluate(
            """() => { const box = (name) => document.querySelector(name).getBoundingClientRect();
            const poster = document.querySelector(".poster");
            return {code: box(".poster-qr").width, sheet: box(".sheet").width, hidden: poster.scrollHeight - poster.clientHeight} }"""
        )
        millimetres = 25.4 / 96
        assert box["sheet"] * millimetres == pytest.approx(sheet, abs=1)
        assert box["code"] * millimetres >= 40
        assert box["hidden"] <= 1
    assert desk.complaints == []
