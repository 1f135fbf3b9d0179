"""Translations: the `.po` files of every module merged into one dictionary per language, read once per process.

The `.po` files are read as they are; no compiled catalogs exist, so none can be stale.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from app.core.i18n import luxembourgish
from app.core.i18n.locale import LOCALES, SOURCE_LOCALE, current_locale

DOMAIN_PATH = Path("LC_MESSAGES") / "messages.po"
SCRIPT_MARK = "script"
"""Extraction puts this comment on messages that `frontend/js` uses; see `script_messages`."""

_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%%")
_CONTEXT_SEPARATOR = "\x04"  # gettext's own separator between context and msgid


@dataclass(frozen=True, slots=True)
class Catalog:
    """One language. Plural texts are tuples in the order of the language's plural forms."""

    texts: dict[str, str] = field(default_factory=dict)
    plurals: dict[str, tuple[str, ...]] = field(default_factory=dict)
    script: dict[str, set[str]] = field(default_factory=dict)
    """Module name to the keys of `texts` and `plurals` that its scripts use."""


def _is_plural_french(number: float) -> int:
    return int(abs(number) > 1)  # 0, 1 and 1,5 are singular in French


def _is_plural_germanic(number: float) -> int:
    return int(number != 1)


PLURAL_FORMS: Mapping[str, tuple[Callable[[float], int], str]] = {
    "en": (_is_plural_germanic, "nplurals=2; plural=(n != 1);"),
    "fr": (_is_plural_french, "nplurals=2; plural=(n > 1);"),
    "de": (_is_plural_germanic, "nplurals=2; plural=(n != 1);"),
    "lb": (_is_plural_germanic, "nplurals=2; plural=(n != 1);"),
}
"""Locale to the index of the plural form for a number, and the header that says the same in a `.po` file."""


def message_key(message: str, context: str | None = None) -> str:
    """The look-up key of a message: its msgid, preceded by its context where it has one."""
    return message if context is None else f"{context}{_CONTEXT_SEPARATOR}{message}"


def locale_directories(app_directory: Path | None = None) -> dict[str, Path]:
    """Owner (`core` or a module's name) to its directory of catalogs, for every package of the application."""
    root = app_directory or Path(__file__).resolve().parents[2]
    directories = {"core": root / "core" / "locales"}
    directories.update({path.name: path / "locales" for path in sorted((root / "modules").glob("*")) if path.is_dir()})
    return directories


def load_catalog(locale: str, directories: Mapping[str, Path]) -> Catalog:
    """Merge the `.po` files of one locale. Untranslated entries stay absent, so look-ups fall back to the msgid.

    Raises `UnicodeDecodeError` or `babel.messages.pofile.PoFileError` for a broken file: starting without it would hide words.
    """
    catalog = Catalog()
    for owner, directory in directories.items():
        path = directory / locale / DOMAIN_PATH
        if not path.is_file():
            continue
        with path.open("rb") as stream:
            _merge(catalog, owner, read_po(stream, locale=locale, abort_invalid=True))
    return catalog


def _merge(catalog: Catalog, owner: str, messages: Iterable[Message]) -> None:
    for message in messages:
        if not message.id or message.fuzzy:
            continue
        single = message.id if isinstance(message.id, str) else message.id[0]
        key = message_key(single, message.context)
        if SCRIPT_MARK in message.auto_comments:
            catalog.script.setdefault(owner, set()).add(key)
        if isinstance(message.string, str):
            if message.string:
                catalog.texts[key] = message.string
        elif message.string and all(message.string):
            catalog.plurals[key] = tuple(message.string)
            catalog.texts.setdefault(key, message.string[0])  # the word alone, where only its plural is in the catalogs


@cache
def get_catalogs() -> Mapping[str, Catalog]:
    """Every catalog of the application, read at the first call. Call it at start-up so that a broken file stops the start."""
    directories = locale_directories()
    return {locale: load_catalog(locale, directories) for locale in LOCALES}


@cache
def _known_messages() -> frozenset[str]:
    catalogs = get_catalogs().values()
    return frozenset(key for catalog in catalogs for key in (*catalog.texts, *catalog.plurals))


def is_known(message: str, context: str | None = None) -> bool:
    """Whether the text is one of ours. What is not (a customer's words handed to `_`) must be escaped by templates."""
    return message_key(message, context) in _known_messages()


def interpolate(text: str, params: Mapping[str, object], convert: Callable[[object], str] = str) -> str:
    """Fill `%(name)s` from `params`, in one pass: what a value contains is never read as a placeholder.

    A missing parameter leaves its placeholder visible instead of raising; `%%` and a lone `%` both give `%`.
    `convert` turns a value into text (templates pass an escaping one).
    """
    if "%" not in text:
        return text
    if luxembourgish.OPTIONAL_N in text:
        text = luxembourgish.settle_n_before_values(text, {name: str(value) for name, value in params.items()})

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return "%"
        return convert(params[name]) if name in params else match.group(0)

    return _PLACEHOLDER.sub(fill, text)


def lookup(locale: str, message: str, context: str | None = None) -> str:
    """The translated text with its placeholders still in it; the message itself where there is no translation."""
    catalog = get_catalogs().get(locale)
    return message if catalog is None else catalog.texts.get(message_key(message, context), message)


def lookup_plural(locale: str, singular: str, plural: str, number: float, context: str | None = None) -> str:
    """Like `lookup`, choosing the form for `number`."""
    catalog = get_catalogs().get(locale)
    if catalog is not None:
        forms = catalog.plurals.get(message_key(singular, context))
        if forms is not None:
            return forms[PLURAL_FORMS[locale][0](number)]
    return plural if PLURAL_FORMS[SOURCE_LOCALE][0](number) else singular


def translate(locale: str, message: str, params: Mapping[str, object] | None = None) -> str:
    """`message` in `locale`, placeholders filled. For texts whose language is not the current one (mail, problem answers)."""
    return interpolate(lookup(locale, message), params or {})


def gettext(message: str, /, **params: object) -> str:
    """`message` in the current locale, placeholders filled from the keywords."""
    return interpolate(lookup(current_locale(), message), params)


def ngettext(singular: str, plural: str, num: int | float, /, **params: object) -> str:
    """The form for `num` in the current locale; `num` itself fills `%(num)s`."""
    return interpolate(lookup_plural(current_locale(), singular, plural, num), {"num": num, **params})


def pgettext(context: str, message: str, /, **params: object) -> str:
    """Like `gettext`, for a word whose meaning depends on `context` ("Open" the button, "Open" the state)."""
    return interpolate(lookup(current_locale(), message, context), params)


def npgettext(context: str, singular: str, plural: str, num: int | float, /, **params: object) -> str:
    """`ngettext` with a context."""
    return interpolate(lookup_plural(current_locale(), singular, plural, num, context), {"num": num, **params})


def script_messages(locale: str, owners: Iterable[str]) -> dict[str, str | list[str]]:
    """The texts that scripts of these owners (`core` or module names) use, for a page's block `i18n_modules`.

    Keys are msgids; values the translated text, or the list of plural forms. Placeholders stay in for the script to fill.
    English answers nothing: a script's msgids are English already.
    """
    catalog = get_catalogs().get(locale)
    if catalog is None:
        return {}
    keys = sorted({key for owner in owners for key in catalog.script.get(owner, ())})
    messages: dict[str, str | list[str]] = {}
    for key in keys:
        if key in catalog.plurals:  # in `texts` too, as a word of its own
            messages[key] = list(catalog.plurals[key])
        elif key in catalog.texts:
            messages[key] = catalog.texts[key]
    return messages
