"""Reading imports, and what lines of a file would meet: cards, numbers, balances that were imported before."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from app.core.context import Ctx
from app.core.pagination import Page, page_of, read_cursor
from app.modules.loyalty.domain.enums import CardStatus, ImportStatus
from app.modules.loyalty.domain.import_plan import Choices
from app.modules.loyalty.domain.import_problems import ImportNotFoundException, LineNote, LineProblem
from app.modules.loyalty.domain.import_text import Encoding

COLUMNS = """id, status, file_name, file_id, encoding, choices, attempt, size_bytes, lines, counts, error, user_id, acting_admin_id,
created_at, updated_at, finished_at"""
FIND = f"SELECT {COLUMNS} FROM loyalty_imports WHERE merchant_id = $1 AND id = $2"
LATEST = f"""
SELECT {COLUMNS} FROM loyalty_imports WHERE merchant_id = $1 AND status <> 'uploading' ORDER BY created_at DESC, id DESC LIMIT $2
"""
BEFORE = f"""
SELECT {COLUMNS} FROM loyalty_imports WHERE merchant_id = $1 AND status <> 'uploading' AND (created_at, id) < ($2, $3)
ORDER BY created_at DESC, id DESC LIMIT $4
"""
PROBLEMS = """
SELECT id, line, field, problem FROM loyalty_import_problems
WHERE merchant_id = $1 AND import_id = $2 AND (line, id) > ($3, $4) ORDER BY line, id LIMIT $5
"""
CARDS = """
SELECT id, customer_id, enrolled_at_store_id, status, points_balance, stamp_count FROM loyalty_cards
WHERE merchant_id = $1 AND customer_id = ANY($2::uuid[]) AND deleted_at IS NULL AND status <> 'merged' ORDER BY created_at, id
"""
# Cards in the trash and merged ones count: what was imported on them was imported.
BOOKED = """
SELECT c.customer_id, t.op_key FROM loyalty_cards c
JOIN loyalty_transactions t ON t.merchant_id = c.merchant_id AND t.card_id = c.id
WHERE c.merchant_id = $1 AND c.customer_id = ANY($2::uuid[]) AND t.type = 'balance_imported' AND t.op_key >= $3 AND t.op_key < $4
"""
NUMBERS = """
SELECT c.card_number AS number, c.customer_id, EXISTS (
  SELECT FROM loyalty_transactions t WHERE t.merchant_id = c.merchant_id AND t.card_id = c.id) AS is_live
FROM loyalty_cards c WHERE c.merchant_id = $1 AND c.card_number = ANY($2::text[])
UNION ALL
SELECT external_number, customer_id, false FROM loyalty_cards WHERE merchant_id = $1 AND external_number = ANY($2::text[])
"""


@dataclasses.dataclass(frozen=True, slots=True)
class ImportView:
    """An import. `lines` is about how many lines the file has, `counts` what was found or done so far (see `import_plan.COUNTS`)."""

    id: uuid.UUID
    status: ImportStatus
    file_name: str
    file_id: uuid.UUID | None
    encoding: Encoding | None
    stored_choices: Mapping[str, Any]
    attempt: int
    size_bytes: int
    lines: int
    counts: Mapping[str, int]
    error: str | None
    requested_by_user_id: uuid.UUID | None
    acting_admin_id: uuid.UUID | None
    created_at: dt.datetime
    updated_at: dt.datetime
    finished_at: dt.datetime | None

    @property
    def choices(self) -> Choices | None:
        """What was chosen, None before the first check."""
        return Choices.from_json(self.stored_choices) if "columns" in self.stored_choices else None

    @property
    def locale(self) -> str:
        """The language of whoever asked for it."""
        return str(self.stored_choices.get("locale", "en"))


@dataclasses.dataclass(frozen=True, slots=True)
class NumberedCard:
    """Whose card has a number. `is_live` says that the number is ours and the card has a history here: then its balance is here too."""

    customer_id: uuid.UUID | None
    is_live: bool


@dataclasses.dataclass(frozen=True, slots=True)
class HeldCard:
    """A live card of somebody in the file."""

    id: uuid.UUID
    customer_id: uuid.UUID
    store_id: uuid.UUID
    status: CardStatus
    points: int
    stamps: int


def import_view(row: asyncpg.Record) -> ImportView:
    """Return a row of COLUMNS."""
    values = list(row.values())
    values[1], values[4] = ImportStatus(values[1]), Encoding(values[4]) if values[4] else None
    return ImportView(*values)


async def get_import(ctx: Ctx, import_id: uuid.UUID) -> ImportView:
    """Return an import of the merchant; ImportNotFoundException."""
    row = await ctx.conn.fetchrow(FIND, ctx.merchant_id, import_id)
    if row is None:
        raise ImportNotFoundException
    return import_view(row)


async def list_imports(ctx: Ctx, *, limit: int) -> list[ImportView]:
    """Return the latest imports, newest first."""
    return [import_view(row) for row in await ctx.conn.fetch(LATEST, ctx.merchant_id, limit)]


async def list_imports_before(ctx: Ctx, at: dt.datetime, import_id: uuid.UUID, limit: int) -> list[ImportView]:
    """Return up to `limit` imports uploaded before `at`, or then with a lower id, the latest first."""
    return [import_view(row) for row in await ctx.conn.fetch(BEFORE, ctx.merchant_id, at, import_id, limit)]


async def list_problems(ctx: Ctx, import_id: uuid.UUID, *, cursor: str | None = None, limit: int) -> Page[LineNote]:
    """Return what is wrong with which line, in the order of the file."""
    line, last_id = read_cursor(cursor, int, uuid.UUID) if cursor else (0, uuid.UUID(int=0))
    rows = await ctx.conn.fetch(PROBLEMS, ctx.merchant_id, import_id, line, last_id, limit + 1)
    page = page_of([*rows], limit, lambda row: (row["line"], str(row["id"])))
    return Page([LineNote(row["line"], row["field"], LineProblem(row["problem"])) for row in page.items], page.next_cursor)


async def find_cards(ctx: Ctx, customer_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[HeldCard]]:
    """Return the live, unmerged cards of some customers, by customer, each one's oldest first."""
    found: dict[uuid.UUID, list[HeldCard]] = {}
    for row in await ctx.conn.fetch(CARDS, ctx.merchant_id, list(customer_ids)) if customer_ids else []:
        held = HeldCard(
            row["id"], row["customer_id"], row["enrolled_at_store_id"], CardStatus(row["status"]), row["points_balance"], row["stamp_count"]
        )
        found.setdefault(held.customer_id, []).append(held)
    return found


async def find_booked(ctx: Ctx, customer_ids: Sequence[uuid.UUID], prefix: str) -> dict[uuid.UUID, set[str]]:
    """Return which balances with keys that begin with `prefix` were imported for some customers, by customer."""
    found: dict[uuid.UUID, set[str]] = {}
    for row in await ctx.conn.fetch(BOOKED, ctx.merchant_id, list(customer_ids), prefix, prefix + "\U0010ffff") if customer_ids else []:
        found.setdefault(row["customer_id"], set()).add(row["op_key"])
    return found


async def find_numbers(ctx: Ctx, numbers: Sequence[str]) -> dict[str, NumberedCard]:
    """Return the cards of the merchant that have one of `numbers`, ours or another system's, by number."""
    rows = await ctx.conn.fetch(NUMBERS, ctx.merchant_id, list(numbers)) if numbers else []
    return {row["number"]: NumberedCard(row["customer_id"], row["is_live"]) for row in rows}
