"""Cells of CSV files as SQL expressions: what the database writes itself need not be taken apart and put together by us.

Texts are in quotation marks, and no spreadsheet runs them as a formula: one that begins like one gets an apostrophe (OWASP, CSV
injection), which our import takes away again. Instants are written in the zone of the transaction (`SET_ZONE`).
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence

SET_ZONE = "SELECT set_config('TimeZone', $1, true)"
INSTANT_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SSTZH:TZM'


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


def cell(expression: str) -> str:
    """Return the SQL of a cell that holds any text, empty for NULL."""
    safe = f"CASE WHEN {expression} ~ '^[=+@\\t\\r-]' THEN '''' ELSE '' END || {expression}"
    return f"""coalesce('"' || replace({safe}, '"', '""') || '"', '')"""


def instant(expression: str) -> str:
    """Return the SQL of a cell that holds an instant with its offset, empty for NULL."""
    return f"coalesce(to_char({expression}, '{INSTANT_FORMAT}'), '')"


def joined(*cells: str) -> str:
    """Return the SQL of cells that are never NULL, divided by the text `$2`."""
    return " || $2 || ".join(f"({each})" for each in cells)
