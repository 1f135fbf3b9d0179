"""The panel's pages: every one without sign-in, with a lower role, with another merchant's ids, and what they show."""

import dataclasses
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from app.core.db.engine import Database
from app.core.i18n import translate
from app.modules.loyalty.domain.enums import PinRole, ProgramType
from app.modules.loyalty.queries import merges
from app.modules.loyalty.routes.pages._merchant import audit, cards, counter, home, people, program, settings, stores
from app.modules.loyalty.services import merge_service
from app.modules.loyalty.tests.factories import (
    MadeShop,
    earn,
    make_card,
    make_pin,
    make_reward,
    make_settings,
    make_shop,
    make_terminal,
    redeem_points,
)
from app.modules.tenancy.tests.factories import MadeMerchant, MadeUser, make_member, make_merchant, merchant_ctx, sign_in_cookie

Clients = Callable[..., httpx.AsyncClient]
HTML = {"Accept": "text/html"}


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """One page: its path with names of things in braces, and the lowest role that may see it."""

    path: str
    lowest: str = "manager"

    def __str__(self) -> str:
        return self.path


VIEWS = (
    View("/merchants"),
    View("/merchants/program"),
    View("/merchants/program/rewards"),
    View("/merchants/stores"),
    View("/merchants/stores/new", "owner"),
    View("/merchants/stores/{store_id}"),
    View("/merchants/stores/{store_id}/poster"),
    View("/merchants/stores/{store_id}/qr.svg"),
    View("/merchants/staff"),
    View("/merchants/terminals"),
    View("/merchants/cards", "staff"),
    View("/merchants/cards/{card_id}", "staff"),
    View("/merchants/cards/{card_id}/qr.svg", "staff"),
    View("/merchants/audit"),
    View("/merchants/customers"),
    View("/merchants/customers/duplicates"),
    View("/merchants/customers/{customer_id}/merge/{other_id}"),
    View("/merchants/customers/{customer_id}"),
    View("/merchants/settings"),
    View("/merchants/settings/locations"),
    View("/merchants/settings/merge"),
    View("/merchants/settings/merges/{merge_id}"),
)
WITH_IDS = [view for view in VIEWS if "{" in view.path]
ROLES = ("staff", "manager", "owner")


async def ids_of(database: Database, shop: MadeShop) -> dict[str, str]:
    card, other = await make_card(database, shop.merchant), await make_card(database, shop.merchant)
    run_id = uuid.uuid4()
    async with merchant_ctx(database, shop.merchant) as ctx:
        await ctx.conn.execute(merge_service.INSERT_RUN, ctx.merchant_id, run_id, None, ctx.actor.user_id, 1, ctx.now)
        await ctx.conn.execute(merge_service.FINISH_RUN, ctx.merchant_id, run_id, "done", ctx.now)
    ids = {
        "store_id": shop.merchant.store.id,
        "card_id": card.id,
        "merge_id": run_id,
        "customer_id": card.customer_id,
        "other_id": other.customer_id,
    }
    return {name: str(value) for name, value in ids.items()}


async def see(browser: httpx.AsyncClient, path: str, user: MadeUser, *, locale: str = "en") -> httpx.Response:
    browser.cookies.update(sign_in_cookie(user) | {"orion_lang": locale})
    return await browser.get(path, headers=HTML)


def test_every_page_has_an_entry() -> None:
    parts = (audit, cards, counter, home, people, program, settings, stores)
    routes = [route for part in parts for route in part.router.routes if isinstance(route, APIRoute)]
    assert {route.path for route in routes} == {view.path for view in VIEWS}
    assert all(route.methods == {"GET"} for route in routes)


@pytest.mark.parametrize("view", VIEWS, ids=str)
async def test_without_signing_in_it_leads_to_the_sign_in_page_and_back(client: httpx.AsyncClient, view: View) -> None:
    path = view.path.format(**dict.fromkeys(("store_id", "card_id", "customer_id", "other_id", "merge_id"), str(uuid.uuid4())))
    answer = await client.get(path, headers=HTML)
    assert answer.status_code == 303
    home, _, wanted = answer.headers["location"].partition("?next=")
    assert home == "/merchants/sign-in"
    assert wanted == ("" if path == "/merchants" else path.replace("/", "%2F"))


@pytest.mark.parametrize("view", VIEWS, ids=str)
async def test_each_role_sees_what_it_may(database: Database, make_client: Clients, view: View) -> None:
    shop = await make_shop(database)
    path = view.path.format(**await ids_of(database, shop))
    for role in ROLES:
        answer = await see(make_client(), path, shop.merchant.user(role))
        is_allowed = ROLES.index(role) >= ROLES.index(view.lowest)
        assert answer.status_code == (200 if is_allowed else 403), role
        assert ("text/html" in answer.headers["content-type"]) is (not is_allowed or not path.endswith(".svg"))
        if not is_allowed:
            assert "Sign in with an account that may see this page" in answer.text


