"""Cards: enrolling people, finding cards at a counter, switching cards off and on (requirements A)."""

import dataclasses
import datetime as dt
import secrets
import uuid
from collections.abc import Sequence

from app.core import audit
from app.core.context import Ctx
from app.core.ids import new_id
from app.modules.customers import public as customers
from app.modules.loyalty.domain import card_number, points
from app.modules.loyalty.domain.balances import Decision
from app.modules.loyalty.domain.enums import CardStatus
from app.modules.loyalty.errors import (
    CardMergedException,
    CardNotFoundException,
    LoyaltyCardAlreadyExistsException,
    ProgramInactiveException,
)
from app.modules.loyalty.events import CardActivated, CardDeactivated, CardEnrolled, WelcomeBonusGranted
from app.modules.loyalty.queries import cards as card_queries
from app.modules.loyalty.queries import locks, programs
from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.services import ledger, privacy_service, terms_service
from app.modules.loyalty.services.card_numbers import draw_numbers
from app.modules.tenancy import public as tenancy

MAX_FOUND = 20
MAX_CANDIDATES = 500
"""People who match at any store, among whom those with a card of the caller's own store are looked for."""
INSERT = """
INSERT INTO loyalty_cards (merchant_id, id, customer_id, program_id, enrolled_at_store_id, card_number, qr_token, status, stamps_target,
                           last_activity_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', $8, $9, $9, $9)
"""
SET_STATUS = """
UPDATE loyalty_cards SET status = $3, deactivated_at = $4, updated_at = $5 WHERE merchant_id = $1 AND id = $2 AND deleted_at IS NULL
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Who wants a card, as typed into the form (A9); `has_accepted_terms` is required to be true by the form's schema.

    `terms_seen`: which text of the terms the form showed, as it says itself.
    """

    first_name: str
    last_name: str
    email: str
    phone: str | None = None
    birth_date: dt.date | None = None
    locale: str
    wants_marketing: bool = False
    terms_seen: str | None = None
    source: customers.ConsentSource


@dataclasses.dataclass(frozen=True, slots=True)
class Enrollment:
    """A new card; `is_new_customer` tells whether the person was unknown to the merchant before."""

    card: Card
    customer_id: uuid.UUID
    is_new_customer: bool
    welcome_points: int


async def resolve_customer_id(ctx: Ctx, *, email: str, merchant_id: uuid.UUID) -> uuid.UUID | None:
    """Return the customer with this e-mail at any store of the merchant, or None (A3). Case and outer space do not count.

    `merchant_id` must be the context's merchant: nobody is ever looked for at another one.
    """
    if merchant_id != ctx.merchant_id:
        return None
    return await customers.find_customer_id_by_email(ctx, email)


async def get_card_by_customer_and_store(ctx: Ctx, *, customer_id: uuid.UUID, store_id: uuid.UUID) -> Card | None:
    """Return the customer's live card enrolled at this very store, or None (A6)."""
    return next((card for card in await card_queries.list_of_customers(ctx, [customer_id]) if card.enrolled_at_store_id == store_id), None)


async def find_card_serving_store(ctx: Ctx, *, customer_id: uuid.UUID, store_id: uuid.UUID, is_cross_location: bool) -> Card | None:
    """Return the card that the customer uses at this store: any of the merchant's, or only the store's own (A1)."""
    if not is_cross_location:
        return await get_card_by_customer_and_store(ctx, customer_id=customer_id, store_id=store_id)
    return next(iter(await card_queries.list_of_customers(ctx, [customer_id])), None)


async def enroll_customer(ctx: Ctx, *, store_id: uuid.UUID, applicant: Applicant) -> Enrollment:
    """Give `applicant` a card at a store of the merchant, with the welcome bonus, and return it.

    Raises LoyaltyCardAlreadyExistsException, carrying the existing card, when the person holds one that serves this store (A4);
    ProgramNotFoundException, ProgramInactiveException, and field errors of the customer's data. Locks: the merchant's enrollment
    lock shared, then the customer's row, so that rivals and the cross-location switch never leave a duplicate.
    """
    await locks.lock_enrollment(ctx)
    program = await programs.get_program(ctx)
    if not program.is_active:
        raise ProgramInactiveException
    settings = await programs.get_settings(ctx)
    customer_id, is_new = await _customer_for(ctx, store_id, applicant, program)
    existing = await find_card_serving_store(
        ctx, customer_id=customer_id, store_id=store_id, is_cross_location=settings.allow_cross_location_redemption
    )
    if existing is not None:
        raise LoyaltyCardAlreadyExistsException(existing)
    card_id = await _insert_card(ctx, customer_id=customer_id, store_id=store_id, program=program)
    ctx.emit(CardEnrolled(card_id=card_id, customer_id=customer_id, store_id=store_id))
    bonus = await _grant_welcome_bonus(ctx, card_id, customer_id, applicant.email)
    await audit.record(ctx, "loyalty.card.enrolled", "card", card_id, store_id=str(store_id), source=applicant.source.value)
    return Enrollment(await card_queries.get_card(ctx, card_id), customer_id, is_new, bonus)


