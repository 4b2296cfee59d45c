"""Quaternions (w, x, y, z) as arrays (..., 4): unit length means rotation, q and -q mean the same one.

Products act right to left, as matrices do: rotate(multiply(a, b), v) == rotate(a, rotate(b, v)). Everything broadcasts
over the leading axes and keeps float32 where it gets float32. Sola, Quaternion kinematics for the error-state Kalman
filter (2017), has every formula in this convention (Hamilton's).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .skeleton import Float64

Floats = NDArray[np.floating[Any]]

IDENTITY: Final[Float64] = np.array([1.0, 0.0, 0.0, 0.0])
_CONJUGATE: Final = np.array([1.0, -1.0, -1.0, -1.0], dtype=np.float32)
_TINY: Final = 1e-12
_AXES: Final = "XYZ"
_NEXT: Final = np.array([1, 2, 0])
_LAST: Final = np.array([2, 0, 1])
# left_matrix(q)[i, j] = _LEFT_SIGN[i, j] * q[_LEFT_INDEX[i, j]]; both matrices hold the same four numbers
_LEFT_INDEX: Final = np.array([[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]])
_LEFT_SIGN: Final = np.array([[1, -1, -1, -1], [1, 1, -1, 1], [1, 1, 1, -1], [1, -1, 1, 1]], dtype=np.float32)
_RIGHT_SIGN: Final = np.array([[1, -1, -1, -1], [1, 1, 1, -1], [1, -1, 1, 1], [1, 1, -1, 1]], dtype=np.float32)


def _outer_of_matrix() -> Floats:
    """Return the (9, 16) matrix that makes 4 q qT, less 1 on its diagonal, of a rotation matrix's nine entries."""
    entry = np.eye(9, dtype=np.float32).reshape(3, 3, 9)
    out = np.zeros((4, 4, 9), dtype=np.float32)
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        out[0, 0] += entry[i, i]
        out[i + 1, i + 1] = entry[i, i] - entry[j, j] - entry[k, k]
        out[0, i + 1] = out[i + 1, 0] = entry[k, j] - entry[j, k]
        out[j + 1, k + 1] = out[k + 1, j + 1] = entry[j, k] + entry[k, j]
    return out.reshape(16, 9).T


_OUTER: Final = _outer_of_matrix()


def normalise(q: Floats) -> Floats:
    """Scale quaternions (..., 4) to unit length; one of no length becomes the identity."""
    length = np.sqrt((q * q).sum(axis=-1, keepdims=True))  # (..., 1)
    unit = q / np.maximum(length, _TINY)
    nothing = length <= _TINY
    return np.where(nothing, IDENTITY.astype(q.dtype), unit) if nothing.any() else unit


def positive(q: Floats) -> Floats:
    """Return the one of q and -q (..., 4) whose w is not negative, so that equal rotations have equal numbers."""
    return q * np.copysign(np.ones(1, dtype=q.dtype), q[..., :1])


def conjugate(q: Floats) -> Floats:
    """Return the inverse rotations of unit quaternions (..., 4)."""
    return q * _CONJUGATE


def multiply(a: Floats, b: Floats) -> Floats:
    """Return the rotations (..., 4) that turn by b first and by a after it."""
    return np.matmul(left_matrix(a), b[..., None])[..., 0]


def left_matrix(q: Floats) -> Floats:
    """Return matrices (..., 4, 4) with multiply(q, p) == left_matrix(q) @ p."""
    return q.take(_LEFT_INDEX, axis=-1) * _LEFT_SIGN  # `take` needs a third of the time of q[..., index]


def right_matrix(q: Floats) -> Floats:
    """Return matrices (..., 4, 4) with multiply(p, q) == right_matrix(q) @ p."""
    return q.take(_LEFT_INDEX, axis=-1) * _RIGHT_SIGN


def cross(a: Floats, b: Floats) -> Floats:
    """Return the cross products of vectors (..., 3); for few vectors ten times sooner than numpy's own."""
    return a[..., _NEXT] * b[..., _LAST] - a[..., _LAST] * b[..., _NEXT]


def rotate(q: Floats, v: Floats) -> Floats:
    """Turn vectors (..., 3) by unit quaternions (..., 4)."""
    axis = q[..., 1:]
    twice = 2.0 * cross(axis, v)
    return v + q[..., :1] * twice + cross(axis, twice)


def to_matrix(q: Floats) -> Floats:
    """Return the rotation matrices (..., 3, 3) of unit quaternions (..., 4)."""
    w, x, y, z = (q[..., i] for i in range(4))
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)  # (..., 3, 3)


