"""Stamps: domain.md, Stamps."""

import datetime as dt
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.loyalty.domain.enums import CardStatus, ProgramType, TransactionType
from app.modules.loyalty.domain.stamps import MAX_STAMPS_AT_ONCE, redeem_stamps, stamp
from app.modules.loyalty.domain.voids import void
from app.modules.loyalty.errors import (
    CardInactiveException,
    CardMergedException,
    DailyStampLimitException,
    NotEnoughStampsException,
    ProgramInactiveException,
    StampCooldownException,
    StampCountException,
    StampsNotOfferedException,
)
from app.modules.loyalty.tests.domain.builders import LUXEMBOURG, NOW, assert_sound, local, make_card, make_rules, row_of

AZORES = zoneinfo.ZoneInfo("Atlantic/Azores")


def test_a_purchase_adds_one_stamp() -> None:
    decision = stamp(make_card(), make_rules(), count=1, now=NOW, store_zone=LUXEMBOURG)
    assert decision.card.stamp_count == 1
    assert decision.rewards_ready == 0
    assert decision.card.last_stamp_at == NOW
    assert decision.card.last_activity_at == NOW
    assert (decision.card.first_visit_at, decision.card.visit_count) == (NOW, 1)
    assert (decision.entry.type, decision.entry.stamps_delta, decision.entry.points_delta) == (TransactionType.STAMP_EARNED, 1, 0)


def test_nine_and_three_of_ten_is_one_reward_and_two_on_the_next_card() -> None:
    card = make_card(stamp_count=9)
    decision = stamp(card, make_rules(), count=3, now=NOW, store_zone=LUXEMBOURG)
    assert decision.card.stamp_count == 12
    assert decision.rewards_ready == 1
    assert decision.card.rewards_ready == 1
    assert decision.entry.stamps_target == 10
    redeemed = redeem_stamps(decision.card, make_rules(), now=NOW)
    assert (redeemed.card.stamp_count, redeemed.entry.stamps_delta, redeemed.rewards_ready) == (2, -10, 0)
    assert_sound(card, decision)
    assert_sound(decision.card, redeemed)


@pytest.mark.parametrize(
    ("before", "count", "ready"),
    [(0, 9, 0), (9, 1, 1), (10, 1, 0), (10, 9, 0), (19, 1, 1), (9, 11, 2), (9, 12, 2), (0, 100, 10)],
)
def test_a_reward_is_ready_each_time_a_multiple_of_the_target_is_reached(before: int, count: int, ready: int) -> None:
    decision = stamp(make_card(stamp_count=before), make_rules(), count=count, now=NOW, store_zone=LUXEMBOURG)
    assert decision.rewards_ready == ready


@given(before=st.integers(0, 500), target=st.integers(1, 100), counts=st.lists(st.integers(1, 100), min_size=1, max_size=8))
def test_stamps_in_parts_ready_as_many_rewards_as_at_once(before: int, target: int, counts: list[int]) -> None:
    card = start = make_card(stamp_count=before, stamps_target=target)
    ready = 0
    for count in counts:
        decision = stamp(card, make_rules(), count=count, now=NOW, store_zone=LUXEMBOURG)
        assert_sound(card, decision)
        card, ready = decision.card, ready + decision.rewards_ready
    assert card.stamp_count == before + sum(counts)
    assert ready == card.stamp_count // target - start.stamp_count // target


def test_an_open_card_is_not_redeemed() -> None:
    with pytest.raises(NotEnoughStampsException) as refusal:
        redeem_stamps(make_card(stamp_count=9), make_rules(), now=NOW)
    assert refusal.value.params == {"stamp_count": 9, "stamps_target": 10, "missing": 1}


def test_a_changed_target_applies_from_the_next_redeem_on() -> None:
    rules = make_rules(stamps_target=12)
    card = make_card(stamp_count=9)
    stamped = stamp(card, rules, count=1, now=NOW, store_zone=LUXEMBOURG)
    assert stamped.rewards_ready == 1  # the ten that the card was promised
    redeemed = redeem_stamps(stamped.card, rules, now=NOW)
    assert (redeemed.card.stamp_count, redeemed.card.stamps_target) == (0, 12)
    full = stamp(redeemed.card, rules, count=10, now=NOW, store_zone=LUXEMBOURG)
    assert full.rewards_ready == 0
    assert stamp(full.card, rules, count=2, now=NOW, store_zone=LUXEMBOURG).rewards_ready == 1


