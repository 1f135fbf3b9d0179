"""Mails to the people who work on the platform: invitations to a merchant's team, and those about their password.

An invitation is the merchant's; what concerns a password is the platform's, as a person may work for several merchants.
Both sit in the outbox as ids. The link of a mail is made from its id when the mail is built, and stored nowhere.
"""

import uuid

from app.core.config import get_settings
from app.core.context import Ctx, PlatformCtx
from app.core.i18n.locale import negotiate, use_locale
from app.modules.messaging.domain.addressee import Addressee
from app.modules.messaging.domain.colours import text_colour_on
from app.modules.messaging.domain.content import greetable_name
from app.modules.messaging.domain.enums import MailState
from app.modules.messaging.domain.template import PLATFORM_COLOUR
from app.modules.messaging.queries import mails
from app.modules.messaging.services.email_service import EmailService
from app.modules.messaging.services.mail_service import MERCHANT_IN_TRASH, greeting, sender_address_line
from app.modules.messaging.services.providers import MailProvider
from app.modules.tenancy import public as tenancy

INVITED, ADDED = "user_invited", "user_added"
PASSWORD_LINK, PASSWORD_CHANGED = "password_link", "password_changed"


async def send_invitation(
    ctx: Ctx, *, message_id: uuid.UUID, user_id: uuid.UUID, link_id: uuid.UUID | None, provider: MailProvider | None = None
) -> MailState:
    """Tell somebody that they belong to a merchant's team: with `link_id` they set a password first, without they sign in.

    Who was taken off the team before the mail went out gets none, nor does anybody while the merchant lies in the trash.
    Raises as EmailService.send_template.
    """
    if await mails.find_state(ctx, message_id) is MailState.SENT:
        return MailState.SENT
    merchant = await tenancy.find_merchant(ctx)
    to = await _addressee(ctx, user_id, fallback_locale=merchant.locale if merchant else None)
    if merchant is None:
        service = EmailService(ctx, provider)
        return await service.suppress(ADDED if link_id is None else INVITED, to.locale, message_id=message_id, reason=MERCHANT_IN_TRASH)
    names = await tenancy.find_user_names(ctx, {user_id})
    if link_id is None:
        code, values = ADDED, {"sign_in_link": _address_of(tenancy.SIGN_IN_PATH)}
    else:
        days = str(tenancy.INVITATION_LIFETIME.days)
        code, values = INVITED, {"password_link": _address_of(tenancy.password_link_path(link_id)), "valid_days": days}
    values |= {"merchant_name": merchant.name, "merchant_address": await sender_address_line(ctx, None), "logo_link": ""}
    return await _send(ctx, code, to, values, message_id=message_id, name=greetable_name(names.get(user_id)), provider=provider)


async def send_password_link(
    ctx: Ctx | PlatformCtx, *, message_id: uuid.UUID, user_id: uuid.UUID, link_id: uuid.UUID, provider: MailProvider | None = None
) -> MailState:
    """Send the link that somebody asked for to set a new password. Raises as EmailService.send_template."""
    to = await _addressee(ctx, user_id)
    minutes = int(tenancy.PASSWORD_LINK_LIFETIME.total_seconds() // 60)
    values = {"password_link": _address_of(tenancy.password_link_path(link_id)), "valid_minutes": str(minutes)}
    return await _send(ctx, PASSWORD_LINK, to, values, message_id=message_id, provider=provider)


async def send_password_changed(
    ctx: Ctx | PlatformCtx, *, message_id: uuid.UUID, user_id: uuid.UUID, provider: MailProvider | None = None
) -> MailState:
    """Tell somebody that their password was changed, and what to do if it was not they. Raises as EmailService.send_template."""
    to = await _addressee(ctx, user_id)
    values = {"forgotten_link": _address_of(tenancy.PASSWORD_FORGOTTEN_PATH)}
    return await _send(ctx, PASSWORD_CHANGED, to, values, message_id=message_id, provider=provider)


async def _send(
    ctx: Ctx | PlatformCtx,
    code: str,
    to: Addressee,
    values: dict[str, str],
    *,
    message_id: uuid.UUID,
    name: str | None = None,
    provider: MailProvider | None,
) -> MailState:
    with use_locale(to.locale):
        base = {"greeting": greeting(name), "brand_colour": PLATFORM_COLOUR, "brand_text_colour": text_colour_on(PLATFORM_COLOUR)}
    service = EmailService(ctx, provider)
    return await service.send_template(code, to.locale, to.email, base | values, message_id=message_id, user_id=to.user_id)


async def _addressee(ctx: Ctx | PlatformCtx, user_id: uuid.UUID, *, fallback_locale: str | None = None) -> Addressee:
    """Return the user's present address and language; no address for somebody who is disabled or out of the team."""
    email, locale = await tenancy.find_user_contact(ctx, user_id) or (None, None)
    return Addressee(email, negotiate(locale, None, None, fallback_locale), user_id)


def _address_of(path: str) -> str:
    return get_settings().base_url.rstrip("/") + path
