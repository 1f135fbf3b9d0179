"""Checking the ledger against the cards, in chunks by key: every card of every merchant, trashed ones too.

Rows of rivals may carry instants in another order than they were booked in. So the chain is not followed in time: each row
names the balances before and after it, and each row's *before* must be another row's *after*, or the empty card it began with.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg

COUNT_CARDS = "SELECT count(*) FROM loyalty_cards WHERE $1::uuid IS NULL OR merchant_id = $1"

# Each row gives its *after* and takes its *before*; the empty card is given, the card's present balances are taken. What is taken
# more often than given is what somebody changed. No joins: every step is counted once, however the planner judges the sizes.
# A migration's repair stands on what it found, which no row may account for.
CHECK = """
WITH cards AS MATERIALIZED (
  SELECT merchant_id, id, stamp_count, points_balance, points_owed FROM loyalty_cards
  WHERE {condition}
  ORDER BY merchant_id, id{limit}
), history AS MATERIALIZED (
  SELECT c.merchant_id, c.id AS card_id, t.* FROM cards c CROSS JOIN LATERAL (
    SELECT o.id, o.created_at, o.stamps_delta, o.points_delta, o.owed_delta, o.stamps_after, o.points_after, o.owed_after, o.op_key
    FROM loyalty_transactions o WHERE o.merchant_id = c.merchant_id AND o.card_id = c.id OFFSET 0) t
), steps AS (
  SELECT merchant_id, card_id, id, created_at, 1 AS given, stamps_after AS stamps, points_after AS points, owed_after AS owed,
         stamps_delta, points_delta
  FROM history
  UNION ALL
  SELECT merchant_id, card_id, id, created_at, -1, stamps_after - stamps_delta, points_after - points_delta - owed_delta,
         owed_after - owed_delta, 0, 0
  FROM history WHERE op_key NOT LIKE 'migration:%'
  UNION ALL
  SELECT merchant_id, id, NULL, '-infinity', 1, 0, 0, 0, 0, 0 FROM cards
  UNION ALL
  SELECT merchant_id, id, NULL, 'infinity', -1, stamp_count, points_balance, points_owed, -stamp_count, points_owed - points_balance
  FROM cards
), states AS (
  SELECT merchant_id, card_id, sum(given) < 0 AS is_loose, min(created_at) FILTER (WHERE given < 0) AS taken_at,
         (array_agg(id ORDER BY created_at, id) FILTER (WHERE given < 0))[1] AS taken_by,
         sum(stamps_delta) AS stamps, sum(points_delta) AS points
  FROM steps GROUP BY merchant_id, card_id, stamps, points, owed
), verdicts AS (
  SELECT merchant_id, card_id, bool_or(is_loose) AS is_loose,
         (array_agg(taken_by ORDER BY taken_at, taken_by) FILTER (WHERE is_loose))[1] AS loose_id,
         sum(stamps) <> 0 AS is_stamps_wrong, sum(points) <> 0 AS is_points_wrong
  FROM states GROUP BY merchant_id, card_id
)
SELECT (SELECT count(*) FROM cards) AS checked, last.merchant_id AS last_merchant_id, last.id AS last_id,
       coalesce((SELECT jsonb_agg(to_jsonb(v) || jsonb_build_object('last_id', (
                          SELECT h.id FROM history h WHERE h.card_id = v.card_id ORDER BY h.created_at DESC, h.id DESC LIMIT 1))
                        ORDER BY v.merchant_id, v.card_id)
                 FROM verdicts v WHERE v.is_loose OR v.is_stamps_wrong OR v.is_points_wrong), '[]') AS broken
FROM (SELECT merchant_id, id FROM cards ORDER BY merchant_id DESC, id DESC LIMIT 1) AS last
"""
CHECK_CHUNK = CHECK.format(condition="($1::uuid IS NULL OR merchant_id = $1) AND (merchant_id, id) > ($2, $3)", limit=" LIMIT $4")
CHECK_CARDS = CHECK.format(condition="merchant_id = $1 AND id = ANY($2::uuid[])", limit="")

# Ids grow with time (UUIDv7), so what was booked lately lies at the end of the primary key: read on from where the last chunk
# ended, each row is read once.
LIST_BOOKED = """
SELECT card_id, id FROM loyalty_transactions WHERE merchant_id = $1 AND id > $2 ORDER BY id LIMIT $3
"""
LIST_BUSY_MERCHANTS = """
SELECT p.merchant_id FROM loyalty_programs p WHERE p.deleted_at IS NULL
AND EXISTS (SELECT FROM loyalty_transactions t WHERE t.merchant_id = p.merchant_id AND t.id > $1)
ORDER BY p.merchant_id
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
    return _checked(await conn.fetchrow(CHECK_CHUNK, merchant_id, *after, limit))


async def check_cards(conn: asyncpg.Connection, merchant_id: uuid.UUID, card_ids: Sequence[uuid.UUID]) -> list[BrokenCard]:
    """Check those of a merchant's `card_ids` that exist, as they are at one instant, and return the broken ones."""
    found = _checked(await conn.fetchrow(CHECK_CARDS, merchant_id, list(card_ids)))
    return [] if found is None else found.broken


async def list_booked(
    conn: asyncpg.Connection, merchant_id: uuid.UUID, after_id: uuid.UUID, limit: int
) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return card and id of up to `limit` rows of a merchant's history with an id above `after_id`, in the order of ids."""
    return [(row["card_id"], row["id"]) for row in await conn.fetch(LIST_BOOKED, merchant_id, after_id, limit)]


async def list_busy_merchants(conn: asyncpg.Connection, after_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the merchants with a program where a row with an id above `after_id` was booked (on a platform connection)."""
    return [row["merchant_id"] for row in await conn.fetch(LIST_BUSY_MERCHANTS, after_id)]


def first_id(at: dt.datetime) -> uuid.UUID:
    """Return an id below all that are made from `at` on: UUIDv7 begin with the milliseconds since 1970."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80)


def _checked(row: Any) -> CheckedChunk | None:
    if row is None:
        return None
    return CheckedChunk(row["checked"], [_broken(verdict) for verdict in row["broken"]], (row["last_merchant_id"], row["last_id"]))


def _broken(verdict: dict[str, str | bool | None]) -> BrokenCard:
    first = verdict["loose_id"] or verdict["last_id"]
    return BrokenCard(
        merchant_id=uuid.UUID(str(verdict["merchant_id"])),
        card_id=uuid.UUID(str(verdict["card_id"])),
        transaction_id=None if first is None else uuid.UUID(str(first)),
        is_chain_broken=verdict["loose_id"] is not None or not (verdict["is_stamps_wrong"] or verdict["is_points_wrong"]),
        is_stamps_wrong=bool(verdict["is_stamps_wrong"]),
        is_points_wrong=bool(verdict["is_points_wrong"]),
    )
