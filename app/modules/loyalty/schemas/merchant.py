"""Bodies and answers of the merchant's face: program, rewards, settings, staff, terminals, cards."""

import datetime as dt
import decimal
import uuid
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from app.core.web.fields import Answer, Body, LongText, OptionalLine, example
from app.core.web.fields import Line as LineText
from app.core.web.trash import DeletionAnswer
from app.modules.loyalty.domain.enums import PinPolicy, PinRole, ProgramType, VoidPolicy
from app.modules.loyalty.schemas.cards import CARD_EXAMPLE, CardDetail
from app.modules.loyalty.schemas.store import PinDigits

ID = "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e"
STORE = "0199f1a0-1c22-7d10-8a41-6b5c4d3e2f10"
TRANSACTION = "0199f1a0-6a11-7e52-8f00-5d2b7c1a4e90"
AT = "2026-11-23T10:15:00Z"

Number = Annotated[int, Field(strict=True)]
Rate = Annotated[decimal.Decimal, Field(max_digits=10, decimal_places=4)]

PROGRAM_EXAMPLE: dict[str, JsonValue] = {
    "type": "both", "name": "Bäckerei Weber", "card_name": "Brotkarte", "colour": "#12654b", "is_active": True, "stamps_target": 10,
    "stamp_reward": "Ein Kaffee", "stamp_cooldown_minutes": 0, "max_stamps_per_day": 3, "points_per_euro": "1", "welcome_bonus_points": 50,
    "minimum_purchase_cents": 0, "minimum_redemption_points": 100, "points_expiration_days": 365, "reengagement_days": 60,
    "birthday_bonus_points": 25, "terms_text": "Eine Karte pro Person.", "terms_cms_page_slug": None,
    "owning_store_id": None,
}  # fmt: skip
SETTINGS_EXAMPLE: dict[str, JsonValue] = {
    "pin_policy": "required", "pin_length": 6, "unlock_minutes": 5, "max_pin_attempts": 5, "pin_lock_minutes": 15,
    "void_policy": "block", "redeem_limit_points": 500,
}  # fmt: skip
PIN_EXAMPLE: dict[str, JsonValue] = {
    "id": ID, "store_id": STORE, "store_name": "Filiale 1", "display_name": "Marie", "role": "staff", "email": None,
    "failed_attempts": 0, "locked_until": None, "created_at": AT,
}  # fmt: skip
PIXEL = (  # a PNG of one
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mMQSvUGAAFPAMOKT0rsAAAAAElFTkSuQmCC"
)
TERMINAL_EXAMPLE: dict[str, JsonValue] = {
    "id": ID, "store_id": STORE, "store_name": "Filiale 1", "name": "Kasse 1", "paired_at": AT, "last_seen_at": AT,
}  # fmt: skip
REWARD_EXAMPLE: dict[str, JsonValue] = {
    "id": ID, "name": "Frühstück", "description": "Für zwei", "cost_points": 300, "is_active": True
}  # fmt: skip
MERCHANT_CARD_EXAMPLE: dict[str, JsonValue] = {
    **CARD_EXAMPLE, "holder": None, "enrolled_at_store_id": STORE, "created_at": AT, "store_name": "Filiale 1",
    "qr_token": "OL1ABCDEFGHJKMNPQRSTVWXYZ234567ABCD", "merged_into_id": None, "last_activity_at": AT, "visit_count": 7,
}  # fmt: skip


def _shows(values: dict[str, JsonValue]) -> ConfigDict:
    """Return an answer's config with its example."""
    return ConfigDict(frozen=True, json_schema_extra={"examples": [values]})


