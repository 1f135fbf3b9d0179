"""Cards and transactions as lines of a CSV file, written by the database (see app/core/db/cells.py)."""

import datetime as dt
import uuid

from app.core.context import Ctx
from app.core.db.cells import Selection, cell, copy_lines, instant, instant_cell, joined, last_cell, safe

CARD_COLUMNS = (
    "points", "stamps", "card_number", "store", "enrolled_at", "last_visit_at", "status", "points_owed",
    "external_number", "card_id",
)  # fmt: skip
TRANSACTION_COLUMNS = (
    "at", "type", "card_number", "store", "points", "stamps", "points_after", "stamps_after", "amount_cents", "order_reference",
    "card_id", "id",
)  # fmt: skip

_CARD = joined(
    "k.points_balance::text", "k.stamp_count::text", "k.card_number", "coalesce(s.code, '')", instant_cell("k.created_at"),
    instant_cell("k.last_activity_at"), "k.status", "k.points_owed::text", cell("k.external_number"), "k.id::text",
)  # fmt: skip

CARDS = f"""
SELECT k.customer_id, {_CARD} AS line
FROM loyalty_cards k LEFT JOIN unnest($7::uuid[], $8::text[]) AS s (id, code) ON s.id = k.enrolled_at_store_id
WHERE k.merchant_id = $1 AND k.deleted_at IS NULL AND k.status <> 'merged' AND (k.created_at, k.id) > ($3, $4)
  AND k.created_at >= $5 AND k.created_at < $6 AND ($9::uuid IS NULL OR k.enrolled_at_store_id = $9)
ORDER BY k.created_at, k.id LIMIT $10
"""
# Card by card by the key (LIMIT keeps it so): joined, all cards of the merchant would be read for each piece.
TRANSACTIONS = f"""
SELECT {instant("t.created_at")}, t.type, k.card_number, s.code, t.points_delta, t.stamps_delta, t.points_after, t.stamps_after,
       t.amount_cents, {safe("t.order_reference")}, t.card_id, t.id
FROM (
  SELECT * FROM loyalty_transactions h
  WHERE h.merchant_id = $1 AND (h.created_at, h.id) > ($2, $3) AND h.created_at >= $4 AND h.created_at < $5
    AND ($8::uuid IS NULL OR h.store_id = $8)
  ORDER BY h.created_at, h.id LIMIT $9) t
CROSS JOIN LATERAL (SELECT card_number FROM loyalty_cards WHERE merchant_id = $1 AND id = t.card_id LIMIT 1) k
LEFT JOIN unnest($6::uuid[], $7::text[]) AS s (id, code) ON s.id = t.store_id
ORDER BY t.created_at, t.id
"""
CARD_WHEN = "SELECT created_at FROM loyalty_cards WHERE merchant_id = $1 AND id = $2"
WHEN = "SELECT created_at FROM loyalty_transactions WHERE merchant_id = $1 AND id = $2"

Place = tuple[dt.datetime, uuid.UUID]
"""Behind which row to go on: its instant and id."""


async def list_card_lines(
    ctx: Ctx, selection: Selection, *, after: Place, limit: int
) -> tuple[list[uuid.UUID | None], list[str], Place | None]:
    """Return live cards of the selection, oldest first: whose each is, their CARD_COLUMNS, and where the last one is when there may be
    more."""
    rows = await ctx.conn.fetch(CARDS, ctx.merchant_id, selection.delimiter, *after, *selection.bindings, limit)
    lines = [row[1] for row in rows]
    last = await _place(ctx, CARD_WHEN, last_cell(lines[-1].encode(), selection.delimiter)) if len(rows) == limit else None
    return [row[0] for row in rows], lines, last


async def _place(ctx: Ctx, statement: str, last: str) -> Place:
    last_id = uuid.UUID(last)
    return await ctx.conn.fetchval(statement, ctx.merchant_id, last_id), last_id


async def list_transaction_lines(ctx: Ctx, selection: Selection, *, after: Place, limit: int) -> tuple[bytes, Place | None]:
    """Return the ledger's rows of the selection, oldest first, as lines of TRANSACTION_COLUMNS, and where the last one is when there
    may be more."""
    bindings = (ctx.merchant_id, *after, *selection.bindings, limit)
    lines, count = await copy_lines(ctx.conn, TRANSACTIONS, *bindings, delimiter=selection.delimiter)
    return lines, await _place(ctx, WHEN, last_cell(lines, selection.delimiter)) if count == limit else None
