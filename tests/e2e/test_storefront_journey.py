"""A customer's way on a phone: join, see the card, come back by a mailed link, change one's data, sign out."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.core.i18n import LOCALES, translate
from app.modules.customers import public as customers
from app.modules.loyalty.queries import cards
from app.modules.loyalty.tests.factories import MadeShop, make_card, make_shop
from app.modules.tenancy.tests.factories import merchant_ctx
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import watch

pytestmark = pytest.mark.e2e
BROWSER_LOCALES = {"en": "en-GB", "fr": "fr-FR", "de": "de-DE", "lb": "lb-LU"}
OpenContext = Callable[..., BrowserContext]


@pytest.fixture(scope="module")
def shop(site: Site, arrange: Arrange[Any]) -> MadeShop:
    made: MadeShop = arrange(make_shop(site.database, stores=2, welcome_bonus_points=25))
    return made


@pytest.fixture
def open_phone(open_context: OpenContext) -> Callable[..., tuple[Page, list[str]]]:
    def open_one(locale: str = "en") -> tuple[Page, list[str]]:
        page = open_context(locale=BROWSER_LOCALES[locale], viewport={"width": 390, "height": 844}).new_page()
        complaints: list[str] = []
        watch(page, complaints)
        return page, complaints

    return open_one


def base_of(shop: MadeShop, store: int = 0) -> str:
    return f"/s/{shop.merchant.stores[store].code}/loyalty"


def fresh_email() -> str:
    return f"gast-{uuid.uuid4().hex[:12]}@example.lu"


def fill_form(page: Page, email: str, *, day: str = "", month: str = "", year: str = "") -> None:
    page.locator("[name=first_name]").fill("Anouk")
    page.locator("[name=last_name]").fill("Thill")
    page.locator("[name=email]").fill(email)
    for part, text in (("day", day), ("month", month), ("year", year)):
        page.locator(f"[data-part={part}]").fill(text)
    page.locator("[name=has_accepted_terms]").check()


def link_in(text: str) -> str:
    found = re.search(r"https?://[^\s]+/loyalty/link#[\w-]+", text)
    assert found, text
    return found.group()


@pytest.mark.parametrize("locale", LOCALES)
def test_somebody_joins_and_sees_the_card(open_phone: Any, site: Site, shop: MadeShop, locale: str) -> None:
    page, complaints = open_phone(locale)
    email = fresh_email()
    page.goto(f"{base_of(shop)}/join")
    fill_form(page, email, day="29", month="2", year="1988")
    page.locator("#enroll [type=submit]").click()
    expect(page).to_have_url(re.compile(r"/loyalty/success$"))
    expect(page.get_by_role("heading", name=translate(locale, "Works at all our locations"))).to_be_visible()
    expect(page.locator(".lcard-number")).to_have_text(re.compile(r"^\d{4}\s\d{4}\s\d{4}$"))
    assert page.locator(".lcard-qr img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    page.get_by_role("link", name=translate(locale, "Open my card")).click()
    expect(page.locator(".lcard-count")).to_contain_text("25")
    mail = site.wait_for_mail(email)
    assert f"{site.url}{base_of(shop)}/dashboard" in mail.text
    assert complaints == []


def test_errors_stand_at_their_fields(open_phone: Any, shop: MadeShop) -> None:
    page, complaints = open_phone()
    page.goto(f"{base_of(shop)}/join")
    page.locator("#enroll [type=submit]").click()
    for name, sentence in (("first_name", "Please fill in this field."), ("has_accepted_terms", "Please accept the terms to get a card.")):
        expect(page.locator(f"[data-error-for={name}]")).to_have_text(re.compile(re.escape(sentence)))
    expect(page.locator("[name=first_name]")).to_be_focused()
    fill_form(page, "anouk@", day="31", month="6", year="1990")
    page.locator("#enroll [type=submit]").click()
    expect(page.locator("[data-error-for=birth_date]")).to_contain_text("This date does not exist.")
    page.locator("[data-part=month]").fill("7")
    page.locator("#enroll [type=submit]").click()
    expect(page.locator("[data-error-for=email]")).to_contain_text("complete e-mail address")
    assert all("422" in complaint for complaint in complaints)


def test_a_double_tap_enrolls_once(open_phone: Any, site: Site, shop: MadeShop, arrange: Arrange[Any]) -> None:
    page, complaints = open_phone()
    email = fresh_email()
    page.goto(f"{base_of(shop)}/join")
    fill_form(page, email)
    page.locator("#enroll [type=submit]").dblclick()
    expect(page).to_have_url(re.compile(r"/loyalty/success$"))

    async def count() -> int:
        async with merchant_ctx(site.database, shop.merchant) as ctx:
            customer_id = await customers.find_customer_id_by_email(ctx, email)
            return len(await cards.list_of_customers(ctx, [customer_id] if customer_id else []))

    assert arrange(count()) == 1
    assert complaints == []


def test_a_known_address_gives_nothing_away_and_gets_a_mail(open_phone: Any, site: Site, shop: MadeShop, arrange: Arrange[Any]) -> None:
    card = arrange(make_card(site.database, shop.merchant, first_name="Geheim", stamps=7))
    page, complaints = open_phone()
    page.goto(f"{base_of(shop, 1)}/join")
    fill_form(page, card.email)
    page.locator("#enroll [type=submit]").click()
    expect(page).to_have_url(re.compile(r"/success\?known=1$"))
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    expect(page.get_by_role("heading", name="Works at all our locations")).to_be_visible()
    words = page.locator("body").inner_text()
    assert not [secret for secret in ("Geheim", card.number[:4], "7 of 10") if secret in words]
    page.goto(f"{base_of(shop, 1)}/dashboard")
    expect(page).to_have_url(re.compile(r"/sign-in$"))

    page.goto(link_in(site.wait_for_mail(card.email, with_text="/link#").text))
    page.get_by_role("button", name="Open my card").click()
    # Nobody chose a language on this phone: the pages now speak the customer's.
    expect(page.get_by_role("heading", name="Moien, Geheim")).to_be_visible()
    expect(page.locator(".lcard-count")).to_contain_text("7 vun 10 Stempelen")
    assert complaints == []


def test_a_mailed_link_works_once_and_a_scanner_uses_nothing_up(open_phone: Any, site: Site, shop: MadeShop, arrange: Arrange[Any]) -> None:
    card = arrange(make_card(site.database, shop.merchant))
    page, complaints = open_phone()
    page.goto(f"{base_of(shop)}/sign-in")
    page.locator("[name=email]").fill(card.email.upper())
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.get_by_text("If somebody with a card has this address")).to_be_visible()
    link = link_in(site.wait_for_mail(card.email, with_text="/link#").text)

    scanner, _ = open_phone()
    scanner.goto(link)
    expect(scanner.get_by_role("button", name="Open my card")).to_be_enabled()

    page.goto(link)
    page.get_by_role("button", name="Open my card").click()
    expect(page).to_have_url(re.compile(r"/dashboard$"))
    assert complaints == []

    scanner.get_by_role("button", name="Open my card").click()
    expect(scanner.get_by_text("This link is not valid any more.")).to_be_visible()
    scanner.get_by_role("link", name="Ask for a new link").click()
    expect(scanner.get_by_label("E-mail")).to_be_visible()

    scanner.goto(f"{base_of(shop)}/link")
    expect(scanner.get_by_text("The link is not complete")).to_be_visible()
    expect(scanner.get_by_role("button", name="Open my card")).to_be_disabled()


def test_the_answer_to_an_unknown_address_is_the_same(open_phone: Any, shop: MadeShop) -> None:
    page, complaints = open_phone()
    page.goto(f"{base_of(shop)}/sign-in")
    page.locator("[name=email]").fill(fresh_email())
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.get_by_text("If somebody with a card has this address")).to_be_visible()
    assert complaints == []


def test_data_language_and_signing_out(open_phone: Any, shop: MadeShop) -> None:
    page, complaints = open_phone()
    page.goto(f"{base_of(shop)}/join")
    fill_form(page, fresh_email())
    page.locator("#enroll [type=submit]").click()
    expect(page).to_have_url(re.compile(r"/success$"))
    page.goto(f"{base_of(shop)}/profile")
    page.get_by_label("First name").fill("Annick")
    page.get_by_label("Phone").fill("+352 621 123 456")
    page.locator("[name=wants_marketing]").check()
    page.get_by_label("Language").last.select_option("lb")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Meng Donnéeën")).to_be_visible()
    expect(page.get_by_label("Virnumm")).to_have_value("Annick")
    expect(page.locator("[name=wants_marketing]")).to_be_checked()
    page.get_by_label("Virnumm").fill("")
    page.get_by_role("button", name="Späicheren").click()
    expect(page.locator("[data-error-for=first_name]")).to_be_visible()
    assert all("422" in complaint for complaint in complaints)
    page.get_by_role("button", name="Ofmellen").click()
    expect(page).to_have_url(re.compile(r"/join$"))
    page.goto(f"{base_of(shop)}/profile")
    expect(page).to_have_url(re.compile(r"/sign-in$"))


def test_a_card_for_each_store(open_phone: Any, site: Site, arrange: Arrange[Any]) -> None:
    """A1 off: the person who is signed in gets a card at the second store at once, with a balance of its own."""
    shop: MadeShop = arrange(make_shop(site.database, stores=2, cross_location=False))
    first, second = shop.merchant.stores
    page, complaints = open_phone()
    page.goto(f"{base_of(shop)}/join")
    fill_form(page, fresh_email())
    page.locator("#enroll [type=submit]").click()
    expect(page.get_by_role("heading", name=f"Works at {first.name}")).to_be_visible()
    expect(page.locator("main").get_by_text(second.name)).to_have_count(0)
    number = page.locator(".lcard-number").inner_text()

    page.goto(f"{base_of(shop, 1)}/dashboard")
    expect(page.get_by_role("heading", name=f"No card for {second.name} yet")).to_be_visible()
    page.get_by_role("link", name="Get my card").click()
    page.locator("[name=has_accepted_terms]").check()
    page.locator("#enroll [type=submit]").click()
    expect(page).to_have_url(re.compile(r"/success$"))
    assert page.locator(".lcard-number").inner_text() != number
    page.goto(f"{base_of(shop, 1)}/dashboard")
    page.get_by_role("link", name=first.name).click()
    expect(page.locator(".lcard-number")).to_have_text(number)
    assert complaints == []
