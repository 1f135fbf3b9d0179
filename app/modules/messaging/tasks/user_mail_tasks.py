"""What messaging does when tenancy tells of people and their passwords. All of it is safe to run twice."""

import uuid

from app.core.context import Ctx, PlatformCtx
from app.modules.messaging.services import user_mail_service


async def send_user_invitation(
    ctx: Ctx, *, message_id: uuid.UUID, user_id: uuid.UUID, membership_id: uuid.UUID, link_id: uuid.UUID | None = None
) -> None:
    """Mail somebody that a merchant has taken them into its team (tenancy.user_invited)."""
    await user_mail_service.send_invitation(ctx, message_id=message_id, user_id=user_id, link_id=link_id)


async def send_password_link(ctx: Ctx | PlatformCtx, *, message_id: uuid.UUID, user_id: uuid.UUID, link_id: uuid.UUID) -> None:
    """Mail the link to set a new password (tenancy.password_link_requested)."""
    await user_mail_service.send_password_link(ctx, message_id=message_id, user_id=user_id, link_id=link_id)


async def send_password_changed(ctx: Ctx | PlatformCtx, *, message_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Mail that a password was changed (tenancy.password_changed)."""
    await user_mail_service.send_password_changed(ctx, message_id=message_id, user_id=user_id)
