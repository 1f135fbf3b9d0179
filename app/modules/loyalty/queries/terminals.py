"""Reading the terminals of a merchant."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection

import asyncpg

from app.core.context import Ctx
from app.modules.loyalty.errors import TerminalNotFoundException

COLUMNS = "id, store_id, name, paired_at, revoked_at"
GET = f"SELECT {COLUMNS} FROM loyalty_terminals WHERE merchant_id = $1 AND id = $2"
NAMES = "SELECT id, name FROM loyalty_terminals WHERE merchant_id = $1 AND id = ANY($2::uuid[])"
LIST = f"""
SELECT {COLUMNS} FROM loyalty_terminals
WHERE merchant_id = $1 AND revoked_at IS NULL AND ($2::uuid IS NULL OR store_id = $2) ORDER BY lower(name), id LIMIT 500
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Terminal:
    """A device paired with a store."""

    id: uuid.UUID
    store_id: uuid.UUID
    name: str
    paired_at: dt.datetime
    revoked_at: dt.datetime | None


async def get_terminal(ctx: Ctx, terminal_id: uuid.UUID) -> Terminal:
    """Return a terminal, revoked or not; TerminalNotFoundException when the merchant has no such one."""
    row = await ctx.conn.fetchrow(GET, ctx.merchant_id, terminal_id)
    if row is None:
        raise TerminalNotFoundException
    return _terminal(row)


async def find_names(ctx: Ctx, terminal_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of those of `terminal_ids` that exist, revoked or not."""
    return {row["id"]: row["name"] for row in await ctx.conn.fetch(NAMES, ctx.merchant_id, list(terminal_ids))}


async def list_terminals(ctx: Ctx, store_id: uuid.UUID | None = None) -> list[Terminal]:
    """Return the paired terminals of a store, or of all stores, by name."""
    return [_terminal(row) for row in await ctx.conn.fetch(LIST, ctx.merchant_id, store_id)]


def _terminal(row: asyncpg.Record) -> Terminal:
    return Terminal(**dict(row))
