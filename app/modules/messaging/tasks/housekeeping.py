"""What messaging keeps for a time and no longer."""

from app.core.context import PlatformCtx
from app.core.tasks.housekeeping import clear
from app.modules.messaging.domain.delivery import SOFT_BOUNCE_WINDOW

DELETE_SOFT_BOUNCES = """
DELETE FROM email_soft_bounces WHERE mail_id IN (SELECT mail_id FROM email_soft_bounces WHERE at < $1 ORDER BY at LIMIT $2)
"""


async def forget_bounces(ctx: PlatformCtx) -> None:
    """Delete mails that bounced for now once they count no more, after 30 days."""
    await clear(ctx, "messaging.forget_bounces", (DELETE_SOFT_BOUNCES, SOFT_BOUNCE_WINDOW))
