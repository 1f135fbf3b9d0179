"""The application's own catalogs: complete, current, and with the words of the glossary."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.i18n.catalogs import locale_directories
from tools.i18n import commands
from tools.i18n.pofiles import TARGET_LOCALES, catalog_path, read_catalog

ROOT = Path(__file__).resolve().parents[2]

GLOSSARY: dict[str, dict[str, str]] = {
    # English noun: what its translation must contain (design.md, Words); only nouns with one meaning
    r"loyalty cards?": {"fr": r"cartes? de fidélité", "de": r"Treuekarte", "lb": r"Treiekaart"},
    r"points": {"fr": r"points", "de": r"Punkt", "lb": r"Punkt"},
    r"balance": {"fr": r"solde", "de": r"Guthaben", "lb": r"Guthabe"},  # without its n before most letters
    r"rewards?": {"fr": r"récompense", "de": r"Prämie", "lb": r"Belounung"},
    r"stamps": {"fr": r"tampon", "de": r"Stempel", "lb": r"Stempel"},
    r"birthday": {"fr": r"anniversaire|naissance", "de": r"Geburts", "lb": r"Gebuerts"},
    r"unsubscribe": {"fr": r"désinscri", "de": r"abmeld|abgemeldet", "lb": r"ofmell|ofgemellt"},
    r"privacy": {"fr": r"confidentialité", "de": r"Datenschutz", "lb": r"Dateschutz"},
}


def translations(locale: str) -> Iterator[tuple[str, str, str]]:
    """Owner, English and translation of every text of a language."""
    for owner, directory in locale_directories().items():
        for entry in read_catalog(catalog_path(directory, locale), locale).values():
            sources = [entry.message, entry.plural or entry.message]
            for source, text in zip(sources, entry.texts, strict=False):
                if text:
                    yield owner, source, text


def test_catalogs_are_current_complete_and_sound() -> None:
    problems = commands.find_problems(ROOT)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("locale", TARGET_LOCALES)
def test_the_same_noun_everywhere(locale: str) -> None:
    wrong = [
        f"{owner}: {source!r} -> {text!r} lacks {words[locale]}"
        for owner, source, text in translations(locale)
        for term, words in GLOSSARY.items()
        if re.search(rf"\b{term}\b", re.sub(r"%\(\w+\)s", "", source), re.IGNORECASE) and not re.search(words[locale], text, re.IGNORECASE)
    ]
    assert not wrong, "\n".join(wrong)
