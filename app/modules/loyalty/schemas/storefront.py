"""Bodies and answers of the storefront: a customer's phone."""

import datetime as dt
import uuid
from typing import Annotated, Literal

from pydantic import StringConstraints

from app.core.web.fields import Answer, Body, Email, Line, OptionalLine, example
from app.modules.loyalty.domain.enums import ProgramType, TransactionType
from app.modules.loyalty.schemas.cards import CardBalance
from app.modules.loyalty.schemas.person import AcceptedTerms, BirthDate
from app.modules.loyalty.schemas.store import RewardOffer

Locale = Literal["en", "fr", "de", "lb"]


class StoreInfo(Answer):
    """A store as customers see it."""

    id: uuid.UUID
    code: str
    name: str
    address: str
    opening_text: str


class StorefrontProgram(Answer):
    """The program behind a store's poster: who runs it, what one gets, where the card works."""

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
    rewards: list[RewardOffer]
    google_wallet_enabled: bool


class Enroll(Body):
    """The enrollment form. Terms are needed, marketing mail is a free and separate choice."""

    model_config = example(
        first_name="Léa", last_name="Weber", email="lea.weber@example.lu", phone="+352 621 123 456", birth_date="1990-02-28",
        locale="lb", has_accepted_terms=True, wants_marketing=False,
    )  # fmt: skip

    first_name: Line
    last_name: Line
    email: Email
    phone: OptionalLine | None = None
    birth_date: BirthDate | None = None
    locale: Locale
    has_accepted_terms: AcceptedTerms
    wants_marketing: bool = False


class EnrollAnswer(Answer):
    """What a public enrollment tells. `card` only when it was made for somebody new, in this very session."""

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

    status: Literal["accepted"] = "accepted"


class SignedIn(Answer):
    """Where to go now."""

    next: str


class OwnCard(Answer):
    """The customer's own card at this store."""

    card: CardBalance
    program: StorefrontProgram
    points_to_next_reward: int | None
    expires_on: dt.date | None


class OwnHistoryEntry(Answer):
    """One row of one's own history: what, where, when, by which rule. Staff are not named."""

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

    items: list[OwnHistoryEntry]
    next_cursor: str | None = None


class Profile(Answer):
    """One's own data at this merchant."""

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
