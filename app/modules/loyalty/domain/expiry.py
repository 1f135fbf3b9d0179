"""Expiry of points by inactivity (domain.md, Expiry).

A balance expires at the end of the day, in the merchant's zone, that lies `points_expiration_days` after the local day of the
card's last customer-present activity. Days are counted on the calendar and turned into instants at midnight, so a day of 23 or
25 hours changes nothing. A card whose last activity is older than the last change of the period is *protected*: it expires only
after a warning sent under the new period, and never sooner than 14 days after it.
"""

import dataclasses
import datetime as dt
import zoneinfo

from app.modules.loyalty.domain.balances import CardState, Decision, Entry, ProgramRules, book
from app.modules.loyalty.domain.enums import TransactionType

WARNING_DAYS = 14
_ONE_DAY = dt.timedelta(days=1)
_NOTICE = dt.timedelta(days=WARNING_DAYS)


def local_day(at: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.date:
    """Return the calendar day in `zone` at the instant `at`."""
    return at.astimezone(zone).date()


def start_of_day(day: dt.date, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """Return the UTC instant at which `day` begins in `zone`; where the clock skips midnight, the instant of the jump."""
    return dt.datetime.combine(day, dt.time.min, tzinfo=zone).astimezone(dt.UTC)


def end_of_day(day: dt.date, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """Return the UTC instant at which `day` is over in `zone`: the next day's start."""
    return start_of_day(day + _ONE_DAY, zone)


def _is_warned(card: CardState, rules: ProgramRules) -> bool:
    """Return whether a warning stands: activity or a changed period after it arms the warning again."""
    warned_at = card.last_expiration_warning_at
    if warned_at is None or warned_at < card.last_activity_at:
        return False
    return rules.expiration_changed_at is None or warned_at >= rules.expiration_changed_at


def _is_protected(card: CardState, rules: ProgramRules) -> bool:
    return rules.expiration_changed_at is not None and card.last_activity_at < rules.expiration_changed_at


def expires_on(card: CardState, rules: ProgramRules) -> dt.date | None:
    """Return the local day at whose end the balance expires.

    None when the program's points do not expire, and for a protected card that has not been warned yet.
    """
    if rules.points_expiration_days is None:
        return None
    due_on = local_day(card.last_activity_at, rules.zone) + dt.timedelta(days=rules.points_expiration_days)
    if not _is_protected(card, rules):
        return due_on
    if card.last_expiration_warning_at is None or not _is_warned(card, rules):
        return None
    return max(due_on, local_day(card.last_expiration_warning_at, rules.zone) + _NOTICE)


def expires_at(card: CardState, rules: ProgramRules) -> dt.datetime | None:
    """Return the UTC instant from which the balance is gone, None as in `expires_on`."""
    day = expires_on(card, rules)
    return None if day is None else end_of_day(day, rules.zone)


def is_expired(card: CardState, rules: ProgramRules, now: dt.datetime) -> bool:
    """Return whether the card holds points that are due at `now`, swept or not."""
    days = rules.points_expiration_days
    if days is None or card.points_balance == 0 or now - card.last_activity_at < dt.timedelta(days=days - 1):
        return False  # the last test spares most cards the calendar; a day less, as days of 23 hours bring the midnight forward
    at = expires_at(card, rules)
    return at is not None and now >= at


def expire_points(card: CardState, rules: ProgramRules, *, now: dt.datetime) -> Decision | None:
    """Return the row that takes a due balance away, or None when nothing is due. Debt and stamps stay as they are."""
    if not is_expired(card, rules, now):
        return None
    after, entry = book(card, TransactionType.POINTS_EXPIRED, points=-card.points_balance)
    return Decision(after, (entry,))


def settle(card: CardState, rules: ProgramRules, now: dt.datetime) -> tuple[CardState, tuple[Entry, ...]]:
    """Return the card without its due points and the row for it, if any.

    Whatever counts as activity calls this first: otherwise a visit on the day after would bring expired points back to life.
    """
    expired = expire_points(card, rules, now=now)
    return (card, ()) if expired is None else (expired.card, expired.entries)


@dataclasses.dataclass(frozen=True, slots=True)
class ExpiryWarning:
    """A warning to send now: how many points expire at the end of which local day, and in how many days that is."""

    expiring_points: int
    expires_on: dt.date
    days_before: int


def due_warning(card: CardState, rules: ProgramRules, now: dt.datetime) -> ExpiryWarning | None:
    """Return the warning that is due at `now`, or None.

    It is due once from 14 days before the expiry on, later when a run was missed; a protected card is given 14 days from today.
    """
    days = rules.points_expiration_days
    if days is None or card.points_balance == 0 or _is_warned(card, rules) or is_expired(card, rules, now):
        return None
    today = local_day(now, rules.zone)
    due_on = local_day(card.last_activity_at, rules.zone) + dt.timedelta(days=days)
    if today < due_on - _NOTICE:
        return None
    if _is_protected(card, rules):
        due_on = max(due_on, today + _NOTICE)
    return ExpiryWarning(card.points_balance, due_on, (due_on - today).days)


@dataclasses.dataclass(frozen=True, slots=True)
class SweepCutoffs:
    """The instants by which a set-based sweep finds due cards; all comparisons are strict, on cards with points_balance > 0.

    Due: last_activity_at < activity_before AND (last_activity_at >= protected_before OR
    (warned_at >= last_activity_at AND warned_at >= protected_before AND warned_at < warned_before)).
    To warn, of those not due: last_activity_at < warn_activity_before AND NOT (warned_at >= last_activity_at AND
    warned_at >= protected_before).  `protected_before` is the minimum instant when the period never changed.
    """

    activity_before: dt.datetime
    warned_before: dt.datetime
    warn_activity_before: dt.datetime
    protected_before: dt.datetime


def sweep_cutoffs(rules: ProgramRules, now: dt.datetime) -> SweepCutoffs | None:
    """Return the cut-offs of a run at `now` that agree with `is_expired` and `due_warning`; None when points never expire."""
    if rules.points_expiration_days is None:
        return None
    today = local_day(now, rules.zone)
    last_day = today - dt.timedelta(days=rules.points_expiration_days)
    return SweepCutoffs(
        activity_before=start_of_day(last_day, rules.zone),
        warned_before=start_of_day(today - _NOTICE, rules.zone),
        warn_activity_before=end_of_day(last_day + _NOTICE, rules.zone),
        protected_before=rules.expiration_changed_at or dt.datetime.min.replace(tzinfo=dt.UTC),
    )
