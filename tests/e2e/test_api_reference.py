"""The API reference in a browser: a filter, an address that opens its operation, and all of it without scripts."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.conftest import Site
from tests.e2e.kit_browser import watch
from tests.security.routes import all_routes

pytestmark = pytest.mark.e2e
OPERATIONS = sum(len(item) for item in all_routes()[1]["paths"].values())


def test_the_filter_finds_by_path_word_and_permission(open_context: Callable[..., BrowserContext], site: Site) -> None:
    page = open_context().new_page()
    complaints: list[str] = []
    watch(page, complaints)
    page.goto("/docs/api")
    operations = page.locator("li[data-words]").locator("visible=true")
    expect(operations).to_have_count(OPERATIONS)
    page.keyboard.press("/")
    page.keyboard.type("store stamp redeem")
    expect(operations).to_have_count(1)
    status = page.locator(".panel-main [role=status]")
    expect(status).to_have_text("1 operation fits")
    page.get_by_role("searchbox").fill("no such thing")
    expect(operations).to_have_count(0)
    expect(status).to_have_text("0 operations fit")
    page.get_by_role("searchbox").fill("loyalty.card.read history")
    operations.first.get_by_role("link").click()
    opened = page.locator("details[open]")
    expect(opened).to_have_count(1)
    expect(opened.get_by_role("heading", name=re.compile("history"))).to_be_visible()
    expect(opened.get_by_role("rowheader", name="cursor", exact=True)).to_be_visible()
    assert complaints == []


def test_an_operation_says_everything(open_context: Callable[..., BrowserContext], site: Site) -> None:
    page = open_context().new_page()
    page.goto("/docs/api/loyalty-store#post-api-v1-store-loyalty-stamp-redeem")
    opened = page.locator("#post-api-v1-store-loyalty-stamp-redeem")
    expect(opened.get_by_role("rowheader", name="Idempotency-Key")).to_be_visible()
    expect(opened.locator("pre").first).to_contain_text('"card_id"')
    expect(opened.get_by_text("Not possible right now")).to_be_visible()


def test_without_scripts_everything_is_there(open_context: Callable[..., BrowserContext], site: Site) -> None:
    page = open_context(java_script_enabled=False, locale="lb-LU").new_page()
    page.goto("/docs/api")
    expect(page.get_by_role("heading", name="API-Referenz")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_hidden()
    expect(page.locator("li[data-words]")).to_have_count(OPERATIONS)
    page.get_by_role("link", name="Loyalty - Store", exact=True).click()
    page.locator("#post-api-v1-store-loyalty-stamp summary").click()
    expect(page.locator("#post-api-v1-store-loyalty-stamp pre").first).to_be_visible()
