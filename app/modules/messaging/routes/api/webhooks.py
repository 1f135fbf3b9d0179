"""What mail providers call when a mail was delivered, bounced, or was complained about."""

import base64
import binascii
import hmac
from typing import Any

from fastapi import APIRouter, Depends
from starlette.requests import Request

from app.core.context import PlatformCtx
from app.core.errors import NotFound, Unauthenticated
from app.core.web.deps import access
from app.core.web.problems import documented
from app.modules.messaging.domain import postmark
from app.modules.messaging.schemas.webhooks import EventAnswer, PostmarkEvent
from app.modules.messaging.services import postmark_provider, suppression_service

router = APIRouter(prefix="/api/v1/webhooks/mail", tags=["Messaging - Webhooks"])


async def check_password(request: Request) -> None:
    """Let nobody in but the provider, which sends the password of ORION_MAIL_WEBHOOK_SECRET_FILE by HTTP Basic, under any name.

    NotFound while no webhook is set up; Unauthenticated for another password. Checked before a transaction is opened.
    """
    secret = request.app.state.settings.mail_webhook_secret
    if secret is None:
        raise NotFound
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        _name, _, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        password = b""
    if not hmac.compare_digest(password, secret) or scheme.lower() != "basic":
        raise Unauthenticated


PASSWORD: Any = Depends(check_password)


@router.post("/postmark", summary="Tell of a mail", dependencies=[PASSWORD], responses=documented(404))
async def receive_postmark_event(event: PostmarkEvent, ctx: PlatformCtx = access("public", "messaging.webhook.receive")) -> EventAnswer:
    """Take an event of Postmark: Delivery, Bounce and SpamComplaint are noted, once; everything else is answered and ignored.

    The caller shows the webhook's password by HTTP Basic. A mail we do not know is no error: another installation's, or long gone.
    """
    delivery = postmark.read_event(event.RecordType, event.Type, is_inactive=event.Inactive)
    if delivery is None or not event.MessageID:
        return EventAnswer(is_new=False)
    return EventAnswer(
        is_new=await suppression_service.note_event(ctx, delivery, provider=postmark_provider.NAME, provider_message_id=event.MessageID)
    )
