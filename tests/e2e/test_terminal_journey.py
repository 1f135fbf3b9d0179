"""The main job at the counter, with a camera that really sees the card's code: stamps to a reward, points to a reward."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.tests.counter import Shop, make_card, make_reward, make_shop
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import chromium
from tests.e2e.terminal_site import CAMERA_FLAGS, LANDSCAPE, PORTRAIT, STAFF, Till, write_film

pytestmark = pytest.mark.e2e
Open = Callable[..., BrowserContext]


@dataclass(frozen=True, slots=True)
class Scene:
    """A shop, and the card that its camera sees."""

    shop: Shop
    card: Card


@pytest.fixture(scope="module")
def scene(site: Site, arrange: Arrange[Any]) -> Scene:
    shop = arrange(make_shop(site.database, is_open=False, stamp_reward="Kaffee", minimum_purchase_cents=500))
    arrange(make_reward(site.database, shop, cost_points=10, name="Croissant"))
    arrange(make_reward(site.database, shop, cost_points=500, name="Kuchen"))
    return Scene(shop, arrange(make_card(site.database, shop)))


@pytest.fixture(scope="module")
def browser(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    film = tmp_path_factory.mktemp("camera") / "card.y4m"
    write_film(film, scene.card.qr_token)
    with chromium(*CAMERA_FLAGS, f"--use-file-for-fake-video-capture={film}") as opened:
        yield opened


def test_pair_scan_ten_stamps_reward_redeem(site: Site, arrange: Arrange[Any], open_context: Open, scene: Scene) -> None:
    till = Till(site, arrange, open_context(viewport=LANDSCAPE), scene.shop)
    till.open()
    till.page.get_by_role("button", name="Scan with the camera").click()
    till.expect_card()
    expect(till.page.get_by_role("img", name="0 of 10 stamps")).to_be_visible()
    till.stamp(9)
    till.expect_result("9 stamps added: 9 of 10 stamps")
    expect(till.page.locator(".lcard .stamp-on")).to_have_count(9)
    till.stamp()
    till.expect_result("1 stamp added: 1 reward ready")
    till.page.get_by_role("button", name="Redeem: Kaffee").click()
    till.expect_result("Reward redeemed: Kaffee")
    expect(till.page.locator(".lcard .stamp-on")).to_have_count(0)
    assert till.rows(scene.card.id) == [("stamp_earned", 9, 0), ("stamp_earned", 1, 0), ("stamp_redeemed", -10, 0)]
    till.expect_find()  # by itself, for the next customer
    assert till.complaints == []


def test_scan_earn_by_amount_redeem_points_undo(site: Site, arrange: Arrange[Any], open_context: Open, scene: Scene) -> None:
    till = Till(site, arrange, open_context(viewport=PORTRAIT), scene.shop)
    till.open()
    before = len(till.rows(scene.card.id))
    till.page.get_by_role("button", name="Scan with the camera").click()
    till.expect_card()
    till.page.get_by_role("button", name="Points", exact=True).click()
    for key in "499":
        till.page.locator(".amount").get_by_role("button", name=key, exact=True).click()
    expect(till.page.locator(".earn-preview")).to_have_text("+0 points")
    expect(till.page.get_by_role("button", name="Add 0 points")).to_be_disabled()
    expect(till.page.get_by_text("Points from €5.00 on")).to_be_visible()
    amount = till.page.get_by_label("Amount of the purchase")
    amount.press("Delete")
    amount.press_sequentially("1290")
    expect(till.page.locator(".earn-preview")).to_have_text("+12 points")
    amount.press("Enter")
    till.expect_result("12 points added: balance 12")
    till.page.get_by_role("button", name="Rewards", exact=True).click()
    expect(till.page.get_by_role("button", name="Redeem: Kuchen")).to_be_disabled()
    expect(till.page.get_by_text("488 points missing")).to_be_visible()
    till.page.get_by_role("button", name="Redeem: Croissant").click()
    till.expect_result("Reward redeemed: Croissant")
    till.page.get_by_role("button", name="Undo (").click()
    till.type_pin(STAFF[1])
    till.expect_result("Undone: +10 points")
    assert till.rows(scene.card.id)[before:] == [("points_earned", 0, 12), ("points_redeemed", 0, -10), ("redemption_cancelled", 0, 10)]
    assert till.complaints == []


def test_a_new_customer_leaves_with_a_card_on_paper(site: Site, arrange: Arrange[Any], open_context: Open, scene: Scene) -> None:
    till = Till(site, arrange, open_context(viewport=LANDSCAPE), scene.shop)
    till.open()
    page = till.page
    page.get_by_role("searchbox").fill("mia.klein@example.lu")
    expect(page.get_by_role("heading", name="No match")).to_be_visible()
    page.get_by_role("button", name="Enroll a customer").click()
    expect(page.get_by_role("textbox", name="E-mail")).to_have_value("mia.klein@example.lu")
    page.get_by_label("First name").fill("Mia")
    page.get_by_label("Last name").fill("Klein")
    for part, text in (("Day", "29"), ("Month", "2"), ("Year", "1992")):
        page.get_by_label(part, exact=True).fill(text)
    page.get_by_label("Lëtzebuergesch").check()
    page.get_by_role("button", name="Make the card").click()
    expect(page.get_by_text("Please ask the customer, and tick this box.")).to_be_visible()
    page.get_by_label("accepts the terms").check()
    page.get_by_role("button", name="Make the card").click()
    till.expect_result("Card made for Mia Klein")
    code = page.get_by_role("img", name="QR code of this card")
    expect(code).to_be_visible()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=code.element_handle())
    number = page.locator(".qr-panel p").inner_text()
    page.get_by_role("link", name="Print the card").click()
    expect(page.locator(".sheet .lcard-number")).to_have_text(number)
    expect(page.locator(".sheet").get_by_text("Mia Klein")).to_be_visible()
    page.get_by_role("link", name="Back").click()
    till.expect_card("Mia Klein")
    till.page.keyboard.press("Escape")
    till.expect_find()
    page.get_by_role("button", name="Enroll a customer").click()
    for label, text in (("First name", "Mia"), ("Last name", "Klein"), ("E-mail", " MIA.klein@example.lu")):
        page.get_by_role("textbox", name=label).fill(text)
    page.get_by_label("accepts the terms").check()
    page.get_by_role("button", name="Make the card").click()
    expect(page.get_by_text("This customer already has a card.")).to_be_visible()
    page.get_by_role("button", name="Open the existing card").click()
    till.expect_card("Mia Klein")
    till.expect_status(409)
    assert till.complaints == []
