"""The mailbox: what a demo or a test would have sent. It does not exist in production."""

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core import mailbox
from app.core.context import PlatformCtx
from app.core.errors import NotFound
from app.core.web import pages
from app.core.web.deps import access
from app.core.web.security import CONTENT_SECURITY_POLICY

router = APIRouter(tags=["Mailbox"], include_in_schema=False)
SHOWN_MAILS = 100
READ: Any = access("public", "messaging.mailbox.read")

PAGE_POLICY = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
# A mail's own HTML: inline styles as mail readers allow them, nothing from anywhere, no scripts, no forms. Links open a new tab.
HTML_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


def refuse_in_production(request: Request) -> None:
    """Raise NotFound where real people's mail would be shown to anybody: in production, and wherever people come over TLS."""
    settings = request.app.state.settings
    if settings.is_production or settings.is_https:
        raise NotFound


async def read_mail(request: Request, mail_id: str) -> mailbox.Mail:
    """Return the mail `mail_id`; NotFound when there is none, and in production."""
    refuse_in_production(request)
    mail = await asyncio.to_thread(mailbox.find_mail, mail_id, directory=request.app.state.settings.mailbox_dir)
    if mail is None:
        raise NotFound
    return mail


@router.get("/mailbox", summary="Mails that were sent")
async def show_mailbox(request: Request, ctx: PlatformCtx = READ) -> Response:
    """Show the newest mails, newest first."""
    refuse_in_production(request)
    mails = await asyncio.to_thread(mailbox.list_mails, SHOWN_MAILS, directory=request.app.state.settings.mailbox_dir)
    return pages.render(request, "messaging/mailbox.html", ctx=ctx, mails=mails)


@router.get("/mailbox/{mail_id}", summary="One mail")
async def show_mail(request: Request, mail_id: str, ctx: PlatformCtx = READ) -> Response:
    """Show one mail: HTML in a sandboxed frame, the plain text beside it, the headers below."""
    mail = await read_mail(request, mail_id)
    response = pages.render(request, "messaging/mail.html", ctx=ctx, mail=mail)
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


@router.get("/mailbox/{mail_id}/html", summary="The HTML of one mail")
async def show_mail_html(request: Request, mail_id: str, ctx: PlatformCtx = READ) -> Response:
    """Return the mail's own HTML under a policy of its own."""
    mail = await read_mail(request, mail_id)
    if not mail.html:
        raise NotFound
    return Response(mail.html, media_type="text/html", headers={"Content-Security-Policy": HTML_POLICY})
