"""From poses to network frames: the same motion gives the same frame whoever makes it, wherever she stands and looks.

A frame is D = 90 numbers: 21 x 3 joint positions about the hips in the heading frame (x left, y up, z forward) in body
lengths, 21 known-flags, root velocity in the heading frame in body lengths a second (3), heading rate in rad/s, height
of the hips over the lowest joint in body lengths, and 1 where the source knows root motion. A body length is one leg
and the trunk. Heights, bone lengths, places and headings identify a person or a recording session; they stop here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from .body import JOINT_COUNT, JOINT_INDEX
from .pose import Pose
from .skeleton import Float32

FRAME_SIZE: Final = JOINT_COUNT * 4 + 6
KNOWN_FROM: Final = 0.3  # confidence below which a joint counts as not seen
_XYZ: Final = slice(0, JOINT_COUNT * 3)
_KNOWN: Final = slice(JOINT_COUNT * 3, JOINT_COUNT * 4)
_ROOT: Final = JOINT_COUNT * 4

_SIDES: Final = (("LeftUpperLeg", "RightUpperLeg"), ("LeftUpperArm", "RightUpperArm"))
_TRUNK: Final = (("Hips", "Spine"), ("Spine", "Chest"), ("Chest", "Neck"))
_LEGS: Final = tuple(
    (side + a, side + b) for side in ("Left", "Right") for a, b in (("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"))
)
_BONES: Final = _TRUNK + _LEGS
_BONE_SHARE: Final = np.array([1.0] * len(_TRUNK) + [0.5] * len(_LEGS), dtype=np.float32)
_SCALE_FRAMES: Final = 300  # bone lengths are averaged over about this many frames
_FALLBACK_LENGTH_M: Final = 1.25  # trunk and one leg of a person of 1.70 m
_MAX_SPEED: Final = 10.0  # body lengths a second; faster is a jump of the tracker
_MAX_TURN_RAD: Final = 20.0


def _differences(pairs: Sequence[tuple[str, str]]) -> Float32:
    """Return the (len(pairs), 21) matrix whose product with positions is the vector from second to first joint."""
    matrix = np.zeros((len(pairs), JOINT_COUNT), dtype=np.float32)
    for row, (a, b) in enumerate(pairs):
        matrix[row, JOINT_INDEX[a]], matrix[row, JOINT_INDEX[b]] = 1.0, -1.0
    return matrix


_LEFTWARD: Final = _differences(_SIDES)  # (2, 21)
_BONE_VECTORS: Final = _differences(_BONES)  # (7, 21)
_ALL_KNOWN: Final = np.ones(JOINT_COUNT, dtype=bool)


class Normaliser:
    """Turn the poses of one performer, one after another at rate_hz, into network frames.

    Keeps the last root, heading and joint positions, and a running mean of the bone lengths.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self.reset()

    def reset(self) -> None:
        """Forget the performer."""
        self._held = np.zeros((JOINT_COUNT, 3), dtype=np.float32)
        self._root: Float32 | None = None
        self._heading_rad = 0.0
        self._length_m = _FALLBACK_LENGTH_M
        self._lengths_seen = 0

    def step(self, pose: Pose) -> Float32:
        """Return the (90,) frame of the next pose."""
        positions, known = _seen(pose)
        if not pose.interpolated:  # bones shorten on the straight way between two poses
            self._measure(positions, known)
        heading_rad = self._turn(positions, known)
        root = positions[0] if known[0] else self._root
        if root is None:
            root = np.zeros(3, dtype=np.float32)
        return self._frame(pose, positions, known, root, heading_rad)

    def _frame(self, pose: Pose, positions: Float32, known: np.ndarray, root: Float32, heading_rad: float) -> Float32:
        s, c = math.sin(heading_rad), math.cos(heading_rad)
        axes = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], dtype=np.float32) / np.float32(self._length_m)
        np.copyto(self._held, (positions - root) @ axes, where=known[:, None])  # (21, 3)
        frame = np.empty(FRAME_SIZE, dtype=np.float32)
        frame[_XYZ] = self._held.reshape(-1)  # (21, 3) -> (63,)
        frame[_KNOWN] = known
        frame[_ROOT:] = self._travel(root, axes, heading_rad, travels=pose.travels)
        return frame

    def _travel(self, root: Float32, axes: Float32, heading_rad: float, *, travels: bool) -> tuple[float, ...]:
        """Return root velocity, heading rate, hip height and whether the first three are known; move on to root."""
        first, last = self._root is None, self._root
        turn_rad = math.remainder(heading_rad - self._heading_rad, math.tau)
        self._root, self._heading_rad = root.copy(), heading_rad
        height = -float(self._held[:, 1].min())
        if first or last is None or not travels:
            return 0.0, 0.0, 0.0, 0.0, height, float(travels)
        velocity = ((root - last) @ axes * self._rate_hz).tolist()
        speeds = [min(max(v, -_MAX_SPEED), _MAX_SPEED) for v in velocity]
        return *speeds, min(max(turn_rad * self._rate_hz, -_MAX_TURN_RAD), _MAX_TURN_RAD), height, 1.0

    def _measure(self, positions: Float32, known: np.ndarray) -> None:
        """Take the bone lengths of this frame into the running mean, where all their joints are known."""
        if known is not _ALL_KNOWN and not known[_MEASURED].all():
            return
        bones = _BONE_VECTORS @ positions  # (7, 3)
        length_m = float(np.sqrt((bones * bones).sum(axis=1)) @ _BONE_SHARE)
        if not 0.05 < length_m < 20.0:
            return
        self._lengths_seen = min(self._lengths_seen + 1, _SCALE_FRAMES)
        self._length_m += (length_m - self._length_m) / self._lengths_seen

    def _turn(self, positions: Float32, known: np.ndarray) -> float:
        """Return the heading, from hips and shoulders; the last one where they are unseen or point up."""
        pairs = _LEFTWARD
        if known is not _ALL_KNOWN:
            pairs = _LEFTWARD[[known[JOINT_INDEX[a]] and known[JOINT_INDEX[b]] for a, b in _SIDES]]
        x, _, z = (pairs @ positions).sum(axis=0).tolist()  # (pairs, 3) -> (3,)
        return math.atan2(-z, x) if math.hypot(x, z) > 0.1 * self._length_m else self._heading_rad


_MEASURED: Final = np.array(sorted({JOINT_INDEX[name] for bone in _BONES for name in bone}))


def _seen(pose: Pose) -> tuple[Float32, np.ndarray]:
    """Return positions with nothing non-finite in them, and which joints are known."""
    known = pose.confidence >= KNOWN_FROM
    if not math.isfinite(float(pose.positions.sum())):
        known &= np.isfinite(pose.positions).all(axis=1)
        return np.where(known[:, None], pose.positions, np.float32(0)), known
    return pose.positions, _ALL_KNOWN if known.all() else known


def normalise(positions: Float32, confidence: Float32, rate_hz: float, *, travels: bool = True) -> Float32:
    """Return the frames (T, 90) of positions (T, 21, 3) and confidence (T, 21): exactly what Normaliser steps give."""
    normaliser = Normaliser(rate_hz)
    poses = (Pose("", i, i, p, c, travels=travels) for i, (p, c) in enumerate(zip(positions, confidence, strict=True)))
    frames = [normaliser.step(pose) for pose in poses]
    return np.stack(frames) if frames else np.zeros((0, FRAME_SIZE), dtype=np.float32)
