"""Merging several cards of one customer into the oldest (A12), when cross-location redemption is switched on."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence

from app.modules.loyalty.domain import expiry
from app.modules.loyalty.domain.balances import CardState, Decision, Entry, ProgramRules, book, require_usable
from app.modules.loyalty.domain.enums import CardStatus, TransactionType
from app.modules.loyalty.errors import NothingToMergeException


@dataclasses.dataclass(frozen=True, slots=True)
class MergeCard:
    """One card of the customer: its id, when it was enrolled and its state under the lock."""

    id: uuid.UUID
    enrolled_at: dt.datetime
    state: CardState


@dataclasses.dataclass(frozen=True, slots=True)
class MergePlan:
    """What a merge writes: a decision for each source card, in the order given by `sources`, and one for the target.

    The target's `merge_in` rows are its last ones, one per source and in the same order, so each pair can be linked.
    """

    target_id: uuid.UUID
    target: Decision
    sources: tuple[tuple[uuid.UUID, Decision], ...]


def pick_target(cards: Sequence[MergeCard]) -> MergeCard:
    """Return the oldest card, by enrollment and then by id. NothingToMergeException for fewer than two."""
    if len(cards) < 2:
        raise NothingToMergeException
    return min(cards, key=_age)


def _age(card: MergeCard) -> tuple[dt.datetime, uuid.UUID]:
    return card.enrolled_at, card.id


def plan_merge(cards: Sequence[MergeCard], rules: ProgramRules, *, now: dt.datetime) -> MergePlan:
    """Return how all `cards` of one customer become the oldest of them. Refuses unusable cards as `require_usable` does.

    Balances, debts and stamps add up: the sum of net points and of stamps is the same before and after, debt on one card is paid
    from another. Due points expire first, card by card: a visit with one card must not revive another's. The merged card has the
    lowest target of all, so no reward that was ready is lost, and its daily quota and cool-down are those of all cards together.
    """
    target = pick_target(cards)
    for card in cards:
        require_usable(card.state)
    sources = sorted((card for card in cards if card.id != target.id), key=_age)
    state, expired = expiry.settle(target.state, rules, now)
    entries: list[Entry] = list(expired)
    emptied: list[tuple[uuid.UUID, Decision]] = []
    for source in sources:
        source_state, source_expired = expiry.settle(source.state, rules, now)
        after, merge_out = _book_out(source_state)
        emptied.append((source.id, Decision(after, (*source_expired, merge_out))))
        state, merge_in = _book_in(state, source_state)
        entries.append(merge_in)
    ready_before = sum(card.state.rewards_ready for card in cards)
    return MergePlan(target.id, Decision(state, tuple(entries), max(0, state.rewards_ready - ready_before)), tuple(emptied))


def _book_out(source: CardState) -> tuple[CardState, Entry]:
    """Empty a source card; its totals move with its balance."""
    after, entry = book(source, TransactionType.MERGE_OUT, stamps=-source.stamp_count, points=-source.net_points, may_owe=True)
    emptied = dataclasses.replace(
        after,
        status=CardStatus.MERGED,
        stamps_today=0,
        visit_count=0,
        total_stamps_earned=0,
        total_stamps_redeemed=0,
        total_stamps_voided=0,
        total_points_earned=0,
        total_points_redeemed=0,
        total_points_voided=0,
    )
    return emptied, entry


def _book_in(target: CardState, source: CardState) -> tuple[CardState, Entry]:
    """Add a source card's balance, totals, quota and visits to the target."""
    after, entry = book(target, TransactionType.MERGE_IN, stamps=source.stamp_count, points=source.net_points, may_owe=True)
    stamps_day = max((day for day in (target.stamps_day, source.stamps_day) if day is not None), default=None)
    merged = dataclasses.replace(
        after,
        stamps_target=min(target.stamps_target, source.stamps_target),
        last_activity_at=max(target.last_activity_at, source.last_activity_at),
        last_stamp_at=_latest(target.last_stamp_at, source.last_stamp_at),
        stamps_day=stamps_day,
        stamps_today=sum(card.stamps_today for card in (target, source) if card.stamps_day == stamps_day),
        first_visit_at=min((at for at in (target.first_visit_at, source.first_visit_at) if at is not None), default=None),
        visit_count=target.visit_count + source.visit_count,
        # The warning that counts is the one of the card whose activity now sets the date.
        last_expiration_warning_at=max(target, source, key=_activity).last_expiration_warning_at,
        total_stamps_earned=target.total_stamps_earned + source.total_stamps_earned,
        total_stamps_redeemed=target.total_stamps_redeemed + source.total_stamps_redeemed,
        total_stamps_voided=target.total_stamps_voided + source.total_stamps_voided,
        total_points_earned=target.total_points_earned + source.total_points_earned,
        total_points_redeemed=target.total_points_redeemed + source.total_points_redeemed,
        total_points_voided=target.total_points_voided + source.total_points_voided,
    )
    return merged, entry


def _latest(first: dt.datetime | None, second: dt.datetime | None) -> dt.datetime | None:
    return max((at for at in (first, second) if at is not None), default=None)


def _activity(card: CardState) -> dt.datetime:
    return card.last_activity_at
