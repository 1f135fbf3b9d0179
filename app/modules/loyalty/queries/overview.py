"""The merchant's home page in numbers: ranges of an index by time, never the whole history."""

import dataclasses
import datetime as dt
import uuid

from app.core.context import Ctx

# What was voided counts on no day: neither the row nor the void. A void comes after its row, so both are in the range
# or the row is too old to matter.
BOOKED_BY_DAY = """
WITH booked AS (
  SELECT t.id, t.created_at, t.store_id, t.type, t.stamps_delta, t.points_delta, t.reverses_id FROM loyalty_transactions t
  WHERE t.merchant_id = $1 AND t.created_at >= $2 AND t.created_at < $3
)
SELECT (b.created_at AT TIME ZONE $5)::date AS day,
       coalesce(sum(b.stamps_delta) FILTER (WHERE b.type = 'stamp_earned'), 0)::bigint AS stamps,
       coalesce(sum(b.points_delta) FILTER (
         WHERE b.type IN ('points_earned', 'points_refunded', 'welcome_bonus', 'bonus_granted')), 0)::bigint AS points_earned,
       coalesce(-sum(b.points_delta) FILTER (WHERE b.type = 'points_redeemed'), 0)::bigint AS points_redeemed,
       count(*) FILTER (WHERE b.type IN ('points_redeemed', 'stamp_redeemed')) AS rewards_redeemed
FROM booked b
WHERE ($4::uuid IS NULL OR b.store_id = $4) AND b.reverses_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM booked v WHERE v.reverses_id = b.id)
GROUP BY day
"""
ENROLLED_BY_DAY = """
SELECT (c.created_at AT TIME ZONE $5)::date AS day, count(*) AS enrollments FROM loyalty_cards c
WHERE c.merchant_id = $1 AND c.created_at >= $2 AND c.created_at < $3 AND c.deleted_at IS NULL
  AND ($4::uuid IS NULL OR c.enrolled_at_store_id = $4)
GROUP BY day
"""
ACTIVE_CARDS = """
SELECT count(*) FROM loyalty_cards
WHERE merchant_id = $1 AND deleted_at IS NULL AND status = 'active' AND ($2::uuid IS NULL OR enrolled_at_store_id = $2)
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DayNumbers:
    """What happened on one local day: refunds are taken off, what was voided is not counted."""

    day: dt.date
    enrollments: int = 0
    stamps: int = 0
    points_earned: int = 0
    points_redeemed: int = 0
    rewards_redeemed: int = 0


async def count_by_day(
    ctx: Ctx, *, start: dt.datetime, end: dt.datetime, zone: str, store_id: uuid.UUID | None
) -> dict[dt.date, DayNumbers]:
    """Return the numbers of the days from the instant `start` to before `end`, by local day of `zone`; days of nothing are left out."""
    arguments = (ctx.merchant_id, start, end, store_id, zone)
    values: dict[dt.date, dict[str, int]] = {}
    for statement in (BOOKED_BY_DAY, ENROLLED_BY_DAY):
        for row in await ctx.conn.fetch(statement, *arguments):
            numbers = dict(row)
            values.setdefault(numbers.pop("day"), {}).update(numbers)
    return {day: DayNumbers(day=day, **numbers) for day, numbers in values.items()}


async def count_active_cards(ctx: Ctx, store_id: uuid.UUID | None) -> int:
    """Return how many cards can be used, of those enrolled at the store or of all."""
    count: int = await ctx.conn.fetchval(ACTIVE_CARDS, ctx.merchant_id, store_id)
    return count
