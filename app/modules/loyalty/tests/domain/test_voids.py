"""Voids and refunds: domain.md, Voids and corrections."""

import dataclasses
import datetime as dt
import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.loyalty.domain.balances import CardState, ProgramRules
from app.modules.loyalty.domain.enums import CardStatus, TransactionType, VoidPolicy
from app.modules.loyalty.domain.expiry import expire_points
from app.modules.loyalty.domain.points import earn_points, points_for_purchase, redeem_points, scale_rate
from app.modules.loyalty.domain.stamps import redeem_stamps, stamp
from app.modules.loyalty.domain.voids import VOIDABLE, Original, refund, void
from app.modules.loyalty.errors import (
    CardMergedException,
    PointsAlreadySpentException,
    RefundExceedsPurchaseException,
    StampsAlreadySpentException,
    TransactionAlreadyVoidedException,
    TransactionNotRefundableException,
    TransactionNotVoidableException,
)
from app.modules.loyalty.tests.domain.builders import LUXEMBOURG, NOW, assert_sound, make_card, make_row, make_rules, row_of

BLOCK, FORGIVE, OWE = (make_rules(void_policy=policy) for policy in (VoidPolicy.BLOCK, VoidPolicy.FORGIVE, VoidPolicy.OWE))


def spent_card() -> tuple[CardState, Original, Original]:
    """Return a card that earned 100 points and spent 80 of them, and the two rows."""
    earned = earn_points(make_card(), BLOCK, amount_cents=10_000, now=NOW)
    redeemed = redeem_points(earned.card, BLOCK, points=80, now=NOW)
    return redeemed.card, row_of(earned), row_of(redeemed)


def test_block_refuses_and_changes_nothing() -> None:
    card, earn, _ = spent_card()
    with pytest.raises(PointsAlreadySpentException) as refusal:
        void(card, BLOCK, earn)
    assert refusal.value.params == {"missing": 80}
    assert card.points_balance == 20


def test_forgive_takes_what_is_there_and_books_the_rest_as_forgiven() -> None:
    card, earn, _ = spent_card()
    decision = void(card, FORGIVE, earn)
    assert (decision.card.points_balance, decision.card.points_owed) == (0, 0)
    assert (decision.entry.points_delta, decision.entry.points_forgiven, decision.entry.reverses_id) == (-20, 80, earn.id)
    assert_sound(card, decision)


def test_owe_takes_what_is_there_and_keeps_the_rest_as_owed() -> None:
    card, earn, redemption = spent_card()
    decision = void(card, OWE, earn)
    assert (decision.card.points_balance, decision.card.points_owed) == (0, 80)
    assert (decision.entry.points_delta, decision.entry.owed_delta, decision.entry.points_forgiven) == (-100, 80, 0)
    assert_sound(card, decision)
    cancelled = void(decision.card, OWE, redemption)
    assert (cancelled.card.points_balance, cancelled.card.points_owed) == (0, 0)
    assert_sound(decision.card, cancelled)


@pytest.mark.parametrize("rules", [BLOCK, FORGIVE, OWE])
def test_a_void_of_points_that_are_there_is_the_same_under_every_policy(rules: ProgramRules) -> None:
    card = make_card(points_balance=7)
    earned = earn_points(card, BLOCK, amount_cents=500, now=NOW)
    decision = void(earned.card, rules, row_of(earned))
    assert (decision.card.points_balance, decision.entry.points_delta, decision.entry.type) == (7, -5, TransactionType.POINTS_VOIDED)
    assert decision.card.total_points_voided == 5


def test_voiding_an_earn_that_paid_debt_brings_the_debt_back() -> None:
    card = make_card(points_owed=10)
    earned = earn_points(card, BLOCK, amount_cents=3_000, now=NOW)
    assert (earned.card.points_balance, earned.card.points_owed) == (20, 0)
    for rules in (BLOCK, FORGIVE, OWE):
        decision = void(earned.card, rules, row_of(earned))
        assert (decision.card.points_balance, decision.card.points_owed, decision.entry.points_forgiven) == (0, 10, 0)
        assert_sound(earned.card, decision)


