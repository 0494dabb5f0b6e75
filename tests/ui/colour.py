"""Colour arithmetic: tokens read from the style sheet, contrast of WCAG 2, simulated colour vision, CIE76."""

import math
import re
from functools import cache
from itertools import chain

from raglan.ui.build import STATIC

Rgb = tuple[float, float, float]
Matrix = tuple[Rgb, Rgb, Rgb]
THEMES = ("light", "dark")
PAIR = re.compile(r"--([a-z-]+):\s*light-dark\(\s*(#[0-9a-f]{6})\s*,\s*(#[0-9a-f]{6})\s*\)", re.IGNORECASE)

# Machado, Oliveira, Fernandes 2009, severity 1.0; applied to linear light.
MACHADO: dict[str, Matrix] = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
TO_XYZ: Matrix = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
WHITE: Rgb = (0.95047, 1.0, 1.08883)


@cache
def tokens() -> dict[str, dict[str, str]]:
    """Return the colours of each theme by name. A contrast theme of the system overrides some; those are left out."""
    text = (STATIC / "ui" / "tokens.css").read_text().split("@media (prefers-contrast")[0]
    found = {name: (light, dark) for name, light, dark in PAIR.findall(text)}
    return {theme: {name: pair[index] for name, pair in found.items()} for index, theme in enumerate(THEMES)}


def linear(colour: str) -> Rgb:
    """Return the linear light of a colour written as #rrggbb."""
    red, green, blue = (_to_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return red, green, blue


def _to_linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2."""
    low, high = sorted((_luminance(linear(one)), _luminance(linear(other))))
    return (high + 0.05) / (low + 0.05)


def _luminance(light: Rgb) -> float:
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]


def simulated(colour: str, vision: str) -> Rgb:
    """Return the linear light that an eye of this kind takes a colour for."""
    red, green, blue = (min(1.0, max(0.0, value)) for value in _times(MACHADO[vision], linear(colour)))
    return red, green, blue


def distance(one: Rgb, other: Rgb) -> float:
    """Return the distance of two colours in CIE76."""
    return math.dist(_lab(one), _lab(other))


def _lab(light: Rgb) -> Rgb:
    x, y, z = (_curve(value / white) for value, white in zip(_times(TO_XYZ, light), WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _curve(value: float) -> float:
    return value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116


def _times(matrix: Matrix, vector: Rgb) -> Rgb:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def used_tokens() -> set[str]:
    """Return the names of all properties that the style sheets read."""
    sheets = [(STATIC / "ui" / name).read_text() for name in ("tokens.css", "ui.css")]
    return set(chain.from_iterable(re.findall(r"var\(--([a-z0-9-]+)", sheet) for sheet in sheets))
