"""Markdown as merchants write it, to HTML that may stand on a public page.

Two walls: markdown-it leaves raw HTML as text and makes links only of addresses that `is_safe_link` lets through, and nh3 then
keeps nothing but the tags below. There are no images, no code and no tables: a page of terms needs none, and a reader's browser
is never sent to anybody else's server.
"""

import functools
import re
from collections.abc import Sequence
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

TAGS = frozenset({"h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "strong", "em", "s", "blockquote", "a"})
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = frozenset({"http", "https", "mailto", "tel"})
DEEPEST_HEADING = 6
KEPT_RENDERINGS = 256
"""Texts that are kept rendered: those that are looked at the most stay."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_COLON_FIRST = re.compile(r"[^/?#]*:")  # what is no scheme to us, and might be one to somebody else
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]")


def is_safe_link(url: str) -> bool:
    """Whether a link may lead to `url`: the web, a mailbox, a phone, a part of the page, or a path of this very site."""
    if _UNSEEN.search(url) or "\\" in url:
        return False
    scheme = _SCHEME.match(url)
    if scheme is not None:
        return scheme[0][:-1].lower() in SCHEMES
    return not url.startswith("//") and _COLON_FIRST.match(url) is None


def _words_of_picture(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Show the words that stand for a picture, and no picture."""
    return escapeHtml(str(renderer.renderInlineAsText(tokens[index].children or [], options, env)))


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        """Let nothing become a link but what `is_safe_link` lets through."""
        return is_safe_link(url)


@functools.cache
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False, "linkify": False, "typographer": False}).enable("strikethrough")
    parser.disable(["html_block", "html_inline", "code", "fence", "backticks"])
    parser.add_render_rule("image", _words_of_picture)
    return parser


@functools.lru_cache(maxsize=KEPT_RENDERINGS)
def render_markdown(text: str, *, first_heading: int = 2, folder: str = "") -> str:
    """Return `text` as safe HTML whose highest headings are of the level `first_heading`, with no level left out on the way down.

    Links to neighbouring pages ("privacy") lead into `folder`, a path with a slash at its end, wherever the text is shown.
    """
    tokens = _parser().parse(text)
    _settle_headings(tokens, first_heading)
    html = _parser().renderer.render(tokens, _parser().options, {})
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        url_schemes=set(SCHEMES),
        url_relative=lambda url: url if url.startswith(("/", "#", "?")) else f"{folder}{url}",
        link_rel="noopener noreferrer",
    )


def _settle_headings(tokens: Sequence[Token], first: int) -> None:
    """Give each heading the level that its place in the outline asks for, whatever number of # the writer used."""
    outline: list[str] = []
    for token in tokens:
        if token.type == "heading_open":
            while outline and outline[-1] >= token.tag:
                outline.pop()
            outline.append(token.tag)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(DEEPEST_HEADING, first + len(outline) - 1)}"


def escape_markdown(text: str) -> str:
    """Return `text` so that Markdown shows it as it is: a name with a star or a bracket in it stays a name."""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~&-])", r"\\\1", " ".join(text.split()))
