"""PINs at the terminal: wrong ones lock, a manager unlocks, the terminal locks by itself, a revoked one pairs again."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from app.modules.loyalty.domain.enums import PinPolicy
from app.modules.loyalty.queries import terminals
from app.modules.loyalty.services import terminal_service
from app.modules.loyalty.tests.counter import Shop, make_card, make_shop
from app.modules.loyalty.tests.factories import make_settings
from app.modules.tenancy.tests.factories import merchant_ctx, sign_in_cookie
from tests.e2e.conftest import Arrange, Site
from tests.e2e.terminal_site import LANDSCAPE, MANAGER, STAFF, Till

pytestmark = pytest.mark.e2e
Open = Callable[..., BrowserContext]
WRONG_PIN = "518273"


@pytest.fixture
def till(site: Site, arrange: Arrange[Any], open_context: Open) -> Till:
    shop = arrange(make_shop(site.database, is_open=False))
    return Till(site, arrange, open_context(viewport=LANDSCAPE), shop)


def test_five_wrong_pins_lock_and_a_manager_unlocks(till: Till) -> None:
    till.pair()
    page = till.page
    page.locator(".terminal-lock").get_by_role("button", name=STAFF[0]).click()
    dialog = page.get_by_role("dialog", name="Enter the PIN")
    expect(dialog).to_be_visible()
    for left in ("4 tries left", "3 tries left", "2 tries left", "1 try left", "the PIN is locked now"):
        till.type_pin(WRONG_PIN)
        expect(dialog.locator(".pin-error")).to_contain_text(left)
    till.type_pin(STAFF[1])  # the right one is refused alike
    expect(dialog.locator(".pin-error")).to_contain_text("locked for 15 min")
    till.expect_status(403, 403, 403, 403, 403, 429)
    dialog.get_by_role("button", name="Let a manager unlock it").click()
    expect(dialog.get_by_text("A manager can unlock the PIN of Anouk.")).to_be_visible()
    till.type_pin(MANAGER[1])
    expect(dialog.get_by_text("Unlocked. Anouk can enter the PIN now.")).to_be_visible()
    till.type_pin(STAFF[1])
    expect(page.get_by_role("searchbox")).to_be_visible()
    expect(page.locator(".staff-chip")).to_contain_text(STAFF[0])
    assert till.complaints == []


def test_a_correction_asks_for_a_manager_and_a_reason(till: Till) -> None:
    card = till.arrange(make_card(till.site.database, till.shop))
    till.open()
    till.find(card.card_number)
    page = till.page
    page.get_by_role("button", name="Correct", exact=True).click()
    page.get_by_role("spinbutton", name="Points").fill("20")
    page.get_by_role("button", name="Correct the balance").click()
    expect(page.get_by_text("Please give a reason in 3 to 500 characters.")).to_be_visible()
    page.get_by_role("textbox", name="Reason").fill("Typed 10 instead of 30")
    page.get_by_role("button", name="Correct the balance").click()
    till.type_pin(MANAGER[1])
    till.expect_result("Balance corrected: +20 points")
    assert till.rows(card.id) == [("points_adjusted", 0, 20)]
    assert till.complaints == []


def test_undo_from_the_history_asks_again_and_counts_once(till: Till) -> None:
    card = till.arrange(make_card(till.site.database, till.shop))
    till.open()
    till.find(card.card_number)
    till.stamp(2)
    till.expect_result("2 stamps added")
    till.page.get_by_role("button", name="History").click()
    row = till.page.get_by_role("list", name="The last ten entries").get_by_role("listitem")
    row.get_by_role("button", name="Undo: Stamps collected").click()
    till.type_pin(STAFF[1])
    till.expect_result("Undone: −2 stamps")
    expect(row).to_have_count(2)
    expect(row.last).to_contain_text("undone")
    assert till.rows(card.id) == [("stamp_earned", 2, 0), ("stamp_voided", -2, 0)]
    assert till.complaints == []


def test_the_terminal_locks_when_the_time_is_up(till: Till) -> None:
    till.page.clock.install()
    till.open()
    till.page.clock.fast_forward(4 * 60_000 + 15_000)
    expect(till.page.get_by_text("Locks in 4")).to_be_visible()
    till.page.clock.fast_forward(60_000)
    expect(till.page.get_by_role("heading", name="Who is working?")).to_be_visible()
    expect(till.page.get_by_role("searchbox")).to_be_hidden()


def test_locking_by_hand(till: Till) -> None:
    till.open()
    till.page.get_by_role("button", name="Lock the terminal").click()
    expect(till.page.get_by_role("heading", name="Who is working?")).to_be_visible()
    till.page.reload()
    expect(till.page.get_by_role("heading", name="Who is working?")).to_be_visible()
    assert till.complaints == []


@pytest.mark.parametrize(("policy", "minutes", "asks"), [("off", 5, False), ("optional", 5, False), ("required", 0, True)])
def test_other_policies_open_without_a_pin(till: Till, policy: str, minutes: int, asks: bool) -> None:
    till.arrange(make_settings(till.site.database, till.shop.merchant, pin_policy=PinPolicy(policy), unlock_minutes=minutes))
    card = till.arrange(make_card(till.site.database, till.shop))
    till.pair()
    till.find(card.card_number)
    till.stamp()
    if asks:
        till.choose(STAFF[0])
        till.type_pin(STAFF[1])
    till.expect_result("1 stamp added")
    assert till.rows(card.id) == [("stamp_earned", 1, 0)]
    assert till.complaints == []


def test_a_closed_pin_dialog_does_nothing_and_gives_the_focus_back(till: Till) -> None:
    till.arrange(make_settings(till.site.database, till.shop.merchant, unlock_minutes=0))
    card = till.arrange(make_card(till.site.database, till.shop))
    till.pair()
    till.find(card.card_number)
    till.stamp()
    till.choose(STAFF[0])
    expect(till.page.get_by_label("PIN", exact=True)).to_be_focused()
    till.page.keyboard.press("Escape")
    expect(till.page.get_by_role("dialog")).to_be_hidden()
    expect(till.page.get_by_role("button", name="Give 1 stamp")).to_be_focused()
    till.expect_card()
    assert till.rows(card.id) == []
    assert till.page.evaluate("Object.keys(sessionStorage).filter(key => key.startsWith('orion.'))") == []


def test_a_revoked_terminal_pairs_again(till: Till) -> None:
    till.open()

    async def revoke(shop: Shop) -> None:
        async with merchant_ctx(till.site.database, shop.merchant) as ctx:
            for terminal in await terminals.list_terminals(ctx, None):
                if terminal.revoked_at is None and terminal.name == "Kasse 2":
                    await terminal_service.revoke_terminal(ctx, terminal.id)

    till.arrange(revoke(till.shop))
    till.page.get_by_role("searchbox").fill("somebody")
    till.page.wait_for_url("**/store/terminal/pair")
    expect(till.page.get_by_text("This terminal is not connected any more")).to_be_visible()
    till.expect_status(401)
    till.pair()
    expect(till.page.get_by_role("heading", name="Who is working?")).to_be_visible()
    assert till.complaints == []


def test_a_signed_in_person_chooses_the_store(site: Site, arrange: Arrange[Any], open_context: Open) -> None:
    shop = arrange(make_shop(site.database, is_open=False, stores=2))
    context = open_context(viewport=LANDSCAPE)
    cookies = sign_in_cookie(shop.merchant.manager)
    context.add_cookies([{"name": name, "value": value, "url": site.url} for name, value in cookies.items()])
    page = context.new_page()
    page.goto("/store/terminal/store")
    page.get_by_role("button", name=shop.merchant.stores[1].name).click()
    page.wait_for_url("**/store/terminal")
    expect(page.get_by_role("banner")).to_contain_text(shop.merchant.stores[1].name)
    expect(page.locator("#lock-title")).to_be_visible()
