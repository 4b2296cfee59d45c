"""Turn local rotations to global ones and to positions, and read rotations off positions alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from . import quaternion
from .body import BODY, JOINT_COUNT, JOINT_INDEX
from .quaternion import Floats
from .skeleton import Skeleton

_J: Final = JOINT_INDEX
# The child that each joint of the body points at; the others (head, hands, toes) turn with their parent.
BONE_CHILD: Final[dict[int, int]] = {
    _J[joint]: _J[child]
    for joint, child in (
        ("Spine", "Chest"),
        ("Chest", "Neck"),
        ("Neck", "Head"),
        *((f"{side}{a}", f"{side}{b}") for side in ("Left", "Right") for a, b in (
            ("Shoulder", "UpperArm"), ("UpperArm", "LowerArm"), ("LowerArm", "Hand"),
            ("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"), ("Foot", "Toes"),
        )),
    )
}  # fmt: skip


def levels(parents: Sequence[int]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Sort joints by depth: a (joints, their parents) pair of index arrays for each depth below the roots."""
    depth = [0] * len(parents)
    for joint, parent in enumerate(parents):
        depth[joint] = depth[parent] + 1 if parent >= 0 else 0
    found: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    for d in range(1, max(depth, default=0) + 1):
        joints = [joint for joint in range(len(parents)) if depth[joint] == d]
        found.append((np.array(joints, dtype=np.intp), np.array([parents[j] for j in joints], dtype=np.intp)))
    return found


def globals_from_locals(parents: Sequence[int], local: Floats) -> Floats:
    """Multiply local rotations (..., J, 4) down the tree to global ones."""
    turned = local.copy()
    for joints, above in levels(parents):
        turned[..., joints, :] = quaternion.multiply(turned[..., above, :], local[..., joints, :])
    return turned


def locals_from_globals(parents: Sequence[int], turned: Floats) -> Floats:
    """Return the local rotations (..., J, 4), w >= 0, that globals_from_locals multiplies to these."""
    local = turned.copy()
    joints = np.array([j for j, parent in enumerate(parents) if parent >= 0], dtype=np.intp)
    above = np.array([parent for parent in parents if parent >= 0], dtype=np.intp)
    local[..., joints, :] = quaternion.multiply(quaternion.conjugate(turned[..., above, :]), turned[..., joints, :])
    return quaternion.positive(local)


def forward_kinematics(skeleton: Skeleton, local: Floats, root: Floats) -> Floats:
    """Return positions (..., J, 3) of local rotations (..., J, 4), the first joint standing at root (..., 3)."""
    turned = globals_from_locals(skeleton.parents, local)
    positions = np.zeros((*local.shape[:-1], 3), dtype=local.dtype) + skeleton.offsets.astype(local.dtype)
    positions[..., 0, :] = root
    for joints, above in levels(skeleton.parents):
        offsets = skeleton.offsets[joints].astype(local.dtype)
        positions[..., joints, :] = positions[..., above, :] + quaternion.rotate(turned[..., above, :], offsets)
    return positions


def _swings() -> list[tuple[NDArray[np.intp], ...]]:
    """List, depth by depth, the joints and their parents, and of the joints with a bone those and their children."""
    plan: list[tuple[NDArray[np.intp], ...]] = []
    for joints, above in levels(BODY.parents):
        boned = np.array([j for j in joints if int(j) in BONE_CHILD], dtype=np.intp)
        children = np.array([BONE_CHILD[int(j)] for j in boned], dtype=np.intp)
        plan.append((joints, above, boned, children))
    return plan


_SWINGS: Final = _swings()


