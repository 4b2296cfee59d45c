"""The body: the 21 joints that every sensor is brought to and every bridge speaks of.

Names are those of the VRM / Unity humanoid. The rest pose is a T-pose of a person 1.70 m tall in the house frame:
right-handed, metres, Y up, +Z where the person faces, +X the person's left (glTF, VRM). Proportions follow the body
segment lengths of Winter, Biomechanics and Motor Control of Human Movement, as shares of the height.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .skeleton import Skeleton

HEIGHT_M: Final = 1.70

# name, parent, rest offset from the parent in metres (x left, y up, z forward)
_JOINTS: Final = (
    ("Hips", "", (0.0, 0.92, 0.0)),
    ("Spine", "Hips", (0.0, 0.10, 0.0)),
    ("Chest", "Spine", (0.0, 0.17, 0.0)),
    ("Neck", "Chest", (0.0, 0.24, 0.0)),
    ("Head", "Neck", (0.0, 0.10, 0.0)),
    ("LeftShoulder", "Chest", (0.05, 0.18, 0.0)),
    ("LeftUpperArm", "LeftShoulder", (0.13, 0.0, 0.0)),
    ("LeftLowerArm", "LeftUpperArm", (0.29, 0.0, 0.0)),
    ("LeftHand", "LeftLowerArm", (0.25, 0.0, 0.0)),
    ("RightShoulder", "Chest", (-0.05, 0.18, 0.0)),
    ("RightUpperArm", "RightShoulder", (-0.13, 0.0, 0.0)),
    ("RightLowerArm", "RightUpperArm", (-0.29, 0.0, 0.0)),
    ("RightHand", "RightLowerArm", (-0.25, 0.0, 0.0)),
    ("LeftUpperLeg", "Hips", (0.09, -0.02, 0.0)),
    ("LeftLowerLeg", "LeftUpperLeg", (0.0, -0.41, 0.0)),
    ("LeftFoot", "LeftLowerLeg", (0.0, -0.41, 0.0)),
    ("LeftToes", "LeftFoot", (0.0, -0.06, 0.14)),
    ("RightUpperLeg", "Hips", (-0.09, -0.02, 0.0)),
    ("RightLowerLeg", "RightUpperLeg", (0.0, -0.41, 0.0)),
    ("RightFoot", "RightLowerLeg", (0.0, -0.41, 0.0)),
    ("RightToes", "RightFoot", (0.0, -0.06, 0.14)),
)

JOINT_NAMES: Final[tuple[str, ...]] = tuple(name for name, _, _ in _JOINTS)
JOINT_COUNT: Final = len(JOINT_NAMES)
JOINT_INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(JOINT_NAMES)}

BODY: Final = Skeleton(
    names=JOINT_NAMES,
    parents=tuple(JOINT_INDEX.get(parent, -1) for _, parent, _ in _JOINTS),
    offsets=np.array([offset for _, _, offset in _JOINTS], dtype=np.float64),
)

# Mirror partner of each joint: left and right change places, the trunk stays.
MIRROR: Final[tuple[int, ...]] = tuple(
    JOINT_INDEX[name.replace("Left", "Right") if name.startswith("Left") else name.replace("Right", "Left")]
    for name in JOINT_NAMES
)