def test_debt_that_came_back_does_not_hide_what_was_spent() -> None:
    earned = earn_points(make_card(points_owed=10), BLOCK, amount_cents=3_000, now=NOW)
    spent = redeem_points(earned.card, BLOCK, points=15, now=NOW)
    with pytest.raises(PointsAlreadySpentException) as refusal:
        void(spent.card, BLOCK, row_of(earned))
    assert refusal.value.params == {"missing": 15}
    forgiven = void(spent.card, FORGIVE, row_of(earned))
    assert (forgiven.card.points_owed, forgiven.entry.points_delta, forgiven.entry.points_forgiven) == (10, -15, 15)
    assert void(spent.card, OWE, row_of(earned)).card.points_owed == 25


def expired_card() -> tuple[CardState, Original]:
    """Return a card that earned 100 points, spent 80 of them and lost the other 20 by expiry, and the earn."""
    card, earn, _ = spent_card()
    rules = make_rules(points_expiration_days=30)
    expired = expire_points(card, rules, now=NOW + dt.timedelta(days=40))
    assert expired is not None
    assert expired.entry.points_delta == -20
    return expired.card, dataclasses.replace(earn, expired_points=20)


def test_points_that_expired_become_no_debt() -> None:
    card, earn = expired_card()
    decision = void(card, OWE, earn)
    assert (decision.card.points_balance, decision.card.points_owed) == (0, 80)
    assert (decision.entry.points_delta, decision.entry.owed_delta, decision.entry.points_forgiven) == (-80, 80, 20)
    assert_sound(card, decision)
    forgiven = void(card, FORGIVE, earn)
    assert (forgiven.card.points_owed, forgiven.entry.points_delta, forgiven.entry.points_forgiven) == (0, 0, 100)
    with pytest.raises(PointsAlreadySpentException) as refusal:
        void(card, BLOCK, earn)
    assert refusal.value.params == {"missing": 80}


@pytest.mark.parametrize("rules", [BLOCK, FORGIVE, OWE])
def test_an_earn_that_expired_whole_is_voided_without_touching_later_points(rules: ProgramRules) -> None:
    row = make_row(TransactionType.POINTS_EARNED, points_delta=100, amount_cents=10_000, points_rate=10_000, expired_points=150)
    card = make_card(points_balance=40)
    decision = void(card, rules, row)
    assert (decision.card.points_balance, decision.card.points_owed) == (40, 0)
    assert (decision.entry.points_delta, decision.entry.points_forgiven, decision.entry.reverses_id) == (0, 100, row.id)
    assert_sound(card, decision)


def test_refunds_let_go_of_expired_points_first() -> None:
    card, earn = expired_card()
    half = refund(card, OWE, earn, refund_cents=5_000)
    assert (half.entry.points_delta, half.entry.points_forgiven, half.card.points_owed) == (-30, 20, 30)
    rest = refund(half.card, OWE, dataclasses.replace(earn, refunded_cents=5_000, refunded_points=50, expired_points=0), refund_cents=5_000)
    assert (rest.entry.points_delta, rest.entry.points_forgiven, rest.card.points_owed) == (-50, 0, 80)


def test_debt_whose_payment_expired_comes_back_only_beyond_it() -> None:
    """30 points earned: 10 paid a debt, 20 expired. Taken back, the 10 are owed again."""
    earned = earn_points(make_card(points_owed=10), OWE, amount_cents=3_000, now=NOW)
    expired = expire_points(earned.card, make_rules(points_expiration_days=30), now=NOW + dt.timedelta(days=40))
    assert expired is not None
    decision = void(expired.card, BLOCK, row_of(earned, expired_points=20))
    assert (decision.card.points_owed, decision.entry.points_delta, decision.entry.points_forgiven) == (10, -10, 20)


@pytest.mark.parametrize("kind", sorted(set(TransactionType) - VOIDABLE))
def test_voids_bonuses_and_corrections_cannot_be_voided(kind: TransactionType) -> None:
    with pytest.raises(TransactionNotVoidableException):
        void(make_card(points_balance=10, stamp_count=10), FORGIVE, make_row(kind, points_delta=1))


@pytest.mark.parametrize("kind", sorted(VOIDABLE))
def test_a_row_is_voided_once(kind: TransactionType) -> None:
    with pytest.raises(TransactionAlreadyVoidedException):
        void(make_card(points_balance=10, stamp_count=10), FORGIVE, make_row(kind, points_delta=1, is_voided=True))


