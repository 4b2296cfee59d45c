"""Poses without the body's measures: every one who is streamed has the same bones (PRIVACY.md 10).

Directions of bones are kept, lengths are those of `engine.body.BODY`, and places are scaled by the legs, so that steps
keep fitting the floor. What is left of a person is how she moves and how she holds herself, and that identifies too:
`emotus evaluate blinding` says how much.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from .body import BODY, JOINT_COUNT, JOINT_INDEX
from .pose import Pose
from .skeleton import Float32, Float64

_PARENT: Final = np.array([parent for parent, _ in BODY.edges])
_CHILD: Final = np.array([child for _, child in BODY.edges])
_REST: Final = np.asarray(BODY.offsets, dtype=np.float64)[_CHILD]  # (20, 3)
_LENGTHS: Final = np.linalg.norm(_REST, axis=1)  # (20,)
_SHORTEST_M: Final = 1e-4  # a bone that is shorter has no direction
_LEGS: Final = np.array(
    [i for i, (_, child) in enumerate(BODY.edges) if BODY.names[child].endswith(("LowerLeg", "Foot"))]
)
_LEG_JOINTS: Final = np.unique((_PARENT[_LEGS], _CHILD[_LEGS]))
_LEG_M: Final = float(_LENGTHS[_LEGS].sum())
_LEFT, _RIGHT = JOINT_INDEX["LeftUpperLeg"], JOINT_INDEX["RightUpperLeg"]
_MOST_FRAMES: Final = 300  # the legs are averaged over about as many
_LEAST_LEG_M: Final = 0.2
_KNOWN_FROM: Final = 0.05


def _paths() -> Float64:
    """Return (21, 20): which bones lie between the hips and each joint."""
    found = np.zeros((JOINT_COUNT, len(_CHILD)))
    for bone, (parent, child) in enumerate(zip(_PARENT, _CHILD, strict=True)):
        found[child] = found[parent]
        found[child, bone] = 1.0
    return found


_PATHS: Final = _paths()


class Blinder:
    """Give one performer's poses the standard body; keeps a running mean of the length of her legs."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the performer."""
        self._leg_m = _LEG_M
        self._seen = 0
        self._root = np.zeros(3)

    def step(self, pose: Pose) -> Pose:
        """Return the pose with standard bones; confidence, rotations and time as they were."""
        points = pose.positions.astype(np.float64)
        known = (pose.confidence >= _KNOWN_FROM) & np.isfinite(points).all(axis=1)
        if known[0]:
            self._root = points[0]
        if known[_LEG_JOINTS].all():
            self._measure(points)
        if not known.all():
            points = _filled(points, known, self._root, self._leg_m / _LEG_M)
        return replace(pose, positions=standard_body(points, self._root * (_LEG_M / self._leg_m)))

    def _measure(self, points: Float64) -> None:
        leg_m = float(np.linalg.norm(points[_CHILD[_LEGS]] - points[_PARENT[_LEGS]], axis=1).sum())
        if leg_m > _LEAST_LEG_M:
            self._seen = min(self._seen + 1, _MOST_FRAMES)
            self._leg_m += (leg_m - self._leg_m) / self._seen


def standard_body(points: Float64, root: Float64) -> Float32:
    """Return positions (21, 3): the directions of the bones of points (21, 3), standard lengths, hips at root (3,)."""
    bones = points[_CHILD] - points[_PARENT]  # (20, 3)
    length = np.linalg.norm(bones, axis=1, keepdims=True)
    short = length < _SHORTEST_M
    directions = np.where(short, _REST / _LENGTHS[:, None], bones / np.where(short, 1.0, length))
    return (root + _PATHS @ (directions * _LENGTHS[:, None])).astype(np.float32)


def _filled(points: Float64, known: np.ndarray, root: Float64, size: float) -> Float64:
    """Return points with the unknown ones where a body at rest of this size, facing as the hips do, has them."""
    filled = np.where(known[:, None], points, 0.0)
    filled[0] = root
    across = filled[_LEFT] - filled[_RIGHT] if known[_LEFT] and known[_RIGHT] else np.array([1.0, 0.0, 0.0])
    turn = np.arctan2(-across[2], across[0])
    s, c = np.sin(turn), np.cos(turn)
    rest = _REST @ np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]]) * size
    for bone in np.flatnonzero(~known[_CHILD]):
        filled[_CHILD[bone]] = filled[_PARENT[bone]] + rest[bone]
    return filled