class ProgramBody(Body):
    """A program as the merchant edits it (B1). `points_per_euro` has at most four decimal places."""

    model_config = example(**PROGRAM_EXAMPLE)

    type: ProgramType
    name: LineText
    card_name: LineText
    colour: LineText
    is_active: bool = True
    stamps_target: Number = 10
    stamp_reward: OptionalLine = ""
    stamp_cooldown_minutes: Number = 0
    max_stamps_per_day: Number | None = None
    points_per_euro: Rate = decimal.Decimal(1)
    welcome_bonus_points: Number = 0
    minimum_purchase_cents: Number = 0
    minimum_redemption_points: Number = 0
    points_expiration_days: Number | None = None
    reengagement_days: Number = 60
    birthday_bonus_points: Number = 0
    terms_text: LongText = ""
    terms_cms_page_slug: OptionalLine | None = Field(
        None, description="The page that customers agree to, of those that are public at the owning store; null for `terms_text`."
    )
    owning_store_id: uuid.UUID | None = Field(None, description="The store that runs the program; null for the merchant's first.")


class ProgramAnswer(Answer):
    """The merchant's live program; `terms_version` counts the texts of its terms."""

    model_config = _shows({"id": ID, **PROGRAM_EXAMPLE, "logo_path": None, "terms_version": 1, "created_at": AT, "updated_at": AT})

    id: uuid.UUID
    type: ProgramType
    name: str
    card_name: str
    colour: str
    logo_path: str | None
    is_active: bool
    stamps_target: int
    stamp_reward: str
    stamp_cooldown_minutes: int
    max_stamps_per_day: int | None
    points_per_euro: str
    welcome_bonus_points: int
    minimum_purchase_cents: int
    minimum_redemption_points: int
    points_expiration_days: int | None
    reengagement_days: int
    birthday_bonus_points: int
    terms_text: str
    terms_version: int
    terms_cms_page_slug: str | None
    owning_store_id: uuid.UUID | None
    created_at: dt.datetime
    updated_at: dt.datetime


class LogoBody(Body):
    """A picture for the cards, in base64 without line breaks."""

    model_config = example(content=PIXEL)

    content: Annotated[str, Field(max_length=256 * 1024)]


class LogoAnswer(Answer):
    """Where everybody can see the logo."""

    model_config = _shows({"logo_path": f"/logos/{ID}/5d41402abc4b2a76b9719d911017c592.png"})

    logo_path: str


class RewardBody(Body):
    """A reward as the merchant edits it."""

    model_config = example(name="Frühstück", description="Für zwei", cost_points=300, is_active=True)

    name: LineText
    description: OptionalLine = ""
    cost_points: Number
    is_active: bool = True


class RewardAnswer(Answer):
    """A reward that points buy."""

    model_config = _shows(REWARD_EXAMPLE)

    id: uuid.UUID
    name: str
    description: str
    cost_points: int
    is_active: bool


class RewardList(Answer):
    """The program's rewards, the cheapest first."""

    model_config = _shows({"items": [REWARD_EXAMPLE]})

    items: list[RewardAnswer]


class SettingsBody(Body):
    """What holds at all terminals; minutes in minutes. `redeem_limit_points`: above it a redemption asks for the PIN again."""

    model_config = example(**SETTINGS_EXAMPLE)

    pin_policy: PinPolicy
    pin_length: Literal[4, 6]
    unlock_minutes: Annotated[int, Field(strict=True, ge=0, le=720)]
    max_pin_attempts: Annotated[int, Field(strict=True, ge=3, le=20)]
    pin_lock_minutes: Annotated[int, Field(strict=True, ge=1, le=1440)]
    void_policy: VoidPolicy
    redeem_limit_points: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | None = None


class SettingsAnswer(Answer):
    """The merchant's settings. `allow_cross_location_redemption` is switched on its own, as cards may have to be merged."""

    model_config = _shows({"allow_cross_location_redemption": True, **SETTINGS_EXAMPLE})

    allow_cross_location_redemption: bool
    pin_policy: PinPolicy
    pin_length: int
    unlock_minutes: int
    max_pin_attempts: int
    pin_lock_minutes: int
    void_policy: VoidPolicy
    redeem_limit_points: int | None


class CrossLocationBody(Body):
    """One card for all stores (true), or a card per store (false)."""

    model_config = example(allow_cross_location_redemption=True)

    allow_cross_location_redemption: bool


