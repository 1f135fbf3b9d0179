"""Mails of loyalty: from events to wishes, and from wishes to mails (C1, C2).

An event's handler only asks for the mail, in its own transaction; each mail is a message of its own. Trying again is the outbox's
business, for all tasks alike: a mail server that is away for hours loses no mail. All of it is safe to run twice.
"""

import uuid
from typing import Any

from app.core.context import Ctx
from app.modules.loyalty.errors import CardNotFoundException
from app.modules.loyalty.queries import cards, programs
from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.services import notification_service
from app.modules.messaging import public as messaging


async def send_notification_email(ctx: Ctx, *, message_id: uuid.UUID, template: str, customer_id: uuid.UUID, **values: Any) -> None:
    """Send one mail of `notification_service`, as things are now; a mail that makes no sense any more is logged as suppressed."""
    await messaging.send_mail(ctx, message_id=message_id, template=template, customer_id=customer_id, **values)


async def confirm_enrollment(ctx: Ctx, *, card_id: uuid.UUID, customer_id: uuid.UUID, store_id: uuid.UUID) -> None:
    """Ask for the mail to the holder of a new card (loyalty.card_enrolled)."""
    if card := await _find_card(ctx, card_id):
        notification_service.send_enrollment_confirmation(ctx, card)


async def announce_reward(
    ctx: Ctx, *, card_id: uuid.UUID, transaction_id: uuid.UUID, rewards: int, rewards_ready: int, stamps_target: int
) -> None:
    """Ask for the mail about a full stamp card (loyalty.reward_ready)."""
    if card := await _find_card(ctx, card_id):
        program = await programs.find_program(ctx)
        notification_service.send_reward_available(ctx, card, program.stamp_reward if program else "")


async def announce_bonus(ctx: Ctx, *, card_id: uuid.UUID, transaction_id: uuid.UUID, points: int) -> None:
    """Ask for the mail about points that the merchant gave (loyalty.bonus_granted)."""
    if card := await _find_card(ctx, card_id):
        notification_service.send_welcome_bonus(ctx, card, points, gift=notification_service.Gift.BONUS, transaction_id=transaction_id)


async def announce_expiry(ctx: Ctx, *, card_id: uuid.UUID, transaction_id: uuid.UUID, points: int) -> None:
    """Ask for the mail about points that expired (loyalty.points_expired)."""
    if card := await _find_card(ctx, card_id):
        notification_service.send_points_expired(ctx, card, points)


async def _find_card(ctx: Ctx, card_id: uuid.UUID) -> Card | None:
    """Return the card, or None when it was trashed meanwhile."""
    try:
        return await cards.get_card(ctx, card_id)
    except CardNotFoundException:
        return None
