"""Phone numbers, brought to the international form of E.164: `+`, country code, number, at most 15 digits."""

import re
import unicodedata

DEFAULT_COUNTRY = "352"
MAX_DIGITS = 15
MIN_NATIONAL_DIGITS = 4

_TRUNK_IN_BRACKETS = re.compile(r"\(\s*0\s*\)")
_SEPARATORS = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]")
_LUXEMBOURG_WITHOUT_PLUS = re.compile(r"352[0-9]{6,9}")


def normalize_phone(text: str, *, country: str = DEFAULT_COUNTRY) -> str | None:
    """Return `text` as +<country code><number>, or None when it cannot be a phone number.

    A number without + or 00 belongs to `country`, a calling code without +; one leading 0 is that country's trunk prefix, which
    Luxembourg does not have. `+49 (0)30 1234` loses its (0). Nothing more is checked: numbering plans change too often.
    """
    compact = unicodedata.normalize("NFKC", text)
    compact = _SEPARATORS.sub("", _TRUNK_IN_BRACKETS.sub("", compact))
    if compact.startswith("00"):
        compact = "+" + compact[2:]
    if not compact.startswith("+"):
        compact = _with_country(compact, country)
    digits = compact[1:]
    if not (digits.isascii() and digits.isdigit()) or digits.startswith("0"):
        return None
    if not MIN_NATIONAL_DIGITS + 1 <= len(digits) <= MAX_DIGITS:
        return None
    if digits.startswith(country) and len(digits) < len(country) + MIN_NATIONAL_DIGITS:
        return None
    return "+" + digits


def _with_country(national: str, country: str) -> str:
    if country == DEFAULT_COUNTRY and _LUXEMBOURG_WITHOUT_PLUS.fullmatch(national):
        return "+" + national  # 9 digits and more starting with 352 is the country code typed without its plus
    if country != DEFAULT_COUNTRY and national.startswith("0"):
        national = national[1:]
    return f"+{country}{national}"


def search_digits(text: str) -> str | None:
    """Return the digits of what staff typed to find a number by its end, or None for fewer than four.

    Leading zeros may be a trunk prefix (00352, 0621) and are left out, unless too little would be left: 0123 is the end of a number.
    """
    digits = "".join(character for character in unicodedata.normalize("NFKC", text) if character in "0123456789")
    without_prefix = digits.lstrip("0")
    if len(without_prefix) >= MIN_NATIONAL_DIGITS:
        return without_prefix
    return digits if len(digits) >= MIN_NATIONAL_DIGITS and without_prefix else None
