"""Reading cards. A terminal's look-ups are each one indexed statement."""

import dataclasses
import datetime as dt
import enum
import uuid
from collections.abc import Collection, Sequence

import asyncpg

from app.core.context import Ctx, PlatformCtx
from app.core.db.lists import Where, newest_first, read_page, read_sifted_page, reverse
from app.core.pagination import Page
from app.modules.loyalty.domain.balances import CardState
from app.modules.loyalty.domain.card_number import Scan, ScanKind
from app.modules.loyalty.domain.enums import CardStatus
from app.modules.loyalty.errors import CardNotFoundException
from app.modules.loyalty.queries.locks import CARD_COLUMNS, card_state

COLUMNS = f"{CARD_COLUMNS}, c.qr_token, c.merged_into_id, c.updated_at"
GET = f"SELECT {COLUMNS} FROM loyalty_cards c WHERE c.merchant_id = $1 AND c.id = $2 AND c.deleted_at IS NULL"
BY_NUMBER = f"SELECT {COLUMNS} FROM loyalty_cards c WHERE c.merchant_id = $1 AND c.card_number = $2 AND c.deleted_at IS NULL"
BY_EXTERNAL_NUMBER = f"SELECT {COLUMNS} FROM loyalty_cards c WHERE c.merchant_id = $1 AND c.external_number = $2 AND c.deleted_at IS NULL"
BY_TOKEN = f"SELECT {COLUMNS} FROM loyalty_cards c WHERE c.merchant_id = $1 AND c.qr_token = $2 AND c.deleted_at IS NULL"
OF_CUSTOMERS = f"""
SELECT {COLUMNS} FROM loyalty_cards c
WHERE c.merchant_id = $1 AND c.customer_id = ANY($2) AND c.deleted_at IS NULL AND c.status <> 'merged'
  AND ($3::uuid IS NULL OR c.enrolled_at_store_id = $3)
ORDER BY c.created_at, c.id LIMIT 1000
"""
# A probe of the cards' key for each program: no index on the card's id alone is kept for this.
MERCHANT_OF = """
SELECT c.merchant_id FROM loyalty_programs p JOIN loyalty_cards c ON c.merchant_id = p.merchant_id AND c.id = $1 AND c.program_id = p.id
WHERE c.deleted_at IS NULL
"""
NUMBERS = "SELECT id, card_number FROM loyalty_cards WHERE merchant_id = $1 AND id = ANY($2::uuid[])"
HOLDERS_AT_STORE = """
SELECT DISTINCT customer_id FROM loyalty_cards
WHERE merchant_id = $1 AND enrolled_at_store_id = $2 AND customer_id = ANY($3::uuid[]) AND deleted_at IS NULL AND status <> 'merged'
"""
IDS_OF_CUSTOMER = """
SELECT id FROM loyalty_cards
WHERE merchant_id = $1 AND customer_id = $2 AND deleted_at IS NULL AND ($3::uuid IS NULL OR enrolled_at_store_id = $3)
"""
LIST = f"SELECT {COLUMNS} FROM loyalty_cards c"
NEWEST_FIRST = newest_first("c")


class CardSort(enum.StrEnum):
    """How cards are listed; with a minus from the other end."""

    NEWEST = "-created"
    OLDEST = "created"


@dataclasses.dataclass(frozen=True, slots=True)
class Card:
    """A live card as it is read: who holds it, where it was enrolled, its number, QR content and balances."""

    id: uuid.UUID
    customer_id: uuid.UUID | None
    program_id: uuid.UUID
    enrolled_at_store_id: uuid.UUID
    card_number: str
    qr_token: str
    merged_into_id: uuid.UUID | None
    created_at: dt.datetime
    updated_at: dt.datetime
    state: CardState

    @property
    def status(self) -> CardStatus:
        """Whether the card can be used."""
        return self.state.status


async def get_card(ctx: Ctx, card_id: uuid.UUID) -> Card:
    """Return a live card of the merchant; CardNotFoundException when there is none."""
    row = await ctx.conn.fetchrow(GET, ctx.merchant_id, card_id)
    if row is None:
        raise CardNotFoundException
    return card_of(row)


