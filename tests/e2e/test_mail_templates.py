"""Wording mails in a browser: type, see what it makes, save, try it, go back to the standard."""

from typing import Any

import pytest
from playwright.sync_api import FrameLocator, expect

from app.modules.loyalty.tests.factories import MadeShop, make_shop
from tests.e2e.conftest import Arrange, Site
from tests.e2e.merchant_panel import Desk, OpenContext, open_desk

pytestmark = pytest.mark.e2e
CODE = "loyalty_enrollment"
WORDS = {
    "en": {"save": "Save", "text": "Plain text", "narrow": "Narrow", "test": "Send me a test", "reset": "Back to the standard"},
    "lb": {"save": "Späicheren", "text": "Just Text", "narrow": "Schmuel", "test": "Test u mech schécken", "reset": "Zréck op de Standard"},
}
SAID = {
    "en": {"saved": "Saved", "sent": "The test is on its way", "back": "The standard is back", "unknown": "does not exist in this mail"},
    "lb": {
        "saved": "Gespäichert",
        "sent": "Den Test ass ënnerwee",
        "back": "De Standard ass erëm do",
        "unknown": "gëtt et an dëser E-Mail net",
    },
}


@pytest.fixture(scope="module")
def shop(site: Site, arrange: Arrange[Any]) -> MadeShop:
    made: MadeShop = arrange(make_shop(site.database))
    return made


def frame_of(desk: Desk) -> FrameLocator:
    return desk.page.frame_locator("iframe")


@pytest.mark.parametrize("locale", ["en", "lb"])
def test_a_mail_is_worded_previewed_tried_and_put_back(open_context: OpenContext, site: Site, arrange: Arrange[Any], locale: str) -> None:
    words, said = WORDS[locale], SAID[locale]
    place: MadeShop = arrange(make_shop(site.database))
    desk = open_desk(open_context, site.url, place.merchant.owner, locale=locale)
    page = desk.page
    page.goto("/merchants/mails")
    page.locator(f'a[href="/merchants/mails/{CODE}/{locale}"]').click()
    page.get_by_role("link", name="Français", exact=True).click()
    expect(page).to_have_url(f"{site.url}/merchants/mails/{CODE}/fr")
    expect(frame_of(desk).get_by_text("Votre carte est prête", exact=True)).to_be_visible()
    standard = page.locator("[name=heading]").input_value()

    page.locator("[name=heading]").fill("Bienvenue au fournil")
    expect(frame_of(desk).get_by_text("Bienvenue au fournil", exact=True)).to_be_visible()
    page.locator("[name=subject]").fill("Bonjour de ")
    page.locator('[data-insert="{{merchant_name}}"]').click()
    expect(page.locator("[name=subject]")).to_be_focused()
    expect(page.locator("[name=subject]")).to_have_value("Bonjour de {{merchant_name}}")
    expect(page.locator("[x-ref=subject]")).to_have_text(f"Bonjour de {place.merchant.name}")
    assert frame_of(desk).locator("a[href]").count() == 0

    page.get_by_role("button", name=words["narrow"], exact=True).click()
    expect(frame_of(desk).locator("html")).to_have_css("width", "375px")
    page.get_by_role("button", name=words["text"], exact=True).click()
    expect(page.locator("pre")).to_contain_text("Bienvenue au fournil")

    page.locator("[name=button]").fill("{{what}}")
    expect(page.locator("[x-ref=problem]")).to_contain_text(said["unknown"])
    desk.expect_status(422)
    page.get_by_role("button", name=words["save"], exact=True).click()
    expect(page.locator("[data-error-for=button]")).to_contain_text("{{what}}")
    desk.expect_status(422)
    page.locator("[name=button]").fill("Ouvrir")
    page.get_by_role("button", name=words["save"], exact=True).click()
    desk.expect_toast(said["saved"])
    expect(frame_of(desk).get_by_text("Bienvenue au fournil", exact=True)).to_be_visible()

    page.get_by_role("button", name=words["test"]).click()
    desk.expect_toast(said["sent"])
    mail = site.wait_for_mail(place.merchant.owner.email)
    assert mail.subject == f"[Test] Bonjour de {place.merchant.name}"
    assert "Bienvenue au fournil" in mail.text

    page.get_by_role("button", name=words["reset"]).click()
    assert desk.dialog() == "#reset-mail"
    desk.send()
    desk.expect_toast(said["back"])
    expect(page.locator("[name=heading]")).to_have_value(standard)
    expect(frame_of(desk).get_by_text("Votre carte est prête", exact=True)).to_be_visible()
    assert desk.complaints == []


def test_the_keyboard_alone_words_a_mail(open_context: OpenContext, site: Site, shop: MadeShop) -> None:
    desk = open_desk(open_context, site.url, shop.merchant.owner)
    page = desk.page
    page.goto(f"/merchants/mails/{CODE}/en", wait_until="networkidle")
    page.locator("[name=heading]").focus()
    page.keyboard.press("End")
    page.keyboard.type(" now")
    chip = page.locator('[data-insert="{{card_number}}"]')
    chip.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[name=heading]")).to_have_value("Your card is ready now{{card_number}}")
    expect(page.locator("[name=heading]")).to_be_focused()
    page.locator("[data-view=text]").focus()
    page.keyboard.press("Space")
    expect(page.locator("pre")).to_be_visible()
    expect(page.locator("[data-view=text]")).to_have_attribute("aria-pressed", "true")
