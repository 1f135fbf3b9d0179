"""When people who stay away are erased, where the merchant wants that: after years, and 30 days after a mail that says so."""

import datetime as dt
import zoneinfo

GRACE_DAYS = 30
RETENTION_HOUR = 4
"""At night, after points have expired and before anybody is at the counter."""
CHOICES = (1, 2, 3, 4, 5, 10)


def quiet_since(now: dt.datetime, years: int) -> dt.datetime:
    """Return the instant `years` calendar years before `now`: whoever did something since has not stayed away."""
    try:
        return now.replace(year=now.year - years)
    except ValueError:  # 29 February
        return now.replace(year=now.year - years, day=28)


def warned_before(now: dt.datetime) -> dt.datetime:
    """Return the instant before which the mail must have been asked for, for an erasure at `now`."""
    return now - dt.timedelta(days=GRACE_DAYS)


def erased_on(now: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.date:
    """Return the local day from which on somebody who is told at `now` may be erased."""
    return (now + dt.timedelta(days=GRACE_DAYS)).astimezone(zone).date()


def retention_period(now: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """Return the local day of a run, such as 2026-10-25."""
    return now.astimezone(zone).date().isoformat()
