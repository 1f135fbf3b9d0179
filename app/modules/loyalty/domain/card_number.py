"""Card numbers for people and QR contents for cameras.

A number is twelve digits, shown as 1234 5678 9012: ten random ones and two check digits by ISO 7064 MOD 97-10, which detect every
wrong digit and every swap of neighbours, and 99 of 100 other slips. Digits alone can be dictated in any language, typed on a
number pad and printed as a plain barcode; the first is never 0, as spreadsheets drop it. A number names a card, it opens nothing.

The QR code holds an opaque token instead: `OL1` and 32 characters of Crockford's base 32 (160 random bits). Capital letters and
digits only, so that QR codes stay small and scanners that act as keyboards type them the same in most layouts.
"""

import dataclasses
import enum
import re
import unicodedata
import urllib.parse

NUMBER_LENGTH = 12
NUMBER_BYTES = 8
TOKEN_BYTES = 20
TOKEN_PREFIX = "OL1"  # noqa: S105 - a public marker, not a secret
MAX_SCAN_LENGTH = 512

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FIRST_PAYLOAD = 10**9
_PAYLOADS = 9 * 10**9
_SEPARATORS = str.maketrans("", "", " -.\t\n\r\u00a0\u202f\u2009\u2010\u2011\u2013")
_NUMBER = re.compile(r"[1-9][0-9]{11}")
_EXTERNAL = re.compile(r"(?=.*[0-9])[A-Z0-9]{4,40}")
_TOKEN = re.compile(rf"{TOKEN_PREFIX}[{_ALPHABET}]{{32}}")


def generate(random_bytes: bytes) -> str:
    """Return the card number made from the first eight of `random_bytes`; ValueError for fewer."""
    if len(random_bytes) < NUMBER_BYTES:
        raise ValueError("a card number needs eight random bytes")
    payload = _FIRST_PAYLOAD + int.from_bytes(random_bytes[:NUMBER_BYTES], "big") % _PAYLOADS
    return f"{payload}{98 - payload * 100 % 97:02d}"


def normalize(text: str) -> str:
    """Return what was typed or scanned without the separators people use, digits of any script as 0–9."""
    return unicodedata.normalize("NFKC", text).translate(_SEPARATORS)


def is_valid(number: str) -> bool:
    """Return whether a normalized `number` has the right form and check digits."""
    return _NUMBER.fullmatch(number) is not None and int(number) % 97 == 1


def format_number(number: str) -> str:
    """Return a card number in groups of four, with no-break spaces."""
    return "\u00a0".join(number[start : start + 4] for start in range(0, len(number), 4))


def qr_token(random_bytes: bytes) -> str:
    """Return the QR content made from the first twenty of `random_bytes`; ValueError for fewer."""
    if len(random_bytes) < TOKEN_BYTES:
        raise ValueError("a QR token needs twenty random bytes")
    bits = int.from_bytes(random_bytes[:TOKEN_BYTES], "big")
    return TOKEN_PREFIX + "".join(_ALPHABET[bits >> shift & 31] for shift in range(155, -1, -5))


class ScanKind(enum.StrEnum):
    """What a scanned or typed text turned out to be."""

    CARD_NUMBER = "card_number"
    QR_TOKEN = "qr_token"  # noqa: S105 - a kind of text, not a secret


@dataclasses.dataclass(frozen=True, slots=True)
class Scan:
    """A recognised text: its kind and its normal form."""

    kind: ScanKind
    value: str


def parse_scan(text: str) -> Scan | None:
    """Return what `text` names: a card number, a QR token, or the token at the end of a card's address. None for anything else.

    Nothing of an address but its last path segment is looked at, and nothing is ever fetched.
    """
    if len(text) > MAX_SCAN_LENGTH:
        return None
    candidate = text.strip()
    if candidate[:8].lower().startswith(("http://", "https://")):
        candidate = _last_segment(candidate)
    candidate = normalize(candidate)
    token = candidate.upper()
    if _TOKEN.fullmatch(token):
        return Scan(ScanKind.QR_TOKEN, token)
    if is_valid(candidate):
        return Scan(ScanKind.CARD_NUMBER, candidate)
    return None


def parse_external(text: str) -> str | None:
    """Return `text` as a number that another system may have given a card: 4 to 40 letters and digits with at least one digit, or None."""
    number = normalize(text[:MAX_SCAN_LENGTH]).upper()
    return number if _EXTERNAL.fullmatch(number) else None


def _last_segment(address: str) -> str:
    try:
        path = urllib.parse.urlsplit(address).path
    except ValueError:  # an address such as http://[ that no parser takes
        return ""
    return path.rstrip("/").rpartition("/")[2]
