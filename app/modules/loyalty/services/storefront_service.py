"""What a customer does on their phone: enroll, sign in by a mailed link, look at their own card (domain.md, Identity)."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from app.core.config import get_settings
from app.core.context import Ctx
from app.core.errors import NotFound
from app.modules.customers import public as customers
from app.modules.loyalty.domain import expiry, program
from app.modules.loyalty.errors import CardNotFoundException, LoyaltyCardAlreadyExistsException
from app.modules.loyalty.queries import cards, programs, rewards
from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.queries.programs import Program
from app.modules.loyalty.queries.rewards import Reward
from app.modules.loyalty.services import card_service, notification_service
from app.modules.loyalty.services.card_service import Applicant
from app.modules.tenancy import public as tenancy

ENROLLMENT_SESSION = dt.timedelta(hours=12)
"""The session that made a card shows it for a while; nobody proved the e-mail yet, so it ends sooner than a signed-in one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Offer:
    """What a store's poster leads to: the program, its rewards, and where the card works."""

    merchant_name: str
    merchant_contact: str | None
    store: tenancy.StoreView
    stores: list[tenancy.StoreView]
    works_at_all_locations: bool
    program: Program
    rewards: list[Reward]
    google_wallet_enabled: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Outlook:
    """What lies ahead of a card: points missing to the next reward and its cost, and the last day on which the points count.

    `is_expired` says that this day is over and the nightly run has not taken the points yet.
    """

    points_to_next_reward: int | None
    next_cost: int | None
    expires_on: dt.date | None
    is_expired: bool


@dataclasses.dataclass(frozen=True, slots=True)
class StorefrontEnrollment:
    """The outcome of a public enrollment.

    `card` is set for somebody the merchant did not know before, whose session is then opened for `customer_id`, and for the
    very person who is signed in. Whoever else typed the e-mail of a known person learns that a mail was sent, and nothing of
    the person.
    """

    already_enrolled: bool
    card: Card | None
    customer_id: uuid.UUID | None
    welcome_points: int


async def enroll(ctx: Ctx, *, applicant: Applicant) -> StorefrontEnrollment:
    """Enroll whoever filled in the form at the caller's store; the form never proves who is typing (G9).

    A known e-mail gets the card's link by mail, whether a card existed or one was just made (one card per store). Somebody who
    is signed in and enrolls themself, at a further store, sees the card at once.
    """
    store_id = ctx.actor.store_id
    if store_id is None:
        raise NotFound
    try:
        enrollment = await card_service.enroll_customer(ctx, store_id=store_id, applicant=applicant)
    except LoyaltyCardAlreadyExistsException as error:
        card: Card = error.card
        if card.customer_id is not None and card.customer_id == ctx.actor.customer_id:
            return StorefrontEnrollment(True, card, None, 0)
        if card.customer_id is not None and await customers.may_send_login_link(ctx, card.customer_id):
            notification_service.send_card_link(ctx, card_id=card.id, customer_id=card.customer_id, store_id=store_id)
        return StorefrontEnrollment(True, None, None, 0)
    if enrollment.customer_id == ctx.actor.customer_id:
        return StorefrontEnrollment(False, enrollment.card, None, enrollment.welcome_points)
    if not enrollment.is_new_customer:
        return StorefrontEnrollment(False, None, None, 0)
    return StorefrontEnrollment(False, enrollment.card, enrollment.customer_id, enrollment.welcome_points)


async def request_sign_in(ctx: Ctx, *, email: str) -> None:
    """Mail a sign-in link to `email` when somebody with a card has it. Nothing tells the caller whether anybody does."""
    store_id = ctx.actor.store_id
    if store_id is None:
        raise NotFound
    customer_id = await customers.find_customer_id_by_email(ctx, email)
    if customer_id is not None and await customers.may_send_login_link(ctx, customer_id):
        notification_service.send_sign_in_link(ctx, customer_id=customer_id, store_id=store_id)


async def sign_in(ctx: Ctx, *, token: str) -> tuple[tenancy.NewSession, str]:
    """Use a mailed link and return the customer's new session and language; the phone's old session ends.

    SignInLinkException when the link was used, is old or unknown.
    """
    customer_id = await customers.use_login_link(ctx, token)
    await customers.note_return(ctx, customer_id)
    if ctx.actor.session_id is not None:
        await tenancy.revoke(ctx, ctx.actor.session_id)
    customer = await customers.get_customer(ctx, customer_id)
    return await tenancy.create_session(ctx, "customer", customer_id=customer_id, store_id=ctx.actor.store_id), customer.locale


