"""Cells of other systems' files brought to our values: whole numbers, days, languages, yes and no (G8).

A cell is text that somebody's program wrote: what can mean one thing only is taken, everything else is named and left out.
"""

import dataclasses
import datetime as dt
import enum
import re
import unicodedata
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence

from app.core.money import MAX_POINTS
from app.modules.loyalty.domain import card_number
from app.modules.loyalty.domain.import_columns import Field
from app.modules.loyalty.domain.import_problems import LineNote, LineProblem

FORMULA_STARTS = "=+-@\t\r"
"""What a spreadsheet takes for a formula at the beginning of a cell."""
MAX_SOURCE_LENGTH = 40
EARLIEST = dt.date(1900, 1, 1)

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_PARTS = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")
_GROUPED = re.compile(r"[0-9]{1,3}(?:([ '’.,\u00a0\u202f\u2009])[0-9]{3})(?:\1[0-9]{3})*")
_ZERO_DECIMALS = re.compile(r"(?<=[0-9])[.,]0{1,2}$")
_NUMBER = re.compile(r"[0-9]{1,30}")
_UNREADABLE = "\ufffd"

_YES = frozenset(
    [
        "yes",
        "y",
        "true",
        "1",
        "on",
        "x",
        "oui",
        "o",
        "vrai",
        "ja",
        "j",
        "wahr",
        "jo",
        "accepted",
        "subscribed",
        "granted",
        "accepte",
        "abonne",
        "angenommen",
        "optin",
    ]
)
_NO = frozenset(
    [
        "no",
        "n",
        "false",
        "0",
        "off",
        "non",
        "faux",
        "nein",
        "falsch",
        "nee",
        "neen",
        "unsubscribed",
        "withdrawn",
        "refused",
        "refuse",
        "never",
        "optout",
        "notsubscribed",
    ]
)
_LANGUAGES: Mapping[str, str] = {
    name: locale
    for locale, names in {
        "en": "en eng english anglais englisch",
        "fr": "fr fra fre french francais franzosisch franseisch",
        "de": "de deu ger german allemand deutsch daitsch",
        "lb": "lb ltz lu luxembourgish luxembourgeois luxemburgisch letzebuergesch",
    }.items()
    for name in names.split()
}


class DateOrder(enum.StrEnum):
    """How days are written where the year comes last; with the year first, month and day follow in either case."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One person of the file: what its cells say, each in our form, nothing yet compared with what is known."""

    number: int
    email: str
    first_name: str
    last_name: str
    phone: str | None = None
    birth_date: dt.date | None = None
    locale: str | None = None
    points: int = 0
    stamps: int = 0
    card_number: str | None = None
    store: str | None = None
    marketing: bool | None = None
    marketing_at: dt.datetime | None = None
    enrolled_at: dt.datetime | None = None
    last_visit_at: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the cells of a file are to be read: its columns, its dates, and the merchant's calendar."""

    columns: Mapping[Field, int]
    width: int
    date_order: DateOrder
    zone: zoneinfo.ZoneInfo
    now: dt.datetime


class _Notes:
    def __init__(self, line: int) -> None:
        self.line = line
        self.found: list[LineNote] = []

    def add(self, field: Field, problem: LineProblem) -> None:
        self.found.append(LineNote(self.line, field.value, problem))


def read_line(number: int, cells: Sequence[str], reading: Reading) -> tuple[Line | None, list[LineNote]]:
    """Return the person on a row (None when the line cannot be imported) and what is wrong with it."""
    notes = _Notes(number)
    if len(cells) > reading.width and any(cell.strip() for cell in cells[reading.width :]):
        return None, [LineNote(number, "", LineProblem.TOO_MANY_CELLS)]
    values = {field: plain_cell(cells[position]) for field, position in reading.columns.items() if position < len(cells)}
    for field, value in values.items():
        if _UNREADABLE in value:
            notes.add(field, LineProblem.CHARACTERS)
    email = values.get(Field.EMAIL, "")
    if not email:
        notes.add(Field.EMAIL, LineProblem.EMAIL_MISSING)
    first, last = _names(values)
    if not first and not last:
        notes.add(Field.FIRST_NAME if Field.FIRST_NAME in reading.columns else Field.FULL_NAME, LineProblem.NAME_MISSING)
    marketing = _answer(values, notes)
    line = Line(
        number=number,
        email=email,
        first_name=first,
        last_name=last,
        phone=values.get(Field.PHONE) or None,
        birth_date=_birth_date(values, reading, notes),
        locale=_LANGUAGES.get(_word(values.get(Field.LANGUAGE, ""))) or _LANGUAGES.get(values.get(Field.LANGUAGE, "")[:2].casefold()),
        points=_amount(Field.POINTS, values, notes),
        stamps=_amount(Field.STAMPS, values, notes),
        card_number=_card_number(values, notes),
        store=values.get(Field.STORE) or None,
        marketing=marketing,
        marketing_at=_instant(Field.MARKETING_AT, values, reading, notes),
        enrolled_at=_instant(Field.ENROLLED_AT, values, reading, notes),
        last_visit_at=_instant(Field.LAST_VISIT_AT, values, reading, notes),
    )
    is_fine = all(note.problem.is_harmless for note in notes.found)
    return (line if is_fine else None), notes.found


