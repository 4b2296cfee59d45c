"""A skeleton: named joints, their parents and their rest offsets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Skeleton:
    """Hold J joints in an order where every parent precedes its children.

    names: J unique names. parents: J indices, -1 for a root. offsets: (J, 3) rest offset from the parent, in the
    unit and axes of whoever made it (metres and the house frame for the body).

    Raises ValueError when the three disagree in length or a parent does not precede its child.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Float64

    def __post_init__(self) -> None:
        """Check that the three lists describe one forest."""
        n = len(self.names)
        if len(self.parents) != n or self.offsets.shape != (n, 3):
            raise ValueError(f"{n} names, {len(self.parents)} parents, offsets {self.offsets.shape}")
        if len(set(self.names)) != n:
            raise ValueError("joint names are not unique")
        for joint, parent in enumerate(self.parents):
            if not -1 <= parent < joint:
                raise ValueError(f"parent {parent} of joint {joint} does not precede it")

    @cached_property
    def index(self) -> dict[str, int]:
        """Map each joint's name to its index."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """List the bones as (parent, child) pairs."""
        return tuple((parent, joint) for joint, parent in enumerate(self.parents) if parent >= 0)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """List the children of each joint."""
        lists: list[list[int]] = [[] for _ in self.names]
        for parent, joint in self.edges:
            lists[parent].append(joint)
        return tuple(tuple(each) for each in lists)

    @cached_property
    def rest_positions(self) -> Float64:
        """Add the offsets up along the tree: (J, 3) positions with every rotation at rest."""
        positions = self.offsets.copy()  # (J, 3)
        for parent, joint in self.edges:
            positions[joint] += positions[parent]
        return positions
