"""The storefront's pages as the server writes them: who sees what, what nobody sees, and the words for each state of a card."""

import datetime as dt
import decimal
import re
import uuid

import httpx
import pytest

from app.core import clock
from app.core.db.engine import Database
from app.core.i18n import use_locale
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.domain.enums import ProgramType, TransactionType, VoidPolicy
from app.modules.loyalty.queries.transactions import HistoryRow
from app.modules.loyalty.routes.pages import _storefront_views as views
from app.modules.loyalty.services import card_service, points_service
from app.modules.loyalty.tests.factories import (
    MadeCard,
    MadeShop,
    a_key,
    earn,
    make_card,
    make_program,
    make_reward,
    make_settings,
    make_shop,
    stamp,
)
from app.modules.tenancy.tests.factories import customer_cookie, make_customer_session, make_merchant, merchant_ctx

PAGE = {"Accept": "text/html", "Accept-Language": "en"}


async def get(client: httpx.AsyncClient, shop: MadeShop, path: str, *, store: int = 0, language: str = "en") -> httpx.Response:
    address = f"/s/{shop.merchant.stores[store].code}/loyalty/{path}"
    return await client.get(address, headers=PAGE | {"Accept-Language": language})


async def visit(client: httpx.AsyncClient, database: Database, shop: MadeShop, card: MadeCard) -> None:
    session = await make_customer_session(database, shop.merchant, card.customer_id)
    client.cookies.update(customer_cookie(session))


def words(response: httpx.Response) -> str:
    """Return what a person reads, white space aside."""
    return re.sub(
        r"\s+", " ", re.sub(r"<[^>]*>", " ", re.sub(r"<script.*?</script>|<template.*?</template>", "", response.text, flags=re.S))
    )


