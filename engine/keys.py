"""Keys: poses 1/30 s apart, and the frames at any rate that lie between them.

All arrays are (N, K or T, ...): N performers, K keys, T frames. Few large products rather than many small ones: at one
performer a call of numpy costs more than its arithmetic.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from . import quaternion
from .body import BODY
from .kinematics import levels
from .quaternion import Floats
from .skeleton import Float32

_SOLE_M: Final = 0.012  # the toes never come lower: their joint lies 2 cm over the sole
_FEET: Final = [BODY.index[name] for name in ("LeftToes", "RightToes")]
_ABOVE: Final = [max(parent, 0) for parent in BODY.parents]
_INNER: Final = frozenset(BODY.parents)  # whose turns move other joints
_LEVELS: Final[list[tuple[list[int], list[int]]]] = [
    ([child for child in children if child in _INNER], [BODY.parents[child] for child in children if child in _INNER])
    for children, _ in levels(BODY.parents)
    if any(child in _INNER for child in children)
]


def between_keys(rotations: Float32, root: Floats, at: Floats) -> tuple[Float32, Floats]:
    """Return rotations (N, T, 21, 4) and root (N, T, 3) at times (T,) in keys, of keys (N, K, ...).

    Cubic through every key with the tangents of its neighbours (Catmull and Rom, 1974); neighbouring quaternions
    must lie on the same side.
    """
    low = np.floor(at + 1e-9).astype(np.intp)
    share = at - low
    picks = [np.clip(low + i, 0, rotations.shape[1] - 1) for i in (-1, 0, 1, 2)]
    s2, s3 = share * share, share * share * share
    weights = ((-s3 + 2 * s2 - share) / 2, (3 * s3 - 5 * s2 + 2) / 2, (-3 * s3 + 4 * s2 + share) / 2, (s3 - s2) / 2)
    mixed, rows = np.zeros((len(at), rotations.shape[1])), np.arange(len(at))
    for pick, weight in zip(picks, weights, strict=True):
        mixed[rows, pick] += weight
    n, keys, joints, _ = rotations.shape
    turned = np.matmul(mixed.astype(np.float32), rotations.reshape(n, keys, 4 * joints))
    return quaternion.normalise(turned.reshape(n, len(at), joints, 4)), np.matmul(mixed, root)


def continued(before: Float32, rotations: Float32) -> Float32:
    """Return rotations (N, K, 21, 4) with every quaternion on the side of the one before, from (N, 1, 21, 4) on."""
    whole = np.concatenate((before, rotations), axis=1)
    dots: Float32 = (whole[:, 1:] * whole[:, :-1]).sum(axis=-1, keepdims=True)
    sides: Float32 = np.cumprod(np.copysign(np.float32(1.0), dots), axis=1, dtype=np.float32)
    return rotations * sides


def orthonormal(turns: Floats) -> Float32:
    """Return rotation matrices (N, K, 21, 3, 3) of six numbers a joint (N, K, 126), by Gram and Schmidt."""
    columns = turns.reshape(*turns.shape[:-1], len(BODY.names), 2, 3)
    x = columns[..., 0, :] / np.sqrt((columns[..., 0, :] ** 2).sum(axis=-1, keepdims=True) + 1e-12)
    y = columns[..., 1, :] - (x * columns[..., 1, :]).sum(axis=-1, keepdims=True) * x
    y = y / np.sqrt((y * y).sum(axis=-1, keepdims=True) + 1e-12)
    axes: Floats = np.stack((x, y, quaternion.cross(x, y)), axis=-1)
    return axes.astype(np.float32)


def placed(rotations: Float32, root: Floats) -> tuple[Float32, Float32]:
    """Return joints (N, T, 21, 3) and root (N, T, 3) of frames, with no foot below the floor."""
    turned = np.moveaxis(_matrices(rotations), 2, 0).copy()  # (21, N, T, 3, 3), local; in the world level by level
    for children, above in _LEVELS:
        turned[children] = turned[above] @ turned[children]
    bones = (turned[_ABOVE] @ _BONES)[..., 0]  # (21, N, T, 3): each from the joint above it
    summed = (_ON_THE_WAY @ bones.reshape(len(bones), -1)).reshape(bones.shape)
    joints: Float32 = np.moveaxis(summed, 0, 2).astype(np.float32)
    low = root[..., 1] + joints[..., _FEET, 1].min(axis=-1)  # (N, T)
    root = root.copy()
    root[..., 1] += np.maximum(_SOLE_M - low, 0.0)
    joints += root[..., None, :].astype(np.float32)
    return joints, joints[..., 0, :].copy()


def _matrices(q: Float32) -> Float32:
    """Return the matrices (..., 3, 3) of unit quaternions (..., 4), by one product instead of thirty."""
    outer = (q[..., :, None] * q[..., None, :]).reshape(*q.shape[:-1], 16)
    matrices: Float32 = np.matmul(outer, _OF_OUTER)
    return matrices.reshape(*q.shape[:-1], 3, 3)


def _of_outer() -> Float32:
    """Return (16, 9): what makes the entries of a rotation matrix of the products of a unit quaternion's numbers."""
    out = np.zeros((4, 4, 3, 3), dtype=np.float32)
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        out[0, 0, i, i] = out[i + 1, i + 1, i, i] = 1.0
        out[j + 1, j + 1, i, i] = out[k + 1, k + 1, i, i] = -1.0
        out[j + 1, k + 1, j, k] = out[j + 1, k + 1, k, j] = 2.0
        out[0, i + 1, k, j], out[0, i + 1, j, k] = 2.0, -2.0
    return out.reshape(16, 9)


def _on_the_way() -> Float32:
    """Return (21, 21): 1 where a joint is on the way from the root to another, itself included."""
    out = np.eye(len(BODY.names), dtype=np.float32)
    for parent, joint in BODY.edges:
        out[joint] += out[parent]
    return out


_FROM_ABOVE: Final = np.where(np.array(BODY.parents)[:, None] < 0, 0.0, BODY.offsets)
_BONES: Final = _FROM_ABOVE.astype(np.float32)[:, None, None, :, None]
_ON_THE_WAY: Final = _on_the_way()
_OF_OUTER: Final = _of_outer()
