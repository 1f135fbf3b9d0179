"""When a merchant writes to people unasked: birthdays and calls to come back (C6, C7; domain.md, Time).

Days are local days of the merchant's zone. A day is turned into an instant at its midnight or its eight o'clock, so days of 23 or
25 hours change nothing.
"""

import datetime as dt
import uuid
import zoneinfo

from app.modules.loyalty.domain.expiry import local_day, start_of_day

BIRTHDAY_HOUR = 8
CATCH_UP_DAYS = 3
"""How late a greeting may be when a run was missed. Later it would only remind people that it was forgotten."""

REENGAGEMENT_WEEKDAY, REENGAGEMENT_HOUR = 1, 10
"""Tuesday at ten: most people read it, and the shop is open in the days after."""

QUARTER_DAYS = 92
"""No calendar quarter is longer. So neither a quarter of the calendar nor any 92 days in a row see two calls to come back."""


def birthday_period(now: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """Return the local day whose greetings go out at `now`, such as 2026-10-25: today's from eight o'clock on, before that still
    yesterday's, so that what is made up for at night wakes nobody with today's."""
    local = now.astimezone(zone)
    return (local.date() if local.hour >= BIRTHDAY_HOUR else local.date() - dt.timedelta(days=1)).isoformat()


def days_to_greet(day: dt.date) -> tuple[dt.date, ...]:
    """Return the days whose birthdays a run of `day` greets: `day` itself, and the three before for whoever was missed."""
    return tuple(day - dt.timedelta(days=late) for late in range(CATCH_UP_DAYS + 1))


def greeting_time(day: dt.date, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """Return the UTC instant at which the greetings of `day` are due; whoever gets a card later is greeted next year."""
    return dt.datetime.combine(day, dt.time(BIRTHDAY_HOUR), tzinfo=zone).astimezone(dt.UTC)


def birthday_key(customer_id: uuid.UUID, year: int) -> str:
    """Return the ledger's key of a birthday bonus: once per person, merchant and year, for ever."""
    return f"birthday:{customer_id}:{year}"


def reengagement_period(now: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """Return the week in which a run at `now` calls people back, such as 2026-W43."""
    year, week, _ = local_day(now, zone).isocalendar()
    return f"{year}-W{week:02d}"


def idle_before(now: dt.datetime, zone: zoneinfo.ZoneInfo, reengagement_days: int) -> dt.datetime:
    """Return the instant before which the last visit lies more than `reengagement_days` local days back."""
    return start_of_day(local_day(now, zone) - dt.timedelta(days=reengagement_days), zone)


def asked_before(now: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """Return the instant before which the last call must lie for another one to be allowed."""
    return start_of_day(local_day(now, zone) - dt.timedelta(days=QUARTER_DAYS - 1), zone)


def days_inactive(last_activity_at: dt.datetime, now: dt.datetime, zone: zoneinfo.ZoneInfo) -> int:
    """Return how many local days ago the last visit was."""
    return (local_day(now, zone) - local_day(last_activity_at, zone)).days
