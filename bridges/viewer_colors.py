"""The viewer's colours: one an emotion, clear of each other on a dark stage."""

from __future__ import annotations

import colorsys
import zlib
from typing import Final

from ..engine.events import UNKNOWN

Rgb = tuple[int, int, int]

STAGE: Final[Rgb] = (11, 13, 18)
MUTED: Final[Rgb] = (128, 136, 150)
SYNTHETIC: Final[Rgb] = (226, 122, 214)  # of what is generated, and of no emotion
_EMOTIONS: Final[dict[str, Rgb]] = {
    "happy": (255, 196, 61),
    "sad": (86, 146, 255),
    "angry": (255, 84, 70),
    "proud": (190, 120, 255),
    "unsure": (72, 209, 178),
    "neutral": (208, 214, 224),
    UNKNOWN: MUTED,
}


def emotion_color(label: str) -> Rgb:
    """Return the colour of a label; one that has none of its own always gets the same hue."""
    known = _EMOTIONS.get(label.lower())
    if known is not None:
        return known
    r, g, b = colorsys.hls_to_rgb(zlib.crc32(label.lower().encode()) % 360 / 360.0, 0.66, 0.75)
    return round(r * 255), round(g * 255), round(b * 255)


def cluster_color(cluster: int) -> Rgb:
    """Return the colour of a cluster of references: neighbours in number are far apart in hue."""
    r, g, b = colorsys.hls_to_rgb((0.47 + 0.381966 * cluster) % 1.0, 0.68, 0.7)
    return round(r * 255), round(g * 255), round(b * 255)


def css(color: Rgb) -> str:
    """Return the colour as CSS writes it."""
    return f"#{color[0]:02x}{color[1]:02x}{color[2]:02x}"
