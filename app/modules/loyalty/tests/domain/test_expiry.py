"""Expiry: domain.md, Expiry and Time. Days on which clocks change are 29 March and 25 October 2026 in Luxembourg."""

import datetime as dt
import zoneinfo
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.loyalty.domain.balances import CardState, Decision, ProgramRules
from app.modules.loyalty.domain.enums import TransactionType
from app.modules.loyalty.domain.expiry import (
    ExpiryWarning,
    due_warning,
    end_of_day,
    expire_points,
    expires_at,
    expires_on,
    is_expired,
    start_of_day,
    sweep_cutoffs,
)
from app.modules.loyalty.domain.points import adjust_points, earn_points, grant_bonus, import_balance, redeem_points, restore_points
from app.modules.loyalty.domain.stamps import redeem_stamps, stamp
from app.modules.loyalty.domain.voids import void
from app.modules.loyalty.errors import PointsExpiredException
from app.modules.loyalty.tests.domain.builders import LUXEMBOURG, assert_sound, local, make_card, make_rules, row_of

YEARLY = make_rules(points_expiration_days=365)
SECOND = dt.timedelta(seconds=1)
DAY = dt.timedelta(days=1)


def test_points_expire_at_the_end_of_the_last_day() -> None:
    card = make_card(points_balance=30, stamp_count=4, last_activity_at=local("2025-01-10T15:00"))
    assert expires_on(card, YEARLY) == dt.date(2026, 1, 10)
    midnight = local("2026-01-11T00:00")
    assert expires_at(card, YEARLY) == midnight
    assert expire_points(card, YEARLY, now=midnight - SECOND) is None
    decision = expire_points(card, YEARLY, now=midnight)
    assert decision is not None
    assert (decision.card.points_balance, decision.card.stamp_count, decision.card.total_points_voided) == (0, 4, 30)
    assert (decision.entry.type, decision.entry.points_delta) == (TransactionType.POINTS_EXPIRED, -30)
    assert decision.card.last_activity_at == card.last_activity_at
    assert_sound(card, decision)
    assert expire_points(decision.card, YEARLY, now=midnight) is None


def test_the_day_of_the_activity_is_the_merchants_not_utc() -> None:
    late = make_card(points_balance=1, last_activity_at=local("2025-06-30T00:30"))  # 29 June in UTC
    assert expires_on(late, YEARLY) == dt.date(2026, 6, 30)


@pytest.mark.parametrize(
    ("activity", "days", "end"),
    [
        ("2026-02-27T23:59", 30, dt.datetime(2026, 3, 29, 22, 0, tzinfo=dt.UTC)),  # the day of 23 hours, 29 March
        ("2026-02-26T12:00", 30, dt.datetime(2026, 3, 28, 23, 0, tzinfo=dt.UTC)),
        ("2026-09-25T12:00", 30, dt.datetime(2026, 10, 25, 23, 0, tzinfo=dt.UTC)),  # the day of 25 hours, 25 October
        ("2026-09-24T00:00", 30, dt.datetime(2026, 10, 24, 22, 0, tzinfo=dt.UTC)),
    ],
)
def test_clock_changes_move_no_day(activity: str, days: int, end: dt.datetime) -> None:
    rules = make_rules(points_expiration_days=days)
    card = make_card(points_balance=5, last_activity_at=local(activity))
    assert expires_at(card, rules) == end
    assert not is_expired(card, rules, end - SECOND)
    assert is_expired(card, rules, end)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-05-20", 24)])
def test_days_have_their_own_length(day: str, hours: int) -> None:
    date = dt.date.fromisoformat(day)
    assert end_of_day(date, LUXEMBOURG) - start_of_day(date, LUXEMBOURG) == dt.timedelta(hours=hours)


def test_a_day_without_midnight_begins_at_the_jump() -> None:
    santiago = zoneinfo.ZoneInfo("America/Santiago")
    jump = dt.datetime(2024, 9, 8, 4, 0, tzinfo=dt.UTC)  # 00:00 became 01:00
    assert start_of_day(dt.date(2024, 9, 8), santiago) == jump
    assert (jump - SECOND).astimezone(santiago).date() == dt.date(2024, 9, 7)


def test_points_of_a_program_without_expiry_stay() -> None:
    card = make_card(points_balance=5, last_activity_at=local("2001-01-01T00:00"))
    now = local("2026-01-01T00:00")
    assert expires_on(card, make_rules()) is None
    assert not is_expired(card, make_rules(), now)
    assert due_warning(card, make_rules(), now) is None
    assert sweep_cutoffs(make_rules(), now) is None


