"""When people are written to: local days, whatever the clocks do."""

import datetime as dt
import uuid
import zoneinfo

import pytest

from app.modules.loyalty.domain import outreach

LUXEMBOURG = zoneinfo.ZoneInfo("Europe/Luxembourg")
AUCKLAND = zoneinfo.ZoneInfo("Pacific/Auckland")
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("now", "zone", "period"),
    [
        ("2026-03-28T06:59", LUXEMBOURG, "2026-03-27"),  # 07:59 in winter
        ("2026-03-28T07:00", LUXEMBOURG, "2026-03-28"),
        ("2026-03-29T05:59", LUXEMBOURG, "2026-03-28"),  # the clock has jumped: 07:59 in summer
        ("2026-03-29T06:00", LUXEMBOURG, "2026-03-29"),
        ("2026-10-24T06:00", LUXEMBOURG, "2026-10-24"),
        ("2026-10-25T06:59", LUXEMBOURG, "2026-10-24"),  # and gone back
        ("2026-10-25T07:00", LUXEMBOURG, "2026-10-25"),
        ("2026-10-25T22:59", LUXEMBOURG, "2026-10-25"),
        ("2026-10-26T00:30", LUXEMBOURG, "2026-10-25"),  # what is made up for at night is still the day before
        ("2026-12-31T18:59", AUCKLAND, "2026-12-31"),
        ("2026-12-31T19:00", AUCKLAND, "2027-01-01"),
        ("2027-01-01T12:59", NEW_YORK, "2026-12-31"),
        ("2027-01-01T13:00", NEW_YORK, "2027-01-01"),
    ],
)
def test_a_day_s_greetings_begin_at_eight(now: str, zone: zoneinfo.ZoneInfo, period: str) -> None:
    assert outreach.birthday_period(at(now), zone) == period
    day = dt.date.fromisoformat(period)
    assert outreach.greeting_time(day, zone) <= at(now) < outreach.greeting_time(day + dt.timedelta(days=1), zone)


def test_a_greeting_is_three_days_late_at_most() -> None:
    assert outreach.days_to_greet(dt.date(2027, 1, 2)) == (
        dt.date(2027, 1, 2),
        dt.date(2027, 1, 1),
        dt.date(2026, 12, 31),
        dt.date(2026, 12, 30),
    )


def test_a_bonus_has_one_key_per_person_and_year() -> None:
    person = uuid.UUID(int=7)
    assert outreach.birthday_key(person, 2026) == "birthday:00000000-0000-0000-0000-000000000007:2026"
    assert outreach.birthday_key(person, 2026) != outreach.birthday_key(person, 2027)


@pytest.mark.parametrize(
    ("now", "zone", "week"),
    [
        ("2026-10-25T22:59", LUXEMBOURG, "2026-W43"),
        ("2026-10-25T23:00", LUXEMBOURG, "2026-W44"),
        ("2027-01-03T12:00", LUXEMBOURG, "2026-W53"),
        ("2027-01-03T12:00", AUCKLAND, "2027-W01"),
    ],
)
def test_weeks_are_the_merchant_s(now: str, zone: zoneinfo.ZoneInfo, week: str) -> None:
    assert outreach.reengagement_period(at(now), zone) == week


@pytest.mark.parametrize(
    ("now", "zone", "before"),
    [
        ("2026-05-28T08:00", LUXEMBOURG, "2026-03-28T23:00"),  # the 29th of March begins in winter
        ("2026-05-29T08:00", LUXEMBOURG, "2026-03-29T22:00"),  # the 30th in summer
        ("2026-12-24T08:00", LUXEMBOURG, "2026-10-24T22:00"),
        ("2026-12-25T08:00", LUXEMBOURG, "2026-10-25T23:00"),
        ("2026-12-24T20:00", AUCKLAND, "2026-10-25T11:00"),
    ],
)
def test_who_stayed_away_longer_than_sixty_days(now: str, zone: zoneinfo.ZoneInfo, before: str) -> None:
    limit = outreach.idle_before(at(now), zone, 60)
    assert limit == at(before)
    assert outreach.days_inactive(limit, at(now), zone) == 60
    assert outreach.days_inactive(limit - dt.timedelta(microseconds=1), at(now), zone) == 61


def test_no_quarter_sees_two_calls() -> None:
    """Called on the first day of a quarter, somebody may be called again on the first day of the next and no day sooner."""
    july, october = at("2026-07-01T08:00"), at("2026-10-01T08:00")
    assert july < outreach.asked_before(october, LUXEMBOURG)
    assert july >= outreach.asked_before(october - dt.timedelta(days=1), LUXEMBOURG)
    for year, month in ((2026, 1), (2026, 4), (2026, 7), (2026, 10), (2027, 1), (2028, 1)):
        first = dt.datetime(year, month, 1, 0, 0, tzinfo=LUXEMBOURG)
        last = dt.datetime(year + month // 10, (month + 3) % 12, 1, 23, 59, tzinfo=LUXEMBOURG) - dt.timedelta(days=1)
        assert first >= outreach.asked_before(last, LUXEMBOURG)
