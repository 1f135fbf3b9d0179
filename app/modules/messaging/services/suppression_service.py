"""Addresses that get no mail: noted when they bounce or complain, asked for before every sending, released by an operator.

Each merchant has its own list, and the platform one for its own mails: what one merchant's mail learns says nothing to another.
"""

import uuid

from app.core.config import get_settings
from app.core.context import Ctx, PlatformCtx
from app.modules.messaging.domain.delivery import Delivery, SuppressionReason, fingerprint
from app.modules.messaging.queries import delivery as queries

_LASTING = {Delivery.HARD_BOUNCE: SuppressionReason.HARD_BOUNCE, Delivery.COMPLAINT: SuppressionReason.COMPLAINT}


def fingerprint_of(merchant_id: uuid.UUID | None, email: str) -> bytes:
    """Return the keyed hash under which `email` is on the list of the merchant, or of the platform."""
    return fingerprint(get_settings().derive_key("mail-suppression"), merchant_id=merchant_id, email=email)


async def note_failure(
    ctx: Ctx | PlatformCtx, delivery: Delivery, *, mail_id: uuid.UUID, merchant_id: uuid.UUID | None, email: str
) -> None:
    """Draw the consequences of a bounce or complaint for `email`: suppressed, or counted, and paused with the third in 30 days.

    `mail_id` is the mail's row in the log: a mail counts once. DELIVERED has none.
    """
    known_as = fingerprint_of(merchant_id, email)
    if delivery in _LASTING:
        await queries.suppress(ctx.conn, merchant_id, known_as, _LASTING[delivery], now=ctx.now)
    elif delivery is Delivery.SOFT_BOUNCE and await queries.add_soft_bounce(ctx.conn, merchant_id, known_as, mail_id, now=ctx.now):
        await queries.suppress(ctx.conn, merchant_id, known_as, SuppressionReason.SOFT_BOUNCES, now=ctx.now)


async def note_event(ctx: PlatformCtx, delivery: Delivery, *, provider: str, provider_message_id: str) -> bool:
    """Note what a provider tells of a mail it had taken; return whether that was new (unknown ids and repeats are not)."""
    mail = await queries.note_delivery(ctx, provider, provider_message_id, delivery, at=ctx.now)
    if mail is None:
        return False
    if mail["recipient"] is not None:  # scrubbed when the person was erased
        await note_failure(ctx, delivery, mail_id=mail["id"], merchant_id=mail["merchant_id"], email=mail["recipient"])
    return True


async def suppress_address(ctx: PlatformCtx, email: str, *, merchant_id: uuid.UUID | None) -> None:
    """Send nothing more to `email` in the name of the merchant (of the platform without one), by an operator's decision."""
    await queries.suppress(ctx.conn, merchant_id, fingerprint_of(merchant_id, email), SuppressionReason.MANUAL, now=ctx.now)


async def release_address(ctx: PlatformCtx, email: str, *, merchant_id: uuid.UUID | None) -> bool:
    """Send to `email` again, its bounces forgotten; return whether anything was in the way. Opt-outs and consent stay as they are."""
    return await queries.release(ctx.conn, merchant_id, fingerprint_of(merchant_id, email))
