"""From poses to the samples of a signature, frame by frame, the same live and offline."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .body import BODY, HEIGHT_M, JOINT_COUNT
from .derivative import LowPass, central_taps, savgol_taps
from .features import KNOWN_FROM
from .pose import Pose
from .qualities_body import stature_m
from .signature_definition import Definition
from .skeleton import Float64

_SIZE_EVERY: Final = 16  # frames between two measurements of a stature that is known
_GROWTH: Final = 0.05  # share of a known stature that one measurement may differ by
_OUTWARD: Final = np.array([-1.0 if name.startswith("Right") else 1.0 for name in BODY.names])
_PARENTS: Final = np.array([max(parent, 0) for parent in BODY.parents])
_LEFTS: Final = np.array([BODY.names.index("LeftUpperLeg"), BODY.names.index("LeftUpperArm")])
_RIGHTS: Final = np.array([BODY.names.index("RightUpperLeg"), BODY.names.index("RightUpperArm")])
_UNKNOWN: Final = float("nan")


class Sampler:
    """Turn the poses of one performer, one after another at the definition's rate, into rows of samples.

    A row has one number a column of `definition.columns()`: NaN where the joint, or what it is seen from, was not
    known in every frame that the derivative spans, or one of them was made up between two received poses. It belongs
    to the middle of these frames. Memory: `definition.span` frames.
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self._columns = np.array(definition.columns()[0])
        self._taps = _taps(definition)  # (span, derivatives)
        self._low_pass = LowPass(definition.cutoff_hz, definition.rate_hz, JOINT_COUNT)
        self._smooth = definition.smoothing == "butterworth"
        self.reset()

    def reset(self) -> None:
        """Forget the performer."""
        self._height_m, self._measured, self._seen = HEIGHT_M, 0, 0
        self.gap()

    def gap(self) -> None:
        """Compute nothing across a hole: start the differences anew, and remember the body's height."""
        span = self.definition.span
        self._frames = np.zeros((span, JOINT_COUNT * 3))  # oldest first
        self._known = np.zeros((span, JOINT_COUNT), dtype=np.bool_)
        self._left = np.array([1.0, 0.0, 0.0])
        self._low_pass.reset()

    def step(self, pose: Pose) -> Float64:
        """Return the row that the next pose completes; all NaN until the differences are full."""
        points = pose.positions.astype(np.float64)
        known = (pose.confidence >= KNOWN_FROM) & np.isfinite(points).all(axis=1)
        if not known.all():
            points[~known] = 0.0
        if not pose.interpolated:  # bones shorten on the straight way between two poses
            self._measure(pose, known)
        self._take(points, known, made_up=pose.interpolated)
        sure = np.logical_and.reduce(self._known, axis=0)  # (21,)
        if not sure.any():
            return np.full(self._columns.size, _UNKNOWN)
        values = self._values(points)  # (21,) or (63,)
        if values.size == JOINT_COUNT:
            return np.where(sure, values, _UNKNOWN)[self._columns]
        return np.where(sure[:, None], values, _UNKNOWN)[self._columns[::3]].reshape(-1)

    def _take(self, points: Float64, known: NDArray[np.bool_], *, made_up: bool) -> None:
        """Take a frame into the differences, seen from where the definition says."""
        if self.definition.quantity == "angular":
            points, known = _directions(points, known)
        elif self.definition.about == "hips":
            points = points - points[0]
            known = known & known[0]
        if self._smooth:
            points = self._low_pass.step(points, known)
        self._frames[:-1] = self._frames[1:]
        self._known[:-1] = self._known[1:]
        self._frames[-1] = points.reshape(-1)  # (21, 3) -> (63,)
        self._known[-1] = known & (not made_up)

    def _values(self, points: Float64) -> Float64:
        """Return the quantity of every joint, in its unit, on the definition's scale."""
        kind = self.definition
        moved = (self._taps @ self._frames).reshape(-1, JOINT_COUNT, 3)  # (derivatives, 21, 3)
        if kind.by_height and kind.quantity != "angular":
            moved = moved / self._height_m
        if kind.quantity == "velocity":
            return kind.squash(self._towards(points, moved[0]))
        size = np.sqrt(np.einsum("kjc,kjc->kj", moved, moved))
        if kind.quantity == "acceleration":
            along = np.einsum("jc,jc->j", moved[0], moved[1])
            return kind.squash(along / np.maximum(size[0], 1e-9))
        return kind.squash(size[-1])

    def _towards(self, points: Float64, velocity: Float64) -> Float64:
        """Return velocities (21, 3) as outward, up and forward of where hips and shoulders face."""
        across = (points[_LEFTS] - points[_RIGHTS]).sum(axis=0) * (1.0, 0.0, 1.0)
        length = float(np.linalg.norm(across))
        if length > 0.05 * self._height_m:
            self._left = across / length
        forward = np.array([-self._left[2], 0.0, self._left[0]])
        return np.stack((velocity @ self._left * _OUTWARD, velocity[:, 1], velocity @ forward), axis=1)

    def _measure(self, pose: Pose, known: NDArray[np.bool_]) -> None:
        """Take the stature of this frame into its mean, in the first frames and now and then."""
        self._seen += 1
        if self._measured >= _SIZE_EVERY and self._seen % _SIZE_EVERY:
            return
        height_m = stature_m(np.where(known[:, None], pose.positions, np.float32(0)), known)
        if height_m > 0.05:
            self._measured = min(self._measured + 1, 10 * _SIZE_EVERY)
            change_m = height_m - self._height_m
            if self._measured > _SIZE_EVERY:  # a body once known does not grow, whatever a tracker says
                most_m = _GROWTH * self._height_m
                change_m = min(max(change_m, -most_m), most_m)
            self._height_m += change_m / self._measured


def _taps(kind: Definition) -> Float64:
    """Return the taps (derivatives, span) that the quantity needs; the rate of the speed needs two."""
    orders = (1, 2) if kind.quantity == "acceleration" else (kind.derivative,)
    if kind.smoothing == "savgol":
        return np.stack([savgol_taps(kind.frames, kind.order, order, kind.rate_hz) for order in orders])
    return np.stack([central_taps(order, kind.rate_hz) for order in orders])


def _directions(points: Float64, known: NDArray[np.bool_]) -> tuple[Float64, NDArray[np.bool_]]:
    """Return the unit vectors (21, 3) from each joint's parent to it, and which of them are known."""
    bones = points - points[_PARENTS]
    length = np.sqrt(np.einsum("jc,jc->j", bones, bones))
    sure = known & known[_PARENTS] & (length > 1e-4)
    return bones / np.where(sure, length, 1.0)[:, None], sure