def test_debt_does_not_expire() -> None:
    card = make_card(points_owed=5, last_activity_at=local("2020-01-01T00:00"))
    assert expire_points(card, YEARLY, now=local("2026-01-01T00:00")) is None


def test_the_warning_comes_once_14_days_before() -> None:
    card = make_card(points_balance=30, last_activity_at=local("2025-01-10T15:00"))
    assert due_warning(card, YEARLY, local("2025-12-26T23:59")) is None
    first = local("2025-12-27T00:00")
    assert due_warning(card, YEARLY, first) == ExpiryWarning(30, dt.date(2026, 1, 10), 14)
    warned = make_card(points_balance=30, last_activity_at=card.last_activity_at, last_expiration_warning_at=first)
    assert all(due_warning(warned, YEARLY, first + DAY * days) is None for days in range(30))
    assert expires_on(warned, YEARLY) == dt.date(2026, 1, 10)


def test_a_late_warning_says_how_many_days_are_left() -> None:
    card = make_card(points_balance=30, last_activity_at=local("2025-01-10T15:00"))
    assert due_warning(card, YEARLY, local("2026-01-08T09:00")) == ExpiryWarning(30, dt.date(2026, 1, 10), 2)
    assert due_warning(card, YEARLY, local("2026-01-11T00:00")) is None  # expired


def test_activity_after_the_warning_arms_it_again() -> None:
    warned = make_card(points_balance=30, last_activity_at=local("2025-01-10T15:00"), last_expiration_warning_at=local("2025-12-27T03:00"))
    visited = earn_points(warned, YEARLY, amount_cents=100, now=local("2026-01-02T12:00")).card
    assert expires_on(visited, YEARLY) == dt.date(2027, 1, 2)
    assert due_warning(visited, YEARLY, local("2026-12-18T12:00")) is None
    assert due_warning(visited, YEARLY, local("2026-12-19T12:00")) == ExpiryWarning(31, dt.date(2027, 1, 2), 14)


def test_shortening_expires_nobody_sooner_than_14_days_after_their_warning() -> None:
    card = make_card(points_balance=30, last_activity_at=local("2025-01-10T15:00"))
    shortened = make_rules(points_expiration_days=90, expiration_changed_at=local("2025-08-01T10:00"))
    assert expires_on(card, shortened) is None
    assert not is_expired(card, shortened, local("2026-08-01T00:00"))  # however late the sweep is
    assert redeem_points(card, shortened, points=30, now=local("2025-08-01T11:00")).card.points_balance == 0
    warning = due_warning(card, shortened, local("2025-08-03T02:00"))
    assert warning == ExpiryWarning(30, dt.date(2025, 8, 17), 14)
    warned = make_card(points_balance=30, last_activity_at=card.last_activity_at, last_expiration_warning_at=local("2025-08-03T02:00"))
    assert expires_on(warned, shortened) == dt.date(2025, 8, 17)
    assert not is_expired(warned, shortened, local("2025-08-17T23:59"))
    assert is_expired(warned, shortened, local("2025-08-18T00:00"))


def test_a_warning_from_before_the_change_does_not_count() -> None:
    warned = make_card(points_balance=30, last_activity_at=local("2025-01-10T15:00"), last_expiration_warning_at=local("2025-12-27T03:00"))
    lengthened = make_rules(points_expiration_days=730, expiration_changed_at=local("2026-01-02T00:00"))
    assert due_warning(warned, lengthened, local("2026-12-26T12:00")) is None
    assert due_warning(warned, lengthened, local("2026-12-27T12:00")) == ExpiryWarning(30, dt.date(2027, 1, 10), 14)


def test_activity_after_the_change_follows_the_new_period_alone() -> None:
    shortened = make_rules(points_expiration_days=90, expiration_changed_at=local("2025-08-01T10:00"))
    card = make_card(points_balance=30, last_activity_at=local("2025-08-02T10:00"))
    assert expires_on(card, shortened) == dt.date(2025, 10, 31)
    at_once = make_card(points_balance=30, last_activity_at=local("2025-08-01T10:00"))
    assert expires_on(at_once, shortened) == dt.date(2025, 10, 30)


def due_card() -> tuple[CardState, dt.datetime]:
    """Return a card whose points were due last night, before any sweep, and the morning after."""
    return make_card(points_balance=30, stamp_count=10, last_activity_at=local("2025-01-10T15:00")), local("2026-01-11T09:00")


def test_a_spend_on_a_due_card_is_refused_as_expired() -> None:
    card, now = due_card()
    with pytest.raises(PointsExpiredException) as refusal:
        redeem_points(card, YEARLY, points=10, now=now)
    assert refusal.value.params == {"expired_at": "2026-01-10T23:00:00+00:00"}
    assert redeem_points(card, YEARLY, points=10, now=now - DAY).card.points_balance == 20


