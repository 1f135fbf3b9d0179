"""Bodies and answers about many cards at once (G5), and of points given back (G7)."""

import datetime as dt
import uuid
from typing import Annotated, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from app.core.errors import N_
from app.core.web.fields import Answer, Body, Line, OptionalLine, Points, example
from app.modules.loyalty.domain.bulk import MAX_CARDS, MAX_PINS, CardFilter, Selection
from app.modules.loyalty.domain.enums import PinRole
from app.modules.loyalty.schemas.merchant import ID, STORE
from app.modules.loyalty.schemas.store import PinDigits

CardIds = Annotated[list[uuid.UUID], Field(min_length=1, max_length=MAX_CARDS)]
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]
FILTER_EXAMPLE: dict[str, JsonValue] = {
    "store_id": STORE, "min_points": 100, "last_visit_after": "2026-01-01", "last_visit_before": "2026-09-01", "min_visits": 3,
}  # fmt: skip
PIN_EXAMPLE: dict[str, JsonValue] = {"id": ID, "display_name": "Marie", "role": "staff", "pin": "739205"}
ONE_OF_THEM = N_("Please choose either cards or conditions.")


class BulkDeactivateBody(Body):
    """Up to 1,000 cards to switch off, and why; the reason goes to the audit log of each."""

    model_config = example(card_ids=[ID], reason="Misprinted cards")

    card_ids: CardIds
    reason: Line


class FilterBody(Body):
    """Usable cards by what is known of them; a condition left out is not asked for. Days are local days of the merchant: on
    `last_visit_after` or later, earlier than `last_visit_before`. Joining counts as the first visit."""

    model_config = example(**FILTER_EXAMPLE)

    store_id: uuid.UUID | None = None
    min_points: Count | None = None
    last_visit_after: dt.date | None = None
    last_visit_before: dt.date | None = None
    min_visits: Count | None = None


class ChosenCards(Body):
    """Cards named one by one (at most 1,000), or a filter."""

    card_ids: CardIds | None = None
    filter: FilterBody | None = None
    points: Points

    @model_validator(mode="after")
    def require_one(self) -> Self:
        """Refuse both, and neither."""
        if (self.card_ids is None) == (self.filter is None):
            raise PydanticCustomError("one_of_them", "one of them", {"msgid": ONE_OF_THEM})
        return self

    def selection(self) -> Selection:
        """Return the cards as the service takes them."""
        return Selection(self.card_ids or (), CardFilter(**self.filter.model_dump()) if self.filter else None)


class BonusPreviewBody(ChosenCards):
    """A bonus to look at before it is given."""

    model_config = example(filter=FILTER_EXAMPLE, points=50)


class BonusBody(ChosenCards):
    """Points for each of the cards, and why. With `expected_cards`, the number that the preview gave, nothing is done when it
    has changed."""

    model_config = example(filter=FILTER_EXAMPLE, points=50, reason="Thank you for ten years", expected_cards=120)

    reason: Line
    expected_cards: Count | None = None


class BonusPreviewAnswer(Answer):
    """How many usable cards would get the bonus, and what it costs in points."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"cards": 120, "points_in_all": 6_000}]})

    cards: int
    points_in_all: int


class BulkStarted(Answer):
    """The job that was started; `/api/v1/merchants/jobs/{job_id}` says how far it is and how each card went."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"job_id": ID}]})

    job_id: uuid.UUID


class AssignedPinBody(Body):
    """Somebody who is to get a PIN; without `pin` one is made."""

    model_config = example(display_name="Marie", role="staff", email=None, pin=None)

    display_name: Line
    role: PinRole = PinRole.STAFF
    email: OptionalLine | None = None
    pin: PinDigits | None = None


class AssignPinsBody(Body):
    """Up to 50 people of one store who are to get a PIN."""

    model_config = example(store_id=STORE, pins=[{"display_name": "Marie", "role": "staff"}])

    store_id: uuid.UUID
    pins: Annotated[list[AssignedPinBody], Field(min_length=1, max_length=MAX_PINS)]


class AssignedPinAnswer(Answer):
    """A staff member and their PIN; `pin` is null when the answer is a repeat, as nobody has kept it."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [PIN_EXAMPLE]})

    id: uuid.UUID
    display_name: str
    role: PinRole
    pin: str | None


class AssignedPinList(Answer):
    """Who got a PIN, with the digits, this once."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"store_id": STORE, "items": [PIN_EXAMPLE]}]})

    store_id: uuid.UUID
    items: list[AssignedPinAnswer]

    def without_digits(self) -> "AssignedPinList":
        """Return the answer as it may be kept."""
        return self.model_copy(update={"items": [item.model_copy(update={"pin": None}) for item in self.items]})


class RestoreBody(Body):
    """Points to give back, and why; the reason goes to the audit log."""

    model_config = example(points=120, reason="Was in hospital when they expired")

    points: Points
    reason: Line
