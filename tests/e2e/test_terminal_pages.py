"""Every screen of the terminal, both ways up, in several languages: no violation, no complaint, nothing sideways."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.modules.loyalty.tests.counter import Shop, make_card, make_reward, make_shop
from app.modules.tenancy.tests.factories import terminal_cookie
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import axe_violations
from tests.e2e.terminal_site import LANDSCAPE, PORTRAIT, STAFF, Till

pytestmark = pytest.mark.e2e
Open = Callable[..., BrowserContext]
PANELS = ("stamp", "earn", "rewards", "history", "adjust", "code")


@pytest.fixture(scope="module")
def shop(site: Site, arrange: Arrange[Any]) -> Shop:
    made: Shop = arrange(make_shop(site.database, is_open=False, stamp_reward="Kaffee", terms_text="Zeile 1\nZeile 2"))
    arrange(make_reward(site.database, made, cost_points=10, name="Croissant"))
    return made


def check(page: Page) -> None:
    """Nothing for axe-core to say, and nothing wider than the screen."""
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


@pytest.mark.parametrize(
    ("locale", "viewport", "scheme"),
    [("en-GB", LANDSCAPE, "light"), ("fr-FR", PORTRAIT, "light"), ("de-DE", LANDSCAPE, "dark"), ("lb-LU", PORTRAIT, "dark")],
)
def test_every_screen(
    site: Site, arrange: Arrange[Any], open_context: Open, shop: Shop, locale: str, viewport: dict[str, int], scheme: str
) -> None:
    card = arrange(make_card(site.database, shop))
    context = open_context(viewport=viewport, locale=locale, color_scheme=scheme)
    till = Till(site, arrange, context, shop)
    page = till.page
    page.goto("/store/terminal/pair")
    check(page)
    cookies = terminal_cookie(shop.counter.token)
    context.add_cookies([{"name": name, "value": value, "url": site.url} for name, value in cookies.items()])
    page.goto(f"/store/terminal?lang={locale[:2]}")
    assert page.locator("html").get_attribute("lang") == locale[:2]
    lock = page.locator(".terminal-lock")
    if lock.is_visible():
        check(page)
        lock.get_by_role("button", name=STAFF[0]).click()
        expect(page.locator("#terminal-pin-input")).to_be_focused()
        check(page)
        page.keyboard.type(STAFF[1])
    search = page.get_by_role("searchbox")
    expect(search).to_be_visible()
    check(page)
    search.fill("weber")
    expect(page.locator(".match").first).to_be_visible()
    check(page)
    search.fill("nobody at all")
    expect(page.locator(".pane-find .state")).to_be_visible()
    check(page)
    till.find(card.card_number)
    for panel in PANELS:
        page.locator(f".card-tabs [data-panel={panel}]").click()
        expect(page.locator(".card-view")).to_have_attribute("data-panel", panel)
        check(page)
    page.keyboard.press("Escape")
    page.locator("[data-shortcut=n]").click()
    expect(page.locator("#enroll-form")).to_be_visible()
    check(page)
    page.goto(f"/store/terminal/cards/{card.id}/print")
    check(page)
    assert till.complaints == []
