"""The four commands, over a tree whose root is given: what each does is in its docstring."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.i18n.catalogs import locale_directories
from tools.i18n.extraction import Entry, Messages, extract_all
from tools.i18n.pofiles import TARGET_LOCALES, catalog_path, locked, read_catalog, render_catalog, write_catalog
from tools.i18n.review import find_faults, polish

Fragment = Mapping[str, Mapping[str, str | list[str]]]


@dataclass(frozen=True)
class FillResult:
    """What `fill` did: how many texts it wrote, which labels no catalog has, and which texts it refused and why."""

    filled: int
    unknown: list[str]
    refused: list[str]


def extract_messages(root: Path) -> list[Path]:
    """Bring every catalog in line with the code and return the files that changed.

    New messages take the translation another catalog has for them (a text that moved keeps it); nothing is guessed.
    Messages that are gone are dropped.
    """
    owners = locale_directories(root / "app")
    with locked(root / "app"):
        found = extract_all(root, owners)
        changed = []
        for locale in TARGET_LOCALES:
            old = {owner: read_catalog(catalog_path(directory, locale), locale) for owner, directory in owners.items()}
            memory = _translated(old)
            for owner, messages in found.items():
                path = catalog_path(owners[owner], locale)
                if write_catalog(path, _merge(messages, old[owner], memory), locale):
                    changed.append(path)
        return changed


def fill_messages(root: Path, fragment: Fragment) -> FillResult:
    """Write the fragment's texts into every catalog that has the message and no text for it yet.

    A fragment is `{label: {locale: text}}`; for a plural the label is `msgid|msgid_plural` and the text a list of forms.
    """
    owners = locale_directories(root / "app")
    filled, refused = 0, []
    known: set[str] = set()
    with locked(root / "app"):
        for locale in TARGET_LOCALES:
            for directory in owners.values():
                path = catalog_path(directory, locale)
                messages = read_catalog(path, locale)
                count = 0
                for key, entry in messages.items():
                    known.add(entry.label)
                    offered = fragment.get(entry.label, {}).get(locale)
                    if offered is None or entry.is_translated:
                        continue
                    texts = (offered,) if isinstance(offered, str) else tuple(offered)
                    candidate = replace(entry, texts=tuple(polish(text, locale) for text in texts))
                    faults = _faults(candidate, locale)
                    if faults:
                        refused.append(f"{locale}: {entry.label!r}: {'; '.join(faults)}")
                        continue
                    messages[key] = candidate
                    count += 1
                if count:
                    write_catalog(path, messages, locale)
                filled += count
    return FillResult(filled, sorted(set(fragment) - known), refused)


def list_missing(root: Path) -> dict[str, dict[str, list[str]]]:
    """Labels without a translation, by owner and locale."""
    missing: dict[str, dict[str, list[str]]] = {}
    for owner, locale, messages in _all_catalogs(root):
        labels = [entry.label for entry in messages.values() if not entry.is_translated]
        if labels:
            missing.setdefault(owner, {})[locale] = labels
    return missing


def find_problems(root: Path) -> list[str]:
    """Everything that must stop a merge: stale catalogs, missing and faulty translations, one text translated in two ways."""
    return [*_find_stale(root), *_find_incomplete(root), *_find_contradictions(root)]


def _find_stale(root: Path) -> Iterator[str]:
    owners = locale_directories(root / "app")
    found = extract_all(root, owners)
    for locale in TARGET_LOCALES:
        for owner, directory in owners.items():
            path = catalog_path(directory, locale)
            expected = render_catalog(_merge(found[owner], read_catalog(path, locale), {}), locale) if found[owner] else None
            actual = path.read_text(encoding="utf-8") if path.is_file() else None
            if expected != actual:
                yield f"{path.relative_to(root)}: stale, run `python -m tools.i18n extract`"


def _find_incomplete(root: Path) -> Iterator[str]:
    for owner, locale, messages in _all_catalogs(root):
        for entry in messages.values():
            faults = _faults(entry, locale) if entry.is_translated else ["not translated"]
            for fault in faults:
                yield f"{owner} {locale}: {entry.label!r}: {fault}"


def _find_contradictions(root: Path) -> Iterator[str]:
    seen: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {}
    for owner, locale, messages in _all_catalogs(root):
        for entry in messages.values():
            first_owner, texts = seen.setdefault((locale, entry.label), (owner, entry.texts))
            if entry.is_translated and texts != entry.texts:
                yield f"{locale}: {entry.label!r}: {first_owner} says {texts}, {owner} says {entry.texts}"


def _all_catalogs(root: Path) -> Iterator[tuple[str, str, Messages]]:
    for owner, directory in locale_directories(root / "app").items():
        for locale in TARGET_LOCALES:
            yield owner, locale, read_catalog(catalog_path(directory, locale), locale)


def _faults(entry: Entry, locale: str) -> list[str]:
    wanted = 1 if entry.plural is None else 2
    if len(entry.texts) != wanted:
        return [f"{len(entry.texts)} forms instead of {wanted}"]
    return list(find_faults(entry, locale))


def _translated(catalogs: Mapping[str, Messages]) -> dict[str, tuple[str, ...]]:
    """Label to texts over all catalogs of a locale; the first owner wins."""
    memory: dict[str, tuple[str, ...]] = {}
    for messages in catalogs.values():
        for entry in messages.values():
            if entry.is_translated:
                memory.setdefault(entry.label, entry.texts)
    return memory


def _merge(found: Messages, old: Messages, memory: Mapping[str, tuple[str, ...]]) -> Messages:
    """The messages of the code with the translations they have."""
    merged = {}
    for key, entry in found.items():
        known = old.get(key)
        own = known.texts if known is not None and known.label == entry.label else ()
        merged[key] = replace(entry, texts=own if own and all(own) else memory.get(entry.label, own))
    return merged


def read_fragment(path: Path) -> Fragment:
    """A fragment file; `ValueError` with a sentence when it has another shape."""
    fragment = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(fragment, dict) or not all(isinstance(texts, dict) for texts in fragment.values()):
        raise ValueError('a fragment looks like {"msgid": {"fr": "...", "de": "...", "lb": "..."}}')
    for label, texts in fragment.items():
        unknown = set(texts) - set(TARGET_LOCALES)
        if unknown:
            raise ValueError(f"{label!r} names unknown languages: {sorted(unknown)}")
    return fragment