async def _customer_for(ctx: Ctx, store_id: uuid.UUID, applicant: Applicant, program: programs.Program) -> tuple[uuid.UUID, bool]:
    """Return the applicant's customer row, locked, creating it when the e-mail is new to the merchant.

    What a known person once told us is not overwritten by what somebody typed into a public form; their consents are not either.
    """
    customer_id, is_new = await resolve_customer_id(ctx, email=applicant.email, merchant_id=ctx.merchant_id), False
    if customer_id is not None and not await _lock_present(ctx, customer_id):
        customer_id = None  # erased since we looked: the address is free again
    if customer_id is None:
        zone = await tenancy.merchant_zone(ctx)
        customer, is_new = await customers.create_customer(
            ctx,
            first_name=applicant.first_name,
            last_name=applicant.last_name,
            email=applicant.email,
            phone=applicant.phone,
            birth_date=applicant.birth_date,
            locale=applicant.locale,
            registered_store_id=store_id,
            today=ctx.now.astimezone(zone).date(),
        )
        customer_id = customer.id
        await customers.lock_customer(ctx, customer_id)
    if is_new:
        await _record_consents(ctx, customer_id, applicant, program)
    return customer_id, is_new


async def _lock_present(ctx: Ctx, customer_id: uuid.UUID) -> bool:
    """Lock the customer; False when they were erased a moment ago."""
    try:
        await customers.lock_customer(ctx, customer_id)
    except customers.CustomerAnonymizedException:
        return False
    return True


async def _record_consents(ctx: Ctx, customer_id: uuid.UUID, applicant: Applicant, program: programs.Program) -> None:
    """Note what the applicant agreed to: the terms in the version and language that they saw, and marketing mails or not."""
    accepted, language = await terms_service.find_accepted_text(ctx, program, seen=applicant.terms_seen, locale=applicant.locale)
    await customers.record_consents(ctx, customer_id, text_version=accepted, source=applicant.source, locale=language, terms=True)
    await customers.record_consents(
        ctx,
        customer_id,
        text_version=str(program.terms_version),
        source=applicant.source,
        locale=applicant.locale,
        marketing=applicant.wants_marketing,
    )


async def _insert_card(ctx: Ctx, *, customer_id: uuid.UUID, store_id: uuid.UUID, program: programs.Program) -> uuid.UUID:
    card_id = new_id()
    [number] = await draw_numbers(ctx, 1)
    token = card_number.qr_token(secrets.token_bytes(card_number.TOKEN_BYTES))
    await ctx.conn.execute(
        INSERT, ctx.merchant_id, card_id, customer_id, program.id, store_id, number, token, program.stamps_target, ctx.now
    )
    return card_id


async def _grant_welcome_bonus(ctx: Ctx, card_id: uuid.UUID, customer_id: uuid.UUID, email: str) -> int:
    """Book the welcome bonus and return its points. The key `welcome:<customer>` is unique for ever: once per person and merchant."""
    (card,) = await locks.lock_cards(ctx, [card_id], zone=await tenancy.merchant_zone(ctx))
    if card is None:
        raise CardNotFoundException
    op_key = f"welcome:{customer_id}"
    decision: Decision | None = points.grant_welcome_bonus(
        card.state,
        card.rules,
        had_bonus=await _has_operation(ctx, op_key),
        was_erased_recently=not await customers.may_get_welcome_bonus(ctx, email, today=ctx.now.astimezone(card.rules.zone).date()),
    )
    if decision is None:
        return 0
    change = ledger.Change(card=card, decision=decision, op_key=op_key, transaction_id=new_id(), store_id=card.enrolled_at_store_id)
    granted = decision.entry.points_delta
    ctx.emit(WelcomeBonusGranted(card_id=card_id, transaction_id=change.transaction_id, points=granted))
    await ledger.write(ctx, [change])
    return granted


