"""The kit in a browser, under the real content policy: no violation of accessibility or policy, and every component does its work."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import segno
from playwright.sync_api import Browser, Page, Route, expect

from app.core import clock
from app.core.web.middleware import Gate
from tests.e2e.kit_browser import axe_violations, chromium, watch
from tests.e2e.kit_site import SAMPLES, serve

pytestmark = pytest.mark.e2e
CARD_CODE = "https://orion.example/c/7F3K-92MD-4QXA"
RIGHT_PIN = "248613"


def write_camera_film(path: Path, text: str) -> None:
    """Write a film of one still picture, a QR code on grey, as Chromium's fake camera plays it."""
    width, height, scale = 640, 480, 8
    code = segno.make(text, micro=False)
    side = int(code.symbol_size(scale, border=4)[0])
    left, top = (width - side) // 2, (height - side) // 2
    luma = bytearray(b"\x80" * (width * height))
    for row, line in enumerate(code.matrix_iter(scale, border=4)):
        start = (top + row) * width + left
        luma[start : start + side] = bytes(16 if dark else 235 for dark in line)
    frame = b"FRAME\n" + bytes(luma) + b"\x80" * (width * height // 2)
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * 5)


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[str, Gate]]:
    with serve() as served:
        yield served


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    film = tmp_path_factory.mktemp("camera") / "card.y4m"
    write_camera_film(film, CARD_CODE)
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={film}")
    with chromium(*flags) as opened:
        yield opened


@pytest.fixture
def complaints() -> list[str]:
    """What the page complained about; must be empty at the end, so a test takes out what it provoked."""
    return []


