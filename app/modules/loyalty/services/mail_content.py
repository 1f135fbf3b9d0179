"""The values of loyalty's mails, made at the moment of sending, in the mail's language.

Whether a mail still makes sense is decided here as well: MailNotWantedException, with the reason that the log of mails keeps.
Two statements a mail: the card with its program, and the merchant's stores.
"""

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Mapping, Sequence

from app.core.config import get_settings
from app.core.context import Ctx
from app.core.i18n import formatting
from app.modules.customers import public as customers
from app.modules.loyalty.domain import expiry
from app.modules.loyalty.domain.balances import ProgramRules
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.queries import programs
from app.modules.loyalty.queries.mail_facts import MailFacts, find_mail_facts
from app.modules.loyalty.services import mail_phrases
from app.modules.loyalty.services.notification_service import Gift
from app.modules.messaging.public import MailContent, MailNotWantedException, TemplateSpec, address_line
from app.modules.tenancy import public as tenancy
from app.modules.tenancy.public import StoreView

_HERE = "app.modules.loyalty.services.mail_content"
LINK_MINUTES = 15
CARD = frozenset({"card_name", "card_number", "card_progress", "card_link"})


def _spec(code: str, provider: str, *variables: str, shows_card: bool = True) -> TemplateSpec:
    return TemplateSpec(code=code, variables=(CARD if shows_card else frozenset()) | set(variables), provider=f"{_HERE}:{provider}")


TEMPLATES = (
    _spec("loyalty_enrollment", "enrollment", "locations", "welcome"),
    _spec("loyalty_welcome_bonus", "welcome_bonus", "points", "gift"),
    _spec("loyalty_points_expiring", "points_expiring", "expires_on", "notice"),
    _spec("loyalty_points_expired", "points_expired", "notice"),
    _spec("loyalty_reward_ready", "reward_ready", "reward"),
    _spec("loyalty_birthday", "birthday", "gift"),
    _spec("loyalty_reengagement", "reengagement", "next_step"),
    _spec("loyalty_card_link", "card_link", "card_link", "valid_minutes", shows_card=False),
    _spec("loyalty_retention", "retention_notice", "card_link", "erased_on", shows_card=False),
    _spec("customer_sign_in", "sign_in", "sign_in_link", "valid_minutes", shows_card=False),
)


async def enrollment(
    ctx: Ctx, *, message_id: uuid.UUID, locale: str, customer_id: uuid.UUID, store_id: uuid.UUID, card_id: uuid.UUID
) -> MailContent:
    """Return what the confirmation of an enrollment shows; its link leads to the card by way of the sign-in page, for good."""
    facts = await _get_facts(ctx, card_id, customer_id)
    stores = await tenancy.list_stores(ctx)
    where = [store.name for store in stores if facts.is_cross_location or store.id == facts.enrolled_at_store_id]
    extra = {"locations": formatting.join(where), "welcome": mail_phrases.welcome(facts.welcome_points)}
    return await _content(ctx, facts, extra, stores=stores)


async def welcome_bonus(
    ctx: Ctx,
    *,
    message_id: uuid.UUID,
    locale: str,
    customer_id: uuid.UUID,
    store_id: uuid.UUID,
    card_id: uuid.UUID,
    points: int,
    gift: str,
    transaction_id: uuid.UUID | None = None,
) -> MailContent:
    """Return what the mail about points from the merchant shows; not wanted once they were taken back."""
    facts = await _get_facts(ctx, card_id, customer_id, transaction_id=transaction_id)
    if facts.is_voided:
        raise MailNotWantedException("voided")
    sentence = mail_phrases.welcome_gift(points) if gift == Gift.WELCOME else mail_phrases.bonus_gift(points)
    return await _content(ctx, facts, {"points": mail_phrases.count_points(points), "gift": sentence})


