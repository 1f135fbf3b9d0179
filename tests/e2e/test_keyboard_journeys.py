"""The main journeys from the first to the last step with the keyboard alone: no press of a mouse, no finger."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from app.modules.loyalty.tests.counter import Shop, make_card, make_reward, make_shop
from tests.e2e.conftest import Arrange, Site
from tests.e2e.keyboard import press_on, tab_to, type_into
from tests.e2e.kit_browser import watch
from tests.e2e.merchant_panel import open_desk
from tests.e2e.terminal_site import LANDSCAPE, STAFF, Till, make_code

pytestmark = pytest.mark.e2e
Open = Callable[..., BrowserContext]


@pytest.fixture(scope="module")
def shop(site: Site, arrange: Arrange[Any]) -> Shop:
    made: Shop = arrange(make_shop(site.database, is_open=False, stamp_reward="Kaffee"))
    arrange(make_reward(site.database, made, cost_points=10, name="Croissant"))
    return made


def test_somebody_joins(site: Site, open_context: Open, shop: Shop) -> None:
    page = open_context(viewport={"width": 390, "height": 844}).new_page()
    complaints: list[str] = []
    watch(page, complaints)
    page.goto(f"/s/{shop.merchant.store.code}/loyalty/join")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    type_into(page, page.locator("[name=first_name]"), "Anouk")
    type_into(page, page.locator("[name=last_name]"), "Thill")
    type_into(page, page.locator("[name=email]"), f"anouk.{uuid.uuid4().hex[:10]}@example.lu")
    for part, text in {"day": "29", "month": "2", "year": "1988"}.items():
        type_into(page, page.locator(f"[data-part={part}]"), text)
    press_on(page, page.get_by_role("button", name="Get my card"))
    expect(page.locator("[data-error-for=has_accepted_terms]")).to_contain_text("Please accept the terms")
    terms = page.locator("[name=has_accepted_terms]")
    expect(terms).to_be_focused()
    page.keyboard.press("Space")
    expect(terms).to_be_checked()
    press_on(page, page.get_by_role("button", name="Get my card"))
    expect(page).to_have_url(re.compile(r"/loyalty/success$"))
    press_on(page, page.get_by_role("link", name="Open my card"))
    expect(page).to_have_url(re.compile(r"/loyalty/dashboard$"))
    assert [complaint for complaint in complaints if "422" not in complaint] == []


def test_a_reward_is_earned_and_redeemed_at_the_counter(site: Site, arrange: Arrange[Any], open_context: Open, shop: Shop) -> None:
    card = arrange(make_card(site.database, shop))
    till = Till(site, arrange, open_context(viewport=LANDSCAPE), shop)
    page = till.page
    page.goto("/store/terminal/pair")
    type_into(page, page.get_by_label("Code"), arrange(make_code(site.database, shop)))
    page.keyboard.press("Enter")
    page.wait_for_url("**/store/terminal")
    press_on(page, page.locator(".terminal-lock").get_by_role("button", name=STAFF[0]))
    till.type_pin(STAFF[1])
    search = page.get_by_role("searchbox")
    expect(search).to_be_visible()
    type_into(page, search, card.card_number)
    page.keyboard.press("Enter")
    till.expect_card()
    type_into(page, page.get_by_label("Number of stamps", exact=True), "10")
    press_on(page, page.get_by_role("button", name="Give 10 stamps"))
    till.expect_result("10 stamps added: 1 reward ready")
    press_on(page, page.get_by_role("button", name="Redeem: Kaffee"))
    till.expect_result("Reward redeemed: Kaffee")
    undo = page.get_by_role("button", name="Undo (")
    tab_to(page, undo)
    page.keyboard.press("Enter")
    till.type_pin(STAFF[1])
    till.expect_result("Undone: +10 stamps")
    assert till.rows(card.id) == [("stamp_earned", 10, 0), ("stamp_redeemed", -10, 0), ("redemption_cancelled", 10, 0)]
    assert till.complaints == []


def test_many_cards_get_a_bonus(site: Site, arrange: Arrange[Any], open_context: Open, shop: Shop) -> None:
    card = arrange(make_card(site.database, shop))
    desk = open_desk(open_context, site.url, shop.merchant.owner)
    page = desk.page
    page.goto("/merchants/cards/bonus")
    type_into(page, page.locator("[name=points]"), "25")
    press_on(page, page.get_by_role("button", name="See what it costs"))
    give = page.get_by_role("button", name="Give the bonus now")
    expect(give).to_be_focused()
    expect(page.get_by_role("status").filter(has=give)).to_contain_text(re.compile(r"\d+ cards? · \d+ points in all"))
    page.keyboard.press("Enter")
    expect(page.locator("[data-error-for=reason]")).to_contain_text("Please fill in this field.")
    reason = page.locator("[name=reason]")
    expect(reason).to_be_focused()
    page.keyboard.type("Ten years")
    press_on(page, page.get_by_role("button", name="See what it costs"))
    expect(give).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/merchants/jobs/[0-9a-f-]+$"))
    expect(page.get_by_text("Done").first).to_be_visible(timeout=30_000)
    press_on(page, page.get_by_role("link", name="Cards", exact=True).first)
    expect(page).to_have_url(re.compile(r"/merchants/cards$"))
    page.keyboard.press("/")
    page.keyboard.type(card.card_number)
    page.keyboard.press("Enter")
    expect(page.get_by_role("row").filter(has_text=card.card_number[:4])).to_contain_text("25")
    assert [complaint for complaint in desk.complaints if "422" not in complaint] == []
