"""The pages behind the links in mails, in a real browser: working with scripts switched off."""

import dataclasses
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.core.i18n import LOCALES, translate
from app.modules.customers import public as customers
from app.modules.loyalty.tests.factories import MadeShop, make_card, make_shop
from app.modules.messaging.services import links
from app.modules.tenancy.tests.factories import make_customer_session, merchant_ctx
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import axe_violations, watch

pytestmark = pytest.mark.e2e
PHONE = {"width": 390, "height": 844}
OpenContext = Callable[..., BrowserContext]


@dataclasses.dataclass(frozen=True)
class Reader:
    """Somebody who gets mails, and the paths of the links in them."""

    shop: MadeShop
    customer_id: uuid.UUID
    paths: dict[str, str]


def make_reader(site: Site, arrange: Arrange[Any], locale: str) -> Reader:
    async def prepare() -> Reader:
        shop = await make_shop(site.database, colour="#7b3f00")
        card = await make_card(site.database, shop.merchant, first_name="Zoé", locale=locale)
        async with merchant_ctx(site.database, shop.merchant) as ctx:
            await customers.record_consents(
                ctx, card.customer_id, text_version="1", source=customers.ConsentSource.STOREFRONT, locale=locale, marketing=True
            )
            paths = {what: links.unsubscribe_link(ctx, card.customer_id, what) for what in ("marketing", "reminder")}
            paths["preferences"] = links.preferences_link(ctx, card.customer_id)
        return Reader(shop, card.customer_id, {what: urlsplit(link).path for what, link in paths.items()})

    made: Reader = arrange(prepare())
    return made


def wants_marketing(site: Site, arrange: Arrange[Any], reader: Reader) -> bool:
    async def ask() -> bool:
        async with merchant_ctx(site.database, reader.shop.merchant) as ctx:
            return customers.ConsentPurpose.MARKETING in await customers.current_consents(ctx, reader.customer_id)

    answer: bool = arrange(ask())
    return answer


def open_page(open_context: OpenContext, **choices: Any) -> tuple[Page, list[str]]:
    page = open_context(viewport=PHONE, **choices).new_page()
    complaints: list[str] = []
    watch(page, complaints)
    return page, complaints


@pytest.mark.parametrize("locale", LOCALES)
def test_unsubscribing_is_said_in_the_readers_language(open_context: OpenContext, site: Site, arrange: Arrange[Any], locale: str) -> None:
    reader = make_reader(site, arrange, locale)
    page, complaints = open_page(open_context)
    page.goto(reader.paths["marketing"])
    expect(page.locator("html")).to_have_attribute("lang", locale)
    page.get_by_role("button", name=translate(locale, "Unsubscribe")).click()
    expect(page.get_by_role("heading", name=translate(locale, "You are unsubscribed"))).to_be_visible()
    assert axe_violations(page) == []
    assert complaints == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_choosing_works_with_and_without_scripts(open_context: OpenContext, site: Site, arrange: Arrange[Any], scripts: bool) -> None:
    """From the mail's link to done and back again, and the profile agrees."""
    reader = make_reader(site, arrange, "en")
    page, complaints = open_page(open_context, java_script_enabled=scripts)
    page.goto(reader.paths["marketing"])
    assert wants_marketing(site, arrange, reader)
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    assert not wants_marketing(site, arrange, reader)
    page.get_by_role("link", name="Choose which e-mails you receive").click()
    news = page.get_by_role("checkbox", name="News and birthday wishes")
    expect(news).not_to_be_checked()
    news.check()
    page.get_by_role("checkbox", name="Reminders").uncheck()
    page.get_by_role("combobox", name="Language").select_option("de")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice[role=status]")).to_contain_text("Gespeichert")
    expect(page.get_by_role("checkbox", name="Erinnerungen")).not_to_be_checked()
    assert wants_marketing(site, arrange, reader)
    assert complaints == []


def test_the_profile_leads_there_and_agrees(open_context: OpenContext, site: Site, arrange: Arrange[Any]) -> None:
    reader = make_reader(site, arrange, "en")
    session = arrange(make_customer_session(site.database, reader.shop.merchant, reader.customer_id))
    page, complaints = open_page(open_context)
    page.context.add_cookies([{"name": session.cookie, "value": session.token, "url": site.url}])
    profile = f"/s/{reader.shop.merchant.store.code}/loyalty/profile"
    page.goto(profile)
    expect(page.locator("[name=wants_marketing]")).to_be_checked()
    page.get_by_role("link", name="Choose which e-mails you receive").click()
    page.get_by_role("checkbox", name="News and birthday wishes").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice[role=status]")).to_contain_text("Saved")
    page.goto(profile)
    expect(page.locator("[name=wants_marketing]")).not_to_be_checked()
    assert complaints == []
