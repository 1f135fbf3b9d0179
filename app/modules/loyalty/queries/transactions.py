"""Reading a card's history."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence

import asyncpg

from app.core.context import Ctx
from app.core.pagination import Page, page_of, parse_instant, read_cursor
from app.modules.loyalty.domain.enums import TransactionType
from app.modules.loyalty.domain.voids import Original
from app.modules.loyalty.errors import TransactionNotFoundException

FIND_CARD = """
SELECT t.card_id, t.type, t.points_delta FROM loyalty_transactions t
JOIN loyalty_cards c ON c.merchant_id = t.merchant_id AND c.id = t.card_id AND c.deleted_at IS NULL
WHERE t.merchant_id = $1 AND t.id = $2
"""

# An expiry takes the whole balance, so what was left of an earlier row went with the first one after it. Of these points those
# count that no void or refund of a row of the same time has let go of yet.
ORIGINAL = """
SELECT t.id, t.type, t.created_at, t.stamps_delta, t.points_delta, t.owed_delta, t.amount_cents, t.points_rate, t.quota_day,
       EXISTS (SELECT 1 FROM loyalty_transactions v WHERE v.merchant_id = t.merchant_id AND v.reverses_id = t.id) AS is_voided,
       r.cents, r.points, r.owed, coalesce(greatest(0, x.points - x.let_go), 0) AS expired_points
FROM loyalty_transactions t
LEFT JOIN LATERAL (
  SELECT sum(f.amount_cents) AS cents, sum(f.points_forgiven - f.points_delta) AS points, sum(f.owed_delta) AS owed
  FROM loyalty_transactions f WHERE f.merchant_id = t.merchant_id AND f.card_id = t.card_id AND f.refunds_id = t.id) r ON true
LEFT JOIN LATERAL (
  SELECT -e.points_delta AS points, (
    SELECT coalesce(sum(v.points_forgiven), 0) FROM loyalty_transactions v
    JOIN loyalty_transactions o ON o.merchant_id = v.merchant_id AND o.id = coalesce(v.reverses_id, v.refunds_id)
    WHERE v.merchant_id = t.merchant_id AND v.card_id = t.card_id AND (v.created_at, v.id) > (e.created_at, e.id)
      AND v.points_forgiven > 0 AND (o.created_at, o.id) < (e.created_at, e.id)
      AND NOT EXISTS (
        SELECT FROM loyalty_transactions b
        WHERE b.merchant_id = t.merchant_id AND b.card_id = t.card_id AND b.type = 'points_expired'
          AND (b.created_at, b.id) > (o.created_at, o.id) AND (b.created_at, b.id) < (e.created_at, e.id))) AS let_go
  FROM loyalty_transactions e
  WHERE e.merchant_id = t.merchant_id AND e.card_id = t.card_id AND e.type = 'points_expired'
    AND (e.created_at, e.id) > (t.created_at, t.id)
  ORDER BY e.created_at, e.id LIMIT 1) x ON true
WHERE t.merchant_id = $1 AND t.id = $2
"""

PREVIOUS_STAMP = """
SELECT t.created_at FROM loyalty_transactions t
WHERE t.merchant_id = $1 AND t.card_id = $2 AND t.type = 'stamp_earned' AND t.id <> $3
  AND NOT EXISTS (SELECT 1 FROM loyalty_transactions v WHERE v.merchant_id = t.merchant_id AND v.reverses_id = t.id)
ORDER BY t.created_at DESC, t.id DESC LIMIT 1
"""

MERGED_INTO = "SELECT id FROM loyalty_cards WHERE merchant_id = $1 AND merged_into_id = $2"
HISTORY = """
SELECT t.id, t.card_id, t.type, t.created_at, t.store_id, t.stamps_delta, t.points_delta, t.stamps_after, t.points_after, t.owed_after,
       t.points_forgiven, t.amount_cents, t.points_rate, t.stamps_target, t.reverses_id, t.refunds_id, t.reward_id, t.staff_pin_id,
       t.order_reference, r.name AS reward_name, p.display_name AS staff_name,
       EXISTS (SELECT 1 FROM loyalty_transactions v WHERE v.merchant_id = t.merchant_id AND v.reverses_id = t.id) AS is_voided,
       coalesce(t.card_id <> $2, false) AS is_of_merged_card
FROM (
  SELECT h.* FROM unnest($6::uuid[]) AS c (card_id) CROSS JOIN LATERAL (
    SELECT o.* FROM loyalty_transactions o
    WHERE o.merchant_id = $1 AND o.card_id = c.card_id AND (o.type <> 'merge_out' OR o.card_id = $2)
      AND ($3::timestamptz IS NULL OR (o.created_at, o.id) < ($3, $4))
    ORDER BY o.created_at DESC, o.id DESC LIMIT $5) h
  ORDER BY h.created_at DESC, h.id DESC LIMIT $5) t
