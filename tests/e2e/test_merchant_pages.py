"""The merchant's panel by keyboard, and its posters on paper. How accessible each page is, test_every_page.py asks."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from app.modules.loyalty.domain.enums import PinRole
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, make_card, make_pin, make_reward, make_shop, make_terminal
from tests.e2e.conftest import Arrange, Site
from tests.e2e.merchant_panel import OpenContext, open_desk

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def shop(site: Site, arrange: Arrange[Any]) -> MadeShop:
    made: MadeShop = arrange(make_shop(site.database, stores=2))
    arrange(make_reward(site.database, made.merchant))
    arrange(make_pin(site.database, made.merchant, role=PinRole.MANAGER, email="marie@example.lu"))
    arrange(make_terminal(site.database, made.merchant))
    return made


@pytest.fixture(scope="module")
def card(site: Site, arrange: Arrange[Any], shop: MadeShop) -> MadeCard:
    made: MadeCard = arrange(make_card(site.database, shop.merchant))
    return made


def test_the_keyboard_alone_reaches_search_menu_and_dialog(open_context: OpenContext, site: Site, shop: MadeShop, card: MadeCard) -> None:
    desk = open_desk(open_context, site.url, shop.merchant.owner)
    page = desk.page
    page.goto("/merchants/cards")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type(card.number)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/merchants/cards\?q={card.number}&"))
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
