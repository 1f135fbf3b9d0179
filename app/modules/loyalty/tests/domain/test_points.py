"""Points: domain.md, Points."""

import datetime as dt
import decimal
import fractions
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import MAX_AMOUNT_CENTS, MAX_POINTS
from app.modules.loyalty.domain.balances import MAX_BALANCE, RATE_SCALE, book
from app.modules.loyalty.domain.enums import CardStatus, ProgramType, TransactionType
from app.modules.loyalty.domain.points import (
    adjust_points,
    clean_reason,
    earn_points,
    grant_birthday_bonus,
    grant_bonus,
    grant_welcome_bonus,
    import_balance,
    points_for_purchase,
    preview_points,
    redeem_points,
    restore_points,
    scale_rate,
    unscale_rate,
)
from app.modules.loyalty.errors import (
    AdjustmentReasonException,
    AmountOutOfRangeException,
    BalanceLimitException,
    BelowMinimumRedemptionException,
    CardInactiveException,
    NotEnoughPointsException,
    PointsNotOfferedException,
    PointsOutOfRangeException,
    PointsOwedException,
    PurchaseBelowMinimumException,
)
from app.modules.loyalty.tests.domain.builders import NOW, assert_sound, make_card, make_rules

TENTH = scale_rate(decimal.Decimal("0.1"))


@pytest.mark.parametrize(
    ("amount_cents", "rate", "points"),
    [
        (999, "1", 9),  # "9.99 € at 1/€ → 9"
        (1000, "1", 10),
        (99, "1", 0),
        (2190, "0.1", 2),  # "at 1 point per 10 €, 21.90 € earns 2"
        (1690, "0.1", 1),
        (1000, "0.1", 1),
        (999, "0.1", 0),
        (333, "1.5", 4),
        (29, "100", 29),  # 0.29 * 100 is 28.999… as a float
        (115, "100", 115),
        (8000, "0.0125", 1),
    ],
)
def test_points_are_floored_once(amount_cents: int, rate: str, points: int) -> None:
    assert points_for_purchase(amount_cents, scale_rate(decimal.Decimal(rate))) == points


@given(amount_cents=st.integers(0, MAX_AMOUNT_CENTS), rate=st.integers(0, 1000 * RATE_SCALE))
def test_points_are_the_exact_floor(amount_cents: int, rate: int) -> None:
    exact = fractions.Fraction(amount_cents) * fractions.Fraction(rate, RATE_SCALE) / 100
    assert points_for_purchase(amount_cents, rate) == exact.numerator // exact.denominator
    assert scale_rate(unscale_rate(rate)) == rate


def test_a_rate_has_at_most_four_decimal_places() -> None:
    assert scale_rate(decimal.Decimal("0.3333")) == 3333
    with pytest.raises(ValueError, match="four decimal places"):
        scale_rate(decimal.Decimal("0.33333"))


def test_a_purchase_earns_and_is_a_visit() -> None:
    card = make_card(points_balance=5)
    decision = earn_points(card, make_rules(), amount_cents=999, now=NOW)
    assert (decision.card.points_balance, decision.card.last_activity_at, decision.card.visit_count) == (14, NOW, 1)
    assert (decision.entry.points_delta, decision.entry.amount_cents, decision.entry.points_rate) == (9, 999, RATE_SCALE)
    assert_sound(card, decision)


def test_the_minimum_purchase_qualifies_and_a_cent_less_does_not() -> None:
    rules = make_rules(minimum_purchase_cents=500)
    assert earn_points(make_card(), rules, amount_cents=500, now=NOW).card.points_balance == 5
    with pytest.raises(PurchaseBelowMinimumException) as refusal:
        earn_points(make_card(), rules, amount_cents=499, now=NOW)
    assert refusal.value.params == {"amount_cents": 499, "minimum_purchase_cents": 500}
    assert (preview_points(rules, 500), preview_points(rules, 499), preview_points(rules, 0)) == (5, 0, 0)


def test_a_purchase_that_rounds_to_nothing_is_booked() -> None:
    decision = earn_points(make_card(), make_rules(points_rate=TENTH), amount_cents=999, now=NOW)
    assert (decision.entry.points_delta, decision.card.last_activity_at) == (0, NOW)


@pytest.mark.parametrize("amount_cents", [0, -1, MAX_AMOUNT_CENTS + 1, 2**63])
def test_impossible_amounts_are_refused(amount_cents: int) -> None:
    with pytest.raises(AmountOutOfRangeException) as refusal:
        earn_points(make_card(), make_rules(), amount_cents=amount_cents, now=NOW)
    assert refusal.value.params == {"maximum_cents": 100_000_000}


def test_an_amount_beyond_the_points_of_one_row_names_the_largest_that_fits() -> None:
    rules = make_rules(points_rate=1000 * RATE_SCALE)
    with pytest.raises(AmountOutOfRangeException) as refusal:
        earn_points(make_card(), rules, amount_cents=MAX_AMOUNT_CENTS, now=NOW)
    largest = refusal.value.params["maximum_cents"]
    assert largest == 100_000
    assert earn_points(make_card(), rules, amount_cents=largest, now=NOW).card.points_balance == MAX_POINTS


