"""Reading the log of erasures, and whose customer somebody is."""

import dataclasses
import datetime as dt
import uuid

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
NOBODY = uuid.UUID(int=0)


@dataclasses.dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure: whom, when, and by whom (a role and an id)."""

    merchant_id: uuid.UUID
    customer_id: uuid.UUID
    at: dt.datetime
    actor_kind: str
    actor_id: uuid.UUID | None


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
