"""Carry joints down the tree: local turns and offsets -> global positions and rotations, for many frames or for one.

Many frames are held component by component, time last, so that one array operation does one multiplication of a
quaternion product for all of them; a product with a turn about one axis needs eight multiplications instead of
sixteen. One frame is carried level by level, all joints of a depth at once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from . import quaternion
from .kinematics import levels
from .roomy import roomy
from .skeleton import Float32, Skeleton

BLOCK: Final = 3072  # frames carried at once: the arrays of one joint stay in the first caches, its parent's near by
FEW: Final = 24  # so many frames go faster level by level

# The product of a quaternion q with a unit axis: component i is sign * q[source], for (sign, source) in this order.
_TIMES_AXIS: Final = (
    ((-1, 1), (1, 0), (1, 3), (-1, 2)),  # x
    ((-1, 2), (-1, 3), (1, 0), (1, 1)),  # y
    ((-1, 3), (1, 2), (-1, 1), (1, 0)),  # z
)
# Rows of a spread quaternion (w, x, y, z, x, y) and a spread vector (x, y, z, x, y): a cross product without copies.
SPREAD: Final = (0, 1, 2, 3, 1, 2)
SPREAD_VECTOR: Final = (0, 1, 2, 0, 1)


def identity(frames: int) -> Float32:
    """Return a spread quaternion (6, T) that turns nothing."""
    q = np.zeros((6, frames), dtype=np.float32)
    q[0] = 1.0
    return q


def turn(q: Float32, axis: int, cosine: Float32, sine: Float32, out: Float32) -> None:
    """Write q (6, T), turned further about its own axis 0, 1 or 2, to another array out (6, T).

    cosine, sine: (T,), those of half the angle.
    """
    np.multiply(q[:4], cosine, out=out[:4])
    across = q[:4] * sine
    _add(out, across, _TIMES_AXIS[axis])
    out[4:] = out[1:3]


def _add(out: Float32, across: Float32, times: tuple[tuple[int, int], ...]) -> None:
    """Add across (4, T), times a unit axis, to out."""
    for i, (sign, source) in enumerate(times):
        (np.add if sign > 0 else np.subtract)(out[i], across[source], out=out[i])


def multiply(a: Float32, b: Float32, out: Float32) -> None:
    """Write the products of a (6, T) and b (4, T) to out (6, T)."""
    np.multiply(a[:4], b[0], out=out[:4])
    for axis, times in enumerate(_TIMES_AXIS):
        _add(out, a[:4] * b[axis + 1], times)
    out[4:] = out[1:3]


def carry(q: Float32, offset: Float32, position: Float32, out: Float32) -> None:
    """Write position + q turning offset to out (3, T); q (6, T), offset (5, T) or (5, 1) is spread, position (3, T).

    v + w t + u x t with t = 2 u x v, where q = (w, u).
    """
    t = np.empty((5, q.shape[1]), dtype=np.float32)
    np.multiply(q[2:5], offset[2:5], out=t[:3])
    t[:3] -= q[3:6] * offset[1:4]
    t[:3] *= np.float32(2.0)
    t[3:] = t[:2]
    np.multiply(q[2:5], t[2:5], out=out)
    out -= q[3:6] * t[1:4]
    t[:3] *= q[0]
    out += t[:3]
    out += offset[:3]
    out += position


def place_frames(skeleton: Skeleton, root: Float32, local: Float32) -> tuple[Float32, Float32]:
    """Return positions (T, J, 3) and global rotations (T, J, 4) of a moving skeleton, float32.

    root: (T, 3) where the first joint stands, in the skeleton's unit; other roots stay at their offsets. local:
    (T, J, 4) unit quaternions (w, x, y, z) relative to the parent. Raises ValueError when the shapes disagree.
    """
    frames, joints = len(root), len(skeleton.names)
    if root.shape != (frames, 3) or local.shape != (frames, joints, 4):
        raise ValueError(f"root {root.shape} and local {local.shape} for {joints} joints")
    if frames <= FEW:
        offsets = np.repeat(skeleton.offsets.astype(np.float32)[None], frames, axis=0)  # (T, J, 3)
        offsets[:, 0] = root
        return place_few(skeleton.parents, offsets, local.astype(np.float32, copy=False))
    positions, rotations = roomy((frames, joints, 3)), roomy((frames, joints, 4))
    for at in range(0, frames, BLOCK):
        part = slice(at, at + BLOCK)
        q, p = _place_block(skeleton, root[part], local[part])
        positions[part], rotations[part] = p.transpose(2, 0, 1), q[:, :4].transpose(2, 0, 1)
    return positions, rotations


def _place_block(skeleton: Skeleton, root: Float32, local: Float32) -> tuple[Float32, Float32]:
    """Do what place_frames does for one block: spread rotations (J, 6, T) and positions (J, 3, T)."""
    turns = local.transpose(1, 2, 0).astype(np.float32, order="C")  # (J, 4, T)
    offsets = skeleton.offsets.astype(np.float32)[:, SPREAD_VECTOR, None]  # (J, 5, 1)
    q, p = roomy((len(turns), 6, len(root))), roomy((len(turns), 3, len(root)))
    for joint, parent in enumerate(skeleton.parents):
        if parent < 0:
            q[joint] = turns[joint][SPREAD, :]
            p[joint] = root.T if joint == 0 else offsets[joint][:3]
        else:
            multiply(q[parent], turns[joint], q[joint])
            carry(q[parent], offsets[joint], p[parent], p[joint])
    return q, p


def place_few(parents: tuple[int, ...], offsets: Float32, local: Float32) -> tuple[Float32, Float32]:
    """Return positions (T, J, 3) and global rotations (T, J, 4) of few frames, best of one.

    offsets: (T, J, 3) from the parent, of a root: where it stands. local: (T, J, 4).

    Two 4 x 4 matrices stand for each joint: the one that multiplies a quaternion by its rotation, and the rigid motion
    ((1, 0), (offset, R)). Both chain alike, so one product a level of the tree carries them all.
    """
    chained = np.empty((*local.shape[:2], 2, 4, 4), dtype=np.float32)
    chained[:, :, 0] = quaternion.left_matrix(local)
    np.matmul(chained[:, :, 0], quaternion.right_matrix(quaternion.conjugate(local)), out=chained[:, :, 1])
    chained[:, :, 1, 1:, 0] = offsets
    for joints, above in _levels(parents):
        chained[:, joints] = np.matmul(chained[:, above], chained[:, joints])
    return chained[:, :, 1, 1:, 0].copy(), chained[:, :, 0, :, 0].copy()


@lru_cache(maxsize=64)
def _levels(parents: tuple[int, ...]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    return levels(parents)


def place_frame(skeleton: Skeleton, root: Float32, local: Float32) -> tuple[Float32, Float32]:
    """Return positions (J, 3) and global rotations (J, 4) of one frame: root (3,), local (J, 4)."""
    positions, rotations = place_frames(skeleton, root[None], local[None])
    return positions[0], rotations[0]
