"""Mails that loyalty causes (C1). Each function enqueues; none sends, and none asks whether the mail may be sent.

What a mail says, and whether it still makes sense, is decided when it goes out (`mail_content`). Consent, preferences and
suppressed addresses are checked then as well, by messaging.
"""

import datetime as dt
import enum
import uuid
from typing import Any, Protocol

from app.core.context import Ctx
from app.modules.messaging import public as messaging

TASK = "loyalty.send_notification_email"


class NotifiedCard(Protocol):
    """What a notification needs to know of a card. A card without a customer (an erased person's) is written to nobody."""

    @property
    def id(self) -> uuid.UUID:
        """The card."""

    @property
    def customer_id(self) -> uuid.UUID | None:
        """Its holder."""

    @property
    def enrolled_at_store_id(self) -> uuid.UUID:
        """The store whose address and link the mail carries."""


class Gift(enum.StrEnum):
    """What points were given for."""

    WELCOME = "welcome"
    BONUS = "bonus"


def send_enrollment_confirmation(ctx: Ctx, card: NotifiedCard) -> None:
    """Mail the holder of a new card its link, and the welcome bonus where there is one (C4: after the enrollment's commit)."""
    _enqueue(ctx, "loyalty_enrollment", card)


def send_welcome_bonus(
    ctx: Ctx, card: NotifiedCard, points: int, *, gift: Gift = Gift.WELCOME, transaction_id: uuid.UUID | None = None
) -> None:
    """Mail that the merchant has given the card `points`, as a welcome or as a bonus; not sent once `transaction_id` is voided.

    A welcome bonus at an enrollment is told by the enrollment's own mail: do not call this for it.
    """
    reference = {} if transaction_id is None else {"transaction_id": transaction_id}
    _enqueue(ctx, "loyalty_welcome_bonus", card, points=points, gift=gift.value, **reference)


def send_points_expiration_warning(ctx: Ctx, card: NotifiedCard, days_before: int, expiring_points: int, expiration_date: dt.date) -> None:
    """Mail that `expiring_points` expire at the end of the local day `expiration_date`, `days_before` days from today (C5).

    Not sent when they are gone by then, or when a visit or a changed period has moved the day.
    """
    _enqueue(
        ctx, "loyalty_points_expiring", card,
        days_before=days_before, expiring_points=expiring_points, expiration_date=expiration_date.isoformat(),
    )  # fmt: skip


def send_points_expired(ctx: Ctx, card: NotifiedCard, expired_points: int) -> None:
    """Mail that `expired_points` have expired (C5)."""
    _enqueue(ctx, "loyalty_points_expired", card, expired_points=expired_points)


def send_reward_available(ctx: Ctx, card: NotifiedCard, reward_description: str) -> None:
    """Mail that a full stamp card waits for its reward (C4), named as the program names it; not sent once it was redeemed."""
    _enqueue(ctx, "loyalty_reward_ready", card, reward_description=reward_description)


def send_birthday_message(ctx: Ctx, card: NotifiedCard, *, bonus_points: int = 0) -> None:
    """Mail a birthday greeting (C6), which names the `bonus_points` that were booked as a present, if any."""
    _enqueue(ctx, "loyalty_birthday", card, bonus_points=bonus_points)


def send_reengagement(ctx: Ctx, card: NotifiedCard, days_inactive: int) -> None:
    """Mail an invitation to come back to somebody who has stayed away for `days_inactive` days (C7); not sent after a visit."""
    _enqueue(ctx, "loyalty_reengagement", card, days_inactive=days_inactive)


def send_card_link(ctx: Ctx, *, card_id: uuid.UUID, customer_id: uuid.UUID, store_id: uuid.UUID) -> None:
    """Mail somebody who already holds a card its link, because their address was typed into a form."""
    messaging.enqueue_mail(ctx, "loyalty_card_link", customer_id=customer_id, card_id=card_id, store_id=store_id)


def send_sign_in_link(ctx: Ctx, *, customer_id: uuid.UUID, store_id: uuid.UUID) -> None:
    """Mail a link that signs the customer in."""
    messaging.enqueue_mail(ctx, "customer_sign_in", customer_id=customer_id, store_id=store_id)


def _enqueue(ctx: Ctx, template: str, card: NotifiedCard, **values: uuid.UUID | int | str) -> None:
    if card.customer_id is None:
        return
    payload: dict[str, Any] = {"customer_id": card.customer_id, "card_id": card.id, "store_id": card.enrolled_at_store_id, **values}
    ctx.enqueue(TASK, template=template, **payload)
