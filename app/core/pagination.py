"""Pages by cursor: a cursor is the sort key of the last row, signed, so that nobody can walk where they should not."""

import base64
import binascii
import dataclasses
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from app.core.config import get_settings
from app.core.errors import N_, BadRequest

MAX_PAGE = 100
DEFAULT_PAGE = 25
_SIGNATURE_BYTES = 12

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A slice of a list: `items`, and `next_cursor` when there is more."""

    items: list[T]
    next_cursor: str | None = None


class BadCursor(BadRequest):
    """A cursor that we did not issue."""

    code = "bad_cursor"
    message = N_("That page link is no longer valid. Please start again from the first page.")


def _sign(payload: bytes) -> bytes:
    key = get_settings().derive_key("cursor")
    return hmac.new(key, payload, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def encode_cursor(values: Sequence[str | int]) -> str:
    """Return `values` (the last row's sort key) as signed, URL-safe text."""
    payload = json.dumps(list(values), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_sign(payload) + payload).decode().rstrip("=")


def decode_cursor(cursor: str) -> list[Any]:
    """Return the values of a cursor made by `encode_cursor`; BadCursor when it is not ours."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (ValueError, binascii.Error, UnicodeError) as error:
        raise BadCursor from error
    signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _sign(payload)):
        raise BadCursor
    values: list[Any] = json.loads(payload)
    return values


def read_cursor(cursor: str, *parsers: Callable[[str], Any]) -> tuple[Any, ...]:
    """Return the cursor's values, each read by its parser; BadCursor when it is not ours, or is that of another kind of list."""
    values = decode_cursor(cursor)
    if len(values) != len(parsers):
        raise BadCursor
    try:
        return tuple(parse(str(value)) for parse, value in zip(parsers, values, strict=True))
    except ValueError as error:
        raise BadCursor from error


def parse_instant(text: str) -> dt.datetime:
    """Return the instant written by `isoformat`; ValueError for anything else, also for a time without a zone."""
    instant = dt.datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("no time zone")
    return instant


def page_of(rows: Sequence[T], limit: int, key: Callable[[T], Sequence[str | int]]) -> Page[T]:
    """Return a Page from up to `limit` + 1 rows: the extra row only tells that there is more."""
    items = list(rows[:limit])
    more = len(rows) > limit
    return Page(items, encode_cursor(key(items[-1])) if more else None)
