"""Find what turns each bone of the body: a joint of the source, and the constant turn between the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from . import quaternion
from .axes import Axes, quaternion_matrix
from .body import BODY, JOINT_COUNT, JOINT_INDEX
from .kinematics import BONE_CHILD, body_globals, hips_axes
from .quaternion import Floats
from .rest import Rest
from .skeleton import Float64, Skeleton
from .tables import SIDES, Blend

_J: Final = JOINT_INDEX
# Where no bone tells, these are level in a standing rest pose; the others stay in line with their parent.
_LEVEL: Final = frozenset(_J[name] for name in ("Hips", "Head", "LeftFoot", "RightFoot", "LeftToes", "RightToes"))


def drivers_of(skeleton: Skeleton, blends: Sequence[Blend]) -> tuple[int, ...]:
    """Return for each joint of the body the source joint whose rotation turns it.

    The chest is turned by what carries the shoulders, which in a longer spine is a higher joint than the one that is
    nearest to the body's chest. A joint that the source lacks turns with its parent.
    """
    drivers: list[int] = []
    for joint, blend in enumerate(blends):
        above = drivers[BODY.parents[joint]] if joint else 0
        drivers.append(blend[0][0] if len(blend) == 1 else above)
        if joint == _J["Chest"]:
            drivers[joint] = _carrier(skeleton, blends, drivers[joint])
    return tuple(drivers)


def _carrier(skeleton: Skeleton, blends: Sequence[Blend], chest: int) -> int:
    """Return the joint from which the first known collar bone or arm hangs if that is the chest or above it."""
    arms = (blends[_J[side + part]] for part in ("Shoulder", "UpperArm") for side in SIDES)
    carried = next((blend[0][0] for blend in arms if len(blend) == 1), -1)
    carrier = at = skeleton.parents[carried] if carried >= 0 else -1
    while at >= 0 and at != chest:
        at = skeleton.parents[at]
    return carrier if at == chest and carrier >= 0 else chest


def posed(skeleton: Skeleton, blends: Sequence[Blend], pose: Mapping[str, Axes]) -> tuple[Floats, Floats]:
    """Return global rotations (J, 4) and positions (J, 3) of a skeleton whose joints stand in the axes of a pose."""
    axes = {blends[_J[name]][0][0]: axes for name, axes in pose.items() if len(blends[_J[name]]) == 1}
    rotations = np.tile(quaternion.IDENTITY, (len(skeleton.names), 1))
    positions = skeleton.offsets.copy()
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            rotations[joint] = rotations[parent]
            positions[joint] = positions[parent] + quaternion.rotate(rotations[parent], skeleton.offsets[joint])
        if joint in axes:
            rotations[joint] = quaternion.from_matrix(axes[joint].matrix)
    return rotations, positions


def turns_of(
    rest: Rest,
    drivers: Sequence[int],
    still: tuple[Float64, Floats],
    frames: Float64 | None,
    rotations: Float64 | None,
) -> Floats | None:
    """Return turns (21, 4) such that the body's global rotation is the driver's, in the house, times the turn.

    still: body points (21, 3) and the source's global rotations (J, 4) at rest, where the body's are known, which gives
    the turns. Where rest is no standing pose, the most upright of the frames (T, 21, 3) with its rotations (T, J, 4)
    stands in for it; None without one.
    """
    to_house = quaternion_matrix(rest.to_house).T
    if rest.upright is not None:
        points, resting = still
        lean = quaternion.from_matrix(rest.to_house @ rest.upright.T)
        made = quaternion.multiply(lean, rest_globals(points @ rest.upright.T))
        return quaternion.multiply(quaternion.conjugate(resting[list(drivers)] @ to_house), made)
    if frames is None or rotations is None:
        return None
    house = frames @ rest.to_house.T * rest.unit_m
    lacking = np.flatnonzero(np.isnan(house).all(axis=(0, 2))).tolist()
    whole = np.isfinite(np.delete(house, lacking, axis=1)).all(axis=(1, 2))  # (T,)
    if not whole.any():
        return None
    house, rotations = house[whole], rotations[whole]
    house = place_lacking(house, None, lacking, rest.scale * BODY.offsets[lacking])
    k = _most_upright(house)
    source = rotations[k, list(drivers)] @ to_house  # (21, 4)
    return quaternion.multiply(quaternion.conjugate(source), body_globals(house[k]))


def rest_globals(points: Float64) -> Floats:
    """Return the body's global rotations (21, 4) in a standing rest pose, points (21, 3) in the house, NaN if lacking.

    Each bone is turned the shortest way from where it points in the T-pose.
    """
    turned = np.tile(quaternion.IDENTITY, (JOINT_COUNT, 1))
    for joint in range(1, JOINT_COUNT):
        child = BONE_CHILD.get(joint, joint)
        bone = points[child] - points[joint]
        if np.linalg.norm(bone) > 0:  # False for NaN and for a joint that has no bone
            turned[joint] = quaternion.between(BODY.offsets[child], bone)
        elif joint not in _LEVEL or np.isnan(points[joint]).any():
            turned[joint] = turned[BODY.parents[joint]]
    return turned


def _most_upright(house: Floats) -> int:
    """Return the frame of (T, 21, 3) whose trunk and legs are the straightest and the most upright."""
    height = house[:, _J["Head"], 1] - house[:, [_J["LeftFoot"], _J["RightFoot"]], 1].mean(axis=1)  # (T,)
    return int(np.argmax(height))


def place_lacking(house: Floats, turned: Floats | None, lacking: Sequence[int], bones: Floats) -> Floats:
    """Return house positions (T, 21, 3) with the lacking joints, parents first, placed at the ends of bones (L, 3).

    The bones are carried by their parents' global rotations (T, 21, 4), or by that of the hips where none is known.
    """
    above = [BODY.parents[joint] for joint in lacking]
    bones = bones.astype(house.dtype, copy=False)
    if turned is None:
        carried = bones @ np.swapaxes(hips_axes(house), -1, -2)  # (T, L, 3)
    else:
        carried = quaternion.rotate(turned[:, above], bones)
    placed = house.copy()
    for i, (joint, parent) in enumerate(zip(lacking, above, strict=True)):
        placed[:, joint] = placed[:, parent] + carried[:, i]
    return placed


def bones_of(rest: Rest, turns: Floats | None, lacking: Sequence[int], tips: Mapping[int, Float64]) -> Floats:
    """Return the bones (L, 3) in metres that end in the lacking joints, as seen from the body joint they hang from.

    A bone whose end the source tells is as long as there; any other is the body's, at the person's size.
    """
    bones = rest.scale * BODY.offsets[list(lacking)]
    for i, joint in enumerate(lacking):
        if joint in tips and turns is not None:
            house = rest.unit_m * (rest.to_house @ tips[joint])
            bones[i] = quaternion.rotate(quaternion.conjugate(turns[BODY.parents[joint]]), house)
    return bones
