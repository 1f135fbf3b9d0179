"""The module's row locks."""

import dataclasses
import datetime as dt
import uuid

import asyncpg

from app.core import trash
from app.core.trash import Deletion, deletion_of
from app.modules.tenancy.errors import MerchantNotFoundException

LOCK_MEMBERSHIPS = "SELECT id, user_id, role, store_id FROM tenancy_memberships WHERE merchant_id = $1 ORDER BY id FOR UPDATE"
LOCK_MERCHANT = f"SELECT name, {', '.join(trash.COLUMNS)} FROM tenancy_merchants WHERE id = $1 FOR NO KEY UPDATE"
LOCK_STORES = f"""
SELECT id, name, code, created_at, {", ".join(trash.COLUMNS)} FROM tenancy_stores WHERE merchant_id = $1 ORDER BY id FOR NO KEY UPDATE
"""


@dataclasses.dataclass(frozen=True, slots=True)
class LockedMembership:
    """One of the team, as of the lock."""

    id: uuid.UUID
    user_id: uuid.UUID
    role: str
    store_id: uuid.UUID | None


@dataclasses.dataclass(frozen=True, slots=True)
class LockedMerchant:
    """A merchant, live or in the trash (`deletion`), as of the lock."""

    name: str
    deletion: Deletion | None


@dataclasses.dataclass(frozen=True, slots=True)
class LockedStore:
    """A store, live or in the trash (`deletion`), as of the lock."""

    id: uuid.UUID
    name: str
    code: str
    created_at: dt.datetime
    deletion: Deletion | None


async def lock_merchant(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> LockedMerchant:
    """Lock a merchant, also one in the trash; MerchantNotFoundException."""
    row = await conn.fetchrow(LOCK_MERCHANT, merchant_id)
    if row is None:
        raise MerchantNotFoundException
    return LockedMerchant(row["name"], deletion_of(row))


async def lock_stores(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> dict[uuid.UUID, LockedStore]:
    """Lock all the merchant's stores, also those in the trash, so that of two the last is not put away twice; return them by id."""
    rows = await conn.fetch(LOCK_STORES, merchant_id)
    return {row["id"]: LockedStore(row["id"], row["name"], row["code"], row["created_at"], deletion_of(row)) for row in rows}


async def lock_memberships(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> dict[uuid.UUID, LockedMembership]:
    """Lock the merchant's whole team, so that two owners cannot remove each other at once; return it by id."""
    rows = await conn.fetch(LOCK_MEMBERSHIPS, merchant_id)
    return {row["id"]: LockedMembership(row["id"], row["user_id"], row["role"], row["store_id"]) for row in rows}
