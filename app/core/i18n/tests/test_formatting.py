"""What people read: spaces below are no-break (U+00A0) and narrow no-break (U+202F) as CLDR gives them."""

import datetime as dt
from decimal import Decimal

import pytest

from app.core.i18n import catalogs, formatting, use_locale

INSTANT = dt.datetime(2026, 11, 3, 23, 5, tzinfo=dt.UTC)
ZONE = "Europe/Luxembourg"


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("en", "€1,234.50"), ("fr", "1\u202f234,50\u00a0€"), ("de", "1.234,50\u00a0€"), ("lb", "1.234,50\u00a0€")],
)
def test_money(locale: str, expected: str) -> None:
    assert formatting.money(123_450, locale=locale) == expected


def test_money_uses_the_digits_of_the_currency() -> None:
    assert formatting.money(500, "JPY", "en") == "JP¥500"
    assert formatting.money(-5, "EUR", "de") == "-0,05\u00a0€"


def test_numbers_and_percent() -> None:
    assert formatting.number(1_234_567, "fr") == "1\u202f234\u202f567"
    assert formatting.number(Decimal("1234.5"), "de", decimals=2) == "1.234,50"
    assert formatting.percent(0.125, "fr", decimals=1) == "12,5\u00a0%"
    assert formatting.percent(0.5, "en") == "50%"


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("en", "4 Nov 2026, 00:05"), ("fr", "4 nov. 2026, 00:05"), ("de", "04.11.2026, 00:05"), ("lb", "4. Nov. 2026 00:05")],
)
def test_an_instant_is_shown_in_the_stores_zone(locale: str, expected: str) -> None:
    assert formatting.datetime(INSTANT, ZONE, locale) == expected
    assert formatting.time(INSTANT, ZONE, locale) == "00:05"


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("en", "Wednesday, 4 November 2026"), ("fr", "mercredi 4 novembre 2026"), ("de", "Mittwoch, 4. November 2026")],
)
def test_a_day_in_full(locale: str, expected: str) -> None:
    assert formatting.local_date(INSTANT, ZONE, locale, width="full") == expected


def test_relative_and_duration_do_not_round_ninety_minutes_to_two_hours() -> None:
    assert formatting.relative(INSTANT + dt.timedelta(minutes=5), INSTANT, "en") == "in 5 minutes"
    assert formatting.relative(INSTANT - dt.timedelta(days=2), INSTANT, "fr") == "il y a 2 jours"
    assert formatting.relative(INSTANT + dt.timedelta(minutes=90), INSTANT, "en") == "in 90 minutes"
    assert formatting.duration(dt.timedelta(minutes=60), "de") == "1 Stunde"


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (1, "an 1 Minutt"),
        (3, "an 3 Minutten"),
        (5, "a 5 Minutten"),
        (7, "a 7 Minutten"),
        (8, "an 8 Minutten"),
        (15, "a 15 Minutten"),
        (20, "an 20 Minutten"),
        (25, "a 25 Minutten"),
        (40, "a 40 Minutten"),
        (100, "an 100 Minutten"),
    ],
)
def test_luxembourgish_drops_the_n_where_the_spoken_number_wants_it(minutes: int, expected: str) -> None:
    assert formatting.relative(INSTANT + dt.timedelta(minutes=minutes), INSTANT, "lb") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10", "vun 10"),
        ("1.234", "vun 1.234"),
        ("4.500", "vu 4.500"),
        ("1000", "vun 1000"),
        ("60", "vu 60"),
        ("500", "vu 500"),
        ("17", "vu 17"),
        ("Léa", "vu Léa"),
        ("Éric", "vun Éric"),
        ("(n) Bob", "vun (n) Bob"),
        ("", "vu "),
    ],
)
def test_the_n_before_a_value_is_settled_by_the_value_alone(value: str, expected: str) -> None:
    assert catalogs.interpolate("vu(n) %(value)s", {"value": value}) == expected


def test_lists() -> None:
    assert formatting.join(["Esch", "Wiltz", "Mamer"], "fr") == "Esch, Wiltz et Mamer"
    assert formatting.join(["Esch", "Wolz"], "lb") == "Esch a Wolz"
    assert formatting.join(["Esch", "Ettelbréck"], "lb") == "Esch an Ettelbréck"


def test_weeks_start_on_monday_and_birthdays_are_asked_in_the_locales_order() -> None:
    assert formatting.weekday_names("en")[0] == "Mon"
    assert formatting.month_names("lb")[2] == "Mäerz"
    assert formatting.date_field_order("en") == ("day", "month", "year")


def test_the_current_locale_is_the_default() -> None:
    with use_locale("de"):
        assert formatting.number(1000) == "1.000"
    assert formatting.language_name("lb") == "Lëtzebuergesch"
