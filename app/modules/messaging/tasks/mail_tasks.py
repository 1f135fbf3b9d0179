"""Tasks of the messaging module."""

import uuid
from typing import Any

from app.core.context import Ctx
from app.modules.messaging.services import mail_service


async def send_mail(ctx: Ctx, *, message_id: uuid.UUID, template: str, customer_id: uuid.UUID, **ids: Any) -> None:
    """Send one mail; safe to run twice. TemporaryFailure is tried again by the worker, PermanentFailure is not."""
    await mail_service.send_mail(ctx, message_id=message_id, template=template, customer_id=customer_id, **ids)
