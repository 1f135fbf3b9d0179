"""Reading, changing, previewing and trying out mails: a merchant its own versions (Ctx), the platform everybody's (PlatformCtx)."""

import dataclasses
import uuid
from collections.abc import Mapping

from app.core import audit
from app.core.config import get_settings
from app.core.context import Ctx, PlatformCtx
from app.core.i18n.locale import use_locale
from app.modules.messaging.domain.colours import text_colour_on
from app.modules.messaging.domain.content import MailBrand
from app.modules.messaging.domain.copy import MailCopy
from app.modules.messaging.domain.enums import MailState
from app.modules.messaging.domain.sentences import check_copy
from app.modules.messaging.domain.template import PLATFORM_COLOUR, RenderedMail, fill_variables, render
from app.modules.messaging.errors import NoMailboxException, UnknownTemplateException
from app.modules.messaging.queries import mails, templates
from app.modules.messaging.queries.templates import StoredTemplate
from app.modules.messaging.services import template_service
from app.modules.messaging.services.email_service import EmailService
from app.modules.messaging.services.mail_service import greeting, sender_address_line
from app.modules.messaging.services.providers import MailProvider
from app.modules.messaging.services.template_compiler import compile_template
from app.modules.tenancy import public as tenancy

TEST_TASK = "messaging.send_test_mail"
SAMPLE_PERSON = "Léa"
SAMPLE_MERCHANT, SAMPLE_ADDRESS = "Café Soleil", "1, rue du Fort, L-1234 Luxembourg"


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """A mail with sample values, the line that a mailbox shows after its subject, and the values by variable."""

    mail: RenderedMail
    preheader: str
    values: Mapping[str, str]


async def get_template(ctx: Ctx | PlatformCtx, code: str, locale: str) -> StoredTemplate:
    """Return the mail `code` in `locale` as the caller edits it; UnknownTemplateException when there is none for them."""
    stored = await templates.find_template(ctx, code, locale)
    if stored is None:
        raise UnknownTemplateException
    return stored


async def save_template(ctx: Ctx | PlatformCtx, code: str, locale: str, copy: MailCopy) -> StoredTemplate:
    """Let the mail say `copy` from now on; CopyInvalidException names the fields that cannot stay so.

    The standard's own words, saved by a merchant, are kept as its version: later changes of the standard leave it alone.
    """
    stored = await get_template(ctx, code, locale)
    check_copy(copy, stored.frame)
    compiled = compile_template(code, locale, copy, stored.frame)
    await templates.save_template(ctx, compiled, copy, ctx.actor.user_id)
    await audit.record(ctx, "messaging.template.changed", "email_template", None, template=code, locale=locale)
    return await get_template(ctx, code, locale)


async def reset_template(ctx: Ctx | PlatformCtx, code: str, locale: str) -> StoredTemplate:
    """Go back to the standard: a merchant to the platform's words, the platform to those that were delivered."""
    stored = await get_template(ctx, code, locale)
    if not stored.is_own:
        return stored
    if isinstance(ctx, Ctx):
        await templates.remove_override(ctx, code, locale)
    else:
        compiled = compile_template(code, locale, stored.standard, stored.frame)
        await templates.save_template(ctx, compiled, stored.standard, ctx.actor.user_id)
    await audit.record(ctx, "messaging.template.reset", "email_template", None, template=code, locale=locale)
    return await get_template(ctx, code, locale)


async def preview(ctx: Ctx | PlatformCtx, code: str, locale: str, copy: MailCopy | None = None) -> Preview:
    """Return the mail with sample values: as it is, or with the sentences `copy` (CopyInvalidException as when saved)."""
    stored = await get_template(ctx, code, locale)
    shown = copy or stored.copy
    if copy is not None:
        check_copy(copy, stored.frame)
    values = await sample_values(ctx, stored)
    mail = render(compile_template(code, locale, shown, stored.frame), values)
    return Preview(mail, fill_variables(shown.preheader, values), values)


async def request_test(ctx: Ctx | PlatformCtx, code: str, locale: str) -> str:
    """Send the saved mail with sample values to whoever asks, after the commit; return their address.

    NoMailboxException for a caller who is no person.
    """
    await get_template(ctx, code, locale)
    user_id = ctx.actor.user_id
    contact = await tenancy.find_user_contact(ctx, user_id) if user_id else None
    if user_id is None or contact is None:
        raise NoMailboxException
    ctx.enqueue(TEST_TASK, template=code, locale=locale, user_id=user_id)
    return contact[0]


async def send_test(
    ctx: Ctx | PlatformCtx, *, message_id: uuid.UUID, template: str, locale: str, user_id: uuid.UUID, provider: MailProvider | None = None
) -> MailState:
    """Send what `request_test` promised; the log marks it as a test. Raises as EmailService.send_template."""
    if await mails.find_state(ctx, message_id) is MailState.SENT:
        return MailState.SENT
    contact = await tenancy.find_user_contact(ctx, user_id)
    values = await sample_values(ctx, await get_template(ctx, template, locale))
    return await EmailService(ctx, provider).send_template(
        template, locale, contact[0] if contact else None, values, message_id=message_id, user_id=user_id, is_test=True
    )


async def sample_values(ctx: Ctx | PlatformCtx, stored: StoredTemplate) -> dict[str, str]:
    """Return a value for every variable of the mail: who sends it as they are, the rest as an example; links lead to our own page."""
    home = get_settings().base_url.rstrip("/") + "/"
    values = {name: home if name.endswith("_link") else name.replace("_", " ") for name in stored.frame.allowed}
    brand = MailBrand(colour=PLATFORM_COLOUR)
    values |= {"merchant_name": SAMPLE_MERCHANT, "merchant_address": SAMPLE_ADDRESS}
    if isinstance(ctx, Ctx):
        brand = await template_service.find_brand(ctx) or brand
        merchant = await tenancy.get_merchant(ctx)
        values |= {"merchant_name": merchant.name, "merchant_address": await sender_address_line(ctx, None)}
    with use_locale(stored.locale):
        values["greeting"] = greeting(SAMPLE_PERSON)
    values |= {"brand_colour": brand.colour, "brand_text_colour": text_colour_on(brand.colour), "logo_link": brand.logo_link}
    return {name: value for name, value in (values | dict(stored.samples)).items() if name in stored.frame.allowed}
