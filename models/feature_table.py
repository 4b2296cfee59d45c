"""Which quantities of a body are looked at: angles, distances, places and speeds that say how, not who or where.

Everything is folded over left and right: the mean of both sides, and how far they differ. A mirrored movement gives
the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import torch
from torch import Tensor

from .graph import JOINTS

# (name, first bone, second bone): the angle between two vectors, each (from, to); "*" stands for Left and Right
_ANGLES: Final = (
    ("elbow", ("*UpperArm", "*LowerArm"), ("*LowerArm", "*Hand")),
    ("arm to trunk", ("*UpperArm", "*LowerArm"), ("Neck", "Hips")),
    ("knee", ("*UpperLeg", "*LowerLeg"), ("*LowerLeg", "*Foot")),
    ("thigh to trunk", ("*UpperLeg", "*LowerLeg"), ("Neck", "Hips")),
    ("ankle", ("*LowerLeg", "*Foot"), ("*Foot", "*Toes")),
)
_DISTANCES: Final = (
    ("*Hand", "Hips"), ("*Hand", "Head"), ("*Hand", "*Foot"), ("*LowerArm", "Hips"),
    ("LeftHand", "RightHand"), ("LeftLowerArm", "RightLowerArm"), ("LeftFoot", "RightFoot"),
    ("LeftLowerLeg", "RightLowerLeg"),
)  # fmt: skip
# vectors, and which of their components (x sideways, y up, z forward) tell more than the lengths of bones
_PLACES: Final = (
    ("Hips", "*Hand", "xyz"), ("Hips", "*LowerArm", "xyz"), ("Hips", "*UpperArm", "z"), ("Hips", "*LowerLeg", "xz"),
    ("Hips", "*Foot", "xz"), ("Hips", "Head", "xyz"),
)  # fmt: skip
_INCLINATIONS: Final = (
    ("Hips", "Neck", "xyz"), ("Neck", "Head", "xyz"), ("*UpperArm", "*LowerArm", "xyz"), ("*LowerArm", "*Hand", "xyz"),
)  # fmt: skip
MOVERS: Final = ("*Hand", "*LowerArm", "*UpperArm", "Head", "Neck", "*LowerLeg", "*Foot")
EXTENT_JOINTS: Final = (
    "Hips", "Spine", "Neck", "Head", "LeftUpperArm", "LeftLowerArm", "LeftHand", "RightUpperArm", "RightLowerArm",
    "RightHand", "LeftLowerLeg", "LeftFoot", "RightLowerLeg", "RightFoot",
)  # fmt: skip


def _sides(*names: str) -> list[tuple[str, ...]]:
    """Return the names with "*" filled in: one tuple, or one for each side."""
    if not any("*" in name for name in names):
        return [names]
    return [tuple(name.replace("*", side) for name in names) for side in ("Left", "Right")]


@dataclass(frozen=True)
class FeatureTable:
    """Hold the table as matrices.

    vectors: (B, 21) differences of joints. firsts, seconds, lengths, places, units: rows of it. even, odd: (E, Q)
    and (O, Q) over the raw quantities [angles, lengths, places xyz, units xyz]; static features are even @ q and
    |odd @ q|, then three extents, contraction, hip height. static_joints: (S, 21) joints that each static feature
    needs. movers: (M, 21) shares of joints in each moving group.
    """

    vectors: Tensor
    firsts: tuple[int, ...]
    seconds: tuple[int, ...]
    lengths: tuple[int, ...]
    places: tuple[int, ...]
    units: tuple[int, ...]
    even: Tensor
    odd: Tensor
    static_joints: Tensor
    movers: Tensor
    extent: tuple[int, ...]


class _Builder:
    """Gather vectors and raw quantities, and how they fold over the sides."""

    def __init__(self) -> None:
        self.vectors: list[tuple[str, str]] = []
        self.needs: list[set[str]] = []
        self.even: list[dict[int, float]] = []
        self.odd: list[dict[int, float]] = []

    def vector(self, start: str, end: str) -> int:
        """Return the row of a vector, adding it when it is new."""
        if (start, end) not in self.vectors:
            self.vectors.append((start, end))
        return self.vectors.index((start, end))

    def quantity(self, *names: str) -> int:
        """Add a raw quantity made of these joints; return its place."""
        self.needs.append(set(names))
        return len(self.needs) - 1

    def fold(self, rows: list[int], *, sideways: bool = False) -> None:
        """Fold one quantity (a trunk's) or two (left, right); sideways ones change sign in a mirror."""
        if len(rows) == 1:
            (self.odd if sideways else self.even).append({rows[0]: 1.0})
            return
        left, right = rows
        sign = -1.0 if sideways else 1.0
        self.even.append({left: 0.5, right: 0.5 * sign})
        self.odd.append({left: 0.5, right: -0.5 * sign})


def _matrix(rows: list[dict[int, float]], columns: int) -> Tensor:
    matrix = torch.zeros(len(rows), columns, dtype=torch.float64)
    for row, entries in enumerate(rows):
        for column, value in entries.items():
            matrix[row, column] = value
    return matrix


def _components(build: _Builder, vectors: tuple[tuple[str, str, str], ...]) -> tuple[int, ...]:
    """Add the x, y, z of each vector as quantities and fold those asked for; return the rows of the vectors."""
    rows: list[int] = []
    for start, end, wanted in vectors:
        sides = _sides(start, end)
        rows.extend(build.vector(*names) for names in sides)
        quantities = [[build.quantity(*names) for _ in "xyz"] for names in sides]
        for axis in wanted:
            build.fold([each["xyz".index(axis)] for each in quantities], sideways=axis == "x")
    return tuple(rows)


@cache
def feature_table() -> FeatureTable:
    """Return the table, built once."""
    build = _Builder()
    angles: list[tuple[int, int]] = []
    for _, first, second in _ANGLES:
        sides = _sides(*first, *second)
        angles.extend((build.vector(a, b), build.vector(c, d)) for a, b, c, d in sides)
        build.fold([build.quantity(*names) for names in sides])
    lengths: list[int] = []
    for pair in _DISTANCES:
        sides = _sides(*pair)
        lengths.extend(build.vector(*names) for names in sides)
        build.fold([build.quantity(*names) for names in sides])
    places, units = _components(build, _PLACES), _components(build, _INCLINATIONS)
    firsts, seconds = tuple(a for a, _ in angles), tuple(b for _, b in angles)
    vectors = _matrix([{JOINTS.index(b): 1.0, JOINTS.index(a): -1.0} for a, b in build.vectors], len(JOINTS))
    even, odd = _matrix(build.even, len(build.needs)), _matrix(build.odd, len(build.needs))
    needs = _matrix([{JOINTS.index(name): 1.0 for name in names} for names in build.needs], len(JOINTS))
    extent = tuple(JOINTS.index(name) for name in EXTENT_JOINTS)
    whole = _matrix([dict.fromkeys(extent, 1.0)] * 5, len(JOINTS))  # three extents, contraction, hip height
    static_joints = torch.cat((even.abs() @ needs, odd.abs() @ needs, whole)).gt(0).double()
    return FeatureTable(
        vectors, firsts, seconds, tuple(lengths), places, units, even, odd, static_joints, _movers(), extent
    )


def _movers() -> Tensor:
    sides = [[JOINTS.index(names[0]) for names in _sides(mover)] for mover in MOVERS]
    return _matrix([dict.fromkeys(rows, 1.0 / len(rows)) for rows in sides], len(JOINTS))
