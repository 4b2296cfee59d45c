"""Conversions between axis conventions, handedness and units: the one place that knows of them.

The house frame is right-handed, in metres: x the person's left, y up, z where the person faces in the rest pose. A
convention is described by saying which of its own signed axes those three are. With M the signed axis matrix of that
(p' = M p) rotations become R' = M R MT, which for a quaternion is (w; det(M) M v).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from .quaternion import Floats
from .skeleton import Float64

_LETTERS: Final = "xyz"


@dataclass(frozen=True)
class Axes:
    """Describe a convention: its axes for the person's left, for up and for forward, and its unit in metres.

    Raises ValueError when the three are not three different axes.
    """

    left: str
    up: str
    forward: str
    unit_m: float = 1.0

    def __post_init__(self) -> None:
        """Check that the three axes are different ones."""
        if sorted(axis[-1] for axis in (self.left, self.up, self.forward)) != list(_LETTERS):
            raise ValueError(f"{self.left}, {self.up}, {self.forward} are not three different axes")

    @cached_property
    def matrix(self) -> Float64:
        """Return M (3, 3): a direction d of this convention is M @ d in the house."""
        return np.array([axis_vector(axis) for axis in (self.left, self.up, self.forward)])

    @cached_property
    def determinant(self) -> float:
        """Return 1 for a right-handed convention, -1 for a left-handed one."""
        return float(round(np.linalg.det(self.matrix)))


# PROTOCOLS 0; Blender and the Y-up option of Xsens beside it.
AXES: Final[dict[str, Axes]] = {
    "house": Axes("x", "y", "z"),
    "gltf": Axes("x", "y", "z"),
    "mocopi": Axes("x", "y", "z"),
    "xsens": Axes("y", "z", "x"),
    "xsens-y-up": Axes("-z", "y", "x"),
    "mxtp01": Axes("x", "y", "z", unit_m=0.01),
    "ros": Axes("y", "z", "x"),
    "blender": Axes("x", "z", "-y"),
    "godot": Axes("-x", "y", "-z"),
    "mediapipe": Axes("x", "-y", "-z"),
    "unity": Axes("-x", "y", "z"),
    "vmc": Axes("-x", "y", "z"),
    "vrchat": Axes("-x", "y", "z"),
    "rokoko": Axes("-x", "y", "z"),
    "unreal": Axes("-y", "z", "x", unit_m=0.01),
}


def axis_vector(axis: str) -> Float64:
    """Return the unit vector (3,) of "x", "-y", "+z" and the like; raise ValueError for any other word."""
    sign, letter = (axis[:-1], axis[-1:].lower())
    if sign not in {"", "+", "-"} or letter not in _LETTERS or not letter:
        raise ValueError(f"{axis!r} is no axis (x, y, z, -x, -y or -z)")
    vector = np.zeros(3)
    vector[_LETTERS.index(letter)] = -1.0 if sign == "-" else 1.0
    return vector


def axis_name(direction: Floats) -> str:
    """Name the signed axis nearest to a direction (3,): "x", "-y" and so on."""
    i = int(np.argmax(np.abs(direction)))
    return ("-" if direction[i] < 0 else "") + _LETTERS[i]


def positions_to_house(positions: Floats, axes: Axes) -> Floats:
    """Bring positions (..., 3) of a convention to house metres."""
    return positions @ (axes.unit_m * axes.matrix.T).astype(positions.dtype)


def positions_from_house(positions: Floats, axes: Axes) -> Floats:
    """Bring house positions (..., 3) to the axes and the unit of a convention."""
    return positions @ (axes.matrix / axes.unit_m).astype(positions.dtype)


def rotations_to_house(q: Floats, axes: Axes) -> Floats:
    """Bring rotations (..., 4) wxyz of a convention to the house."""
    return q @ quaternion_matrix(axes.matrix).T.astype(q.dtype)


def rotations_from_house(q: Floats, axes: Axes) -> Floats:
    """Bring house rotations (..., 4) wxyz to a convention."""
    return q @ quaternion_matrix(axes.matrix).astype(q.dtype)


def quaternion_matrix(matrix: Float64) -> Float64:
    """Return the (4, 4) matrix that does to quaternions wxyz what R' = M R MT does to rotations; M is orthonormal."""
    out = np.eye(4)
    out[1:, 1:] = np.linalg.det(matrix) * matrix
    return out


# A person's stature tells the unit: each reads 1.3 to 2.2 m in its own unit, and no two of these ranges meet.
UNITS_M: Final[dict[str, float]] = {"metres": 1.0, "inches": 0.0254, "centimetres": 0.01, "millimetres": 0.001}
PLAUSIBLE_STATURE_M: Final = (1.3, 2.2)


def guess_unit(stature: float) -> tuple[str, float] | None:
    """Return name and metres of the unit in which a stature is that of a person; None when there is none."""
    low, high = PLAUSIBLE_STATURE_M
    return next(((name, unit) for name, unit in UNITS_M.items() if low <= stature * unit <= high), None)
