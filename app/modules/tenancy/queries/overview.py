"""What the platform's admin sees first: how many, and who came last. For orion_platform only."""

import dataclasses
import uuid
from collections.abc import Collection

import asyncpg

from app.modules.tenancy.queries.merchants import COLUMNS, MerchantView, view

COUNT = """
SELECT (SELECT count(*) FROM tenancy_merchants WHERE deleted_at IS NULL AND status = 'active') AS active_merchants,
       (SELECT count(*) FROM tenancy_merchants WHERE deleted_at IS NULL AND status = 'suspended') AS suspended_merchants,
       count(*) FILTER (WHERE s.status = 'open') AS open_stores, count(*) FILTER (WHERE s.status = 'closed') AS closed_stores
FROM tenancy_stores s JOIN tenancy_merchants m ON m.id = s.merchant_id AND m.deleted_at IS NULL
WHERE s.deleted_at IS NULL
"""
LATEST = f"SELECT {COLUMNS} FROM tenancy_merchants WHERE deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $1"
NAMES = "SELECT id, name FROM tenancy_merchants WHERE id = ANY($1::uuid[])"

STORE_NAMES = "SELECT id, name, merchant_id FROM tenancy_stores WHERE id = ANY($1::uuid[])"


@dataclasses.dataclass(frozen=True, slots=True)
class StoreName:
    """What a store is called, and whose it is."""

    name: str
    merchant_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class Counts:
    """Merchants that may work and that were deactivated, and the stores of both."""

    active_merchants: int
    suspended_merchants: int
    open_stores: int
    closed_stores: int


async def count_all(conn: asyncpg.Connection) -> Counts:
    """Return how many merchants and stores there are."""
    [row] = await conn.fetch(COUNT)
    return Counts(**dict(row))


async def list_latest(conn: asyncpg.Connection, limit: int) -> list[MerchantView]:
    """Return the `limit` merchants that were made last, the latest first."""
    return [view(row) for row in await conn.fetch(LATEST, limit)]


async def find_names(conn: asyncpg.Connection, merchant_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of those of `merchant_ids` that exist, deleted ones too."""
    return {row["id"]: row["name"] for row in await conn.fetch(NAMES, list(merchant_ids))}


async def find_store_names(conn: asyncpg.Connection, store_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, StoreName]:
    """Return name and merchant of those of `store_ids` that exist."""
    return {row["id"]: StoreName(row["name"], row["merchant_id"]) for row in await conn.fetch(STORE_NAMES, list(store_ids))}
