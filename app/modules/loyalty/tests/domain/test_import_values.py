"""Cells of other systems' files: what they can mean, and what is said about the others (G8)."""

import datetime as dt
import zoneinfo

import pytest

from app.modules.loyalty.domain.import_columns import Field
from app.modules.loyalty.domain.import_problems import SENTENCES, LineNote, LineProblem
from app.modules.loyalty.domain.import_values import (
    DateOrder,
    Line,
    Reading,
    guess_date_order,
    parse_amount,
    parse_day,
    plain_cell,
    read_line,
    safe_cell,
)

NOW = dt.datetime(2026, 3, 14, 9, 0, tzinfo=dt.UTC)
ZONE = zoneinfo.ZoneInfo("Europe/Luxembourg")


def read(**cells: str) -> tuple[Line | None, list[LineNote]]:
    values = {"email": "anna@example.lu", "first_name": "Anna", "last_name": "Weber"} | cells
    columns = {Field(name): position for position, name in enumerate(values)}
    reading = Reading(columns=columns, width=len(values), date_order=DateOrder.DAY_FIRST, zone=ZONE, now=NOW)
    return read_line(7, list(values.values()), reading)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0), ("120", 120), ("+5", 5), ("1 234", 1234), ("1.234", 1234), ("1,234", 1234), ("1'234", 1234), ("1 234,00", 1234),
        ("12,0", 12), ("12.00", 12), ("1,000,000", 1_000_000), ("-0", 0), ("１２", 12),
        ("1000001", LineProblem.NUMBER_TOO_LARGE), (str(2**63), LineProblem.NUMBER_TOO_LARGE), ("9" * 40, LineProblem.NUMBER_INVALID),
        ("-5", LineProblem.NUMBER_NEGATIVE), ("−1.5", LineProblem.NUMBER_NEGATIVE), ("12.5", LineProblem.NUMBER_INVALID),
        ("1,23,456", LineProblem.NUMBER_INVALID), ("1.234,567", LineProblem.NUMBER_INVALID), ("many", LineProblem.NUMBER_INVALID),
        ("=1+1", LineProblem.NUMBER_INVALID), ("1e5", LineProblem.NUMBER_INVALID), ("", LineProblem.NUMBER_INVALID),
    ],
)  # fmt: skip
def test_amounts(text: str, amount: int | LineProblem) -> None:
    assert parse_amount(text) == amount


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("1990-12-24", DateOrder.DAY_FIRST, dt.date(1990, 12, 24)),
        ("1990/12/24 10:30", DateOrder.MONTH_FIRST, dt.date(1990, 12, 24)),
        ("24.12.1990", DateOrder.DAY_FIRST, dt.date(1990, 12, 24)),
        ("3.4.1990", DateOrder.MONTH_FIRST, dt.date(1990, 4, 3)),
        ("03/04/1990", DateOrder.DAY_FIRST, dt.date(1990, 4, 3)),
        ("03/04/1990", DateOrder.MONTH_FIRST, dt.date(1990, 3, 4)),
        ("31/02/1990", DateOrder.DAY_FIRST, None),
        ("0000-01-01", DateOrder.DAY_FIRST, None),
        ("24/12/90", DateOrder.DAY_FIRST, None),
        ("yesterday", DateOrder.DAY_FIRST, None),
    ],
)
def test_days(text: str, order: DateOrder, day: dt.date | None) -> None:
    assert parse_day(text, order) == day


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["03/04/1990"], DateOrder.DAY_FIRST),
        (["24/12/1990", "01/02/1991"], DateOrder.DAY_FIRST),
        (["12/24/1990", "01/02/1991"], DateOrder.MONTH_FIRST),
        (["12/24/1990", "24/12/1990"], DateOrder.DAY_FIRST),
        (["1990-12-24"], DateOrder.DAY_FIRST),
        ([], DateOrder.DAY_FIRST),
    ],
)
def test_the_order_of_day_and_month_is_guessed(texts: list[str], order: DateOrder) -> None:
    assert guess_date_order(texts) is order


