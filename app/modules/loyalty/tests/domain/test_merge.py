"""Merging cards: A12, "Sums before = sums after"."""

import dataclasses
import datetime as dt
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.loyalty.domain.enums import CardStatus, TransactionType
from app.modules.loyalty.domain.merge import MergeCard, pick_target, plan_merge
from app.modules.loyalty.errors import CardInactiveException, NothingToMergeException
from app.modules.loyalty.tests.domain.builders import NOW, assert_sound, local, make_card, make_rules

RULES = make_rules()
DAY = dt.timedelta(days=1)


def merge_card(age_days: int, number: int = 0, **state: object) -> MergeCard:
    return MergeCard(uuid.UUID(int=number or age_days), NOW - DAY * age_days, make_card(**state))


def test_everything_moves_to_the_oldest_card() -> None:
    old = merge_card(30, stamp_count=4, points_balance=50, visit_count=3, first_visit_at=NOW - DAY * 29)
    young = merge_card(10, stamp_count=3, points_balance=20, visit_count=2, first_visit_at=NOW - DAY * 9, last_activity_at=NOW)
    plan = plan_merge([young, old], RULES, now=NOW)
    assert plan.target_id == old.id
    target = plan.target.card
    assert (target.stamp_count, target.points_balance, target.visit_count) == (7, 70, 5)
    assert (target.first_visit_at, target.last_activity_at) == (NOW - DAY * 29, NOW)
    [(source_id, emptied)] = plan.sources
    assert source_id == young.id
    assert (emptied.card.status, emptied.card.stamp_count, emptied.card.net_points, emptied.card.visit_count) == (
        CardStatus.MERGED,
        0,
        0,
        0,
    )
    assert (emptied.entry.type, emptied.entry.stamps_delta, emptied.entry.points_delta) == (TransactionType.MERGE_OUT, -3, -20)
    assert (plan.target.entry.type, plan.target.entry.stamps_delta, plan.target.entry.points_delta) == (TransactionType.MERGE_IN, 3, 20)


def test_debt_on_one_card_is_paid_from_another() -> None:
    paid = plan_merge([merge_card(30, points_balance=50), merge_card(10, points_owed=20)], RULES, now=NOW)
    assert (paid.target.card.points_balance, paid.target.card.points_owed) == (30, 0)
    assert paid.sources[0][1].entry.points_delta == 20
    owing = plan_merge([merge_card(30, points_owed=50), merge_card(10, points_balance=20)], RULES, now=NOW)
    assert (owing.target.card.points_balance, owing.target.card.points_owed) == (0, 30)
    raised = plan_merge([merge_card(30, points_balance=5), merge_card(10, points_owed=20)], RULES, now=NOW)
    assert (raised.target.card.points_balance, raised.target.card.points_owed) == (0, 15)


def test_a_reward_that_the_cards_fill_together_is_announced() -> None:
    plan = plan_merge([merge_card(30, stamp_count=6), merge_card(10, stamp_count=6)], RULES, now=NOW)
    assert (plan.target.rewards_ready, plan.target.card.rewards_ready, plan.target.card.stamp_count) == (1, 1, 12)


def test_a_ready_reward_survives_a_card_with_a_higher_target() -> None:
    plan = plan_merge([merge_card(30, stamps_target=12), merge_card(10, stamp_count=10)], RULES, now=NOW)
    assert (plan.target.card.stamps_target, plan.target.card.rewards_ready, plan.target.rewards_ready) == (10, 1, 0)


def test_the_daily_quota_of_all_cards_counts() -> None:
    today = dt.date(2026, 5, 20)
    cards = [
        merge_card(30, stamps_day=today, stamps_today=2, last_stamp_at=NOW - dt.timedelta(hours=2), stamp_count=2),
        merge_card(20, stamps_day=today, stamps_today=1, last_stamp_at=NOW - dt.timedelta(hours=1), stamp_count=1),
        merge_card(10, stamps_day=today - DAY, stamps_today=5, stamp_count=5),
    ]
    target = plan_merge(cards, RULES, now=NOW).target.card
    assert (target.stamps_today, target.stamps_day, target.last_stamp_at) == (3, today, NOW - dt.timedelta(hours=1))


