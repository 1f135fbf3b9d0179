"""Birthdays: A9 and domain.md, Time."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.customers.domain.birth_date import (
    NOT_A_DATE,
    NOT_PAST,
    TOO_OLD,
    age_on,
    birth_date_problem,
    birthday_in,
    birthdays_kept_on,
    is_birthday,
    parse_birth_date,
)
from app.modules.customers.errors import CustomerInvalidException

TODAY = dt.date(2026, 5, 20)
LEAP = dt.date(2000, 2, 29)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2023-02-29", NOT_A_DATE),
        ("1990-06-31", NOT_A_DATE),
        ("1990-13-01", NOT_A_DATE),
        ("0000-01-01", NOT_A_DATE),
        ("19900101", NOT_A_DATE),
        ("1990-W01-1", NOT_A_DATE),
        ("01.02.1990", NOT_A_DATE),
        ("", NOT_A_DATE),
        ("１９９０-01-01", NOT_A_DATE),
        ("2026-05-20", NOT_PAST),
        ("2030-01-01", NOT_PAST),
        ("1905-05-20", TOO_OLD),
        ("1905-01-01", TOO_OLD),
    ],
)
def test_impossible_birthdays_are_a_clear_field_error(text: str, sentence: str) -> None:
    with pytest.raises(CustomerInvalidException) as refusal:
        parse_birth_date(text, today=TODAY)
    assert refusal.value.fields == {"birth_date": sentence}


@pytest.mark.parametrize("text", ["2026-05-19", "1905-05-21", "2000-02-29", " 1990-01-01 "])
def test_possible_birthdays(text: str) -> None:
    assert parse_birth_date(text, today=TODAY) == dt.date.fromisoformat(text.strip())


def test_the_age_is_0_to_120() -> None:
    assert age_on(dt.date(2026, 5, 19), TODAY) == 0
    assert age_on(dt.date(1905, 5, 21), TODAY) == 120
    assert birth_date_problem(dt.date(1905, 5, 21), today=TODAY) is None
    assert birth_date_problem(dt.date(1905, 5, 20), today=TODAY) == TOO_OLD


def test_29_february_is_kept_on_the_28th_in_common_years() -> None:
    assert birthday_in(LEAP, 2026) == dt.date(2026, 2, 28)
    assert birthday_in(LEAP, 2028) == dt.date(2028, 2, 29)
    assert is_birthday(LEAP, dt.date(2026, 2, 28))
    assert not is_birthday(LEAP, dt.date(2026, 3, 1))
    assert not is_birthday(LEAP, dt.date(2028, 2, 28))
    assert is_birthday(LEAP, dt.date(2028, 2, 29))
    assert (age_on(LEAP, dt.date(2026, 2, 27)), age_on(LEAP, dt.date(2026, 2, 28))) == (25, 26)


def test_the_day_of_birth_is_no_birthday() -> None:
    assert not is_birthday(LEAP, LEAP)


def test_the_query_of_a_day_finds_both_on_28_february() -> None:
    assert birthdays_kept_on(dt.date(2026, 2, 28)) == ((2, 28), (2, 29))
    assert birthdays_kept_on(dt.date(2028, 2, 28)) == ((2, 28),)
    assert birthdays_kept_on(dt.date(2028, 2, 29)) == ((2, 29),)


@given(st.dates(dt.date(1900, 1, 1), dt.date(2025, 12, 31)), st.dates(dt.date(2026, 1, 1), dt.date(2040, 12, 31)))
def test_the_query_agrees_with_the_rule(birth_date: dt.date, day: dt.date) -> None:
    assert ((birth_date.month, birth_date.day) in birthdays_kept_on(day)) == is_birthday(birth_date, day)


@given(st.dates(dt.date(1900, 1, 1), dt.date(2025, 12, 31)), st.integers(2026, 2100))
def test_everybody_has_one_birthday_a_year(birth_date: dt.date, year: int) -> None:
    days = (dt.date(year, 1, 1) + dt.timedelta(days=number) for number in range(365 + (year % 4 == 0 and year != 2100)))
    assert sum(is_birthday(birth_date, day) for day in days) == 1