async def points_expiring(
    ctx: Ctx,
    *,
    message_id: uuid.UUID,
    locale: str,
    customer_id: uuid.UUID,
    store_id: uuid.UUID,
    card_id: uuid.UUID,
    days_before: int,
    expiring_points: int,
    expiration_date: str,
) -> MailContent:
    """Return what the warning before an expiry shows, with the balance as of now (C5).

    Not wanted without points, or when the day is another one by now: after a visit, or when the merchant changed the period. The
    sweep warns again when that day comes.
    """
    facts = await _get_facts(ctx, card_id, customer_id)
    rules = _expiry_rules(facts, await tenancy.merchant_zone(ctx))
    day = dt.date.fromisoformat(expiration_date)
    if facts.state.points_balance == 0 or expiry.is_expired(facts.state, rules, ctx.now):
        raise MailNotWantedException("no_points")
    if expiry.expires_on(facts.state, rules) != day:
        raise MailNotWantedException("expires_later")
    notice = mail_phrases.expiring(facts.state.points_balance, day)
    return await _content(ctx, facts, {"expires_on": formatting.date(day, width="long"), "notice": notice})


async def points_expired(
    ctx: Ctx, *, message_id: uuid.UUID, locale: str, customer_id: uuid.UUID, store_id: uuid.UUID, card_id: uuid.UUID, expired_points: int
) -> MailContent:
    """Return what the mail after an expiry shows (C5)."""
    facts = await _get_facts(ctx, card_id, customer_id)
    return await _content(ctx, facts, {"notice": mail_phrases.expired(expired_points)})


async def reward_ready(
    ctx: Ctx,
    *,
    message_id: uuid.UUID,
    locale: str,
    customer_id: uuid.UUID,
    store_id: uuid.UUID,
    card_id: uuid.UUID,
    reward_description: str,
) -> MailContent:
    """Return what the mail about a full stamp card shows (C4); not wanted once the stamps were redeemed or taken back."""
    facts = await _get_facts(ctx, card_id, customer_id)
    ready = facts.state.rewards_ready
    if ready == 0:
        raise MailNotWantedException("no_reward_ready")
    return await _content(ctx, facts, {"reward": mail_phrases.rewards_waiting(ready, reward_description or facts.stamp_reward)})


async def birthday(
    ctx: Ctx, *, message_id: uuid.UUID, locale: str, customer_id: uuid.UUID, store_id: uuid.UUID, card_id: uuid.UUID, bonus_points: int
) -> MailContent:
    """Return what a birthday greeting shows (C6)."""
    facts = await _get_facts(ctx, card_id, customer_id)
    return await _content(ctx, facts, {"gift": mail_phrases.birthday_gift(bonus_points)})


async def reengagement(
    ctx: Ctx, *, message_id: uuid.UUID, locale: str, customer_id: uuid.UUID, store_id: uuid.UUID, card_id: uuid.UUID, days_inactive: int
) -> MailContent:
    """Return what an invitation to come back shows (C7); not wanted by somebody who has come back meanwhile."""
    facts = await _get_facts(ctx, card_id, customer_id)
    zone = await tenancy.merchant_zone(ctx)
    if (expiry.local_day(ctx.now, zone) - expiry.local_day(facts.state.last_activity_at, zone)).days < days_inactive:
        raise MailNotWantedException("came_back")
    return await _content(ctx, facts, {"next_step": mail_phrases.next_step(facts)})


async def card_link(
    ctx: Ctx, *, message_id: uuid.UUID, locale: str, customer_id: uuid.UUID, store_id: uuid.UUID, card_id: uuid.UUID
) -> MailContent:
    """Return the link that opens an existing card, once and for a short time."""
    return await _link_content(ctx, "card_link", message_id=message_id, customer_id=customer_id, store_id=store_id)


async def sign_in(ctx: Ctx, *, message_id: uuid.UUID, locale: str, customer_id: uuid.UUID, store_id: uuid.UUID) -> MailContent:
    """Return the link that signs a customer in, once and for a short time."""
    return await _link_content(ctx, "sign_in_link", message_id=message_id, customer_id=customer_id, store_id=store_id)


