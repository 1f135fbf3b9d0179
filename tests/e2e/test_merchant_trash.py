"""The trash in a browser, at a desk and on a phone: away with a reason, back one by one and several at once, gone for good."""

from typing import Any

import pytest
from playwright.sync_api import expect

from app.core.i18n import translate
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.tests.factories import make_card, make_shop
from tests.e2e.conftest import Arrange, Site
from tests.e2e.merchant_panel import OpenContext, open_desk

pytestmark = pytest.mark.e2e
DESKS = [("en", 1280), ("lb", 390)]


@pytest.mark.parametrize(("locale", "width"), DESKS)
def test_cards_go_come_back_and_are_deleted_for_good(
    open_context: OpenContext, site: Site, arrange: Arrange[Any], locale: str, width: int
) -> None:
    shop = arrange(make_shop(site.database))
    names = ("Adam", "Kremer", "Zimmer")
    cards = {name: arrange(make_card(site.database, shop.merchant, first_name="Léa", last_name=name)) for name in names}
    desk = open_desk(open_context, site.url, shop.merchant.owner, locale=locale, width=width)
    page = desk.page
    for name in names:
        page.goto(f"/merchants/cards/{cards[name].id}")
        page.locator("[data-open-modal=trash-one]").click()
        page.locator("#trash-reason").fill(f"Twice, {name}")
        desk.send()
        desk.expect_toast(translate(locale, "Moved to the trash"))
        page.wait_for_url("**/merchants/cards")
    page.get_by_role("link", name=translate(locale, "Trash")).click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("Twice, Zimmer")

    desk.pick("Léa Zimmer", translate(locale, "Restore"))
    desk.send()
    desk.expect_toast(translate(locale, "Restored"))
    expect(rows).to_have_count(2)

    arrange(make_card(site.database, shop.merchant, email=cards["Adam"].email))
    page.reload()
    for name in ("Adam", "Kremer"):
        rows.filter(has_text=name).locator("input[name=ids]").check()
    page.locator("#restore-many-form [type=submit]").click()
    expect(page.locator("[role=alert]").filter(has_text="Léa Adam")).to_be_visible()
    expect(rows).to_have_count(1)

    desk.pick("Léa Adam", translate(locale, "Delete for good"))
    page.locator("#purge-confirmation").fill("1234")
    desk.send()
    expect(
        page.locator("#purge-one .field-error").filter(
            has_text=translate(locale, "This is not what stands above. Please type it exactly as it is shown.")
        )
    ).to_be_visible()
    desk.expect_status(422)
    page.locator("#purge-confirmation").fill(format_number(cards["Adam"].number))
    desk.send()
    desk.expect_toast(translate(locale, "Deleted for good"))
    expect(page.get_by_text(translate(locale, "The trash is empty"))).to_be_visible()
    assert desk.complaints == []


@pytest.mark.parametrize(("locale", "width"), [("fr", 1280), ("de", 390)])
def test_a_program_and_a_store_go_and_come_back(
    open_context: OpenContext, site: Site, arrange: Arrange[Any], locale: str, width: int
) -> None:
    shop = arrange(make_shop(site.database, stores=2))
    arrange(make_card(site.database, shop.merchant))
    desk = open_desk(open_context, site.url, shop.merchant.owner, locale=locale, width=width)
    page = desk.page
    page.goto("/merchants/program")
    page.locator("[data-open-modal=trash-one]").click()
    page.locator("#trash-reason").fill("Season is over")
    desk.send()
    desk.expect_toast(translate(locale, "Moved to the trash"))
    page.goto("/merchants/program?only_deleted=true")
    desk.pick("Treueprogramm", translate(locale, "Restore"))
    desk.send()
    desk.expect_toast(translate(locale, "Restored"))
    page.goto("/merchants/stores")
    store = shop.merchant.stores[1]
    desk.pick(store.name, translate(locale, "Move to the trash"))
    page.locator("#trash-reason").fill("Never opened")
    desk.send()
    desk.expect_toast(translate(locale, "Moved to the trash"))
    page.goto("/merchants/stores?only_deleted=true")
    desk.pick(store.name, translate(locale, "Restore"))
    desk.send()
    desk.expect_toast(translate(locale, "Restored"))
    expect(page.get_by_text(translate(locale, "The trash is empty"))).to_be_visible()
    assert desk.complaints == []
