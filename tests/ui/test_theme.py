"""A merchant's colour: readable text on it, a suggestion when there is none, and a style sheet that keeps contrast."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.web import theme

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
LIGHT, DARK = "#ffffff", "#181820"


@pytest.mark.parametrize(
    ("first", "second", "ratio"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#123456", "#123456", 1.0)]
)
def test_contrast_is_wcags(first: str, second: str, ratio: float) -> None:
    assert theme.contrast(first, second) == pytest.approx(ratio, abs=0.01)
    assert theme.contrast(second, first) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize(
    ("colour", "text"), [("#1b5e20", theme.WHITE), ("#ffd54f", theme.BLACK), ("#4338ca", theme.WHITE), ("FFFFFF", theme.BLACK)]
)
def test_good_colours_are_taken_as_they_are(colour: str, text: str) -> None:
    assert theme.check_accent(colour) == theme.AccentCheck(ok=True, text_colour=text, suggestion=None)


@given(COLOURS)
def test_a_refused_colour_comes_with_one_that_is_not(colour: str) -> None:
    check = theme.check_accent(colour)
    assert check.ok == (max(theme.contrast(colour, theme.WHITE), theme.contrast(colour, theme.BLACK)) >= theme.CARD_CONTRAST)
    if check.ok:
        assert check.suggestion is None
    else:
        assert check.suggestion is not None
        assert theme.check_accent(check.suggestion).ok


def test_the_suggestion_is_close_and_keeps_the_hue() -> None:
    suggestion = theme.check_accent("#d32f2f").suggestion
    assert suggestion is not None
    red, green, blue = (int(suggestion[place : place + 2], 16) for place in (1, 3, 5))
    assert red > 2 * green
    assert red > 2 * blue


@pytest.mark.parametrize("wrong", ["", "red", "#12345", "#1234567", "12345g", "#1b5e20;}body{display:none", "#𝟙𝟚𝟛𝟜𝟝𝟞"])
def test_anything_else_is_no_colour(wrong: str) -> None:
    for function in (theme.check_accent, theme.theme_css, theme.normalise_hex):
        with pytest.raises(ValueError, match="not a colour"):
            function(wrong)


def rules(css: str) -> list[dict[str, str]]:
    return [dict(re.findall(r"--merchant([a-z-]*):(#[0-9a-f]{6})", block)) for block in re.findall(r"\{([^{}]*)\}", css)]


@given(COLOURS)
def test_every_colour_gets_a_readable_style_sheet(colour: str) -> None:
    card, by_system, dark = rules(theme.theme_css(colour))
    assert by_system == dark
    assert card[""] == colour
    assert theme.contrast(card[""], card["-text"]) >= theme.TEXT_CONTRAST
    for values, ground in ((card, LIGHT), (dark, DARK)):
        assert theme.contrast(values["-fill"], ground) >= theme.CONTROL_CONTRAST
        assert theme.contrast(values["-fill"], values["-on-fill"]) >= theme.TEXT_CONTRAST
        assert theme.contrast(values["-fill-hover"], values["-on-fill"]) >= theme.TEXT_CONTRAST
        assert theme.contrast(values["-ink"], ground) >= theme.TEXT_CONTRAST
        assert theme.contrast(values["-ink"], values["-soft"]) >= theme.TEXT_CONTRAST
