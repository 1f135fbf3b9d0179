"""The platform's lists in a browser, at a desk and on a phone: people, cards, customers, programs and the log, found and acted on."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from app.core.i18n import translate
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.tests.counter import applicant, make_card, make_shop
from app.modules.tenancy.tests.factories import MadeUser, make_admin
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import axe_violations
from tests.e2e.merchant_panel import OpenContext, open_desk

pytestmark = pytest.mark.e2e
DESKS = [("de", 1280), ("lb", 390)]


@pytest.fixture(scope="module")
def admin(site: Site, arrange: Arrange[Any]) -> MadeUser:
    """An admin of the platform, signed in."""
    made: MadeUser = arrange(make_admin(site.database))
    return made


@pytest.mark.parametrize(("locale", "width"), DESKS)
def test_somebody_is_found_shut_out_and_let_in(
    open_context: OpenContext, site: Site, arrange: Arrange[Any], admin: MadeUser, locale: str, width: int
) -> None:
    shop = arrange(make_shop(site.database))
    desk = open_desk(open_context, site.url, admin, locale=locale, width=width)
    page = desk.page
    page.goto("/admin/users")
    page.get_by_role("searchbox").fill(shop.merchant.manager.email)
    page.keyboard.press("Enter")
    page.locator("tbody th a").click()
    expect(page).to_have_url(re.compile(rf"/admin/users/{shop.merchant.manager.id}$"))
    page.locator("[data-open-modal=disable]").click()
    page.locator("#f-reason").fill("Left the company")
    desk.send()
    expect(page.locator("[data-open-modal=enable]")).to_be_visible()
    assert axe_violations(page) == []
    page.locator("main a[href^='/admin/audit']").click()
    expect(page).to_have_url(re.compile(rf"/admin/audit\?person={shop.merchant.manager.id}$"))
    page.goto(f"/admin/users/{shop.merchant.manager.id}")
    page.locator("[data-open-modal=enable]").click()
    desk.send()
    expect(page.locator("[data-open-modal=disable]")).to_be_visible()


@pytest.mark.parametrize(("locale", "width"), DESKS)
def test_a_card_is_found_given_points_put_away_and_taken_back(
    open_context: OpenContext, site: Site, arrange: Arrange[Any], admin: MadeUser, locale: str, width: int
) -> None:
    shop = arrange(make_shop(site.database))
    card = arrange(make_card(site.database, shop))
    desk = open_desk(open_context, site.url, admin, locale=locale, width=width)
    page = desk.page
    page.goto("/admin/cards")
    page.get_by_role("searchbox").fill(format_number(card.card_number))
    page.keyboard.press("Enter")
    page.locator("tbody th a").click()
    expect(page).to_have_url(re.compile(rf"/admin/cards/{card.id}$"))
    page.locator("[data-open-modal=restore-points]").click()
    page.locator("#f-points").fill("37")
    page.locator("#f-reason").fill("Expired while the shop was closed")
    desk.send()
    expect(page.get_by_text("+37")).to_be_visible()
    page.locator("[data-open-modal=trash-one]").click()
    page.locator("#trash-reason").fill("Made twice")
    desk.send()
    expect(page.locator("[data-open-modal=restore-one]")).to_be_visible()
    page.goto(f"/admin/cards?only_deleted=true&merchant={shop.id}")
    assert axe_violations(page) == []
    page.locator(f"[data-row='{card.id}'] input[name=ids]").check()
    page.locator("#restore-many-form [type=submit]").click()
    expect(page.get_by_role("heading", name=translate(locale, "No match"))).to_be_visible()
    page.goto(f"/admin/cards/{card.id}")
    expect(page.locator("[data-open-modal=trash-one]")).to_be_visible()


@pytest.mark.parametrize(("locale", "width"), DESKS)
def test_a_customer_is_found_by_email_and_erased_after_a_look(
    open_context: OpenContext, site: Site, arrange: Arrange[Any], admin: MadeUser, locale: str, width: int
) -> None:
    shop = arrange(make_shop(site.database))
    person = applicant()
    card = arrange(make_card(site.database, shop, person=person))
    desk = open_desk(open_context, site.url, admin, locale=locale, width=width)
    page = desk.page
    page.goto("/admin/customers")
    page.get_by_role("searchbox").fill(person.email)
    page.keyboard.press("Enter")
    page.locator("tbody th a").click()
    expect(page).to_have_url(re.compile(rf"/admin/customers/{card.customer_id}$"))
    expect(page.get_by_text(person.email).first).to_be_visible()
    page.locator("main a[href$='/erase']").click()
    page.locator("[data-open-modal=erase]").click()
    desk.send()
    expect(page).to_have_url(re.compile(rf"/admin/customers/{card.customer_id}$"))
    expect(page.get_by_text(person.email)).to_have_count(0)
    assert axe_violations(page) == []


@pytest.mark.parametrize(("locale", "width"), DESKS)
def test_a_merchants_page_leads_to_everything_and_the_log_is_downloaded(
    open_context: OpenContext, site: Site, arrange: Arrange[Any], admin: MadeUser, locale: str, width: int
) -> None:
    shop = arrange(make_shop(site.database))
    arrange(make_card(site.database, shop))
    desk = open_desk(open_context, site.url, admin, locale=locale, width=width)
    page = desk.page
    for place in ("stores", "users", "programs", "cards", "customers"):
        page.goto(f"/admin/merchants/{shop.id}")
        page.locator(f"main a[href='/admin/{place}?merchant={shop.id}']").click()
        expect(page.locator("tbody tr").first).to_contain_text(shop.merchant.name if place != "customers" else "Weber")
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.goto(f"/admin/audit?merchant={shop.id}")
    page.locator("select[name=action]").select_option("loyalty.card.enrolled")
    expect(page).to_have_url(re.compile(r"action=loyalty\.card\.enrolled"))
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr").get_by_role("rowheader")).to_have_text(translate(locale, "Gave out a card"))
    with page.expect_download() as download:
        page.locator("main a[download]").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 2
    assert "loyalty.card.enrolled" in lines[1]
