"""Joints that come and go: what no body does, and what is left of noise when its impossible joints are masked.

A source that lacks joints lacks the same ones all the time, and a limb or a body that is hidden comes back after a
while. Where joints come and go frame after frame, nothing that is read means anything.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .features import KNOWN_FROM
from .skeleton import Float32

FADE_FRAMES: Final = 15  # half a second at the model's rate
MOST: Final = 0.08  # of all joints may come or go from frame to frame; in a film of squats it is a hundredth at most
MOST_AT_ONCE: Final = 1 / 3  # of them count: a body that is lost once, and found again, is no noise


class Flicker:
    """Follow one performer's confidences; `is_wild` while more of her joints come and go than a body's can."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget her."""
        self._known: NDArray[np.bool_] | None = None
        self._share = 0.0

    @property
    def is_wild(self) -> bool:
        """Tell whether nothing should be read."""
        return self._share > MOST

    def step(self, confidence: Float32) -> None:
        """Take the confidences (J,) of the next frame."""
        known = confidence >= KNOWN_FROM
        if self._known is not None:
            changed = np.count_nonzero(known != self._known) / known.size
            self._share += (min(changed, MOST_AT_ONCE) - self._share) / FADE_FRAMES
        self._known = known