@pytest.mark.parametrize("text", ["=1+1", "+352621", "-5", "@SUM(A1)", "plain", "", "'quoted", "O'Neil"])
def test_a_cell_made_safe_comes_back_as_it_was(text: str) -> None:
    assert plain_cell(safe_cell(text)) == text
    assert not safe_cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_whole_line() -> None:
    line, notes = read(
        phone="'+352621123456", birth_date="24.12.1990", language="Français", points="1.250", stamps="3", card_number="az 12-34",
        store="esch",
        marketing="oui", marketing_at="2025-01-02", enrolled_at="2020-05-06T07:08:09+02:00", last_visit_at="01/03/2026",
    )  # fmt: skip
    assert notes == []
    assert line == Line(
        number=7, email="anna@example.lu", first_name="Anna", last_name="Weber", phone="+352621123456", birth_date=dt.date(1990, 12, 24),
        locale="fr", points=1250, stamps=3, card_number="AZ1234", store="esch", marketing=True,
        marketing_at=dt.datetime(2025, 1, 2, 11, tzinfo=dt.UTC), enrolled_at=dt.datetime(2020, 5, 6, 5, 8, 9, tzinfo=dt.UTC),
        last_visit_at=dt.datetime(2026, 3, 1, 11, tzinfo=dt.UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"email": ""}, LineProblem.EMAIL_MISSING),
        ({"first_name": "", "last_name": ""}, LineProblem.NAME_MISSING),
        ({"first_name": "M\ufffdller"}, LineProblem.CHARACTERS),
        ({"points": "-5"}, LineProblem.NUMBER_NEGATIVE),
        ({"stamps": str(2**63)}, LineProblem.NUMBER_TOO_LARGE),
        ({"card_number": "a b"}, LineProblem.CARD_NUMBER_INVALID),
    ],
)
def test_lines_that_cannot_be_imported(cells: dict[str, str], problem: LineProblem) -> None:
    line, notes = read(**cells)
    assert line is None
    assert [(note.line, note.problem) for note in notes] == [(7, problem)]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"birth_date": "31.02.1990"}, LineProblem.BIRTH_DATE_INVALID),
        ({"last_visit_at": "2027-01-01"}, LineProblem.DATE_IN_FUTURE),
        ({"enrolled_at": "9999-12-31T23:59:59-12:00"}, LineProblem.DATE_IN_FUTURE),
        ({"marketing_at": "0001-01-01"}, LineProblem.DATE_INVALID),
        ({"marketing": "perhaps"}, LineProblem.ANSWER_UNCLEAR),
    ],
)
def test_cells_that_are_left_out(cells: dict[str, str], problem: LineProblem) -> None:
    line, notes = read(**cells)
    assert line == Line(number=7, email="anna@example.lu", first_name="Anna", last_name="Weber")
    assert notes == [LineNote(7, next(iter(cells)), problem)]


def test_cells_beyond_the_header_are_damage_and_missing_ones_are_empty() -> None:
    reading = Reading(
        columns={Field.EMAIL: 0, Field.FULL_NAME: 1, Field.POINTS: 2}, width=3, date_order=DateOrder.DAY_FIRST, zone=ZONE, now=NOW
    )
    assert read_line(2, ["a@b.lu", "Anna", "5", "6"], reading) == (None, [LineNote(2, "", LineProblem.TOO_MANY_CELLS)])
    assert read_line(2, ["a@b.lu", "Anna", "5", ""], reading)[1] == []
    assert read_line(2, ["a@b.lu", "Anna"], reading) == (Line(number=2, email="a@b.lu", first_name="Anna", last_name=""), [])


@pytest.mark.parametrize(
    ("whole", "first", "last"), [("Anna Weber", "Anna", "Weber"), ("Weber, Anna", "Anna", "Weber"), ("Anna", "Anna", "")]
)
def test_whole_names_are_divided(whole: str, first: str, last: str) -> None:
    line, notes = read(first_name="", last_name="", full_name=whole)
    assert notes == []
    assert line is not None
    assert (line.first_name, line.last_name) == (first, last)


def test_every_problem_has_a_sentence() -> None:
    assert SENTENCES.keys() == set(LineProblem)
