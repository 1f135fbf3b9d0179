"""Templates and scripts under the strict content security policy, and the icons they name."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tools.ast_rules.engine import Finding, Rule, Source, keyword

ICON_LIST = Path(__file__).resolve().parents[2] / "app/core/templates/ui/_icon_names.html"

_COMMENT = re.compile(r"\{#.*?#\}|<!--.*?-->", re.DOTALL)
_FORBIDDEN_MARKUP = (
    (re.compile(r"<[^>]*?\sstyle\s*=", re.IGNORECASE), "inline style: the policy refuses it, use a class"),
    (re.compile(r"<[^>]*?\son[a-z]+\s*=", re.IGNORECASE), "inline handler: the policy refuses it, use Alpine"),
    (re.compile(r"<style\b", re.IGNORECASE), "<style>: the policy refuses it, use the stylesheet"),
    (re.compile(r"(href|src|action)\s*=\s*[\"']\s*javascript:", re.IGNORECASE), "javascript: address"),
    (re.compile(r"\sx-html\s*="), "x-html sets markup from data: use x-text"),
    (re.compile(r"\|\s*safe\b"), "|safe switches escaping off"),
    (re.compile(r"autoescape\s+false"), "escaping must stay on"),
    (re.compile(r"(href|src)\s*=\s*[\"']https?://(?!\{)[^\"']*\.(js|css|woff2?)\b"), "files come from our own origin"),
)
_SCRIPT = re.compile(r"<script\b(?P<attributes>[^>]*)>(?P<body>.*?)</script>", re.IGNORECASE | re.DOTALL)
_ICON_CALL = re.compile(r"\bicon\(\s*[\"'](?P<name>[^\"']+)[\"']")
_FORBIDDEN_SCRIPT = (
    (re.compile(r"\.(innerHTML|outerHTML)\s*=|insertAdjacentHTML|document\.write"), "sets markup from text: use textContent"),
    (re.compile(r"\beval\s*\(|\bnew Function\b"), "the policy refuses evaluated code"),
)


def _without_comments(text: str) -> str:
    """The text with comments blanked out, line numbers kept."""
    return _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _is_page(source: Source) -> bool:
    """Whether a template becomes a page. Mail and printed documents have no policy, and mail readers know only inline styles."""
    return source.path.suffix == ".html" and not {"mail", "mails", "email", "emails"}.intersection(source.path.parts)


def _find_inline_code(source: Source) -> Iterator[Finding]:
    if not _is_page(source):
        return
    text = _without_comments(source.text)
    for pattern, message in _FORBIDDEN_MARKUP:
        for match in pattern.finditer(text):
            yield _line(text, match.end()), message
    for match in _SCRIPT.finditer(text):
        attributes = match["attributes"]
        if "application/json" not in attributes and ("src=" not in attributes or match["body"].strip()):
            yield _line(text, match.start()), "inline script: the policy refuses it, use a file"


def _find_unsafe_scripts(source: Source) -> Iterator[Finding]:
    if source.path.suffix != ".js":
        return
    for pattern, message in _FORBIDDEN_SCRIPT:
        for match in pattern.finditer(source.text):
            yield _line(source.text, match.start()), message


@cache
def icon_names(path: Path = ICON_LIST) -> frozenset[str]:
    """The names in the sprite's list; every quoted word of the file."""
    return frozenset(re.findall(r"\"([a-z0-9-]+)\"", _without_comments(path.read_text(encoding="utf-8"))))


def _find_unknown_icons(source: Source) -> Iterator[Finding]:
    if source.path.suffix == ".html":
        text = _without_comments(source.text)
        names = [(_line(text, match.start()), match["name"]) for match in _ICON_CALL.finditer(text)]
    else:
        values = [keyword(call, "icon") for call, name in source.calls() if name.endswith("MenuItem")]
        names = [(value.lineno, value.value) for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    for line, name in names:
        if name not in icon_names():
            yield line, f"icon {name} is not in the sprite's list"


RULES = (
    Rule("inline-code", _find_inline_code),
    Rule("script-markup", _find_unsafe_scripts),
    Rule("icon", _find_unknown_icons),
)
