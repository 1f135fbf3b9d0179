"""Which cards a bulk is about."""

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Sequence

from app.core.context import Ctx
from app.core.db.lists import Where
from app.modules.loyalty.domain.bulk import CardFilter

FIND_TRASHED = "SELECT id FROM loyalty_cards WHERE merchant_id = $1 AND id = ANY($2::uuid[]) AND deleted_at IS NOT NULL"
FIND_NUMBERS = "SELECT id, card_number FROM loyalty_cards WHERE merchant_id = $1 AND id = ANY($2::uuid[]) AND deleted_at IS NULL"


def _usable(ctx: Ctx, program_id: uuid.UUID) -> Where:
    where = Where().add("c.merchant_id = ?", ctx.merchant_id).add("c.program_id = ?", program_id)
    return where.add("c.deleted_at IS NULL AND c.status = 'active'")


def _chosen(ctx: Ctx, program_id: uuid.UUID, wanted: CardFilter, zone: zoneinfo.ZoneInfo, as_of: dt.datetime) -> Where:
    where = _usable(ctx, program_id).add("c.created_at <= ?", as_of)
    where.add_equal(**{"c.enrolled_at_store_id": wanted.store_id})
    if wanted.min_points is not None:
        where.add("c.points_balance >= ?", wanted.min_points)
    if wanted.min_visits is not None:
        where.add("c.visit_count >= ?", wanted.min_visits)
    if wanted.last_visit_after is not None:
        where.add("c.last_activity_at >= ?", _midnight(wanted.last_visit_after, zone))
    if wanted.last_visit_before is not None:
        where.add("c.last_activity_at < ?", _midnight(wanted.last_visit_before, zone))
    return where


def _midnight(day: dt.date, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), zone)


async def count_chosen(ctx: Ctx, program_id: uuid.UUID, wanted: CardFilter, *, zone: zoneinfo.ZoneInfo, as_of: dt.datetime) -> int:
    """Return how many usable cards, made by `as_of`, the filter means: one pass over the merchant's cards, asked for by a person."""
    return await _count(ctx, _chosen(ctx, program_id, wanted, zone, as_of))


async def _count(ctx: Ctx, where: Where) -> int:
    # allow[sql-text]: conditions written above, their values bound
    count: int = await ctx.conn.fetchval(f"SELECT count(*) FROM loyalty_cards c WHERE {where.sql}", *where.values)
    return count


async def list_chosen(
    ctx: Ctx, program_id: uuid.UUID, wanted: CardFilter, *, zone: zoneinfo.ZoneInfo, as_of: dt.datetime, after_id: uuid.UUID, limit: int
) -> list[uuid.UUID]:
    """Return up to `limit` ids of cards that the filter means, by id behind `after_id`."""
    where = _chosen(ctx, program_id, wanted, zone, as_of).add("c.id > ?", after_id)
    # allow[sql-text]: conditions written above, their values bound
    statement = f"SELECT c.id FROM loyalty_cards c WHERE {where.sql} ORDER BY c.id LIMIT {where.bind(limit)}"
    return [row["id"] for row in await ctx.conn.fetch(statement, *where.values)]


async def count_usable(ctx: Ctx, program_id: uuid.UUID, card_ids: Sequence[uuid.UUID]) -> int:
    """Return how many of `card_ids` are usable cards of the program."""
    return await _count(ctx, _usable(ctx, program_id).add("c.id = ANY(?::uuid[])", list(card_ids)))


async def find_trashed(ctx: Ctx, card_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of `card_ids` that are in the merchant's trash."""
    return {row["id"] for row in await ctx.conn.fetch(FIND_TRASHED, ctx.merchant_id, list(card_ids))} if card_ids else set()


async def find_numbers(ctx: Ctx, card_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the numbers of those of `card_ids` that are live."""
    return {row["id"]: row["card_number"] for row in await ctx.conn.fetch(FIND_NUMBERS, ctx.merchant_id, list(card_ids))}
