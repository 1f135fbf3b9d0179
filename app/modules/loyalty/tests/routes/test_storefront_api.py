"""The storefront's API: enrolling, signing in by mail, one's own card, history and data; and what strangers do not learn (G9)."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.credentials import customer_cookie as cookie_of
from app.core.db.engine import Database
from app.core.web.credentials import LANGUAGE_COOKIE
from app.modules.customers import public as customers
from app.modules.loyalty.tests.factories import MadeShop, make_card, make_reward, make_shop
from app.modules.tenancy.tests.factories import customer_cookie, make_customer_session, merchant_ctx

Checksum = Callable[[str, uuid.UUID], Awaitable[str]]
NewKey = Callable[[], str]
Clients = Callable[..., httpx.AsyncClient]
Worker = Callable[..., Awaitable[list[str]]]


def api(shop: MadeShop, path: str, store: int = 0) -> str:
    return f"/api/v1/storefront/{shop.merchant.stores[store].code}/loyalty{path}"


def form(**changes: Any) -> dict[str, Any]:
    values = {
        "first_name": "Anouk", "last_name": "Thill", "email": f"gast-{uuid.uuid4().hex}@example.lu", "phone": None, "birth_date": None,
        "locale": "lb", "has_accepted_terms": True, "wants_marketing": False,
    }  # fmt: skip
    return values | changes


async def enroll(client: httpx.AsyncClient, shop: MadeShop, key: str, store: int = 0, **changes: Any) -> httpx.Response:
    return await client.post(api(shop, "/enroll", store), json=form(**changes), headers={"Idempotency-Key": key})


async def sign_in(client: httpx.AsyncClient, database: Database, shop: MadeShop, customer_id: uuid.UUID) -> None:
    session = await make_customer_session(database, shop.merchant, customer_id)
    client.cookies.update(customer_cookie(session))


async def test_the_program_says_what_one_gets_and_where(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, stores=2, welcome_bonus_points=20)
    reward = await make_reward(database, shop.merchant, cost_points=80)
    body = (await client.get(api(shop, "/program"))).json()
    assert body["merchant_name"] == shop.merchant.name
    assert [store["name"] for store in body["stores"]] == [store.name for store in shop.merchant.stores]
    assert body["works_at_all_locations"] is True
    assert (body["points_per_euro"], body["welcome_bonus_points"], body["google_wallet_enabled"]) == ("1", 20, False)
    assert [(item["id"], item["cost_points"]) for item in body["rewards"]] == [(str(reward.id), 80)]


async def test_a_new_person_gets_the_card_and_the_bonus_and_is_signed_in(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, new_key: NewKey
) -> None:
    shop = await make_shop(database, welcome_bonus_points=20)
    answer = await enroll(client, shop, new_key(), birth_date="1988-02-29", wants_marketing=True)
    body = answer.json()
    assert (answer.status_code, body["already_enrolled"], body["welcome_points"]) == (201, False, 20)
    assert body["card"]["points_balance"] == 20
    assert body["next"] == f"/s/{shop.merchant.store.code}/loyalty/success"
    assert client.cookies[LANGUAGE_COOKIE] == "lb"
    row = await superuser.fetchrow("SELECT birth_date, locale FROM customers WHERE merchant_id = $1", shop.merchant.id)
    assert row is not None
    assert dict(row) == {"birth_date": dt.date(1988, 2, 29), "locale": "lb"}
    purposes = await superuser.fetch("SELECT purpose FROM customer_consents WHERE merchant_id = $1 ORDER BY purpose", shop.merchant.id)
    assert [row["purpose"] for row in purposes] == ["marketing", "terms"]
    card = (await client.get(api(shop, "/card"))).json()
    assert card["card"]["card_number"] == body["card"]["card_number"]
    profile = (await client.get(api(shop, "/profile"))).json()
    assert (profile["first_name"], profile["birth_date"], profile["wants_marketing"]) == ("Anouk", "1988-02-29", True)


async def test_a_repeat_of_an_enrollment_gets_the_first_answer(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, new_key: NewKey
) -> None:
    shop = await make_shop(database)
    key, email = new_key(), "doppelt@example.lu"
    first = await enroll(client, shop, key, email=email)
    client.cookies.clear()  # a repeat comes from the same page: nobody was signed in when it was sent
    second = await enroll(client, shop, key, email=email)
    assert second.json() == first.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert cookie_of(shop.merchant.id) not in second.cookies
    assert await superuser.fetchval("SELECT count(*) FROM loyalty_cards WHERE merchant_id = $1", shop.merchant.id) == 1


@pytest.mark.parametrize("is_cross_location", [True, False])
async def test_a_known_address_is_answered_without_the_person(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, new_key: NewKey, is_cross_location: bool
) -> None:
    """Off, the second store's card is made, and mailed to its owner alone."""
    shop = await make_shop(database, stores=2, cross_location=is_cross_location)
    known = await make_card(database, shop.merchant, first_name="Geheim", stamps=4)
    await superuser.execute("DELETE FROM core_outbox WHERE merchant_id = $1", shop.merchant.id)
    answer = await enroll(client, shop, new_key(), store=1, email=f"  {known.email.upper()} ", first_name="Fremd")
    body = answer.json()
    assert (answer.status_code, body["card"], body["welcome_points"]) == (201, None, 0)
    assert body["already_enrolled"] is is_cross_location
    assert body["next"].endswith("/success?known=1")
    assert len(body["stores"]) == (2 if is_cross_location else 1)
    assert not [secret for secret in ("Geheim", known.number, known.email) if secret in answer.text]
    assert cookie_of(shop.merchant.id) not in answer.cookies
    cards = await superuser.fetchval("SELECT count(*) FROM loyalty_cards WHERE customer_id = $1", known.customer_id)
    assert cards == (1 if is_cross_location else 2)
    tasks = {row["task"] for row in await superuser.fetch("SELECT task FROM core_outbox WHERE merchant_id = $1", shop.merchant.id)}
    assert tasks == ({"messaging.send_mail"} if is_cross_location else {"loyalty.confirm_enrollment"})
    name = await superuser.fetchval("SELECT first_name FROM customers WHERE id = $1", known.customer_id)
    assert name == "Geheim"


