"""Reading who holds several cards, and the runs that merge them (A12)."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence

import asyncpg

from app.core.context import Ctx
from app.core.pagination import Page, page_of, read_cursor
from app.modules.loyalty.domain.enums import MergeRunStatus
from app.modules.loyalty.errors import MergeRunNotFoundException

MERGEABLE = "merchant_id = $1 AND customer_id IS NOT NULL AND deleted_at IS NULL AND status = 'active'"

COUNT = f"""
SELECT count(*) AS people, coalesce(sum(cards), 0)::bigint AS cards
FROM (SELECT count(*) AS cards FROM loyalty_cards WHERE {MERGEABLE} GROUP BY customer_id HAVING count(*) > 1) AS holders
"""
NEXT_HOLDERS = f"""
SELECT customer_id FROM loyalty_cards WHERE {MERGEABLE} AND ($2::uuid IS NULL OR customer_id > $2)
GROUP BY customer_id HAVING count(*) > 1 ORDER BY customer_id LIMIT $3
"""
CARDS_OF_HOLDERS = f"""
SELECT customer_id, id, card_number, enrolled_at_store_id, created_at, stamp_count, points_balance, points_owed
FROM loyalty_cards WHERE {MERGEABLE} AND customer_id = ANY($2::uuid[]) ORDER BY customer_id, created_at, id
"""
RUN_COLUMNS = """id, status, customer_id, started_by, last_customer_id, customers_total, customers_merged, customers_skipped, cards_merged,
stamps_before, stamps_after, points_before, points_after, points_expired, started_at, finished_at"""
GET_RUN = f"SELECT {RUN_COLUMNS} FROM loyalty_merge_runs WHERE merchant_id = $1 AND id = $2"
IS_RUNNING = "SELECT EXISTS (SELECT 1 FROM loyalty_merge_runs WHERE merchant_id = $1 AND status = 'running')"
RUNS_BEFORE = f"""
SELECT {RUN_COLUMNS} FROM loyalty_merge_runs WHERE merchant_id = $1 AND customer_id IS NULL AND (started_at, id) < ($2, $3)
ORDER BY started_at DESC, id DESC LIMIT $4
"""
LIST_RUNS = f"SELECT {RUN_COLUMNS} FROM loyalty_merge_runs WHERE merchant_id = $1 ORDER BY started_at DESC, id DESC LIMIT 20"


@dataclasses.dataclass(frozen=True, slots=True)
class SeveralCards:
    """How many people hold more than one usable card, and how many cards those are."""

    people: int
    cards: int


@dataclasses.dataclass(frozen=True, slots=True)
class HeldCard:
    """One of a person's cards, as the preview shows it."""

    id: uuid.UUID
    card_number: str
    enrolled_at_store_id: uuid.UUID
    created_at: dt.datetime
    stamp_count: int
    points_balance: int
    points_owed: int


@dataclasses.dataclass(frozen=True, slots=True)
class CardHolder:
    """A person with several usable cards, the oldest first: that one would stay."""

    customer_id: uuid.UUID
    cards: Sequence[HeldCard]


@dataclasses.dataclass(frozen=True, slots=True)
class MergeRun:
    """A run and its sums over the people it has merged. Points are net of debts; before = after + expired."""

    id: uuid.UUID
    status: MergeRunStatus
    customer_id: uuid.UUID | None
    started_by: uuid.UUID | None
    last_customer_id: uuid.UUID | None
    customers_total: int
    customers_merged: int
    customers_skipped: int
    cards_merged: int
    stamps_before: int
    stamps_after: int
    points_before: int
    points_after: int
    points_expired: int
    started_at: dt.datetime
    finished_at: dt.datetime | None


async def count_several(ctx: Ctx) -> SeveralCards:
    """Return how many people hold several usable cards of the merchant. Deactivated cards are left out: they stay as they are."""
    row = await ctx.conn.fetchrow(COUNT, ctx.merchant_id)
    return SeveralCards(row["people"], row["cards"]) if row else SeveralCards(0, 0)


async def list_next_holders(ctx: Ctx, *, after_id: uuid.UUID | None, limit: int) -> list[uuid.UUID]:
    """Return the ids of up to `limit` people with several usable cards, in id order from behind `after_id`."""
    return [row["customer_id"] for row in await ctx.conn.fetch(NEXT_HOLDERS, ctx.merchant_id, after_id, limit)]


async def list_cards_of_holders(ctx: Ctx, customer_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[HeldCard]]:
    """Return the usable cards of some customers, the oldest first."""
    cards: dict[uuid.UUID, list[HeldCard]] = {customer_id: [] for customer_id in customer_ids}
    for row in await ctx.conn.fetch(CARDS_OF_HOLDERS, ctx.merchant_id, list(customer_ids)):
        values = dict(row)
        cards[values.pop("customer_id")].append(HeldCard(**values))
    return cards


async def list_holders(ctx: Ctx, *, cursor: str | None = None, limit: int = 25) -> Page[CardHolder]:
    """Return the people with several usable cards, in id order; the cursor is the last one's id."""
    (after_id,) = (None,) if cursor is None else read_cursor(cursor, uuid.UUID)
    ids = await list_next_holders(ctx, after_id=after_id, limit=limit + 1)
    page = page_of(ids, limit, lambda customer_id: (str(customer_id),))
    cards = await list_cards_of_holders(ctx, page.items) if page.items else {}
    return Page([CardHolder(customer_id, cards[customer_id]) for customer_id in page.items], page.next_cursor)


async def get_run(ctx: Ctx, run_id: uuid.UUID) -> MergeRun:
    """Return a run; MergeRunNotFoundException when the merchant has no such one."""
    row = await ctx.conn.fetchrow(GET_RUN, ctx.merchant_id, run_id)
    if row is None:
        raise MergeRunNotFoundException
    return _run(row)


async def is_running(ctx: Ctx) -> bool:
    """Return whether a run is going on."""
    running: bool = await ctx.conn.fetchval(IS_RUNNING, ctx.merchant_id)
    return running


async def list_runs(ctx: Ctx) -> list[MergeRun]:
    """Return the merchant's last twenty runs, the newest first."""
    return [_run(row) for row in await ctx.conn.fetch(LIST_RUNS, ctx.merchant_id)]


async def list_runs_before(ctx: Ctx, at: dt.datetime, run_id: uuid.UUID, limit: int) -> list[MergeRun]:
    """Return up to `limit` runs over everybody's cards begun before `at`, or then with a lower id, the latest first."""
    return [_run(row) for row in await ctx.conn.fetch(RUNS_BEFORE, ctx.merchant_id, at, run_id, limit)]


def _run(row: asyncpg.Record) -> MergeRun:
    return MergeRun(**dict(row) | {"status": MergeRunStatus(row["status"])})
