"""Find recordings that are nearly the same movement: in two folds they would make a figure too good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.body import JOINT_COUNT
from ..engine.skeleton import Float32

MOMENTS: Final = 24  # of each recording, evenly over its length
ALIKE: Final = 0.15  # root mean square distance of twins, as a share of how far the two move
LENGTHS: Final = 1.1  # and so different their lengths may be
_STILL: Final = 0.005  # body lengths: who moves less has no movement to be alike in
_BLOCK: Final = 256


def twins_in(recordings: Sequence[Float32], alike: float = ALIKE) -> list[tuple[int, int]]:
    """Return the pairs (a, b), a < b, of network frames (T, 90) that are nearly the same movement, nearest first."""
    if len(recordings) < 2:
        return []
    shapes = np.stack([_shape(frames) for frames in recordings])  # (N, MOMENTS x 63)
    lengths = np.array([len(frames) for frames in recordings], dtype=np.float64)
    each = shapes.reshape(len(shapes), MOMENTS, -1)  # (N, M x 63) -> (N, M, 63)
    moves = np.sqrt(np.mean((each - each.mean(axis=1, keepdims=True)) ** 2, axis=(1, 2)))
    squares = np.mean(shapes * shapes, axis=1)
    found: list[tuple[float, int, int]] = []
    for start in range(0, len(shapes), _BLOCK):
        part = slice(start, start + _BLOCK)
        dots = shapes[part] @ shapes.T / shapes.shape[1]
        far = np.sqrt(np.maximum(squares[part, None] + squares[None] - 2.0 * dots, 0.0))
        near = far < alike * np.minimum(moves[part, None], moves[None])
        ratio = lengths[part, None] / lengths[None]
        near &= (ratio < LENGTHS) & (ratio > 1.0 / LENGTHS) & (moves[part, None] > _STILL) & (moves[None] > _STILL)
        for a, b in np.argwhere(near).tolist():
            if start + a < b:
                found.append((float(far[a, b]), start + a, b))
    return [(a, b) for _, a, b in sorted(found)]


def _shape(frames: Float32) -> NDArray[np.float64]:
    """Return the joints of a recording at evenly spread moments, one row."""
    at = np.linspace(0, len(frames) - 1, MOMENTS)
    low = np.floor(at).astype(np.intp)
    high = np.minimum(low + 1, len(frames) - 1)
    share = (at - low)[:, None]
    joints = frames[:, : JOINT_COUNT * 3].astype(np.float64)
    return (joints[low] * (1.0 - share) + joints[high] * share).ravel()