def test_a_balance_has_an_end() -> None:
    with pytest.raises(BalanceLimitException):
        earn_points(make_card(points_balance=MAX_BALANCE), make_rules(), amount_cents=100, now=NOW)


def test_owed_points_are_paid_first() -> None:
    card = make_card(points_owed=10)
    part = earn_points(card, make_rules(), amount_cents=700, now=NOW)
    assert (part.card.points_balance, part.card.points_owed, part.entry.owed_delta) == (0, 3, -7)
    rest = earn_points(part.card, make_rules(), amount_cents=700, now=NOW)
    assert (rest.card.points_balance, rest.card.points_owed, rest.entry.points_delta, rest.entry.owed_delta) == (4, 0, 7, -3)
    assert_sound(card, part)
    assert_sound(part.card, rest)


def test_redeeming_takes_the_cost_and_is_a_visit() -> None:
    card = make_card(points_balance=100)
    decision = redeem_points(card, make_rules(), points=80, now=NOW)
    assert (decision.card.points_balance, decision.entry.points_delta, decision.card.last_activity_at) == (20, -80, NOW)
    assert decision.card.total_points_redeemed == 80
    assert_sound(card, decision)


def test_redeeming_is_blocked_while_points_are_owed() -> None:
    with pytest.raises(PointsOwedException) as refusal:
        redeem_points(make_card(points_owed=3), make_rules(), points=1, now=NOW)
    assert refusal.value.params == {"points_owed": 3}


def test_redeeming_needs_the_balance_and_the_minimum() -> None:
    rules = make_rules(minimum_redemption_points=50)
    with pytest.raises(NotEnoughPointsException) as too_few:
        redeem_points(make_card(points_balance=60), rules, points=61, now=NOW)
    assert too_few.value.params == {"points_balance": 60, "points": 61, "missing": 1}
    with pytest.raises(BelowMinimumRedemptionException):
        redeem_points(make_card(points_balance=60), rules, points=49, now=NOW)
    assert redeem_points(make_card(points_balance=60), rules, points=50, now=NOW).card.points_balance == 10


@pytest.mark.parametrize("points", [0, -5, MAX_POINTS + 1])
def test_impossible_redemptions_are_refused(points: int) -> None:
    with pytest.raises(PointsOutOfRangeException):
        redeem_points(make_card(points_balance=100), make_rules(), points=points, now=NOW)


def test_a_stamp_program_earns_no_points_but_honours_those_collected() -> None:
    rules = make_rules(program_type=ProgramType.STAMPS)
    with pytest.raises(PointsNotOfferedException):
        earn_points(make_card(), rules, amount_cents=1000, now=NOW)
    assert preview_points(rules, 1000) == 0
    assert redeem_points(make_card(points_balance=10), rules, points=10, now=NOW).card.points_balance == 0


def test_the_welcome_bonus_is_given_once_and_not_to_somebody_just_erased() -> None:
    rules = make_rules(welcome_bonus_points=50)
    card = make_card()
    bonus = grant_welcome_bonus(card, rules, had_bonus=False, was_erased_recently=False)
    assert bonus is not None
    assert (bonus.card.points_balance, bonus.entry.type) == (50, TransactionType.WELCOME_BONUS)
    assert bonus.card.last_activity_at == card.last_activity_at
    assert_sound(card, bonus)
    assert grant_welcome_bonus(card, rules, had_bonus=True, was_erased_recently=False) is None
    assert grant_welcome_bonus(card, rules, had_bonus=False, was_erased_recently=True) is None
    assert grant_welcome_bonus(card, make_rules(), had_bonus=False, was_erased_recently=False) is None
    stamps_only = make_rules(welcome_bonus_points=50, program_type=ProgramType.STAMPS)
    assert grant_welcome_bonus(card, stamps_only, had_bonus=False, was_erased_recently=False) is None


def test_bonus_correction_and_import_are_no_activity() -> None:
    card = make_card(points_balance=10)
    imported = import_balance(card, stamps=3, points=4)
    assert imported is not None
    for decision, balance in ((grant_bonus(card, points=5), 15), (adjust_points(card, points=-10), 0), (imported, 14)):
        assert decision.card.points_balance == balance
        assert decision.card.last_activity_at == card.last_activity_at
        assert decision.card.visit_count == 0
        assert_sound(card, decision)
    assert imported.card.stamp_count == 3
    assert import_balance(card, stamps=0, points=0) is None


def test_a_correction_never_makes_debt() -> None:
    with pytest.raises(NotEnoughPointsException):
        adjust_points(make_card(points_balance=10), points=-11)
    with pytest.raises(NotEnoughPointsException):
        adjust_points(make_card(points_owed=10), points=-1)
    assert adjust_points(make_card(points_owed=10), points=10).card.points_owed == 0


