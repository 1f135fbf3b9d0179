"""Reads and writes catalogs so that the same messages always give the same bytes: sorted, no dates, no line numbers."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import normalize, read_po

from app.core.i18n.catalogs import DOMAIN_PATH, PLURAL_FORMS, SCRIPT_MARK
from app.core.i18n.locale import LOCALES, SOURCE_LOCALE
from tools.i18n.extraction import Entry, Messages

TARGET_LOCALES = tuple(locale for locale in LOCALES if locale != SOURCE_LOCALE)
"""Languages with catalogs; English is in the code."""


def catalog_path(directory: Path, locale: str) -> Path:
    """Where a package keeps its catalog of a language."""
    return directory / locale / DOMAIN_PATH


def read_catalog(path: Path, locale: str) -> Messages:
    """The messages of a catalog by key; empty when there is no file."""
    if not path.is_file():
        return {}
    with path.open("rb") as stream:
        catalog = read_po(stream, locale=locale, abort_invalid=True)
    entries = [_read_entry(message) for message in catalog if message.id]
    return {entry.key: entry for entry in entries}


def _read_entry(message: Message) -> Entry:
    forms = (message.id,) if isinstance(message.id, str) else tuple(message.id)
    texts = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
    comments = [comment for comment in message.auto_comments if comment != SCRIPT_MARK]
    return Entry(
        message=forms[0],
        plural=forms[1] if len(forms) > 1 else None,
        context=message.context,
        is_script=SCRIPT_MARK in message.auto_comments,
        comments=comments,
        texts=() if message.fuzzy else texts,
    )


def render_catalog(messages: Messages, locale: str) -> str:
    """The text of a catalog."""
    header = (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {locale}\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {PLURAL_FORMS[locale][1]}\\n"\n'
    )
    entries = sorted(messages.values(), key=lambda entry: (entry.message.casefold(), entry.message, entry.context or ""))
    return "\n".join([header, *(_render_entry(entry) for entry in entries)])


def _render_entry(entry: Entry) -> str:
    lines = [f"#. {comment}" for comment in ([SCRIPT_MARK] if entry.is_script else []) + sorted(entry.comments)]
    if entry.context is not None:
        lines.append(f"msgctxt {normalize(entry.context, width=0)}")
    lines.append(f"msgid {normalize(entry.message, width=0)}")
    if entry.plural is None:
        lines.append(f"msgstr {normalize(entry.texts[0] if entry.texts else '', width=0)}")
    else:
        lines.append(f"msgid_plural {normalize(entry.plural, width=0)}")
        texts = entry.texts if len(entry.texts) == 2 else ("", "")  # all our languages have two forms
        lines.extend(f"msgstr[{index}] {normalize(text, width=0)}" for index, text in enumerate(texts))
    return "\n".join(lines) + "\n"


def write_catalog(path: Path, messages: Messages, locale: str) -> bool:
    """Write a catalog if its text changes; an empty one is removed. Says whether anything changed."""
    if not messages:
        existed = path.is_file()
        path.unlink(missing_ok=True)
        return existed
    text = render_catalog(messages, locale)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".po.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return True


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Let one command at a time change catalogs; the lock is on the directory itself and ends with the process."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
