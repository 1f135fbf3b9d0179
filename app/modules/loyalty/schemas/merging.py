"""Bodies and answers of the merchant's face about merging cards and the home page's numbers."""

import datetime as dt
import uuid

from pydantic import ConfigDict, JsonValue

from app.core.web.fields import Answer, Body, example
from app.modules.loyalty.domain.enums import MergeRunStatus

ID = "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e"
AT = "2026-11-23T10:15:00Z"

RUN_EXAMPLE: dict[str, JsonValue] = {
    "id": ID, "status": "done", "customer_id": None, "customers_total": 2, "customers_merged": 2, "customers_skipped": 0,
    "cards_merged": 3, "stamps_before": 12, "stamps_after": 12, "points_before": 340, "points_after": 340, "points_expired": 0,
    "started_at": AT, "finished_at": AT,
}  # fmt: skip
HELD_EXAMPLE: dict[str, JsonValue] = {
    "id": ID, "card_number": "4829 1736 5093", "enrolled_at_store_id": ID, "store_name": "Filiale 1", "created_at": AT, "stamp_count": 3,
    "points_balance": 120, "points_owed": 0,
}  # fmt: skip
HOLDER_EXAMPLE: dict[str, JsonValue] = {
    "customer_id": ID, "first_name": "Léa", "last_name": "Weber", "cards": [HELD_EXAMPLE, HELD_EXAMPLE], "stamps_in_all": 6,
    "points_in_all": 240,
}  # fmt: skip
DAY_EXAMPLE: dict[str, JsonValue] = {
    "day": "2026-11-23", "enrollments": 4, "stamps": 31, "points_earned": 420, "points_redeemed": 100, "rewards_redeemed": 2,
}  # fmt: skip


def _shows(values: dict[str, JsonValue]) -> ConfigDict:
    """Return an answer's config with its example."""
    return ConfigDict(frozen=True, json_schema_extra={"examples": [values]})


class MergeBody(Body):
    """Whose cards to merge: one customer's, or (null) everybody's who holds several."""

    model_config = example(customer_id=None)

    customer_id: uuid.UUID | None = None


class MergeRunAnswer(Answer):
    """A run and its sums over the people merged so far. Points are net of debts; before = after + expired, stamps stay equal."""

    model_config = _shows(RUN_EXAMPLE)

    id: uuid.UUID
    status: MergeRunStatus
    customer_id: uuid.UUID | None
    customers_total: int
    customers_merged: int
    customers_skipped: int
    cards_merged: int
    stamps_before: int
    stamps_after: int
    points_before: int
    points_after: int
    points_expired: int
    started_at: dt.datetime
    finished_at: dt.datetime | None


class MergeRunList(Answer):
    """The last twenty runs, the newest first."""

    model_config = _shows({"items": [RUN_EXAMPLE]})

    items: list[MergeRunAnswer]


class HeldCardAnswer(Answer):
    """One of a person's cards."""

    model_config = _shows(HELD_EXAMPLE)

    id: uuid.UUID
    card_number: str
    enrolled_at_store_id: uuid.UUID
    store_name: str
    created_at: dt.datetime
    stamp_count: int
    points_balance: int
    points_owed: int


class CardHolderAnswer(Answer):
    """A person with several cards; the first is the oldest and would stay, with the sums of all."""

    model_config = _shows(HOLDER_EXAMPLE)

    customer_id: uuid.UUID
    first_name: str | None
    last_name: str | None
    cards: list[HeldCardAnswer]
    stamps_in_all: int
    points_in_all: int


class MergePreview(Answer):
    """How many people hold several usable cards, how many cards those are, and a page of them."""

    model_config = _shows({"people": 1, "cards": 2, "items": [HOLDER_EXAMPLE], "next_cursor": None})

    people: int
    cards: int
    items: list[CardHolderAnswer]
    next_cursor: str | None = None


class DayAnswer(Answer):
    """One local day; refunds are taken off, what was voided is not counted."""

    model_config = _shows(DAY_EXAMPLE)

    day: dt.date
    enrollments: int
    stamps: int
    points_earned: int
    points_redeemed: int
    rewards_redeemed: int


class OverviewAnswer(Answer):
    """Today, cards in use now, and the last thirty local days, today the last."""

    model_config = _shows({"today": DAY_EXAMPLE, "active_cards": 812, "days": [DAY_EXAMPLE]})

    today: DayAnswer
    active_cards: int
    days: list[DayAnswer]
