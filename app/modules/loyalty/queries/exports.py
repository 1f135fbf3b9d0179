"""Cards and transactions as lines of a CSV file, written by the database (see app/core/db/cells.py)."""

import datetime as dt
import uuid

from app.core.context import Ctx
from app.core.db.cells import Selection, cell, instant, joined

CARD_COLUMNS = (
    "points", "stamps", "card_number", "store", "enrolled_at", "last_visit_at", "status", "points_owed",
    "external_number",
)  # fmt: skip
TRANSACTION_COLUMNS = (
    "at", "type", "card_number", "store", "points", "stamps", "points_after", "stamps_after", "amount_cents", "order_reference",
    "card_id", "id",
)  # fmt: skip

_CARD = joined(
    "k.points_balance::text", "k.stamp_count::text", "k.card_number", cell("s.code"), instant("k.created_at"),
    instant("k.last_activity_at"),
    "k.status", "k.points_owed::text", cell("k.external_number"),
)  # fmt: skip
_TRANSACTION = joined(
    instant("t.created_at"), "t.type", "k.card_number", cell("s.code"), "t.points_delta::text", "t.stamps_delta::text",
    "t.points_after::text", "t.stamps_after::text", "coalesce(t.amount_cents::text, '')", cell("t.order_reference"), "t.card_id::text",
    "t.id::text",
)  # fmt: skip

CARDS = f"""
SELECT k.created_at, k.id, k.customer_id, {_CARD} AS line
FROM loyalty_cards k LEFT JOIN unnest($7::uuid[], $8::text[]) AS s (id, code) ON s.id = k.enrolled_at_store_id
WHERE k.merchant_id = $1 AND k.deleted_at IS NULL AND k.status <> 'merged' AND (k.created_at, k.id) > ($3, $4)
  AND k.created_at >= $5 AND k.created_at < $6 AND ($9::uuid IS NULL OR k.enrolled_at_store_id = $9)
ORDER BY k.created_at, k.id LIMIT $10
"""
TRANSACTIONS = f"""
SELECT t.created_at, t.id, {_TRANSACTION} AS line
FROM (
  SELECT h.* FROM loyalty_transactions h
  WHERE h.merchant_id = $1 AND (h.created_at, h.id) > ($3, $4) AND h.created_at >= $5 AND h.created_at < $6
    AND ($9::uuid IS NULL OR h.store_id = $9)
  ORDER BY h.created_at, h.id LIMIT $10) t
JOIN loyalty_cards k ON k.merchant_id = $1 AND k.id = t.card_id
LEFT JOIN unnest($7::uuid[], $8::text[]) AS s (id, code) ON s.id = t.store_id
ORDER BY t.created_at, t.id
"""

Place = tuple[dt.datetime, uuid.UUID]
"""Behind which row to go on: its instant and id."""


async def list_card_lines(ctx: Ctx, selection: Selection, *, after: Place, limit: int) -> list[tuple[Place, uuid.UUID | None, str]]:
    """Return live cards of the selection, oldest first: where each is, whose it is, and CARD_COLUMNS."""
    rows = await ctx.conn.fetch(CARDS, ctx.merchant_id, selection.delimiter, *after, *selection.bindings, limit)
    return [((row[0], row[1]), row[2], row[3]) for row in rows]


async def list_transaction_lines(ctx: Ctx, selection: Selection, *, after: Place, limit: int) -> list[tuple[Place, str]]:
    """Return the ledger's rows of the selection, oldest first: where each is, and TRANSACTION_COLUMNS."""
    rows = await ctx.conn.fetch(TRANSACTIONS, ctx.merchant_id, selection.delimiter, *after, *selection.bindings, limit)
    return [((row[0], row[1]), row[2]) for row in rows]
