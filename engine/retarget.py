"""Bring any skeleton's motion to the 21 joints of the body, in the house frame and in metres, without solving anything.

Positions are the source's own, turned and scaled. Rotations are the source's own too, each times one constant turn
that accounts for the rest pose, so that a bone of the body points exactly where the source's bone does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from . import kinematics, quaternion
from .axes import quaternion_matrix
from .body import BODY, JOINT_COUNT, MIRROR
from .matching import Match, match_skeleton
from .quaternion import Floats
from .skeleton import Float32
from .turning import bones_of, place_lacking

__all__ = [
    "BodyMotion",
    "Match",
    "Retargeter",
    "knees_bend_forward",
    "match_skeleton",
    "mend_mirror",
    "retarget",
    "rotations_from_positions",
]

_CHUNK: Final = 2048  # frames worked on at once: bounds what is held beside input and output
_PARENTS: Final = np.array(BODY.parents[1:], dtype=np.intp)


@dataclass(frozen=True, slots=True)
class BodyMotion:
    """Hold T frames of the body.

    positions: (T, 21, 3) float32 world metres in the house frame. confidence: (21,) float32, 0 where the source lacks
    the joint. rotations: (T, 21, 4) float32 local quaternions (w, x, y, z), w >= 0, identity in the T-pose, or None
    where the source gives points only.
    """

    positions: Float32
    confidence: Float32
    rotations: Float32 | None = None


class Retargeter:
    """Bring frames of one matched skeleton to the body; what does not change from frame to frame is worked out once."""

    def __init__(self, match: Match) -> None:
        self.match = match
        self._joints = np.array([blend[0][0] if blend else 0 for blend in match.blends], dtype=np.intp)
        self._lacking = [joint for joint, blend in enumerate(match.blends) if not blend]
        self._blended = [
            (joint, np.array([i for i, _ in blend]), np.array([weight for _, weight in blend], dtype=np.float32))
            for joint, blend in enumerate(match.blends)
            if len(blend) > 1
        ]
        self._to_house = (match.rest.unit_m * match.rest.to_house.T).astype(np.float32)
        self._drivers = np.array(match.drivers, dtype=np.intp)
        self._turns: Floats | None = None  # (21, 4, 4): takes a driver's rotation to the body joint's global one
        self._bones = bones_of(match.rest, match.turns, self._lacking, match.tips).astype(np.float32)
        self._confidence_of_points = match.confidence.copy()  # without rotations nobody knows where bones end
        self._confidence_of_points[list(match.tips)] = 0.0
        if match.turns is not None:
            turns = quaternion.right_matrix(match.turns) @ quaternion_matrix(match.rest.to_house)
            self._turns = turns.astype(np.float32)

    def apply(self, positions: ArrayLike, rotations: ArrayLike | None = None) -> BodyMotion:
        """Return the body in T frames of the source's positions (T, J, 3) and global rotations (T, J, 4) or None.

        Positions are in the source's own axes and unit, rotations wxyz in its axes. Raises ValueError for arrays of
        another shape.
        """
        points = np.asarray(positions)
        turned = None if rotations is None else np.asarray(rotations)
        self._check(points, turned)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite stays so, for the intake to mask
            if len(points) <= _CHUNK:
                return BodyMotion(*self._frames(points, turned))
            return self._chunks(points, turned)

    def confidence(self, source: ArrayLike) -> Float32:
        """Turn confidences (T, J) of the source's joints into (T, 21): the least of those a joint is made of."""
        given = np.asarray(source, dtype=np.float32)
        out = given[:, self._joints] * self.match.confidence
        for joint, sources, _ in self._blended:
            out[:, joint] = given[:, sources].min(axis=1) * self.match.confidence[joint]
        return out

    def _check(self, points: Floats, turned: Floats | None) -> None:
        """Raise ValueError unless both arrays have the source's joints."""
        count = len(self.match.skeleton.names)
        if points.ndim != 3 or points.shape[1:] != (count, 3):
            raise ValueError(f"positions of shape {points.shape}, wanted (T, {count}, 3)")
        if turned is not None and turned.shape != (len(points), count, 4):
            raise ValueError(f"rotations of shape {turned.shape}, wanted {(len(points), count, 4)}")

    def _chunks(self, points: Floats, turned: Floats | None) -> BodyMotion:
        """Work through many frames a chunk at a time."""
        positions = np.empty((len(points), JOINT_COUNT, 3), dtype=np.float32)
        rotations = None if turned is None else np.empty((len(points), JOINT_COUNT, 4), dtype=np.float32)
        confidence = self.match.confidence
        for start in range(0, len(points), _CHUNK):
            part = slice(start, start + _CHUNK)
            placed, confidence, local = self._frames(points[part], None if turned is None else turned[part])
            positions[part] = placed
            if rotations is not None:
                rotations[part] = local
        return BodyMotion(positions, confidence, rotations)

    def _frames(self, points: Floats, turned: Floats | None) -> tuple[Float32, Float32, Float32 | None]:
        """Return positions, confidence and local rotations of a few frames."""
        source = points.astype(np.float32, copy=False)
        placed = source[:, self._joints]  # (T, 21, 3)
        for joint, sources, weights in self._blended:
            placed[:, joint] = weights @ source[:, sources]
        placed = placed @ self._to_house
        world = self._globals(turned)
        confidence = self._confidence_of_points if world is None else self.match.confidence
        if self._lacking:
            placed = place_lacking(placed, world, self._lacking, self._bones)
        if turned is None:
            return placed, confidence, None
        return placed, confidence, rotations_from_positions(placed) if world is None else _locals(world)

    def _globals(self, turned: Floats | None) -> Float32 | None:
        """Return the body's global rotations (T, 21, 4) in the house."""
        if turned is None or self._turns is None:
            return None
        driving = turned[:, self._drivers].astype(np.float32, copy=False)  # (T, 21, 4)
        return np.matmul(self._turns, driving[..., None])[..., 0]


