"""Bodies and answers of the storefront: a customer's phone."""

import datetime as dt
import uuid
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from app.core.i18n import Locale
from app.core.web.fields import Answer, Body, Email, Line, OptionalLine, example
from app.modules.loyalty.domain.enums import ProgramType, TransactionType
from app.modules.loyalty.schemas.cards import CARD_EXAMPLE, CardBalance
from app.modules.loyalty.schemas.person import BirthDate, EnrollmentForm
from app.modules.loyalty.schemas.store import NEW_CARD, OFFER_EXAMPLE, RewardOffer

STORE_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-1c22-7d10-8a41-6b5c4d3e2f10", "code": "weber-gare", "name": "Filiale 1",
    "address": "1, place de la Gare, L-1616 Luxembourg", "opening_text": "Lu–Sa 7:00–18:00",
}  # fmt: skip
TERMS_PAGE_EXAMPLE: dict[str, JsonValue] = {
    "title": "Bedingungen", "path": "/s/weber-gare/loyalty/terms", "locale": "de", "seen": "terms@3:de",
}  # fmt: skip
STOREFRONT_EXAMPLE: dict[str, JsonValue] = {
    "merchant_name": "Bäckerei Weber", "store": STORE_EXAMPLE, "stores": [STORE_EXAMPLE], "works_at_all_locations": True, "type": "both",
    "name": "Bäckerei Weber", "card_name": "Brotkarte", "colour": "#12654b", "is_active": True, "stamps_target": 10,
    "stamp_reward": "Ein Kaffee", "points_per_euro": "1", "welcome_bonus_points": 50, "points_expiration_days": 365,
    "terms_text": "Eine Karte pro Person.", "terms_page": TERMS_PAGE_EXAMPLE, "rewards": [OFFER_EXAMPLE], "google_wallet_enabled": False,
}  # fmt: skip
ENROLLED_EXAMPLE: dict[str, JsonValue] = {
    "already_enrolled": False, "works_at_all_locations": True, "stores": [STORE_EXAMPLE], "card": {**CARD_EXAMPLE, **NEW_CARD},
    "welcome_points": 50, "next": "/s/weber-gare/loyalty/success",
}  # fmt: skip
KNOWN_EXAMPLE: dict[str, JsonValue] = {
    "already_enrolled": True, "works_at_all_locations": True, "stores": [STORE_EXAMPLE], "card": None, "welcome_points": 0,
    "next": "/s/weber-gare/loyalty/success?known=1",
}  # fmt: skip
OWN_HISTORY_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-6a11-7e52-8f00-5d2b7c1a4e90", "type": "points_earned", "created_at": "2026-11-23T10:15:00Z", "store_name": "Filiale 1",
    "reward_name": None, "stamps_delta": 0, "points_delta": 12, "stamps_after": 2, "points_after": 120, "amount_cents": 1290,
    "is_voided": False,
}  # fmt: skip
PROFILE_EXAMPLE: dict[str, JsonValue] = {
    "first_name": "Léa", "last_name": "Weber", "email": "lea.weber@example.lu", "phone": "+352621123456", "birth_date": "1990-02-28",
    "locale": "lb", "wants_marketing": False,
}  # fmt: skip


def _shows(*values: dict[str, JsonValue]) -> ConfigDict:
    """Return an answer's config with its examples."""
    return ConfigDict(frozen=True, json_schema_extra={"examples": list(values)})


class StoreInfo(Answer):
    """A store as customers see it."""

    model_config = _shows(STORE_EXAMPLE)

    id: uuid.UUID
    code: str
    name: str
    address: str
    opening_text: str


class TermsPage(Answer):
    """The page of the merchant that customers agree to: where to read it, its language, and `terms_seen` for the enrollment."""

    model_config = _shows(TERMS_PAGE_EXAMPLE)

    title: str
    path: str
    locale: str
    seen: str


class StorefrontProgram(Answer):
    """The program behind a store's poster: who runs it, what one gets, where the card works."""

    model_config = _shows(STOREFRONT_EXAMPLE)

    merchant_name: str
    store: StoreInfo
    stores: list[StoreInfo]
    works_at_all_locations: bool
    type: ProgramType
    name: str
    card_name: str
    colour: str
    is_active: bool
    stamps_target: int
    stamp_reward: str
    points_per_euro: str
    welcome_bonus_points: int
    points_expiration_days: int | None
    terms_text: str
    terms_page: TermsPage | None = Field(description="What customers agree to; null where `terms_text` counts.")
    rewards: list[RewardOffer]
    google_wallet_enabled: bool


class Enroll(EnrollmentForm):
    """The enrollment form. Terms are needed, marketing mail is a free and separate choice."""


class EnrollAnswer(Answer):
    """What a public enrollment tells. `card` only when it was made for somebody new, in this very session."""

    model_config = _shows(ENROLLED_EXAMPLE, KNOWN_EXAMPLE)

    already_enrolled: bool
    works_at_all_locations: bool
    stores: list[StoreInfo]
    card: CardBalance | None
    welcome_points: int
    next: str


class RequestSignIn(Body):
    """Where to mail the link."""

    model_config = example(email="lea.weber@example.lu")

    email: Email


class UseLink(Body):
    """The secret of a mailed link."""

    model_config = example(token="q0c4Zx7-Jm2vT9wL")  # noqa: S106 - an example

    token: Annotated[str, StringConstraints(min_length=16, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")]


class Accepted(Answer):
    """It was taken on; the mail follows."""

    model_config = _shows({"status": "accepted"})

    status: Literal["accepted"] = "accepted"


class SignedIn(Answer):
    """Where to go now."""

    model_config = _shows({"next": "/s/weber-gare/loyalty/dashboard"})

    next: str


class OwnCard(Answer):
    """The customer's own card at this store."""

    model_config = _shows({"card": CARD_EXAMPLE, "program": STOREFRONT_EXAMPLE, "points_to_next_reward": 180, "expires_on": "2027-11-23"})

    card: CardBalance
    program: StorefrontProgram
    points_to_next_reward: int | None
    expires_on: dt.date | None


class OwnHistoryEntry(Answer):
    """One row of one's own history: what, where, when, by which rule. Staff are not named."""

    model_config = _shows(OWN_HISTORY_EXAMPLE)

    id: uuid.UUID
    type: TransactionType
    created_at: dt.datetime
    store_name: str | None
    reward_name: str | None
    stamps_delta: int
    points_delta: int
    stamps_after: int
    points_after: int
    amount_cents: int | None
    is_voided: bool


class OwnHistory(Answer):
    """A page of one's own history, newest first."""

    model_config = _shows({"items": [OWN_HISTORY_EXAMPLE], "next_cursor": None})

    items: list[OwnHistoryEntry]
    next_cursor: str | None = None


class Profile(Answer):
    """One's own data at this merchant."""

    model_config = _shows(PROFILE_EXAMPLE)

    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    birth_date: dt.date | None
    locale: str
    wants_marketing: bool


class UpdateProfile(Body):
    """Changes of one's own data; what is not named stays."""

    model_config = example(first_name="Léa", locale="fr", wants_marketing=True)

    first_name: Line | None = None
    last_name: Line | None = None
    phone: OptionalLine | None = None
    birth_date: BirthDate | None = None
    locale: Locale | None = None
    wants_marketing: bool | None = None
