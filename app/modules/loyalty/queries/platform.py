"""Cards and programs of all merchants, for the platform's admin. For orion_platform only.

What is looked up by number, QR content or id is looked up in every merchant's own index: a merchant has few programs, and its cards
have theirs. So these statements begin with the programs.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence

import asyncpg

from app.core import trash
from app.core.context import PlatformCtx
from app.core.db import lists
from app.core.pagination import Page
from app.core.trash import Deletion, deletion_of
from app.modules.loyalty.domain.card_number import Scan, ScanKind
from app.modules.loyalty.domain.enums import CardStatus, ProgramType
from app.modules.loyalty.errors import CardNotFoundException
from app.modules.loyalty.queries.cards import COLUMNS, Card, card_of

CARD_MARKS, PROGRAM_MARKS = (", ".join(f"{table}.{name}" for name in trash.COLUMNS) for table in ("c", "p"))
CARDS = f"SELECT c.merchant_id, {COLUMNS}, {CARD_MARKS} FROM"
LIST_CARDS = f"{CARDS} loyalty_cards c"
EVERYWHERE = f"{CARDS} loyalty_programs p JOIN loyalty_cards c ON c.merchant_id = p.merchant_id AND c.program_id = p.id"
BY_ID = f"{EVERYWHERE} AND c.id = $1"
BY_NUMBER = f"{EVERYWHERE} AND c.card_number = $1 WHERE (c.deleted_at IS NOT NULL) = $2 ORDER BY c.merchant_id LIMIT 50"
BY_TOKEN = f"{EVERYWHERE} AND c.qr_token = $1 WHERE (c.deleted_at IS NOT NULL) = $2 ORDER BY c.merchant_id LIMIT 50"
OF_PEOPLE = f"""
{CARDS} unnest($1::uuid[], $2::uuid[]) AS h (merchant_id, customer_id)
JOIN loyalty_cards c ON c.merchant_id = h.merchant_id AND c.customer_id = h.customer_id
WHERE (c.deleted_at IS NOT NULL) = $3 ORDER BY c.created_at DESC, c.id DESC LIMIT 100
"""
MOST_COUNTED = 1_000
# No more of each program's cards are looked at than there is room for in the answer: "more than 1,000".
LIST_PROGRAMS = f"""
SELECT p.merchant_id, p.id, p.name, lower(p.name) AS sort_name, p.type, p.is_active, p.colour, p.created_at, {PROGRAM_MARKS},
       (SELECT count(*) FROM (SELECT FROM loyalty_cards c WHERE c.merchant_id = p.merchant_id AND c.program_id = p.id
                              AND (c.deleted_at IS NULL) = (p.deleted_at IS NULL) LIMIT {MOST_COUNTED} + 1) few) AS card_count
FROM loyalty_programs p
"""
CARD_ORDERS = {"created": lists.reverse(lists.newest_first("c"))}
PROGRAM_ORDERS = {"created": lists.reverse(lists.newest_first("p")), "name": lists.by_name("p")}


@dataclasses.dataclass(frozen=True, slots=True)
class PlatformCard:
    """A card of any merchant; in the trash with how it came there, else None."""

    merchant_id: uuid.UUID
    card: Card
    deletion: Deletion | None


@dataclasses.dataclass(frozen=True, slots=True)
class PlatformProgram:
    """A program of any merchant; `card_count` is MOST_COUNTED + 1 for more than that."""

    merchant_id: uuid.UUID
    id: uuid.UUID
    name: str
    type: ProgramType
    is_active: bool
    colour: str
    created_at: dt.datetime
    card_count: int
    deletion: Deletion | None


async def list_cards(
    ctx: PlatformCtx,
    *,
    merchant_id: uuid.UUID | None = None,
    status: CardStatus | None = None,
    only_deleted: bool = False,
    sort: str = "-created",
    cursor: str | None = None,
    limit: int = 25,
) -> Page[PlatformCard]:
    """Return a page of cards of all merchants or of one: live ones in the order `sort`, those in the trash the latest first. BadCursor."""
    where = lists.Where().add(f"c.deleted_at IS {'NOT NULL' if only_deleted else 'NULL'}")
    where.add_equal(**{"c.merchant_id": merchant_id})
    if status is not None:
        where.add("c.status = ?", status.value)
        if status is not CardStatus.ACTIVE:
            where.add("c.status <> 'active'")  # in the words of the partial index, which a kept plan could not infer
    order = lists.newest_first("c", "deleted_at") if only_deleted else lists.choose(CARD_ORDERS, sort)
    page = await lists.read_page(ctx.conn, LIST_CARDS, where, order, cursor=cursor, limit=limit)
    return Page([_card(row) for row in page.items], page.next_cursor, page.previous_cursor)


async def find_cards_by_scan(ctx: PlatformCtx, scan: Scan, *, only_deleted: bool = False) -> list[PlatformCard]:
    """Return the cards that a number or QR content names: one, or several merchants' that gave the same number."""
    statement = BY_NUMBER if scan.kind is ScanKind.CARD_NUMBER else BY_TOKEN
    return [_card(row) for row in await ctx.conn.fetch(statement, scan.value, only_deleted)]


async def list_cards_of_people(
    ctx: PlatformCtx, people: Sequence[tuple[uuid.UUID, uuid.UUID]], *, only_deleted: bool = False
) -> list[PlatformCard]:
    """Return up to 100 cards of `people` (merchant and customer), merged ones too, the newest first."""
    merchants, customers = [merchant for merchant, _ in people], [customer for _, customer in people]
    return [_card(row) for row in await ctx.conn.fetch(OF_PEOPLE, merchants, customers, only_deleted)] if people else []


async def get_card(ctx: PlatformCtx, card_id: uuid.UUID) -> PlatformCard:
    """Return a card of any merchant, live or in the trash; CardNotFoundException."""
    row = await ctx.conn.fetchrow(BY_ID, card_id)
    if row is None:
        raise CardNotFoundException
    return _card(row)


async def list_programs(
    ctx: PlatformCtx,
    *,
    pattern: str | None = None,
    merchant_id: uuid.UUID | None = None,
    type_: ProgramType | None = None,
    is_active: bool | None = None,
    only_deleted: bool = False,
    sort: str = "name",
    cursor: str | None = None,
    limit: int = 25,
) -> Page[PlatformProgram]:
    """Return a page of programs of all merchants; `pattern` (of LIKE) looks in the name; those in the trash the latest first. BadCursor."""
    where = lists.Where().add(f"p.deleted_at IS {'NOT NULL' if only_deleted else 'NULL'}")
    where.add_equal(**{"p.merchant_id": merchant_id, "p.type": type_ and type_.value, "p.is_active": is_active})
    if pattern is not None:
        where.add("p.name ILIKE ?", pattern)
    order = lists.newest_first("p", "deleted_at") if only_deleted else lists.choose(PROGRAM_ORDERS, sort)
    page = await lists.read_page(ctx.conn, LIST_PROGRAMS, where, order, cursor=cursor, limit=limit)
    return Page([_program(row) for row in page.items], page.next_cursor, page.previous_cursor)


def _card(row: asyncpg.Record) -> PlatformCard:
    return PlatformCard(row["merchant_id"], card_of(row), deletion_of(row))


def _program(row: asyncpg.Record) -> PlatformProgram:
    names = ("merchant_id", "id", "name", "is_active", "colour", "created_at", "card_count")
    return PlatformProgram(**{name: row[name] for name in names}, type=ProgramType(row["type"]), deletion=deletion_of(row))
