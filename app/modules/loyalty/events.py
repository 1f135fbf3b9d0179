"""What happened in loyalty, for other modules and for tasks after the commit. Ids and numbers only."""

import dataclasses
import uuid
from typing import ClassVar

from app.core.events import Event


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CardEnrolled(Event):
    """A customer got a card."""

    name: ClassVar[str] = "loyalty.card_enrolled"
    card_id: uuid.UUID
    customer_id: uuid.UUID
    store_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WelcomeBonusGranted(Event):
    """A new card got its welcome bonus."""

    name: ClassVar[str] = "loyalty.welcome_bonus_granted"
    card_id: uuid.UUID
    transaction_id: uuid.UUID
    points: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BonusGranted(Event):
    """The merchant gave a card points (G5)."""

    name: ClassVar[str] = "loyalty.bonus_granted"
    card_id: uuid.UUID
    transaction_id: uuid.UUID
    points: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BirthdayBonusGranted(Event):
    """A card got points for its holder's birthday (C6); the greeting tells of them."""

    name: ClassVar[str] = "loyalty.birthday_bonus_granted"
    card_id: uuid.UUID
    transaction_id: uuid.UUID
    points: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StampsAdded(Event):
    """Stamps were added; `stamp_count` is the count after it."""

    name: ClassVar[str] = "loyalty.stamps_added"
    card_id: uuid.UUID
    transaction_id: uuid.UUID
    stamps: int
    stamp_count: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RewardReady(Event):
    """The stamp count reached its target, `rewards` times at once; `rewards_ready` wait in all (C4)."""

    name: ClassVar[str] = "loyalty.reward_ready"
    card_id: uuid.UUID
    transaction_id: uuid.UUID
    rewards: int
    rewards_ready: int
    stamps_target: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StampsRedeemed(Event):
    """A full stamp card was taken for a reward."""

    name: ClassVar[str] = "loyalty.stamps_redeemed"
    card_id: uuid.UUID
    transaction_id: uuid.UUID
    stamps: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PointsEarned(Event):
    """A purchase earned points; `points_balance` is the balance after it."""

    name: ClassVar[str] = "loyalty.points_earned"
    card_id: uuid.UUID
    transaction_id: uuid.UUID
    points: int
    points_balance: int
    amount_cents: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PointsRedeemed(Event):
    """Points were spent on a reward."""

    name: ClassVar[str] = "loyalty.points_redeemed"
    card_id: uuid.UUID
    transaction_id: uuid.UUID
    points: int
    points_balance: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PointsRefunded(Event):
    """A purchase was given back in part or whole; `points` were taken."""

    name: ClassVar[str] = "loyalty.points_refunded"
    card_id: uuid.UUID
    transaction_id: uuid.UUID
    purchase_id: uuid.UUID
    points: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TransactionVoided(Event):
    """The row `voided_id` was reversed by the row `transaction_id`."""

    name: ClassVar[str] = "loyalty.transaction_voided"
    card_id: uuid.UUID
    transaction_id: uuid.UUID
    voided_id: uuid.UUID
    stamps_delta: int
    points_delta: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PointsAdjusted(Event):
    """A manager or the platform corrected a balance by `points_delta`."""

    name: ClassVar[str] = "loyalty.points_adjusted"
    card_id: uuid.UUID
    transaction_id: uuid.UUID
    points_delta: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PointsExpired(Event):
    """A card's balance expired."""

    name: ClassVar[str] = "loyalty.points_expired"
    card_id: uuid.UUID
    transaction_id: uuid.UUID
    points: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CardsMerged(Event):
    """`sources` cards of one customer were merged into `card_id`."""

    name: ClassVar[str] = "loyalty.cards_merged"
    card_id: uuid.UUID
    customer_id: uuid.UUID
    sources: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CardDeactivated(Event):
    """A card was deactivated."""

    name: ClassVar[str] = "loyalty.card_deactivated"
    card_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CardActivated(Event):
    """A deactivated card was activated again."""

    name: ClassVar[str] = "loyalty.card_activated"
    card_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProgramChanged(Event):
    """A program was created or its settings changed: what shows it (wallet classes, pages) has to follow."""

    name: ClassVar[str] = "loyalty.program_changed"
    program_id: uuid.UUID
