"""Read the tree of an unknown skeleton: hips, legs, arms and head by how it branches, whatever the names say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np

from .axes import axis_vector
from .naming import pick_spine, read_name
from .skeleton import Float64, Skeleton

_BIG: Final = 0.12  # a branch counts when its bones are this share of all; fingers, eyes and twist joints are less


def path_lengths(skeleton: Skeleton) -> list[float]:
    """Return the way along the bones from the root to each joint, the root's own offset left out."""
    lengths: list[float] = []
    for joint, parent in enumerate(skeleton.parents):
        bone = float(np.linalg.norm(skeleton.offsets[joint]))
        lengths.append(lengths[parent] + bone if parent >= 0 else 0.0)
    return lengths


def by_shape(skeleton: Skeleton, points: Float64, up: str | None = None) -> dict[str, int]:
    """Return body joint -> joint for one tree; {} when it does not branch as a body does.

    points: (J, 3) where the joints are in a rest pose or in a frame, which tells left from right.
    """
    tree = _Tree(skeleton)
    hips = tree.branching(0, 3)
    if hips is None:
        return {}
    trunk, legs = tree.trunk_and_legs(hips)
    chest = tree.branching(trunk, 2)
    if chest is None or legs is None:
        return {}
    arms = tree.most_alike(tree.big(chest))
    found = {"Hips": hips} | tree.upper_body(hips, chest, arms)
    up_vector = axis_vector(up) if up else points[found.get("Head", chest)] - points[hips]
    chains = [(leg, ("", "UpperLeg", "LowerLeg", "Foot", "Toes")) for leg in legs]
    chains += [(arm, ("Shoulder", "UpperArm", "LowerArm", "Hand", "")) for arm in arms or ()]
    limbs = [tree.limb(start, parts) for start, parts in chains]
    for first, second in zip(limbs[::2], limbs[1::2], strict=True):
        swap = _is_right(skeleton, first, second, points, up_vector, limbs[:2])
        for side, limb in zip(("Right", "Left") if swap else ("Left", "Right"), (first, second), strict=True):
            found |= {side + part: joint for part, joint in limb.items()}
    return found


def _is_right(
    skeleton: Skeleton,
    first: dict[str, int],
    second: dict[str, int],
    points: Float64,
    up: Float64,
    legs: Sequence[dict[str, int]],
) -> bool:
    """Tell whether the first of two limbs is the right one: by its name, else by where the toes point, else by x."""
    for joint in first.values():
        side = read_name(skeleton.names[joint])[1]
        if side:
            return side == "Right"
    forward = sum((points[leg["Toes"]] - points[leg["Foot"]] for leg in legs if "Toes" in leg), np.zeros(3))
    left = np.cross(up, forward)
    if np.linalg.norm(left) < 1e-6 * np.linalg.norm(up):
        left = axis_vector("x")
    centre = list(first.values()), list(second.values())
    across = points[centre[0]].mean(axis=0) - points[centre[1]].mean(axis=0)
    return bool(across @ left < 0)


class _Tree:
    """Hold what is asked of a tree again and again: its bones' lengths and those of whole branches."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.children = skeleton.children
        self.parents = skeleton.parents
        self.bone = [float(length) for length in np.linalg.norm(skeleton.offsets, axis=1)]
        self.lengths = path_lengths(skeleton)
        self.branch = self.bone.copy()  # the joint's own bone and all below it
        self.reach = self.bone.copy()  # the joint's own bone and the longest chain below it
        for parent, joint in reversed(skeleton.edges):
            self.branch[parent] += self.branch[joint]
            self.reach[parent] = max(self.reach[parent], self.bone[parent] + self.reach[joint])
        self.all = self.branch[0] - self.bone[0]

    def big(self, joint: int) -> list[int]:
        """List the children whose branches are long enough to be limb, trunk or neck with head."""
        longest = max((self.reach[child] for child in self.children[joint]), default=0.0)
        return [child for child in self.children[joint] if self.reach[child] > max(0.25 * longest, _BIG * self.all / 4)]

    def branching(self, joint: int, branches: int) -> int | None:
        """Go down the longest way to the first joint with so many big branches."""
        at: int | None = joint
        while at is not None and len(self.big(at)) < branches:
            at = max(self.children[at], key=self.branch.__getitem__, default=None)
        return at

    def most_alike(self, joints: Sequence[int]) -> tuple[int, int] | None:
        """Return the two branches whose chains are the most alike in length, the longer pair where two are."""

        def unlikeness(pair: tuple[int, int]) -> float:
            a, b = self.reach[pair[0]], self.reach[pair[1]]
            return round(abs(a - b) / max(a, b, 1e-9), 1) - 1e-3 * (a + b) / max(self.all, 1e-9)

        return min(combinations(joints, 2), key=unlikeness, default=None)

    def trunk_and_legs(self, hips: int) -> tuple[int, tuple[int, int] | None]:
        """Tell the branch that carries arms and head, which has the most bones, from the two legs."""
        branches = self.big(hips)
        trunk = max(branches, key=self.branch.__getitem__)
        return trunk, self.most_alike([joint for joint in branches if joint != trunk])

    def upper_body(self, hips: int, chest: int, arms: tuple[int, int] | None) -> dict[str, int]:
        """Return spine, chest, neck and head: the way from hips to chest, and the longest chain that is no arm."""
        way = [joint for joint in self._way(hips, chest) if self.lengths[joint] > self.lengths[hips]]
        found = pick_spine(way, {"Hips": hips, "Neck": chest} if len(way) > 2 else {"Hips": hips}, self.lengths)
        others = [child for child in self.children[chest] if child not in (arms or ())]
        chain = self._chain(max(others, key=self.reach.__getitem__)) if others else []
        if chain:
            found["Neck"] = chain[0]
        if len(chain) > 1:
            found["Head"] = chain[1]
        return found

    def limb(self, start: int, parts: Sequence[str]) -> dict[str, int]:
        """Name a limb's joints: its two longest bones that follow each other lie between parts 1, 2 and 3."""
        chain = self._chain(start)
        bones = [self.bone[joint] for joint in chain[1:]]
        if len(bones) < 2:
            return {part: joint for part, joint in zip(parts[1:], chain, strict=False) if part}
        k = max(range(len(bones) - 1), key=lambda i: bones[i] + bones[i + 1])
        named = zip(parts, ([None] if k == 0 else []) + chain[max(k - 1, 0) : k + 4], strict=False)
        return {part: joint for part, joint in named if part and joint is not None}

    def _chain(self, start: int) -> list[int]:
        """Follow the longest way down from start, leaving out joints that lie on the one before."""
        chain = [start]
        while self.children[chain[-1]]:
            nearest = max(self.children[chain[-1]], key=self.reach.__getitem__)
            if self.bone[nearest] > 1e-3 * self.all:
                chain.append(nearest)
            else:
                chain[-1] = nearest
        return chain

    def _way(self, top: int, bottom: int) -> list[int]:
        """List the joints from below top down to bottom."""
        way: list[int] = []
        while bottom != top:
            way.append(bottom)
            bottom = self.parents[bottom]
        return way[::-1]
