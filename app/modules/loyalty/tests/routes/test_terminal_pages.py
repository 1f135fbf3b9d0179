"""The terminal's pages over HTTP: who gets in, what stands in them, and that nobody sees another shop's card."""

import json
import re
from typing import Any

import httpx

from app.core.credentials import TERMINAL_COOKIE
from app.core.db.engine import Database
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.domain.enums import PinPolicy
from app.modules.loyalty.tests.counter import API, Shop, applicant, make_card, make_reward, make_shop
from app.modules.loyalty.tests.factories import make_settings
from app.modules.tenancy.tests.factories import make_member, make_merchant, sign_in_cookie

PAGE = {"Accept": "text/html"}


def at(shop: Shop) -> dict[str, str]:
    """Headers of a page asked for by the shop's terminal."""
    return PAGE | {"Cookie": f"{TERMINAL_COOKIE}={shop.counter.token}"}


def data_of(page: str) -> dict[str, Any]:
    """The data that the page hands to its script."""
    found = re.search(r'<script type="application/json" id="terminal-data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


async def test_a_stranger_is_led_to_pairing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/store/terminal", headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/store/terminal/pair")
    page = await client.get("/store/terminal/pair", headers=PAGE)
    assert page.status_code == 200
    assert "/merchants/sign-in?next=/store/terminal" in page.text
    assert "camera=(self)" in page.headers["permissions-policy"].replace("'", "")


async def test_a_device_that_was_a_terminal_hears_why(client: httpx.AsyncClient) -> None:
    headers = PAGE | {"Accept-Language": "en"}
    assert "not connected any more" not in (await client.get("/store/terminal/pair", headers=headers)).text
    page = await client.get("/store/terminal/pair", headers=headers | {"Cookie": f"{TERMINAL_COOKIE}=gone"})
    assert "not connected any more" in page.text


async def test_the_shell_says_store_program_and_team(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, is_open=False, colour="#7b3f00", terms_text="Nur für <Menschen>")
    page = (await client.get("/store/terminal", headers=at(shop))).text
    for words in (shop.merchant.store.name, "Stammkaart", "Anouk", "Marc", "/theme/7b3f00.css", "Nur für &lt;Menschen&gt;"):
        assert words in page
    data = data_of(page)
    assert [person["display_name"] for person in data["team"]["items"]] == ["Anouk", "Marc"]
    assert data["staff"] is None
    assert data["team"]["pin_policy"] == "required"


async def test_session_in_one_call(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, stamp_reward="Kaffee")
    await make_reward(database, shop, cost_points=30, name="Kuchen")
    answer = (await client.get(f"{API}/session", headers={"Cookie": f"{TERMINAL_COOKIE}={shop.counter.token}"})).json()
    assert answer["store_id"] == str(shop.merchant.store.id)
    assert answer["merchant_name"] == shop.merchant.name
    assert answer["staff"]["display_name"] == "Anouk"
    assert answer["unlocked_until"] > answer["now"]
    assert answer["unlock_minutes"] == 5
    assert answer["program"]["stamp_reward"] == "Kaffee"
    assert [reward["name"] for reward in answer["program"]["rewards"]] == ["Kuchen"]


async def test_an_open_policy_shows_no_lock(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, is_open=False)
    locked = (await client.get("/store/terminal", headers=at(shop))).text
    await make_settings(database, shop.merchant, pin_policy=PinPolicy.OFF)
    opened = (await client.get("/store/terminal", headers=at(shop))).text
    hidden_work = re.compile(r'class="terminal-work" x-show="isReady"\s+x-cloak')
    assert hidden_work.search(locked)
    assert not hidden_work.search(opened)


async def test_without_a_program_there_is_a_page_all_the_same(client: httpx.AsyncClient, database: Database) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.staff))
    page = await client.get("/store/terminal", headers=PAGE | {"Accept-Language": "en"})
    assert page.status_code == 200
    assert "load again" in page.text.lower() or "charger" in page.text.lower()
    answer = (await client.get(f"{API}/session")).json()
    assert answer["program"] is None


async def test_who_works_at_several_stores_is_asked_where(client: httpx.AsyncClient, database: Database) -> None:
    merchant = await make_merchant(database, stores=2)
    somebody = await make_member(database, merchant, role="manager", store_id=None)
    client.cookies.update(sign_in_cookie(somebody))
    answer = await client.get("/store/terminal", headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/store/terminal/store")
    page = (await client.get("/store/terminal/store", headers=PAGE)).text
    assert all(store.name in page for store in merchant.stores)


async def test_code_and_paper_of_a_card(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, stamp_reward="Kaffee")
    card = await make_card(database, shop, person=applicant(first_name="Zoé", last_name="Thill"))
    image = await client.get(f"/store/terminal/cards/{card.id}/qr.svg", headers=at(shop))
    assert image.headers["content-type"] == "image/svg+xml"
    assert image.headers["cache-control"] == "no-store"
    assert image.text.startswith("<svg")
    page = (await client.get(f"/store/terminal/cards/{card.id}/print", headers=at(shop))).text
    for words in (format_number(card.card_number), "Zoé Thill", "Kaffee", f"/store/terminal?card={card.id}"):
        assert words in page


async def test_another_shops_card_does_not_exist(client: httpx.AsyncClient, database: Database) -> None:
    shop, other = await make_shop(database), await make_shop(database)
    card = await make_card(database, other)
    for path in (f"/store/terminal/cards/{card.id}/qr.svg", f"/store/terminal/cards/{card.id}/print"):
        answer = await client.get(path, headers=at(shop))
        assert answer.status_code == 404
        assert card.card_number not in answer.text
