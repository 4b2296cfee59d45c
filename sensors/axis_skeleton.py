"""The 59 joints of Perception Neuron, in the order of its BVH rows, with the bones of a neutral person in cm."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..engine.body import BODY, HEIGHT_M, JOINT_INDEX
from ..engine.skeleton import Float64, Skeleton
from .bvh_file import POSITIONS, EndSite

# Where a spine joint is: between which joints of the body, and at which share of the way.
_SPINES: Final = {
    "studio": (
        ("Spine", "Spine", "Spine", 0.0), ("Spine1", "Chest", "Chest", 0.0), ("Spine2", "Chest", "Neck", 0.5),
        ("Neck", "Neck", "Neck", 0.0), ("Neck1", "Neck", "Head", 0.5), ("Head", "Head", "Head", 0.0),
    ),
    "neuron": (
        ("Spine", "Spine", "Spine", 0.0), ("Spine1", "Spine", "Chest", 0.5), ("Spine2", "Chest", "Chest", 0.0),
        ("Spine3", "Chest", "Neck", 0.5), ("Neck", "Neck", "Neck", 0.0), ("Head", "Head", "Head", 0.0),
    ),
}  # fmt: skip
SPINES: Final = tuple(_SPINES)
TABLES: Final = {"studio": "axis-studio", "neuron": "axis-neuron"}
_ARM: Final = (("Shoulder", "Shoulder"), ("Arm", "UpperArm"), ("ForeArm", "LowerArm"), ("Hand", "Hand"))
_LEG: Final = (("UpLeg", "UpperLeg"), ("Leg", "LowerLeg"), ("Foot", "Foot"))
_CARRIES_ARMS: Final = 2  # the third joint of either spine
_KNUCKLE_M: Final = 0.09  # from the wrist; the body has no fingers, so that their lengths do not matter
_JOINT_M: Final = 0.025
JOINTS: Final = 59
# Channel letters: each word names the axes of three rotations, multiplied from left to right.
ORDERS: Final = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


class _Growing:
    """Add joints one by one, each by the place where it is in the T-pose."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.parents: list[int] = []
        self.places: list[Float64] = []

    def add(self, name: str, parent: int, place: Float64) -> int:
        """Return the new joint."""
        self.names.append(name)
        self.parents.append(parent)
        self.places.append(place)
        return len(self.names) - 1


def neuron_skeleton(spine: str, height_m: float = HEIGHT_M) -> tuple[Skeleton, tuple[EndSite, ...]]:
    """Return the 59 joints with their assumed bones in cm, and the ends of the feet where the toes begin.

    spine: one of SPINES, after the program that sends.
    """
    cm = 100.0 * height_m / HEIGHT_M
    rest = BODY.rest_positions
    grown = _Growing()
    hips = grown.add("Hips", -1, rest[0])
    feet: dict[str, int] = {}
    for side in ("Right", "Left"):
        above = hips
        for name, joint in _LEG:
            above = grown.add(side + name, above, rest[JOINT_INDEX[side + joint]])
        feet[side] = above
    above = hips
    trunk: list[int] = []
    for name, low, high, share in _SPINES[spine]:
        place = (1.0 - share) * rest[JOINT_INDEX[low]] + share * rest[JOINT_INDEX[high]]
        above = grown.add(name, above, place)
        trunk.append(above)
    carrier = trunk[_CARRIES_ARMS if spine == "studio" else _CARRIES_ARMS + 1]
    for side in ("Right", "Left"):
        _grow_arm(grown, side, carrier)
    places = cm * np.array(grown.places)
    offsets = places.copy()
    offsets[1:] -= places[grown.parents[1:]]
    toes = {side: cm * BODY.offsets[JOINT_INDEX[f"{side}Toes"]] for side in feet}
    ends = tuple(
        EndSite(foot, (float(x), float(y), float(z))) for side, foot in feet.items() for x, y, z in [toes[side]]
    )
    return Skeleton(tuple(grown.names), tuple(grown.parents), offsets), ends


def _grow_arm(grown: _Growing, side: str, above: int) -> None:
    """Add an arm with its hand's nineteen joints."""
    rest = BODY.rest_positions
    for name, joint in _ARM:
        above = grown.add(side + name, above, rest[JOINT_INDEX[side + joint]])
    out = np.array([1.0 if side == "Left" else -1.0, 0.0, 0.0])
    wrist = rest[JOINT_INDEX[f"{side}Hand"]]
    for finger in ("Thumb", "Index", "Middle", "Ring", "Pinky"):
        base, reach = above, _KNUCKLE_M
        if finger != "Thumb":
            base = grown.add(f"{side}InHand{finger}", above, wrist + 0.5 * reach * out)
        for number in (1, 2, 3):
            base = grown.add(f"{side}Hand{finger}{number}", base, wrist + reach * out)
            reach += _JOINT_M


def neuron_channels(joints: int, order: str, *, displaced: bool) -> tuple[tuple[str, ...], ...]:
    """Return the channel words of each joint: rotations in the given order, positions of all joints or of the root."""
    turns = tuple(f"{axis}rotation" for axis in order)
    return tuple((*POSITIONS, *turns) if displaced or joint == 0 else turns for joint in range(joints))
