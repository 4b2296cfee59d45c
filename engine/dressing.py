"""Dressing: put motion of the body onto another skeleton, the way back of `retarget.py`.

Every joint of the other skeleton that turns a joint of the body is turned so that the body's bone points where it
does; the rest stay as they are at rest, and no bone changes its length. Feet that stand keep standing: the root goes
where they demand, and the lowest sole stays on the floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from . import quaternion
from .axes import quaternion_matrix
from .body import BODY, JOINT_INDEX
from .errors import SkeletonError
from .foot_lock import SOLE_M
from .kinematics import globals_from_locals
from .matching import Match
from .quaternion import Floats
from .skeleton import Float32

_LEGS: Final = [JOINT_INDEX[f"{side}{part}"] for side in ("Left", "Right") for part in ("UpperLeg", "LowerLeg", "Foot")]
_TOES: Final = [JOINT_INDEX[name] for name in ("LeftToes", "RightToes")]
_FEET: Final = [*_TOES, *(JOINT_INDEX[name] for name in ("LeftFoot", "RightFoot"))]
OWN_SOLES: Final = BODY.rest_positions[:, 1].copy()  # over the floor, at rest
_LOW_M: Final = 0.02  # a foot that is no higher than this over where it rests may stand
_SLOW_M: Final = 0.006  # and moves no more than about this in a frame
_FREE: Final = 0.05
_OWN_LEG_M: Final = float(np.linalg.norm(BODY.offsets[_LEGS[1:3]], axis=-1).sum())


@dataclass(frozen=True)
class Dressed:
    """Hold T frames of another skeleton of J joints: local rotations (T, J, 4) and hips (T, 3), in its axes and unit.

    notes: what is animated and what is not.
    """

    local: Floats
    hips: Floats
    notes: tuple[str, ...]


def dress(match: Match, positions: Float32, rotations: Float32) -> Dressed:
    """Put motion (positions (T, 21, 3), local rotations (T, 21, 4)) onto the skeleton that was matched.

    Raises SkeletonError where its rest pose does not tell how its joints turn the body's.
    """
    if match.turns is None:
        mend = "give a file whose rest pose or first frame is a standing person"
        raise SkeletonError("the skeleton", "nothing tells how its joints are turned at rest", mend=mend)
    skeleton = match.skeleton
    world = globals_from_locals(BODY.parents, rotations.astype(np.float64))  # (T, 21, 4)
    back = quaternion_matrix(match.rest.to_house).T
    driven = quaternion.multiply(world, quaternion.conjugate(match.turns)) @ back.T  # (T, 21, 4) in its axes
    drivers = _drivers(match)
    turned = np.zeros((len(world), len(skeleton.names), 4))
    for joint, parent in enumerate(skeleton.parents):
        above = np.broadcast_to(quaternion.IDENTITY, turned[:, 0].shape) if parent < 0 else turned[:, parent]
        turned[:, joint] = driven[:, drivers[joint]] if joint in drivers else above
    local = turned.copy()
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            local[:, joint] = quaternion.multiply(quaternion.conjugate(turned[:, parent]), turned[:, joint])
    hips = _hips(match, turned, positions.astype(np.float64))
    return Dressed(quaternion.normalise(local), hips, _notes(match))


def _drivers(match: Match) -> dict[int, int]:
    """Return source joint -> the body joint that turns it; of several the highest in the body's tree."""
    drivers: dict[int, int] = {}
    for joint, (source, blend) in enumerate(zip(match.drivers, match.blends, strict=True)):
        if len(blend) == 1 or joint == 0:
            drivers.setdefault(source, joint)
    return drivers


