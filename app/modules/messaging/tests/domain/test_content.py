"""Greetings, circles and colours of a mail."""

import pytest

from app.modules.messaging.domain.colours import text_colour_on
from app.modules.messaging.domain.content import greetable_name, stamp_row


@pytest.mark.parametrize("name", ["Anna", "Jean-Pierre", "Léa Marie", "O’Neill", "J. Robert", "D'Angelo", "Zoë"])
def test_names_are_greeted(name: str) -> None:
    assert greetable_name(f" {name} ") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        None,
        "Visit evil.com",
        "http://evil.lu",
        "You won 1000",
        "Buy our great pills",
        "A" * 41,
        "a@b.lu",
        "Click: here",
        "<b>",
        "Anna\nBcc",
    ],
)
def test_advertisements_are_not(name: str | None) -> None:
    assert greetable_name(name) is None


@pytest.mark.parametrize(
    ("stamps", "target", "row"), [(0, 3, "○○○"), (2, 3, "●●○"), (3, 3, "●●●"), (5, 3, "●●●"), (-1, 2, "○○"), (7, 25, "7 / 25")]
)
def test_stamps_are_circles(stamps: int, target: int, row: str) -> None:
    assert stamp_row(stamps, target) == row


@pytest.mark.parametrize(
    ("ground", "text"), [("#000000", "#ffffff"), ("#ffffff", "#111827"), ("#7c2d12", "#ffffff"), ("#facc15", "#111827")]
)
def test_text_stands_out_from_its_ground(ground: str, text: str) -> None:
    assert text_colour_on(ground) == text
