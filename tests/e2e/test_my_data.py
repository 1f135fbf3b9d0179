"""A person takes their data away and has it erased, by keyboard alone; a merchant answers somebody who asks."""

import dataclasses
import io
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import redis
from playwright.sync_api import BrowserContext, Page, expect

from app.core.credentials import USER_COOKIE
from app.core.web.credentials import LANGUAGE_COOKIE
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, make_card, make_shop
from app.modules.tenancy.tests.factories import make_customer_session
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import axe_violations, watch

pytestmark = pytest.mark.e2e
OpenContext = Callable[..., BrowserContext]
PHONE = {"width": 390, "height": 844}
MOST_TABS = 40
FIRST_NAME, LAST_NAME = "Quirina", "Zweifelstëin"


@dataclasses.dataclass(frozen=True)
class Holder:
    """A shop, and somebody with a card there."""

    shop: MadeShop
    card: MadeCard


@pytest.fixture
def holder(site: Site, arrange: Arrange[Any]) -> Holder:
    async def prepare() -> Holder:
        shop = await make_shop(site.database, stores=2, welcome_bonus_points=20)
        return Holder(
            shop, await make_card(site.database, shop.merchant, stamps=3, first_name=FIRST_NAME, last_name=LAST_NAME, locale="en")
        )

    made: Holder = arrange(prepare())
    return made


def open_page(open_context: OpenContext, cookies: dict[str, str], site: Site, **choices: Any) -> tuple[Page, list[str]]:
    context = open_context(locale="en-GB", **choices)
    context.add_cookies([{"name": name, "value": value, "url": site.url} for name, value in cookies.items()])
    page = context.new_page()
    complaints: list[str] = []
    watch(page, complaints)
    return page, complaints


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is called `name` has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if name in page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()"):
            return
    raise AssertionError(f"{name} cannot be reached with the Tab key")


def find_email(site: Site, arrange: Arrange[Any], customer_id: uuid.UUID) -> str | None:
    """Return the customer's address, None once they are erased."""

    async def read() -> str | None:
        async with site.database.platform.connect() as connection:
            found = await connection.exec_driver_sql("SELECT email FROM customers WHERE id = $1", (customer_id,))
            email: str | None = found.scalar()
            return email

    email: str | None = arrange(read())
    return email


def places_with(site: Site, words: list[str]) -> list[str]:
    """Return the broker's keys, and the logs and files of all processes outside the database, in which any of `words` stands."""
    assert site.stack.valkey is not None
    broker = redis.Redis(unix_socket_path=str(site.stack.valkey.socket_path))
    readers: dict[Any, Callable[[Any], Any]] = {
        b"string": broker.get,
        b"list": lambda key: broker.lrange(key, 0, -1),
        b"hash": broker.hgetall,
        b"set": broker.smembers,
        b"zset": lambda key: broker.zrange(key, 0, -1),
    }
    texts = {f"broker {key!r}": repr(readers[broker.type(key)](key)) for key in broker.scan_iter()}
    for path in site.stack.folder.rglob("*"):
        if path.is_file() and site.stack.folder / "postgres" not in path.parents:
            texts[str(path)] = path.read_bytes().decode("utf-8", "replace")
    assert any(name.endswith(".log") for name in texts)
    broker.close()
    return [place for place, text in texts.items() if any(word.casefold() in text.casefold() for word in words)]


def test_somebody_downloads_and_erases_by_keyboard_alone(
    open_context: OpenContext, site: Site, arrange: Arrange[Any], holder: Holder
) -> None:
    session = arrange(make_customer_session(site.database, holder.shop.merchant, holder.card.customer_id))
    page, complaints = open_page(open_context, {session.cookie: session.token}, site, viewport=PHONE)
    page.goto(f"/s/{holder.shop.merchant.store.code}/loyalty/profile")
    tab_to(page, "Everything about me")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Everything about me")).to_be_visible()
    assert axe_violations(page) == []
    tab_to(page, "Make the file")
    page.keyboard.press("Enter")
    file = page.get_by_role("link", name="my-data-")
    expect(file).to_be_visible(timeout=20_000)  # the worker makes it, the page looks by itself
    with page.expect_download() as download:
        tab_to(page, "my-data-")
        page.keyboard.press("Enter")
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        assert LAST_NAME in archive.read("my-data.json").decode()
    tab_to(page, "Erase my data")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Erase my data")).to_be_visible()
    assert axe_violations(page) == []
    tab_to(page, "Erase for good")
    page.keyboard.press("Enter")  # without the tick nothing happens
    expect(page.get_by_role("checkbox", name="I understand")).to_have_attribute("aria-invalid", "true")
    email = find_email(site, arrange, holder.card.customer_id)
    assert email is not None
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="I understand")).to_be_checked()
    tab_to(page, "Erase for good")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your data was erased")).to_be_visible()
    assert axe_violations(page) == []
    assert find_email(site, arrange, holder.card.customer_id) is None
    assert places_with(site, [FIRST_NAME, LAST_NAME, email]) == []
    page.goto(f"/s/{holder.shop.merchant.store.code}/loyalty/my-data")
    expect(page).to_have_url(f"{site.url}/s/{holder.shop.merchant.store.code}/loyalty/sign-in")
    assert [complaint for complaint in complaints if "422" not in complaint] == []


def test_a_merchant_erases_somebody_who_asks(open_context: OpenContext, site: Site, arrange: Arrange[Any], holder: Holder) -> None:
    owner = holder.shop.merchant.owner
    page, complaints = open_page(
        open_context, {USER_COOKIE: owner.token, LANGUAGE_COOKIE: "en"}, site, viewport={"width": 1280, "height": 900}
    )
    page.goto(f"/merchants/customers/{holder.card.customer_id}")
    page.get_by_role("link", name="Erase all data").click()
    expect(page.get_by_role("heading", name=f"Erase the data of {FIRST_NAME} {LAST_NAME}")).to_be_visible()
    assert axe_violations(page) == []
    page.get_by_role("checkbox", name="I understand").check()
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("The data of this person were deleted")).to_be_visible()
    expect(page.get_by_role("link", name="Erase all data")).to_have_count(0)
    assert find_email(site, arrange, holder.card.customer_id) is None
    assert complaints == []
