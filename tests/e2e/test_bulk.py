"""Many cards at once in a browser: the bonus by keyboard alone, cards chosen in the list, slips with PINs, the admin in a panel."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.core.testing.background import run_due
from app.modules.loyalty.tests.factories import MadeShop, make_card, make_shop
from app.modules.tenancy.tests.factories import make_admin
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import axe_violations
from tests.e2e.merchant_panel import OpenContext, open_desk, whole

pytestmark = pytest.mark.e2e
MOST_TABS = 60


@pytest.fixture(scope="module")
def shop(site: Site, arrange: Arrange[Any]) -> MadeShop:
    made: MadeShop = arrange(make_shop(site.database, stores=2))
    for _ in range(3):
        arrange(make_card(site.database, made.merchant, amount_cents=20_000))
    arrange(make_card(site.database, made.merchant))
    return made


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element called `name` has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("(e => (e.labels?.[0] ?? e).textContent.trim())(document.activeElement)").startswith(name):
            return
    raise AssertionError(f"no way to {name} by Tab")


def test_a_bonus_is_given_by_keyboard_alone(open_context: OpenContext, site: Site, arrange: Arrange[Any], shop: MadeShop) -> None:
    desk = open_desk(open_context, site.url, shop.merchant.manager)
    page = desk.page
    page.goto("/merchants/cards", wait_until="networkidle")
    tab_to(page, "Bonus for many")
    page.keyboard.press("Enter")
    page.wait_for_url("**/merchants/cards/bonus")
    page.wait_for_load_state("networkidle")
    tab_to(page, "Points at least")
    page.keyboard.type("200")
    tab_to(page, "Points for each card")
    page.keyboard.type("50")
    page.keyboard.press("Enter")
    expect(page.get_by_text(whole("3 cards · 150 points in all"))).to_be_visible()
    page.keyboard.press("Shift+Tab")  # from the confirmation back to the form
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("Thank you")
    page.keyboard.press("Enter")
    give = page.get_by_role("button", name="Give the bonus now")
    expect(give).to_be_focused()
    assert axe_violations(page) == []
    page.keyboard.press("Enter")
    page.wait_for_url("**/merchants/jobs/*")
    arrange(run_due(site.database, merchant_id=shop.merchant.id))
    expect(page.get_by_text("Everything is done")).to_be_visible()
    expect(page.locator(".stat", has_text="Points given")).to_contain_text("150")
    assert axe_violations(page) == []
    assert desk.complaints == []


@pytest.mark.parametrize("width", [390, 1280])
def test_chosen_cards_are_switched_off(open_context: OpenContext, site: Site, arrange: Arrange[Any], width: int) -> None:
    made: MadeShop = arrange(make_shop(site.database))
    for _ in range(3):
        arrange(make_card(site.database, made.merchant))
    desk = open_desk(open_context, site.url, made.merchant.owner, width=width)
    page = desk.page
    page.goto("/merchants/cards", wait_until="networkidle")
    boxes = page.get_by_role("checkbox")
    boxes.nth(0).check()
    boxes.nth(2).check()
    expect(page.get_by_text(whole("2 cards chosen"))).to_be_visible()
    assert axe_violations(page) == []
    page.get_by_role("button", name="Switch off").click()
    page.locator("#bulk-off-reason").fill("Misprinted")
    desk.send()
    page.wait_for_url("**/merchants/jobs/*")
    arrange(run_due(site.database, merchant_id=made.merchant.id))
    expect(page.get_by_text("Everything is done")).to_be_visible()
    page.goto("/merchants/cards?status=deactivated")
    expect(page.get_by_role("checkbox")).to_have_count(2)
    page.goto("/merchants/jobs", wait_until="networkidle")
    page.get_by_role("link", name="Switch many cards off").click()
    expect(page.get_by_role("link", name="Download as a table")).to_be_visible()
    assert desk.complaints == []


def test_chosen_cards_get_a_bonus(open_context: OpenContext, site: Site, shop: MadeShop) -> None:
    desk = open_desk(open_context, site.url, shop.merchant.owner)
    page = desk.page
    page.goto("/merchants/cards", wait_until="networkidle")
    page.get_by_role("checkbox").nth(1).check()
    page.get_by_role("button", name="Give a bonus").click()
    expect(page.get_by_role("heading", name=whole("1 card chosen"))).to_be_visible()
    page.get_by_label("Points for each card").fill("7")
    page.get_by_role("button", name="See what it costs").click()
    expect(page.get_by_text(whole("1 card · 7 points in all"))).to_be_visible()
    page.get_by_label("Points for each card").fill("8")
    expect(page.get_by_role("button", name="Give the bonus now")).to_be_hidden()
    assert desk.complaints == []


def test_many_people_get_slips(open_context: OpenContext, site: Site, shop: MadeShop) -> None:
    desk = open_desk(open_context, site.url, shop.merchant.owner)
    page = desk.page
    page.goto("/merchants/staff", wait_until="networkidle")
    page.get_by_role("link", name="PINs for many people").click()
    page.get_by_label("Names, one in a line").fill("Anna\n\nBob \nCléa")
    assert axe_violations(page) == []
    page.get_by_role("button", name="Make the PINs").click()
    slips = page.locator(".slip")
    expect(slips).to_have_count(3)
    assert [slips.nth(number).locator("p").nth(1).text_content() for number in range(3)] == ["Anna", "Bob", "Cléa"]
    for number in range(3):
        expect(slips.nth(number).locator(".display")).to_have_text(re.compile(r"^\d{6}$"))
    assert axe_violations(page) == []
    page.reload(wait_until="networkidle")
    expect(page.locator(".slip")).to_have_count(0)
    assert desk.complaints == []


@pytest.mark.parametrize(("width", "locale", "leave"), [(390, "de", "Verlassen"), (1280, "en", "Leave")])
def test_the_admin_sees_for_whom_on_every_page(
    open_context: OpenContext, site: Site, arrange: Arrange[Any], shop: MadeShop, width: int, locale: str, leave: str
) -> None:
    desk = open_desk(open_context, site.url, arrange(make_admin(site.database)), width=width, locale=locale)
    page = desk.page
    page.goto(f"/admin/merchants/{shop.merchant.id}", wait_until="networkidle")
    page.locator("form[data-action$='/enter'] [type=submit]").click()
    page.wait_for_url("**/merchants")
    for path in ("/merchants/cards", "/merchants/jobs", "/merchants/cards/bonus"):
        page.goto(path, wait_until="networkidle")
        expect(page.locator(".acting-strip")).to_contain_text(shop.merchant.name)
        assert axe_violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.locator(".acting-strip").get_by_role("button", name=leave).click()
    page.wait_for_url("**/admin/merchants")
    assert desk.complaints == []
