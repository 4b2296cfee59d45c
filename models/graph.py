"""The body as a graph: joints, bones, mirror partners, and the adjacencies of Yan et al., ST-GCN, 2018."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

JOINTS: Final[tuple[str, ...]] = (
    "Hips", "Spine", "Chest", "Neck", "Head",
    "LeftShoulder", "LeftUpperArm", "LeftLowerArm", "LeftHand",
    "RightShoulder", "RightUpperArm", "RightLowerArm", "RightHand",
    "LeftUpperLeg", "LeftLowerLeg", "LeftFoot", "LeftToes",
    "RightUpperLeg", "RightLowerLeg", "RightFoot", "RightToes",
)  # fmt: skip
PARENTS: Final[tuple[int, ...]] = (-1, 0, 1, 2, 3, 2, 5, 6, 7, 2, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19)
FRAME_SIZE: Final = len(JOINTS) * 4 + 6  # positions, known-flags, root velocity, heading rate, hip height, travels


def mirror_partners(names: Sequence[str]) -> tuple[int, ...]:
    """Return the index of each joint's partner on the other side; joints of the trunk are their own."""
    swap = {name: name.replace("Left", "\0").replace("Right", "Left").replace("\0", "Right") for name in names}
    return tuple(list(names).index(swap[name]) for name in names)


def adjacency(parents: Sequence[int]) -> Tensor:
    """Return (3, J, J) row-normalised adjacencies: self, towards the root, away from it."""
    n = len(parents)
    inward = torch.zeros(n, n)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            inward[joint, parent] = 1.0
    outward = inward.T / inward.T.sum(dim=1, keepdim=True).clamp(min=1.0)
    return torch.stack((torch.eye(n), inward, outward))


def body_parts(names: Sequence[str]) -> Tensor:
    """Return (3, J) shares of the joints in trunk, arms and legs; left and right together."""
    arms = [any(word in name for word in ("Arm", "Hand", "Shoulder")) for name in names]
    legs = [any(word in name for word in ("Leg", "Foot", "Toes")) for name in names]
    trunk = [not arm and not leg for arm, leg in zip(arms, legs, strict=True)]
    shares = torch.tensor([trunk, arms, legs], dtype=torch.float32)
    return shares / shares.sum(dim=1, keepdim=True)


def by_joint(x: Tensor, width: int) -> Tensor:
    """Lay (..., J * width) out as (..., J, width)."""
    return x.reshape(*x.shape[:-1], len(JOINTS), width)
