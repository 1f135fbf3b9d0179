"""Bodies and answers of the store's face: what a terminal or a till sends."""

import datetime as dt
import uuid
from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from app.core.web.fields import Answer, Body, Cents, Line, example
from app.modules.loyalty.domain.enums import PinPolicy, PinRole, ProgramType
from app.modules.loyalty.domain.pins import PinProof
from app.modules.loyalty.schemas.cards import CARD_DETAIL_EXAMPLE, CardDetail
from app.modules.loyalty.schemas.person import EnrollmentForm

CARD = "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e"
TRANSACTION = "0199f1a0-6a11-7e52-8f00-5d2b7c1a4e90"
PIN_ID = "0199f1a0-7d20-7a31-b1c2-9e8f7a6b5c4d"

STAFF_EXAMPLE: dict[str, JsonValue] = {"id": PIN_ID, "display_name": "Marie", "role": "staff", "is_locked": False}
TEAM_EXAMPLE: dict[str, JsonValue] = {"items": [STAFF_EXAMPLE], "pin_policy": "required", "pin_length": 6}
OFFER_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-8e31-7b42-92d3-0f9a8b7c6d5e", "name": "Frühstück", "description": "Für zwei", "cost_points": 300,
}  # fmt: skip
TERMINAL_PROGRAM_EXAMPLE: dict[str, JsonValue] = {
    "type": "both", "name": "Bäckerei Weber", "card_name": "Brotkarte", "colour": "#12654b", "is_active": True, "stamps_target": 10,
    "stamp_reward": "Ein Kaffee", "max_stamps_per_day": 3, "points_rate": 10_000, "minimum_purchase_cents": 0,
    "minimum_redemption_points": 100, "redeem_limit_points": 500, "rewards": [OFFER_EXAMPLE],
}  # fmt: skip
NEW_CARD: dict[str, JsonValue] = {"stamp_count": 0, "stamps_filled": 0, "rewards_ready": 0, "points_balance": 50}
TERMINAL_SESSION_EXAMPLE: dict[str, JsonValue] = {
    "merchant_name": "Bäckerei Weber", "store_id": "0199f1a0-1c22-7d10-8a41-6b5c4d3e2f10", "store_name": "Filiale 1", "store_locale": "lb",
    "team": TEAM_EXAMPLE, "staff": STAFF_EXAMPLE, "unlocked_until": "2026-11-23T10:20:00Z", "unlock_minutes": 5,
    "now": "2026-11-23T10:15:00Z", "program": TERMINAL_PROGRAM_EXAMPLE,
}  # fmt: skip

PinDigits = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,6}$")]


def _shows(values: dict[str, JsonValue]) -> ConfigDict:
    """Return an answer's config with its example."""
    return ConfigDict(frozen=True, json_schema_extra={"examples": [values]})


class TypedPin(Body):
    """A PIN typed for one action."""

    model_config = example(pin_id=PIN_ID, pin="739205")

    pin_id: uuid.UUID
    pin: PinDigits

    def proof(self) -> PinProof:
        """Return it as the service takes it."""
        return PinProof(self.pin_id, self.pin)


class WithPin(Body):
    """A body that may carry a PIN: needed where the terminal is locked, or where the action asks again."""

    pin: TypedPin | None = None

    def proof(self) -> PinProof | None:
        """Return the typed PIN, if any."""
        return self.pin.proof() if self.pin else None


class AddStamps(WithPin):
    """Stamps for a purchase."""

    model_config = example(card_id=CARD, stamps=1)

    card_id: uuid.UUID
    stamps: Annotated[int, Field(strict=True, ge=1, le=100)] = 1


class RedeemStamps(WithPin):
    """One reward for a full card."""

    model_config = example(card_id=CARD)

    card_id: uuid.UUID


