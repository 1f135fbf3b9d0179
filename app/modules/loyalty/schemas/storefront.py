"""Bodies and answers of the storefront: a customer's phone."""

import datetime as dt
import uuid
from typing import Annotated, Literal

from pydantic import StringConstraints

from app.core.web.fields import Answer, Body, Email, Line, OptionalLine, example
from app.modules.customers.public import CustomerRecord
from app.modules.loyalty.domain.enums import ProgramType, TransactionType
from app.modules.loyalty.queries.transactions import HistoryRow
from app.modules.loyalty.schemas.cards import CardBalance, card_balance
from app.modules.loyalty.schemas.store import RewardOffer
from app.modules.loyalty.services.storefront_service import Offer, StorefrontEnrollment
from app.modules.tenancy.public import StoreView

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
    birth_date: dt.date | None = None
    locale: Locale
    has_accepted_terms: Literal[True]
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
    birth_date: dt.date | None = None
    locale: Locale | None = None
    wants_marketing: bool | None = None


def store_info(store: StoreView) -> StoreInfo:
    """Return a store with its address on one line."""
    address = ", ".join(part for part in (store.address_line, f"{store.postal_code} {store.city}".strip()) if part)
    return StoreInfo(id=store.id, code=store.code, name=store.name, address=address, opening_text=store.opening_text or "")


def storefront_program(offer: Offer) -> StorefrontProgram:
    """Return a store's program as its customers see it."""
    program = offer.program
    return StorefrontProgram(
        merchant_name=offer.merchant_name,
        store=store_info(offer.store),
        stores=[store_info(store) for store in offer.stores],
        works_at_all_locations=offer.works_at_all_locations,
        type=program.type,
        name=program.name,
        card_name=program.card_name,
        colour=program.colour,
        is_active=program.is_active,
        stamps_target=program.stamps_target,
        stamp_reward=program.stamp_reward,
        points_per_euro=f"{program.points_per_euro.normalize():f}",
        welcome_bonus_points=program.welcome_bonus_points,
        points_expiration_days=program.points_expiration_days,
        terms_text=program.terms_text,
        rewards=[
            RewardOffer(id=item.id, name=item.name, description=item.description, cost_points=item.cost_points) for item in offer.rewards
        ],
        google_wallet_enabled=offer.google_wallet_enabled,
    )


def enroll_answer(outcome: StorefrontEnrollment, offer: Offer) -> EnrollAnswer:
    """Return what a public enrollment tells: nothing of a person the merchant knew before."""
    card = outcome.card
    return EnrollAnswer(
        already_enrolled=outcome.already_enrolled,
        works_at_all_locations=offer.works_at_all_locations,
        stores=[store_info(store) for store in offer.stores],
        card=None if card is None else card_balance(card.id, card.card_number, card.state),
        welcome_points=outcome.welcome_points,
        next=f"/s/{offer.store.code}/loyalty/success{'' if card else '?known=1'}",
    )


def own_history_entry(row: HistoryRow, store_names: dict[uuid.UUID, str]) -> OwnHistoryEntry:
    """Return a history row as its card's holder sees it."""
    return OwnHistoryEntry(
        id=row.id,
        type=row.type,
        created_at=row.created_at,
        store_name=store_names.get(row.store_id) if row.store_id else None,
        reward_name=row.reward_name,
        stamps_delta=row.stamps_delta,
        points_delta=row.points_delta,
        stamps_after=row.stamps_after,
        points_after=row.points_after,
        amount_cents=row.amount_cents,
        is_voided=row.is_voided,
    )


def profile(customer: CustomerRecord, wants_marketing: bool) -> Profile:
    """Return one's own data."""
    return Profile(
        first_name=customer.first_name,
        last_name=customer.last_name,
        email=customer.email,
        phone=customer.phone,
        birth_date=customer.birth_date,
        locale=customer.locale,
        wants_marketing=wants_marketing,
    )