def plain_cell(cell: str) -> str:
    """Return a cell without outer space and without the mark that keeps spreadsheets from running it as a formula."""
    text = cell.strip(" \u00a0\n")
    if text[:1] == "'" and text[1:2] and text[1] in FORMULA_STARTS:
        return text[1:].strip()
    return text.strip()


def safe_cell(text: str) -> str:
    """Return the text of a cell so that no spreadsheet runs it: `plain_cell` gives it back."""
    return f"'{text}" if text[:1] and text[0] in FORMULA_STARTS else text


def _names(values: Mapping[Field, str]) -> tuple[str, str]:
    first, last = values.get(Field.FIRST_NAME, ""), values.get(Field.LAST_NAME, "")
    whole = values.get(Field.FULL_NAME, "")
    if (first or last) or not whole:
        return first, last
    if "," in whole:  # Weber, Anna
        last, _, first = whole.partition(",")
        return first.strip(), last.strip()
    first, _, last = whole.partition(" ")
    return first, last.strip()


def parse_amount(text: str) -> int | LineProblem:
    """Return a whole number that is not negative, with or without separators between thousands and zeros behind the point."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain.startswith(("-", "−")) and any(character.isdigit() for character in plain):
        return LineProblem.NUMBER_NEGATIVE if any(character in "123456789" for character in plain) else 0
    plain = plain.removeprefix("+")
    grouped = _GROUPED.fullmatch(plain) or _GROUPED.fullmatch(_ZERO_DECIMALS.sub("", plain))
    digits = re.sub(r"[^0-9]", "", grouped[0]) if grouped else _ZERO_DECIMALS.sub("", plain)
    if not (_NUMBER.fullmatch(digits) and digits.isascii()):
        return LineProblem.NUMBER_INVALID
    number = int(digits)
    return number if number <= MAX_POINTS else LineProblem.NUMBER_TOO_LARGE


def _amount(field: Field, values: Mapping[Field, str], notes: _Notes) -> int:
    text = values.get(field, "")
    found = parse_amount(text) if text else 0
    if isinstance(found, LineProblem):
        notes.add(field, found)
        return 0
    return found


def parse_day(text: str, order: DateOrder) -> dt.date | None:
    """Return the day that a text names, ignoring a time of day behind it; None when it names none."""
    day = text.split("T", maxsplit=1)[0].split(" ", maxsplit=1)[0].strip()
    if found := _ISO.fullmatch(day):
        year, month, number = (int(part) for part in found.groups())
    elif found := _PARTS.fullmatch(day):
        first, second, year = (int(part) for part in found.groups())
        number, month = (first, second) if order is DateOrder.DAY_FIRST or "." in day else (second, first)
    else:
        return None
    try:
        return dt.date(year, month, number)
    except ValueError:
        return None


def guess_date_order(texts: Iterable[str]) -> DateOrder:
    """Return how the days of a column are written: month first only where a day could not be a month and no text says otherwise."""
    firsts, seconds = [], []
    for text in texts:
        if found := _PARTS.match(text.strip()):
            firsts.append(int(found[1]))
            seconds.append(int(found[2]))
    is_month_first = max(seconds, default=0) > 12 and max(firsts, default=0) <= 12
    return DateOrder.MONTH_FIRST if is_month_first else DateOrder.DAY_FIRST


def _birth_date(values: Mapping[Field, str], reading: Reading, notes: _Notes) -> dt.date | None:
    text = values.get(Field.BIRTH_DATE, "")
    if not text:
        return None
    day = parse_day(text, reading.date_order)
    if day is None:
        notes.add(Field.BIRTH_DATE, LineProblem.BIRTH_DATE_INVALID)
    return day


def _instant(field: Field, values: Mapping[Field, str], reading: Reading, notes: _Notes) -> dt.datetime | None:
    """Return the instant of a cell: with a time of day in ISO form exactly, else noon of that day at the merchant's."""
    text = values.get(field, "")
    if not text:
        return None
    at = _exact(text, reading.zone)
    if at is None:
        day = parse_day(text, reading.date_order)
        if day is None or day < EARLIEST:
            notes.add(field, LineProblem.DATE_INVALID)
            return None
        at = dt.datetime.combine(day, dt.time(12), reading.zone)
        if day == reading.now.astimezone(reading.zone).date():
            at = min(at, reading.now)
    if at > reading.now:
        notes.add(field, LineProblem.DATE_IN_FUTURE)
        return None
    return at.astimezone(dt.UTC)


def _exact(text: str, zone: zoneinfo.ZoneInfo) -> dt.datetime | None:
    if len(text) < 16 or not text[:4].isdigit():
        return None
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.date() < EARLIEST or at.year > 9998:  # too near to the calendar's ends to be moved between zones
        return None
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _word(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", text.casefold()))


def _answer(values: Mapping[Field, str], notes: _Notes) -> bool | None:
    text = values.get(Field.MARKETING, "")
    if not text:
        return None
    word = _word(text)
    if word in _YES or word in _NO:
        return word in _YES
    notes.add(Field.MARKETING, LineProblem.ANSWER_UNCLEAR)
    return None


def _card_number(values: Mapping[Field, str], notes: _Notes) -> str | None:
    text = values.get(Field.CARD_NUMBER, "")
    if not text:
        return None
    number = card_number.parse_external(text)
    if number is None:
        notes.add(Field.CARD_NUMBER, LineProblem.CARD_NUMBER_INVALID)
        return None
    return number
