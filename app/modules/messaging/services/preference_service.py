"""Which mails somebody gets, and in which language, chosen through a signed link in a mail: nobody signs in for that.

Marketing is the customers module's consent, the same that the profile page shows; reminders are an opt-out kept here.
"""

import dataclasses
import hashlib
import uuid

from app.core import audit
from app.core.config import get_settings
from app.core.context import Ctx
from app.core.errors import N_, NotFound
from app.modules.customers import public as customers
from app.modules.messaging.domain.content import MailBrand
from app.modules.messaging.domain.delivery import mask_email
from app.modules.messaging.domain.enums import MailCategory
from app.modules.messaging.domain.template import PLATFORM_COLOUR
from app.modules.messaging.queries import delivery as queries
from app.modules.messaging.services import template_service
from app.modules.tenancy import public as tenancy

MARKETING_TEXT = N_("News and birthday wishes from %(merchant)s")
MARKETING_HINT = N_("Birthday wishes and a reminder when you have not been here for long. Free, and ended by one click in every mail.")
CONSENT_VERSION = "preferences-" + hashlib.sha256(f"{MARKETING_TEXT}\n{MARKETING_HINT}".encode()).hexdigest()[:12]
"""Names the text that was shown: other words are another version."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What is chosen today, and as much of the person as a page shows to whoever has the link: `email` is masked."""

    merchant_name: str
    brand: MailBrand
    email: str
    locale: str
    wants_reminders: bool
    wants_marketing: bool

    def wants(self, category: MailCategory | None) -> bool:
        """Return whether mails of `category` come."""
        return self.wants_marketing if category is MailCategory.MARKETING else self.wants_reminders


async def get_preferences(ctx: Ctx) -> Preferences:
    """Return the choices of the customer whom the link names; NotFound for somebody who is not there (any more)."""
    customer = await _get_customer(ctx)
    merchant = await tenancy.get_merchant(ctx)
    return Preferences(
        merchant_name=merchant.name,
        brand=await _find_brand(ctx),
        email=mask_email(customer.email or ""),
        locale=customer.locale,
        wants_reminders=not await queries.has_opted_out(ctx, customer.id, MailCategory.REMINDER),
        wants_marketing=await _wants_marketing(ctx, customer),
    )


async def unsubscribe(ctx: Ctx, category: MailCategory) -> None:
    """Send no more mails of `category` to the customer of the link; doing it again changes nothing."""
    customer = await _lock_customer(ctx)
    if category is MailCategory.REMINDER:
        await _choose_reminders(ctx, customer, is_wanted=False)
    else:
        await _choose_marketing(ctx, customer, is_wanted=False, source=customers.ConsentSource.UNSUBSCRIBE)


async def save_preferences(ctx: Ctx, *, reminders: bool, marketing: bool, locale: str) -> None:
    """Keep what was chosen on the page. CustomerInvalidException for a language we do not speak."""
    customer = await _lock_customer(ctx)
    if locale != customer.locale:
        customer = await customers.update_customer(ctx, customer.id, locale=locale)
    await _choose_reminders(ctx, customer, is_wanted=reminders)
    await _choose_marketing(ctx, customer, is_wanted=marketing, source=customers.ConsentSource.PREFERENCES)


async def does_without_reminders(ctx: Ctx, customer_id: uuid.UUID) -> bool:
    """Return whether the customer has switched reminders off."""
    return await queries.has_opted_out(ctx, customer_id, MailCategory.REMINDER)


async def _get_customer(ctx: Ctx) -> customers.CustomerRecord:
    if ctx.actor.customer_id is None:
        raise NotFound
    customer = await customers.get_customer(ctx, ctx.actor.customer_id)
    if customer.is_anonymized:
        raise NotFound
    return customer


async def _lock_customer(ctx: Ctx) -> customers.CustomerRecord:
    """Return the customer as they are now; of two answers at once the second sees what the first has done."""
    customer = await _get_customer(ctx)
    return await customers.lock_customer(ctx, customer.id)


async def _wants_marketing(ctx: Ctx, customer: customers.CustomerRecord) -> bool:
    return customers.ConsentPurpose.MARKETING in await customers.current_consents(ctx, customer.id)


async def _choose_marketing(ctx: Ctx, customer: customers.CustomerRecord, *, is_wanted: bool, source: customers.ConsentSource) -> None:
    if is_wanted is await _wants_marketing(ctx, customer):
        return  # nothing was chosen: a consent once given to another text stays one to that text
    await customers.record_consents(ctx, customer.id, text_version=CONSENT_VERSION, source=source, locale=ctx.locale, marketing=is_wanted)


async def _choose_reminders(ctx: Ctx, customer: customers.CustomerRecord, *, is_wanted: bool) -> None:
    if await queries.set_opt_out(ctx, customer.id, MailCategory.REMINDER, is_out=not is_wanted):
        await audit.record(ctx, "messaging.reminders.chosen", "customer", customer.id, is_wanted=is_wanted)


async def _find_brand(ctx: Ctx) -> MailBrand:
    """Return how the merchant's mails look, so that the page is known for theirs; our own colour while they have no program."""
    brand = await template_service.find_brand(ctx)
    if brand is None:
        return MailBrand(colour=PLATFORM_COLOUR)
    here = get_settings().base_url.rstrip("/")
    return dataclasses.replace(brand, logo_link=brand.logo_link.removeprefix(here))