async def get_merchant_of_card(ctx: PlatformCtx, card_id: uuid.UUID) -> uuid.UUID:
    """Return whose a live card is, for the platform's admin; CardNotFoundException when there is none."""
    merchant_id: uuid.UUID | None = await ctx.conn.fetchval(MERCHANT_OF, card_id)
    if merchant_id is None:
        raise CardNotFoundException
    return merchant_id


async def find_by_scan(ctx: Ctx, scan: Scan) -> Card | None:
    """Return the card that a number or QR content names, or None."""
    statement = BY_NUMBER if scan.kind is ScanKind.CARD_NUMBER else BY_TOKEN
    row = await ctx.conn.fetchrow(statement, ctx.merchant_id, scan.value)
    return None if row is None else card_of(row)


async def find_by_external_number(ctx: Ctx, number: str) -> Card | None:
    """Return the card that had this number in another system (G8), or None."""
    row = await ctx.conn.fetchrow(BY_EXTERNAL_NUMBER, ctx.merchant_id, number)
    return None if row is None else card_of(row)


async def list_of_customers(ctx: Ctx, customer_ids: Sequence[uuid.UUID], *, store_id: uuid.UUID | None = None) -> list[Card]:
    """Return the live, unmerged cards of some customers, oldest first; with `store_id` those enrolled there."""
    if not customer_ids:
        return []
    return [card_of(row) for row in await ctx.conn.fetch(OF_CUSTOMERS, ctx.merchant_id, list(customer_ids), store_id)]


async def find_numbers(ctx: Ctx, card_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the numbers of those of `card_ids` that exist, in the trash or not."""
    return {row["id"]: row["card_number"] for row in await ctx.conn.fetch(NUMBERS, ctx.merchant_id, list(card_ids))}


async def filter_holders_at(ctx: Ctx, customer_ids: Sequence[uuid.UUID], store_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """Return those of `customer_ids` who hold a live card enrolled at the store, in one statement."""
    rows = await ctx.conn.fetch(HOLDERS_AT_STORE, ctx.merchant_id, store_id, list(customer_ids))
    return frozenset(row["customer_id"] for row in rows)


async def list_ids_of_customer(ctx: Ctx, customer_id: uuid.UUID, *, store_id: uuid.UUID | None = None) -> list[uuid.UUID]:
    """Return the ids of all cards of a customer, merged ones too, for their history; with `store_id` those enrolled there."""
    return [row["id"] for row in await ctx.conn.fetch(IDS_OF_CUSTOMER, ctx.merchant_id, customer_id, store_id)]


async def list_cards(
    ctx: Ctx,
    *,
    store_id: uuid.UUID | None = None,
    status: CardStatus | None = None,
    min_points: int | None = None,
    sort: CardSort = CardSort.NEWEST,
    cursor: str | None = None,
    limit: int = 25,
) -> Page[Card]:
    """Return the merchant's cards by when they were given out.

    No index holds what a stamp changes: with `status` or `min_points` a page may be short although more follow (`sifted_page`).
    """
    order = NEWEST_FIRST if sort is CardSort.NEWEST else reverse(NEWEST_FIRST)
    where = Where().add("c.merchant_id = ? AND c.deleted_at IS NULL", ctx.merchant_id).add_equal(**{"c.enrolled_at_store_id": store_id})

    async def sift(rows: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
        return [row for row in rows if status in (None, row["status"]) and row["points_balance"] >= (min_points or 0)]

    if status is None and min_points is None:
        page = await read_page(ctx.conn, LIST, where, order, cursor=cursor, limit=limit)
    else:
        page = await read_sifted_page(ctx.conn, LIST, where, order, sift=sift, cursor=cursor, limit=limit)
    return Page([card_of(row) for row in page.items], page.next_cursor, page.previous_cursor)


def card_of(row: asyncpg.Record) -> Card:
    """Return the card of a row that holds `COLUMNS`."""
    return Card(
        id=row["id"],
        customer_id=row["customer_id"],
        program_id=row["program_id"],
        enrolled_at_store_id=row["enrolled_at_store_id"],
        card_number=row["card_number"],
        qr_token=row["qr_token"],
        merged_into_id=row["merged_into_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        state=card_state(row),
    )
