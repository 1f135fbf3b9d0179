"""Which language a text is written in: the closed set of languages, the current one, and how it is negotiated."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal, get_args

Locale = Literal["en", "fr", "de", "lb"]
"""A language a person may read Orion in. English is the language of the msgids."""
LOCALES: Final[tuple[str, ...]] = get_args(Locale)
"""Every one of them."""

SOURCE_LOCALE: Final = "en"
FALLBACK_LOCALE: Final = "fr"
"""Used when neither the page, the customer, the browser nor the store says anything (design.md)."""

_MAX_HEADER_CHARS = 500  # a browser sends far less; what follows is not worth parsing

_current: ContextVar[str] = ContextVar("orion_locale", default=FALLBACK_LOCALE)


def current_locale() -> str:
    """The locale of the running request or task; one of `LOCALES`."""
    return _current.get()


@contextmanager
def use_locale(locale: str) -> Iterator[str]:
    """Make `locale` the current one inside the block. An unknown locale becomes the closest known one, else French."""
    known = match_locale(locale) or FALLBACK_LOCALE
    token = _current.set(known)
    try:
        yield known
    finally:
        _current.reset(token)


def match_locale(tag: str | None) -> str | None:
    """The known locale for a language tag such as `de-AT`, `fr_LU` or `LB`; None when there is none."""
    if not tag:
        return None
    language = re.split(r"[-_]", tag.strip(), maxsplit=1)[0].lower()
    return language if language in LOCALES else None


def negotiate(
    page_choice: str | None = None,
    customer: str | None = None,
    accept_language: str | None = None,
    store: str | None = None,
) -> str:
    """The language to answer in: the page's choice, the customer's, the browser's, the store's, then French (design.md).

    `accept_language` is the raw header. Anything unknown or malformed is skipped, so hostile input can only lose its say.
    """
    return (
        match_locale(page_choice)
        or match_locale(customer)
        or _match_accept_language(accept_language)
        or match_locale(store)
        or FALLBACK_LOCALE
    )


def _match_accept_language(header: str | None) -> str | None:
    """The known locale with the highest weight; among equals, the first."""
    best: tuple[float, str] | None = None
    for item in (header or "")[:_MAX_HEADER_CHARS].split(","):
        tag, _, parameter = item.partition(";")
        locale = match_locale(tag)
        weight = _parse_weight(parameter)
        if locale is not None and weight > 0 and (best is None or weight > best[0]):
            best = (weight, locale)
    return best[1] if best else None


def _parse_weight(parameter: str) -> float:
    """`q=0.8` as 0.8; no parameter is 1; a malformed one is 0, which refuses the language."""
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    if name.strip().lower() != "q" or not re.fullmatch(r"[01](\.\d{0,3})?", value.strip()):
        return 0.0
    return min(float(value), 1.0)
