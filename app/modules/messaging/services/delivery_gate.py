"""What lies between a mail and its reader, asked at the moment of sending: a mail may have waited since it was wished for."""

import uuid

from app.core.context import Ctx, PlatformCtx
from app.modules.customers import public as customers
from app.modules.messaging.domain.delivery import Obstacle
from app.modules.messaging.domain.enums import MailCategory
from app.modules.messaging.queries import delivery as queries
from app.modules.messaging.services.suppression_service import fingerprint_of


async def find_obstacle(ctx: Ctx | PlatformCtx, *, recipient: str, customer_id: uuid.UUID | None, category: str) -> str | None:
    """Return why a mail of `category` must not go to `recipient` now, or None.

    "suppressed" and "paused" stop every mail, as nobody reads it there; "opted_out" those that the customer does without, and
    "no_consent" marketing mail to whoever did not ask for it, or has taken it back (domain.md, Privacy).
    """
    merchant_id = ctx.merchant_id if isinstance(ctx, Ctx) else None
    found = await queries.find_obstacle(ctx, fingerprint_of(merchant_id, recipient), customer_id=customer_id, category=category)
    if found is None and category == MailCategory.MARKETING and not await _has_consent(ctx, customer_id):
        return Obstacle.NO_CONSENT
    return found


async def _has_consent(ctx: Ctx | PlatformCtx, customer_id: uuid.UUID | None) -> bool:
    if customer_id is None or not isinstance(ctx, Ctx):
        return False
    return customers.ConsentPurpose.MARKETING in await customers.current_consents(ctx, customer_id)
