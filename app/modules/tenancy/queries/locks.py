"""The module's row locks."""

import dataclasses
import uuid

import asyncpg

LOCK_MEMBERSHIPS = "SELECT id, user_id, role, store_id FROM tenancy_memberships WHERE merchant_id = $1 ORDER BY id FOR UPDATE"


@dataclasses.dataclass(frozen=True, slots=True)
class LockedMembership:
    """One of the team, as of the lock."""

    id: uuid.UUID
    user_id: uuid.UUID
    role: str
    store_id: uuid.UUID | None


async def lock_memberships(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> dict[uuid.UUID, LockedMembership]:
    """Lock the merchant's whole team, so that two owners cannot remove each other at once; return it by id."""
    rows = await conn.fetch(LOCK_MEMBERSHIPS, merchant_id)
    return {row["id"]: LockedMembership(row["id"], row["user_id"], row["role"], row["store_id"]) for row in rows}