class CrossLocationAnswer(Answer):
    """The switch, and who would be merged: people with several usable cards, and how many cards those are."""

    model_config = _shows({"allow_cross_location_redemption": True, "people_with_several_cards": 2, "their_cards": 5})

    allow_cross_location_redemption: bool
    people_with_several_cards: int
    their_cards: int


class NewPinBody(Body):
    """A staff member's new PIN at a store. With an e-mail address they cannot stamp their own card alone."""

    model_config = example(store_id=STORE, display_name="Marie", role="staff", email="marie@example.lu", pin="739205")

    store_id: uuid.UUID
    display_name: LineText
    role: PinRole = PinRole.STAFF
    email: OptionalLine | None = None
    pin: PinDigits


class PinBody(Body):
    """A staff member's data; a new PIN only where one is given."""

    model_config = example(display_name="Marie", role="manager", email=None, pin=None)

    display_name: LineText
    role: PinRole
    email: OptionalLine | None = None
    pin: PinDigits | None = None


class PinAnswer(Answer):
    """A staff member at a store; the PIN itself is shown to nobody."""

    model_config = _shows(PIN_EXAMPLE)

    id: uuid.UUID
    store_id: uuid.UUID
    store_name: str
    display_name: str
    role: PinRole
    email: str | None
    failed_attempts: int
    locked_until: dt.datetime | None
    created_at: dt.datetime


class PinList(Answer):
    """The staff who have a PIN, by name."""

    model_config = _shows({"items": [PIN_EXAMPLE]})

    items: list[PinAnswer]


class PairingCodeBody(Body):
    """The store whose terminal a device shall become, and what it is to be called."""

    model_config = example(store_id=STORE, name="Kasse 1")

    store_id: uuid.UUID
    name: LineText


class PairingCodeAnswer(Answer):
    """A code to type at the device, once and before `expires_at`."""

    model_config = _shows({"code": "CDFG-2345", "store_id": STORE, "name": "Kasse 1", "expires_at": AT})

    code: str
    store_id: uuid.UUID
    name: str
    expires_at: dt.datetime


class TerminalBody(Body):
    """A terminal's name."""

    model_config = example(name="Kasse 2")

    name: LineText


class TerminalAnswer(Answer):
    """A paired terminal; `last_seen_at` is to the minute."""

    model_config = _shows(TERMINAL_EXAMPLE)

    id: uuid.UUID
    store_id: uuid.UUID
    store_name: str
    name: str
    paired_at: dt.datetime
    last_seen_at: dt.datetime | None


class TerminalList(Answer):
    """The paired terminals, by name."""

    model_config = _shows({"items": [TERMINAL_EXAMPLE]})

    items: list[TerminalAnswer]


class AdjustBody(Body):
    """A correction by `points` (negative takes away), with a reason that a person can read later."""

    model_config = example(points=-20, reason="Typed 120 instead of 100")

    points: Annotated[int, Field(strict=True, ge=-1_000_000, le=1_000_000)]
    reason: LineText


class VoidBody(Body):
    """A row of the card's history to take back."""

    model_config = example(transaction_id=TRANSACTION)

    transaction_id: uuid.UUID


class ReasonBody(Body):
    """Why a card is switched off or on; goes to the audit log."""

    model_config = example(reason="Card was lost")

    reason: LineText


class MerchantCard(CardDetail):
    """A card as the merchant sees it: also where it belongs, its QR content, its visits, what it was merged into, and how it came
    into the trash, if it is there."""

    model_config = _shows(MERCHANT_CARD_EXAMPLE)

    store_name: str
    qr_token: str
    merged_into_id: uuid.UUID | None
    last_activity_at: dt.datetime
    visit_count: int
    deletion: DeletionAnswer | None = None


class MerchantCardList(Answer):
    """Cards, the newest first, and the cursor of the next page when there is one."""

    model_config = _shows({"items": [MERCHANT_CARD_EXAMPLE], "next_cursor": None})

    items: list[MerchantCard]
    next_cursor: str | None = None