def from_matrix(m: Floats) -> Floats:
    """Return the quaternions (..., 4), w >= 0, of rotation matrices (..., 3, 3).

    Shepperd, Quaternion from rotation matrix (1978): of four equal expressions the one with the largest divisor.
    """
    outer = m.reshape(*m.shape[:-2], 9) @ _OUTER.astype(m.dtype)  # (..., 16)
    outer[..., ::5] += 1.0
    outer = outer.reshape(*m.shape[:-2], 4, 4)  # 4 q qT
    best = np.argmax(np.diagonal(outer, axis1=-2, axis2=-1), axis=-1)[..., None, None]
    q = normalise(np.take_along_axis(outer, best, axis=-2)[..., 0, :])
    return positive(q)


def between(a: Floats, b: Floats) -> Floats:
    """Return the shortest rotations (..., 4) that turn the directions a (..., 3) to b; of no length: the identity.

    They go by the vector halfway between the two, whose direction can be told however nearly opposite these are.
    """
    a, b = _direction(a), _direction(b)
    half = a + b
    opposite = (half * half).sum(axis=-1, keepdims=True) <= np.finfo(half.dtype).eps
    if opposite.any():
        half = np.where(opposite, _perpendicular(a), half)
    half = _direction(half)
    return normalise(np.concatenate(((a * half).sum(axis=-1, keepdims=True), cross(a, half)), axis=-1))


def _direction(v: Floats) -> Floats:
    """Return vectors (..., 3) scaled to unit length; those of no length as they are."""
    return v / np.maximum(np.sqrt((v * v).sum(axis=-1, keepdims=True)), _TINY)


def _perpendicular(v: Floats) -> Floats:
    """Return a vector at right angles to each of v (..., 3)."""
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    zero = np.zeros_like(x)
    across_x = np.abs(x) < np.abs(z)
    return np.where(across_x[..., None], np.stack((zero, z, -y), axis=-1), np.stack((-y, x, zero), axis=-1))


def from_axis(axis: str, angle_rad: Floats) -> Floats:
    """Return turns (..., 4) about "X", "Y" or "Z" by angles (...)."""
    q = np.zeros((*angle_rad.shape, 4), dtype=angle_rad.dtype)
    q[..., 0] = np.cos(angle_rad / 2)
    q[..., 1 + _AXES.index(axis)] = np.sin(angle_rad / 2)
    return q


def from_euler(angles_rad: Floats, order: str) -> Floats:
    """Return the product of turns (..., 4) about the axes of order, left to right, as BVH channels are multiplied.

    angles_rad: (..., n) in the order of the n letters X, Y, Z of order ("ZXY": R = Rz Rx Ry, intrinsic).
    """
    turns = [from_axis(axis, angles_rad[..., i]) for i, axis in enumerate(order)]
    q = turns[0]
    for turn in turns[1:]:
        q = multiply(q, turn)
    return q


def to_euler(q: Floats, order: str) -> Floats:
    """Return angles (..., 3) in radians with from_euler(angles, order) == q; order names three different axes.

    At the pole, where first and last axis coincide, the last angle is zero.
    """
    i, j, k = (_AXES.index(axis) for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    m = to_matrix(q.astype(np.float64))
    middle = np.arcsin(np.clip(sign * m[..., i, k], -1.0, 1.0))
    pole = np.abs(m[..., i, k]) > 1.0 - 1e-9
    first = np.where(
        pole,
        np.arctan2(sign * m[..., k, j], m[..., j, j]),
        np.arctan2(-sign * m[..., j, k], m[..., k, k]),
    )
    last = np.where(pole, 0.0, np.arctan2(-sign * m[..., i, j], m[..., i, i]))
    return np.stack((first, middle, last), axis=-1).astype(q.dtype)


def slerp(a: Floats, b: Floats, t: Floats) -> Floats:
    """Go the shorter way from a to b (..., 4), at constant speed, to the share t (...) of it (Shoemake, 1985)."""
    dot = np.sum(a * b, axis=-1)
    b = np.where(dot[..., None] < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(dot), 0.0, 1.0))
    sine = np.sin(angle)
    near = sine < 1e-4  # there the chord is the arc to within rounding, and the quotient below is not
    divisor = np.where(near, 1.0, sine)
    share_a = np.where(near, 1.0 - t, np.sin((1.0 - t) * angle) / divisor)
    share_b = np.where(near, t, np.sin(t * angle) / divisor)
    return normalise(share_a[..., None] * a + share_b[..., None] * b)


def angle_between(a: Floats, b: Floats) -> Floats:
    """Return the angle in radians, 0..pi, between rotations a and b (..., 4)."""
    d = multiply(conjugate(a), b)
    return 2.0 * np.arctan2(np.linalg.norm(d[..., 1:], axis=-1), np.abs(d[..., 0]))
