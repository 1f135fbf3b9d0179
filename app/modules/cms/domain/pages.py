"""A merchant's pages: addresses, texts in several languages, and which of them a reader gets."""

import dataclasses
import re
import unicodedata
from collections.abc import Mapping

from app.core.errors import N_
from app.core.i18n.locale import LOCALES
from app.modules.cms.errors import SlugInvalidException

MAX_SLUG_LENGTH = 60
MAX_TITLE_LENGTH = 120
MAX_BODY_LENGTH = 30_000
MAX_PAGES = 200
"""Pages of a merchant. The list of choices in the program's form shows all that are published."""

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SLUG_FORM = N_("Please use lower-case letters, digits and single hyphens, at most 60 of them.")


@dataclasses.dataclass(frozen=True, slots=True)
class PageText:
    """What a page says in one language: a title, and a body in Markdown."""

    title: str
    body: str

    @property
    def is_filled(self) -> bool:
        """Whether a reader can be shown it: neither part is blank."""
        return bool(self.title.strip() and self.body.strip())


Texts = Mapping[str, PageText]
"""Texts by language."""


def is_slug(slug: str) -> bool:
    """Whether `slug` can be the last part of a public address."""
    return len(slug) <= MAX_SLUG_LENGTH and _SLUG.fullmatch(slug) is not None


def require_slug(slug: str) -> None:
    """Raise SlugInvalidException unless `slug` can be the last part of a public address."""
    if not is_slug(slug):
        raise SlugInvalidException(SLUG_FORM)


def plain_words(text: str) -> str:
    """Return `text` in small letters without accents and signs, a hyphen between words: an address, or what a list is sorted by."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def suggest_slug(title: str) -> str:
    """Return an address made of a title: "Conditions générales" becomes `conditions-generales`; "page" where nothing is left."""
    return plain_words(title)[:MAX_SLUG_LENGTH].strip("-") or "page"


def filled_texts(texts: Texts) -> dict[str, PageText]:
    """Return the texts that can be published, in the order of the languages."""
    return {locale: texts[locale] for locale in LOCALES if locale in texts and texts[locale].is_filled}


def missing_locales(texts: Texts) -> list[str]:
    """Return the languages in which a page says nothing yet."""
    filled = filled_texts(texts)
    return [locale for locale in LOCALES if locale not in filled]


def choose_locale(texts: Texts, wanted: str, store_locale: str | None) -> str | None:
    """Return the language to show a page in: the reader's, the store's, else the first that is filled; None when none is."""
    filled = filled_texts(texts)
    return next((locale for locale in (wanted, store_locale, *filled) if locale in filled), None)