@pytest.fixture
def page(browser: Browser, site: tuple[str, Gate], complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(base_url=site[0], viewport={"width": 1280, "height": 900}, locale="en-GB", reduced_motion="reduce")
    opened = context.new_page()
    watch(opened, complaints)
    yield opened
    context.close()
    assert complaints == []


def expect_status(complaints: list[str], status: int) -> None:
    """Chromium notes a failed request on its console: take out the one with `status`."""
    assert str(status) in complaints.pop()


def seen(site: tuple[str, Gate]) -> list[dict[str, object]]:
    return site[1].app.state.seen  # type: ignore[attr-defined,no-any-return]


SCREENS = [(path, width, scheme) for path in ["/styleguide"] for width in (390, 820, 1280) for scheme in ("light", "dark")]
SCREENS += [
    (path, *screen) for path in (*(f"/sample/{name}" for name in SAMPLES), "/", "/nowhere") for screen in ((390, "light"), (1280, "dark"))
]


@pytest.mark.parametrize(("path", "width", "scheme"), SCREENS)
def test_no_violation_and_no_complaint(browser: Browser, site: tuple[str, Gate], path: str, width: int, scheme: str) -> None:
    context = browser.new_context(base_url=site[0], viewport={"width": width, "height": 900}, color_scheme=scheme, locale="fr-FR")  # type: ignore[arg-type]
    page = context.new_page()
    complaints: list[str] = []
    watch(page, complaints)
    page.goto(path)
    page.wait_for_function("document.querySelector('[x-cloak]') === null || document.readyState === 'complete'")
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    assert [text for text in complaints if path != "/nowhere" or "404" not in text] == []
    context.close()


def test_every_icon_is_in_the_sprite(page: Page) -> None:
    page.goto("/styleguide")
    sizes = page.locator("#icons use").evaluate_all("uses => uses.map(use => use.getBBox().width)")
    assert len(sizes) > 40
    assert all(size > 0 for size in sizes)


def test_without_scripts_every_word_is_there(browser: Browser, site: tuple[str, Gate]) -> None:
    context = browser.new_context(base_url=site[0], java_script_enabled=False, locale="de-DE")
    page = context.new_page()
    page.goto("/sample/storefront")
    expect(page.get_by_text("7 von 10 Stempeln")).to_be_visible()
    page.goto("/styleguide")
    expect(page.get_by_label("First name")).to_be_visible()
    expect(page.locator("dialog").first).to_be_hidden()
    page.locator("summary", has_text="Zahlen").first.click()
    expect(page.locator(".chart-table").first.get_by_role("cell", name="96")).to_be_visible()
    context.close()


def test_a_dialog_traps_the_focus_and_gives_it_back(page: Page) -> None:
    page.goto("/styleguide")
    opener = page.get_by_role("button", name="Dialog", exact=True)
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Store details")
    expect(dialog).to_be_visible()
    assert dialog.get_attribute("aria-modal") == "true"
    for key in ("Tab",) * 5 + ("Shift+Tab",) * 5:
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.closest('dialog')?.id") == "sg-modal"
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_the_form_shows_errors_and_sends_once(page: Page, site: tuple[str, Gate], complaints: list[str]) -> None:
    page.goto("/styleguide")
    form = page.locator("#sg-form")
    form.get_by_label("Last name").fill("Muller")
    form.get_by_label("Day", exact=True).fill("7")
    form.get_by_label("Month").fill("3")
    form.get_by_label("Year").fill("1990")
    form.get_by_label("E-mail").fill(" lea@example.lu ")
    form.get_by_role("button", name="One more: Stamps").click()
    form.get_by_role("button", name="Join the program").click()
    first_name = form.get_by_label("First name")
    expect(first_name).to_be_focused()
    assert first_name.get_attribute("aria-invalid") == "true"
    expect_status(complaints, 422)
    expect(form.locator("#f-first_name-error")).to_be_visible()
    page.keyboard.type("Léa")
    expect(form.locator("#f-first_name-error")).to_be_hidden()
    seen(site).clear()
    form.get_by_role("button", name="Join the program").dblclick()
    expect(page.locator(".toast")).to_contain_text("Saved")
    assert len(seen(site)) == 1
    sent = seen(site)[0]
    assert len(str(sent.pop("key"))) >= 16
    assert sent == {
        "first_name": "Léa", "last_name": "Muller", "email": "lea@example.lu", "phone": None, "code": "nord 1",
        "minimum_purchase_cents": 500,
        "language": "lb", "birth_date": "1990-03-07", "stamps": 2, "closed_on": None, "note": None, "kind": "stamps", "terms": False,
        "marketing": False, "everywhere": True,
    }  # fmt: skip


def fill_required(page: Page) -> None:
    for label, text in (("First name", "Léa"), ("Last name", "Muller"), ("E-mail", "lea@example.lu")):
        page.locator("#sg-form").get_by_label(label).fill(text)


def test_a_lost_answer_is_asked_for_again_with_the_same_key(page: Page, complaints: list[str]) -> None:
    keys: list[str | None] = []

    def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            route.fulfill(status=503, body="{}")
        else:
            route.continue_()

    page.route("**/api/v1/styleguide", lose_the_first)
    page.goto("/styleguide")
    fill_required(page)
    page.get_by_role("button", name="Join the program").click()
    expect(page.locator(".toast")).to_contain_text("Saved")
    expect_status(complaints, 503)
    assert len(keys) == 2
    assert keys[0] == keys[1]
    page.get_by_role("button", name="Join the program").click()
    expect(page.locator(".toast")).to_have_count(2)
    assert len(keys) == 3
    assert keys[2] != keys[0]


def test_the_pin_pad_takes_keys_keyboard_and_paste(page: Page) -> None:
    page.goto("/styleguide")
    pad, field = page.locator("#sg-pin-pad"), page.locator("#sg-pin-pad-input")
    assert (field.get_attribute("inputmode"), field.get_attribute("autocomplete")) == ("numeric", "one-time-code")
    for digit in "111111":
        pad.get_by_text(digit, exact=True).click()
    error = pad.locator("[aria-live=polite]")
    expect(error).to_have_text("This PIN is not right. 4 tries left.")
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    page.keyboard.type("24x8")
    expect(field).to_have_value("248")
    expect(pad.locator(".pin-dot-on")).to_have_count(3)
    expect(error).to_have_text("")
    page.keyboard.press("Backspace")
    page.keyboard.type("8613")
    expect(page.locator(".toast")).to_contain_text("The right PIN")
    page.locator(".toast [data-toast-close]").click()
    field.evaluate("""(field, pin) => { field.focus(); document.execCommand("insertText", false, pin); }""", RIGHT_PIN)
    expect(page.locator(".toast")).to_contain_text("The right PIN")


def test_the_amount_fills_from_the_right(page: Page) -> None:
    page.goto("/styleguide")
    field = page.get_by_label("Amount of the purchase")
    heard = page.locator("#terminal p[x-text=heard]")
    expect(heard).to_have_text("€12.50 earns 12 points")
    field.focus()
    page.keyboard.press("Delete")
    page.keyboard.type("2190")
    expect(heard).to_have_text("€21.90 earns 21 points")
    page.keyboard.press("Backspace")
    expect(field).to_have_value("€2.19")
    page.locator(".amount").get_by_text("00", exact=True).click()
    expect(field).to_have_value("€219.00")
    paste = """(field, text) => { const data = new DataTransfer(); data.setData("text", text);
      field.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})); }"""
    for text, shown in (("1.234,50 €", "€1,234.50"), ("12,5", "€12.50"), ("7", "€7.00")):
        field.evaluate(paste, text)
        expect(field).to_have_value(shown)


def test_the_menu_works_by_keyboard(page: Page) -> None:
    page.goto("/styleguide", wait_until="networkidle")
    trigger = page.get_by_role("button", name="Actions for this card")
    trigger.focus()
    page.keyboard.press("Enter")
    expect(trigger).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("menuitem", name="Open", exact=True)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Adjust points")).to_be_focused()
    page.keyboard.press("Escape")
    expect(trigger).to_be_focused()
    expect(trigger).to_have_attribute("aria-expanded", "false")


def test_single_keys_search_and_list_and_can_be_switched_off(page: Page) -> None:
    page.goto("/styleguide")
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type("?/")
    expect(page.locator("[data-search]")).to_have_value("?/")
    page.locator("h1").click()
    page.locator("[data-search]").blur()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_be_visible()
    dialog.get_by_role("switch").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()


def test_the_language_menu_closes_by_escape_and_leads_back_here(page: Page) -> None:
    page.goto("/sample/storefront?table=4")
    summary = page.locator(".lang-menu summary")
    summary.focus()
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name="Lëtzebuergesch")
    expect(link).to_be_visible()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    expect(summary).to_be_focused()
    summary.click()
    link.click()
    page.wait_for_url("**/sample/storefront?table=4")
    assert page.locator("html").get_attribute("lang") == "lb"


