"""The pages behind the links at the foot of our mails. They change nothing: a mail scanner that opens them does no harm."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.errors import N_, Gone
from app.core.i18n import translate
from app.core.web import pages
from app.core.web.deps import access
from app.modules.messaging.domain.mail_link import LinkKind
from app.modules.messaging.services import links, preference_service

router = APIRouter(prefix="/mail", tags=["Mail preferences"], include_in_schema=False)
READ: Any = access("mail", "messaging.preferences.edit")


class LinkTooOldException(Gone):
    """A link to preferences from a mail of more than a year ago."""

    code = "mail_link_too_old"
    message = N_("This link is too old. Every newer e-mail has one that works.")


def check_age(token: str, ctx: Ctx) -> None:
    """NotFound when `token` does not open preferences, LinkTooOldException when it did so once."""
    if links.read_link(token, LinkKind.PREFERENCES).is_expired(ctx.now.date()):
        raise LinkTooOldException


async def show_unsubscribe(request: Request, token: str, ctx: Ctx, *, status: int = 200) -> Response:
    """Return the page that unsubscribes with one button, or says that it is done. NotFound for a token of another kind."""
    category = links.read_category(token)
    chosen = await preference_service.get_preferences(ctx)
    return pages.render(
        request,
        "messaging/unsubscribe.html",
        ctx=ctx,
        status=status,
        chosen=chosen,
        category=category,
        merchant_name=chosen.merchant_name,
        accent=chosen.brand.colour,
        logo_url=chosen.brand.logo_link or None,
        preferences_link=links.preferences_path(ctx),
    )


@router.get("/unsubscribe/{token}", summary="Unsubscribe")
async def unsubscribe(request: Request, token: str, ctx: Ctx = READ) -> Response:
    """Say what unsubscribing means, with the button that does it (RFC 8058: a GET changes nothing)."""
    return await show_unsubscribe(request, token, ctx)


@router.get("/preferences/{token}", summary="Mail preferences")
async def preferences(request: Request, token: str, saved: bool = False, ctx: Ctx = READ) -> Response:
    """Show which mails come and in which language, to change."""
    check_age(token, ctx)
    chosen = await preference_service.get_preferences(ctx)
    merchant = {"merchant": chosen.merchant_name}
    return pages.render(
        request,
        "messaging/preferences.html",
        ctx=ctx,
        chosen=chosen,
        saved=saved,
        marketing_text=translate(ctx.locale, preference_service.MARKETING_TEXT, merchant),
        marketing_hint=translate(ctx.locale, preference_service.MARKETING_HINT),
        merchant_name=chosen.merchant_name,
        accent=chosen.brand.colour,
        logo_url=chosen.brand.logo_link or None,
    )
