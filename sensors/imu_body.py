"""Build the body from the segments that carry a sensor: a chain goes as far as its segments are known, no farther."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from ..engine import quaternion
from ..engine.body import BODY, HEIGHT_M, JOINT_COUNT, JOINT_INDEX
from ..engine.forward import place_frame
from ..engine.kinematics import locals_from_globals
from ..engine.quaternion import Floats
from ..engine.skeleton import Float32, Skeleton

DERIVED: Final = 0.8  # confidence of a joint that a segment without a sensor carries, whose neighbours have one
_J: Final = JOINT_INDEX
_LEGS: Final = tuple(_J[side + part] for side in ("Left", "Right") for part in ("Foot", "Toes"))
# A segment without a sensor that can be told from its neighbours: half-way between two, or with the one it is part of.
_BETWEEN: Final = ((_J["Spine"], _J["Hips"], _J["Chest"]), (_J["Neck"], _J["Chest"], _J["Head"]))
_WITH: Final = ((_J["LeftShoulder"], _J["Chest"]), (_J["RightShoulder"], _J["Chest"]))


class ImuBody:
    """Place the body of a person height_m tall by the orientations of some of its segments.

    The hips stand where they rest; where a leg is known they are as high as its foot on the floor says.
    """

    def __init__(self, height_m: float = HEIGHT_M) -> None:
        self._skeleton = Skeleton(BODY.names, BODY.parents, BODY.offsets * (height_m / HEIGHT_M))
        self._root = self._skeleton.offsets[0].astype(np.float32)

    def place(self, segments: Mapping[int, Floats]) -> tuple[Float32, Float32, Float32]:
        """Return positions (21, 3), confidence (21,) and local rotations (21, 4).

        segments: joint -> global orientation (4,) of the segment that begins there. A joint is known where every
        segment from the hips, or else from the chest, to it is. Others rest beside their parents with confidence 0.
        """
        turned, sure = _fill(segments)
        known = _known(sure)
        world: list[Floats] = []
        for joint, parent in enumerate(BODY.parents):
            world.append(turned.get(joint, world[parent] if parent >= 0 else quaternion.IDENTITY))
        local = locals_from_globals(BODY.parents, np.array(world)).astype(np.float32)
        positions = place_frame(self._skeleton, self._root, local)[0]
        positions[:, 1] += self._lift(positions, known)
        return positions, known, local

    def _lift(self, positions: Floats, known: Float32) -> float:
        """Return how far the body must rise for its lowest known foot to stand on the floor."""
        feet = [joint for joint in _LEGS if known[joint] > 0]
        return -float(positions[feet, 1].min()) if feet else 0.0


def _fill(segments: Mapping[int, Floats]) -> tuple[dict[int, Floats], dict[int, float]]:
    """Add the segments that their neighbours tell; return orientations and confidences of all that are known."""
    turned, sure = dict(segments), dict.fromkeys(segments, 1.0)
    for joint, below, above in _BETWEEN:
        if joint not in turned and below in segments and above in segments:
            half = quaternion.slerp(segments[below], segments[above], np.array(0.5))
            turned[joint], sure[joint] = half, DERIVED
    for joint, carrier in _WITH:
        if joint not in turned and carrier in segments:
            turned[joint], sure[joint] = segments[carrier], DERIVED
    return turned, sure


def _known(sure: Mapping[int, float]) -> Float32:
    """Return the confidence (21,) of each joint's place: the least along its chain of segments.

    Chains begin at the hips; where these are unknown at the chest, and then hips and legs stay unknown.
    """
    confidence = np.zeros(JOINT_COUNT, dtype=np.float32)
    start = next((joint for joint in (_J["Hips"], _J["Chest"]) if joint in sure), None)
    if start is None:
        return confidence
    confidence[start] = sure[start]
    for joint, parent in enumerate(BODY.parents):
        if parent >= 0 and joint != start and parent in sure:
            confidence[joint] = min(float(confidence[parent]), sure[parent])
    return confidence
