"""What is read of a person's cards for an erasure, and for the data that they may have."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from app.core.context import Ctx

COUNT_TRANSACTIONS = "SELECT count(*) FROM loyalty_transactions WHERE merchant_id = $1 AND card_id = ANY($2::uuid[])"
LIST_CARDS = """
SELECT id, card_number, qr_token, external_number, status, enrolled_at_store_id AS store_id, created_at AS enrolled_at,
       stamp_count AS stamps, points_balance AS points, points_owed, visit_count AS visits, first_visit_at, last_activity_at, notes,
       last_expiration_warning_at, last_reengagement_at, deactivated_at, deleted_at, merged_into_id
FROM loyalty_cards WHERE merchant_id = $1 AND customer_id = $2 ORDER BY created_at, id
"""
LIST_TRANSACTIONS = """
SELECT created_at AS at, card_id, type, stamps_delta AS stamps, points_delta AS points, stamps_after, points_after, amount_cents,
       store_id, order_reference, id
FROM loyalty_transactions WHERE merchant_id = $1 AND card_id = ANY($2::uuid[]) ORDER BY created_at, id
"""
LIST_GREETINGS = """
SELECT year, created_at AS at, card_id FROM loyalty_birthday_greetings WHERE merchant_id = $1 AND customer_id = $2 ORDER BY year
"""
LAST_ACTIVITY = """
SELECT customer_id, max(last_activity_at) AS at FROM loyalty_cards WHERE merchant_id = $1 AND customer_id = ANY($2::uuid[])
GROUP BY customer_id
"""


async def count_transactions(ctx: Ctx, card_ids: Sequence[uuid.UUID]) -> int:
    """Return how many rows of history these cards have."""
    count: int = await ctx.conn.fetchval(COUNT_TRANSACTIONS, ctx.merchant_id, list(card_ids))
    return count


async def list_cards(ctx: Ctx, customer_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return every card of the customer, merged and trashed ones too, as they may read of it."""
    return [dict(row) for row in await ctx.conn.fetch(LIST_CARDS, ctx.merchant_id, customer_id)]


async def list_transactions(ctx: Ctx, card_ids: Sequence[uuid.UUID]) -> list[dict[str, Any]]:
    """Return the whole history of these cards, oldest first, without who of the staff it was."""
    return [dict(row) for row in await ctx.conn.fetch(LIST_TRANSACTIONS, ctx.merchant_id, list(card_ids))]


async def list_greetings(ctx: Ctx, customer_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the years in which the customer was greeted."""
    return [dict(row) for row in await ctx.conn.fetch(LIST_GREETINGS, ctx.merchant_id, customer_id)]


async def find_last_activity(ctx: Ctx, customer_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dt.datetime]:
    """Return when each of these people last used any of their cards; those without a card are left out."""
    rows = await ctx.conn.fetch(LAST_ACTIVITY, ctx.merchant_id, list(customer_ids)) if customer_ids else []
    return {row["customer_id"]: row["at"] for row in rows}