def _locals(world: Float32) -> Float32:
    """Return local rotations (T, 21, 4), w >= 0, of global ones."""
    local = world.copy()
    local[:, 1:] = quaternion.multiply(quaternion.conjugate(world[:, _PARENTS]), world[:, 1:])
    return quaternion.positive(local)


def retarget(
    match: Match,
    positions: ArrayLike,
    rotations: ArrayLike | None = None,
    *,
    unit_m: float | None = None,
) -> BodyMotion:
    """Bring T frames to the body: positions (T, J, 3), global rotations (T, J, 4) wxyz or None; unit_m overrides.

    For frames that come one by one keep a Retargeter.
    """
    if unit_m is not None:
        match = replace(match, rest=replace(match.rest, unit_m=unit_m))
    return Retargeter(match).apply(positions, rotations)


def rotations_from_positions(positions: ArrayLike) -> Float32:
    """Return local rotations (T, 21, 4), identity in the T-pose, whose bones point as in positions (T, 21, 3).

    For sources that give points only. The twist of a limb cannot be seen in points: it is the least that is needed.
    """
    return kinematics.rotations_from_positions(np.asarray(positions, dtype=np.float32)).astype(np.float32)


def knees_bend_forward(positions: ArrayLike) -> bool:
    """Tell whether the knees of positions (T, 21, 3) bend to where the hips face, as a person's do."""
    bend = kinematics.knee_bend(np.asarray(positions, dtype=np.float32))
    return float(np.mean(bend[np.isfinite(bend)])) >= 0.0 if np.isfinite(bend).any() else True


def mend_mirror(positions: ArrayLike) -> Float32:
    """Return positions (T, 21, 3) with left and right exchanged where the knees bend backward, else unchanged.

    A body whose knees bend backward has its sides misnamed or stands in a mirror, which comes to the same.
    """
    given = np.asarray(positions, dtype=np.float32)
    return given if knees_bend_forward(given) else given[:, list(MIRROR)]
