"""Birthdays: which dates can be one (A9) and when it is kept (domain.md, Time)."""

import calendar
import dataclasses
import datetime as dt
import re
import uuid

from app.core.errors import N_
from app.modules.customers.errors import CustomerInvalidException

MAX_AGE = 120
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

NOT_A_DATE = N_("This date does not exist. Please check day, month and year.")
NOT_PAST = N_("A birthday lies in the past. Please check the year.")
TOO_OLD = N_("Please check the year of birth.")


def birth_date_problem(birth_date: dt.date, *, today: dt.date) -> str | None:
    """Return a sentence (msgid) saying why `birth_date` cannot be one, or None. `today` is the merchant's local day.

    It lies before today, and the age is at most 120 whole years.
    """
    if birth_date >= today:
        return NOT_PAST
    return TOO_OLD if age_on(birth_date, today) > MAX_AGE else None


@dataclasses.dataclass(frozen=True, slots=True)
class Birthday:
    """Somebody's birthday, and the day on which it is kept this time."""

    customer_id: uuid.UUID
    kept_on: dt.date


def parse_birth_date(text: str, *, today: dt.date) -> dt.date:
    """Return the date of an ISO text such as 1990-02-28. Raises CustomerInvalidException for the field `birth_date`."""
    problem: str | None = NOT_A_DATE
    birth_date = today
    if _ISO_DATE.fullmatch(text.strip()):
        try:
            birth_date = dt.date.fromisoformat(text.strip())
        except ValueError:
            pass  # the 31st of June has the right form and no day
        else:
            problem = birth_date_problem(birth_date, today=today)
    if problem is not None:
        raise CustomerInvalidException(fields={"birth_date": problem})
    return birth_date


def birthday_in(birth_date: dt.date, year: int) -> dt.date:
    """Return the day on which the birthday is kept in `year`: 29 February on the 28th in common years."""
    if birth_date.month == 2 and birth_date.day == 29 and not calendar.isleap(year):
        return dt.date(year, 2, 28)
    return birth_date.replace(year=year)


def is_birthday(birth_date: dt.date, day: dt.date) -> bool:
    """Return whether the birthday is kept on `day`; not on the day of birth itself."""
    return day > birth_date and birthday_in(birth_date, day.year) == day


def birthdays_kept_on(day: dt.date) -> tuple[tuple[int, int], ...]:
    """Return the (month, day) pairs of birth whose birthday is kept on `day`, for a query by month and day."""
    if (day.month, day.day) == (2, 28) and not calendar.isleap(day.year):
        return (2, 28), (2, 29)
    return ((day.month, day.day),)


def age_on(birth_date: dt.date, day: dt.date) -> int:
    """Return the age in whole years on `day`, 0 before the first birthday."""
    return day.year - birth_date.year - (day < birthday_in(birth_date, day.year))
