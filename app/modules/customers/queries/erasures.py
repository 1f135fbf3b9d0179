"""Reading the log of erasures, and whose customer somebody is."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence

from app.core.context import Ctx, PlatformCtx

FIND_MERCHANT = "SELECT merchant_id FROM customers WHERE id = $1"
LIST = """
SELECT merchant_id, customer_id, at, actor_kind, actor_id FROM erasure_log
WHERE (merchant_id, customer_id) > ($1, $2) ORDER BY merchant_id, customer_id LIMIT $3
"""
ADD = """
INSERT INTO erasure_log (merchant_id, customer_id, at, actor_kind, actor_id) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, customer_id) DO NOTHING
"""
# Nobody has touched their data for long, or they were told already that it will be erased.
LIST_QUIET = """
SELECT id AS customer_id, retention_warned_at AS warned_at, updated_at AS changed_at FROM customers
WHERE merchant_id = $1 AND id > $2 AND anonymized_at IS NULL AND (updated_at < $3 OR retention_warned_at IS NOT NULL)
ORDER BY id LIMIT $4
"""
NOTE_WARNED = """
UPDATE customers SET retention_warned_at = $3
WHERE merchant_id = $1 AND id = ANY($2::uuid[]) AND anonymized_at IS NULL AND retention_warned_at IS NULL RETURNING id
"""
FORGET_WARNED = """
UPDATE customers SET retention_warned_at = NULL
WHERE merchant_id = $1 AND retention_warned_at IS NOT NULL AND anonymized_at IS NULL AND ($2::uuid[] IS NULL OR id = ANY($2))
"""
CAME_BACK = """
UPDATE customers SET retention_warned_at = NULL, updated_at = $3
WHERE merchant_id = $1 AND id = $2 AND retention_warned_at IS NOT NULL AND anonymized_at IS NULL
"""
NOBODY = uuid.UUID(int=0)


@dataclasses.dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure: whom, when, and by whom (a role and an id)."""

    merchant_id: uuid.UUID
    customer_id: uuid.UUID
    at: dt.datetime
    actor_kind: str
    actor_id: uuid.UUID | None


@dataclasses.dataclass(frozen=True, slots=True)
class QuietCustomer:
    """Somebody whose data has not been touched for long; `warned_at`: when they were told that it will be erased.

    `changed_at` is when it was last touched.
    """

    customer_id: uuid.UUID
    warned_at: dt.datetime | None
    changed_at: dt.datetime


async def list_quiet(ctx: Ctx, *, before: dt.datetime, after_id: uuid.UUID, limit: int) -> list[QuietCustomer]:
    """Return up to `limit` people, by id behind `after_id`, whose data was last touched before an instant, or who were told."""
    return [QuietCustomer(**dict(row)) for row in await ctx.conn.fetch(LIST_QUIET, ctx.merchant_id, after_id, before, limit)]


async def note_retention_warnings(ctx: Ctx, customer_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Note that these people are told now that their data will be erased; return those who were not told before."""
    rows = await ctx.conn.fetch(NOTE_WARNED, ctx.merchant_id, list(customer_ids), ctx.now) if customer_ids else []
    return sorted(row["id"] for row in rows)


async def forget_retention_warnings(ctx: Ctx, customer_ids: Sequence[uuid.UUID] | None = None) -> None:
    """Take back what these people (None: all of the merchant) were told."""
    if customer_ids is None or customer_ids:
        await ctx.conn.execute(FORGET_WARNED, ctx.merchant_id, None if customer_ids is None else list(customer_ids))


async def note_return(ctx: Ctx, customer_id: uuid.UUID) -> None:
    """Note that somebody who was told that their data will be erased has signed in: they stay."""
    await ctx.conn.execute(CAME_BACK, ctx.merchant_id, customer_id, ctx.now)


async def find_merchant(ctx: PlatformCtx, customer_id: uuid.UUID) -> uuid.UUID | None:
    """Return the merchant whose customer this is, or None."""
    merchant_id: uuid.UUID | None = await ctx.conn.fetchval(FIND_MERCHANT, customer_id)
    return merchant_id


async def list_erasures(ctx: PlatformCtx, *, after: Erasure | None = None, limit: int = 500) -> list[Erasure]:
    """Return up to `limit` erasures behind `after`, by merchant and customer."""
    last = (after.merchant_id, after.customer_id) if after else (NOBODY, NOBODY)
    return [Erasure(**dict(row)) for row in await ctx.conn.fetch(LIST, *last, limit)]


async def add_erasure(ctx: Ctx | PlatformCtx, erasure: Erasure) -> None:
    """Note an erasure; one that is known stays as it is."""
    await ctx.conn.execute(ADD, *dataclasses.astuple(erasure))
