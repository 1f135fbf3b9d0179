"""Reading customers. Every statement runs under row-level security and names the merchant, so that indexes serve it."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

import asyncpg

from app.core.context import Ctx, PlatformCtx
from app.modules.customers.domain.birth_date import Birthday, birthdays_kept_on, is_birthday
from app.modules.customers.domain.customer import CustomerRecord
from app.modules.customers.domain.email import normalize_email
from app.modules.customers.errors import CustomerNotFoundException

# In the order of CustomerRecord.
COLUMNS = "id, first_name, last_name, email, phone, birth_date, locale, registered_store_id, created_at, updated_at, anonymized_at"
FIND = f"SELECT {COLUMNS} FROM customers WHERE merchant_id = $1 AND id = $2"
FIND_BY_EMAIL = f"SELECT {COLUMNS} FROM customers WHERE merchant_id = $1 AND email_normalized = $2 AND anonymized_at IS NULL"
FIND_ID_BY_EMAIL = "SELECT id FROM customers WHERE merchant_id = $1 AND email_normalized = $2 AND anonymized_at IS NULL"
FIND_BY_ADDRESSES = (
    "SELECT id, email_normalized FROM customers WHERE merchant_id = $1 AND email_normalized = ANY($2) AND anonymized_at IS NULL"
)
LIST_BY_IDS = f"SELECT {COLUMNS} FROM customers WHERE merchant_id = $1 AND id = ANY($2::uuid[])"
LIST_EVERYWHERE = f"""
SELECT {COLUMNS} FROM unnest($1::uuid[], $2::uuid[]) AS h (of_merchant, of_customer)
JOIN customers ON merchant_id = h.of_merchant AND id = h.of_customer
"""
# One pass over the merchant's people by key, whatever number of chunks it is read in; a birthday is two numbers, not a range.
LIST_BIRTHDAYS = """
SELECT id, birth_date FROM customers
WHERE merchant_id = $1 AND id > $2 AND anonymized_at IS NULL AND birth_date < $5
  AND (extract(month FROM birth_date) * 100 + extract(day FROM birth_date))::int = ANY($3::int[])
ORDER BY id LIMIT $4
"""
FIND_LOCALE = "SELECT locale FROM customers WHERE merchant_id = $1 AND id = $2 AND anonymized_at IS NULL"
COUNT_LIVE = "SELECT count(*) FROM customers WHERE merchant_id = $1 AND anonymized_at IS NULL"


def to_record(row: asyncpg.Record) -> CustomerRecord:
    """Return a row of COLUMNS as a CustomerRecord."""
    return CustomerRecord(**dict(row.items()))


def with_merchant(row: asyncpg.Record) -> tuple[uuid.UUID, CustomerRecord]:
    """Return a row of COLUMNS and merchant_id as the merchant and the CustomerRecord."""
    values = dict(row.items())
    return values.pop("merchant_id"), CustomerRecord(**values)


async def get_customer(ctx: Ctx, customer_id: uuid.UUID) -> CustomerRecord:
    """Return the customer, erased ones included; CustomerNotFoundException for an unknown or another merchant's id."""
    row = await ctx.conn.fetchrow(FIND, ctx.merchant_id, customer_id)
    if row is None:
        raise CustomerNotFoundException
    return to_record(row)


async def find_customer_by_email(ctx: Ctx, email: str) -> CustomerRecord | None:
    """Return the live customer with this address in any spelling (domain.md, Identity), or None."""
    row = await ctx.conn.fetchrow(FIND_BY_EMAIL, ctx.merchant_id, normalize_email(email))
    return to_record(row) if row else None


async def find_customer_id_by_email(ctx: Ctx, email: str) -> uuid.UUID | None:
    """Return the id of the live customer with this address in any spelling, or None."""
    found: uuid.UUID | None = await ctx.conn.fetchval(FIND_ID_BY_EMAIL, ctx.merchant_id, normalize_email(email))
    return found


async def find_ids_by_addresses(ctx: Ctx, addresses: Sequence[str]) -> dict[str, uuid.UUID]:
    """Return which of `addresses` (as they are compared) live customers have, with their ids, in one statement."""
    rows = await ctx.conn.fetch(FIND_BY_ADDRESSES, ctx.merchant_id, list(addresses)) if addresses else []
    return {row["email_normalized"]: row["id"] for row in rows}


async def list_customers_by_ids(ctx: Ctx, customer_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, CustomerRecord]:
    """Return those of `customer_ids` that exist, by id, in one statement."""
    rows = await ctx.conn.fetch(LIST_BY_IDS, ctx.merchant_id, list(customer_ids)) if customer_ids else []
    return {row["id"]: to_record(row) for row in rows}


async def list_customers_everywhere(ctx: PlatformCtx, people: Collection[tuple[uuid.UUID, uuid.UUID]]) -> dict[uuid.UUID, CustomerRecord]:
    """Return those of `people` (merchant and customer) that exist, by the customer's id, in one statement. For the platform's admin."""
    merchants, ids = [merchant for merchant, _ in people], [customer for _, customer in people]
    rows = await ctx.conn.fetch(LIST_EVERYWHERE, merchants, ids) if people else []
    return {row["id"]: to_record(row) for row in rows}


async def count_customers(ctx: Ctx) -> int:
    """Return how many live customers the merchant has."""
    count: int = await ctx.conn.fetchval(COUNT_LIVE, ctx.merchant_id)
    return count


async def list_birthdays(ctx: Ctx, days: Sequence[dt.date], *, after_id: uuid.UUID, limit: int) -> list[Birthday]:
    """Return up to `limit` live customers whose birthday is kept on one of `days`, by id behind `after_id`.

    `days` lie within less than a year, so that each finds one of them. Nobody has a birthday on the day of birth; 29 February is
    kept on the 28th in common years (domain.md, Time).
    """
    wanted = [month * 100 + day for kept in days for month, day in birthdays_kept_on(kept)]
    rows = await ctx.conn.fetch(LIST_BIRTHDAYS, ctx.merchant_id, after_id, wanted, limit, min(days))
    return [Birthday(row["id"], next(day for day in days if is_birthday(row["birth_date"], day))) for row in rows]


async def find_locale(conn: asyncpg.Connection, merchant_id: uuid.UUID, customer_id: uuid.UUID) -> str | None:
    """Return the language of the live customer, or None when there is none: for openers, which have no context yet."""
    locale: str | None = await conn.fetchval(FIND_LOCALE, merchant_id, customer_id)
    return locale