@pytest.mark.parametrize("view", WITH_IDS, ids=str)
async def test_another_merchants_id_looks_like_an_unknown_one(database: Database, client: httpx.AsyncClient, view: View) -> None:
    shop, other = await make_shop(database), await make_shop(database)
    foreign = await ids_of(database, other)
    pages_seen = []
    for ids in (foreign, {name: str(uuid.uuid4()) for name in foreign}):
        path = view.path.format(**ids)
        answer = await see(client, path, shop.merchant.owner)
        assert answer.status_code == 404
        text = answer.text.replace(answer.headers["x-request-id"], "")
        pages_seen.append(re.sub(r"/language/(\w+)\?next=[^\"]*", r"\1", text).replace(path, ""))
    assert pages_seen[0] == pages_seen[1]


@pytest.mark.parametrize("path", ["/merchants/staff?store={store_id}", "/merchants/cards?store={store_id}", "/merchants/cards?store=x"])
async def test_a_filter_by_another_merchants_store_finds_no_such_store(database: Database, client: httpx.AsyncClient, path: str) -> None:
    shop, other = await make_shop(database), await make_merchant(database)
    answer = await see(client, path.format(store_id=other.store.id), shop.merchant.owner)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/merchants/cards?cursor=nonsense",
        "/merchants/cards/not-an-id",
        "/merchants/cards?q=" + "x" * 300,
        "/merchants/stores/{store_id}/poster?size=a0",
        "/merchants/settings/merge?cursor=AAAA",
    ],
)
async def test_a_broken_address_is_answered_with_a_page(database: Database, client: httpx.AsyncClient, path: str) -> None:
    shop = await make_shop(database)
    answer = await see(client, path.format(store_id=shop.merchant.store.id), shop.merchant.owner)
    assert answer.status_code in (400, 422)
    assert "<h1>" in answer.text


@pytest.mark.parametrize("locale", ["fr", "de", "lb"])
async def test_pages_speak_the_language_of_the_reader(database: Database, client: httpx.AsyncClient, locale: str) -> None:
    shop = await make_shop(database)
    texts = {
        "/merchants": ["First steps", "Give your staff their PINs", "Cards in use"],
        "/merchants/program": ["What do customers collect?", "Stamps for a full card"],
        "/merchants/settings/locations": ["One card for all stores", "Nobody holds several cards. There is nothing to do."],
    }
    for path, sentences in texts.items():
        page = (await see(client, path, shop.merchant.owner, locale=locale)).text
        for sentence in sentences:
            assert translate(locale, sentence).replace("'", "&#39;") in page
            assert sentence not in page


async def test_a_new_merchant_is_led_through_the_first_steps(database: Database, client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database)
    page = (await see(client, "/merchants", merchant.owner)).text
    assert "0 of 4 done" in page
    assert "Your numbers appear here" in page
    shop = await make_shop(database)
    await make_pin(database, shop.merchant)
    await make_terminal(database, shop.merchant)
    assert "3 of 4 done" in (await see(client, "/merchants", shop.merchant.owner)).text
    await make_card(database, shop.merchant)
    assert "First steps" not in (await see(client, "/merchants", shop.merchant.owner)).text


async def test_home_counts_today_and_charts_a_month(database: Database, client: httpx.AsyncClient) -> None:
    shop = await make_shop(database)
    await make_card(database, shop.merchant, stamps=3, amount_cents=1250)
    page = (await see(client, "/merchants", shop.merchant.owner)).text
    values = [int(value) for value in re.findall(r'class="stat-value">(\d+)<', page)]
    assert values == [3, 12, 0, 1, 1]  # stamps, points, rewards, new cards, cards in use
    block = re.search(r'id="stamps-data">(.*?)</script>', page, re.DOTALL)
    assert block
    chart = json.loads(block.group(1))
    assert [len(series["values"]) for series in chart["series"]] == [30, 30, 30]
    assert chart["series"][0]["values"][-1] == 3
    assert "Stamps in the last 7 full days: 0, as many as in the week before" in page


async def test_a_program_of_stamps_shows_no_points_and_the_other_way_round(database: Database, make_client: Clients) -> None:
    for kind, there, absent in ((ProgramType.STAMPS, "stamps-data", "points-data"), (ProgramType.POINTS, "points-data", "stamps-data")):
        shop = await make_shop(database, type=kind)
        page = (await see(make_client(), "/merchants", shop.merchant.owner)).text
        assert there in page
        assert absent not in page


