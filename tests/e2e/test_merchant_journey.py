"""A merchant's way through the panel: from signing in over the first steps to cards that become one."""

import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import expect

from app.core.context import SYSTEM, Principal, platform_unit_of_work
from app.modules.loyalty.queries import pins, programs
from app.modules.loyalty.services import terminal_service
from app.modules.loyalty.tests.factories import (
    earn,
    make_card,
    make_pin,
    make_reward,
    make_settings,
    make_shop,
    make_terminal,
    redeem_points,
    stamp,
)
from app.modules.loyalty.tests.pictures import make_png
from app.modules.tenancy.tests.factories import PASSWORD, MadeMerchant, make_member, make_merchant, merchant_ctx
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import axe_violations
from tests.e2e.merchant_panel import Desk, OpenContext, open_desk, whole

pytestmark = pytest.mark.e2e
MIDDLE_GREY = "#808080"


def test_signing_in_leads_to_where_one_wanted_to_go(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> None:
    merchant = arrange(make_merchant(site.database))
    user = arrange(make_member(site.database, merchant, role="owner", password=PASSWORD))
    desk = open_desk(open_context, site.url)
    page = desk.page
    page.goto("/merchants/cards?status=active")
    expect(page).to_have_url(re.compile(r"/merchants/sign-in\?next="))
    page.locator("[name=email]").fill(user.email)
    page.locator("[name=password]").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("E-mail address, password or code is not right.")
    desk.expect_status(401)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.url}/merchants/cards?status=active")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{site.url}/merchants/sign-in")
    page.goto("/merchants")
    expect(page).to_have_url(f"{site.url}/merchants/sign-in")
    assert desk.complaints == []


def test_a_new_merchant_takes_the_first_steps(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> None:
    merchant: MadeMerchant = arrange(make_merchant(site.database, name="Café Fräulein"))
    desk = open_desk(open_context, site.url, merchant.owner)
    page = desk.page
    page.goto("/merchants")
    page.get_by_role("link", name="Go there: Describe your program").click()
    card = page.locator(".lcard")
    page.locator("[name=card_name]").fill("Fräulein-Karte")
    expect(card.locator(".lcard-program")).to_have_text("Fräulein-Karte")
    page.locator("[name=stamps_target]").fill("8")
    expect(card.locator(".stamp")).to_have_count(8)
    page.locator("[name=stamp_reward]").fill("Ein Cappuccino")
    expect(page.get_by_text("8 stamps: Ein Cappuccino.")).to_be_visible()
    page.get_by_role("radio", name="Points", exact=False).nth(0).check()
    expect(card.locator(".lcard-points")).to_contain_text("120")
    expect(page.locator("[name=stamps_target]")).to_be_hidden()
    page.get_by_role("radio", name="Both", exact=False).check()
    page.locator("[name=points_per_euro]").fill("1,5")
    expect(page.get_by_text("A purchase of 20 € earns 30 points.")).to_be_visible()
    page.locator("[name=colour]").fill(MIDDLE_GREY)
    expect(page.get_by_text("Text on this colour would be hard to read.")).to_be_visible()
    page.get_by_role("button", name="Create the program").click()
    expect(page.locator("[data-error-for=colour]")).to_contain_text("Please choose a darker or lighter one, for example #")
    desk.expect_status(422)
    page.get_by_role("button", name="Use a colour close to it").click()
    page.get_by_role("button", name="Create the program").click()
    desk.expect_toast("Program saved")

    page.goto("/merchants/staff")
    page.get_by_role("button", name="Add somebody").first.click()
    page.locator("#add-name").fill("Marie")
    page.locator("#add-pin [name=pin]").fill("123456")
    desk.send()
    expect(page.locator("#add-pin [data-error-for=pin]")).to_contain_text("counts up or down")
    desk.expect_status(422)
    page.locator("#add-pin [name=pin]").fill("739205")
    desk.send()
    desk.expect_toast("PIN saved")

    pair_a_terminal(desk, site, arrange)
    page.goto("/merchants")
    expect(page.get_by_text("3 of 4 done")).to_be_visible()
    program = arrange(read_program(site, merchant))
    assert (program.card_name, program.stamps_target, str(program.points_per_euro.normalize())) == ("Fräulein-Karte", 8, "1.5")
    assert desk.complaints == []


async def read_program(site: Site, merchant: MadeMerchant) -> programs.Program:
    async with merchant_ctx(site.database, merchant) as ctx:
        return await programs.get_program(ctx)


def pair_a_terminal(desk: Desk, site: Site, arrange: Arrange[Any]) -> None:
    page = desk.page
    page.goto("/merchants/terminals")
    page.get_by_role("button", name="Pair a terminal").first.click()
    page.locator("#pair [name=name]").fill("Kasse 1")
    desk.send()
    code = page.get_by_test_id("pairing-code")
    expect(code).to_have_text(re.compile(r"^[0-9A-Z]{4}-[0-9A-Z]{4}$"))
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"Works for another (10:00|9:5\d) min, once"))

    async def type_at_the_device(text: str) -> None:
        async with platform_unit_of_work(site.database, Principal(SYSTEM)) as ctx:
            await terminal_service.pair(ctx, text)

    arrange(type_at_the_device(code.inner_text()))
    desk.expect_toast("Kasse 1 is paired")
    desk.pick("Kasse 1", "Rename")
    page.locator("#rename-name").fill("Kasse am Fenster")
    desk.send()
    desk.expect_toast("Saved")
    expect(page.get_by_role("rowheader", name="Kasse am Fenster")).to_be_visible()


