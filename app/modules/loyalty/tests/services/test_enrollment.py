"""Who gets a card, and what a stranger learns (requirements A1-A7, A9; domain.md, Identity and Points)."""

import datetime as dt
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.credentials import CUSTOMER_COOKIE
from app.core.db.engine import Database
from app.core.ids import new_id
from app.modules.customers import public as customers
from app.modules.loyalty.errors import CardNotFoundException, LoyaltyCardAlreadyExistsException, ProgramInactiveException
from app.modules.loyalty.services import card_service
from app.modules.loyalty.tests.counter import Shop, applicant, counter_ctx, enroll, make_card, make_shop, post
from app.modules.tenancy.tests.factories import merchant_ctx

Clients = Callable[..., httpx.AsyncClient]
Checksum = Callable[[str, uuid.UUID], Awaitable[str]]
TABLES = ("customers", "customer_consents", "loyalty_cards", "loyalty_transactions", "core_outbox")
MARCH = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def form(email: str, **fields: Any) -> dict[str, Any]:
    """Return the public form as a browser sends it."""
    return {"first_name": "Léa", "last_name": "Weber", "email": email, "locale": "lb", "has_accepted_terms": True} | fields


async def send_form(client: httpx.AsyncClient, shop: Shop, body: dict[str, Any], *, store: int = 0) -> httpx.Response:
    """Send the public form of one of the shop's stores."""
    path = f"/api/v1/storefront/{shop.counters[store].store.code}/loyalty/enroll"
    return await client.post(path, json=body, headers={"Idempotency-Key": str(new_id())})


async def count_cards(conn: asyncpg.Connection, shop: Shop) -> int:
    """Return how many cards the merchant has."""
    return int(await conn.fetchval("SELECT count(*) FROM loyalty_cards WHERE merchant_id = $1", shop.id))


async def mails_of(conn: asyncpg.Connection, shop: Shop) -> list[dict[str, Any]]:
    """Return the payloads of the mails that wait, in order."""
    rows = await conn.fetch(
        "SELECT payload FROM core_outbox WHERE merchant_id = $1 AND task = 'messaging.send_mail' ORDER BY created_at, id", shop.id
    )
    return [row["payload"] for row in rows]


def an_email() -> str:
    """Return an address that nobody has."""
    return f"lea.{uuid.uuid4().hex[:12]}@example.lu"


# --- A1, A3: one card per person and merchant, or per store


async def test_with_one_card_for_all_stores_the_second_store_finds_the_first_ones_card(
    database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database, stores=2)
    person = applicant()
    first = await make_card(database, shop, person=person)
    with pytest.raises(LoyaltyCardAlreadyExistsException) as refusal:
        await make_card(database, shop, person=person, counter=shop.counters[1])
    assert refusal.value.card.id == first.id
    assert refusal.value.params == {}, "nothing of the card leaves with the refusal"
    assert await count_cards(superuser, shop) == 1


async def test_with_a_card_per_store_each_has_its_own_balance(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database, stores=2, is_cross_location=False)
    person = applicant()
    cards = [await make_card(database, shop, person=person, counter=counter) for counter in shop.counters]
    assert cards[0].customer_id == cards[1].customer_id
    assert cards[0].id != cards[1].id
    await post(client, shop, "/points/earn", {"card_id": str(cards[1].id), "amount_cents": 700}, counter=shop.counters[1])
    found = await superuser.fetch("SELECT points_balance FROM loyalty_cards WHERE id = ANY($1) ORDER BY created_at", [c.id for c in cards])
    assert [row["points_balance"] for row in found] == [0, 7]
    with pytest.raises(LoyaltyCardAlreadyExistsException):
        await make_card(database, shop, person=person, counter=shop.counters[1])


@pytest.mark.parametrize("spelling", ["{0}", "{1}", "  {0}\t", "{2}", "{3}"], ids=["same", "upper", "spaces", "title", "fullwidth"])
async def test_a_person_is_found_in_every_spelling_of_the_address(database: Database, spelling: str) -> None:
    shop = await make_shop(database, stores=2)
    email = an_email()
    card = await make_card(database, shop, person=applicant(email))
    fullwidth = email.translate({ord("l"): "ｌ", ord("@"): "＠"})
    typed = spelling.format(email, email.upper(), email.title(), fullwidth)
    async with counter_ctx(database, shop, shop.counters[1]) as ctx:
        assert await card_service.resolve_customer_id(ctx, email=typed, merchant_id=shop.id) == card.customer_id


