"""Bodies and answers of the merchant's face about merging cards and the home page's numbers."""

import datetime as dt
import uuid

from pydantic import ConfigDict

from app.core.web.fields import Answer, Body, example
from app.modules.loyalty.domain.enums import MergeRunStatus

ID = "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e"


class MergeBody(Body):
    """Whose cards to merge: one customer's, or (null) everybody's who holds several."""

    model_config = example(customer_id=None)

    customer_id: uuid.UUID | None = None


class MergeRunAnswer(Answer):
    """A run and its sums over the people merged so far. Points are net of debts; before = after + expired, stamps stay equal."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": ID, "status": "done", "customer_id": None, "customers_total": 2, "customers_merged": 2, "customers_skipped": 0,
                    "cards_merged": 3, "stamps_before": 12, "stamps_after": 12, "points_before": 340, "points_after": 340,
                    "points_expired": 0, "started_at": "2026-11-23T10:15:00Z", "finished_at": "2026-11-23T10:15:02Z",
                }
            ]
        },
    )  # fmt: skip

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

    items: list[MergeRunAnswer]


class HeldCardAnswer(Answer):
    """One of a person's cards."""

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

    customer_id: uuid.UUID
    first_name: str | None
    last_name: str | None
    cards: list[HeldCardAnswer]
    stamps_in_all: int
    points_in_all: int


class MergePreview(Answer):
    """How many people hold several usable cards, how many cards those are, and a page of them."""

    people: int
    cards: int
    items: list[CardHolderAnswer]
    next_cursor: str | None = None


class DayAnswer(Answer):
    """One local day; refunds are taken off, what was voided is not counted."""

    day: dt.date
    enrollments: int
    stamps: int
    points_earned: int
    points_redeemed: int
    rewards_redeemed: int


class OverviewAnswer(Answer):
    """Today, cards in use now, and the last thirty local days, today the last."""

    today: DayAnswer
    active_cards: int
    days: list[DayAnswer]
