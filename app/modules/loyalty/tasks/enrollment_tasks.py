"""What follows an enrollment, after its commit. Safe to run twice: the mail's own row sees to it that it is sent once."""

import uuid

from app.core.context import Ctx
from app.modules.loyalty.errors import CardNotFoundException
from app.modules.loyalty.queries import cards
from app.modules.loyalty.services import notification_service


async def confirm_enrollment(ctx: Ctx, *, card_id: uuid.UUID, customer_id: uuid.UUID, store_id: uuid.UUID) -> None:
    """Mail the holder of a new card its link (C4). A card that was trashed meanwhile is not announced."""
    try:
        card = await cards.get_card(ctx, card_id)
    except CardNotFoundException:
        return
    notification_service.send_enrollment_confirmation(ctx, card)
