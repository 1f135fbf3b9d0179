"""Tables as CSV that no spreadsheet runs: UTF-8 with a mark for Excel, RFC 4180 quoting, formulas as text (reliability.md, case 44)."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence

MEDIA_TYPE = "text/csv; charset=utf-8"
BOM = "\ufeff"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def neutralize(text: str) -> str:
    """Return `text` behind an apostrophe when a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def write_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV. Numbers stay numbers, instants are ISO 8601 in UTC, None is an empty cell."""
    return BOM + write_rows([head]) + write_rows(rows)


def write_rows(rows: Iterable[Sequence[object]]) -> str:
    """Return rows of a table whose beginning was written before."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="seconds")
    return str(value) if isinstance(value, int | float) else neutralize(str(value))
