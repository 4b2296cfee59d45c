"""Rotations of many frames at once, for bodies made by rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..engine.skeleton import Float64


def turn(axis: int, angle_rad: Float64) -> Float64:
    """Return the rotation matrices (T, 3, 3) about one axis (0 X, 1 Y, 2 Z) of the house frame."""
    angle = np.asarray(angle_rad, dtype=np.float64)
    c, s = np.cos(angle), np.sin(angle)
    out = np.zeros((*angle.shape, 3, 3))
    j, k = (axis + 1) % 3, (axis + 2) % 3
    out[..., axis, axis] = 1.0
    out[..., j, j], out[..., k, k] = c, c
    out[..., j, k], out[..., k, j] = -s, s
    return out


def mirror(rotations: Float64) -> Float64:
    """Return rotations (..., 3, 3) as seen in a mirror that swaps left and right (X)."""
    flip = np.array([-1.0, 1.0, 1.0])
    return rotations * flip[:, None] * flip


def chain(matrices: Sequence[Float64]) -> Float64:
    """Return the product of rotations (T, 3, 3), the first applied last."""
    out = matrices[0]
    for matrix in matrices[1:]:
        out = out @ matrix
    return out


def two_bones(hip: Float64, ankle: Float64, forward: Float64, bone_m: float) -> tuple[Float64, Float64]:
    """Return world rotations (T, 3, 3) of thigh and shank of equal length that join hip to ankle, knee forward.

    hip, ankle, forward: (T, 3). The ankle must be nearer than two bones and not where forward points.
    """
    reach = ankle - hip  # (T, 3)
    distance = np.linalg.norm(reach, axis=1)
    down = reach / distance[:, None]
    across = np.cross(forward, down)  # the hinge, towards the left
    across /= np.linalg.norm(across, axis=1)[:, None]
    frame = np.stack([across, -down, np.cross(across, -down)], axis=2)  # (T, 3, 3), columns X, Y, Z
    half_bend = np.arccos(np.clip(distance / (2.0 * bone_m), 0.0, 1.0))
    return frame @ turn(0, -half_bend), frame @ turn(0, half_bend)