async def test_whoever_is_signed_in_sees_their_own_further_card(client: httpx.AsyncClient, database: Database, new_key: NewKey) -> None:
    shop = await make_shop(database, stores=2, cross_location=False)
    first = await make_card(database, shop.merchant)
    await sign_in(client, database, shop, first.customer_id)
    body = (await enroll(client, shop, new_key(), store=1, email=first.email)).json()
    assert body["card"]["id"] != str(first.id)
    again = (await enroll(client, shop, new_key(), store=1, email=first.email)).json()
    assert (again["already_enrolled"], again["card"]["id"]) == (True, body["card"]["id"])
    stranger = await make_card(database, shop.merchant)
    other = (await enroll(client, shop, new_key(), store=0, email=stranger.email)).json()
    assert (other["already_enrolled"], other["card"]) == (True, None)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("has_accepted_terms", False, "Please accept the terms to get a card."),
        ("birth_date", "1990-06-31", "This date does not exist. Please check day, month and year."),
        ("birth_date", "1990-6-3", "This date does not exist. Please check day, month and year."),
        ("birth_date", 631152000, "This date does not exist. Please check day, month and year."),
        ("birth_date", "2999-01-01", "A birthday lies in the past. Please check the year."),
        ("birth_date", "1850-01-01", "Please check the year of birth."),
        ("email", "anouk@", "Please enter a complete e-mail address, such as anna@example.lu."),
        ("phone", "call me", "Please enter a phone number, such as +352 621 123 456, or leave the field empty."),
        ("first_name", "", "This is too short."),
        ("locale", "it", "This value is not valid."),
        ("points_balance", 5000, "This field is not known."),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_kept(
    client: httpx.AsyncClient, database: Database, checksum: Checksum, new_key: NewKey, field: str, value: Any, sentence: str
) -> None:
    shop = await make_shop(database)
    answer = await client.post(
        api(shop, "/enroll"), json=form(**{field: value}), headers={"Idempotency-Key": new_key(), "Accept-Language": "en"}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": field, "message": sentence}]
    empty = await checksum("customers", uuid.uuid4())
    assert await checksum("customers", shop.merchant.id) == empty
    assert await checksum("loyalty_cards", shop.merchant.id) == empty


async def test_a_paused_program_takes_nobody(client: httpx.AsyncClient, database: Database, new_key: NewKey) -> None:
    shop = await make_shop(database, is_active=False)
    answer = await enroll(client, shop, new_key())
    assert (answer.status_code, answer.json()["code"]) == (409, "program_inactive")


async def test_asking_for_a_link_answers_the_same_for_everybody(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    known = await make_card(database, shop.merchant)
    await superuser.execute("DELETE FROM core_outbox WHERE merchant_id = $1", shop.merchant.id)
    stranger = await client.post(api(shop, "/sign-in"), json={"email": "niemand@example.lu"})
    count = "SELECT count(*) FROM core_outbox WHERE merchant_id = $1"
    assert await superuser.fetchval(count, shop.merchant.id) == 0
    member = await client.post(api(shop, "/sign-in"), json={"email": known.email})
    assert (stranger.status_code, stranger.content) == (member.status_code, member.content) == (202, b'{"status":"accepted"}')
    assert await superuser.fetchval(count, shop.merchant.id) == 1


async def test_mails_that_piled_up_do_not_flood_a_mailbox(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, worker_once: Worker
) -> None:
    """While no mail leaves the house, nobody has been sent a link yet: who asks for many is counted again when they go out."""
    shop = await make_shop(database)
    known = await make_card(database, shop.merchant)
    await superuser.execute("DELETE FROM core_outbox WHERE merchant_id = $1", shop.merchant.id)
    for _ in range(8):
        assert (await client.post(api(shop, "/sign-in"), json={"email": known.email})).status_code == 202
    await worker_once(merchant_id=shop.merchant.id)
    rows = await superuser.fetch(
        "SELECT state, error, count(*) FROM email_logs WHERE merchant_id = $1 GROUP BY state, error ORDER BY state", shop.merchant.id
    )
    assert [tuple(row) for row in rows] == [("queued", "smtp_not_configured", 5), ("suppressed", "too_many_links", 3)]


async def test_a_link_signs_in_once_and_brings_the_customers_language(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant, locale="de")
    async with merchant_ctx(database, shop.merchant) as ctx:
        token = await customers.issue_login_link(ctx, card.customer_id)
    answer = await client.post(api(shop, "/session"), json={"token": token})
    assert (answer.status_code, answer.json()["next"]) == (200, f"/s/{shop.merchant.store.code}/loyalty/dashboard")
    assert client.cookies[LANGUAGE_COOKIE] == "de"
    assert (await client.get(api(shop, "/card"))).json()["card"]["id"] == str(card.id)
    again = await client.post(api(shop, "/session"), json={"token": token})
    assert (again.status_code, again.json()["code"]) == (410, "sign_in_link_invalid")
    unknown = await client.post(api(shop, "/session"), json={"token": "x" * 43})
    assert (unknown.status_code, unknown.json()["code"]) == (410, "sign_in_link_invalid")


async def test_signing_in_ends_the_session_that_the_phone_had(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant)
    old = await make_customer_session(database, shop.merchant, card.customer_id)
    client.cookies.update(customer_cookie(old))
    async with merchant_ctx(database, shop.merchant) as ctx:
        token = await customers.issue_login_link(ctx, card.customer_id)
    assert (await client.post(api(shop, "/session"), json={"token": token})).status_code == 200
    stolen = {"Cookie": f"{old.cookie}={old.token}"}
    client.cookies.clear()
    assert (await client.get(api(shop, "/card"), headers=stolen)).status_code == 401


async def test_a_language_chosen_on_the_page_stays_until_the_customer_chooses(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant, locale="de")
    client.cookies.set(LANGUAGE_COOKIE, "fr")
    async with merchant_ctx(database, shop.merchant) as ctx:
        token = await customers.issue_login_link(ctx, card.customer_id)
    answer = await client.post(api(shop, "/session"), json={"token": token})
    assert LANGUAGE_COOKIE not in answer.cookies
    changed = await client.patch(api(shop, "/profile"), json={"locale": "en"})
    assert (changed.json()["locale"], changed.cookies[LANGUAGE_COOKIE]) == ("en", "en")


async def test_a_link_of_another_merchant_is_unknown(client: httpx.AsyncClient, database: Database) -> None:
    shop, other = await make_shop(database), await make_shop(database)
    card = await make_card(database, other.merchant)
    async with merchant_ctx(database, other.merchant) as ctx:
        token = await customers.issue_login_link(ctx, card.customer_id)
    answer = await client.post(api(shop, "/session"), json={"token": token})
    assert (answer.status_code, dict(answer.cookies)) == (410, {})
    assert (await client.post(api(other, "/session"), json={"token": token})).status_code == 200


async def test_ones_own_card_and_history(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database, points_expiration_days=100)
    await make_reward(database, shop.merchant, cost_points=50)
    card = await make_card(database, shop.merchant, stamps=3, amount_cents=1_999)
    await sign_in(client, database, shop, card.customer_id)
    body = (await client.get(api(shop, "/card"))).json()
    assert (body["card"]["stamp_count"], body["card"]["points_balance"], body["points_to_next_reward"]) == (3, 19, 31)
    assert dt.date.fromisoformat(body["expires_on"]) > dt.date(2026, 1, 1)
    first = (await client.get(api(shop, "/history"), params={"limit": 1})).json()
    assert [(row["type"], row["points_delta"], row["amount_cents"]) for row in first["items"]] == [("points_earned", 19, 1_999)]
    second = (await client.get(api(shop, "/history"), params={"limit": 1, "cursor": first["next_cursor"]})).json()
    assert [(row["type"], row["stamps_delta"]) for row in second["items"]] == [("stamp_earned", 3)]
    assert second["next_cursor"] is None


async def test_ones_data_can_be_corrected_and_the_address_cannot(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant, phone="+352 621 111 222")
    await sign_in(client, database, shop, card.customer_id)
    body = (await client.patch(api(shop, "/profile"), json={"first_name": "Annick", "phone": "", "wants_marketing": True})).json()
    assert (body["first_name"], body["phone"], body["wants_marketing"], body["email"]) == ("Annick", None, True, card.email)
    off = (await client.patch(api(shop, "/profile"), json={"wants_marketing": False})).json()
    assert (off["first_name"], off["wants_marketing"]) == ("Annick", False)
    refused = await client.patch(api(shop, "/profile"), json={"email": "neu@example.lu"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "email")


async def test_signing_out_ends_the_session(client: httpx.AsyncClient, database: Database) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant)
    session = await make_customer_session(database, shop.merchant, card.customer_id)
    headers = {"Cookie": f"{session.cookie}={session.token}"}
    assert (await client.delete(api(shop, "/session"), headers=headers)).status_code == 204
    assert (await client.get(api(shop, "/card"), headers=headers)).status_code == 401


async def test_one_phone_holds_cards_of_several_merchants(client: httpx.AsyncClient, database: Database, new_key: NewKey) -> None:
    """All merchants share our host: joining at one, or signing out there, leaves the phone signed in at the others."""
    first, second = await make_shop(database), await make_shop(database)
    cards = [(await enroll(client, shop, new_key())).json()["card"]["card_number"] for shop in (first, second)]
    assert [(await client.get(api(shop, "/card"))).json()["card"]["card_number"] for shop in (first, second)] == cards
    assert (await client.delete(api(second, "/session"))).status_code == 204
    assert [(await client.get(api(shop, "/card"))).status_code for shop in (first, second)] == [200, 401]


async def test_a_merchants_cookie_under_anothers_name_opens_nothing(client: httpx.AsyncClient, database: Database) -> None:
    shop, other = await make_shop(database), await make_shop(database)
    card = await make_card(database, other.merchant)
    session = await make_customer_session(database, other.merchant, card.customer_id)
    headers = {"Cookie": f"{cookie_of(shop.merchant.id)}={session.token}"}
    assert (await client.get(api(shop, "/card"), headers=headers)).status_code == 401


async def test_two_taps_at_once_leave_the_phone_signed_in(make_client: Clients, database: Database, new_key: NewKey) -> None:
    """Only the run that was kept sets a cookie: a session of a run that was rolled back would sign nobody in."""
    shop = await make_shop(database)
    name = cookie_of(shop.merchant.id)
    for _ in range(5):
        key, email = new_key(), f"gast-{uuid.uuid4().hex}@example.lu"
        answers = await asyncio.gather(*(enroll(make_client(), shop, key, email=email) for _ in range(4)))
        assert [answer.status_code for answer in answers] == [201] * 4
        given = [answer.cookies[name] for answer in answers if name in answer.cookies]
        replayed = [answer for answer in answers if "idempotent-replayed" in answer.headers]
        assert (len(given), len(replayed)) == (1, 3)
        headers = {"Cookie": f"{name}={given[0]}"}
        assert (await make_client().get(api(shop, "/card"), headers=headers)).status_code == 200


@pytest.mark.parametrize("path", ["/card", "/history", "/profile"])
async def test_ones_own_pages_need_ones_own_session(client: httpx.AsyncClient, database: Database, path: str) -> None:
    shop, other = await make_shop(database), await make_shop(database)
    assert (await client.get(api(shop, path))).status_code == 401
    card = await make_card(database, other.merchant)
    await sign_in(client, database, other, card.customer_id)
    assert (await client.get(api(shop, path))).status_code == 401
    assert (await client.get(api(other, path))).status_code == 200
