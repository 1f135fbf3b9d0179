"""Merchants and stores in the trash: read, put away, taken back, deleted."""

import dataclasses
import uuid

import asyncpg

from app.core import trash
from app.core.db.lists import Where, newest_first, read_page
from app.core.pagination import Page
from app.core.trash import Deletion, deletion_of
from app.modules.tenancy.queries import merchants, stores
from app.modules.tenancy.queries.merchants import MerchantView
from app.modules.tenancy.queries.stores import StoreView

MARKS = ", ".join(trash.COLUMNS)
LIST_MERCHANTS = f"SELECT {merchants.COLUMNS}, {MARKS} FROM tenancy_merchants m"
LIST_STORES = f"""
SELECT {", ".join(f"s.{name}" for name in stores.COLUMNS.split(", "))}, {", ".join(f"s.{name}" for name in trash.COLUMNS)},
       m.name AS merchant_name, m.status AS merchant_status, m.deleted_at IS NOT NULL AS is_merchant_trashed
FROM tenancy_stores s JOIN tenancy_merchants m ON m.id = s.merchant_id
"""
TRASH_MERCHANT = f"UPDATE tenancy_merchants SET {trash.put_away(2)} WHERE id = $1"
TRASH_STORES = (
    f"UPDATE tenancy_stores SET {trash.put_away(3)} WHERE merchant_id = $1 AND deleted_at IS NULL AND ($2::uuid IS NULL OR id = $2)"
)
RESTORE_MERCHANT = f"UPDATE tenancy_merchants SET {trash.CLEAR} WHERE id = $1"
RESTORE_STORES = f"UPDATE tenancy_stores SET {trash.CLEAR} WHERE merchant_id = $1 AND deletion_id = $2"
RESTORE_STORE = f"UPDATE tenancy_stores SET {trash.CLEAR} WHERE merchant_id = $1 AND id = $2"
DELETE_MERCHANT = "DELETE FROM tenancy_merchants WHERE id = $1"
HAS_PEOPLE = "SELECT EXISTS (SELECT FROM tenancy_memberships WHERE merchant_id = $1 AND store_id = $2)"
# Keys and sessions of a store that is gone lead nowhere.
DELETE_STORE = (
    "DELETE FROM tenancy_sessions WHERE merchant_id = $1 AND store_id = $2",
    "DELETE FROM tenancy_api_keys WHERE merchant_id = $1 AND store_id = $2",
    "DELETE FROM tenancy_stores WHERE merchant_id = $1 AND id = $2",
)


@dataclasses.dataclass(frozen=True, slots=True)
class TrashedMerchant:
    """A merchant in the trash."""

    merchant: MerchantView
    deletion: Deletion


@dataclasses.dataclass(frozen=True, slots=True)
class TrashedStore:
    """A store in the trash, and whose it is; with `is_merchant_trashed` it comes back with its merchant only."""

    store: StoreView
    deletion: Deletion
    merchant_name: str
    merchant_status: str
    is_merchant_trashed: bool


async def list_merchants(conn: asyncpg.Connection, *, pattern: str | None, cursor: str | None, limit: int) -> Page[TrashedMerchant]:
    """Return a page of merchants in the trash, the latest first; `pattern` (of LIKE) looks in name and contact. BadCursor."""
    where = Where().add("m.deleted_at IS NOT NULL")
    if pattern is not None:
        where.add("(m.name ILIKE ? OR m.contact_email ILIKE ?)", pattern, pattern)
    page = await read_page(conn, LIST_MERCHANTS, where, newest_first("m", "deleted_at"), cursor=cursor, limit=limit)
    items = [TrashedMerchant(merchants.view(row), deletion) for row in page.items if (deletion := deletion_of(row))]
    return Page(items, page.next_cursor, page.previous_cursor)


async def list_stores(
    conn: asyncpg.Connection, *, merchant_id: uuid.UUID | None, pattern: str | None = None, cursor: str | None, limit: int
) -> Page[TrashedStore]:
    """Return a page of stores in the trash, the latest first: one merchant's, or (as orion_platform) everybody's. BadCursor."""
    where = Where().add("s.deleted_at IS NOT NULL").add_equal(**{"s.merchant_id": merchant_id})
    if pattern is not None:
        where.add("(s.name ILIKE ? OR s.code ILIKE ? OR m.name ILIKE ?)", pattern, pattern, pattern)
    page = await read_page(conn, LIST_STORES, where, newest_first("s", "deleted_at"), cursor=cursor, limit=limit)
    return Page([_store(row) for row in page.items], page.next_cursor, page.previous_cursor)


def _store(row: asyncpg.Record) -> TrashedStore:
    deletion = deletion_of(row)
    if deletion is None:
        raise ValueError("this store is live")
    return TrashedStore(stores.view(row), deletion, row["merchant_name"], row["merchant_status"], row["is_merchant_trashed"])


async def trash_merchant(conn: asyncpg.Connection, merchant_id: uuid.UUID, deletion: Deletion) -> None:
    """Put the merchant and its live stores away."""
    await conn.execute(TRASH_MERCHANT, merchant_id, *deletion.values())
    await trash_stores(conn, merchant_id, deletion)


async def trash_stores(conn: asyncpg.Connection, merchant_id: uuid.UUID, deletion: Deletion, *, store_id: uuid.UUID | None = None) -> None:
    """Put the merchant's live stores away, or one of them."""
    await conn.execute(TRASH_STORES, merchant_id, store_id, *deletion.values())


async def restore_merchant(conn: asyncpg.Connection, merchant_id: uuid.UUID, deletion_id: uuid.UUID | None) -> None:
    """Take the merchant back, and the stores that went in the same act."""
    await conn.execute(RESTORE_MERCHANT, merchant_id)
    await conn.execute(RESTORE_STORES, merchant_id, deletion_id)


async def restore_store(conn: asyncpg.Connection, merchant_id: uuid.UUID, store_id: uuid.UUID) -> None:
    """Take one store back."""
    await conn.execute(RESTORE_STORE, merchant_id, store_id)


async def has_people(conn: asyncpg.Connection, merchant_id: uuid.UUID, store_id: uuid.UUID) -> bool:
    """Return whether somebody of the team belongs to the store."""
    return bool(await conn.fetchval(HAS_PEOPLE, merchant_id, store_id))


async def delete_store(conn: asyncpg.Connection, merchant_id: uuid.UUID, store_id: uuid.UUID) -> None:
    """Delete the store with its sessions and keys."""
    for statement in DELETE_STORE:
        await conn.execute(statement, merchant_id, store_id)


async def delete_merchant(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> None:
    """Delete the merchant's own row."""
    await conn.execute(DELETE_MERCHANT, merchant_id)