@pytest.mark.parametrize("path", ["dashboard", "history", "profile", "card/print", "success"])
async def test_own_pages_lead_strangers_to_the_sign_in(client: httpx.AsyncClient, database: Database, path: str) -> None:
    shop = await make_shop(database)
    answer = await get(client, shop, path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/s/{shop.merchant.store.code}/loyalty/sign-in")


async def test_the_code_is_ones_own_and_nobody_keeps_it(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant)
    address = f"/s/{shop.merchant.store.code}/loyalty/card/qr.svg"
    assert (await client.get(address)).status_code == 401
    await visit(client, database, shop, card)
    answer = await client.get(address)
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/svg+xml", "no-store")
    assert "style=" not in answer.text
    assert card.qr_token not in (await get(client, shop, "dashboard")).text


async def test_a_merchant_without_a_program_has_a_friendly_page(client: httpx.AsyncClient, database: Database) -> None:
    merchant = await make_merchant(database)
    for path in ("join", "sign-in", "link", "terms", "success?known=1"):
        answer = await client.get(f"/s/{merchant.store.code}/loyalty/{path}", headers=PAGE)
        assert answer.status_code == 404
        assert f"{merchant.name} has no loyalty program at the moment." in words(answer)


async def test_a_paused_program_says_so_and_shows_no_form(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant)
    await make_program(database, shop.merchant, is_active=False)
    page = await get(client, shop, "join")
    assert "The program takes a break" in words(page)
    assert "data-action" not in page.text
    await visit(client, database, shop, card)
    assert "Your balance is kept." in words(await get(client, shop, "dashboard"))


@pytest.mark.parametrize(("locale", "heading"), [("fr", "Ce que vous recevez"), ("de", "Was Sie bekommen"), ("lb", "Wat Dir kritt")])
async def test_the_form_is_in_the_browsers_language(client: httpx.AsyncClient, database: Database, locale: str, heading: str) -> None:
    shop = await make_shop(database, points_per_euro=decimal.Decimal("0.1"), minimum_purchase_cents=500)
    page = await get(client, shop, "join", language=locale)
    assert (page.headers["content-language"], f'name="locale" value="{locale}"' in page.text) == (locale, True)
    assert heading in words(page)


async def test_what_a_merchant_writes_is_never_markup(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, terms_text="<script>alert(1)</script>\nzwei\n\nAbsatz", stamp_reward="<b>Brot</b>", name="A & B")
    join, page = await get(client, shop, "join"), await get(client, shop, "terms")
    for text in (join.text, page.text):
        assert "<script>alert" not in text
        assert "<b>Brot" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>zwei</p><p>Absatz</p>" in page.text


async def test_the_known_page_needs_nobody_and_shows_nobody(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, stores=2, cross_location=False)
    card = await make_card(database, shop.merchant, first_name="Geheim", stamps=3)
    await visit(client, database, shop, card)
    page = await get(client, shop, "success?known=1")
    assert "Geheim" not in page.text
    assert format_number(card.number) not in page.text
    assert f"Works at {shop.merchant.store.name}" in words(page)
    assert shop.merchant.stores[1].name not in words(page)


async def test_a_card_of_another_store_is_named_and_not_opened(client: httpx.AsyncClient, database: Database) -> None:
    """A1 off."""
    shop = await make_shop(database, stores=2, cross_location=False)
    card = await make_card(database, shop.merchant, stamps=3)
    await visit(client, database, shop, card)
    page = await get(client, shop, "dashboard", store=1)
    assert f"No card for {shop.merchant.stores[1].name} yet" in words(page)
    assert f"/s/{shop.merchant.store.code}/loyalty/dashboard" in page.text
    assert "3 stamps" in words(page)
    for path in ("history", "card/print"):
        assert (await get(client, shop, path, store=1)).headers["location"].endswith("/dashboard")
    assert (await get(client, shop, "success", store=1)).headers["location"].endswith("/join")


async def test_owed_points_are_explained(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    await make_settings(database, shop.merchant, void_policy=VoidPolicy.OWE)
    reward = await make_reward(database, shop.merchant, cost_points=10)
    card = await make_card(database, shop.merchant)
    earned = await earn(database, shop.merchant, card, 1_200)
    async with merchant_ctx(database, shop.merchant, role="manager") as ctx:
        await points_service.redeem_points(ctx, card_id=card.id, reward_id=reward.id, key=a_key(), present=lambda _change: "{}")
    assert earned.transaction_id is not None
    async with merchant_ctx(database, shop.merchant, role="manager") as ctx:
        await points_service.void_points(ctx, transaction_id=earned.transaction_id, key=a_key(), present=lambda _change: "{}")
    await visit(client, database, shop, card)
    assert "10 points are owed" in words(await get(client, shop, "dashboard"))
    history = words(await get(client, shop, "history"))
    assert "10 points are still owed." in history
    assert "This was taken back later." in history
    assert reward.name in history


async def test_points_that_are_due_are_said_to_be_expired(client: httpx.AsyncClient, database: Database) -> None:
    long_ago = clock.now() - dt.timedelta(days=200)
    shop = await make_shop(database, points_expiration_days=100, now=long_ago - dt.timedelta(days=1))
    card = await make_card(database, shop.merchant, amount_cents=5_000, now=long_ago)
    await visit(client, database, shop, card)
    assert "Your points expired on" in words(await get(client, shop, "dashboard"))


async def test_a_card_that_is_switched_off_says_so(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await card_service.set_active(ctx, card.id, is_active=False, reason="lost")
    await visit(client, database, shop, card)
    assert "This card is switched off" in words(await get(client, shop, "dashboard"))


async def test_a_long_history_comes_in_pages(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, type=ProgramType.STAMPS)
    card = await make_card(database, shop.merchant)
    await visit(client, database, shop, card)
    assert "Nothing yet" in words(await get(client, shop, "history"))
    for _ in range(21):
        await stamp(database, shop.merchant, card)
    first = await get(client, shop, "history")
    assert first.text.count("1 stamp for your purchase.") == 20
    following = re.search(r'rel="next" href="[^"]*\?cursor=([\w-]+)"', first.text)
    assert following
    second = await get(client, shop, f"history?cursor={following[1]}")
    assert second.text.count("1 stamp for your purchase.") == 1
    assert 'rel="prev"' in second.text
    assert (await get(client, shop, "history?cursor=forged")).status_code == 400


async def test_a_member_who_joins_again_is_led_to_the_card(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant)
    await visit(client, database, shop, card)
    page = await get(client, shop, "join")
    assert "You already have your card" in words(page)
    assert "data-action" not in page.text


def row(kind: TransactionType, **changes: object) -> HistoryRow:
    values: dict[str, object] = {
        "id": uuid.uuid4(), "card_id": uuid.uuid4(), "type": kind, "created_at": dt.datetime(2026, 5, 4, tzinfo=dt.UTC), "store_id": None,
        "stamps_delta": 0, "points_delta": 0, "stamps_after": 0, "points_after": 0, "owed_after": 0, "points_forgiven": 0,
        "amount_cents": None, "points_rate": None, "stamps_target": None, "reverses_id": None, "refunds_id": None, "reward_id": None,
        "staff_pin_id": None, "order_reference": None, "reward_name": None,
        "staff_name": None, "is_voided": False, "is_of_merged_card": False,
    }  # fmt: skip
    return HistoryRow(**values | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("locale", ["en", "fr", "de", "lb"])
@pytest.mark.parametrize("kind", TransactionType)
def test_every_kind_of_row_has_a_title_and_a_reason_in_every_language(kind: TransactionType, locale: str) -> None:
    with use_locale(locale):
        (entry,) = views.list_entries([row(kind, stamps_delta=-10 if kind is TransactionType.STAMP_REDEEMED else 1)], {})
    with use_locale("en"):
        (english,) = views.list_entries([row(kind, stamps_delta=-10 if kind is TransactionType.STAMP_REDEEMED else 1)], {})
    assert entry.title
    assert entry.reason
    assert locale == "en" or entry.reason != english.reason


@pytest.mark.parametrize(
    ("rate", "sentence"),
    [
        (10_000, "1 point per euro"),
        (1_000, "1 point per €10.00"),
        (125, "1 point per €80.00"),
        (15_000, "1.5 points per euro"),
        (3_333, "0.3333 points per euro"),
        (0, "0 points per euro"),
    ],
)
def test_a_rate_is_said_as_people_say_it(rate: int, sentence: str) -> None:
    with use_locale("en"):
        assert views.describe_rate(rate) == sentence


def test_a_refund_names_the_rule_of_the_purchase() -> None:
    refund = row(TransactionType.POINTS_REFUNDED, points_delta=-1, points_forgiven=2, amount_cents=500, points_rate=1_000)
    with use_locale("en"):
        (entry,) = views.list_entries([refund], {})
    assert (
        entry.reason
        == "Returned for €5.00, at 1 point per €10.00 as when it was bought. 2 points that were already spent or had expired were let go."
    )