@pytest.mark.parametrize("size", ["a4", "a6"])
async def test_the_poster_promises_in_four_languages_and_leads_to_the_store(
    database: Database, client: httpx.AsyncClient, size: str
) -> None:
    shop = await make_shop(database, stamps_target=8, stamp_reward="Croissant")
    store = shop.merchant.store
    page = (await see(client, f"/merchants/stores/{store.id}/poster?size={size}", shop.merchant.owner)).text
    assert f'<section class="sheet sheet-{size}">' in page
    assert '/theme/12654b.css"' in page
    for sentence in ("Collect 8 stamps: Croissant", "Cumulez 8 tampons", "Sammeln Sie 8 Stempel", "Sammelt 8 Stempelen"):
        assert sentence in page
    assert f"/s/{store.code}/loyalty/join" in page
    assert "1, rue du Fort, L-1234 Luxembourg" in page
    code = await see(client, f"/merchants/stores/{store.id}/qr.svg", shop.merchant.owner)
    assert code.headers["content-type"] == "image/svg+xml"


async def test_without_a_program_there_is_no_poster_but_the_way_to_one(database: Database, client: httpx.AsyncClient) -> None:
    merchant = await make_merchant(database)
    page = (await see(client, f"/merchants/stores/{merchant.store.id}/poster", merchant.owner)).text
    assert "First the program" in page
    assert "poster-qr" not in page


async def test_staff_are_grouped_by_store_and_a_locked_pin_says_so(database: Database, client: httpx.AsyncClient, superuser: Any) -> None:
    shop = await make_shop(database, stores=2)
    first = await make_pin(database, shop.merchant)
    await make_pin(database, shop.merchant, store=shop.merchant.stores[1], role=PinRole.MANAGER)
    await superuser.execute(
        "UPDATE loyalty_staff_pins SET failed_attempts = 5, locked_until = now() + interval '9 minutes' WHERE id = $1", first.id
    )
    page = (await see(client, "/merchants/staff", shop.merchant.owner)).text
    assert page.index("Staff of Filiale 1") < page.index("Staff of Filiale 2")
    assert page.count("Locked until") == 1
    assert page.count(f"/pins/{first.id}/unlock") == 1
    one = (await see(client, f"/merchants/staff?store={shop.merchant.stores[1].id}", shop.merchant.owner)).text
    assert "Staff of Filiale 1" not in one


async def test_cards_are_found_filtered_and_paged_by_address(database: Database, client: httpx.AsyncClient, superuser: Any) -> None:
    shop = await make_shop(database, stores=2)
    made = [await make_card(database, shop.merchant, store=shop.merchant.stores[number % 2]) for number in range(27)]
    first = await see(client, "/merchants/cards", shop.merchant.owner)
    found = re.findall(r'href="/merchants/cards/([0-9a-f-]{36})"', first.text)
    assert len(found) == 25
    following = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert following
    second = await see(client, following.group(1).replace("&amp;", "&"), shop.merchant.owner)
    before = re.search(r'rel="prev" href="([^"]+)"', second.text)
    assert before
    again = await see(client, before.group(1).replace("&amp;", "&"), shop.merchant.owner)
    assert re.findall(r'href="/merchants/cards/([0-9a-f-]{36})"', again.text) == found
    rest = re.findall(r'href="/merchants/cards/([0-9a-f-]{36})"', second.text)
    assert {*found, *rest} == {str(card.id) for card in made}
    assert 'rel="next"' not in second.text
    by_number = await see(client, f"/merchants/cards?q={made[3].number}", shop.merchant.owner)
    assert re.findall(r'href="/merchants/cards/([0-9a-f-]{36})"', by_number.text) == [str(made[3].id)]
    assert f'value="{made[3].number}"' in by_number.text
    nothing = await see(client, "/merchants/cards?q=nobody-at-all&status=merged", shop.merchant.owner)
    assert "No match" in nothing.text
    store = shop.merchant.stores[1]
    there = await see(client, f"/merchants/cards?store={store.id}&status=active", shop.merchant.owner)
    assert len(re.findall(r'href="/merchants/cards/[0-9a-f-]{36}"', there.text)) == 13