async def test_dots_and_plus_parts_make_another_person(database: Database) -> None:
    shop = await make_shop(database)
    tag = uuid.uuid4().hex[:10]
    await make_card(database, shop, person=applicant(f"l.{tag}@example.lu"))
    async with counter_ctx(database, shop) as ctx:
        for other in (f"l{tag}@example.lu", f"l.{tag}+bread@example.lu"):
            assert await card_service.resolve_customer_id(ctx, email=other, merchant_id=shop.id) is None


async def test_the_same_address_at_another_merchant_is_never_found(database: Database, superuser: asyncpg.Connection) -> None:
    shop, other = await make_shop(database), await make_shop(database)
    person = applicant()
    theirs = await make_card(database, other, person=person)
    async with counter_ctx(database, shop) as ctx:
        assert await card_service.resolve_customer_id(ctx, email=person.email, merchant_id=shop.id) is None
        assert await card_service.resolve_customer_id(ctx, email=person.email, merchant_id=other.id) is None
    ours = await make_card(database, shop, person=person)
    assert ours.customer_id != theirs.customer_id
    assert (await count_cards(superuser, shop), await count_cards(superuser, other)) == (1, 1)


async def test_nobody_is_found_before_anybody_came(database: Database) -> None:
    shop = await make_shop(database)
    async with counter_ctx(database, shop) as ctx:
        assert await card_service.resolve_customer_id(ctx, email=an_email(), merchant_id=shop.id) is None


# --- A6


async def test_a_card_is_read_by_its_holder_and_its_very_store(database: Database) -> None:
    shop = await make_shop(database, stores=2)
    card = await make_card(database, shop)
    assert card.customer_id is not None
    async with counter_ctx(database, shop) as ctx:
        here, there = [
            await card_service.get_card_by_customer_and_store(ctx, customer_id=card.customer_id, store_id=counter.store.id)
            for counter in shop.counters
        ]
    assert here is not None
    assert (here.id, there) == (card.id, None)


# --- A7, G9: what a stranger learns


async def test_a_known_address_tells_a_stranger_nothing_and_its_owner_gets_a_mail(
    make_client: Clients, database: Database, superuser: asyncpg.Connection, checksum: Checksum
) -> None:
    shop = await make_shop(database, stores=2, welcome_bonus_points=25)
    email = an_email()
    first = await send_form(make_client(), shop, form(email))
    assert (first.status_code, first.json()["already_enrolled"], first.json()["welcome_points"]) == (201, False, 25)
    assert first.json()["card"]["points_balance"] == 25
    before = [await checksum(table, shop.id) for table in TABLES[:-1]]
    mails = len(await mails_of(superuser, shop))
    stranger = make_client()
    answer = await send_form(stranger, shop, form(f" {email.upper()}", first_name="Mallory", last_name="Nosy"), store=1)
    known = answer.json()
    assert (answer.status_code, known["already_enrolled"], known["card"], known["welcome_points"]) == (201, True, None, 0)
    assert (known["works_at_all_locations"], [store["name"] for store in known["stores"]]) == (True, ["Filiale 1", "Filiale 2"])
    assert not [name for name in stranger.cookies if name.startswith(CUSTOMER_COOKIE)]
    for secret in ("Léa", "Weber", first.json()["card"]["card_number"], first.json()["card"]["id"], email):
        assert secret not in answer.text
    sent = await mails_of(superuser, shop)
    assert len(sent) == mails + 1
    assert (sent[-1]["template"], sent[-1]["card_id"]) == ("loyalty_card_link", first.json()["card"]["id"])
    assert [await checksum(table, shop.id) for table in TABLES[:-1]] == before, "what a stranger types changes nothing"
    code = shop.counters[1].store.code
    for path in ("card", "history", "profile"):
        assert (await stranger.get(f"/api/v1/storefront/{code}/loyalty/{path}")).status_code == 401


async def test_at_one_store_only_the_answer_names_that_store(make_client: Clients, database: Database) -> None:
    shop = await make_shop(database, stores=2, is_cross_location=False)
    answer = await send_form(make_client(), shop, form(an_email()), store=1)
    assert (answer.json()["works_at_all_locations"], [item["name"] for item in answer.json()["stores"]]) == (False, ["Filiale 2"])


