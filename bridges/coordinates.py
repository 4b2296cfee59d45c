"""The frames of others: what our metres and quaternions are called in Unity, Unreal and Godot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.skeleton import Float32


@dataclass(frozen=True)
class Axes:
    """Tell how (px, py, pz, qx, qy, qz, qw) of the house becomes another frame's: columns in its order, times factors.

    A signed matrix M moves points by M and the vector part of quaternions by det(M) M; the tests hold both to that.
    """

    order: NDArray[np.intp]  # (7,)
    factor: Float32  # (7,)

    def of(self, rows: Float32) -> Float32:
        """Return rows (..., 7) in this frame."""
        return rows[..., self.order] * self.factor


def _axes(order: tuple[int, ...], factor: tuple[float, ...]) -> Axes:
    return Axes(np.array(order, dtype=np.intp), np.array(factor, dtype=np.float32))


HOUSE: Final = "house"
# house: right-handed, Y up, Z ahead. unity: left-handed, Y up, Z ahead (VMC and VRChat too). unreal: left-handed,
# Z up, X ahead, centimetres. godot: right-handed, Y up, -Z ahead.
AXES: Final[dict[str, Axes]] = {
    HOUSE: _axes((0, 1, 2, 3, 4, 5, 6), (1, 1, 1, 1, 1, 1, 1)),
    "unity": _axes((0, 1, 2, 3, 4, 5, 6), (-1, 1, 1, 1, -1, -1, 1)),
    "unreal": _axes((2, 0, 1, 5, 3, 4, 6), (100, -100, 100, -1, 1, -1, 1)),
    "godot": _axes((0, 1, 2, 3, 4, 5, 6), (-1, 1, -1, -1, 1, -1, 1)),
}
