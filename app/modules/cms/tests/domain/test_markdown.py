"""What merchants may write and what becomes of it: marks, links, headings, and everything that must not get through."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.cms.domain.markdown import ATTRIBUTES, TAGS, escape_markdown, is_safe_link, render_markdown
from app.modules.cms.domain.pages import MAX_BODY_LENGTH


class Tags(HTMLParser):
    """Every tag with its attributes, as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.found.append((tag, dict(attrs)))


def assert_harmless(html: str) -> None:
    """Fail for a tag, an attribute or an address that is not on the list."""
    for tag, attributes in Tags(html).found:
        assert tag in TAGS, tag
        assert set(attributes) <= ATTRIBUTES.get(tag, set()) | ({"rel"} if tag == "a" else set()), attributes
        href = attributes.get("href")
        assert href is None or re.match(r"https?:|mailto:|tel:|[^:]*$|[^:]*[/?#]", href, re.IGNORECASE), href


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Un *deux* **trois** ~~quatre~~", "<p>Un <em>deux</em> <strong>trois</strong> <s>quatre</s></p>\n"),
        ("a\n\nb", "<p>a</p>\n<p>b</p>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>\n'),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>\n"),
        ("a\n\n---\n\nb", "<p>a</p>\n<hr>\n<p>b</p>\n"),
        ("    eingerückt", "<p>eingerückt</p>\n"),
        ("`code`", "<p>`code`</p>\n"),
        ("![ein <b>Bild</b>](https://elsewhere.example/x.png)", "<p>ein &lt;b&gt;Bild&lt;/b&gt;</p>\n"),
        ("<b>fett</b>", "<p>&lt;b&gt;fett&lt;/b&gt;</p>\n"),
        ("a\u0000b", "<p>a\ufffdb</p>\n"),
        ("", ""),
    ],
)
def test_marks(text: str, html: str) -> None:
    assert render_markdown(text) == html


@pytest.mark.parametrize(
    ("url", "href"),
    [
        ("https://example.lu/a?b=1", "https://example.lu/a?b=1"),
        ("mailto:a@example.lu", "mailto:a@example.lu"),
        ("tel:+352261234", "tel:+352261234"),
        ("/s/x/loyalty/join", "/s/x/loyalty/join"),
        ("#top", "#top"),
        ("privacy", "/s/x/pages/privacy"),
    ],
)
def test_links_that_lead_somewhere(url: str, href: str) -> None:
    assert render_markdown(f"[w]({url})", folder="/s/x/pages/") == f'<p><a href="{href}" rel="noopener noreferrer">w</a></p>\n'


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "&#106;avascript:alert(1)", "java\tscript:alert(1)", "vbscript:x",
        "data:text/html,<script>alert(1)</script>", "file:///etc/passwd", "//evil.example", "\\\\evil.example", "ftp://a.example",
        "javascript&colon;alert(1)", "\u0001javascript:alert(1)", "\u200bjavascript:alert(1)",
    ],
)  # fmt: skip
def test_links_that_lead_nowhere(url: str) -> None:
    for text in (f"[w]({url})", f"[w](<{url}>)", f"<{url}>", f"[w][1]\n\n[1]: {url}", f"![w]({url})"):
        html = render_markdown(text)
        assert_harmless(html)
        for _tag, attributes in Tags(html).found:
            href = attributes.get("href") or ""
            assert not re.match(r"\s*(javascript|vbscript|data|file|ftp):|//|\\", href, re.IGNORECASE), href


@pytest.mark.parametrize("url", ["/\\evil.example", " /x", "/a b", "https://a\u202eb", "ht\x00tp://a"])
def test_addresses_with_tricks_are_no_links(url: str) -> None:
    assert not is_safe_link(url)


HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "<iframe src=//evil.example>",
    "<a href='javascript:alert(1)'>x</a>", '<p style="position:fixed">x</p>', "<!--<script>alert(1)</script>-->", "<![CDATA[<script>]]>",
    "[x](https://a.example 'title\" onmouseover=\"alert(1)')", "<form action=//evil.example><input>", "<style>*{}</style>",
    "<base href=//evil.example>", "<meta http-equiv=refresh content=0>", "<math><mtext></p><script>alert(1)</script>",
    "**<script>**alert(1)**</script>**", "&lt;script&gt;alert(1)&lt;/script&gt;", "[<script>](https://a.example)", "x\u2028<script>",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_words(text: str) -> None:
    html = render_markdown(text)
    assert_harmless(html)
    assert "<script" not in html
    assert "onerror=" not in " ".join(str(tag) for tag in Tags(html).found)


@given(st.text(alphabet=st.sampled_from(list("<>[]()!*_~`#&;:/\\\"'=- \n\tajvscriptonhref1.@\u0000\u202e")), max_size=120))
def test_nothing_but_harmless_tags_whatever_is_typed(text: str) -> None:
    assert_harmless(render_markdown(text))


@pytest.mark.parametrize("piece", ["[", "*a **a ", ">", "- ", "![[", "_a*_a*", "<", "&", "`", "[a](", "\\", "a\n", "# a\n", "<a@", "1. "])
def test_huge_and_deep_texts_end(piece: str) -> None:
    html = render_markdown((piece * MAX_BODY_LENGTH)[:MAX_BODY_LENGTH])
    assert_harmless(html)
    assert len(html) <= 8 * MAX_BODY_LENGTH
    assert html.count("<blockquote>") <= 20


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("# a\n## b\n### c", [2, 3, 4]),
        ("### a\n# b\n### c\n## d", [2, 2, 3, 3]),
        ("## a\n#### b\n## c", [2, 3, 2]),
        ("# a\n## b\n### c\n#### d\n##### e\n###### f", [2, 3, 4, 5, 6, 6]),
    ],
)
def test_headings_begin_below_the_title_and_leave_no_level_out(text: str, levels: list[int]) -> None:
    html = render_markdown(text)
    assert [int(level) for level in re.findall(r"<h(\d)>", html)] == levels
    assert [int(level) for level in re.findall(r"</h(\d)>", html)] == levels
    assert re.findall(r"<h(\d)>", render_markdown("# a\n## b", first_heading=3)) == ["3", "4"]


@pytest.mark.parametrize("name", ["A *b* _c_ [d](e)", "1. Café", "# Nummer", "<Weber & Fils>", "back\\slash", "a\nb", "`x` ~~y~~ !"])
def test_names_show_as_they_are(name: str) -> None:
    html = render_markdown(escape_markdown(name))
    text = re.sub(r"</?p>|\n", "", html).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert text == " ".join(name.split())