async def test_a_known_person_at_a_further_store_gets_a_card_that_the_form_does_not_show(
    make_client: Clients, database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database, stores=2, is_cross_location=False, welcome_bonus_points=25)
    email = an_email()
    await send_form(make_client(), shop, form(email))
    stranger = make_client()
    answer = await send_form(stranger, shop, form(email), store=1)
    assert (answer.json()["already_enrolled"], answer.json()["card"], answer.json()["welcome_points"]) == (False, None, 0)
    assert not [name for name in stranger.cookies if name.startswith(CUSTOMER_COOKIE)]
    assert await count_cards(superuser, shop) == 2
    bonus = await superuser.fetch("SELECT points_delta FROM loyalty_transactions WHERE merchant_id = $1", shop.id)
    assert [row["points_delta"] for row in bonus] == [25], "once per person and merchant, not per card"


async def test_the_session_that_made_the_card_sees_it(make_client: Clients, database: Database) -> None:
    shop = await make_shop(database, welcome_bonus_points=25)
    phone = make_client()
    made = (await send_form(phone, shop, form(an_email()))).json()["card"]
    own = await phone.get(f"/api/v1/storefront/{shop.counter.store.code}/loyalty/card")
    assert (own.status_code, own.json()["card"]) == (200, made)


async def test_a_form_without_the_terms_is_refused(make_client: Clients, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    answer = await send_form(make_client(), shop, form(an_email(), has_accepted_terms=False))
    assert (answer.status_code, [item["field"] for item in answer.json()["errors"]]) == (422, ["has_accepted_terms"])
    at_counter = await post(make_client(), shop, "/enroll", form(an_email(), has_accepted_terms=False))
    assert at_counter.json()["errors"] == answer.json()["errors"]
    assert await count_cards(superuser, shop) == 0


@pytest.mark.parametrize("wants_marketing", [True, False])
async def test_terms_are_kept_and_marketing_is_a_free_choice(
    make_client: Clients, database: Database, superuser: asyncpg.Connection, wants_marketing: bool
) -> None:
    shop = await make_shop(database)
    await send_form(make_client(), shop, form(an_email(), wants_marketing=wants_marketing))
    rows = await superuser.fetch("SELECT purpose, action, source, text_version FROM customer_consents WHERE merchant_id = $1", shop.id)
    expected = {("terms", "granted", "storefront", "1")} | ({("marketing", "granted", "storefront", "1")} if wants_marketing else set())
    assert {tuple(row) for row in rows} == expected


async def test_a_paused_program_enrolls_nobody(database: Database, checksum: Checksum) -> None:
    shop = await make_shop(database, is_active=False)
    before = [await checksum(table, shop.id) for table in TABLES]
    with pytest.raises(ProgramInactiveException):
        await make_card(database, shop)
    assert [await checksum(table, shop.id) for table in TABLES] == before


# --- A9


@pytest.mark.parametrize(
    ("birth_date", "sentence"),
    [
        ("2026-02-30", "This date does not exist. Please check day, month and year."),
        ("30.06.1990", "This date does not exist. Please check day, month and year."),
        ("2999-01-01", "A birthday lies in the past. Please check the year."),
        ("1899-12-31", "Please check the year of birth."),
    ],
)
async def test_what_cannot_be_a_birthday_is_a_clear_field_error(
    make_client: Clients, database: Database, checksum: Checksum, birth_date: str, sentence: str
) -> None:
    shop = await make_shop(database)
    before = [await checksum(table, shop.id) for table in TABLES]
    english = make_client(**{"Accept-Language": "en"})
    answer = await send_form(english, shop, form(an_email(), birth_date=birth_date))
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"field": "birth_date", "message": sentence}])
    at_counter = await post(english, shop, "/enroll", form(an_email(), birth_date=birth_date))
    assert (at_counter.status_code, at_counter.json()["errors"]) == (422, [{"field": "birth_date", "message": sentence}])
    assert [await checksum(table, shop.id) for table in TABLES] == before


