"""Programs and cards in the trash: read, put away, taken back, deleted. A card's rows of the history are never touched."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence

import asyncpg

from app.core import trash
from app.core.context import Ctx
from app.core.db.lists import Where, newest_first, read_page
from app.core.pagination import Page
from app.core.trash import Deletion, deletion_of
from app.modules.loyalty.domain.card_number import Scan, ScanKind
from app.modules.loyalty.queries.cards import COLUMNS, Card, card_of

CARD_MARKS = ", ".join(f"c.{name}" for name in trash.COLUMNS)
LIST_CARDS = f"""
SELECT {COLUMNS}, {CARD_MARKS}, p.name AS program_name, p.deleted_at IS NOT NULL AS is_program_trashed
FROM loyalty_cards c JOIN loyalty_programs p ON p.merchant_id = c.merchant_id AND p.id = c.program_id
"""
LIST_PROGRAMS = f"""
SELECT p.id, p.type, p.name, p.card_name, p.colour, p.created_at, {", ".join(f"p.{name}" for name in trash.COLUMNS)}
FROM loyalty_programs p
"""
# Written out, so that it can be read off them that no balance is touched.
TRASH_CARDS = """
UPDATE loyalty_cards SET updated_at = $3, deleted_at = $3, deleted_by_user_id = $4, deletion_reason = $5, deletion_id = $6
WHERE merchant_id = $1 AND id = ANY($2::uuid[])
"""
RESTORE_CARDS = """
UPDATE loyalty_cards SET updated_at = $3, deleted_at = NULL, deleted_by_user_id = NULL, deletion_reason = '', deletion_id = NULL
WHERE merchant_id = $1 AND id = ANY($2::uuid[])
"""
# A card stays away from somebody who has got another one since: it comes back by hand, once that one is gone.
RESTORE_CARDS_OF_FREE_HOLDERS = f"""{RESTORE_CARDS} AND (status = 'merged' OR NOT EXISTS (
    SELECT FROM loyalty_cards o
    WHERE o.merchant_id = $1 AND o.customer_id = loyalty_cards.customer_id AND o.deleted_at IS NULL AND o.status <> 'merged'
      AND o.created_at > loyalty_cards.deleted_at AND ($4 OR o.enrolled_at_store_id = loyalty_cards.enrolled_at_store_id)))
"""
TRASH_PROGRAM = f"UPDATE loyalty_programs SET updated_at = $3, {trash.put_away(3)} WHERE merchant_id = $1 AND id = $2"
RESTORE_PROGRAM = f"UPDATE loyalty_programs SET updated_at = $3, {trash.CLEAR} WHERE merchant_id = $1 AND id = $2"
OF_DELETION = "SELECT id FROM loyalty_programs WHERE merchant_id = $1 AND deletion_id = $2 ORDER BY id"

CARD_HAS_HISTORY = "SELECT EXISTS (SELECT FROM loyalty_transactions WHERE merchant_id = $1 AND card_id = $2)"
PROGRAM_HAS_HISTORY = """
SELECT EXISTS (SELECT FROM loyalty_transactions t JOIN loyalty_cards c ON c.merchant_id = t.merchant_id AND c.id = t.card_id
               WHERE t.merchant_id = $1 AND c.program_id = $2)
"""
# Nothing was booked at a store before it was there, which keeps the second part short for one that was made by mistake.
STORE_HAS_HISTORY = """
SELECT EXISTS (SELECT FROM loyalty_cards WHERE merchant_id = $1 AND enrolled_at_store_id = $2)
    OR EXISTS (SELECT FROM loyalty_transactions WHERE merchant_id = $1 AND store_id = $2 AND created_at >= $3)