def _hips(match: Match, turned: Floats, positions: Floats) -> Floats:
    """Return where its hips go (T, 3), in its axes and unit: as ours in its size, its feet on the floor."""
    whole = _has_legs(match)
    scale = _leg(match) / _OWN_LEG_M if whole else match.rest.scale
    wanted = scale * positions  # (T, 21, 3): ours in its size, in the house
    root = wanted[:, 0].copy()
    if whole:
        feet = [joint for joint in _FEET if len(match.blends[joint]) == 1]
        placed = root[:, None] + _from_hips(match, turned, [match.blends[joint][0][0] for joint in feet])
        soles = _soles(match, feet, scale)
        root = root + _footing(placed, wanted[:, feet], positions[:, feet], soles, OWN_SOLES[feet])
    return root @ match.rest.to_house / match.rest.unit_m


def _footing(feet: Floats, wanted: Floats, ours: Floats, soles: Floats, own: Floats) -> Floats:
    """Return how far the root is to be moved (T, 3) for feet (T, F, 3) to stand as wanted.

    Along the ground as far as feet stand; in height so that the lowest sole is as far from the floor as ours. soles,
    own: (F,) heights of the joints over the sole, of the skeleton and of the body.
    """
    speed = np.linalg.norm(np.diff(ours, axis=0, prepend=ours[:1])[..., (0, 2)], axis=-1)  # (T, F)
    clearance = ours[..., 1] - own  # (T, F)
    stands = np.clip(1.5 - speed / _SLOW_M, 0.0, 1.0) * (clearance < _LOW_M)
    weight = stands.sum(axis=1, keepdims=True) + _FREE
    ground = (stands[..., None] * (wanted - feet)[..., (0, 2)]).sum(axis=1) / weight
    height = np.maximum(clearance.min(axis=1), 0.0) - (feet[..., 1] - soles).min(axis=1)
    return np.column_stack((ground[:, 0], height, ground[:, 1]))


def _from_hips(match: Match, turned: Floats, joints: Sequence[int]) -> Floats:
    """Return where joints are from the hips (T, F, 3), in metres and the axes of the house."""
    skeleton, hips = match.skeleton, match.blends[0][0][0]
    places = np.zeros((len(turned), len(skeleton.names), 3))
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            places[:, joint] = places[:, parent] + quaternion.rotate(turned[:, parent], skeleton.offsets[joint])
    return (places[:, list(joints)] - places[:, [hips]]) @ match.rest.to_house.T * match.rest.unit_m


def _soles(match: Match, feet: Sequence[int], scale: float) -> Floats:
    """Return how high the joints of its feet are over its soles when it stands at rest (F,), in metres."""
    upright = match.rest.to_house if match.rest.upright is None else match.rest.upright
    height = match.skeleton.rest_positions @ upright[1] * match.rest.unit_m  # (J,)
    joints = [match.blends[joint][0][0] for joint in feet]
    toes = [each for joint, each in zip(feet, joints, strict=True) if joint in _TOES]
    lowest = min((float(height[each]) for each in toes), default=float("nan"))
    if not toes:
        return scale * OWN_SOLES[list(feet)]
    return np.array([float(height[each]) - lowest for each in joints]) + scale * SOLE_M


def _has_legs(match: Match) -> bool:
    return all(len(match.blends[joint]) == 1 for joint in _LEGS)


def _leg(match: Match) -> float:
    """Return how long its legs are, in metres: the mean of both."""
    sources = [match.blends[joint][0][0] for joint in _LEGS]
    rest = match.skeleton.rest_positions[sources].reshape(2, 3, 3)
    return float(np.linalg.norm(np.diff(rest, axis=1), axis=-1).sum(axis=1).mean()) * match.rest.unit_m


def _notes(match: Match) -> tuple[str, ...]:
    """Return what is animated and what is not."""
    moved = [name for name, blend in zip(BODY.names, match.blends, strict=True) if len(blend) == 1]
    still = [name for name in BODY.names if name not in moved]
    notes = [f"animated: {', '.join(moved)}"]
    if still:
        notes.append(f"not animated, for want of such joints: {', '.join(still)}")
    if not _has_legs(match):
        notes.append("no whole legs: the hips keep to their height as the body's would, and nothing is said of feet")
    return tuple(notes)