def test_undo_in_a_toast(page: Page) -> None:
    page.goto("/styleguide")
    page.locator("#buttons").get_by_role("button", name="Undo").click()
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Stamp taken back")


def strike_keys(page: Page, text: str, *, gap: float) -> None:
    """Strike keys `gap` seconds apart, by the time that the events themselves say: a busy machine is no slow scanner."""
    keyboard, start = page.context.new_cdp_session(page), clock.now().timestamp()
    for number, letter in enumerate(text):
        key = "Enter" if letter == "\r" else letter
        keyboard.send("Input.dispatchKeyEvent", {"type": "keyDown", "key": key, "text": letter, "timestamp": start + number * gap})
        keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": key, "timestamp": start + number * gap})


def test_a_barcode_scanner_is_told_from_a_person(page: Page) -> None:
    page.goto("/styleguide")
    heard = page.locator("#terminal p[x-text=heard]")
    page.get_by_role("button", name="Save program").focus()
    strike_keys(page, "7F3K92MD4QXA\r", gap=0.002)
    expect(heard).to_have_text("Code read: 7F3K92MD4QXA")
    strike_keys(page, "abcdefgh\r", gap=0.070)
    expect(heard).to_have_text("Code read: 7F3K92MD4QXA")


def test_the_camera_reads_a_card(page: Page) -> None:
    page.goto("/store/terminal/kit")
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.locator("#terminal p[x-text=heard]")).to_have_text(f"Code read: {CARD_CODE}", timeout=15_000)
    expect(page.get_by_role("button", name="Scan with the camera")).to_be_visible()


def test_a_blocked_camera_says_what_to_do(browser: Browser, site: tuple[str, Gate]) -> None:
    context = browser.new_context(base_url=site[0], locale="en-GB")
    page = context.new_page()
    page.goto("/styleguide")  # the camera is allowed on the terminal only
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.locator("#sg-scanner [role=alert]")).to_contain_text("type the number")
    context.close()


def test_a_colour_that_is_hard_to_read_gets_a_suggestion(page: Page) -> None:
    page.goto("/styleguide")
    field = page.get_by_label("Card colour", exact=True)
    field.fill("#d32f2f")
    offer = page.get_by_role("button", name="Use a colour close to it")
    expect(offer).to_be_visible()
    offer.click()
    expect(offer).to_be_hidden()
    colour = field.input_value()
    shown = page.locator("[data-accent-preview] .lcard").evaluate("card => card.style.getPropertyValue('--merchant')")
    assert shown == colour != "#d32f2f"


def test_chart_data_is_escaped_in_its_block(page: Page) -> None:
    page.goto("/styleguide")
    data = json.loads(page.locator("#sg-visits-data").text_content() or "")
    assert [serie["label"] for serie in data["series"]] == ["Gare", "Kirchberg", "Esch"]
    assert page.locator("canvas").first.evaluate("canvas => canvas.orionChart.data.datasets.length") == 3
