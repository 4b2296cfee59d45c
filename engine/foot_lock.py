"""The foot lock: a foot that stands stays where it was set down, by bending its leg and by nothing else.

Arrays are (N, K, 2, ...): performers, frames, left and right. The knee turns about its hinge until hip and ankle are
as far apart as they must be, the leg swings to where the ankle belongs, and the foot keeps its own direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from . import quaternion
from .body import BODY, JOINT_INDEX
from .quaternion import Floats
from .skeleton import Float32

SOLE_M: Final = 0.02  # the toes' height over the sole
STANCE_M: Final = 0.027  # and where they stand: soles roll and give
_FADE: Final = 0.7  # of what a foot was held back that is left a frame after it was lifted
_FARTHEST_M: Final = 0.15  # a foot that would have to be held back farther is set down anew
_STANDS: Final = 0.4
_CLEAR_M: Final = 0.042  # how far a foot that swings is off the floor at least
_STRAIGHT: Final = 0.998  # of a leg's length: it never stretches wholly, where a knee would snap
_LEGS: Final = tuple(
    [JOINT_INDEX[f"{side}{part}"] for side in ("Left", "Right")] for part in ("UpperLeg", "LowerLeg", "Foot", "Toes")
)
_BONES: Final = tuple(BODY.offsets[joints].astype(np.float32)[..., None] for joints in _LEGS)  # (2, 3, 1) each
_EYE: Final = np.eye(3, dtype=np.float32)
# v @ _ACROSS are the nine numbers of the matrix that multiplies vectorially by v
_ACROSS: Final = np.array(
    [[0, 0, 0, 0, 0, -1, 0, 1, 0], [0, 0, 1, 0, 0, 0, -1, 0, 0], [0, -1, 0, 1, 0, 0, 0, 0, 0]], np.float32
)
_THIGH: Final = float(np.linalg.norm(BODY.offsets[_LEGS[1][0]]))
_SHIN: Final = float(np.linalg.norm(BODY.offsets[_LEGS[2][0]]))


@dataclass(frozen=True)
class Locks:
    """Hold where the feet of N performers were set down: anchors (N, 2, 2) x and z, back (N, 2, 2), held (N, 2)."""

    anchors: Floats
    back: Floats
    held: Floats


@dataclass(frozen=True)
class Legs:
    """Hold both legs in the axes of the heading, from the root: turned (N, K, 2, 3, 3) each, at (N, K, 2, 3) each.

    Both are tuples of hip, knee, ankle and toes; hips is the turn of the hips (N, K, 1, 3, 3).
    """

    hips: Floats
    turned: tuple[Floats, ...]
    at: tuple[Floats, ...]


def no_locks(n: int) -> Locks:
    """Return the locks of N performers of whom no foot stands yet."""
    return Locks(np.zeros((n, 2, 2)), np.zeros((n, 2, 2)), np.zeros((n, 2)))


def legs_of(local: Float32) -> Legs:
    """Return the legs of local rotation matrices (N, K, 21, 3, 3)."""
    hips = above = local[:, :, :1]
    at: Floats = np.zeros((*local.shape[:2], 2, 3), dtype=local.dtype)
    turned: list[Floats] = []
    places: list[Floats] = []
    for joints, bones in zip(_LEGS, _BONES, strict=True):
        at = at + (above @ bones)[..., 0]
        above = above @ local[:, :, joints]
        places.append(at)
        turned.append(above)
    return Legs(hips, tuple(turned), tuple(places))


def hold(toes: Floats, stands: Floats, before: Locks) -> tuple[Floats, Locks]:
    """Return how far the toes (N, K, 2, 3) in the world are to be held back (N, K, 2, 3), and the locks then.

    stands: (N, K, 2) how much each foot stands.
    """
    anchors, back, held = before.anchors, before.back, before.held > 0
    shifts: Floats = np.zeros_like(toes)
    for k in range(toes.shape[1]):
        ground = toes[:, k][..., ::2]  # (N, 2, 2)
        down = stands[:, k] > _STANDS
        anchors = np.where((down & ~held)[..., None], ground + back, anchors)
        wanted = anchors - ground
        near = (wanted * wanted).sum(axis=-1) < _FARTHEST_M**2
        held = down & near
        back = np.where(held[..., None], wanted, _FADE * back)
        shifts[:, k, :, 0], shifts[:, k, :, 2] = back[..., 0], back[..., 1]
    least = SOLE_M + _CLEAR_M * np.clip(1.0 - stands, 0.0, 1.0)
    shifts[..., 1] = np.maximum(least - toes[..., 1], 0.0)
    return shifts, Locks(anchors, back, held.astype(np.float64))


def bend(local: Float32, legs: Legs, shifts: Floats) -> None:
    """Bend the legs of local (N, K, 21, 3, 3), in place, so that the feet move by shifts (N, K, 2, 3)."""
    hip, knee, ankle, _ = legs.at
    thigh, shin, foot, _ = legs.turned
    wanted = ankle + shifts.astype(np.float32) - hip
    length = np.sqrt((wanted * wanted).sum(axis=-1, keepdims=True))
    most = _STRAIGHT * (_THIGH + _SHIN)
    wanted = wanted * np.minimum(1.0, most / np.maximum(length, 1e-6))
    more = _flexion((wanted * wanted).sum(axis=-1)) - _flexion(((ankle - hip) ** 2).sum(axis=-1))  # (N, K, 2)
    flexed = _turn(np.sin(more)[..., None] * thigh[..., 0], np.cos(more))  # about the axis of the knee
    reached = _direction(knee - hip + (flexed @ (ankle - knee)[..., None])[..., 0])
    wanted = _direction(wanted)
    swing = _turn(quaternion.cross(reached, wanted), (reached * wanted).sum(axis=-1))
    new_thigh = swing @ thigh
    new_shin = swing @ flexed @ shin
    upper, lower, feet, _ = _LEGS
    local[:, :, upper] = np.swapaxes(legs.hips, -1, -2) @ new_thigh
    local[:, :, lower] = np.swapaxes(new_thigh, -1, -2) @ new_shin
    local[:, :, feet] = np.swapaxes(new_shin, -1, -2) @ foot


def _flexion(square: Floats) -> Floats:
    """Return how far the knee is bent, in rad, where hip and ankle are so far apart, squared."""
    cosine = (square - _THIGH**2 - _SHIN**2) / (2 * _THIGH * _SHIN)
    return np.arccos(np.clip(cosine, -1.0, 1.0))


def _direction(v: Floats) -> Floats:
    """Return vectors (..., 3) scaled to unit length."""
    return v / np.sqrt((v * v).sum(axis=-1, keepdims=True) + 1e-12)


def _turn(sine: Floats, cosine: Floats) -> Floats:
    """Return the matrices (..., 3, 3) that turn about axes, given times the sine (..., 3), with cosines (...)."""
    share = 1.0 / np.maximum(1.0 + cosine, 1e-3)  # Rodrigues: (1 - cosine) / sine^2
    across = (sine @ _ACROSS).reshape(*sine.shape, 3)
    return across + share[..., None, None] * sine[..., None] * sine[..., None, :] + cosine[..., None, None] * _EYE
