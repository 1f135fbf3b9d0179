"""A merchant's colour as accent: which text is readable on it, which shades go with it, and its style sheet.

Contrast is WCAG 2.2's ratio of relative luminances. Shades keep the hue and move the lightness in OKLab, where equal steps look equal.
"""

import dataclasses
import functools
import re
from typing import Final

BLACK: Final = "#000000"
WHITE: Final = "#ffffff"

CARD_CONTRAST: Final = 7.0
"""What text on the card must keep: it is read at the terminal in sunlight (design.md, Terminal)."""
TEXT_CONTRAST: Final = 4.5
CONTROL_CONTRAST: Final = 3.0

# Surfaces of frontend/css/tokens.css that the accent is written on; the second of each pair is the page's ground.
_LIGHT_GROUNDS: Final = ("#ffffff", "#f6f6f9")
_DARK_GROUNDS: Final = ("#181820", "#0f0f15")

_HEX = re.compile(r"#?([0-9a-fA-F]{6})")
_STEPS: Final = 400
_Rgb = tuple[float, float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class AccentCheck:
    """Whether a colour may be a card's colour, the text colour on it, and a colour close to it that may (None when `ok`)."""

    ok: bool
    text_colour: str
    suggestion: str | None


def normalise_hex(colour: str) -> str:
    """Return `colour` ("1B5E20" or "#1b5e20") as "#1b5e20"; ValueError for anything else."""
    match = _HEX.fullmatch(colour.strip())
    if match is None:
        raise ValueError(f"not a colour of six hexadecimal digits: {colour!r}")
    return "#" + match.group(1).lower()


def contrast(first: str, second: str) -> float:
    """Return WCAG's contrast ratio of two colours, 1 to 21."""
    brighter, darker = sorted((_luminance(_to_linear(first)), _luminance(_to_linear(second))), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def text_colour_on(colour: str) -> str:
    """Return the one of our black and white that is easier to read on `colour`."""
    return max((WHITE, BLACK), key=lambda text: contrast(colour, text))


@functools.lru_cache(maxsize=512)
def check_accent(colour: str) -> AccentCheck:
    """Return whether text on `colour` keeps 7:1, with the closest lighter or darker shade that does when it does not.

    ValueError when `colour` is no colour.
    """
    colour = normalise_hex(colour)
    text = text_colour_on(colour)
    if contrast(colour, text) >= CARD_CONTRAST:
        return AccentCheck(ok=True, text_colour=text, suggestion=None)
    shades = (_shade(colour, (BLACK,), CARD_CONTRAST, is_lighter=True), _shade(colour, (WHITE,), CARD_CONTRAST, is_lighter=False))
    start = _to_oklab(colour)[0]
    return AccentCheck(ok=False, text_colour=text, suggestion=min(shades, key=lambda shade: abs(_to_oklab(shade)[0] - start)))


@functools.lru_cache(maxsize=512)
def theme_css(colour: str) -> str:
    """Return the style sheet that gives the class `accent-<hex>` its custom properties, for light and dark surfaces.

    `--merchant` and `--merchant-text` are the card; `fill` a button, `ink` a link, `soft` a tint. ValueError when `colour` is no colour.
    """
    colour = normalise_hex(colour)
    selector = ".accent-" + colour[1:]
    text = text_colour_on(colour)
    card = {"": colour, "-text": text, "-shade": BLACK if text == WHITE else WHITE}
    light = _surface_rules(colour, is_dark=False)
    dark = _surface_rules(colour, is_dark=True)
    in_dark = f'[data-theme="dark"] {selector},[data-theme="dark"]{selector}'
    not_light = ':root:not([data-theme="light"])'
    by_system = f'{not_light} {selector}:not([data-theme="light"]),{not_light}{selector}'
    system_rule = f"@media (prefers-color-scheme:dark){{{by_system}{_declare(dark)}}}"
    return f"{selector}{_declare(card | light)}\n{system_rule}\n{in_dark}{_declare(dark)}\n"


def _surface_rules(colour: str, *, is_dark: bool) -> dict[str, str]:
    grounds = _DARK_GROUNDS if is_dark else _LIGHT_GROUNDS
    fill = _shade(colour, grounds, CONTROL_CONTRAST, is_lighter=is_dark)
    on_fill = text_colour_on(fill)
    soft = _mix(grounds[0], fill, 0.24 if is_dark else 0.1)
    return {
        "-fill": fill,
        "-on-fill": on_fill,
        # towards the far end from the text: hovering never makes a label harder to read
        "-fill-hover": _mix(fill, BLACK if on_fill == WHITE else WHITE, 0.14),
        "-ink": _shade(colour, (*grounds, soft), TEXT_CONTRAST, is_lighter=is_dark),
        "-soft": soft,
    }


def _declare(values: dict[str, str]) -> str:
    return "{" + ";".join(f"--merchant{name}:{value}" for name, value in values.items()) + "}"


def _shade(colour: str, grounds: tuple[str, ...], ratio: float, *, is_lighter: bool) -> str:
    """Return `colour`, moved towards white or black as little as needed to keep `ratio` on every ground."""
    lightness, a, b = _to_oklab(colour)
    end = 1.0 if is_lighter else 0.0
    for step in range(_STEPS + 1):
        share = step / _STEPS
        fade = 1 - share**2  # the hue's strength goes last, so that the shade still looks like the colour
        shade = _from_oklab((lightness + (end - lightness) * share, a * fade, b * fade))
        if all(contrast(shade, ground) >= ratio for ground in grounds):
            return shade
    return WHITE if is_lighter else BLACK


def _mix(colour: str, other: str, share: float) -> str:
    """Return `colour` with `share` of `other` in it; plain sRGB, as browsers lay one colour over another."""
    red, green, blue = (own * (1 - share) + added * share for own, added in zip(_channels(colour), _channels(other), strict=True))
    return _to_hex((red, green, blue))


def _channels(colour: str) -> _Rgb:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _to_hex(channels: _Rgb) -> str:
    return "#" + "".join(f"{round(min(max(channel, 0.0), 1.0) * 255):02x}" for channel in channels)


def _to_linear(colour: str) -> _Rgb:
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in _channels(colour))
    return red, green, blue


def _luminance(linear: _Rgb) -> float:
    red, green, blue = linear
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _to_oklab(colour: str) -> _Rgb:
    """Björn Ottosson's OKLab from sRGB."""
    red, green, blue = _to_linear(colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _from_oklab(lab: _Rgb) -> str:
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    red, green, blue = (
        12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
        for value in (min(max(part, 0.0), 1.0) for part in linear)
    )
    return _to_hex((red, green, blue))
