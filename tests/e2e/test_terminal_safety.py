"""Once is once: double taps, lost answers, reloads; a scanner that types anywhere; the keyboard alone."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.tests.counter import applicant, make_card, make_shop
from tests.e2e.conftest import Arrange, Site
from tests.e2e.terminal_site import LANDSCAPE, PORTRAIT, STAFF, Till

pytestmark = pytest.mark.e2e
Open = Callable[..., BrowserContext]
STAMP = "**/api/v1/store/loyalty/stamp"


@pytest.fixture
def till(site: Site, arrange: Arrange[Any], open_context: Open) -> Till:
    shop = arrange(make_shop(site.database, is_open=False))
    return Till(site, arrange, open_context(viewport=LANDSCAPE), shop)


@pytest.fixture
def card(till: Till) -> Card:
    made: Card = till.arrange(make_card(till.site.database, till.shop))
    return made


def test_a_double_tap_counts_once(till: Till, card: Card) -> None:
    till.open()
    till.find(card.card_number)
    box = till.page.get_by_role("button", name="Give 1 stamp").bounding_box()
    assert box is not None
    with till.page.expect_response(STAMP):
        till.page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, delay=5)
    till.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    till.expect_result("1 stamp added: 1 of 10 stamps")
    expect(till.page.get_by_role("button", name="Give 1 stamp")).to_be_enabled()
    assert till.rows(card.id) == [("stamp_earned", 1, 0)]
    assert till.complaints == []


def test_a_lost_answer_is_asked_for_again_with_the_same_key(till: Till, card: Card) -> None:
    keys: list[str | None] = []

    def lose_the_answer(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) <= 3:
            route.fetch()  # it arrives and is done; the answer gets lost
            route.abort()
        else:
            route.continue_()

    till.open()
    till.find(card.card_number)
    till.page.route(STAMP, lose_the_answer)
    till.stamp()
    again = till.page.get_by_role("button", name="Check and try again")
    expect(again).to_be_visible(timeout=15_000)
    again.click()
    till.expect_result("1 stamp added: 1 of 10 stamps")
    assert len(keys) == 4
    assert len(set(keys)) == 1
    assert till.rows(card.id) == [("stamp_earned", 1, 0)]
    till.complaints.clear()  # Chromium notes every aborted request


def test_a_reload_in_the_middle_counts_once(till: Till, card: Card) -> None:
    till.open()
    till.find(card.card_number)
    done: list[bool] = []

    def never_answer_the_first(route: Route) -> None:
        if done:
            route.continue_()
        else:
            done.append(route.fetch().ok)

    till.page.route(STAMP, never_answer_the_first)
    till.stamp()
    till.page.wait_for_function("Object.keys(sessionStorage).includes('orion.terminal.pending')")
    while not done:
        till.page.evaluate("0")  # lets the request through to the server
    till.page.reload()
    till.expect_card()
    expect(till.page.get_by_text("The last action was interrupted")).to_be_visible()
    till.page.get_by_role("button", name="Check and try again").click()
    till.expect_result("1 stamp added: 1 of 10 stamps")
    assert till.rows(card.id) == [("stamp_earned", 1, 0)]


def test_a_refusal_says_when_to_try_again(site: Site, arrange: Arrange[Any], open_context: Open) -> None:
    shop = arrange(make_shop(site.database, is_open=False, stamp_cooldown_minutes=10))
    card = arrange(make_card(site.database, shop))
    till = Till(site, arrange, open_context(viewport=PORTRAIT), shop)
    till.open()
    till.find(card.card_number)
    till.stamp()
    till.expect_result("1 stamp added")
    till.stamp()
    alert = till.page.get_by_role("alert").filter(has_text="stamped a moment ago")
    expect(alert).to_contain_text("The next stamp is possible in 10 min.")
    expect(alert).to_contain_text("Possible again: ")
    till.expect_status(409)
    assert till.rows(card.id) == [("stamp_earned", 1, 0)]
    assert till.complaints == []


def test_a_barcode_scanner_types_anywhere(till: Till, card: Card) -> None:
    other = till.arrange(make_card(till.site.database, till.shop, person=applicant(first_name="Jos", last_name="Thill")))
    till.open()
    till.page.get_by_role("button", name="Enroll a customer").focus()
    till.page.keyboard.type(card.card_number)
    till.page.keyboard.press("Enter")
    till.expect_card()
    till.page.get_by_role("button", name="Points", exact=True).click()
    expect(till.page.get_by_label("Amount of the purchase")).to_be_focused()
    till.page.keyboard.type(other.qr_token, delay=90)  # a slow one, into the amount: the next customer is here already
    till.page.keyboard.press("Enter")
    till.expect_card("Jos Thill")
    expect(till.page.get_by_role("button", name="Give 1 stamp")).to_be_visible()
    assert till.rows(card.id) == till.rows(other.id) == []
    assert till.complaints == []


def test_keyboard_alone(till: Till, card: Card) -> None:
    till.pair()
    press = till.page.keyboard.press
    person = till.page.locator(".terminal-lock").get_by_role("button", name=STAFF[0])
    for _step in range(12):
        if person.evaluate("element => element === document.activeElement"):
            break
        press("Tab")
    expect(person).to_be_focused()
    press("Enter")
    till.type_pin(STAFF[1])
    expect(till.page.get_by_role("searchbox")).to_be_focused()
    till.page.keyboard.type("weber", delay=60)
    match = till.page.get_by_role("button", name="Léa Weber")
    expect(match).to_be_visible()
    press("Tab")
    expect(match).to_be_focused()
    press("Enter")
    give = till.page.get_by_role("button", name="Give 1 stamp")
    expect(give).to_be_focused()
    press("Enter")
    till.expect_result("1 stamp added")
    expect(give).to_be_enabled()
    press("Escape")
    till.expect_find()
    expect(till.page.get_by_role("searchbox")).to_be_focused()
    press("Tab")
    press("/")
    expect(till.page.get_by_role("searchbox")).to_be_focused()
    assert till.rows(card.id) == [("stamp_earned", 1, 0)]
    assert till.complaints == []