async def retention_notice(
    ctx: Ctx, *, message_id: uuid.UUID, locale: str, customer_id: uuid.UUID, store_id: uuid.UUID | None, erased_on: str
) -> MailContent:
    """Return what somebody reads who stayed away for years; not wanted once the merchant keeps people after all."""
    program = await programs.find_program(ctx)
    if program is None or (await programs.get_settings(ctx)).retention_years is None:
        raise MailNotWantedException("kept")
    store = _open_store(await tenancy.list_stores(ctx), store_id)
    values = {
        "card_link": f"{_storefront(store)}/sign-in",
        "erased_on": formatting.date(dt.date.fromisoformat(erased_on), width="long"),
        "merchant_address": address_line(store),
    }
    return MailContent(brand_colour=program.colour, logo_link=_logo_link(program.logo_path), values=values)


async def _get_facts(ctx: Ctx, card_id: uuid.UUID, customer_id: uuid.UUID, *, transaction_id: uuid.UUID | None = None) -> MailFacts:
    """Return the card's facts; MailNotWantedException for one that is trashed, deactivated, merged, or no longer this person's."""
    facts = await find_mail_facts(ctx, card_id, transaction_id=transaction_id)
    if facts is None or facts.customer_id != customer_id:
        raise MailNotWantedException("card_gone")
    if not facts.is_usable:
        raise MailNotWantedException("card_not_active")
    return facts


async def _content(ctx: Ctx, facts: MailFacts, extra: Mapping[str, str], *, stores: Sequence[StoreView] | None = None) -> MailContent:
    """Return a mail's values: what all mails of a card show, and `extra`. Address and link are those of an open store."""
    store = _open_store(await tenancy.list_stores(ctx) if stores is None else stores, facts.enrolled_at_store_id)
    values = {
        "card_name": facts.card_name,
        "card_number": format_number(facts.card_number),
        "card_progress": mail_phrases.balance(facts),
        "card_link": f"{_storefront(store)}/dashboard",
        "merchant_address": address_line(store),
        **extra,
    }
    return MailContent(brand_colour=facts.colour, logo_link=_logo_link(facts.logo_path), values=values)


async def _link_content(ctx: Ctx, name: str, *, message_id: uuid.UUID, customer_id: uuid.UUID, store_id: uuid.UUID) -> MailContent:
    program = await programs.find_program(ctx)
    if program is None:
        raise MailNotWantedException("no_program")
    if not await customers.may_send_login_link(ctx, customer_id, message_id=message_id):
        raise MailNotWantedException("too_many_links")
    token = await customers.issue_login_link(ctx, customer_id, message_id=message_id)
    link = f"{_storefront(_open_store(await tenancy.list_stores(ctx), store_id))}/link#{token}"
    return MailContent(
        brand_colour=program.colour, logo_link=_logo_link(program.logo_path), values={name: link, "valid_minutes": str(LINK_MINUTES)}
    )


def _open_store(stores: Sequence[StoreView], store_id: uuid.UUID | None) -> StoreView:
    """Return the store `store_id` of these open ones, the merchant's first when it has closed."""
    if not stores:
        raise MailNotWantedException("no_open_store")
    return next((store for store in stores if store.id == store_id), stores[0])


def _storefront(store: StoreView) -> str:
    return f"{get_settings().base_url}/s/{store.code}/loyalty"


def _logo_link(logo_path: str | None) -> str:
    return f"{get_settings().base_url}{logo_path}" if logo_path else ""


def _expiry_rules(facts: MailFacts, zone: zoneinfo.ZoneInfo) -> ProgramRules:
    return ProgramRules(
        program_type=facts.program_type,
        zone=zone,
        points_expiration_days=facts.points_expiration_days,
        expiration_changed_at=facts.expiration_changed_at,
    )
