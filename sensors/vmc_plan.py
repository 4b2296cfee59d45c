"""What the OSC messages of the VMC protocol say (v2.0 to v3.1): bones, root and ticks, by their places in a packet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.body import JOINT_INDEX
from ..engine.osc_stencils import Row

_FINGERS: Final = tuple(
    f"{side}{finger}{part}"
    for side in ("Left", "Right")
    for finger in ("Thumb", "Index", "Middle", "Ring", "Little")
    for part in ("Proximal", "Intermediate", "Distal")
)
# Unity's HumanBodyBones in their order.
BONES: Final = (
    "Hips", "LeftUpperLeg", "RightUpperLeg", "LeftLowerLeg", "RightLowerLeg", "LeftFoot", "RightFoot", "Spine", "Chest",
    "Neck", "Head", "LeftShoulder", "RightShoulder", "LeftUpperArm", "RightUpperArm", "LeftLowerArm", "RightLowerArm",
    "LeftHand", "RightHand", "LeftToes", "RightToes", "LeftEye", "RightEye", "Jaw", *_FINGERS, "UpperChest",
)  # fmt: skip
BONE_INDEX: Final = {name: i for i, name in enumerate(BONES)}
UPPER_CHEST: Final = BONE_INDEX["UpperChest"]
ROOT: Final = len(BONES)  # stands behind the bones among the things of a frame
THINGS: Final = ROOT + 1
BODY_BONES: Final = np.array([BONE_INDEX[name] for name in JOINT_INDEX], dtype=np.intp)  # (21,) in the body's order

_BONE: Final = "/VMC/Ext/Bone/Pos"
_ROOT: Final = "/VMC/Ext/Root/Pos"
_TICKS: Final = frozenset(("/VMC/Ext/OK", "/VMC/Ext/T"))
_PLACED: Final = "sfffffff"  # name, position, quaternion; what v2.1 adds to the root (scale, offset) is ignored


@dataclass(frozen=True, slots=True)
class Heard:
    """Name the things (K,) that a run of messages places, as indices and as bits, and their floats (K, 7)."""

    things: NDArray[np.intp]
    bits: int
    at: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class VmcPlan:
    """Know what a layout of packet holds, in order: a run of placed things, or None for a tick.

    unknown: bones of no humanoid. wrong: messages with too few arguments or of another type. others: messages about
    faces, cameras, devices and the like, which are passed over.
    """

    steps: tuple[Heard | None, ...]
    unknown: int = 0
    wrong: int = 0
    others: int = 0


def plan(rows: tuple[Row, ...]) -> VmcPlan:
    """Return what the messages of a packet say."""
    steps: list[Heard | None] = []
    run: list[tuple[int, int]] = []
    counts = {"unknown": 0, "wrong": 0, "others": 0}
    for row in rows:
        if row.address in _TICKS:
            steps += [*_runs(run), None]
            run = []
        elif row.address not in (_BONE, _ROOT):
            counts["others"] += 1
        elif not row.tags.startswith(_PLACED):
            counts["wrong"] += 1
        else:
            thing = ROOT if row.address == _ROOT else BONE_INDEX.get(str(row.args[0]), -1)
            if thing >= 0:
                run.append((thing, row.first))
            else:
                counts["unknown"] += 1
    return VmcPlan((*steps, *_runs(run)), **counts)


def _runs(placed: list[tuple[int, int]]) -> Iterator[Heard]:
    """Yield runs in which no thing comes twice."""
    run: dict[int, int] = {}
    for thing, first in placed:
        if thing in run:
            yield _heard(run)
            run = {}
        run[thing] = first
    if run:
        yield _heard(run)


def _heard(run: dict[int, int]) -> Heard:
    at = np.array([[first + i for i in range(7)] for first in run.values()], dtype=np.intp)  # (K, 7)
    return Heard(np.array(list(run), dtype=np.intp), sum(1 << thing for thing in run), at)
