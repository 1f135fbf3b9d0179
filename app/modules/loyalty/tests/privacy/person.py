"""Somebody of whom everything is known that can be, and who leaves a trace wherever one can be left."""

import dataclasses
import datetime as dt
import uuid
from typing import Any

import asyncpg
import httpx

from app.core import files
from app.core.db.engine import Database
from app.core.ids import new_id
from app.modules.customers import public as customers
from app.modules.loyalty.queries import cards
from app.modules.loyalty.services import card_service
from app.modules.loyalty.tests.counter import Shop, counter_ctx, make_card, make_shop, post
from app.modules.messaging.tests.factories import leave_mails
from app.modules.tenancy.tests.factories import customer_cookie, make_customer_session, merchant_ctx

FIRST_NAME, LAST_NAME = "Quirina-Zoë", "Zweifelstëin"
PHONE = "+352 691 774 332"
BIRTH_DATE = dt.date(1987, 3, 29)
NOTES = "Mag Hafermilch, kommt mit Hund Wanja"


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """The person's shop, ids, cookies, and the words that must be nowhere after an erasure."""

    shop: Shop
    customer_id: uuid.UUID
    email: str
    card_ids: list[uuid.UUID]
    cookies: dict[str, str]
    answered_key: str
    words: list[str]


def words_of(email: str) -> list[str]:
    """Return the person's data in every form in which it is kept or written."""
    digits = "352691774332"
    return [
        FIRST_NAME, LAST_NAME, "quirina zoe", "zweifelstein", email, email.partition("@")[0], PHONE, digits, digits[::-1],
        "691 774 332", "1987-03-29", "29.03.1987", "29/03/1987", NOTES, "Hafermilch", "Wanja",
    ]  # fmt: skip


async def make_person(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient, *, shop: Shop | None = None, **rules: Any
) -> Person:
    """Enroll the person at two stores through the API, let staff work on their cards, and fill in what no service writes."""
    rules = {"stores": 2, "is_cross_location": False, "welcome_bonus_points": 25} | rules
    shop = shop or await make_shop(database, **rules)
    email = f"quirina.{uuid.uuid4().hex[:10]}@zweifelstein.example"
    body = {
        "first_name": FIRST_NAME, "last_name": LAST_NAME, "email": email, "phone": PHONE, "birth_date": BIRTH_DATE.isoformat(),
        "locale": "de", "has_accepted_terms": True, "wants_marketing": True,
    }  # fmt: skip
    key = str(new_id())
    answer = await client.post(f"/api/v1/storefront/{shop.merchant.store.code}/loyalty/enroll", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    client.cookies.clear()
    customer_id = await superuser.fetchval("SELECT id FROM customers WHERE merchant_id = $1 AND email = $2", shop.id, email)
    for counter in shop.counters[1:]:
        enrolled = await post(client, shop, "/enroll", {name: body[name] for name in body}, counter=counter)
        assert enrolled.status_code == 201, enrolled.text
    async with merchant_ctx(database, shop.merchant) as ctx:
        held = await cards.list_of_customers(ctx, [customer_id])
        await leave_traces(ctx, customer_id, email, held)
    await superuser.execute("UPDATE loyalty_cards SET notes = $2 WHERE customer_id = $1", customer_id, NOTES)
    stamped = await post(client, shop, "/stamp", {"card_id": str(held[0].id)})
    assert stamped.status_code == 200, stamped.text
    session = await make_customer_session(database, shop.merchant, customer_id)
    secrets = [value for card in held for value in (card.card_number, card.qr_token)]
    return Person(shop, customer_id, email, [card.id for card in held], customer_cookie(session), key, [*words_of(email), *secrets])


async def leave_traces(ctx: Any, customer_id: uuid.UUID, email: str, held: list[cards.Card]) -> None:
    """Leave what staff, mail servers and tasks leave in the course of years."""
    await customers.issue_login_link(ctx, customer_id)
    for wish in (False, True):
        await card_service.set_active(ctx, held[-1].id, is_active=wish, reason=f"{FIRST_NAME} {LAST_NAME} hat angerufen ({PHONE})")
    await leave_mails(ctx, customer_id, email)
    await ctx.conn.execute(
        "INSERT INTO loyalty_birthday_greetings (merchant_id, customer_id, year, card_id, created_at) VALUES ($1, $2, 2025, $3, $4)",
        ctx.merchant_id, customer_id, held[0].id, ctx.now,
    )  # fmt: skip
    for owner in (customer_id, None):  # their own file, and the merchant's list of everybody
        file_id = await files.create(ctx, name="people.csv", media_type="text/csv", lasts=dt.timedelta(days=1), customer_id=owner)
        await files.append(ctx, file_id, f"{FIRST_NAME};{LAST_NAME};{email}\n".encode())


async def make_neighbour(database: Database, shop: Shop) -> uuid.UUID:
    """Enroll somebody else of the same merchant, of whom nothing may change; return their id."""
    card = await make_card(database, shop)
    async with counter_ctx(database, shop) as ctx:
        assert await customers.find_locale(ctx.conn, shop.id, card.customer_id or uuid.uuid4()) == "lb"
    assert card.customer_id is not None
    return card.customer_id
