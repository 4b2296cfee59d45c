"""Is she still she? A guard that knows a performer by the proportions of her body and notices when another takes over.

Lengths of bones are what a person does not change by moving otherwise. They are compared as logarithms, smoothed over
a third of a second, each in units of how much it wavers for the same person, so that a suit is judged finely and a
webcam coarsely. The reference is learnt once and then left alone: nobody can slowly become somebody else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from .body import JOINT_INDEX
from .features import KNOWN_FROM
from .pose import Pose
from .skeleton import Float64

_SIDES: Final = ("Left", "Right")
_BONES: Final = (
    *((f"{side}{a}", f"{side}{b}") for side in _SIDES for a, b in (("UpperArm", "LowerArm"), ("LowerArm", "Hand"))),
    *((f"{side}{a}", f"{side}{b}") for side in _SIDES for a, b in (("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"))),
    ("LeftUpperArm", "RightUpperArm"),
    ("LeftUpperLeg", "RightUpperLeg"),
    ("Hips", "Neck"),
    ("Neck", "Head"),
)
BONES: Final = len(_BONES)
BONE_NAMES: Final = tuple(f"{a} to {b}" for a, b in _BONES)
_FROM: Final = np.array([JOINT_INDEX[a] for a, _ in _BONES])
_TO: Final = np.array([JOINT_INDEX[b] for _, b in _BONES])

EVERY: Final = 3  # frames at the model's rate from one look to the next: bones do not change in between
LEARN_LOOKS: Final = 100  # ten seconds make a reference
JUDGE_LOOKS: Final = 20  # from so many looks on it is compared with
CONFIRM_LOOKS: Final = 10  # a second: what lasts so long is no glitch of a tracker
_SMOOTH: Final = 0.25
_SETTLE_LOOKS: Final = 7  # until the smoothed lengths are those of this body
_FLOOR: Final = 0.013  # a bone is never known better than to 1.3 %, a suit's tremble
_FLOOR_ELSEWHERE: Final = 0.03  # nor better than to 3 % when it was measured on another day, in another suit
_CLIP: Final = 4.0  # one limb that is hidden must not speak for the whole body
_STRANGE: Final = 2.0  # deviations, root mean square over the bones
_FAMILIAR: Final = 1.4
_LEAST_BONES: Final = 4

Verdict = Literal["unknown", "hers", "suspect", "stranger"]


@dataclass(frozen=True, slots=True, eq=False)
class Proportions:
    """Hold a body's bones: mean and deviation (B,) of the logarithms of their lengths, NaN where never seen; looks."""

    mean: Float64
    deviation: Float64
    looks: int


class SwapGuard:
    """Follow one stream's body, frame by frame at the model's rate; `given` is whose it should be.

    Without a body given the first ten seconds make one; with one given they make a finer one, as soon as it is hers.
    State is that reference, the smoothed lengths, and for how long they have been strange or familiar.
    """

    def __init__(self, given: Proportions | None = None) -> None:
        self._given = given
        self.reset()

    def reset(self) -> None:
        """Forget what was seen; the body given stays known."""
        self._count = 0
        self._sum = np.zeros(BONES)
        self._squares = np.zeros(BONES)
        self._weights = np.zeros(BONES)
        self._learnt: Proportions | None = None
        self.verdict: Verdict = "unknown"
        self.interrupt()

    def interrupt(self) -> None:
        """Note a hole in the stream: after it somebody else may stand there, so the lengths are taken anew."""
        self._smooth = np.full(BONES, np.nan)
        self._frames = self._looks = 0  # since the smoothing began anew
        self._strange = self._same = 0

    def step(self, pose: Pose) -> Verdict:
        """Look at one frame; return who it is: unknown (not learnt yet), hers, suspect or a stranger."""
        self._frames += 1
        if pose.interpolated or self._frames % EVERY:  # bones shorten on the straight way between two poses
            return self.verdict
        self._follow(_lengths(pose))
        if self._looks < _SETTLE_LOOKS:
            return self.verdict
        known, floor = self._reference()
        if known is not None:
            self._judge(distance(known, self._smooth, floor))
        if self.verdict == "hers" or known is None:
            self._learn()
        return self.verdict

    @property
    def known(self) -> Proportions | None:
        """Return the body as it was seen here, else the one given."""
        seen = self._learnt or self._summary()
        return seen if seen is not None and seen.looks >= JUDGE_LOOKS else self._given

    def _reference(self) -> tuple[Proportions | None, float]:
        known = self.known
        return known, _FLOOR_ELSEWHERE if known is self._given else _FLOOR

    def _summary(self) -> Proportions | None:
        if self._count == 0:
            return None
        weights = np.maximum(self._weights, 1e-9)
        mean = self._sum / weights
        spread = np.sqrt(np.maximum(self._squares / weights - mean**2, 0.0))
        seen = self._weights > 0
        return Proportions(np.where(seen, mean, np.nan), np.where(seen, spread, np.nan), self._count)

    def _follow(self, lengths: Float64) -> None:
        self._looks += 1
        seen = np.isfinite(lengths)
        self._smooth = np.where(seen & ~np.isfinite(self._smooth), lengths, self._smooth)
        rate = max(_SMOOTH, 1.0 / self._looks)
        self._smooth[seen] += rate * (lengths[seen] - self._smooth[seen])

    def _learn(self) -> None:
        """Take the smoothed lengths into the reference, until it is complete."""
        seen = np.isfinite(self._smooth)
        if self._learnt is not None or seen.sum() < _LEAST_BONES:
            return
        self._count += 1
        values = np.where(seen, self._smooth, 0.0)
        self._weights += seen
        self._sum += values
        self._squares += values**2
        if self._count == LEARN_LOOKS:
            self._learnt = self._summary()

    def _judge(self, apart: float) -> None:
        """Move between hers, suspect and stranger: to be sure takes a second, a first doubt no time at all."""
        self._strange = self._strange + 1 if apart > _STRANGE else 0
        self._same = self._same + 1 if apart < _FAMILIAR else 0
        if self._strange >= CONFIRM_LOOKS:
            self.verdict = "stranger"
        elif self._strange and self.verdict in ("hers", "unknown"):
            self.verdict = "suspect"
        elif self._same >= (CONFIRM_LOOKS if self.verdict == "stranger" else 1):
            self.verdict = "hers"


def distance(known: Proportions, lengths: Float64, floor: float = _FLOOR) -> float:
    """Return how unlike the known body lengths (B,) are, in its own deviations; 0 where too little is seen to tell."""
    both = np.isfinite(known.mean) & np.isfinite(lengths)
    if both.sum() < _LEAST_BONES:
        return 0.0
    apart = np.abs(lengths - known.mean)[both] / np.maximum(known.deviation[both], floor)
    return math.sqrt(float(np.square(np.minimum(apart, _CLIP)).mean()))


def _lengths(pose: Pose) -> Float64:
    """Return the logarithms (B,) of the bones' lengths in metres, NaN where an end of it is not seen."""
    bones = pose.positions[_FROM] - pose.positions[_TO]  # (B, 3)
    squares: NDArray[np.float64] = (bones.astype(np.float64) ** 2).sum(axis=1)
    seen = (pose.confidence[_FROM] >= KNOWN_FROM) & (pose.confidence[_TO] >= KNOWN_FROM) & (squares > 1e-8)
    return np.where(seen, 0.5 * np.log(np.where(seen, squares, 1.0)), np.nan)