async def get_own_card(ctx: Ctx) -> Card:
    """Return the signed-in customer's card for this store; CardNotFoundException when they have none here."""
    customer_id, store_id = ctx.actor.customer_id, ctx.actor.store_id
    if customer_id is None or store_id is None:
        raise CardNotFoundException
    settings = await programs.get_settings(ctx)
    card = await card_service.find_card_serving_store(
        ctx, customer_id=customer_id, store_id=store_id, is_cross_location=settings.allow_cross_location_redemption
    )
    if card is None:
        raise CardNotFoundException
    return card


async def list_own_cards(ctx: Ctx) -> list[Card]:
    """Return all live cards of the signed-in customer at this merchant."""
    return [] if ctx.actor.customer_id is None else await cards.list_of_customers(ctx, [ctx.actor.customer_id])


async def get_offer(ctx: Ctx) -> Offer:
    """Return the program at the caller's store; ProgramNotFoundException when the merchant has none."""
    live = await programs.get_program(ctx)
    settings = await programs.get_settings(ctx)
    merchant = await tenancy.get_merchant(ctx)
    stores = await tenancy.list_stores(ctx)
    store = next((item for item in stores if item.id == ctx.actor.store_id), None)
    if store is None:
        raise NotFound
    return Offer(
        merchant_name=merchant.name,
        merchant_contact=merchant.contact_email,
        store=store,
        stores=stores if settings.allow_cross_location_redemption else [store],
        works_at_all_locations=settings.allow_cross_location_redemption,
        program=live,
        rewards=await rewards.list_rewards(ctx, live.id, only_active=True) if live.type.has_points else [],
        google_wallet_enabled=get_settings().google_issuer_id is not None,
    )


async def get_outlook(ctx: Ctx, card: Card, offer: Offer) -> Outlook:
    """Return what is missing to the next reward, and until when the points of `card` count."""
    progress = program.points_progress(
        card.state.points_balance,
        [item.cost_points for item in offer.rewards],
        minimum_redemption_points=offer.program.minimum_redemption_points,
    )
    rules = programs.rules_of(offer.program, await tenancy.merchant_zone(ctx))
    last_day = expiry.expires_on(card.state, rules) if card.state.points_balance else None
    return Outlook(progress.missing, progress.next_cost, last_day, expiry.is_expired(card.state, rules, ctx.now))


async def open_session(ctx: Ctx, customer_id: uuid.UUID) -> tenancy.NewSession:
    """Return a session for somebody who was just enrolled as a new customer."""
    return await tenancy.create_session(ctx, "customer", customer_id=customer_id, store_id=ctx.actor.store_id, lifetime=ENROLLMENT_SESSION)


async def get_profile(ctx: Ctx) -> tuple[customers.CustomerRecord, bool]:
    """Return the signed-in customer's data, and whether they want marketing mail."""
    customer = await customers.get_customer(ctx, own_id(ctx))
    return customer, customers.ConsentPurpose.MARKETING in await customers.current_consents(ctx, customer.id)


async def update_profile(ctx: Ctx, *, changes: Mapping[str, Any], wants_marketing: bool | None) -> tuple[customers.CustomerRecord, bool]:
    """Change the signed-in customer's data and consent; return both as they are now."""
    customer_id = own_id(ctx)
    today = ctx.now.astimezone(await tenancy.merchant_zone(ctx)).date()
    customer = await customers.update_customer(ctx, customer_id, today=today, **changes)
    if wants_marketing is not None:
        live = await programs.get_program(ctx)
        await customers.record_consents(
            ctx,
            customer_id,
            text_version=str(live.terms_version),
            source=customers.ConsentSource.PROFILE,
            locale=customer.locale,
            marketing=wants_marketing,
        )
    return await get_profile(ctx)


def own_id(ctx: Ctx) -> uuid.UUID:
    """Return the signed-in customer; NotFound when nobody is signed in."""
    if ctx.actor.customer_id is None:
        raise NotFound
    return ctx.actor.customer_id
