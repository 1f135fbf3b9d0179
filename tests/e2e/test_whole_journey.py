"""The main job through all faces: a phone joins, the counter's camera sees its code, ten stamps, the reward, and the phone sees it all;
then the second store, where the card works or does not, as the merchant says."""

import dataclasses
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.modules.loyalty.tests.counter import Shop, make_shop
from tests.e2e.conftest import Arrange, Site
from tests.e2e.kit_browser import chromium
from tests.e2e.terminal_site import CAMERA_FLAGS, LANDSCAPE, Till, write_film

pytestmark = pytest.mark.e2e
Open = Callable[..., BrowserContext]
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera will see, written once the card exists."""
    return tmp_path_factory.mktemp("camera") / "card.y4m"


@pytest.fixture(scope="module")
def browser(film: Path) -> Iterator[Browser]:
    with chromium(*CAMERA_FLAGS, f"--use-file-for-fake-video-capture={film}") as opened:
        yield opened


async def read_token(url: str, number: str) -> str:
    conn = await asyncpg.connect(url)
    try:
        token: str = await conn.fetchval("SELECT qr_token FROM loyalty_cards WHERE card_number = $1", re.sub(r"\s", "", number))
    finally:
        await conn.close()
    return token


def join(page: Page, shop: Shop) -> str:
    """Fill in the form behind the first store's poster; return the new card's number."""
    page.goto(f"/s/{shop.counters[0].store.code}/loyalty/join")
    page.locator("[name=first_name]").fill("Anouk")
    page.locator("[name=last_name]").fill("Thill")
    page.locator("[name=email]").fill(f"anouk-{uuid.uuid4().hex[:12]}@example.lu")
    page.locator("[name=has_accepted_terms]").check()
    page.locator("#enroll [type=submit]").click()
    expect(page).to_have_url(re.compile(r"/loyalty/success$"))
    return page.locator(".lcard-number").inner_text()


@pytest.mark.parametrize("is_cross_location", [True, False])
def test_from_the_poster_to_the_reward_and_the_second_store(
    site: Site, arrange: Arrange[Any], open_context: Open, film: Path, is_cross_location: bool
) -> None:
    shop: Shop = arrange(make_shop(site.database, stores=2, is_open=False, stamp_reward="Kaffee", is_cross_location=is_cross_location))
    phone = open_context(locale="en-GB", viewport=PHONE).new_page()
    number = join(phone, shop)
    write_film(film, arrange(read_token(site.stack.urls.superuser, number)))

    till = Till(site, arrange, open_context(viewport=LANDSCAPE), shop)
    till.open()
    till.page.get_by_role("button", name="Scan with the camera").click()
    till.expect_card("Anouk Thill")
    till.stamp(10)
    till.expect_result("10 stamps added: 1 reward ready")
    till.page.get_by_role("button", name="Redeem: Kaffee").click()
    till.expect_result("Reward redeemed: Kaffee")

    phone.goto(f"/s/{shop.counters[0].store.code}/loyalty/history")
    expect(phone.locator("main")).to_contain_text("+10")
    expect(phone.locator("main")).to_contain_text("−10")

    second = Till(site, arrange, open_context(viewport=LANDSCAPE), dataclasses.replace(shop, counters=shop.counters[1:]))
    second.open()
    if is_cross_location:
        second.find(number, name="Anouk Thill")
        second.stamp()
        second.expect_result("1 stamp added: 1 of 10 stamps")
        phone.goto(f"/s/{shop.counters[1].store.code}/loyalty/dashboard")
        expect(phone.locator(".lcard-number")).to_have_text(number)
    else:
        second.page.get_by_role("searchbox").fill(number)
        second.page.keyboard.press("Enter")
        expect(second.page.get_by_role("heading", name="No match")).to_be_visible()
    assert till.complaints == second.complaints == []
