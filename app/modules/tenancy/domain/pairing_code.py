"""One-time codes that pair a terminal with a store (domain.md, PINs and terminals): eight characters, shown as CDFG-2345.

No vowels, so no words; of characters that look alike at most one: 0 O, 1 I L and 8 B are left out, 5 and 2 stand without S and Z.
24 characters give 36 bits: with ten minutes to live, single use and counted tries, guessing is hopeless.
"""

import datetime as dt
import unicodedata

ALPHABET = "2345679CDFGHJKMNPQRTVWXY"
LENGTH = 8
RANDOM_BYTES = 16
LIFETIME = dt.timedelta(minutes=10)

_SEPARATORS = str.maketrans("", "", " -.\t\n\r\u00a0\u2010\u2011\u2013")


def generate(random_bytes: bytes) -> str:
    """Return the code made from the first sixteen of `random_bytes`; ValueError for fewer."""
    if len(random_bytes) < RANDOM_BYTES:
        raise ValueError("a pairing code needs sixteen random bytes")
    number = int.from_bytes(random_bytes[:RANDOM_BYTES], "big")
    characters = []
    for _ in range(LENGTH):
        number, index = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[index])
    return "".join(characters)


def normalize(text: str) -> str:
    """Return what was typed in capitals, without separators."""
    return unicodedata.normalize("NFKC", text).translate(_SEPARATORS).upper()


def has_code_form(code: str) -> bool:
    """Return whether a normalized `code` can be one at all: anything else need not be looked up."""
    return len(code) == LENGTH and all(character in ALPHABET for character in code)


def format_code(code: str) -> str:
    """Return a code in two groups, as it is shown."""
    return f"{code[:4]}-{code[4:]}"


def expires_at(created_at: dt.datetime) -> dt.datetime:
    """Return the instant from which a code made at `created_at` is worthless."""
    return created_at + LIFETIME


def is_usable(*, created_at: dt.datetime, used_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Return whether a code still pairs a terminal: unused and younger than ten minutes."""
    return used_at is None and now < expires_at(created_at)