async def _has_operation(ctx: Ctx, op_key: str) -> bool:
    found: bool = await ctx.conn.fetchval(
        "SELECT EXISTS (SELECT 1 FROM loyalty_transactions WHERE merchant_id = $1 AND op_key = $2)", ctx.merchant_id, op_key
    )
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class FoundCard:
    """A card found at a counter, with its holder (None for an erased person)."""

    card: Card
    customer: customers.CustomerRecord | None


async def search_card_for_store(ctx: Ctx, *, text: str, store_id: uuid.UUID | None) -> list[FoundCard]:
    """Return the cards that `text` names: a card number, a QR content, an e-mail, a phone number or a name (A5).

    With one card per store (A1 off), staff of `store_id` find only cards enrolled there; None searches the whole merchant.
    At most 20, the best match first; a number (ours, or that of the system a card was imported from) or QR content gives one or none.
    """
    place = None if (await programs.get_settings(ctx)).allow_cross_location_redemption else store_id
    scan = card_number.parse_scan(text)
    card = await card_queries.find_by_scan(ctx, scan) if scan is not None else None
    external = card_number.parse_external(text)
    if card is None and external is not None:
        card = await card_queries.find_by_external_number(ctx, external)
    if card is not None and card.merged_into_id is not None:  # an old card in somebody's purse still opens their account
        card = await card_queries.get_card(ctx, card.merged_into_id)
    if scan is not None or card is not None:
        return await with_customers(ctx, [card]) if card is not None and place in (None, card.enrolled_at_store_id) else []
    people = await customers.search_customers(ctx, text, limit=MAX_FOUND if place is None else MAX_CANDIDATES)
    by_id = {person.id: person for person in people}
    order = {customer_id: position for position, customer_id in enumerate(by_id)}
    cards = await card_queries.list_of_customers(ctx, list(by_id), store_id=place)
    found = [(card.customer_id, card) for card in cards if card.customer_id]
    found.sort(key=lambda item: order[item[0]])
    return [FoundCard(card, by_id[customer_id]) for customer_id, card in found[:MAX_FOUND]]


async def with_customers(ctx: Ctx, found: Sequence[Card]) -> list[FoundCard]:
    """Return `found` with their holders, read in one call."""
    people = await customers.get_many(ctx, [card.customer_id for card in found if card.customer_id])
    return [FoundCard(card, people.get(card.customer_id) if card.customer_id else None) for card in found]


async def get_card_for_store(ctx: Ctx, card_id: uuid.UUID) -> FoundCard:
    """Return a card that the caller's store serves; CardNotFoundException otherwise."""
    card = await card_queries.get_card(ctx, card_id)
    store_id = ctx.actor.store_id
    if store_id is not None and store_id != card.enrolled_at_store_id:
        settings = await programs.get_settings(ctx)
        if not settings.allow_cross_location_redemption:
            raise CardNotFoundException
    return (await with_customers(ctx, [card]))[0]


async def set_active(ctx: Ctx, card_id: uuid.UUID, *, is_active: bool, reason: str) -> Card:
    """Switch a card off or on; a merged card stays merged (CardMergedException). Doing it twice changes nothing."""
    (locked,) = await locks.lock_cards(ctx, [card_id], zone=await tenancy.merchant_zone(ctx))
    if locked is None:
        raise CardNotFoundException
    if locked.state.status is CardStatus.MERGED:
        raise CardMergedException
    wanted = CardStatus.ACTIVE if is_active else CardStatus.DEACTIVATED
    if locked.state.status is not wanted:
        await ctx.conn.execute(SET_STATUS, ctx.merchant_id, card_id, wanted.value, None if is_active else ctx.now, ctx.now)
        ctx.emit(CardActivated(card_id=card_id) if is_active else CardDeactivated(card_id=card_id))
        await audit.record(ctx, "loyalty.card.activated" if is_active else "loyalty.card.deactivated", "card", card_id, reason=reason)
    return await card_queries.get_card(ctx, card_id)


async def anonymize_cards_for_customer(ctx: Ctx, customer_id: uuid.UUID) -> privacy_service.Receipt:
    """Erase a customer (G3): their cards lead to nobody any more, everything else that is kept of them goes, the history stays.

    Raises as `privacy_service.erase_customer`, which also erases for other reasons than a request.
    """
    return await privacy_service.erase_customer(ctx, customer_id)