def test_cancelling_a_redemption_returns_exactly_what_it_took() -> None:
    card, _, redemption = spent_card()
    decision = void(card, BLOCK, redemption)
    assert (decision.card.points_balance, decision.entry.points_delta) == (100, 80)
    assert decision.entry.type is TransactionType.REDEMPTION_CANCELLED
    assert decision.card.total_points_redeemed == 0
    assert_sound(card, decision)


def test_cancelling_a_stamp_redemption_returns_the_stamps_and_their_target() -> None:
    rules = make_rules(stamps_target=12)
    card = make_card(stamp_count=10)
    redeemed = redeem_stamps(card, rules, now=NOW)
    assert redeemed.card.stamps_target == 12
    decision = void(redeemed.card, rules, row_of(redeemed))
    assert (decision.card.stamp_count, decision.card.stamps_target, decision.card.rewards_ready) == (10, 10, 1)
    assert decision.rewards_ready == 0  # the customer knows of this reward already
    assert_sound(redeemed.card, decision)


def test_redeemed_stamps_are_blocked_or_forgiven_never_owed() -> None:
    stamped = stamp(make_card(stamp_count=8), BLOCK, count=3, now=NOW, store_zone=LUXEMBOURG)
    redeemed = redeem_stamps(stamped.card, BLOCK, now=NOW)
    for rules in (BLOCK, OWE):
        with pytest.raises(StampsAlreadySpentException) as refusal:
            void(redeemed.card, rules, row_of(stamped))
        assert refusal.value.params == {"missing": 2}
    forgiven = void(redeemed.card, FORGIVE, row_of(stamped))
    assert (forgiven.card.stamp_count, forgiven.entry.stamps_delta, forgiven.entry.stamps_forgiven) == (0, -1, 2)
    assert_sound(redeemed.card, forgiven)


def test_a_deactivated_card_can_be_corrected_a_merged_one_cannot() -> None:
    earn = make_row(TransactionType.POINTS_EARNED, points_delta=5, amount_cents=500, points_rate=10_000)
    assert void(make_card(points_balance=5, status=CardStatus.DEACTIVATED), BLOCK, earn).card.points_balance == 0
    with pytest.raises(CardMergedException):
        void(make_card(points_balance=5, status=CardStatus.MERGED), BLOCK, earn)
    with pytest.raises(CardMergedException):
        refund(make_card(points_balance=5, status=CardStatus.MERGED), BLOCK, earn, refund_cents=1)


def test_the_refunds_of_the_rules_example() -> None:
    rules = make_rules(points_rate=scale_rate(decimal.Decimal("0.1")))
    earned = earn_points(make_card(), rules, amount_cents=2_190, now=NOW)
    assert earned.entry.points_delta == 2
    card = earned.card
    deltas: list[int] = []
    later_rules = make_rules(points_rate=50_000, minimum_purchase_cents=5_000)  # "follow the rule of its moment"
    for number in range(3):
        row = row_of(earned, refunded_cents=500 * number, refunded_points=-sum(deltas))
        decision = refund(card, later_rules, row, refund_cents=500)
        assert_sound(card, decision)
        assert (decision.entry.refunds_id, decision.entry.amount_cents) == (row.id, 500)
        card = decision.card
        deltas.append(decision.entry.points_delta)
    assert deltas == [-1, 0, -1]


@given(
    amount=st.integers(1, 10_000_000),
    rate=st.integers(0, 1_000_000),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=6),
)
def test_refunds_telescope(amount: int, rate: int, shares: list[float]) -> None:
    if points_for_purchase(amount, rate) > 1_000_000:
        rate //= 100
    rules = make_rules(points_rate=rate)
    earned = earn_points(make_card(), rules, amount_cents=amount, now=NOW)
    card, cents, points = earned.card, 0, 0
    for share in shares:
        part = int((amount - cents) * share)
        if part == 0:
            continue
        decision = refund(card, rules, row_of(earned, refunded_cents=cents, refunded_points=points), refund_cents=part)
        assert_sound(card, decision)
        card, cents, points = decision.card, cents + part, points - decision.entry.points_delta
    assert card.points_balance == points_for_purchase(amount - cents, rate)
    rest = void(card, rules, row_of(earned, refunded_cents=cents, refunded_points=points))
    assert rest.card.points_balance == 0


