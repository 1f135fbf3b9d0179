"""Names of people: kept as they were typed, as long as they can be shown on one line."""

import unicodedata

MAX_NAME_LENGTH = 80

_REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")
"""Needed inside names in several scripts; every other invisible character can only mislead."""


def clean_name(text: str) -> str | None:
    """Return the name in NFC with spaces trimmed and collapsed, or None when it is empty, too long or cannot be shown.

    Control characters, lone surrogates and marks that turn the writing direction are refused rather than removed.
    """
    spaced = unicodedata.normalize("NFC", text).replace("\u00a0", " ")
    name = " ".join(part for part in spaced.split(" ") if part)
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        return None
    if any(unicodedata.category(character) in _REFUSED and character not in _JOINERS for character in name):
        return None
    return name if any(character.isalnum() for character in name) else None


def search_words(text: str) -> tuple[str, ...]:
    """Return the casefolded words of a search by name without accents, at most five: `Müller-Æ` finds `muller-æ`."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character) and character.isprintable())
    return tuple(plain.split()[:5])