def test_a_lower_target_that_makes_the_rest_a_reward_says_so() -> None:
    redeemed = redeem_stamps(make_card(stamp_count=17), make_rules(stamps_target=5), now=NOW)
    assert (redeemed.card.stamp_count, redeemed.card.rewards_ready, redeemed.rewards_ready) == (7, 1, 1)


def test_redeeming_one_of_two_rewards_announces_nothing() -> None:
    redeemed = redeem_stamps(make_card(stamp_count=25), make_rules(), now=NOW)
    assert (redeemed.card.stamp_count, redeemed.card.rewards_ready, redeemed.rewards_ready) == (15, 1, 0)


@pytest.mark.parametrize("count", [0, -1, MAX_STAMPS_AT_ONCE + 1, 2**63])
def test_impossible_counts_are_refused(count: int) -> None:
    with pytest.raises(StampCountException) as refusal:
        stamp(make_card(), make_rules(), count=count, now=NOW, store_zone=LUXEMBOURG)
    assert refusal.value.params == {"maximum": 100}


def test_more_at_once_than_a_day_allows_is_refused_without_a_time() -> None:
    with pytest.raises(StampCountException) as refusal:
        stamp(make_card(), make_rules(max_stamps_per_day=3), count=4, now=NOW, store_zone=LUXEMBOURG)
    assert refusal.value.params == {"maximum": 3}
    assert refusal.value.retry_at is None


def test_cool_down_tells_when_to_come_back() -> None:
    rules = make_rules(stamp_cooldown_minutes=30)
    card = stamp(make_card(), rules, count=1, now=NOW, store_zone=LUXEMBOURG).card
    with pytest.raises(StampCooldownException) as refusal:
        stamp(card, rules, count=1, now=NOW + dt.timedelta(minutes=20, seconds=30), store_zone=LUXEMBOURG)
    assert refusal.value.retry_at == NOW + dt.timedelta(minutes=30)
    assert refusal.value.params == {"retry_at": "2026-05-20T10:30:00+00:00", "wait_minutes": 10}
    again = stamp(card, rules, count=1, now=NOW + dt.timedelta(minutes=30), store_zone=LUXEMBOURG)
    assert again.card.stamp_count == 2


def test_a_void_gives_cool_down_and_daily_quota_back() -> None:
    rules = make_rules(stamp_cooldown_minutes=30, max_stamps_per_day=3)
    later = NOW + dt.timedelta(minutes=45)
    first = stamp(make_card(), rules, count=2, now=NOW, store_zone=LUXEMBOURG)
    second = stamp(first.card, rules, count=1, now=later, store_zone=LUXEMBOURG)
    voided = void(second.card, rules, row_of(second, at=later), previous_stamp_at=NOW)
    assert (voided.card.stamp_count, voided.card.stamps_today, voided.card.last_stamp_at) == (2, 2, NOW)
    again = stamp(voided.card, rules, count=1, now=later, store_zone=LUXEMBOURG)
    assert again.card.stamps_today == 3


def test_a_void_on_another_day_leaves_todays_quota_alone() -> None:
    rules = make_rules(max_stamps_per_day=3)
    yesterday = stamp(make_card(), rules, count=3, now=NOW - dt.timedelta(days=1), store_zone=LUXEMBOURG)
    today = stamp(yesterday.card, rules, count=2, now=NOW, store_zone=LUXEMBOURG)
    voided = void(today.card, rules, row_of(yesterday, at=NOW - dt.timedelta(days=1)))
    assert (voided.card.stamp_count, voided.card.stamps_today, voided.card.last_stamp_at) == (2, 2, NOW)


