"""The tokens' colours keep their contrast: 4.5:1 for text, 3:1 for the edge of a field, 7:1 for body text on the terminal."""

import re
from pathlib import Path

import pytest

from app.core.web.theme import contrast

Tokens = dict[str, str]
SOURCE = Path("frontend/css/tokens.css").read_text()
TEXT_PAIRS = [
    *((text, ground) for text in ("ink", "muted", "accent-ink") for ground in ("bg", "surface", "sunken")),
    ("on-accent", "accent"), ("on-accent", "accent-hover"), ("on-danger", "danger"), ("on-danger", "danger-hover"),
    *((text, ground) for text in ("success", "warning", "danger", "info") for ground in (f"{text}-soft", "surface", "bg")),
    ("accent-ink", "accent-soft"), ("muted", "accent-soft"),
]  # fmt: skip
TERMINAL_PAIRS = [
    *((text, ground) for text in ("ink", "muted") for ground in ("bg", "surface")),
    *((text, ground) for text in ("success", "warning", "danger", "info") for ground in (f"{text}-soft", "surface")),
    ("on-accent", "accent"), ("accent-ink", "surface"),
]  # fmt: skip


def block(start: str) -> str:
    """The text between the braces that follow `start`."""
    begin = SOURCE.index("{", SOURCE.index(start)) + 1
    depth, place = 1, begin
    while depth:
        depth += {"{": 1, "}": -1}.get(SOURCE[place], 0)
        place += 1
    return SOURCE[begin : place - 1]


def colours(text: str) -> Tokens:
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", text))


def scheme(text: str) -> tuple[Tokens, Tokens]:
    light, _, rest = text.partition("@variant dark {")
    return colours(light), colours(rest.partition("}")[0])


LIGHT, DARK = scheme(block(":root,"))
TERMINAL_LIGHT, TERMINAL_DARK = scheme(block('\n[data-face="terminal"] {'))
SCHEMES = {"light": LIGHT, "dark": LIGHT | DARK}
TERMINAL = {"light": LIGHT | TERMINAL_LIGHT, "dark": LIGHT | DARK | TERMINAL_DARK}


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("pair", TEXT_PAIRS, ids=" on ".join)
def test_text_is_readable(name: str, pair: tuple[str, str]) -> None:
    text, ground = (SCHEMES[name][token] for token in pair)
    assert contrast(text, ground) >= 4.5


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("pair", [("line-strong", "surface"), ("line-strong", "bg"), *((f"series-{n}", "surface") for n in range(1, 5))])
def test_edges_and_lines_can_be_seen(name: str, pair: tuple[str, str]) -> None:
    line, ground = (SCHEMES[name][token] for token in pair)
    assert contrast(line, ground) >= 3


@pytest.mark.parametrize("name", TERMINAL)
@pytest.mark.parametrize("pair", TERMINAL_PAIRS, ids=" on ".join)
def test_the_terminal_is_readable_in_sunlight(name: str, pair: tuple[str, str]) -> None:
    text, ground = (TERMINAL[name][token] for token in pair)
    assert contrast(text, ground) >= 7
