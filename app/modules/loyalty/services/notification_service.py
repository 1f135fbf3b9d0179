"""Mails that loyalty causes (C1). Each function enqueues; none sends."""

import uuid

from app.core.context import Ctx
from app.modules.loyalty.queries.cards import Card
from app.modules.messaging import public as messaging


def send_enrollment_confirmation(ctx: Ctx, card: Card) -> None:
    """Mail the holder of a new card its link (C4: after the enrollment's commit)."""
    if card.customer_id is not None:
        messaging.enqueue_mail(ctx, "loyalty_enrollment", customer_id=card.customer_id, card_id=card.id, store_id=card.enrolled_at_store_id)


def send_card_link(ctx: Ctx, *, card_id: uuid.UUID, customer_id: uuid.UUID, store_id: uuid.UUID) -> None:
    """Mail somebody who already holds a card its link, because their address was typed into a form."""
    messaging.enqueue_mail(ctx, "loyalty_card_link", customer_id=customer_id, card_id=card_id, store_id=store_id)


def send_sign_in_link(ctx: Ctx, *, customer_id: uuid.UUID, store_id: uuid.UUID) -> None:
    """Mail a link that signs the customer in."""
    messaging.enqueue_mail(ctx, "customer_sign_in", customer_id=customer_id, store_id=store_id)