def test_daily_limit_lasts_until_the_stores_midnight() -> None:
    rules = make_rules(max_stamps_per_day=2)
    evening = local("2026-05-20T23:30")
    card = stamp(make_card(), rules, count=2, now=evening, store_zone=LUXEMBOURG).card
    with pytest.raises(DailyStampLimitException) as refusal:
        stamp(card, rules, count=1, now=evening + dt.timedelta(minutes=29), store_zone=LUXEMBOURG)
    midnight = local("2026-05-21T00:00")
    assert refusal.value.retry_at == midnight
    assert refusal.value.params == {"retry_at": "2026-05-20T22:00:00+00:00", "limit": 2, "remaining": 0}
    fresh = stamp(card, rules, count=2, now=midnight, store_zone=LUXEMBOURG)
    assert (fresh.card.stamps_today, fresh.card.stamps_day) == (2, dt.date(2026, 5, 21))


@pytest.mark.parametrize(
    ("day", "hours", "retry_at"),
    [
        ("2026-03-29", 23, dt.datetime(2026, 3, 29, 22, 0, tzinfo=dt.UTC)),
        ("2026-10-25", 25, dt.datetime(2026, 10, 25, 23, 0, tzinfo=dt.UTC)),
    ],
)
def test_the_day_is_23_or_25_hours_long_when_clocks_change(day: str, hours: int, retry_at: dt.datetime) -> None:
    rules = make_rules(max_stamps_per_day=1)
    start = local(f"{day}T00:00")
    card = stamp(make_card(), rules, count=1, now=start, store_zone=LUXEMBOURG).card
    with pytest.raises(DailyStampLimitException) as refusal:
        stamp(card, rules, count=1, now=start + dt.timedelta(hours=hours) - dt.timedelta(seconds=1), store_zone=LUXEMBOURG)
    assert refusal.value.retry_at == retry_at == start + dt.timedelta(hours=hours)
    assert stamp(card, rules, count=1, now=retry_at, store_zone=LUXEMBOURG).card.stamp_count == 2


def test_a_store_further_west_shares_the_later_days_quota() -> None:
    rules = make_rules(max_stamps_per_day=2)
    at = local("2026-05-21T00:30")  # still 20 May on the Azores
    east = stamp(make_card(), rules, count=1, now=at, store_zone=LUXEMBOURG)
    west = stamp(east.card, rules, count=1, now=at, store_zone=AZORES)
    assert (west.card.stamps_today, west.card.stamps_day, west.entry.quota_day) == (2, dt.date(2026, 5, 21), dt.date(2026, 5, 21))
    with pytest.raises(DailyStampLimitException):
        stamp(west.card, rules, count=1, now=at, store_zone=AZORES)
    assert void(west.card, rules, row_of(west, at=at)).card.stamps_today == 1


def test_an_instant_before_the_last_stamp_does_not_turn_the_clock_back() -> None:
    card = stamp(make_card(), make_rules(), count=1, now=NOW, store_zone=LUXEMBOURG).card
    earlier = stamp(card, make_rules(), count=1, now=NOW - dt.timedelta(seconds=1), store_zone=LUXEMBOURG)
    assert earlier.card.last_stamp_at == NOW
    assert earlier.card.last_activity_at == NOW


def test_a_points_program_gives_no_stamps_but_honours_those_collected() -> None:
    rules = make_rules(program_type=ProgramType.POINTS)
    with pytest.raises(StampsNotOfferedException):
        stamp(make_card(), rules, count=1, now=NOW, store_zone=LUXEMBOURG)
    assert redeem_stamps(make_card(stamp_count=10), rules, now=NOW).card.stamp_count == 0


@pytest.mark.parametrize(("status", "refusal"), [(CardStatus.DEACTIVATED, CardInactiveException), (CardStatus.MERGED, CardMergedException)])
def test_unusable_cards_are_refused(status: CardStatus, refusal: type[Exception]) -> None:
    card = make_card(status=status, stamp_count=10)
    with pytest.raises(refusal):
        stamp(card, make_rules(), count=1, now=NOW, store_zone=LUXEMBOURG)
    with pytest.raises(refusal):
        redeem_stamps(card, make_rules(), now=NOW)


def test_a_paused_program_is_refused() -> None:
    with pytest.raises(ProgramInactiveException):
        stamp(make_card(), make_rules(is_active=False), count=1, now=NOW, store_zone=LUXEMBOURG)
