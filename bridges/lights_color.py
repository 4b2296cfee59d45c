"""The colour of a lamp: what a performer appears to express, as light that never flickers.

Hue comes from the label, the page's own colours; strength from arousal. How fast a lamp may change is not a matter of
taste: flashes above three a second can bring on seizures (WCAG 2.3.1; Harding & Jeavons, Photosensitive Epilepsy). A
channel moves by at most SLEW of its range a second. A flash is a rise and a fall of a tenth of the range at least, so
that there is time for three of them in a second and for no more, whatever the answers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from ..engine.events import EmotionEvent, MotionEvent
from ..engine.skeleton import Float64
from .viewer_colors import Rgb, emotion_color

SLEW: Final = 0.6  # of the whole range, a second: black to full takes 1.7 s
DIMMEST: Final = 0.35  # of full, at the lowest arousal
BLACK: Final[Rgb] = (0, 0, 0)
_SURE: Final = 2.0  # probabilities are squared: what is likely colours the lamp, what is hardly likely greys it less


def color_of(event: EmotionEvent | MotionEvent, colors: Mapping[str, Rgb], idle: Rgb) -> Float64:
    """Return the colour (3,) in 0..1 that an answer asks for; the idle colour while the answer is withheld.

    colors: those that the show gives to labels itself.
    """
    if isinstance(event, MotionEvent):
        weights, arousal = {event.emotion: 1.0}, event.arousal * min(event.intensity, 1.0)
    elif event.abstain:
        return as_light(idle)
    else:
        weights, arousal = {label: p**_SURE for label, p in event.probs.items()}, event.arousal
    total = sum(weights.values())
    if not 0.0 < total < np.inf or not np.isfinite(arousal):
        return as_light(idle)
    mixed = sum(
        (weight * as_light(colors.get(label) or emotion_color(label)) for label, weight in weights.items()), _NONE
    )
    return mixed / total * (DIMMEST + (1.0 - DIMMEST) * (min(max(arousal, -1.0), 1.0) + 1.0) / 2.0)


_NONE: Final = np.zeros(3)


def as_light(color: Rgb) -> Float64:
    """Return a colour (3,) in 0..1."""
    return np.array(color, dtype=np.float64) / 255.0


class Lamp:
    """Hold one lamp's light (3,) in 0..1, which walks towards what is asked for at no more than SLEW."""

    def __init__(self, idle: Rgb = BLACK) -> None:
        self._idle = as_light(idle)
        self.light = np.zeros(3)
        self.target = self._idle

    def rest(self) -> None:
        """Ask for the idle colour."""
        self.target = self._idle

    def step(self, seconds: float) -> None:
        """Let so much time pass."""
        most = SLEW * min(max(seconds, 0.0), 1.0)
        self.light = self.light + np.clip(self.target - self.light, -most, most)
