"""What somebody chose for an import, what was found of its lines, and which operation of the ledger a line is (G8)."""

import dataclasses
import re
import unicodedata
import uuid
from collections.abc import Mapping
from typing import Any

from app.core.errors import N_
from app.modules.loyalty.domain.import_columns import Field, columns_problem
from app.modules.loyalty.domain.import_problems import ImportMappingException
from app.modules.loyalty.domain.import_text import Delimiter
from app.modules.loyalty.domain.import_values import MAX_SOURCE_LENGTH, DateOrder

DEFAULT_SOURCE = "import"
SOURCE_PROBLEM = N_("Please use letters, digits and hyphens, at most 40.")
MOST_NOTES = 5_000
"""Problems of lines that are kept; they are counted beyond that."""

COUNTS = (
    "read", "fine", "faulty", "left_out", "new_people", "known_people", "new_cards", "already", "points", "stamps",
    "due_people", "due_points",
)  # fmt: skip
"""What is counted: rows read; lines to import and lines that cannot be; cells left out of lines that can; people who are new or known;
cards to make; lines whose balance was imported before; points and stamps; people whose points are old enough to expire at once."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How to read a file and what to do with it. `source` names the other system: a person's balance from it is booked once."""

    columns: Mapping[Field, int]
    width: int
    delimiter: Delimiter
    date_order: DateOrder
    store_id: uuid.UUID
    source: str = DEFAULT_SOURCE
    tells_people: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the choices as they are stored."""
        return {
            "columns": {field.value: position for field, position in self.columns.items()},
            "width": self.width,
            "delimiter": self.delimiter.value,
            "date_order": self.date_order.value,
            "store_id": str(self.store_id),
            "source": self.source,
            "tells_people": self.tells_people,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Choices":
        """Return what `as_json` made."""
        return cls(
            columns={Field(name): position for name, position in stored["columns"].items()},
            width=stored["width"],
            delimiter=Delimiter(stored["delimiter"]),
            date_order=DateOrder(stored["date_order"]),
            store_id=uuid.UUID(stored["store_id"]),
            source=stored["source"],
            tells_people=stored["tells_people"],
        )

    def require_possible(self) -> None:
        """Refuse columns that the file does not have or that cannot be imported: ImportMappingException."""
        problem = columns_problem(self.columns, self.width)
        if problem is not None:
            raise ImportMappingException(fields={"columns": problem})


def clean_source(text: str) -> str:
    """Return the name of a source in small ASCII letters, digits and hyphens; the default for none. ImportMappingException."""
    plain = unicodedata.normalize("NFKD", text.strip().casefold()).encode("ascii", "ignore").decode()
    source = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if len(source) > MAX_SOURCE_LENGTH or (text.strip() and not source):
        raise ImportMappingException(fields={"source": SOURCE_PROBLEM})
    return source or DEFAULT_SOURCE


def operation_prefix(source: str) -> str:
    """Return how the keys of all lines of a source begin; no client can claim it."""
    return f"import:{source}:"


def operation_key(source: str, customer_id: uuid.UUID, store_id: uuid.UUID | None) -> str:
    """Return the ledger's key of a person's balance from `source`: once per person, or per person and store where each has its cards."""
    return f"{operation_prefix(source)}{customer_id}" + (f":{store_id}" if store_id else "")
