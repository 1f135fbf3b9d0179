"""Whom a merchant may write to unasked: one card per person, the one that was used last."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence

from app.core.context import Ctx

# Usable cards only; of several the one used last, of those the oldest.
CHOOSE_CARDS = """
SELECT DISTINCT ON (customer_id) id, customer_id, enrolled_at_store_id, last_activity_at,
       min(created_at) OVER (PARTITION BY customer_id) AS held_since
FROM loyalty_cards
WHERE merchant_id = $1 AND program_id = $2 AND customer_id = ANY($3::uuid[]) AND deleted_at IS NULL AND status = 'active'
ORDER BY customer_id, last_activity_at DESC, created_at, id
"""

# One pass over the merchant's cards by key. A person with several cards is away when none of them was used, and appears once, by
# the card used last; a call on any of their cards, also one that is no longer in use, counts for the person.
LIST_IDLE = """
SELECT c.id, c.customer_id, c.enrolled_at_store_id, c.last_activity_at, c.created_at AS held_since
FROM loyalty_cards c
WHERE c.merchant_id = $1 AND c.id > $3 AND c.program_id = $2 AND c.customer_id IS NOT NULL AND c.deleted_at IS NULL
  AND c.status = 'active' AND c.last_activity_at < $4 AND (c.last_reengagement_at IS NULL OR c.last_reengagement_at < $5)
  AND NOT EXISTS (
    SELECT FROM loyalty_cards o
    WHERE o.merchant_id = $1 AND o.customer_id = c.customer_id AND o.id <> c.id
      AND (o.last_reengagement_at >= $5
           OR (o.program_id = $2 AND o.deleted_at IS NULL AND o.status = 'active'
               AND (o.last_activity_at > c.last_activity_at
                    OR (o.last_activity_at = c.last_activity_at AND (o.created_at, o.id) < (c.created_at, c.id))))))
ORDER BY c.id LIMIT $6
"""
FIND_OPERATIONS = "SELECT op_key FROM loyalty_transactions WHERE merchant_id = $1 AND op_key = ANY($2::text[])"


@dataclasses.dataclass(frozen=True, slots=True)
class ChosenCard:
    """The card by which a person is written to; `held_since` is when the first of their usable cards was made."""

    id: uuid.UUID
    customer_id: uuid.UUID
    enrolled_at_store_id: uuid.UUID
    last_activity_at: dt.datetime
    held_since: dt.datetime


async def choose_cards(ctx: Ctx, program_id: uuid.UUID, customer_ids: Sequence[uuid.UUID]) -> list[ChosenCard]:
    """Return one usable card of the program for each of `customer_ids` who holds any, by customer."""
    if not customer_ids:
        return []
    return [ChosenCard(**dict(row)) for row in await ctx.conn.fetch(CHOOSE_CARDS, ctx.merchant_id, program_id, list(customer_ids))]


async def list_idle_cards(
    ctx: Ctx, program_id: uuid.UUID, *, after_id: uuid.UUID, idle_before: dt.datetime, asked_before: dt.datetime, limit: int
) -> list[ChosenCard]:
    """Return up to `limit` cards, by id behind `after_id`, of people who have not used any since `idle_before` and were not called
    back since `asked_before`: one card per person."""
    rows = await ctx.conn.fetch(LIST_IDLE, ctx.merchant_id, program_id, after_id, idle_before, asked_before, limit)
    return [ChosenCard(**dict(row)) for row in rows]


async def find_operations(ctx: Ctx, op_keys: Sequence[str]) -> frozenset[str]:
    """Return those of `op_keys` that the ledger has booked already."""
    return frozenset(row["op_key"] for row in await ctx.conn.fetch(FIND_OPERATIONS, ctx.merchant_id, list(op_keys)))
