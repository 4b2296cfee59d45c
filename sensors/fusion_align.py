"""Bring a second sensor's body into the first one's room: heading and place, estimated slowly from shared joints."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from ..engine import quaternion
from ..engine.clock import NS_PER_S
from ..engine.quaternion import Floats
from ..engine.skeleton import Float32

SETTLE_S: Final = 4.0  # over which heading and place are averaged; a drift slower than this is followed
LEAST_SPREAD_M2: Final = 0.01  # of shared joints on the floor plan, so that a heading can be told
SHARED_FROM: Final = 0.3  # confidence from which a joint counts
SUREST: Final = 0.7  # of the surest shared joint's: what is guessed beside it tells nothing of the room


class Alignment:
    """Estimate the turn about the vertical and the shift from one sensor's world to the reference's.

    travels: whether both know how the performer moves through the room; if not, the shift is found anew in each frame,
    with the heading alone averaged. reset forgets. known is False until enough shared joints were seen.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget both worlds."""
        self._cosine = self._sine = self._weight = 0.0
        self._shift = np.zeros(3)
        self._shifts = 0.0
        self._last_ns: int | None = None
        self.known = False

    @property
    def heading(self) -> Floats:
        """Return the turn (4,) about the vertical."""
        return quaternion.from_axis("Y", np.array(math.atan2(self._sine, self._cosine)))

    @property
    def heading_deg(self) -> float:
        """Return the angle of the turn about the vertical."""
        return math.degrees(math.atan2(self._sine, self._cosine))

    def apply(self, positions: Floats) -> Floats:
        """Return positions (..., 3) in the reference's world."""
        return quaternion.rotate(self.heading, positions) + self._shift

    def learn(self, ours: Float32, theirs: Float32, weights: Float32, t_ns: int, *, travels: bool) -> None:
        """Take in one moment: the same joints (21, 3) in both worlds, and what each is worth (21,), 0 for unknown."""
        shared = weights >= max(SHARED_FROM, SUREST * float(weights.max()))
        if shared.sum() < 2:
            return
        w = weights[shared].astype(np.float64)
        a, b = ours[shared].astype(np.float64), theirs[shared].astype(np.float64)
        mean_a, mean_b = (w @ a) / w.sum(), (w @ b) / w.sum()
        forget = self._forget(t_ns)
        self._turn(a - mean_a, b - mean_b, w / w.sum(), forget)
        if self.known:
            self._place(mean_a - quaternion.rotate(self.heading, mean_b), forget, travels=travels)

    def _forget(self, t_ns: int) -> float:
        """Return by how much what is known fades since the last moment."""
        passed_s = 0.0 if self._last_ns is None else max(t_ns - self._last_ns, 0) / NS_PER_S
        self._last_ns = t_ns
        return math.exp(-passed_s / SETTLE_S)

    def _turn(self, a: Floats, b: Floats, w: Floats, forget: float) -> None:
        """Gather the two moments whose angle is the best heading (Procrustes in the plane)."""
        cosine = float(w @ (a[:, 0] * b[:, 0] + a[:, 2] * b[:, 2]))
        sine = float(w @ (a[:, 0] * b[:, 2] - a[:, 2] * b[:, 0]))
        self._cosine = forget * self._cosine + cosine
        self._sine = forget * self._sine + sine
        self._weight = forget * self._weight + 1.0
        spread = math.hypot(self._cosine, self._sine) / self._weight
        self.known = self.known or spread > LEAST_SPREAD_M2

    def _place(self, shift: Floats, forget: float, *, travels: bool) -> None:
        """Average the shift, or take it as it is where only one of the two travels."""
        self._shifts = forget * self._shifts + 1.0 if travels else 1.0
        self._shift = self._shift + (shift - self._shift) / self._shifts
