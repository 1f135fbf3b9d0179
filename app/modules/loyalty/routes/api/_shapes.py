"""Between bodies, services and answers: what several faces shape alike."""

import datetime as dt
import uuid
from collections.abc import Sequence

from app.core.context import Ctx
from app.modules.cms import public as cms
from app.modules.customers.public import ConsentSource, CustomerRecord
from app.modules.loyalty.domain import points, program
from app.modules.loyalty.domain.balances import CardState
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.domain.enums import TransactionType
from app.modules.loyalty.queries.pins import StaffPin
from app.modules.loyalty.queries.programs import MerchantSettings, Program
from app.modules.loyalty.queries.rewards import Reward
from app.modules.loyalty.queries.transactions import HistoryRow
from app.modules.loyalty.schemas.cards import CardBalance, CardChange, CardDetail, HistoryEntry, Holder, TransactionAnswer
from app.modules.loyalty.schemas.person import EnrollmentForm
from app.modules.loyalty.schemas.store import RewardOffer, StaffName, TerminalProgram
from app.modules.loyalty.schemas.storefront import EnrollAnswer, OwnHistoryEntry, Profile, StorefrontProgram, StoreInfo, TermsPage
from app.modules.loyalty.services import terms_service
from app.modules.loyalty.services.card_service import Applicant, FoundCard
from app.modules.loyalty.services.ledger import Change
from app.modules.loyalty.services.storefront_service import Offer, StorefrontEnrollment
from app.modules.tenancy.public import StoreView


def applicant(form: EnrollmentForm, source: ConsentSource) -> Applicant:
    """Return who filled in `form`; `source` is where."""
    return Applicant(
        first_name=form.first_name,
        last_name=form.last_name,
        email=form.email,
        phone=form.phone or None,
        birth_date=form.birth_date,
        locale=form.locale,
        wants_marketing=form.wants_marketing,
        terms_seen=form.terms_seen,
        source=source,
    )


def card_balance(card_id: uuid.UUID, number: str, state: CardState) -> CardBalance:
    """Return a card's balances as they are answered."""
    progress = program.stamp_progress(state)
    return CardBalance.model_construct(
        id=card_id,
        card_number=format_number(number),
        status=state.status,
        stamp_count=state.stamp_count,
        stamps_target=progress.target,
        stamps_filled=progress.filled,
        rewards_ready=progress.rewards_ready,
        points_balance=state.points_balance,
        points_owed=state.points_owed,
    )


def card_change(change: Change, now: dt.datetime) -> CardChange:
    """Return what a mutation did, as it is answered."""
    decision = change.decision
    entry = decision.entry
    return CardChange.model_construct(
        card=card_balance(change.card.id, change.card.card_number, decision.card),
        transaction=TransactionAnswer.model_construct(
            id=change.transaction_id,
            type=entry.type,
            stamps_delta=entry.stamps_delta,
            points_delta=entry.points_delta,
            points_forgiven=entry.points_forgiven,
            stamps_forgiven=entry.stamps_forgiven,
            created_at=now,
        ),
        new_rewards=decision.rewards_ready,
    )


def card_detail(found: FoundCard) -> CardDetail:
    """Return a card with its holder."""
    card, person = found.card, found.customer
    holder = None
    if person is not None and not person.is_anonymized:
        holder = Holder(customer_id=person.id, first_name=person.first_name, last_name=person.last_name, email=person.email)
    balance = card_balance(card.id, card.card_number, card.state)
    return CardDetail(**balance.model_dump(), holder=holder, enrolled_at_store_id=card.enrolled_at_store_id, created_at=card.created_at)


def history_entry(row: HistoryRow, store_names: dict[uuid.UUID, str], *, voidable: frozenset[TransactionType]) -> HistoryEntry:
    """Return a history row with the names of its store and people."""
    return HistoryEntry(
        id=row.id,
        type=row.type,
        created_at=row.created_at,
        store_id=row.store_id,
        store_name=store_names.get(row.store_id) if row.store_id else None,
        staff_name=row.staff_name,
        reward_name=row.reward_name,
        stamps_delta=row.stamps_delta,
        points_delta=row.points_delta,
        stamps_after=row.stamps_after,
        points_after=row.points_after,
        amount_cents=row.amount_cents,
        points_rate=row.points_rate,
        stamps_target=row.stamps_target,
        order_reference=row.order_reference,
        is_voided=row.is_voided,
        can_void=row.type in voidable and not row.is_voided and not row.is_of_merged_card,
    )


