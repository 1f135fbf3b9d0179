"""Customers of a merchant: found by e-mail before anybody is created, created once however many ask at the same time."""

import datetime as dt
import json
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg

from app.core import audit
from app.core.context import Ctx
from app.core.errors import Unavailable
from app.core.ids import new_id
from app.modules.customers.domain.birth_date import Birthday
from app.modules.customers.domain.customer import CustomerRecord
from app.modules.customers.errors import CustomerEmailTakenException, CustomerNotFoundException
from app.modules.customers.queries import customers, locks, search
from app.modules.customers.services.profile import clean_profile

MAX_FOUND = 500
DEFAULT_FOUND = 20
CREATE_ATTEMPTS = 3
UNIQUE_EMAIL = "uq_customers_merchant_id_email_normalized"

CREATE = f"""
INSERT INTO customers (merchant_id, id, first_name, last_name, first_name_search, last_name_search, email, email_normalized, phone,
                       phone_normalized, locale, birth_date, registered_store_id, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
ON CONFLICT (merchant_id, email_normalized) WHERE anonymized_at IS NULL DO NOTHING
RETURNING {customers.COLUMNS}
"""
CREATED_COLUMNS = (
    "first_name", "last_name", "first_name_search", "last_name_search", "email", "email_normalized", "phone", "phone_normalized", "locale",
    "birth_date",
)  # fmt: skip

# Every column is written, changed or not: one statement, prepared once. What the document does not name comes from the row.
UPDATE = f"""
UPDATE customers c SET (first_name, last_name, first_name_search, last_name_search, email, email_normalized, phone, phone_normalized,
                      locale, birth_date, updated_at) =
    (SELECT n.first_name, n.last_name, n.first_name_search, n.last_name_search, n.email, n.email_normalized, n.phone, n.phone_normalized,
            n.locale, n.birth_date, $4::timestamptz
       FROM jsonb_populate_record(c, $3::jsonb) n)
WHERE c.merchant_id = $1 AND c.id = $2
RETURNING {customers.COLUMNS}
"""


async def find_customer_id_by_email(ctx: Ctx, email: str) -> uuid.UUID | None:
    """Return the id of the merchant's live customer with this address in any spelling, at whatever store, or None."""
    return await customers.find_customer_id_by_email(ctx, email)


async def find_customer_by_email(ctx: Ctx, email: str) -> CustomerRecord | None:
    """Return the merchant's live customer with this address in any spelling, or None."""
    return await customers.find_customer_by_email(ctx, email)


async def get_customer(ctx: Ctx, customer_id: uuid.UUID) -> CustomerRecord:
    """Return the customer, erased ones included; CustomerNotFoundException for an unknown or another merchant's id."""
    return await customers.get_customer(ctx, customer_id)


async def get_many(ctx: Ctx, customer_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, CustomerRecord]:
    """Return those of `customer_ids` that exist, by id: names for a list, in one statement."""
    return await customers.list_customers_by_ids(ctx, customer_ids)


async def list_birthdays(ctx: Ctx, days: Sequence[dt.date], *, after_id: uuid.UUID, limit: int) -> list[Birthday]:
    """Return up to `limit` live customers whose birthday is kept on one of `days` (the merchant's local days, within a year),
    by id behind `after_id`: a list that is read in chunks."""
    return await customers.list_birthdays(ctx, days, after_id=after_id, limit=limit)


async def count_customers(ctx: Ctx) -> int:
    """Return how many live customers the merchant has."""
    return await customers.count_customers(ctx)


async def lock_customer(ctx: Ctx, customer_id: uuid.UUID) -> CustomerRecord:
    """Lock the customer until the transaction ends and return the row as it is now.

    CustomerNotFoundException, or CustomerAnonymizedException for an erased person. Locked before any card.
    """
    return await locks.lock_customer(ctx, customer_id)


async def search_customers(ctx: Ctx, text: str, *, limit: int = DEFAULT_FOUND) -> list[CustomerRecord]:
    """Return up to `limit` (at most 500) live customers: by the start of an e-mail address, the end of a phone number
    (four digits or more), or the start of first or last name, accents and case aside."""
    return await search.search_customers(ctx, text.strip(), limit=max(1, min(limit, MAX_FOUND)))


async def create_customer(
    ctx: Ctx,
    *,
    first_name: str,
    last_name: str,
    email: str,
    locale: str,
    phone: str | None = None,
    birth_date: dt.date | None = None,
    registered_store_id: uuid.UUID | None = None,
    today: dt.date | None = None,
) -> tuple[CustomerRecord, bool]:
    """Create the customer, or find the live one with this address; return it and whether it is new.

    An existing customer is returned as it is: a form never changes what somebody else may have typed before. Rivals with one
    address wait for each other at the unique index and end with one row. `today` is the merchant's local day (UTC's without).
    Raises CustomerInvalidException with a sentence per field.
    """
    given = {"first_name": first_name, "last_name": last_name, "email": email, "locale": locale, "phone": phone, "birth_date": birth_date}
    columns = clean_profile(given, today=today or ctx.now.date())
    values = [columns[name] for name in CREATED_COLUMNS]
    for _attempt in range(CREATE_ATTEMPTS):
        row = await ctx.conn.fetchrow(CREATE, ctx.merchant_id, new_id(), *values, registered_store_id, ctx.now)
        if row is not None:
            return customers.to_record(row), True
        existing = await customers.find_customer_by_email(ctx, email)
        if existing is not None:
            return existing, False
        # Between both statements the rival was erased: the address is free again.
    raise Unavailable


async def update_customer(ctx: Ctx, customer_id: uuid.UUID, *, today: dt.date | None = None, **changes: Any) -> CustomerRecord:
    """Change any of first_name, last_name, email, phone, locale, birth_date (None clears phone and birthday); return the result.

    What is not named stays. The audit log keeps which fields changed, never their values. Raises CustomerInvalidException,
    CustomerEmailTakenException (with the other customer), CustomerNotFoundException, CustomerAnonymizedException.
    """
    before = await locks.lock_customer(ctx, customer_id)
    columns = clean_profile(changes, today=today or ctx.now.date())
    if not columns:
        return before
    if "email" in columns:
        rival = await customers.find_customer_by_email(ctx, columns["email"])
        if rival is not None and rival.id != customer_id:
            raise CustomerEmailTakenException(rival)
    try:
        row = await ctx.conn.fetchrow(UPDATE, ctx.merchant_id, customer_id, json.dumps(columns, default=str), ctx.now)
    except asyncpg.UniqueViolationError as error:  # somebody took the address after we looked
        if error.constraint_name != UNIQUE_EMAIL:
            raise
        raise CustomerEmailTakenException from error
    if row is None:
        raise CustomerNotFoundException
    after = customers.to_record(row)
    changed = sorted(name for name in changes if getattr(before, name) != getattr(after, name))
    if changed:
        await audit.record(ctx, "customers.customer.update", "customer", customer_id, fields=changed)
    return after