async def test_a_card_tells_why_each_number_is_as_it_is(database: Database, client: httpx.AsyncClient) -> None:
    shop = await make_shop(database)
    reward = await make_reward(database, shop.merchant, cost_points=10)
    card = await make_card(database, shop.merchant, stamps=2)
    await earn(database, shop.merchant, card, 1250)
    await redeem_points(database, shop.merchant, card, reward)
    page = (await see(client, f"/merchants/cards/{card.id}", shop.merchant.owner)).text
    for text in ("€12.50 at 1 point per euro", reward.name, "then 12", "Filiale 1", card.email):
        assert text in page
    assert page.count('data-open-modal="void"') == 3
    assert f'data-action="/api/v1/merchants/loyalty/cards/{card.id}/adjust"' in page
    seen_by_staff = (await see(client, f"/merchants/cards/{card.id}", shop.merchant.staff)).text
    assert "/adjust" not in seen_by_staff
    assert 'data-open-modal="void"' not in seen_by_staff


async def test_what_people_typed_is_never_markup(database: Database, client: httpx.AsyncClient) -> None:
    evil = "\"><script>alert(1)</script>&'"
    shop = await make_shop(database, card_name="Karte <b>", stamp_reward="<img src=x>")
    await make_reward(database, shop.merchant, name=evil, description=evil)
    await make_card(database, shop.merchant, first_name="<i>Léa</i>", last_name="O'Neill")
    paths = ("/merchants/program", "/merchants/program/rewards", "/merchants/cards", f"/merchants/stores/{shop.merchant.store.id}/poster")
    for path in paths:
        page = (await see(client, path, shop.merchant.owner)).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<i>Léa" not in page
    row = re.search(r'data-fill="([^"]*)"', (await see(client, "/merchants/program/rewards", shop.merchant.owner)).text)
    assert row
    assert "alert(1)" in row.group(1)


async def test_somebody_bound_to_a_store_manages_that_one_only(database: Database, client: httpx.AsyncClient) -> None:
    shop = await make_shop(database, stores=2)
    mine, other = shop.merchant.stores
    await make_pin(database, shop.merchant, store=other)
    await make_terminal(database, shop.merchant, store=other, name="Kasse anderswo")
    bound = await make_member(database, shop.merchant, role="manager", store_id=mine.id, bound=True)
    assert "Staff of Filiale 2" not in (await see(client, "/merchants/staff", bound)).text
    assert "Kasse anderswo" not in (await see(client, "/merchants/terminals", bound)).text
    assert (await see(client, f"/merchants/stores/{other.id}", bound)).status_code == 404
    assert (await see(client, f"/merchants/staff?store={other.id}", bound)).status_code == 404
    stores = (await see(client, "/merchants/stores", bound)).text
    assert f'href="/merchants/stores/{mine.id}"' in stores
    assert f'href="/merchants/stores/{other.id}"' not in stores


async def make_several_cards(database: Database, merchant: MadeMerchant) -> None:
    await make_settings(database, merchant, cross_location=False)
    email = f"zwee-{uuid.uuid4().hex[:10]}@example.lu"
    for store in merchant.stores:
        await make_card(database, merchant, store=store, email=email, stamps=4, amount_cents=700)
    await make_settings(database, merchant, cross_location=True)


async def test_the_way_to_one_card_shows_who_then_the_sums(database: Database, client: httpx.AsyncClient, worker_once: Any) -> None:
    shop = await make_shop(database, stores=2)
    await make_several_cards(database, shop.merchant)
    assert "1 person holds several cards: 2 in all" in (await see(client, "/merchants/settings/locations", shop.merchant.owner)).text
    preview = (await see(client, "/merchants/settings/merge", shop.merchant.owner)).text
    assert re.findall(r'class="is-num" data-label="(Stamps|Points) then">(\d+)<', preview) == [("Stamps", "8"), ("Points", "14")]
    async with merchant_ctx(database, shop.merchant) as ctx:
        run = await merge_service.start_merge_of_all(ctx)
    assert "0 of 1 people" in (await see(client, f"/merchants/settings/merges/{run.id}", shop.merchant.owner)).text
    assert "The cards are being merged" in (await see(client, "/merchants/settings/merge", shop.merchant.owner)).text
    await worker_once(merchant_id=shop.merchant.id)
    page = (await see(client, f"/merchants/settings/merges/{run.id}", shop.merchant.owner)).text
    assert re.findall(r'class="is-num">(\d+)<', page) == ["8", "8", "14", "14"]
    assert "The sums agree" in page
    async with merchant_ctx(database, shop.merchant) as ctx:
        assert (await merges.count_several(ctx)).people == 0


async def test_while_cards_belong_to_stores_nobody_is_offered_to_merge(database: Database, client: httpx.AsyncClient) -> None:
    shop = await make_shop(database, stores=2)
    await make_several_cards(database, shop.merchant)
    await make_settings(database, shop.merchant, cross_location=False)
    page = (await see(client, "/merchants/settings/merge", shop.merchant.owner)).text
    assert "Each store has its own cards" in page
    assert 'data-open-modal="merge"' not in page
