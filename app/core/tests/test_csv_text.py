"""CSV that opens everywhere and runs nowhere (reliability.md, case 44)."""

import csv
import datetime as dt
import io

import pytest

from app.core import csv_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_formula_is_text(text: str) -> None:
    assert csv_text.neutralize(text) == f"'{text}"


def test_other_text_stays_as_it_is() -> None:
    assert [csv_text.neutralize(text) for text in ("", "a=b", " =1", "é")] == ["", "a=b", " =1", "é"]


def test_a_table_keeps_its_values() -> None:
    at = dt.datetime(2026, 11, 23, 12, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    table = csv_text.write_table(["a", "b"], [[-5, None], [at, 'x,"y"\nz'], ["-5", True]])
    assert table.startswith("\ufeffa,b\r\n")
    rows = list(csv.reader(io.StringIO(table[1:], newline="")))
    assert rows[1:] == [["-5", ""], ["2026-11-23T11:00:00+00:00", 'x,"y"\nz'], ["'-5", "True"]]