@pytest.mark.parametrize(("birth_date", "stored"), [("1996-02-29", dt.date(1996, 2, 29)), (None, None)])
async def test_a_birthday_is_stored_and_left_out(
    make_client: Clients, database: Database, superuser: asyncpg.Connection, birth_date: str | None, stored: dt.date | None
) -> None:
    shop = await make_shop(database)
    answer = await send_form(make_client(), shop, form(an_email(), birth_date=birth_date))
    assert answer.status_code == 201
    row = await superuser.fetchrow("SELECT birth_date, first_name, last_name, locale FROM customers WHERE merchant_id = $1", shop.id)
    assert row is not None
    assert tuple(row) == (stored, "Léa", "Weber", "lb")


async def test_a_customer_can_tell_their_birthday_later(make_client: Clients, database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    phone = make_client()
    await send_form(phone, shop, form(an_email()))
    path = f"/api/v1/storefront/{shop.counter.store.code}/loyalty/profile"
    assert (await phone.patch(path, json={"birth_date": "1990-06-30"})).json()["birth_date"] == "1990-06-30"
    assert (await phone.patch(path, json={"birth_date": "2999-06-30"})).status_code == 422
    assert await superuser.fetchval("SELECT birth_date FROM customers WHERE merchant_id = $1", shop.id) == dt.date(1990, 6, 30)


# --- Welcome bonus (domain.md, Points)


async def test_the_welcome_bonus_is_one_row_at_enrollment(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database, welcome_bonus_points=40)
    card = await make_card(database, shop)
    rows = await superuser.fetch("SELECT type, points_delta, op_key FROM loyalty_transactions WHERE card_id = $1", card.id)
    assert [tuple(row) for row in rows] == [("welcome_bonus", 40, f"welcome:{card.customer_id}")]
    assert (card.state.points_balance, card.state.visit_count) == (40, 0)


@pytest.mark.parametrize(("later", "bonus"), [(dt.timedelta(days=364), 0), (dt.timedelta(days=365), 40)])
async def test_who_was_erased_gets_no_bonus_for_twelve_months(database: Database, later: dt.timedelta, bonus: int) -> None:
    shop = await make_shop(database, welcome_bonus_points=40, now=MARCH)
    email = an_email()
    async with merchant_ctx(database, shop.merchant, now=MARCH) as ctx:
        await customers.remember_erased(ctx, email, today=MARCH.date())
    card = await make_card(database, shop, person=applicant(email.upper()), now=MARCH + later)
    assert card.state.points_balance == bonus


# --- Case 15, as far as enrollment goes


async def test_who_enrolls_again_after_the_card_was_trashed_gets_a_new_one(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database, welcome_bonus_points=40)
    person = applicant()
    old = await make_card(database, shop, person=person)
    await superuser.execute("UPDATE loyalty_cards SET deleted_at = now() WHERE id = $1", old.id)
    new = await make_card(database, shop, person=person)
    assert (new.customer_id, new.state.points_balance) == (old.customer_id, 0), "the same person, and no second bonus"
    assert new.card_number != old.card_number
    assert await count_cards(superuser, shop) == 2
    with pytest.raises(asyncpg.UniqueViolationError) as refusal:
        await superuser.execute("UPDATE loyalty_cards SET deleted_at = NULL WHERE id = $1", old.id)
    assert refusal.value.constraint_name == "uq_loyalty_cards_live_per_store"
    async with counter_ctx(database, shop) as ctx:
        with pytest.raises(CardNotFoundException):
            await card_service.get_card_for_store(ctx, old.id)


async def test_enrolling_leaves_what_a_known_person_once_said(database: Database, superuser: asyncpg.Connection) -> None:
    """A form proves nothing: it overwrites neither name nor consent of somebody the merchant knows."""
    shop = await make_shop(database, stores=2, is_cross_location=False)
    email = an_email()
    await make_card(database, shop, person=applicant(email))
    async with counter_ctx(database, shop, shop.counters[1]) as ctx:
        await enroll(ctx, shop.counters[1].store.id, applicant(email, first_name="Mallory", wants_marketing=True, phone="+352621999999"))
    row = await superuser.fetchrow("SELECT first_name, phone FROM customers WHERE merchant_id = $1", shop.id)
    assert row is not None
    assert tuple(row) == ("Léa", None)
    purposes = await superuser.fetch("SELECT purpose FROM customer_consents WHERE merchant_id = $1", shop.id)
    assert [item["purpose"] for item in purposes] == ["terms"]
