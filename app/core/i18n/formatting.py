"""Numbers, money, dates and lists as CLDR writes them. Every function takes the current locale unless told otherwise.

Card numbers and codes are not numbers: they are shown as they are.
"""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale, dates, lists, numbers, units

from app.core.i18n import luxembourgish
from app.core.i18n.locale import current_locale

Width = Literal["short", "medium", "long", "full"]
Weekdays = Literal["abbreviated", "wide"]

_CLDR_NAMES = {"en": "en_GB", "fr": "fr", "de": "de", "lb": "lb"}
# en_GB, not en: day before month, 24 hours and weeks from Monday, as everybody around the counter reads them.

_EXACT_UNITS = frozenset({dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(weeks=1)})


@cache
def _cldr(locale: str | None) -> Locale:
    return Locale.parse(_CLDR_NAMES.get(locale or "", "en_GB"))


def _locale(locale: str | None) -> Locale:
    return _cldr(locale or current_locale())


def money(cents: int, currency: str = "EUR", locale: str | None = None) -> str:
    """An amount in the currency's smallest unit (cents for EUR) as text: `1 234,50 €` (fr), `€1,234.50` (en)."""
    digits = numbers.get_currency_precision(currency)
    return numbers.format_currency(Decimal(cents).scaleb(-digits), currency, locale=_locale(locale))


def number(value: int | float | Decimal, locale: str | None = None, decimals: int | None = None) -> str:
    """A number with the locale's grouping; `decimals` fixes the digits after the point, else up to three are shown."""
    pattern = None if decimals is None else "#,##0" + ("." + "0" * decimals if decimals else "")
    return numbers.format_decimal(value, format=pattern, locale=_locale(locale))


def percent(ratio: float | Decimal, locale: str | None = None, decimals: int = 0) -> str:
    """A ratio as per cent: 0.125 with one decimal is `12,5 %` (fr)."""
    cldr = _locale(locale)
    pattern = numbers.parse_pattern(cldr.percent_formats[None].pattern)
    pattern.frac_prec = (decimals, decimals)
    return str(pattern.apply(ratio, cldr))


def date(value: dt.date, locale: str | None = None, width: Width = "medium") -> str:
    """A calendar day: `3 nov. 2026` (fr, medium). An instant must first be put into a zone: see `datetime`."""
    if isinstance(value, dt.datetime):
        value = value.date()
    return dates.format_date(value, format=width, locale=_locale(locale))


def day_and_month(value: dt.date, locale: str | None = None) -> str:
    """A calendar day without its year, for the axis of a chart: `3 nov.` (fr)."""
    return dates.format_skeleton("MMMd", value, locale=_locale(locale))


def local_date(value: dt.datetime, tz: str | dt.tzinfo, locale: str | None = None, width: Width = "medium") -> str:
    """The calendar day of an aware instant in a zone such as `Europe/Luxembourg`."""
    return date(value.astimezone(_zone(tz)).date(), locale, width)


def time(value: dt.datetime, tz: str | dt.tzinfo, locale: str | None = None) -> str:
    """Hours and minutes of an aware instant in a zone: `14:05`."""
    return dates.format_time(value.astimezone(_zone(tz)).time(), format="short", locale=_locale(locale))


def datetime(value: dt.datetime, tz: str | dt.tzinfo, locale: str | None = None, width: Width = "medium") -> str:
    """Day and minute of an aware instant in a zone: `3 nov. 2026, 14:05` (fr)."""
    template = str(dates.get_datetime_format("medium", locale=_locale(locale)))
    return template.format(time(value, tz, locale), local_date(value, tz, locale, width))


def relative(when: dt.datetime, now: dt.datetime, locale: str | None = None) -> str:
    """How far an instant is from `now`: `in 5 minutes`, `il y a 2 jours`. 90 minutes stay 90 minutes, not 2 hours."""
    length = when - now
    text = dates.format_timedelta(length, threshold=_threshold(length), add_direction=True, locale=_locale(locale))
    return luxembourgish.settle_n(text)


def duration(length: dt.timedelta, locale: str | None = None) -> str:
    """A length of time in one unit: `15 minutes`, `1 hour`, `90 minutes`."""
    return dates.format_timedelta(length, threshold=_threshold(length), locale=_locale(locale))


def seconds(value: float, locale: str | None = None) -> str:
    """How long something took or how often it comes: `0.3 sec` below ten seconds, from then on as `duration`."""
    if value >= 10:
        return duration(dt.timedelta(seconds=round(value)), locale)
    return luxembourgish.settle_n(units.format_unit(round(value, 1), "duration-second", length="short", locale=_locale(locale)))


def join(items: Sequence[str], locale: str | None = None) -> str:
    """A list in a sentence: `a, b et c` (fr)."""
    return luxembourgish.settle_n(lists.format_list(items, locale=_locale(locale)))


def month_names(locale: str | None = None) -> list[str]:
    """January to December, as they stand alone in a form or a chart."""
    names = dates.get_month_names("wide", context="stand-alone", locale=_locale(locale))
    return [names[month] for month in range(1, 13)]


def weekday_names(locale: str | None = None, width: Weekdays = "abbreviated") -> list[str]:
    """Monday to Sunday, as they stand alone."""
    names = dates.get_day_names(width, context="stand-alone", locale=_locale(locale))
    return [names[day] for day in range(7)]


def date_field_order(locale: str | None = None) -> tuple[str, ...]:
    """The order of `day`, `month` and `year` in the locale's short date, for a birthday asked in three fields."""
    pattern = dates.get_date_format("short", locale=_locale(locale)).pattern
    positions = {"day": pattern.index("d"), "month": pattern.index("M"), "year": pattern.index("y")}
    return tuple(sorted(positions, key=positions.__getitem__))


def language_name(locale: str) -> str:
    """A language's name in itself, capitalised for a menu: `Lëtzebuergesch`."""
    return (_cldr(locale).languages.get(locale) or locale).capitalize()


def territory_names(codes: Sequence[str], locale: str | None = None) -> list[tuple[str, str]]:
    """Countries by their two letters, each with its name, for a field to choose from."""
    names = _locale(locale).territories
    return [(code, names.get(code) or code) for code in codes]


def _threshold(length: dt.timedelta) -> float:
    """From how many of a unit on that unit is used: two, so that rounding stays small; one where it is exact."""
    return 1 if abs(length) in _EXACT_UNITS else 2


def _zone(tz: str | dt.tzinfo) -> dt.tzinfo:
    return ZoneInfo(tz) if isinstance(tz, str) else tz
