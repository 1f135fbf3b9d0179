"""Languages: `_` and friends for texts, `formatting` for numbers and dates, `negotiate` and `use_locale` for the choice."""

from app.core.errors import N_
from app.core.i18n import formatting
from app.core.i18n.catalogs import (
    get_catalogs,
    gettext,
    ngettext,
    npgettext,
    pgettext,
    script_messages,
    translate,
)
from app.core.i18n.catalogs import gettext as _
from app.core.i18n.locale import FALLBACK_LOCALE, LOCALES, Locale, current_locale, match_locale, negotiate, use_locale

__all__ = [
    "FALLBACK_LOCALE",
    "LOCALES",
    "N_",
    "Locale",
    "_",
    "current_locale",
    "formatting",
    "get_catalogs",
    "gettext",
    "match_locale",
    "negotiate",
    "ngettext",
    "npgettext",
    "pgettext",
    "script_messages",
    "translate",
    "use_locale",
]
