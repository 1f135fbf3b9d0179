"""Colours in mails, where no style sheet of ours reaches."""

import re

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
DARK, LIGHT = "#111827", "#ffffff"


def text_colour_on(colour: str) -> str:
    """Return the text colour, near black or white, with the higher contrast on `colour` (#rrggbb), by WCAG's luminance."""
    ground = _luminance(colour)
    on_light = (_luminance(LIGHT) + 0.05) / (ground + 0.05)
    on_dark = (ground + 0.05) / (_luminance(DARK) + 0.05)
    return LIGHT if on_light >= on_dark else DARK


def _luminance(colour: str) -> float:
    red, green, blue = (_to_linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _to_linear(channel: float) -> float:
    return float(channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4)
