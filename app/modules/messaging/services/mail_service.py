"""From an outbox message with ids to a mail: whom, in which language, with which values, all as of sending."""

import uuid
from typing import Any

from app.core.context import Ctx
from app.core.i18n import _
from app.core.i18n.locale import match_locale, negotiate, use_locale
from app.modules.customers import public as customers
from app.modules.messaging.domain.colours import COLOUR, text_colour_on
from app.modules.messaging.domain.content import MailContent, greetable_name
from app.modules.messaging.domain.enums import MailState
from app.modules.messaging.errors import MailNotWantedException, TemplateVariableException
from app.modules.messaging.queries import mails
from app.modules.messaging.services import template_service
from app.modules.messaging.services.email_service import EmailService
from app.modules.messaging.services.providers import MailProvider
from app.modules.tenancy import public as tenancy
from app.modules.tenancy.public import StoreView

TASK = "messaging.send_mail"
MERCHANT_IN_TRASH = "merchant_in_trash"
"""Why nobody is written to for a merchant in the trash."""


def enqueue_mail(
    ctx: Ctx,
    template: str,
    *,
    customer_id: uuid.UUID,
    store_id: uuid.UUID | None = None,
    card_id: uuid.UUID | None = None,
    locale: str | None = None,
    **ids: uuid.UUID | int | str,
) -> None:
    """Send the mail `template` to the customer after the commit, once. Only ids, numbers and short codes go along.

    `locale` is the language of the page where it was asked for; without, the customer's own counts. `store_id` gives the
    sender's address. Raises UnknownTemplateException when nobody registered the template.
    """
    template_service.find_spec(template)
    optional = {"store_id": store_id, "card_id": card_id, "locale": match_locale(locale)}
    payload: dict[str, Any] = {name: value for name, value in {**optional, **ids}.items() if value is not None}
    ctx.enqueue(TASK, template=template, customer_id=customer_id, **payload)


async def send_mail(
    ctx: Ctx,
    *,
    message_id: uuid.UUID,
    template: str,
    customer_id: uuid.UUID,
    store_id: uuid.UUID | None = None,
    locale: str | None = None,
    provider: MailProvider | None = None,
    **ids: Any,
) -> MailState:
    """Send the mail that `enqueue_mail` asked for; `message_id` is the outbox row's id. Raises as EmailService.send_template."""
    if await mails.find_state(ctx, message_id) is MailState.SENT:
        return MailState.SENT
    service = EmailService(ctx, provider)
    customer = await customers.get_customer(ctx, customer_id)
    merchant = await tenancy.find_merchant(ctx)
    language = negotiate(locale, customer.locale, None, merchant.locale if merchant else None)
    if merchant is None:
        return await service.suppress(template, language, message_id=message_id, reason=MERCHANT_IN_TRASH, customer_id=customer_id)
    if customer.email is None:
        return await service.suppress(template, language, message_id=message_id, reason="erased", customer_id=customer_id)
    with use_locale(language):
        give_content = template_service.find_provider(template)
        try:
            content: MailContent = await give_content(
                ctx, message_id=message_id, locale=language, customer_id=customer_id, store_id=store_id, **ids
            )
        except MailNotWantedException as refusal:
            return await service.suppress(
                template, language, message_id=message_id, reason=refusal.reason, recipient=customer.email, customer_id=customer_id
            )
        values = {**_base_values(content, merchant.name, greetable_name(customer.first_name)), **content.values}
        if "merchant_address" not in values:
            values["merchant_address"] = await sender_address_line(ctx, store_id or customer.registered_store_id)
    return await service.send_template(template, language, customer.email, values, message_id=message_id, customer_id=customer_id)


def _base_values(content: MailContent, merchant_name: str, name: str | None) -> dict[str, str]:
    if not COLOUR.fullmatch(content.brand_colour):
        raise TemplateVariableException({"brand_colour"})
    return {
        "greeting": greeting(name),
        "merchant_name": merchant_name,
        "brand_colour": content.brand_colour,
        "brand_text_colour": text_colour_on(content.brand_colour),
        "logo_link": content.logo_link,
    }


def greeting(name: str | None) -> str:
    """Return the first line of a mail, in the current language; `name` is one that a mail may greet with, or None."""
    return _("Hello %(name)s,", name=name) if name else _("Hello,")


async def sender_address_line(ctx: Ctx, store_id: uuid.UUID | None) -> str:
    """Return the address of the store on one line, of the merchant's first store when none is named."""
    stores = await tenancy.list_stores(ctx, include_closed=True)
    store = next((store for store in stores if store.id == store_id), stores[0] if stores else None)
    return address_line(store) if store else ""


def address_line(store: StoreView) -> str:
    """Return the store's address on one line, as it stands at the foot of a mail."""
    return store.address