"""
MERCHANT_HAS_HISTORY = "SELECT EXISTS (SELECT FROM loyalty_transactions WHERE merchant_id = $1)"
HAS_LIVE_CARDS = """
SELECT EXISTS (SELECT FROM loyalty_cards WHERE merchant_id = $1 AND deleted_at IS NULL AND ($2::uuid IS NULL OR program_id = $2))
"""
DELETE_CARD = (
    "DELETE FROM loyalty_birthday_greetings WHERE merchant_id = $1 AND card_id = $2",
    "DELETE FROM loyalty_cards WHERE merchant_id = $1 AND id = $2",
)
DELETE_PROGRAM = (
    """DELETE FROM loyalty_birthday_greetings WHERE merchant_id = $1
       AND card_id IN (SELECT id FROM loyalty_cards WHERE merchant_id = $1 AND program_id = $2)""",
    "DELETE FROM loyalty_cards WHERE merchant_id = $1 AND program_id = $2",
    "DELETE FROM loyalty_rewards WHERE merchant_id = $1 AND program_id = $2",
    "DELETE FROM loyalty_programs WHERE merchant_id = $1 AND id = $2",
)
DELETE_OF_STORE = (
    "DELETE FROM loyalty_pairing_codes WHERE merchant_id = $1 AND store_id = $2",
    "DELETE FROM loyalty_terminals WHERE merchant_id = $1 AND store_id = $2",
    "DELETE FROM loyalty_staff_pins WHERE merchant_id = $1 AND store_id = $2",
    "UPDATE loyalty_programs SET owning_store_id = NULL WHERE merchant_id = $1 AND owning_store_id = $2",
)


@dataclasses.dataclass(frozen=True, slots=True)
class TrashedCard:
    """A card in the trash; with `is_program_trashed` it comes back with its program only."""

    card: Card
    deletion: Deletion
    program_name: str
    is_program_trashed: bool


@dataclasses.dataclass(frozen=True, slots=True)
class TrashedProgram:
    """A program in the trash."""

    id: uuid.UUID
    type: str
    name: str
    card_name: str
    colour: str
    created_at: dt.datetime
    deletion: Deletion


async def list_cards(
    ctx: Ctx,
    *,
    store_id: uuid.UUID | None = None,
    scan: Scan | None = None,
    customer_ids: Sequence[uuid.UUID] | None = None,
    cursor: str | None = None,
    limit: int,
) -> Page[TrashedCard]:
    """Return a page of the merchant's cards in the trash, the latest first: of a store, of a number or QR content, of people."""
    where = Where().add("c.merchant_id = ? AND c.deleted_at IS NOT NULL", ctx.merchant_id)
    where.add_equal(**{"c.enrolled_at_store_id": store_id})
    if scan is not None:
        where.add_equal(**{"c.card_number" if scan.kind is ScanKind.CARD_NUMBER else "c.qr_token": scan.value})
    elif customer_ids is not None:
        where.add("c.customer_id = ANY(?::uuid[])", list(customer_ids))
    page = await read_page(ctx.conn, LIST_CARDS, where, newest_first("c", "deleted_at"), cursor=cursor, limit=limit)
    return Page([_card(row) for row in page.items], page.next_cursor, page.previous_cursor)


async def list_programs(ctx: Ctx, *, cursor: str | None = None, limit: int) -> Page[TrashedProgram]:
    """Return a page of the merchant's programs in the trash, the latest first."""
    where = Where().add("p.merchant_id = ? AND p.deleted_at IS NOT NULL", ctx.merchant_id)
    page = await read_page(ctx.conn, LIST_PROGRAMS, where, newest_first("p", "deleted_at"), cursor=cursor, limit=limit)
    return Page([_program(row) for row in page.items], page.next_cursor, page.previous_cursor)


async def trash_cards(ctx: Ctx, card_ids: Sequence[uuid.UUID], deletion: Deletion) -> None:
    """Put locked cards away."""
    await ctx.conn.execute(TRASH_CARDS, ctx.merchant_id, list(card_ids), *deletion.values())


async def restore_cards(ctx: Ctx, card_ids: Sequence[uuid.UUID]) -> None:
    """Take locked cards back."""
    await ctx.conn.execute(RESTORE_CARDS, ctx.merchant_id, list(card_ids), ctx.now)


