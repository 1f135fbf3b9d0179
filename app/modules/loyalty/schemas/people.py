"""Bodies and answers of the merchant's face about people."""

import datetime as dt
import uuid

from pydantic import ConfigDict, JsonValue

from app.core.i18n import Locale
from app.core.web.fields import Answer, Body, Email, Line, OptionalLine, example
from app.modules.customers.public import Likeness
from app.modules.loyalty.schemas.cards import HISTORY_EXAMPLE, HistoryEntry
from app.modules.loyalty.schemas.merchant import MERCHANT_CARD_EXAMPLE, MerchantCard
from app.modules.loyalty.schemas.merging import RUN_EXAMPLE, MergeRunAnswer
from app.modules.loyalty.schemas.person import BirthDate

ID = "0199f1a0-4c11-7b20-8d31-7e6f5a4b3c2d"
AT = "2026-11-23T10:15:00Z"
PERSON_EXAMPLE: dict[str, JsonValue] = {
    "id": ID, "first_name": "Léa", "last_name": "Weber", "email": "lea.weber@example.lu", "phone": "+352 621 123 456",
    "birth_date": "1990-02-28", "locale": "lb", "registered_store_id": "0199f1a0-1c22-7d10-8a41-6b5c4d3e2f10", "created_at": AT,
    "anonymized_at": None, "wants_marketing": True, "last_visit_at": AT, "visit_count": 14, "cards": [MERCHANT_CARD_EXAMPLE],
}  # fmt: skip
CONSENT_EXAMPLE: dict[str, JsonValue] = {
    "purpose": "terms", "action": "granted", "source": "storefront", "text_version": "terms@1", "locale": "fr", "at": AT,
}  # fmt: skip
MAIL_EXAMPLE: dict[str, JsonValue] = {
    "id": ID, "created_at": AT, "title": "Happy birthday", "locale": "lb", "state": "sent", "delivery": "delivered",
}  # fmt: skip


def _shows(values: dict[str, JsonValue]) -> ConfigDict:
    """Return an answer's config with its example."""
    return ConfigDict(frozen=True, json_schema_extra={"examples": [values]})


class PersonAnswer(Answer):
    """Somebody with the cards that the caller may see, oldest first. After an erasure only ids and dates are left.

    `last_visit_at` is null for somebody who has not come back since they enrolled.
    """

    model_config = _shows(PERSON_EXAMPLE)

    id: uuid.UUID
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    birth_date: dt.date | None
    locale: str
    registered_store_id: uuid.UUID | None
    created_at: dt.datetime
    anonymized_at: dt.datetime | None
    wants_marketing: bool
    last_visit_at: dt.datetime | None
    visit_count: int
    cards: list[MerchantCard]


class PersonList(Answer):
    """A page of people. With a filter it may hold fewer than asked for although `next_cursor` leads on."""

    model_config = _shows({"items": [PERSON_EXAMPLE], "next_cursor": None, "previous_cursor": None})

    items: list[PersonAnswer]
    next_cursor: str | None = None
    previous_cursor: str | None = None


class PersonHistoryEntry(HistoryEntry):
    """One row of the history of a person's card."""

    model_config = _shows({**HISTORY_EXAMPLE, "card_id": ID})

    card_id: uuid.UUID


class PersonHistory(Answer):
    """What was booked on all of a person's cards, the latest first."""

    model_config = _shows({"items": [{**HISTORY_EXAMPLE, "card_id": ID}], "next_cursor": None})

    items: list[PersonHistoryEntry]
    next_cursor: str | None = None


class ConsentAnswer(Answer):
    """One statement, never changed: what was agreed to or taken back, by which text, where and when."""

    model_config = _shows(CONSENT_EXAMPLE)

    purpose: str
    action: str
    source: str
    text_version: str
    locale: str
    at: dt.datetime


class ConsentList(Answer):
    """All statements of a person, oldest first; the latest of a purpose counts."""

    model_config = _shows({"items": [CONSENT_EXAMPLE]})

    items: list[ConsentAnswer]


class PersonMail(Answer):
    """A mail to a person: which, when, and whether it arrived; never what stood in it."""

    model_config = _shows(MAIL_EXAMPLE)

    id: uuid.UUID
    created_at: dt.datetime
    title: str
    locale: str
    state: str
    delivery: str | None


class PersonMailList(Answer):
    """The last 25 mails to a person, the latest first."""

    model_config = _shows({"items": [MAIL_EXAMPLE]})

    items: list[PersonMail]


class PersonBody(Body):
    """Corrections of a person's data; what is not named stays. An empty phone number or birthday is deleted."""

    model_config = example(first_name="Léa", phone="+352 621 123 456", locale="fr")

    first_name: Line | None = None
    last_name: Line | None = None
    email: Email | None = None
    phone: OptionalLine | None = None
    birth_date: BirthDate | None = None
    locale: Locale | None = None


class TwinsAnswer(Answer):
    """Two people who may be one: the one registered first, the other, and why."""

    model_config = _shows({"older": PERSON_EXAMPLE, "newer": PERSON_EXAMPLE, "likeness": "phone"})

    older: PersonAnswer
    newer: PersonAnswer
    likeness: Likeness


class TwinsPage(Answer):
    """A page of pairs, by who was registered last. It may be short, or empty, although `next_cursor` leads on."""

    model_config = _shows({"items": [{"older": PERSON_EXAMPLE, "newer": PERSON_EXAMPLE, "likeness": "phone"}], "next_cursor": None})

    items: list[TwinsAnswer]
    next_cursor: str | None = None
    previous_cursor: str | None = None


class PeopleMergeAnswer(Answer):
    """Two people, the one they become, and the sums of cards that become one (null when none do). Points are net of debts:
    before = after + expired; stamps stay equal."""

    model_config = _shows({"kept": PERSON_EXAMPLE, "gone": PERSON_EXAMPLE, "after": PERSON_EXAMPLE, "run": RUN_EXAMPLE})

    kept: PersonAnswer
    gone: PersonAnswer
    after: PersonAnswer
    run: MergeRunAnswer | None
