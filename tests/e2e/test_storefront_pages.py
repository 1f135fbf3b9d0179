"""The storefront on a phone: in one language throughout, and readable with scripts switched off."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.core.i18n import LOCALES, formatting, translate
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, make_card, make_reward, make_shop
from app.modules.tenancy.public import NewSession
from app.modules.tenancy.tests.factories import make_customer_session
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import watch

pytestmark = pytest.mark.e2e
PHONE = {"width": 390, "height": 844}
BROWSER_LOCALES = {"en": "en-GB", "fr": "fr-FR", "de": "de-DE", "lb": "lb-LU"}
OpenContext = Callable[..., BrowserContext]


@dataclasses.dataclass(frozen=True)
class Shopping:
    """A shop with two stores and somebody who has collected there, signed in on this phone."""

    shop: MadeShop
    card: MadeCard
    session: NewSession

    @property
    def base(self) -> str:
        return f"/s/{self.shop.merchant.store.code}/loyalty"


@pytest.fixture(scope="module")
def shopping(site: Site, arrange: Arrange[Any]) -> Shopping:
    async def prepare() -> Shopping:
        shop = await make_shop(
            site.database, stores=2, welcome_bonus_points=20, points_expiration_days=365, terms_text="Erster Absatz.\n\nZweiter Absatz."
        )
        await make_reward(site.database, shop.merchant, name="Petit-déjeuner", cost_points=50)
        await make_reward(site.database, shop.merchant, name="Gâteau", cost_points=500)
        card = await make_card(site.database, shop.merchant, stamps=12, amount_cents=4_250, first_name="Zoé", locale="de")
        session = await make_customer_session(site.database, shop.merchant, card.customer_id)
        return Shopping(shop, card, session)

    made: Shopping = arrange(prepare())
    return made


def sign_in(context: BrowserContext, site: Site, session: NewSession) -> None:
    context.add_cookies([{"name": session.cookie, "value": session.token, "url": site.url}])


def open_phone(open_context: OpenContext, locale: str = "en", **choices: Any) -> tuple[Page, list[str]]:
    page = open_context(locale=BROWSER_LOCALES[locale], viewport=PHONE, **choices).new_page()
    complaints: list[str] = []
    watch(page, complaints)
    return page, complaints


@pytest.mark.parametrize("locale", LOCALES)
def test_without_scripts_every_word_is_there_in_the_pages_language(
    open_context: OpenContext, site: Site, shopping: Shopping, locale: str
) -> None:
    page, complaints = open_phone(open_context, locale, java_script_enabled=False)
    page.goto(f"{shopping.base}/join")
    expect(page.locator("html")).to_have_attribute("lang", locale)
    # Playwright's text search leaves <noscript> out, a person does not.
    assert page.locator("noscript .notice strong").inner_text() == translate(locale, "Joining here needs JavaScript")
    expect(page.get_by_role("heading", name=translate(locale, "What you get"))).to_be_visible()
    sign_in(page.context, site, shopping.session)
    page.goto(f"{shopping.base}/success")
    expect(page.get_by_role("heading", name=translate(locale, "Works at all our locations"))).to_be_visible()
    page.goto(f"{shopping.base}/dashboard")
    expect(page.get_by_role("img", name=translate(locale, "QR code of this card"))).to_be_visible()
    expect(page.get_by_text(translate(locale, "You can redeem this now"))).to_be_visible()
    page.goto(f"{shopping.base}/history")
    purchase = translate(
        locale,
        "Purchase of %(amount)s, %(rate)s.",
        {"amount": formatting.money(4_250, locale=locale), "rate": translate(locale, "1 point per euro")},
    )
    expect(page.get_by_text(purchase)).to_be_visible()
    for english in ("Points collected", "Nothing is ever edited"):
        expect(page.get_by_text(english)).to_have_count(1 if locale == "en" else 0)
    assert complaints == []


def test_nothing_typed_leaves_the_page_without_a_script(open_context: OpenContext, shopping: Shopping) -> None:
    page, _complaints = open_phone(open_context, java_script_enabled=False)
    page.goto(f"{shopping.base}/join")
    page.locator("[name=email]").fill("someone@example.lu")
    page.get_by_role("button", name="Get my card").click()
    page.locator("[name=email]").press("Enter")
    expect(page).to_have_url(re.compile(r"/join$"))
    expect(page.locator("[name=email]")).to_have_value("someone@example.lu")


def test_the_language_is_the_pages_choice_before_the_browsers(open_context: OpenContext, shopping: Shopping) -> None:
    page, complaints = open_phone(open_context, "de")
    page.goto(f"{shopping.base}/join")
    expect(page.get_by_role("heading", name="Was Sie bekommen")).to_be_visible()
    page.locator(".lang-menu summary").click()
    page.get_by_role("link", name="Lëtzebuergesch").click()
    expect(page.get_by_role("heading", name="Wat Dir kritt")).to_be_visible()
    page.goto(f"{shopping.base}/terms")
    expect(page.get_by_role("heading", name="Dateschutz", exact=True)).to_be_visible()
    assert complaints == []


def test_what_is_missing_to_a_reward_is_said(open_context: OpenContext, site: Site, shopping: Shopping) -> None:
    page, complaints = open_phone(open_context)
    sign_in(page.context, site, shopping.session)
    page.goto(f"{shopping.base}/dashboard")
    expect(page.get_by_role("heading", name="Hello Zoé")).to_be_visible()
    expect(page.get_by_text("1 reward is ready")).to_be_visible()
    expect(page.get_by_text("438 points to go")).to_be_visible()
    expect(page.get_by_text("8 stamps to go: Ein Kaffee")).to_be_visible()
    expect(page.get_by_text("Your points are valid until")).to_be_visible()
    page.goto(f"{shopping.base}/history")
    expect(page.locator("ol > li")).to_have_count(3)
    expect(page.locator("ol > li").nth(2)).to_contain_text("Welcome bonus")
    assert complaints == []


def test_addresses_that_lead_nowhere_say_what_to_do(open_context: OpenContext, shopping: Shopping) -> None:
    page, _complaints = open_phone(open_context)
    answer = page.goto("/s/no-such-store/loyalty/join")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_text("Scan the code at the shop’s counter again")).to_be_visible()
    page.goto(f"{shopping.base}/dashboard")
    expect(page).to_have_url(re.compile(r"/loyalty/sign-in$"))
    page.goto(shopping.base.removesuffix("/loyalty"))
    expect(page).to_have_url(re.compile(r"/loyalty/join$"))
