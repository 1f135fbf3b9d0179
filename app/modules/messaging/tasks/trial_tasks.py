"""Mails that somebody sends to themselves to see them."""

import uuid

from app.core.context import Ctx, PlatformCtx
from app.modules.messaging.services import template_editor


async def send_test_mail(ctx: Ctx | PlatformCtx, *, message_id: uuid.UUID, template: str, locale: str, user_id: uuid.UUID) -> None:
    """Send a saved template with sample values to the user; safe to run twice."""
    await template_editor.send_test(ctx, message_id=message_id, template=template, locale=locale, user_id=user_id)
