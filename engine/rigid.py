"""What moves as one piece: a chair that falls, a dummy that is carried, a T-pose. No limb moves, so nothing is shown.

The distances between a body's joints are the same however it is turned or thrown. In people at rest they still vary by
centimetres, or breath and balance move them by some millimetres; in a rigid body by no more than the sensor's noise.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from .body import JOINT_INDEX
from .features import KNOWN_FROM
from .skeleton import Float32

FADE_FRAMES: Final = 30  # a second at the model's rate
WARM_FRAMES: Final = 45
LEAST_M: Final = 0.003  # deviation of the distances; chosen on the clips that it is measured on (docs/trust.md)
_SIDES: Final = ("UpperLeg", "LowerLeg", "Foot", "LowerArm", "Hand")
_JOINTS: Final = np.array(
    [JOINT_INDEX[name] for name in ("Hips", "Chest", "Head")]
    + [JOINT_INDEX[side + part] for side in ("Left", "Right") for part in _SIDES]
)
_FIRST, _SECOND = (_JOINTS[each] for each in np.triu_indices(len(_JOINTS), 1))  # (78,) each


class Rigid:
    """Follow one performer's joints; `is_rigid` while they have kept their distances for a while.

    Where a source lacks one of the thirteen joints that are looked at, nothing is ever rigid.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget her."""
        self._mean: Float32 | None = None
        self._variance = np.zeros(len(_FIRST), dtype=np.float32)
        self._frames = 0

    @property
    def is_rigid(self) -> bool:
        """Tell whether nothing should be read."""
        return self._frames >= WARM_FRAMES and math.sqrt(float(self._variance.mean())) < LEAST_M

    def step(self, positions: Float32, confidence: Float32) -> None:
        """Take the joints (J, 3) in metres of the next frame, and their confidences (J,)."""
        if not bool((confidence[_JOINTS] >= KNOWN_FROM).all()) or not math.isfinite(float(positions.sum())):
            self.reset()
            return
        apart = positions[_FIRST] - positions[_SECOND]  # (78, 3)
        distances = np.sqrt((apart * apart).sum(axis=1))
        if self._mean is None:
            self._mean = distances
        gap = distances - self._mean
        self._mean = self._mean + gap / FADE_FRAMES
        self._variance += (gap * gap - self._variance) / FADE_FRAMES
        self._frames += 1
