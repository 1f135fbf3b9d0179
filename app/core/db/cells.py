"""Cells of CSV files as SQL expressions: what the database writes itself need not be taken apart and put together by us.

No spreadsheet runs a text as a formula: one that begins like one gets an apostrophe (OWASP, CSV
injection), which our import takes away again. Instants are written in the zone of the transaction (`SET_ZONE`).
"""

import dataclasses
import datetime as dt
import io
import uuid
from collections.abc import Sequence

import asyncpg

SET_ZONE = "SELECT set_config('TimeZone', $1, true)"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which rows a file holds (made in [since, until), at one store or anywhere) and how they are written: what divides cells, the
    zone of instants, and the codes of the merchant's stores."""

    since: dt.datetime
    until: dt.datetime
    store_id: uuid.UUID | None
    stores: Sequence[tuple[uuid.UUID, str]]
    delimiter: str
    zone: str

    @property
    def bindings(self) -> tuple[dt.datetime, dt.datetime, list[uuid.UUID], list[str], uuid.UUID | None]:
        """What a statement needs of it, in this order: since, until, ids and codes of all stores, the one store."""
        return self.since, self.until, [store for store, _ in self.stores], [code for _, code in self.stores], self.store_id


def safe(expression: str) -> str:
    """Return the SQL of a text that no spreadsheet runs as a formula: = + - @, tab or return at its beginning get an apostrophe."""
    return f"CASE WHEN ascii({expression}) IN (61, 43, 45, 64, 9, 13) THEN '''' || {expression} ELSE {expression} END"


def cell(expression: str) -> str:
    """Return the SQL of a cell that holds any text, in quotation marks, empty for NULL; where COPY does not write them."""
    return f"""coalesce('"' || replace({safe(expression)}, '"', '""') || '"', '')"""


def instant(expression: str) -> str:
    """Return the SQL of an instant down to the second, as the session writes it: ISO 8601 with its offset.

    A cast rounds, which costs a fraction of date_trunc; half a second less makes it round down.
    """
    return f"({expression} - interval '0.5 seconds')::timestamptz(0)"


def instant_cell(expression: str) -> str:
    """Return the SQL of a cell that holds an instant, empty for NULL; where COPY does not write it."""
    return f"coalesce({instant(expression)}::text, '')"


def joined(*cells: str) -> str:
    """Return the SQL of cells that are never NULL, divided by the text `$2`."""
    return " || $2 || ".join(f"({each})" for each in cells)


async def copy_lines(conn: asyncpg.Connection, statement: str, *arguments: object, delimiter: str) -> tuple[bytes, int]:
    """Return what `statement` selects as lines of CSV, written by the database, and how many rows that are."""
    written = io.BytesIO()
    status = await conn.copy_from_query(statement, *arguments, output=written, format="csv", delimiter=delimiter)
    return written.getvalue(), int(status.rpartition(" ")[2])


def last_cell(lines: bytes, delimiter: str) -> str:
    """Return the last cell of the last line, one that needs no quotation marks, such as an id."""
    return lines.rstrip(b"\n").rpartition(b"\n")[2].decode().rpartition(delimiter)[2]
