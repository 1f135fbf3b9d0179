"""People who may be there twice: for each of some people those registered before them, by one probe of an index for each likeness."""

import uuid
from collections.abc import Sequence

from app.core.context import Ctx

TWINS = """
SELECT i.id, twin.id AS older_id FROM unnest($2::uuid[]) AS i (id)
JOIN customers a ON a.merchant_id = $1 AND a.id = i.id
CROSS JOIN LATERAL (
  SELECT id FROM (
    (SELECT b.id FROM customers b WHERE b.merchant_id = $1 AND b.phone_reversed = a.phone_reversed
       AND b.id < a.id AND b.anonymized_at IS NULL LIMIT 5)
    UNION
    (SELECT b.id FROM customers b WHERE b.merchant_id = $1 AND b.last_name_search = a.last_name_search
       AND b.first_name_search = a.first_name_search AND b.birth_date = a.birth_date AND b.id < a.id AND b.anonymized_at IS NULL LIMIT 5)
    UNION
    (SELECT b.id FROM customers b WHERE b.merchant_id = $1 AND b.email_key = a.email_key
       AND b.id < a.id AND b.anonymized_at IS NULL LIMIT 5)) found
  ORDER BY id LIMIT 5) twin
ORDER BY i.id DESC, twin.id
"""
LIST_MERGED = "SELECT id FROM customers WHERE merchant_id = $1 AND merged_into_id = $2 ORDER BY id"
FIND_MERGED_INTO = "SELECT merged_into_id FROM customers WHERE merchant_id = $1 AND id = $2"


async def list_twins(ctx: Ctx, customer_ids: Sequence[uuid.UUID]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return pairs of one of `customer_ids` and somebody older whom they may be, at most five for each."""
    return [(row["id"], row["older_id"]) for row in await ctx.conn.fetch(TWINS, ctx.merchant_id, list(customer_ids))]


async def list_merged(ctx: Ctx, customer_id: uuid.UUID) -> list[uuid.UUID]:
    """Return who was merged into somebody: rows that hold nothing any more, and ids by which older traces name the person."""
    return [row["id"] for row in await ctx.conn.fetch(LIST_MERGED, ctx.merchant_id, customer_id)]


async def find_merged_into(ctx: Ctx, customer_id: uuid.UUID) -> uuid.UUID | None:
    """Return whom somebody was merged into, or None."""
    found: uuid.UUID | None = await ctx.conn.fetchval(FIND_MERGED_INTO, ctx.merchant_id, customer_id)
    return found