def staff_name(pin: StaffPin, now: dt.datetime) -> StaffName:
    """Return a staff member as the terminal shows them at `now`."""
    is_locked = pin.locked_until is not None and pin.locked_until > now
    return StaffName(id=pin.id, display_name=pin.display_name, role=pin.role, is_locked=is_locked)


def reward_offer(reward: Reward) -> RewardOffer:
    """Return a reward as customers and the terminal see it."""
    return RewardOffer(id=reward.id, name=reward.name, description=reward.description, cost_points=reward.cost_points)


def terminal_program(live: Program, settings: MerchantSettings, offered: Sequence[Reward]) -> TerminalProgram:
    """Return what the terminal shows and previews with: type, targets, rates, rewards."""
    return TerminalProgram(
        type=live.type,
        name=live.name,
        card_name=live.card_name,
        colour=live.colour,
        is_active=live.is_active,
        stamps_target=live.stamps_target,
        stamp_reward=live.stamp_reward,
        max_stamps_per_day=live.max_stamps_per_day,
        points_rate=points.scale_rate(live.points_per_euro),
        minimum_purchase_cents=live.minimum_purchase_cents,
        minimum_redemption_points=live.minimum_redemption_points,
        redeem_limit_points=settings.redeem_limit_points,
        rewards=[reward_offer(reward) for reward in offered],
    )


def store_info(store: StoreView) -> StoreInfo:
    """Return a store with its address on one line."""
    return StoreInfo(id=store.id, code=store.code, name=store.name, address=store.address, opening_text=store.opening_text or "")


def terms_page(page: cms.PublishedPage, offer: Offer) -> TermsPage:
    """Return which page is agreed to at a store, and how an enrollment says so."""
    path = f"/s/{offer.store.code}/loyalty/terms"
    return TermsPage(title=page.title, path=path, locale=page.locale, seen=terms_service.text_of(page).seen)


async def storefront_program(ctx: Ctx, offer: Offer) -> StorefrontProgram:
    """Return a store's program as its customers see it."""
    program = offer.program
    page = await terms_service.find_terms_page(ctx, program, ctx.locale)
    return StorefrontProgram(
        merchant_name=offer.merchant_name,
        store=store_info(offer.store),
        stores=[store_info(store) for store in offer.stores],
        works_at_all_locations=offer.works_at_all_locations,
        type=program.type,
        name=program.name,
        card_name=program.card_name,
        colour=program.colour,
        is_active=program.is_active,
        stamps_target=program.stamps_target,
        stamp_reward=program.stamp_reward,
        points_per_euro=f"{program.points_per_euro.normalize():f}",
        welcome_bonus_points=program.welcome_bonus_points,
        points_expiration_days=program.points_expiration_days,
        terms_text=program.terms_text,
        terms_page=None if page is None else terms_page(page, offer),
        rewards=[reward_offer(reward) for reward in offer.rewards],
        google_wallet_enabled=offer.google_wallet_enabled,
    )


def enroll_answer(outcome: StorefrontEnrollment, offer: Offer) -> EnrollAnswer:
    """Return what a public enrollment tells: nothing of a person the merchant knew before."""
    card = outcome.card
    return EnrollAnswer(
        already_enrolled=outcome.already_enrolled,
        works_at_all_locations=offer.works_at_all_locations,
        stores=[store_info(store) for store in offer.stores],
        card=None if card is None else card_balance(card.id, card.card_number, card.state),
        welcome_points=outcome.welcome_points,
        next=f"/s/{offer.store.code}/loyalty/success{'' if card else '?known=1'}",
    )


def own_history_entry(row: HistoryRow, store_names: dict[uuid.UUID, str]) -> OwnHistoryEntry:
    """Return a history row as its card's holder sees it."""
    return OwnHistoryEntry(
        id=row.id,
        type=row.type,
        created_at=row.created_at,
        store_name=store_names.get(row.store_id) if row.store_id else None,
        reward_name=row.reward_name,
        stamps_delta=row.stamps_delta,
        points_delta=row.points_delta,
        stamps_after=row.stamps_after,
        points_after=row.points_after,
        amount_cents=row.amount_cents,
        is_voided=row.is_voided,
    )


def profile(customer: CustomerRecord, wants_marketing: bool) -> Profile:
    """Return one's own data."""
    return Profile(
        first_name=customer.first_name,
        last_name=customer.last_name,
        email=customer.email,
        phone=customer.phone,
        birth_date=customer.birth_date,
        locale=customer.locale,
        wants_marketing=wants_marketing,
    )
