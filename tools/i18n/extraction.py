"""Finds every text marked for translation, and the package whose catalog it belongs to."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from babel.messages.extract import extract
from jinja2.ext import babel_extract

from app.core.i18n.catalogs import message_key

_PYTHON_KEYWORDS: dict[str, Any] = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
_SCRIPT_KEYWORDS: dict[str, Any] = {"_": None, "ngettext": (1, 2)}
_TEMPLATE_OPTIONS = {"extensions": "jinja2.ext.i18n", "newstyle_gettext": "true", "trimmed": "true", "silent": "false"}
_SCRIPT_OPTIONS = {"encoding": "utf-8", "parse_template_string": True}  # `${_("...")}` inside backquotes
_COMMENT_TAG = "Translators:"
_UNREAD = frozenset({"tests", "migrations", "testing", "static", "locales", "docs", "node_modules", "dist"})


@dataclass
class Entry:
    """One message of a catalog. `texts` are its translations: one, or one per plural form; empty when untranslated."""

    message: str
    plural: str | None = None
    context: str | None = None
    is_script: bool = False
    comments: list[str] = field(default_factory=list)
    texts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What look-ups use: the msgid with its context."""
        return message_key(self.message, self.context)

    @property
    def label(self) -> str:
        """How a fragment for `fill` names the message: the key, and `|plural` when it has one."""
        return self.key if self.plural is None else f"{self.key}|{self.plural}"

    @property
    def is_translated(self) -> bool:
        """Whether every form has a text."""
        return bool(self.texts) and all(self.texts)


Messages = dict[str, Entry]


def extract_all(root: Path, owners: Mapping[str, Path]) -> dict[str, Messages]:
    """Every marked text below `root`, by owner and key.

    Raises `SyntaxError` or `jinja2.TemplateSyntaxError` for a file that cannot be read, so that nothing is lost silently.
    """
    found: dict[str, Messages] = {owner: {} for owner in owners}
    for path in _source_files(root):
        relative = PurePosixPath(path.relative_to(root).as_posix())
        messages = found[owner_of(relative, owners)]
        for entry in _extract_file(path, is_script=path.suffix == ".js"):
            _add(messages, entry)
    return found


def owner_of(path: PurePosixPath, owners: Mapping[str, Path]) -> str:
    """The package whose catalog takes the texts of a file: its module, else core.

    A script belongs to the module that its file's name begins with: `frontend/js/pages/loyalty-terminal.js`.
    """
    if path.is_relative_to("app/modules") and path.parts[2] in owners:
        return path.parts[2]
    if path.is_relative_to("frontend/js/pages"):
        prefix = path.stem.partition("-")[0]
        return prefix if prefix in owners else "core"
    return "core"


def _source_files(root: Path) -> Iterator[Path]:
    for folder, suffixes in (("app", {".py", ".html", ".txt"}), ("frontend/js", {".js"})):
        for path in sorted((root / folder).rglob("*")):
            inside = path.relative_to(root).parts
            is_text = path.suffix in suffixes and (path.suffix != ".txt" or "templates" in inside)
            if is_text and path.is_file() and not _UNREAD.intersection(inside):
                yield path


def _extract_file(path: Path, *, is_script: bool) -> Iterator[Entry]:
    stream = io.BytesIO(path.read_bytes())
    if is_script:
        found = extract("javascript", stream, _SCRIPT_KEYWORDS, [_COMMENT_TAG], _SCRIPT_OPTIONS, strip_comment_tags=True)
    elif path.suffix == ".py":
        found = extract("python", stream, _PYTHON_KEYWORDS, [_COMMENT_TAG], {"encoding": "utf-8"}, strip_comment_tags=True)
    else:
        method: Any = babel_extract  # its annotations differ from what Babel documents
        found = extract(method, stream, _PYTHON_KEYWORDS, [_COMMENT_TAG], _TEMPLATE_OPTIONS, strip_comment_tags=True)
    for _line, message, comments, context in found:
        forms = (message,) if isinstance(message, str) else message
        if forms[0]:
            plural = forms[1] if len(forms) > 1 else None
            yield Entry(forms[0], plural, context, is_script, list(comments))


def _add(messages: Messages, entry: Entry) -> None:
    known = messages.setdefault(entry.key, entry)
    if known is entry:
        return
    if known.plural != entry.plural and known.plural and entry.plural:
        raise ValueError(f"{entry.message!r} has two plurals: {known.plural!r} and {entry.plural!r}")
    known.plural = known.plural or entry.plural
    known.is_script = known.is_script or entry.is_script
    known.comments.extend(comment for comment in entry.comments if comment not in known.comments)