def body_globals(positions: Floats) -> Floats:
    """Return global rotations (..., 21, 4) whose bones point as in positions (..., 21, 3) of the body.

    The hips are turned by their triangle with the trunk, the chest by its triangle with the shoulders; every other
    bone is swung the shortest way from where its parent would carry it, so that nothing twists without need.
    """
    triangles = quaternion.from_matrix(np.stack((hips_axes(positions), _chest_axes(positions))))  # (2, ..., 4)
    turned = np.zeros((*positions.shape[:-1], 4), dtype=positions.dtype)
    turned[..., 0, :] = triangles[0]
    for joints, above, boned, children in _SWINGS:
        turned[..., joints, :] = turned[..., above, :]
        if boned.size:
            carried = quaternion.rotate(turned[..., boned, :], BODY.offsets[children].astype(positions.dtype))
            swing = quaternion.between(carried, positions[..., children, :] - positions[..., boned, :])
            turned[..., boned, :] = quaternion.multiply(swing, turned[..., boned, :])
        if _J["Chest"] in joints:
            turned[..., _J["Chest"], :] = triangles[1]
    return turned


def hips_axes(positions: Floats) -> Floats:
    """Return the axes of the hips as columns (..., 3, 3): x from the right to the left hip, y up the spine, z ahead."""
    across = positions[..., _J["LeftUpperLeg"], :] - positions[..., _J["RightUpperLeg"], :]
    along = positions[..., _J["Spine"], :] - positions[..., _J["Hips"], :]
    x = _unit(across)
    y = _unit(along - np.sum(along * x, axis=-1, keepdims=True) * x)
    return _columns(x, y)


def _chest_axes(positions: Floats) -> Floats:
    """Return the axes of the chest as columns (..., 3, 3): y towards the neck, x to the left shoulder."""
    across = positions[..., _J["LeftUpperArm"], :] - positions[..., _J["RightUpperArm"], :]
    y = _unit(positions[..., _J["Neck"], :] - positions[..., _J["Chest"], :])
    x = _unit(across - np.sum(across * y, axis=-1, keepdims=True) * y)
    return _columns(x, y)


def _columns(x: Floats, y: Floats) -> Floats:
    """Return x, y and what is at right angles to both as columns (..., 3, 3); the identity where one is unknown."""
    axes = np.stack((x, y, quaternion.cross(x, y)), axis=-1)
    known = (np.abs(x).sum(axis=-1) > 0.9) & (np.abs(y).sum(axis=-1) > 0.9)
    return np.where(known[..., None, None], axes, np.eye(3, dtype=axes.dtype))


def _unit(v: Floats) -> Floats:
    """Scale vectors (..., 3) to unit length; those of no length become zero."""
    length = np.sqrt(np.sum(v * v, axis=-1, keepdims=True))
    return v / np.maximum(length, 1e-6)


def rotations_from_positions(positions: Floats) -> Floats:
    """Return local rotations (..., 21, 4), identity in the T-pose, whose bones point as in positions (..., 21, 3)."""
    if positions.shape[-2:] != (JOINT_COUNT, 3):
        raise ValueError(f"positions of shape {positions.shape}, wanted (..., {JOINT_COUNT}, 3)")
    return locals_from_globals(BODY.parents, body_globals(positions))


def knee_bend(positions: Floats) -> Floats:
    """Return how far the knees of positions (..., 21, 3) stand out to where the hips face, as a share of the leg.

    The mean of both knees, (...): positive for a human being, near zero for straight legs.
    """
    forward = hips_axes(positions)[..., 2]
    bends: list[Floats] = []
    for side in ("Left", "Right"):
        hip, knee, foot = (positions[..., _J[side + part], :] for part in ("UpperLeg", "LowerLeg", "Foot"))
        thigh, leg = knee - hip, _unit(foot - hip)
        out = (
            thigh - np.sum(thigh * leg, axis=-1, keepdims=True) * leg
        )  # from the line between hip and foot to the knee
        length = np.linalg.norm(thigh, axis=-1) + np.linalg.norm(foot - knee, axis=-1)
        bends.append(np.sum(out * forward, axis=-1) / np.maximum(length, 1e-9))
    return (bends[0] + bends[1]) / 2