def test_due_points_expire_before_the_merge() -> None:
    rules = make_rules(points_expiration_days=365)
    dead = merge_card(500, points_balance=40, last_activity_at=local("2025-01-10T15:00"))
    alive = merge_card(100, points_balance=7)
    plan = plan_merge([dead, alive], rules, now=NOW)
    assert (plan.target_id, plan.target.card.points_balance) == (dead.id, 7)
    assert [entry.type for entry in plan.target.entries] == [TransactionType.POINTS_EXPIRED, TransactionType.MERGE_IN]
    dead_source = merge_card(50, points_balance=40, last_activity_at=local("2025-01-10T15:00"))
    plan = plan_merge([alive, dead_source], rules, now=NOW)
    assert [entry.type for entry in plan.sources[0][1].entries] == [TransactionType.POINTS_EXPIRED, TransactionType.MERGE_OUT]
    assert plan.target.card.points_balance == 7


def test_the_warning_of_the_last_used_card_counts() -> None:
    warned = merge_card(30, last_activity_at=NOW - DAY * 20, last_expiration_warning_at=NOW - DAY * 3, points_balance=1)
    fresh = merge_card(10, last_activity_at=NOW - DAY * 5, points_balance=1)
    assert plan_merge([warned, fresh], RULES, now=NOW).target.card.last_expiration_warning_at is None


def test_totals_move_with_the_balances() -> None:
    def used(age_days: int, factor: int) -> MergeCard:
        return merge_card(
            age_days,
            stamp_count=2 * factor,
            points_balance=20 * factor,
            total_stamps_earned=9 * factor,
            total_stamps_redeemed=6 * factor,
            total_stamps_voided=factor,
            total_points_earned=90 * factor,
            total_points_redeemed=60 * factor,
            total_points_voided=10 * factor,
        )

    plan = plan_merge([used(30, 1), used(20, 2), used(10, 4)], RULES, now=NOW)
    assert plan.target.card == dataclasses.replace(used(1, 7).state, last_activity_at=plan.target.card.last_activity_at)
    nobodys = make_card(status=CardStatus.MERGED, last_activity_at=plan.target.card.last_activity_at)
    assert [decision.card for _, decision in plan.sources] == [nobodys, nobodys]


def test_of_two_cards_of_one_instant_the_smaller_id_is_the_older() -> None:
    assert pick_target([merge_card(5, 9), merge_card(5, 2), merge_card(4, 1)]).id == uuid.UUID(int=2)


def test_one_card_is_nothing_to_merge_and_unusable_cards_are_refused() -> None:
    with pytest.raises(NothingToMergeException):
        plan_merge([merge_card(5)], RULES, now=NOW)
    with pytest.raises(CardInactiveException):
        plan_merge([merge_card(5), merge_card(4, status=CardStatus.DEACTIVATED)], RULES, now=NOW)


@st.composite
def customers_cards(draw: st.DrawFn) -> list[MergeCard]:
    """Draw two to five cards with balances or debts, of distinct ids."""
    cards = []
    for number in range(1, draw(st.integers(2, 5)) + 1):
        net = draw(st.integers(-500, 500))
        balances = {"points_balance": net} if net >= 0 else {"points_owed": -net}
        stamps, target = draw(st.integers(0, 60)), draw(st.integers(1, 20))
        cards.append(merge_card(draw(st.integers(1, 900)), number, stamp_count=stamps, stamps_target=target, **balances))
    return draw(st.permutations(cards))


@given(customers_cards())
def test_sums_before_are_sums_after(cards: list[MergeCard]) -> None:
    plan = plan_merge(cards, RULES, now=NOW)
    by_id = {card.id: card.state for card in cards}
    after = [plan.target.card, *(decision.card for _, decision in plan.sources)]
    assert sum(card.net_points for card in after) == sum(card.net_points for card in by_id.values())
    assert sum(card.stamp_count for card in after) == sum(card.stamp_count for card in by_id.values())
    assert sum(card.total_points_earned for card in after) == sum(card.total_points_earned for card in by_id.values())
    assert plan.target.card.rewards_ready - plan.target.rewards_ready == sum(card.rewards_ready for card in by_id.values())
    assert_sound(by_id[plan.target_id], plan.target)
    assert len(plan.sources) == len(cards) - 1 == len(plan.target.entries)
    for (source_id, decision), merge_in in zip(plan.sources, plan.target.entries, strict=True):
        assert_sound(by_id[source_id], decision)
        assert decision.entry.points_delta == -merge_in.points_delta
        assert decision.entry.stamps_delta == -merge_in.stamps_delta
