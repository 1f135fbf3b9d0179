"""Merchants, read."""

import dataclasses
import datetime as dt
import uuid

import asyncpg

from app.core.db import lists
from app.core.pagination import Page
from app.modules.tenancy.errors import MerchantNotFoundException

COLUMNS = "id, name, contact_email, time_zone, locale, currency, status, created_at, suspended_at"
FIND_ID = """
SELECT id FROM tenancy_merchants WHERE id::text = lower($1)
UNION ALL SELECT merchant_id FROM tenancy_stores WHERE code = lower($1) LIMIT 1
"""
GET = f"SELECT {COLUMNS} FROM tenancy_merchants WHERE id = $1 AND deleted_at IS NULL"
CHOICES = "SELECT id, name FROM tenancy_merchants WHERE deleted_at IS NULL ORDER BY lower(name), id LIMIT $1"
IDS = "SELECT id FROM tenancy_merchants WHERE deleted_at IS NULL"
ZONE = "SELECT time_zone FROM tenancy_merchants WHERE id = $1"
ZONES = "SELECT id, time_zone FROM tenancy_merchants WHERE status = 'active' AND deleted_at IS NULL ORDER BY id"
LIST = f"""
SELECT {COLUMNS}, lower(name) AS sort_name,
       (SELECT count(*) FROM tenancy_stores s WHERE s.merchant_id = m.id AND s.deleted_at IS NULL) AS store_count,
       (SELECT count(*) FROM tenancy_memberships b WHERE b.merchant_id = m.id) AS member_count
FROM tenancy_merchants m
"""
FOUND = """(m.name ILIKE ? OR m.contact_email ILIKE ? OR EXISTS (
    SELECT FROM tenancy_stores s WHERE s.merchant_id = m.id AND s.deleted_at IS NULL AND (s.code ILIKE ? OR s.name ILIKE ?)))"""
ORDERS = {"name": lists.by_name("m"), "created": lists.reverse(lists.newest_first("m"))}


@dataclasses.dataclass(frozen=True, slots=True)
class MerchantView:
    """A merchant as others see it."""

    id: uuid.UUID
    name: str
    contact_email: str | None
    time_zone: str
    locale: str
    currency: str
    status: str
    created_at: dt.datetime
    suspended_at: dt.datetime | None

    @property
    def is_active(self) -> bool:
        """Whether the platform lets it work."""
        return self.status == "active"


@dataclasses.dataclass(frozen=True, slots=True)
class MerchantSummary:
    """A row of the platform's list."""

    merchant: MerchantView
    store_count: int
    member_count: int


def view(row: asyncpg.Record) -> MerchantView:
    """Return a row as a MerchantView."""
    return MerchantView(**{field.name: row[field.name] for field in dataclasses.fields(MerchantView)})


def like_pattern(text: str | None) -> str | None:
    """Return `text` as a pattern that contains it literally; None for nothing."""
    if not text or not text.strip():
        return None
    escaped = text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


async def find_merchant(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> MerchantView | None:
    """Return the merchant, or None when there is none or it lies in the trash."""
    row = await conn.fetchrow(GET, merchant_id)
    return None if row is None else view(row)


async def get_merchant(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> MerchantView:
    """Return the merchant; MerchantNotFoundException."""
    merchant = await find_merchant(conn, merchant_id)
    if merchant is None:
        raise MerchantNotFoundException
    return merchant


async def find_id(conn: asyncpg.Connection, code_or_id: str) -> uuid.UUID | None:
    """Return the id of the merchant with this id or a store of this code, or None; deleted ones too."""
    merchant_id: uuid.UUID | None = await conn.fetchval(FIND_ID, code_or_id.strip())
    return merchant_id


async def list_merchants(
    conn: asyncpg.Connection, *, search: str | None, status: str | None, sort: str, cursor: str | None, limit: int
) -> Page[MerchantSummary]:
    """Return a page of merchants whose name, contact or store contains `search`; `sort` is one of ORDERS, with a minus from its end.

    Raises BadCursor.
    """
    where = lists.Where().add("m.deleted_at IS NULL").add_equal(**{"m.status": status})
    pattern = like_pattern(search)
    if pattern is not None:
        where.add(FOUND, pattern, pattern, pattern, pattern)
    page = await lists.read_page(conn, LIST, where, lists.choose(ORDERS, sort), cursor=cursor, limit=limit)
    items = [MerchantSummary(view(row), row["store_count"], row["member_count"]) for row in page.items]
    return Page(items, page.next_cursor, page.previous_cursor)


async def list_choices(conn: asyncpg.Connection, limit: int) -> list[tuple[uuid.UUID, str]]:
    """Return up to `limit` merchants, suspended ones too, with their names, by name."""
    return [(row["id"], row["name"]) for row in await conn.fetch(CHOICES, limit)]


async def list_ids(conn: asyncpg.Connection) -> list[uuid.UUID]:
    """Return all merchants, suspended ones too."""
    return [row["id"] for row in await conn.fetch(IDS)]


async def get_zone(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> str:
    """Return the IANA zone of the merchant, live or in the trash; MerchantNotFoundException."""
    zone: str | None = await conn.fetchval(ZONE, merchant_id)
    if zone is None:
        raise MerchantNotFoundException
    return zone


async def list_zones(conn: asyncpg.Connection) -> list[tuple[uuid.UUID, str]]:
    """Return every active merchant with its IANA zone."""
    return [(row["id"], row["time_zone"]) for row in await conn.fetch(ZONES)]
