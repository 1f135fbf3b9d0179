"""Store codes: the part of a store's address that customers see, /s/{store_code}/…"""

import itertools
import re
import unicodedata
from collections.abc import Iterator

from app.core.errors import N_
from app.modules.tenancy.errors import StoreCodeInvalidException

MIN_LENGTH, MAX_LENGTH = 3, 32
FALLBACK = "store"

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_RESERVED = frozenset(
    {"admin", "api", "app", "assets", "auth", "card", "cards", "health", "help", "livez", "login", "loyalty"}
    | {"merchant", "merchants", "metrics", "new", "null", "orion", "readyz", "root", "static", "stores", "support", "system"}
    | {"terminal", "undefined", "wallet", "www"}
)

SHAPE = N_("Please use 3 to 32 small letters, digits and single hyphens, such as cafe-central.")
RESERVED = N_("This code is reserved. Please choose another one.")


def normalize_code(text: str) -> str:
    """Return what was typed, trimmed and in small letters: codes are compared this way."""
    return text.strip().lower()


def code_problem(code: str) -> str | None:
    """Return a sentence (msgid) saying why a normalized `code` is refused, or None."""
    if not MIN_LENGTH <= len(code) <= MAX_LENGTH or not _CODE.fullmatch(code):
        return SHAPE
    return RESERVED if code in _RESERVED or code.isdigit() else None


def require_valid_code(code: str) -> None:
    """Raise StoreCodeInvalidException with the sentence of `code_problem`."""
    problem = code_problem(code)
    if problem is not None:
        raise StoreCodeInvalidException(problem)


def code_from_name(name: str) -> str:
    """Return a valid code made from a store's name: `Café Zentral, Lëtzebuerg` gives `cafe-zentral-letzebuerg`."""
    return next(code_candidates(name))


def code_candidates(name: str) -> Iterator[str]:
    """Yield valid codes made from `name`, without end: the plain one, then with -2, -3 … until the caller finds one free."""
    decomposed = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    words = re.findall(r"[a-z0-9]+", "".join(character for character in decomposed if not unicodedata.combining(character)))
    base = "-".join(words)[:MAX_LENGTH].strip("-") or FALLBACK
    if len(base) < MIN_LENGTH or base.isdigit() or base in _RESERVED:
        base = f"{FALLBACK}-{base}"[:MAX_LENGTH].strip("-")
    yield base
    for number in itertools.count(2):
        suffix = f"-{number}"
        yield base[: MAX_LENGTH - len(suffix)].rstrip("-") + suffix
