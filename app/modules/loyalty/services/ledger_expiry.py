"""The ledger's second hand, for expiry only: a chunk of cards in one statement (D1), decided by the sweep's cut-offs.

`ledger.py` takes decisions that were made card by card. A sweep of a million cards cannot: here the same rows come out of the
conditions in `queries/expiry.py`, which a test holds against the domain's rule card by card. The key of a row names card and
day, so that nothing expires twice whatever happens to runs, locks and workers.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence

import asyncpg

from app.core.context import Ctx
from app.core.ids import new_id
from app.core.outbox import writer
from app.modules.loyalty.domain.enums import TransactionType
from app.modules.loyalty.events import PointsExpired
from app.modules.loyalty.queries.expiry import CANDIDATES, DUE, Sweep
from app.modules.loyalty.services.chunks import CHUNK

TOLD_AFTER = dt.timedelta(minutes=15)
"""Mails wait this long: the sweep's next turn, also the one after a worker's death, must not queue up behind the mails it caused."""

# A chunk reads the cards that it changes, one by one along their primary key: no sort, no hash of all cards that are still to come.
# The planner, who judges by the average merchant, would take either for a large one; the cost is the square of its cards.
ALONG_THE_KEY = "; ".join(f"SET LOCAL enable_{way} = off" for way in ("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin"))

# A payload is what PointsExpired.payload() makes. A key that is taken means that the card has expired today: it stays as it is.
# The first listener's message bears the row's id: both are unique for ever, and making half of the ids is half of the work out here.
# allow[lock]: the ledger's set-based lock, of one statement with what it writes
CHUNK_STATEMENT = f"""
WITH picked AS (
  SELECT c.id, c.customer_id, c.enrolled_at_store_id, c.stamps_target, c.stamp_count, c.points_balance, c.last_activity_at,
         c.last_expiration_warning_at, {DUE} AS is_due
  FROM loyalty_cards c
  WHERE {CANDIDATES} AND c.id > $9
  ORDER BY c.id LIMIT {CHUNK}
  FOR UPDATE OF c %s
), due AS (
  SELECT id, stamp_count, points_balance, row_number() OVER () AS n FROM picked WHERE is_due
), booked AS (
  INSERT INTO loyalty_transactions (merchant_id, id, card_id, type, stamps_delta, points_delta, owed_delta, stamps_after,
    points_after, owed_after, op_key, created_at)
  SELECT $1, ($12::uuid[])[n], id, '{TransactionType.POINTS_EXPIRED}', 0, -points_balance, 0, stamp_count, 0, 0,
         'expiry:' || id || ':' || $11, $10
  FROM due
  ON CONFLICT (merchant_id, op_key) DO NOTHING
  RETURNING id, card_id, -points_delta AS points
), messages AS (
  INSERT INTO core_outbox (merchant_id, id, task, payload, available_at, created_at)
  SELECT $1, CASE WHEN s.n = 1 THEN b.id ELSE ($13::uuid[])[row_number() OVER ()] END, s.task,
         jsonb_build_object('card_id', b.card_id, 'transaction_id', b.id, 'points', b.points), $15, $10
  FROM booked b CROSS JOIN unnest($14::text[]) WITH ORDINALITY AS s (task, n)
), cards AS (
  UPDATE loyalty_cards c SET updated_at = $10,
    points_balance = CASE WHEN d.is_due THEN 0 ELSE c.points_balance END,
    total_points_voided = c.total_points_voided + CASE WHEN d.is_due THEN c.points_balance ELSE 0 END,
    last_expiration_warning_at = CASE WHEN d.is_due THEN c.last_expiration_warning_at ELSE $10 END
  FROM (SELECT card_id AS id, true AS is_due FROM booked UNION ALL SELECT id, false FROM picked WHERE NOT is_due) d
  WHERE c.merchant_id = $1 AND c.id = d.id
)
SELECT t.*, w.* FROM (
  SELECT (SELECT count(*) FROM picked) AS picked, (SELECT id FROM picked ORDER BY id DESC LIMIT 1) AS last_id,
         (SELECT count(*) FROM booked) AS expired, (SELECT coalesce(sum(points), 0) FROM booked)::bigint AS points) t
LEFT JOIN (SELECT id, customer_id, enrolled_at_store_id, stamps_target, points_balance, last_activity_at, last_expiration_warning_at
           FROM picked WHERE NOT is_due) w ON true
"""
EXPIRE_FREE = CHUNK_STATEMENT % "SKIP LOCKED"
EXPIRE_WAITING = CHUNK_STATEMENT % ""


@dataclasses.dataclass(frozen=True, slots=True)
class WarnedCard:
    """A card whose holder is to be warned, marked as warned in this transaction; balances as they are under its lock."""

    id: uuid.UUID
    customer_id: uuid.UUID | None
    enrolled_at_store_id: uuid.UUID
    stamps_target: int
    points_balance: int
    last_activity_at: dt.datetime
    last_expiration_warning_at: dt.datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class ExpiredChunk:
    """What one statement did: cards expired, their points, cards warned, and the last card; not `is_full`: no more candidates."""

    expired: int
    points: int
    warned: Sequence[WarnedCard]
    last_id: uuid.UUID | None
    is_full: bool


async def expire_chunk(ctx: Ctx, sweep: Sweep, *, after_id: uuid.UUID, waits: bool = False) -> ExpiredChunk:
    """Expire and mark as warned the next 500 candidates behind the card `after_id`, with rows, balances and messages.

    Cards that somebody else holds are passed over; with `waits` they are waited for, which raises asyncpg.LockNotAvailableError
    when it takes longer than the connection's lock_timeout. A card that has expired today already stays as it is.
    """
    await ctx.conn.execute(ALONG_THE_KEY)
    tasks = writer.tasks_for_event(PointsExpired.name)
    message_ids = [new_id() for _ in range(CHUNK * len(tasks))] if len(tasks) > 1 else []
    rows = await ctx.conn.fetch(
        EXPIRE_WAITING if waits else EXPIRE_FREE, *sweep.bindings(ctx.merchant_id), after_id, ctx.now, sweep.day.isoformat(),
        [new_id() for _ in range(CHUNK)], message_ids, tasks,
        ctx.now + TOLD_AFTER,
    )  # fmt: skip
    totals = rows[0]
    return ExpiredChunk(
        expired=totals["expired"],
        points=totals["points"],
        warned=[_warned(row) for row in rows if row["id"] is not None],
        last_id=totals["last_id"],
        is_full=totals["picked"] == CHUNK,
    )


def _warned(row: asyncpg.Record) -> WarnedCard:
    return WarnedCard(
        id=row["id"],
        customer_id=row["customer_id"],
        enrolled_at_store_id=row["enrolled_at_store_id"],
        stamps_target=row["stamps_target"],
        points_balance=row["points_balance"],
        last_activity_at=row["last_activity_at"],
        last_expiration_warning_at=row["last_expiration_warning_at"],
    )
