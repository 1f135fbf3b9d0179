"""Stores, read."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection

import asyncpg

from app.core.db import lists
from app.core.pagination import Page
from app.modules.tenancy.errors import StoreNotFoundException

COLUMNS = (
    "merchant_id, id, code, name, address_line, postal_code, city, country, time_zone, locale, phone, opening_text, status, created_at"
)
FIND = f"SELECT {COLUMNS} FROM tenancy_stores WHERE merchant_id = $1 AND id = $2 AND deleted_at IS NULL"
LIST = f"""
SELECT {COLUMNS} FROM tenancy_stores
WHERE merchant_id = $1 AND deleted_at IS NULL AND ($2 OR status = 'open') ORDER BY lower(name), id
"""
LIST_ALL = f"""
SELECT {", ".join(f"s.{name}" for name in COLUMNS.split(", "))}, lower(s.name) AS sort_name, m.name AS merchant_name,
       m.status AS merchant_status
FROM tenancy_stores s JOIN tenancy_merchants m ON m.id = s.merchant_id AND m.deleted_at IS NULL
"""
FOUND = "(s.name ILIKE ? OR s.code ILIKE ? OR s.city ILIKE ? OR m.name ILIKE ?)"
ORDERS = {"name": lists.by_name("s"), "created": lists.reverse(lists.newest_first("s"))}
NAMES = "SELECT id, name FROM tenancy_stores WHERE merchant_id = $1 AND id = ANY($2::uuid[])"
IS_CODE_FREE = "SELECT tenancy_is_store_code_free($1, $2)"
ONLY_OPEN = """
SELECT (array_agg(id))[1] FROM tenancy_stores WHERE merchant_id = $1 AND status = 'open' AND deleted_at IS NULL HAVING count(*) = 1
"""


@dataclasses.dataclass(frozen=True, slots=True)
class StoreView:
    """A store as others see it; `code` is its public address, `time_zone` its IANA zone."""

    merchant_id: uuid.UUID
    id: uuid.UUID
    code: str
    name: str
    address_line: str
    postal_code: str
    city: str
    country: str
    time_zone: str
    locale: str
    phone: str | None
    opening_text: str | None
    status: str
    created_at: dt.datetime

    @property
    def is_open(self) -> bool:
        """Whether it takes part at present."""
        return self.status == "open"

    @property
    def address(self) -> str:
        """Street, postal code and town on one line."""
        return ", ".join(part for part in (self.address_line, f"{self.postal_code} {self.city}".strip()) if part)


@dataclasses.dataclass(frozen=True, slots=True)
class StoreSummary:
    """A row of the platform's list: a store, whose it is, and whether that merchant is active."""

    store: StoreView
    merchant_name: str
    merchant_status: str


def view(row: asyncpg.Record) -> StoreView:
    """Return a row as a StoreView."""
    return StoreView(**{field.name: row[field.name] for field in dataclasses.fields(StoreView)})


async def find_store(conn: asyncpg.Connection, merchant_id: uuid.UUID, store_id: uuid.UUID) -> StoreView | None:
    """Return the merchant's store, open or closed, or None."""
    row = await conn.fetchrow(FIND, merchant_id, store_id)
    return view(row) if row else None


async def get_store(conn: asyncpg.Connection, merchant_id: uuid.UUID, store_id: uuid.UUID) -> StoreView:
    """Return the merchant's store, open or closed; StoreNotFoundException."""
    store = await find_store(conn, merchant_id, store_id)
    if store is None:
        raise StoreNotFoundException
    return store


async def list_stores(conn: asyncpg.Connection, merchant_id: uuid.UUID, *, include_closed: bool) -> list[StoreView]:
    """Return the merchant's stores by name."""
    return [view(row) for row in await conn.fetch(LIST, merchant_id, include_closed)]


async def list_all_stores(
    conn: asyncpg.Connection,
    *,
    pattern: str | None,
    status: str | None,
    merchant_id: uuid.UUID | None,
    sort: str,
    cursor: str | None,
    limit: int,
) -> Page[StoreSummary]:
    """Return a page of stores of all merchants; `pattern` (of LIKE) looks in name, code, town and the merchant's name.

    `sort` is one of ORDERS, with a minus from its end. BadCursor. For orion_platform only.
    """
    where = lists.Where().add("s.deleted_at IS NULL").add_equal(**{"s.status": status, "s.merchant_id": merchant_id})
    if pattern is not None:
        where.add(FOUND, pattern, pattern, pattern, pattern)
    page = await lists.read_page(conn, LIST_ALL, where, lists.choose(ORDERS, sort), cursor=cursor, limit=limit)
    items = [StoreSummary(view(row), row["merchant_name"], row["merchant_status"]) for row in page.items]
    return Page(items, page.next_cursor, page.previous_cursor)


async def find_names(conn: asyncpg.Connection, merchant_id: uuid.UUID, store_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of those of `store_ids` that are the merchant's; deleted ones too, for history."""
    return {row["id"]: row["name"] for row in await conn.fetch(NAMES, merchant_id, list(store_ids))}


async def is_code_free(conn: asyncpg.Connection, merchant_id: uuid.UUID, code: str) -> bool:
    """Return whether the merchant may give the code to a store: no live one of the platform has it, no trashed one of another merchant."""
    return bool(await conn.fetchval(IS_CODE_FREE, code, merchant_id))


async def find_only_open(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> uuid.UUID | None:
    """Return the merchant's one open store, or None when there are none or several."""
    store_id: uuid.UUID | None = await conn.fetchval(ONLY_OPEN, merchant_id)
    return store_id