@pytest.mark.parametrize(
    ("visit", "points"),
    [
        (lambda card, now: earn_points(card, YEARLY, amount_cents=500, now=now), 5),
        (lambda card, now: stamp(card, YEARLY, count=1, now=now, store_zone=LUXEMBOURG), 0),
        (lambda card, now: redeem_stamps(card, YEARLY, now=now), 0),
        (lambda card, now: restore_points(card, YEARLY, points=30, now=now), 30),
    ],
    ids=["earn", "stamp", "redeem_stamps", "restore"],
)
def test_a_visit_on_a_due_card_does_not_bring_its_points_back(visit: Callable[[CardState, dt.datetime], Decision], points: int) -> None:
    card, now = due_card()
    decision = visit(card, now)
    assert decision.entries[0].type is TransactionType.POINTS_EXPIRED
    assert [entry.points_delta for entry in decision.entries] == [-30, points]
    assert (decision.card.points_balance, decision.card.last_activity_at) == (points, now)
    assert_sound(card, decision)
    assert len(visit(card, now - DAY).entries) == 1


def test_what_is_no_visit_moves_no_date() -> None:
    card = make_card(points_balance=30, last_activity_at=local("2025-01-10T15:00"))
    imported = import_balance(card, stamps=1, points=1)
    assert imported is not None
    earned = earn_points(card, YEARLY, amount_cents=500, now=local("2025-02-01T12:00"))
    voided = void(earned.card, YEARLY, row_of(earned, at=local("2025-02-01T12:00")))
    assert expires_on(earned.card, YEARLY) == expires_on(voided.card, YEARLY) == dt.date(2026, 2, 1)
    for decision in (grant_bonus(card, points=5), adjust_points(card, points=5), imported):
        assert expires_on(decision.card, YEARLY) == dt.date(2026, 1, 10)


INSTANTS = st.integers(0, 3 * 365 * 24 * 60).map(lambda minutes: dt.datetime(2025, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes))
ZONES = st.sampled_from(["Europe/Luxembourg", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu", "Africa/Cairo", "UTC"])


@st.composite
def expiring(draw: st.DrawFn) -> tuple[CardState, ProgramRules, dt.datetime]:
    """Draw a card, rules with an expiry and a moment, all within three years."""
    rules = make_rules(
        zone=zoneinfo.ZoneInfo(draw(ZONES)),
        points_expiration_days=draw(st.integers(30, 400)),
        expiration_changed_at=draw(st.none() | INSTANTS),
    )
    card = make_card(
        points_balance=draw(st.integers(0, 5)),
        last_activity_at=draw(INSTANTS),
        last_expiration_warning_at=draw(st.none() | INSTANTS),
    )
    return card, rules, draw(INSTANTS)


@given(expiring())
def test_the_sweeps_cutoffs_agree_with_the_rule(case: tuple[CardState, ProgramRules, dt.datetime]) -> None:
    card, rules, now = case
    cutoffs = sweep_cutoffs(rules, now)
    assert cutoffs is not None
    warned_at = card.last_expiration_warning_at
    is_warned = warned_at is not None and warned_at >= card.last_activity_at and warned_at >= cutoffs.protected_before
    is_free = card.last_activity_at >= cutoffs.protected_before
    is_due = (
        card.points_balance > 0
        and card.last_activity_at < cutoffs.activity_before
        and (is_free or (warned_at is not None and is_warned and warned_at < cutoffs.warned_before))
    )
    to_warn = card.points_balance > 0 and not is_due and card.last_activity_at < cutoffs.warn_activity_before and not is_warned
    assert is_due == is_expired(card, rules, now)
    assert to_warn == (due_warning(card, rules, now) is not None)


@given(expiring())
def test_a_warned_card_keeps_its_announced_day(case: tuple[CardState, ProgramRules, dt.datetime]) -> None:
    card, rules, now = case
    if now < max(card.last_activity_at, rules.expiration_changed_at or now):
        return
    warning = due_warning(card, rules, now)
    if warning is None:
        return
    warned = make_card(points_balance=card.points_balance, last_activity_at=card.last_activity_at, last_expiration_warning_at=now)
    assert expires_on(warned, rules) == warning.expires_on
    assert not is_expired(warned, rules, now)
    assert due_warning(warned, rules, now) is None
    if rules.expiration_changed_at is not None and card.last_activity_at < rules.expiration_changed_at:
        assert warning.days_before >= 14
