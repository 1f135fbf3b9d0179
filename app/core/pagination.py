"""Pages by cursor: a cursor is the sort key of the last row, signed, so that nobody can walk where they should not.

A list that is read in both directions is opened at a `Spot` (a cursor, read) and ends in `page_at`; one with a filter that no index
serves ends in `sifted_page`. `app.core.db.lists` writes their statements.
"""

import base64
import binascii
import dataclasses
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from app.core.config import get_settings
from app.core.errors import N_, BadRequest

MAX_PAGE = 100
DEFAULT_PAGE = 25
_SIGNATURE_BYTES = 12
_BACK = "<"
CHUNK = 250
MOST_SIFTED = 5000
"""Rows that one page looks at, where a filter has no index: a page may be short, or empty, with more behind it."""

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A slice of a list: `items`, and `next_cursor` when there is more; `previous_cursor` in lists that are read both ways."""

    items: list[T]
    next_cursor: str | None = None
    previous_cursor: str | None = None


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


@dataclasses.dataclass(frozen=True, slots=True)
class Spot:
    """Where a page begins: behind the row whose sort key is `values` (nothing: at the list's start), or before it."""

    values: tuple[Any, ...] = ()
    is_back: bool = False

    @property
    def is_first(self) -> bool:
        """Whether this is the list's start."""
        return not self.values


def read_spot(cursor: str | None, *parsers: Callable[[str], Any]) -> Spot:
    """Return the spot that a cursor of `page_at` names, each value read by its parser; BadCursor when it is of another list."""
    if cursor is None:
        return Spot()
    values = decode_cursor(cursor)
    is_back = len(values) == len(parsers) + 1 and values[-1] == _BACK
    if len(values) != len(parsers) + is_back:
        raise BadCursor
    try:
        return Spot(tuple(parse(str(value)) for parse, value in zip(parsers, values, strict=False)), is_back)
    except ValueError as error:
        raise BadCursor from error


def page_at(rows: Sequence[T], limit: int, key: Callable[[T], Sequence[str | int]], spot: Spot) -> Page[T]:
    """Return a Page with cursors in both directions from up to `limit` + 1 rows, nearest to `spot` first."""
    items = list(rows[:limit])
    return _page(items, key(items[-1]) if len(rows) > limit else None, key, spot)


def _page(items: list[T], further: Sequence[str | int] | None, key: Callable[[T], Sequence[str | int]], spot: Spot) -> Page[T]:
    """Shape what was read from `spot`, nearest first; `further` is the key behind which there is more in that direction."""
    if spot.is_back:
        items.reverse()
        onward = encode_cursor(key(items[-1])) if items else None
        return Page(items, onward, encode_cursor([*further, _BACK]) if further else None)
    back = encode_cursor([*key(items[0]), _BACK]) if items and not spot.is_first else None
    return Page(items, encode_cursor(further) if further else None, back)


async def sifted_page(
    read: Callable[[Spot, int], Awaitable[Sequence[T]]],
    sift: Callable[[Sequence[T]], Awaitable[Sequence[T]]],
    *,
    position: Callable[[T], tuple[Any, ...]],
    key: Callable[[T], Sequence[str | int]],
    spot: Spot,
    limit: int,
) -> Page[T]:
    """Return a page of the rows that `sift` lets through, looking at no more than MOST_SIFTED of them.

    `read` returns up to so many rows from a spot, nearest first; `position` is a row's sort key as `read` takes it.
    """
    found: list[T] = []
    looked, here = 0, spot
    while True:
        rows = await read(here, CHUNK)
        looked += len(rows)
        found += await sift(rows)
        is_end = len(rows) < CHUNK
        if is_end or len(found) > limit or looked >= MOST_SIFTED:
            break
        here = Spot(position(rows[-1]), spot.is_back)
    items = found[:limit]
    further = key(items[-1]) if len(found) > limit else None if is_end else key(rows[-1])
    return _page(items, further, key, spot)
