"""Rows of a merchant in plain SQL, as they were possible at loyalty_001: the models know the newest schema only."""

import dataclasses
import datetime as dt
import itertools
import uuid
from typing import Any

import asyncpg

from app.core.ids import new_id

AT = dt.datetime(2026, 3, 2, 10, 0, tzinfo=dt.UTC)
_numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant with two stores, a program and one customer."""

    id: uuid.UUID
    stores: tuple[uuid.UUID, uuid.UUID]
    program_id: uuid.UUID
    customer_id: uuid.UUID


async def insert(conn: asyncpg.Connection, table: str, **values: Any) -> None:
    """Insert one row."""
    places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
    await conn.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", *values.values())


async def add_merchant(conn: asyncpg.Connection, **program: Any) -> Merchant:
    """Insert a merchant; `program` are columns of its program."""
    merchant = Merchant(new_id(), (new_id(), new_id()), new_id(), new_id())
    common = {"time_zone": "Europe/Luxembourg", "locale": "lb", "created_at": AT}
    await insert(conn, "tenancy_merchants", id=merchant.id, name="Bäckerei", currency="EUR", status="active", **common)
    for store_id in merchant.stores:
        address = {"address_line": "1, rue du Moulin", "postal_code": "L-1111", "city": "Lëtzebuerg", "country": "LU"}
        place = {"code": f"store-{next(_numbers)}", "name": "Gare", "status": "open", **address, **common}
        await insert(conn, "tenancy_stores", merchant_id=merchant.id, id=store_id, **place)
    values = {"type": "both", "name": "Brout", "card_name": "Brout", "colour": "#1f6f54", "created_at": AT, "updated_at": AT} | program
    await insert(conn, "loyalty_programs", merchant_id=merchant.id, id=merchant.program_id, **values)
    await add_customer(conn, merchant, merchant.customer_id)
    return merchant


async def add_customer(conn: asyncpg.Connection, merchant: Merchant, customer_id: uuid.UUID) -> uuid.UUID:
    """Insert a customer of `merchant`; return the id."""
    email = f"customer-{next(_numbers)}@example.org"
    names = {"first_name": "Anne", "last_name": "Weber", "email": email, "email_normalized": email}
    await insert(conn, "customers", merchant_id=merchant.id, id=customer_id, locale="lb", created_at=AT, updated_at=AT, **names)
    return customer_id


async def add_card(conn: asyncpg.Connection, merchant: Merchant, *, store: int = 0, **card: Any) -> uuid.UUID:
    """Insert a card of the merchant's customer at its store number `store`; `card` are further columns. Return its id."""
    card_id = new_id()
    number = next(_numbers)
    values = {
        "customer_id": merchant.customer_id,
        "program_id": merchant.program_id,
        "enrolled_at_store_id": merchant.stores[store],
        "card_number": f"{number:012d}",
        "qr_token": f"OL1{number:032d}",
        "stamps_target": 10,
        "last_activity_at": AT,
        "created_at": AT,
        "updated_at": AT,
    } | card
    await insert(conn, "loyalty_cards", merchant_id=merchant.id, id=card_id, **values)
    return card_id


async def add_transaction(conn: asyncpg.Connection, merchant: Merchant, card_id: uuid.UUID, **row: Any) -> uuid.UUID:
    """Insert a row of the card's history that changes nothing unless `row` says so; return its id."""
    transaction_id = new_id()
    names = ("stamps_delta", "points_delta", "owed_delta", "stamps_after", "points_after", "owed_after")
    values = dict.fromkeys(names, 0) | {"type": "points_adjusted", "op_key": str(transaction_id), "created_at": AT} | row
    await insert(conn, "loyalty_transactions", merchant_id=merchant.id, id=transaction_id, card_id=card_id, **values)
    return transaction_id