LEFT JOIN loyalty_rewards r ON r.merchant_id = t.merchant_id AND r.id = t.reward_id
LEFT JOIN loyalty_staff_pins p ON p.merchant_id = t.merchant_id AND p.id = t.staff_pin_id
ORDER BY t.created_at DESC, t.id DESC
"""


@dataclasses.dataclass(frozen=True, slots=True)
class HistoryRow:
    """One row of a card's history as people read it: what, where, when, by which rule, and what it left."""

    id: uuid.UUID
    card_id: uuid.UUID
    type: TransactionType
    created_at: dt.datetime
    store_id: uuid.UUID | None
    stamps_delta: int
    points_delta: int
    stamps_after: int
    points_after: int
    owed_after: int
    points_forgiven: int
    amount_cents: int | None
    points_rate: int | None
    stamps_target: int | None
    reverses_id: uuid.UUID | None
    refunds_id: uuid.UUID | None
    reward_id: uuid.UUID | None
    staff_pin_id: uuid.UUID | None
    order_reference: str | None
    reward_name: str | None
    staff_name: str | None
    is_voided: bool
    is_of_merged_card: bool


async def get_card_of_transaction(ctx: Ctx, transaction_id: uuid.UUID) -> uuid.UUID:
    """Return the id of the card that a transaction belongs to; TransactionNotFoundException when there is none."""
    row = await ctx.conn.fetchrow(FIND_CARD, ctx.merchant_id, transaction_id)
    if row is None:
        raise TransactionNotFoundException
    card_id: uuid.UUID = row["card_id"]
    return card_id


async def get_original(ctx: Ctx, transaction_id: uuid.UUID) -> Original:
    """Return the row to take back with what refunds and voids did to it; read it while its card is locked."""
    row = await ctx.conn.fetchrow(ORIGINAL, ctx.merchant_id, transaction_id)
    if row is None:
        raise TransactionNotFoundException
    return Original(
        id=row["id"],
        type=TransactionType(row["type"]),
        occurred_at=row["created_at"],
        stamps_delta=row["stamps_delta"],
        points_delta=row["points_delta"],
        owed_delta=row["owed_delta"],
        amount_cents=row["amount_cents"],
        points_rate=row["points_rate"],
        quota_day=row["quota_day"],
        is_voided=row["is_voided"],
        refunded_cents=int(row["cents"] or 0),
        refunded_points=int(row["points"] or 0),
        refunded_owed=int(row["owed"] or 0),
        expired_points=int(row["expired_points"]),
    )


async def find_previous_stamp_at(ctx: Ctx, card_id: uuid.UUID, transaction_id: uuid.UUID) -> dt.datetime | None:
    """Return when the card's last unvoided stamp other than `transaction_id` was added, or None."""
    value: dt.datetime | None = await ctx.conn.fetchval(PREVIOUS_STAMP, ctx.merchant_id, card_id, transaction_id)
    return value


async def list_history(ctx: Ctx, card_id: uuid.UUID, *, cursor: str | None = None, limit: int = 25) -> Page[HistoryRow]:
    """Return a card's history with that of the cards merged into it (A12), newest first; the cursor is the last row's instant and id."""
    cards = [card_id, *(row["id"] for row in await ctx.conn.fetch(MERGED_INTO, ctx.merchant_id, card_id))]
    return await _list_rows(ctx, cards, card_id, cursor, limit)


async def list_history_of_cards(ctx: Ctx, card_ids: Sequence[uuid.UUID], *, cursor: str | None = None, limit: int = 25) -> Page[HistoryRow]:
    """Return the history of several cards as one, newest first, without what was moved from one to the other."""
    return await _list_rows(ctx, card_ids, None, cursor, limit)


async def _list_rows(ctx: Ctx, card_ids: Sequence[uuid.UUID], own_id: uuid.UUID | None, cursor: str | None, limit: int) -> Page[HistoryRow]:
    at, last_id = (None, None) if cursor is None else read_cursor(cursor, parse_instant, uuid.UUID)
    rows = await ctx.conn.fetch(HISTORY, ctx.merchant_id, own_id, at, last_id, limit + 1, list(card_ids))
    return page_of([_history(row) for row in rows], limit, lambda row: (row.created_at.isoformat(), str(row.id)))


def _history(row: asyncpg.Record) -> HistoryRow:
    values = dict(row)
    values["type"] = TransactionType(values["type"])
    return HistoryRow(**values)
