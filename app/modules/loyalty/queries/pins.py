"""Reading staff PINs and the merchant's PIN settings; a hash never leaves this module's locks."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection

import asyncpg

from app.core.context import Ctx
from app.modules.loyalty.domain.enums import PinPolicy, PinRole
from app.modules.loyalty.errors import PinNotFoundException

COLUMNS = "id, store_id, display_name, role, email_normalized, failed_attempts, locked_until, is_active, created_at"
GET = f"SELECT {COLUMNS} FROM loyalty_staff_pins WHERE merchant_id = $1 AND id = $2"
LIST = f"""
SELECT {COLUMNS} FROM loyalty_staff_pins
WHERE merchant_id = $1 AND is_active AND ($2::uuid IS NULL OR store_id = $2) ORDER BY lower(display_name), id LIMIT 500
"""
NAMES = "SELECT id, display_name FROM loyalty_staff_pins WHERE merchant_id = $1 AND id = ANY($2::uuid[])"
SETTINGS = """
SELECT pin_policy, pin_length, unlock_minutes, max_pin_attempts, pin_lock_minutes FROM loyalty_merchant_settings WHERE merchant_id = $1
"""


@dataclasses.dataclass(frozen=True, slots=True)
class StaffPin:
    """A staff member at a store, without the PIN."""

    id: uuid.UUID
    store_id: uuid.UUID
    display_name: str
    role: PinRole
    email: str | None
    failed_attempts: int
    locked_until: dt.datetime | None
    is_active: bool
    created_at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class PinRules:
    """The merchant's PIN settings, minutes in minutes."""

    pin_policy: PinPolicy
    pin_length: int
    unlock_minutes: int
    max_pin_attempts: int
    pin_lock_minutes: int


async def get_pin(ctx: Ctx, pin_id: uuid.UUID) -> StaffPin:
    """Return a staff member; PinNotFoundException when the merchant has no such one."""
    row = await ctx.conn.fetchrow(GET, ctx.merchant_id, pin_id)
    if row is None:
        raise PinNotFoundException
    return _staff(row)


async def find_names(ctx: Ctx, pin_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of those of `pin_ids` that exist, taken away or not."""
    return {row["id"]: row["display_name"] for row in await ctx.conn.fetch(NAMES, ctx.merchant_id, list(pin_ids))}


async def list_pins(ctx: Ctx, store_id: uuid.UUID | None = None) -> list[StaffPin]:
    """Return the active staff of a store, or of all stores, by name."""
    return [_staff(row) for row in await ctx.conn.fetch(LIST, ctx.merchant_id, store_id)]


async def get_pin_settings(ctx: Ctx) -> PinRules:
    """Return the merchant's PIN settings."""
    row = await ctx.conn.fetchrow(SETTINGS, ctx.merchant_id)
    if row is None:
        return PinRules(PinPolicy.REQUIRED, 6, 5, 5, 15)
    return PinRules(
        PinPolicy(row["pin_policy"]), row["pin_length"], row["unlock_minutes"], row["max_pin_attempts"], row["pin_lock_minutes"]
    )


def _staff(row: asyncpg.Record) -> StaffPin:
    return StaffPin(
        id=row["id"],
        store_id=row["store_id"],
        display_name=row["display_name"],
        role=PinRole(row["role"]),
        email=row["email_normalized"],
        failed_attempts=row["failed_attempts"],
        locked_until=row["locked_until"],
        is_active=row["is_active"],
        created_at=row["created_at"],
    )
