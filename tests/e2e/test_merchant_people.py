"""Customers, keys and the team in a browser, at a desk and on a phone."""

from typing import Any

import pytest
from playwright.sync_api import expect

from app.core.i18n import translate
from app.modules.loyalty.tests.factories import make_card, make_shop
from app.modules.tenancy.tests.factories import make_merchant
from tests.e2e.conftest import Arrange, Site
from tests.e2e.merchant_panel import OpenContext, open_desk

pytestmark = pytest.mark.e2e
DESKS = [("en", 1280), ("lb", 390)]


@pytest.mark.parametrize(("locale", "width"), DESKS)
def test_a_customer_is_found_sorted_and_corrected(
    open_context: OpenContext, site: Site, arrange: Arrange[Any], locale: str, width: int
) -> None:
    shop = arrange(make_shop(site.database))
    for name in ("Zimmer", "Adam", "Kremer"):
        arrange(make_card(site.database, shop.merchant, first_name="Léa", last_name=name, stamps=2))
    desk = open_desk(open_context, site.url, shop.merchant.manager, locale=locale, width=width)
    page = desk.page
    page.goto("/merchants/customers")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("Kremer")
    page.locator("#f-sort").select_option("name")
    page.wait_for_url("**sort=name**")
    expect(rows.first).to_contain_text("Adam")
    page.locator("#search").fill("zimm")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=zimm**")
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="Léa Zimmer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Léa Zimmer")
    page.locator("[data-open-modal=edit]").click()
    page.locator("#f-last_name").fill("Zimmermann")
    page.locator("#f-phone").fill("621 445 566")
    desk.send()
    desk.expect_toast(translate(locale, "Saved"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Léa Zimmermann")
    expect(page.locator("main")).to_contain_text("621 445 566")
    assert desk.complaints == []


@pytest.mark.parametrize(("locale", "width"), DESKS)
def test_a_key_is_shown_once_used_and_revoked(
    open_context: OpenContext, site: Site, arrange: Arrange[Any], locale: str, width: int
) -> None:
    merchant = arrange(make_merchant(site.database))
    desk = open_desk(open_context, site.url, merchant.owner, locale=locale, width=width)
    page = desk.page
    page.goto("/merchants/keys")
    page.locator("[data-open-modal=add]").first.click()
    page.locator("#key-form [name=name]").fill("Till 1")
    desk.send()
    secret = page.get_by_test_id("api-key")
    expect(secret).to_be_visible()
    key = secret.inner_text()
    answer = page.request.get(f"{site.url}/api/v1/merchants/tenancy/profile", headers={"Authorization": f"Bearer {key}", "Cookie": ""})
    assert answer.status == 200
    page.get_by_role("button", name=translate(locale, "I have copied it")).click()
    expect(page.locator("tbody tr")).to_contain_text("Till 1")
    expect(page.locator("body")).not_to_contain_text(key)
    page.locator("tbody [data-open-modal=revoke]").click()
    page.locator("#revoke [type=submit]").click()
    desk.expect_toast(translate(locale, "Key revoked"))
    expect(page.locator("tbody tr")).to_have_count(0)
    answer = page.request.get(f"{site.url}/api/v1/merchants/tenancy/profile", headers={"Authorization": f"Bearer {key}", "Cookie": ""})
    assert answer.status == 401
    assert desk.complaints == []


def test_an_invitation_goes_out_again(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> None:
    merchant = arrange(make_merchant(site.database))
    desk = open_desk(open_context, site.url, merchant.owner)
    page = desk.page
    page.goto("/merchants/team")
    page.locator("[data-open-modal=invite]").first.click()
    page.locator("#invite-name").fill("Luc Weber")
    address = f"luc-{merchant.id.hex[:12]}@example.lu"
    page.locator("#invite-email").fill(address)
    desk.send()
    desk.expect_toast("Invited")
    site.wait_for_mail(address)
    desk.pick("Luc Weber", "Send the invitation again")
    page.locator("#again [type=submit]").click()
    desk.expect_toast("Invitation sent")
    assert desk.complaints == []


@pytest.mark.parametrize(("locale", "width"), DESKS)
def test_two_people_who_are_one_are_merged_after_a_look(
    open_context: OpenContext, site: Site, arrange: Arrange[Any], locale: str, width: int
) -> None:
    shop = arrange(make_shop(site.database))
    for name, stamps in (("Zimmer", 2), ("Zimmermann", 3)):
        arrange(make_card(site.database, shop.merchant, last_name=name, stamps=stamps, phone="+352 621 445 566"))
    desk = open_desk(open_context, site.url, shop.merchant.owner, locale=locale, width=width)
    page = desk.page
    page.goto("/merchants/customers")
    page.get_by_role("link", name=translate(locale, "Find duplicates")).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Léa Zimmermann").first.wait_for()
    page.locator("tbody .is-actions a").click()
    expect(page.locator("tbody tr").filter(has_text=translate(locale, "Stamps"))).to_contain_text("5")
    page.locator("[data-open-modal=merge]").click()
    desk.send()
    desk.expect_toast(translate(locale, "Merged"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Léa Zimmer")
    page.goto("/merchants/customers/duplicates")
    expect(page.locator("tbody tr")).to_have_count(0)
    page.goto("/merchants/audit?family=customers")
    expect(page.locator("tbody")).to_contain_text(translate(locale, "Merged two customers"))
    assert desk.complaints == []