def test_a_logo_is_uploaded_seen_by_customers_and_removed(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> None:
    shop = arrange(make_shop(site.database))
    desk = open_desk(open_context, site.url, shop.merchant.manager)
    page = desk.page
    page.goto("/merchants/program")
    field, picture = page.get_by_label("Logo (optional)"), page.locator("img.lcard-logo")
    problem, remove = page.locator("#f-logo-error"), page.get_by_role("button", name="Remove the logo")
    expect(remove).to_be_hidden()
    field.set_input_files({"name": "large.png", "mimeType": "image/png", "buffer": make_png() + bytes(150_000)})
    expect(problem).to_have_text("This picture is too large. Please use one of at most 150 kB.")
    field.set_input_files({"name": "drawing.png", "mimeType": "image/png", "buffer": b"<svg xmlns='http://www.w3.org/2000/svg'/>"})
    expect(problem).to_have_text("Please choose a picture of the kind PNG, JPEG or WebP.")
    expect(field).to_have_attribute("aria-invalid", "true")
    desk.expect_status(422)
    assert axe_violations(page) == []

    page.locator("[name=card_name]").fill("Noch nicht gespeichert")
    field.set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": make_png(60, 40)})
    desk.expect_toast("Logo saved")
    expect(problem).to_have_text("")
    expect(picture).to_have_js_property("naturalWidth", 60)
    expect(page.locator("[name=card_name]")).to_have_value("Noch nicht gespeichert")
    address = picture.get_attribute("src")
    assert address is not None
    assert axe_violations(page) == []

    customer = open_desk(open_context, site.url)
    customer.page.goto(f"/s/{shop.merchant.store.code}/loyalty/join")
    logo = customer.page.locator(f"img[src='{address}']").first
    expect(logo).to_be_visible()
    expect(logo).to_have_js_property("naturalWidth", 60)

    remove.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#remove-logo")).to_contain_text("All cards show the first letter of your name instead.")
    desk.send()
    desk.expect_toast("Logo removed")
    expect(field).to_be_focused()
    expect(remove).to_be_hidden()
    expect(page.locator("span.lcard-logo")).to_have_text(shop.merchant.name[0])
    customer.page.reload()
    expect(customer.page.locator(f"img[src='{address}']")).to_have_count(0)
    assert desk.complaints == customer.complaints == []


def test_a_lost_terminal_and_a_person_who_leaves_are_taken_out(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> None:
    shop = arrange(make_shop(site.database))
    pin = arrange(make_pin(site.database, shop.merchant))
    arrange(make_terminal(site.database, shop.merchant, name="Kasse 7"))
    desk = open_desk(open_context, site.url, shop.merchant.manager)
    desk.page.goto("/merchants/terminals")
    desk.pick("Kasse 7", "Revoke")
    expect(desk.page.locator("#revoke [data-fill-text=who]")).to_have_text("Kasse 7")
    desk.send()
    desk.expect_toast("Terminal revoked")
    expect(desk.page.get_by_text("No terminal yet")).to_be_visible()

    async def lock_and_read(minutes: int) -> pins.StaffPin:
        async with merchant_ctx(site.database, shop.merchant) as ctx:
            if minutes:
                await ctx.conn.execute(
                    "UPDATE loyalty_staff_pins SET failed_attempts = 5, locked_until = now() + make_interval(mins => $2) WHERE id = $1",
                    pin.id,
                    minutes,
                )
            return await pins.get_pin(ctx, pin.id)

    arrange(lock_and_read(10))
    desk.page.goto("/merchants/staff")
    expect(desk.page.get_by_text("Locked until")).to_be_visible()
    desk.pick("Person", "Unlock")
    desk.send()
    desk.expect_toast("PIN unlocked")
    assert arrange(lock_and_read(0)).failed_attempts == 0
    desk.pick("Person", "Take the PIN away")
    desk.send()
    desk.expect_toast("PIN taken away")
    assert not arrange(lock_and_read(0)).is_active
    assert desk.complaints == []


def test_rewards_are_added_changed_switched_off_and_deleted(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> None:
    shop = arrange(make_shop(site.database))
    desk = open_desk(open_context, site.url, shop.merchant.manager, width=390)
    page = desk.page
    page.goto("/merchants/program/rewards")
    page.get_by_role("button", name="Add a reward").first.click()
    desk.send()
    expect(page.locator("#add-reward [data-error-for=name]")).to_contain_text("Please fill in this field.")
    desk.expect_status(422)
    page.locator("#add-name").fill("Frühstück für zwei")
    page.locator("#add-cost").fill("dreihundert")
    desk.send()
    expect(page.locator("#add-reward [data-error-for=cost_points]")).to_contain_text("Please enter a whole number.")
    desk.expect_status(422)
    page.locator("#add-cost").fill("300")
    desk.send()
    desk.expect_toast("Reward added")
    desk.pick("Frühstück", "Change")
    expect(page.locator("#edit-cost")).to_have_value("300")
    page.locator("#edit-cost").fill("250")
    desk.send()
    desk.expect_toast("Saved")
    expect(page.get_by_role("row").filter(has_text="Frühstück")).to_contain_text("250")
    desk.pick("Frühstück", "Stop offering it")
    desk.send()
    expect(page.get_by_text("Not offered")).to_be_visible()
    desk.pick("Frühstück", "Delete")
    desk.send()
    desk.expect_toast("Reward deleted")
    expect(page.get_by_text("No rewards yet")).to_be_visible()
    assert desk.complaints == []


def test_a_card_is_corrected_taken_back_and_switched_off(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> None:
    shop = arrange(make_shop(site.database))
    reward = arrange(make_reward(site.database, shop.merchant, cost_points=20, name="Kaffi"))
    card = arrange(make_card(site.database, shop.merchant))
    arrange(stamp(site.database, shop.merchant, card, 3))
    arrange(earn(site.database, shop.merchant, card, 2500))
    arrange(redeem_points(site.database, shop.merchant, card, reward))
    desk = open_desk(open_context, site.url, shop.merchant.manager)
    page = desk.page
    page.goto("/merchants/cards")
    page.get_by_label("Name, e-mail, phone or card number").fill(card.email)
    page.keyboard.press("Enter")
    page.locator("tbody th a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(whole("Léa"))
    page.get_by_role("button", name="Correct the points").click()
    page.locator("#adjust [name=points]").fill("viel")
    desk.send()
    expect(page.locator("#adjust [data-error-for=points]")).to_contain_text("Please enter a whole number.")
    desk.expect_status(422)
    page.locator("#adjust [name=points]").fill("-3")
    page.locator("#adjust [name=reason]").fill("Typed 25 instead of 22")
    desk.send()
    desk.expect_toast("Points corrected")
    expect(page.locator("tbody tr").first).to_contain_text("then 2")

    desk.pick("Points collected", "Take back")
    desk.send()
    expect(page.locator("#void").get_by_role("alert")).to_contain_text("already been spent")
    desk.expect_status(409)
    page.keyboard.press("Escape")
    desk.pick("Reward redeemed", "Take back")
    desk.send()
    desk.expect_toast("Entry taken back")
    expect(page.get_by_role("row").filter(has_text="Reward redeemed")).to_contain_text("Taken back")

    page.get_by_role("button", name="Switch off").first.click()
    page.locator("#deactivate-reason").fill("Card was lost")
    desk.send()
    desk.expect_toast("Card switched off")
    expect(page.get_by_text("This card is switched off")).to_be_visible()
    page.get_by_role("button", name="Switch on").first.click()
    page.locator("#activate-reason").fill("Card was found")
    desk.send()
    desk.expect_toast("Card switched on")
    assert desk.complaints == []


def test_a_card_per_store_becomes_one_for_all(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> None:
    shop = arrange(make_shop(site.database, stores=2))
    arrange(make_settings(site.database, shop.merchant, cross_location=False))
    email = f"zwee-{uuid.uuid4().hex[:10]}@example.lu"
    for store in shop.merchant.stores:
        arrange(make_card(site.database, shop.merchant, store=store, email=email, stamps=4, amount_cents=700))
    desk = open_desk(open_context, site.url, shop.merchant.owner)
    page = desk.page
    page.goto("/merchants/settings/locations")
    page.get_by_role("button", name="Change to one card for all stores").first.click()
    expect(page.locator("#switch")).to_contain_text("1 person already holds several.")
    desk.send()
    desk.expect_toast("Cards work at all stores now")
    page.get_by_role("link", name="See who, and merge").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Merge all").first.click()
    desk.send()
    expect(page.get_by_text("Done: everybody has one card now")).to_be_visible(timeout=30_000)
    sums = page.locator("tbody td").all_text_contents()
    assert sums == ["8", "8", "14", "14"]
    expect(page.get_by_text("The sums agree")).to_be_visible()
    assert desk.complaints == []


def test_an_invited_colleague_sets_a_password_and_signs_in(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> None:
    merchant = arrange(make_merchant(site.database))
    email = f"luc-{uuid.uuid4().hex[:10]}@example.lu"
    desk = open_desk(open_context, site.url, merchant.owner)
    page = desk.page
    page.goto("/merchants/team")
    page.get_by_role("button", name="Invite somebody").click()
    page.locator("#invite-name").fill("Luc Weber")
    page.locator("#invite-email").fill(email)
    page.locator("#invite [name=role][value=manager]").check()
    desk.send()
    desk.expect_toast("Invited")
    mail = site.wait_for_mail(email)
    link = re.search(r"https?://\S+/account/password#\S+", mail.text)
    assert link
    colleague = open_desk(open_context, site.url)
    colleague.page.goto(link.group())
    colleague.page.locator("[name=password]").fill("short")
    colleague.page.get_by_role("button", name="Save the password").click()
    expect(colleague.page.locator("[data-error-for=password]")).to_contain_text(re.compile("character"))
    colleague.expect_status(422)
    colleague.page.locator("[name=password]").fill("lamps over a quiet river")
    colleague.page.get_by_role("button", name="Save the password").click()
    expect(colleague.page.get_by_text("Your password is set")).to_be_visible()
    colleague.page.locator("[name=email]").fill(email)
    colleague.page.locator("[name=password]").fill("lamps over a quiet river")
    colleague.page.get_by_role("button", name="Sign in").click()
    expect(colleague.page).to_have_url(f"{site.url}/merchants")
    assert colleague.complaints == []

    desk.pick("Luc Weber", "Remove from the team")
    desk.send()
    desk.expect_toast("Removed from the team")
    colleague.page.goto("/merchants/cards")
    expect(colleague.page).to_have_url(re.compile("/merchants/sign-in"))
    assert desk.complaints == []