def test_the_platforms_correction_has_its_own_name() -> None:
    assert adjust_points(make_card(), points=1).entry.type is TransactionType.POINTS_ADJUSTED
    assert adjust_points(make_card(), points=1, by_platform=True).entry.type is TransactionType.ADMIN_ADJUSTMENT


def test_restoring_expired_points_counts_as_activity() -> None:
    decision = restore_points(make_card(), make_rules(), points=7, now=NOW)
    assert (decision.card.points_balance, decision.card.last_activity_at) == (7, NOW)
    assert decision.entry.type is TransactionType.ADMIN_ADJUSTMENT


@pytest.mark.parametrize("points", [0, MAX_POINTS + 1, -MAX_POINTS - 1])
def test_impossible_corrections_are_refused(points: int) -> None:
    with pytest.raises(PointsOutOfRangeException):
        adjust_points(make_card(points_balance=MAX_POINTS * 3), points=points)
    with pytest.raises(PointsOutOfRangeException):
        grant_bonus(make_card(), points=points)
    with pytest.raises(PointsOutOfRangeException):
        restore_points(make_card(), make_rules(), points=points, now=NOW)


def test_imports_refuse_negative_numbers_and_unusable_cards() -> None:
    with pytest.raises(PointsOutOfRangeException):
        import_balance(make_card(), stamps=-1, points=0)
    with pytest.raises(CardInactiveException):
        grant_bonus(make_card(status=CardStatus.DEACTIVATED), points=1)


@pytest.mark.parametrize("reason", ["", "  ", "ab", " a b\u202e", "x" * 501, "a\x00bc"])
def test_a_correction_needs_a_reason(reason: str) -> None:
    with pytest.raises(AdjustmentReasonException):
        clean_reason(reason)


def test_a_reason_is_tidied() -> None:
    assert clean_reason("  wrong\n amount typed ") == "wrong amount typed"
    assert clean_reason("abc") == "abc"
    assert len(clean_reason("x" * 500)) == 500


def test_a_rule_that_would_go_negative_is_a_bug() -> None:
    with pytest.raises(ValueError, match="points_redeemed"):
        book(make_card(points_balance=1), TransactionType.POINTS_REDEEMED, points=-2)
    with pytest.raises(ValueError, match="stamp_redeemed"):
        book(make_card(stamp_count=1), TransactionType.STAMP_REDEEMED, stamps=-2)


def test_every_type_of_row_is_counted_in_a_total() -> None:
    corrections = {TransactionType.POINTS_ADJUSTED, TransactionType.ADMIN_ADJUSTMENT}
    moved = {TransactionType.MERGE_IN, TransactionType.MERGE_OUT}
    card = make_card(stamp_count=10, points_balance=10, last_activity_at=NOW - dt.timedelta(days=2))
    for kind in set(TransactionType) - corrections - moved:
        after, _ = book(card, kind, points=-1)
        assert after.net_points == after.total_points_earned - after.total_points_redeemed - after.total_points_voided


def test_a_birthday_bonus_is_a_row_and_no_activity() -> None:
    before = make_card(points_balance=7)
    decision = grant_birthday_bonus(before, make_rules(), points=25, now=NOW)
    assert decision is not None
    assert_sound(before, decision)
    assert (decision.entry.type, decision.entry.points_delta, decision.entry.points_after) == (TransactionType.BONUS_GRANTED, 25, 32)
    assert (decision.card.last_activity_at, decision.card.visit_count) == (before.last_activity_at, 0)


def test_a_birthday_bonus_pays_what_is_owed_first() -> None:
    before = make_card(points_owed=30)
    decision = grant_birthday_bonus(before, make_rules(), points=25, now=NOW)
    assert decision is not None
    assert_sound(before, decision)
    assert (decision.card.points_owed, decision.card.points_balance) == (5, 0)


@pytest.mark.parametrize(
    ("card", "rules", "points"),
    [
        ({}, {}, 0),
        ({}, {"program_type": ProgramType.STAMPS}, 25),
        ({}, {"is_active": False}, 25),
        ({"status": CardStatus.DEACTIVATED}, {}, 25),
        ({"status": CardStatus.MERGED}, {}, 25),
        ({"points_balance": MAX_BALANCE - 24}, {}, 25),
    ],
)
def test_without_a_use_for_it_there_is_no_birthday_bonus(card: dict[str, Any], rules: dict[str, Any], points: int) -> None:
    assert grant_birthday_bonus(make_card(**card), make_rules(**rules), points=points, now=NOW) is None


@pytest.mark.parametrize(("days", "is_given"), [(29, True), (30, True), (31, False), (400, False)])
@pytest.mark.parametrize("balance", [0, 40])
def test_nobody_gets_a_bonus_that_the_next_night_would_take(days: int, balance: int, is_given: bool) -> None:
    """Thirty days after the last visit are over at the end of the thirtieth; a birthday is no visit (domain.md, Expiry)."""
    card = make_card(points_balance=balance, last_activity_at=NOW - dt.timedelta(days=days))
    decision = grant_birthday_bonus(card, make_rules(points_expiration_days=30), points=25, now=NOW)
    assert (decision is not None) is is_given