def test_a_refund_is_at_most_what_is_left() -> None:
    row = make_row(TransactionType.POINTS_EARNED, points_delta=10, amount_cents=1_000, points_rate=10_000, refunded_cents=400)
    for refund_cents in (601, 0, -1):
        with pytest.raises(RefundExceedsPurchaseException) as refusal:
            refund(make_card(points_balance=10), BLOCK, row, refund_cents=refund_cents)
        assert refusal.value.params == {"refundable_cents": 600}


def test_only_unvoided_purchases_are_refunded() -> None:
    with pytest.raises(TransactionNotRefundableException):
        refund(make_card(), BLOCK, make_row(TransactionType.BONUS_GRANTED, points_delta=5), refund_cents=1)
    voided = make_row(TransactionType.POINTS_EARNED, points_delta=10, amount_cents=1_000, points_rate=10_000, is_voided=True)
    with pytest.raises(TransactionAlreadyVoidedException):
        refund(make_card(), BLOCK, voided, refund_cents=1)


def test_a_refund_of_spent_points_follows_the_policy() -> None:
    card, earn, _ = spent_card()
    with pytest.raises(PointsAlreadySpentException):
        refund(card, BLOCK, earn, refund_cents=5_000)
    forgiven = refund(card, FORGIVE, earn, refund_cents=5_000)
    assert (forgiven.entry.points_delta, forgiven.entry.points_forgiven) == (-20, 30)
    assert refund(card, OWE, earn, refund_cents=5_000).card.points_owed == 30


def test_refund_and_then_void_bring_paid_debt_back_once() -> None:
    earned = earn_points(make_card(points_owed=10), OWE, amount_cents=3_000, now=NOW)
    refunded = refund(earned.card, BLOCK, row_of(earned), refund_cents=2_500)
    assert (refunded.card.points_balance, refunded.card.points_owed, refunded.entry.owed_delta) == (0, 5, 5)
    row = row_of(earned, refunded_cents=2_500, refunded_points=25, refunded_owed=5)
    voided = void(refunded.card, BLOCK, row)
    assert (voided.card.points_balance, voided.card.points_owed) == (0, 10)


@given(
    balance=st.integers(0, 10_000),
    owed=st.integers(0, 10_000),
    amount=st.integers(1, 1_000_000),
    policy=st.sampled_from(VoidPolicy),
)
def test_void_after_earn_is_identity(balance: int, owed: int, amount: int, policy: VoidPolicy) -> None:
    rules = make_rules(void_policy=policy)
    card = make_card(points_balance=balance) if balance >= owed else make_card(points_owed=owed)
    earned = earn_points(card, rules, amount_cents=amount, now=NOW)
    voided = void(earned.card, rules, row_of(earned))
    assert (voided.card.points_balance, voided.card.points_owed) == (card.points_balance, card.points_owed)
    assert voided.entry.points_delta == -earned.entry.points_delta


@given(before=st.integers(0, 300), count=st.integers(1, 100), policy=st.sampled_from(VoidPolicy))
def test_void_after_stamp_is_identity(before: int, count: int, policy: VoidPolicy) -> None:
    rules = make_rules(void_policy=policy, max_stamps_per_day=100, stamp_cooldown_minutes=5)
    card = make_card(stamp_count=before)
    stamped = stamp(card, rules, count=count, now=NOW, store_zone=LUXEMBOURG)
    voided = void(stamped.card, rules, row_of(stamped))
    assert (voided.card.stamp_count, voided.card.stamps_today, voided.card.last_stamp_at) == (before, 0, None)
    assert stamp(voided.card, rules, count=count, now=NOW, store_zone=LUXEMBOURG).card.stamp_count == before + count


@given(balance=st.integers(1, 10_000), cost=st.integers(1, 10_000), policy=st.sampled_from(VoidPolicy))
def test_void_after_redeem_is_identity(balance: int, cost: int, policy: VoidPolicy) -> None:
    rules = make_rules(void_policy=policy)
    card = make_card(points_balance=max(balance, cost))
    redeemed = redeem_points(card, rules, points=cost, now=NOW)
    voided = void(redeemed.card, rules, row_of(redeemed))
    assert voided.card.points_balance == card.points_balance
    assert voided.entry.points_delta == -redeemed.entry.points_delta
