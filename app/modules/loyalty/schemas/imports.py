"""Bodies and answers of the merchant's face about imports from other systems."""

import datetime as dt
import uuid
from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from app.core.web.fields import Answer, Body, OptionalLine, example
from app.modules.loyalty.domain.enums import ImportStatus
from app.modules.loyalty.domain.import_columns import Field as Column
from app.modules.loyalty.domain.import_plan import DEFAULT_SOURCE
from app.modules.loyalty.domain.import_problems import LineProblem
from app.modules.loyalty.domain.import_text import MAX_COLUMNS, Delimiter, Encoding
from app.modules.loyalty.domain.import_values import DateOrder

ID = "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e"
AT = "2026-11-23T10:15:00Z"
COUNTS_EXAMPLE: dict[str, JsonValue] = {
    "read": 812, "fine": 809, "faulty": 3, "left_out": 5, "new_people": 790, "known_people": 19, "new_cards": 792, "already": 0,
    "points": 96_310, "stamps": 1_204, "due_people": 12, "due_points": 340, "notes": 8,
}  # fmt: skip
IMPORT_EXAMPLE: dict[str, JsonValue] = {
    "id": ID, "status": "checked", "file_name": "customers.csv", "encoding": "utf-8", "size_bytes": 81_920, "lines": 813,
    "counts": COUNTS_EXAMPLE, "error": None, "has_file": True, "created_at": AT, "finished_at": None,
}  # fmt: skip
PROBLEM_EXAMPLE: dict[str, JsonValue] = {
    "line": 17, "field": "email", "field_name": "E-mail address", "problem": "email_invalid", "is_harmless": False,
    "message": "This is not a complete e-mail address.",
}  # fmt: skip
Position = Annotated[int, Field(ge=0, lt=MAX_COLUMNS)]


class CheckBody(Body):
    """How to read the file: which column (from 0, null: none) is what, what divides cells, whether the day or the month comes first.

    People without a store in the file get their card at `store_id`. `source` names the other system: a person's balance from it is
    booked once, whatever is imported again. `tells_people` mails everybody who gets a card.
    """

    model_config = example(
        columns={"email": 0, "first_name": 1, "last_name": 2, "points": 3}, delimiter="comma", date_order="day_first", store_id=ID,
        source="old-till", tells_people=False,
    )  # fmt: skip

    columns: dict[Column, Position | None]
    delimiter: Delimiter
    date_order: DateOrder = DateOrder.DAY_FIRST
    store_id: uuid.UUID
    source: OptionalLine = DEFAULT_SOURCE
    tells_people: bool = False


class ImportAnswer(Answer):
    """An import. `lines` is about how many lines the file has; `counts` is what a check found, or what the import has done so far.

    Of the counts: `read` rows; `fine` and `faulty` lines; `left_out` cells of lines that are fine; people and cards; `already`
    balances that were imported before; `due_…` whose last visit is so long ago that the points would expire the next night.
    """

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [IMPORT_EXAMPLE]})

    id: uuid.UUID
    status: ImportStatus
    file_name: str
    encoding: Encoding | None
    size_bytes: int
    lines: int
    counts: dict[str, int]
    error: str | None
    has_file: bool
    created_at: dt.datetime
    finished_at: dt.datetime | None


class ImportList(Answer):
    """The latest imports, the newest first."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [IMPORT_EXAMPLE]}]})

    items: list[ImportAnswer]


class ImportProblemAnswer(Answer):
    """What is wrong with a line: where (`field` is empty for the whole line), as a code and as a sentence in the caller's language.

    `is_harmless`: the line is imported all the same, without the cell.
    """

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [PROBLEM_EXAMPLE]})

    line: int
    field: str
    field_name: str
    problem: LineProblem
    is_harmless: bool
    message: str


class ImportProblemList(Answer):
    """What is wrong with which line, in the order of the file."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [PROBLEM_EXAMPLE], "next_cursor": None}]})

    items: list[ImportProblemAnswer]
    next_cursor: str | None = None