async def restore_cards_of_free_holders(ctx: Ctx, card_ids: Sequence[uuid.UUID], *, is_cross_location: bool) -> int:
    """Take locked cards back whose holders got no other card since (at the same store, with one card per store); return how many."""
    status = await ctx.conn.execute(RESTORE_CARDS_OF_FREE_HOLDERS, ctx.merchant_id, list(card_ids), ctx.now, is_cross_location)
    return int(status.rpartition(" ")[2])


async def trash_program(ctx: Ctx, program_id: uuid.UUID, deletion: Deletion) -> None:
    """Put a locked program's own row away."""
    await ctx.conn.execute(TRASH_PROGRAM, ctx.merchant_id, program_id, *deletion.values())


async def restore_program(ctx: Ctx, program_id: uuid.UUID) -> None:
    """Take a locked program's own row back."""
    await ctx.conn.execute(RESTORE_PROGRAM, ctx.merchant_id, program_id, ctx.now)


async def programs_of_deletion(ctx: Ctx, deletion_id: uuid.UUID | None) -> list[uuid.UUID]:
    """Return the programs that went in an act."""
    return [row["id"] for row in await ctx.conn.fetch(OF_DELETION, ctx.merchant_id, deletion_id)]


async def card_has_history(ctx: Ctx, card_id: uuid.UUID) -> bool:
    """Return whether the card has any row in the history."""
    return bool(await ctx.conn.fetchval(CARD_HAS_HISTORY, ctx.merchant_id, card_id))


async def program_has_history(ctx: Ctx, program_id: uuid.UUID) -> bool:
    """Return whether any card of the program has a row in the history."""
    return bool(await ctx.conn.fetchval(PROGRAM_HAS_HISTORY, ctx.merchant_id, program_id))


async def store_has_history(ctx: Ctx, store_id: uuid.UUID, *, since: dt.datetime) -> bool:
    """Return whether a card was enrolled at the store, or anything booked there; it was made at `since`."""
    return bool(await ctx.conn.fetchval(STORE_HAS_HISTORY, ctx.merchant_id, store_id, since))


async def merchant_has_history(ctx: Ctx) -> bool:
    """Return whether any card of the merchant has a row in the history."""
    return bool(await ctx.conn.fetchval(MERCHANT_HAS_HISTORY, ctx.merchant_id))


async def has_live_cards(ctx: Ctx, program_id: uuid.UUID | None = None) -> bool:
    """Return whether a card of the merchant, or of one program, is live."""
    return bool(await ctx.conn.fetchval(HAS_LIVE_CARDS, ctx.merchant_id, program_id))


async def delete_card(ctx: Ctx, card_id: uuid.UUID) -> None:
    """Delete a card without a history."""
    await _run(ctx, DELETE_CARD, card_id)


async def delete_program(ctx: Ctx, program_id: uuid.UUID) -> None:
    """Delete a program with its rewards and its cards, none of which has a history."""
    await _run(ctx, DELETE_PROGRAM, program_id)


async def delete_of_store(ctx: Ctx, store_id: uuid.UUID) -> None:
    """Delete what is a store's own: PINs, terminals, pairing codes."""
    await _run(ctx, DELETE_OF_STORE, store_id)


async def _run(ctx: Ctx, statements: Sequence[str], row_id: uuid.UUID) -> None:
    for statement in statements:
        await ctx.conn.execute(statement, ctx.merchant_id, row_id)


def _card(row: asyncpg.Record) -> TrashedCard:
    return TrashedCard(card_of(row), _deletion(row), row["program_name"], row["is_program_trashed"])


def _program(row: asyncpg.Record) -> TrashedProgram:
    names = ("id", "type", "name", "card_name", "colour", "created_at")
    return TrashedProgram(**{name: row[name] for name in names}, deletion=_deletion(row))


def _deletion(row: asyncpg.Record) -> Deletion:
    deletion = deletion_of(row)
    if deletion is None:
        raise ValueError("this row is live")
    return deletion
