"""Cards, transactions and customers as CSV files (G8), a few thousand lines at a time: no transaction waits for whoever downloads."""

import datetime as dt
import enum
import uuid

from app.core import audit
from app.core.context import Ctx
from app.core.db.cells import SET_ZONE, Selection
from app.modules.customers import public as customers
from app.modules.loyalty.domain.expiry import end_of_day, start_of_day
from app.modules.loyalty.domain.import_text import BOM
from app.modules.loyalty.domain.import_values import safe_cell
from app.modules.loyalty.queries import exports
from app.modules.loyalty.queries.exports import Place
from app.modules.tenancy import public as tenancy

PIECE = 20_000
"""Lines that are read at a time."""
LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
FIRST_DAY, LAST_DAY = dt.date(1970, 1, 2), dt.date(9000, 1, 1)
START: Place = (LONG_AGO, uuid.UUID(int=0))
"""Before every row: where a file begins."""


class ExportKind(enum.StrEnum):
    """What a file holds."""

    CARDS = "cards"
    TRANSACTIONS = "transactions"
    CUSTOMERS = "customers"


COLUMNS = {
    ExportKind.CARDS: (*customers.PERSON_COLUMNS, *exports.CARD_COLUMNS),
    ExportKind.TRANSACTIONS: exports.TRANSACTION_COLUMNS,
    ExportKind.CUSTOMERS: customers.CUSTOMER_COLUMNS,
}


async def select(
    ctx: Ctx, kind: ExportKind, *, since: dt.date | None, until: dt.date | None, store_id: uuid.UUID | None, is_for_excel: bool
) -> Selection:
    """Return what a file is to hold, and note in the audit log that somebody takes it.

    `since` and `until` are local days of the merchant, both included; what is made after this moment is not in the file. For a
    spreadsheet, semicolons divide the cells. StoreNotFoundException.
    """
    zone = await tenancy.merchant_zone(ctx)
    if store_id is not None:
        await tenancy.get_store(ctx, store_id)
    stores = [(store.id, safe_cell(store.code)) for store in await tenancy.list_stores(ctx, include_closed=True)]
    days = {"since": str(since) if since else None, "until": str(until) if until else None}
    await audit.record(ctx, "loyalty.export.downloaded", "export", None, kind=kind.value, store_id=str(store_id or ""), days=days)
    end = ctx.now + dt.timedelta(seconds=1)
    return Selection(
        since=start_of_day(min(max(since, FIRST_DAY), LAST_DAY), zone) if since else LONG_AGO,
        until=end_of_day(max(until, FIRST_DAY), zone) if until and until < end.date() else end,
        store_id=store_id,
        stores=stores,
        delimiter=";" if is_for_excel else ",",
        zone=str(zone),
    )


async def read_piece(ctx: Ctx, kind: ExportKind, selection: Selection, after: Place, *, is_for_excel: bool) -> tuple[bytes, Place | None]:
    """Return the lines behind `after` (with the header at the beginning) in UTF-8, and where the next ones begin; None: no more."""
    await ctx.conn.execute(SET_ZONE, selection.zone)
    beyond: Place | None
    if kind is ExportKind.CARDS:
        lines, beyond = await _read_cards(ctx, selection, after)
    elif kind is ExportKind.TRANSACTIONS:
        lines, beyond = await exports.list_transaction_lines(ctx, selection, after=after, limit=PIECE)
    else:
        lines, last_id = await customers.list_export_lines(ctx, selection, after_id=after[1], limit=PIECE)
        beyond = None if last_id is None else (after[0], last_id)
    if after[1] == START[1]:
        lines = ((BOM if is_for_excel else "") + selection.delimiter.join(COLUMNS[kind]) + "\n").encode() + lines
    return lines, beyond


async def _read_cards(ctx: Ctx, selection: Selection, after: Place) -> tuple[bytes, Place | None]:
    """Return cards with their holders; of an erased person's card the holder's cells are empty."""
    owners, cards, last = await exports.list_card_lines(ctx, selection, after=after, limit=PIECE)
    people = await customers.find_export_lines(ctx, owners, delimiter=selection.delimiter)
    divider = selection.delimiter
    nobody = divider * (len(customers.PERSON_COLUMNS) - 1)
    lines = [f"{person or nobody}{divider}{card}\n" for person, card in zip(people, cards, strict=True)]
    return "".join(lines).encode(), last
