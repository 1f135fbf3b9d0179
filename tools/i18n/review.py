"""What makes a translation wrong, found by comparing it with its English; and small repairs of typography."""

import re
from collections.abc import Iterator

from tools.i18n.extraction import Entry

_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\{\s*\w+\s*\}\}|(?<!\w)\{\w+\}")
_TAG = re.compile(r"</?[a-z][^>]*>", re.IGNORECASE)
_END_MARKS = ".?!:…"
_FAMILIAR = {
    "fr": re.compile(r"\b(tu|toi|ton|ta|tes)\b", re.IGNORECASE),
    "de": re.compile(r"\b(du|dich|dein\w*)\b|(?<!^)\bdir\b", re.IGNORECASE),
    "lb": re.compile(r"\b(?i:du|dech|däin\w*|deng\w*)\b|\bdir\b"),  # "Dir" is polite
}
"""Words of the familiar address; we say vous, Sie and Dir (design.md)."""


def find_faults(entry: Entry, locale: str) -> Iterator[str]:
    """Sentences about what is wrong with the translation of one message; nothing for a good one."""
    for index, text in enumerate(entry.texts):
        sources = [entry.message] if entry.plural is None else [entry.message, entry.plural]
        source = sources[min(index, len(sources) - 1)]
        wanted = {name for form in sources for name in _PLACEHOLDER.findall(form)}
        used = set(_PLACEHOLDER.findall(text))
        required = set(_PLACEHOLDER.findall(source)) if entry.plural is None or index else set()
        if used - wanted or required - used:
            yield f"placeholders differ: {sorted(wanted)} and {sorted(used)}"
        if sorted(_TAG.findall(source)) != sorted(_TAG.findall(text)):
            yield "markup differs"
        if _edges(source) != _edges(text):
            yield "leading or trailing space differs"
        if _end_mark(source) != _end_mark(text):
            yield f"ends with {_end_mark(text)!r} instead of {_end_mark(source)!r}"
        if locale == "fr" and re.search(r" [?!:;»]|« ", text):
            yield "an ordinary space stands before ? ! : ; or inside quotes: use a no-break space"
        if "(n)" in text and (locale != "lb" or entry.is_script or not re.search(r"\(n\) %\(", text)):
            yield "(n) stands only in Luxembourgish, before a placeholder, and not in a script's text"
        if _FAMILIAR[locale].search(_PLACEHOLDER.sub("", text)):
            yield "familiar address"


def polish(text: str, locale: str) -> str:
    """The text with typographic apostrophes, and in French with no-break spaces before tall punctuation."""
    text = re.sub(r"(?<=\w)'(?=\w)", "’", text)
    if locale == "fr":
        text = re.sub(r"[ \u00a0](?=[?!;])", "\u202f", text)
        text = re.sub(r" (?=[:»])", "\u00a0", text)
        text = text.replace("« ", "«\u00a0")
    return text


def _edges(text: str) -> tuple[str, str]:
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def _end_mark(text: str) -> str:
    last = text.rstrip()[-1:]
    return last if last and last in _END_MARKS else ""