class EarnPoints(WithPin):
    """A purchase; `order_reference` (a till's receipt number) earns once per store."""

    model_config = example(card_id=CARD, amount_cents=1290, order_reference="R-2041")

    card_id: uuid.UUID
    amount_cents: Cents
    order_reference: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")] | None = None


class RedeemPoints(WithPin):
    """A reward to be paid with points."""

    model_config = example(card_id=CARD, reward_id="0199f1a0-8e31-7b42-92d3-0f9a8b7c6d5e")

    card_id: uuid.UUID
    reward_id: uuid.UUID


class VoidTransaction(WithPin):
    """A row to take back."""

    model_config = example(transaction_id=TRANSACTION, pin={"pin_id": PIN_ID, "pin": "739205"})

    transaction_id: uuid.UUID


class RefundPurchase(WithPin):
    """Money given back for a purchase, in cents."""

    model_config = example(transaction_id=TRANSACTION, refund_cents=500)

    transaction_id: uuid.UUID
    refund_cents: Annotated[int, Field(strict=True, ge=1, le=100_000_000)]


class AdjustPoints(WithPin):
    """A correction by `points` (negative takes away), with a reason that a person can read later."""

    model_config = example(points=-20, reason="Typed 120 instead of 100", pin={"pin_id": PIN_ID, "pin": "739205"})

    points: Annotated[int, Field(strict=True, ge=-1_000_000, le=1_000_000)]
    reason: Line


class UnlockPin(WithPin):
    """A manager's PIN, to unlock a colleague's."""

    model_config = example(pin={"pin_id": PIN_ID, "pin": "739205"})


class EnrollAtStore(EnrollmentForm, WithPin):
    """A new customer at the counter. `has_accepted_terms` must be true, marketing is the customer's free choice."""


class StaffName(Answer):
    """A staff member to choose at the terminal."""

    model_config = _shows(STAFF_EXAMPLE)

    id: uuid.UUID
    display_name: str
    role: PinRole
    is_locked: bool


class StaffList(Answer):
    """Who works at this store."""

    model_config = _shows(TEAM_EXAMPLE)

    items: list[StaffName]
    pin_policy: PinPolicy
    pin_length: int


class StaffSession(Answer):
    """Who opened the terminal, and until when."""

    model_config = _shows({"staff": STAFF_EXAMPLE, "unlocked_until": "2026-11-23T10:20:00Z"})

    staff: StaffName
    unlocked_until: dt.datetime


class RewardOffer(Answer):
    """A reward that points buy."""

    model_config = _shows(OFFER_EXAMPLE)

    id: uuid.UUID
    name: str
    description: str
    cost_points: int


class TerminalProgram(Answer):
    """What a terminal needs to know of the program; `points_rate` is points per euro in ten-thousandths, for the live preview."""

    model_config = _shows(TERMINAL_PROGRAM_EXAMPLE)

    type: ProgramType
    name: str
    card_name: str
    colour: str
    is_active: bool
    stamps_target: int
    stamp_reward: str
    max_stamps_per_day: int | None
    points_rate: int
    minimum_purchase_cents: int
    minimum_redemption_points: int
    redeem_limit_points: int | None
    rewards: list[RewardOffer]


class TerminalSession(Answer):
    """All that a terminal shows before there is a card: where it stands, who opened it until when, by which rules, the program.

    `program` is None before the merchant has one; `now` is the server's clock, by which `unlocked_until` counts.
    """

    model_config = _shows(TERMINAL_SESSION_EXAMPLE)

    merchant_name: str
    store_id: uuid.UUID
    store_name: str
    store_locale: str
    team: StaffList
    staff: StaffName | None
    unlocked_until: dt.datetime | None
    unlock_minutes: int
    now: dt.datetime
    program: TerminalProgram | None


class EnrollmentAnswer(Answer):
    """A card that was just made, with its welcome points."""

    model_config = _shows({"card": {**CARD_DETAIL_EXAMPLE, **NEW_CARD}, "welcome_points": 50})

    card: CardDetail
    welcome_points: int
