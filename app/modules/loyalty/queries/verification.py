"""Checking the ledger against the cards, in chunks by key: every card of every merchant, trashed ones too.

Rows of rivals may carry instants in another order than they were booked in. So the chain is not followed in time: each row
names the balances before and after it, and each row's *before* must be another row's *after*, or the empty card it began with.
"""

import dataclasses
import uuid

import asyncpg

COUNT_CARDS = "SELECT count(*) FROM loyalty_cards WHERE $1::uuid IS NULL OR merchant_id = $1"

# A migration's repair stands on what it found, which no row may account for.
CHECK_CHUNK = """
WITH cards AS MATERIALIZED (
  SELECT merchant_id, id, stamp_count, points_balance, points_owed FROM loyalty_cards
  WHERE ($1::uuid IS NULL OR merchant_id = $1) AND (merchant_id, id) > ($2, $3)
  ORDER BY merchant_id, id LIMIT $4
), history AS MATERIALIZED (
  SELECT t.card_id, t.id, t.created_at, t.stamps_delta, t.points_delta, t.op_key LIKE 'migration:%' AS is_repair,
         ROW(t.stamps_after, t.points_after, t.owed_after) AS after,
         ROW(t.stamps_after - t.stamps_delta, t.points_after - t.points_delta - t.owed_delta, t.owed_after - t.owed_delta) AS before
  FROM cards c JOIN loyalty_transactions t ON t.merchant_id = c.merchant_id AND t.card_id = c.id
), states AS (
  SELECT card_id, after AS state, row_number() OVER (PARTITION BY card_id, after ORDER BY created_at, id) AS n FROM history
), wanted AS (
  SELECT card_id, id, created_at, is_repair, before,
         row_number() OVER (PARTITION BY card_id, before ORDER BY created_at, id) - (before = ROW(0, 0, 0))::int AS n
  FROM history
), loose AS (
  SELECT DISTINCT ON (w.card_id) w.card_id, w.id FROM wanted w
  LEFT JOIN states s ON s.card_id = w.card_id AND s.state = w.before AND s.n = w.n
  WHERE s.card_id IS NULL AND w.n > 0 AND NOT w.is_repair
  ORDER BY w.card_id, w.created_at, w.id
), sums AS (
  SELECT card_id, sum(stamps_delta) AS stamps, sum(points_delta) AS points,
         (array_agg(id ORDER BY created_at DESC, id DESC))[1] AS last_id
  FROM history GROUP BY card_id
), verdicts AS (
  SELECT c.merchant_id, c.id AS card_id, loose.id AS loose_id, sums.last_id,
         coalesce(sums.stamps, 0) <> c.stamp_count AS is_stamps_wrong,
         coalesce(sums.points, 0) <> c.points_balance - c.points_owed AS is_points_wrong
  FROM cards c LEFT JOIN sums ON sums.card_id = c.id LEFT JOIN loose ON loose.card_id = c.id
)
SELECT (SELECT count(*) FROM cards) AS checked, last.merchant_id AS last_merchant_id, last.id AS last_id,
       coalesce((SELECT jsonb_agg(to_jsonb(v) ORDER BY v.merchant_id, v.card_id) FROM verdicts v
                 WHERE v.loose_id IS NOT NULL OR v.is_stamps_wrong OR v.is_points_wrong), '[]') AS broken
FROM (SELECT merchant_id, id FROM cards ORDER BY merchant_id DESC, id DESC LIMIT 1) AS last
"""

Position = tuple[uuid.UUID, uuid.UUID]
START: Position = (uuid.UUID(int=0), uuid.UUID(int=0))


@dataclasses.dataclass(frozen=True, slots=True)
class BrokenCard:
    """A card whose history does not lead to its balances.

    `transaction_id` is the first row that follows on nothing, else the last row of the card; None for a card without any row.
    """

    merchant_id: uuid.UUID
    card_id: uuid.UUID
    transaction_id: uuid.UUID | None
    is_chain_broken: bool
    is_stamps_wrong: bool
    is_points_wrong: bool


@dataclasses.dataclass(frozen=True, slots=True)
class CheckedChunk:
    """How many cards were looked at, which of them are broken, and where the next chunk begins."""

    checked: int
    broken: list[BrokenCard]
    position: Position


async def count_cards(conn: asyncpg.Connection, merchant_id: uuid.UUID | None) -> int:
    """Return how many cards there are to check, of one merchant or of all."""
    count: int = await conn.fetchval(COUNT_CARDS, merchant_id)
    return count


async def check_chunk(conn: asyncpg.Connection, merchant_id: uuid.UUID | None, after: Position, limit: int) -> CheckedChunk | None:
    """Check up to `limit` cards behind the position `after`, as they are at one instant; None when there are no more."""
    row = await conn.fetchrow(CHECK_CHUNK, merchant_id, *after, limit)
    if row is None:
        return None
    return CheckedChunk(row["checked"], [_broken(verdict) for verdict in row["broken"]], (row["last_merchant_id"], row["last_id"]))


def _broken(verdict: dict[str, str | bool | None]) -> BrokenCard:
    first = verdict["loose_id"] or verdict["last_id"]
    return BrokenCard(
        merchant_id=uuid.UUID(str(verdict["merchant_id"])),
        card_id=uuid.UUID(str(verdict["card_id"])),
        transaction_id=None if first is None else uuid.UUID(str(first)),
        is_chain_broken=verdict["loose_id"] is not None,
        is_stamps_wrong=bool(verdict["is_stamps_wrong"]),
        is_points_wrong=bool(verdict["is_points_wrong"]),
    )
