"""The synthetic performer's whole body: trunk, head, legs and arms of a walk in one emotion, made by rule."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..engine.body import BODY, JOINT_COUNT, JOINT_INDEX
from ..engine.kinematics import forward_kinematics
from ..engine.quaternion import from_matrix
from ..engine.skeleton import Float32, Float64
from .synthetic_arms import arm, breathing, swing_wave
from .synthetic_blend import style_rows
from .synthetic_gait import Cycle, Foot, Track, foot, on_path
from .synthetic_turns import chain, turn, two_bones

_HIPS_M: Final = float(BODY.offsets[0, 1])
_THIGH_M: Final = float(np.linalg.norm(BODY.offsets[JOINT_INDEX["LeftLowerLeg"]]))
_REACH_M: Final = 0.992 * 2.0 * _THIGH_M  # a leg is never quite straight
_SOFT_M: Final = 0.010  # how gently the hips change over from the reach of one leg to that of the other
_TAU: Final = 2.0 * np.pi
_SIDES: Final = (("Left", 1), ("Right", -1))


class SyntheticBody:
    """Walk a circle in one emotion, for ever; the same seed and rate give the same frames."""

    def __init__(self, emotion: str, *, rate_hz: float, seed: int) -> None:
        self._seed = seed
        self._track = Track(style_rows(emotion, seed), 1.0 / rate_hz)
        self._phases = np.random.default_rng([seed, 1]).uniform(0.0, _TAU, (3, 4))
        self._next = 0

    def reset(self) -> None:
        """Go back to the first frame."""
        self._track.reset()
        self._next = 0

    def frames(self, count: int) -> tuple[Float32, Float32]:
        """Return the next frames: positions (T, 21, 3) in metres and local quaternions (T, 21, 4)."""
        cycle = self._track.cycle(self._next, count)
        self._next += count
        root, local = self._pose(cycle)
        self._track.forget_before(self._next)
        rotations = from_matrix(local)  # (T, 21, 4)
        return forward_kinematics(BODY, rotations, root).astype(np.float32), rotations.astype(np.float32)

    def _pose(self, cycle: Cycle) -> tuple[Float64, Float64]:
        """Return the root (T, 3) and the local rotations (T, 21, 3, 3)."""
        local = np.tile(np.eye(3), (len(cycle.t_s), JOINT_COUNT, 1, 1))
        feet = [foot(self._track, cycle, side) for _, side in _SIDES]
        root, local[:, 0] = pelvis(cycle, feet)
        for joint, rotation in trunk(cycle, wander(cycle, self._phases)).items():
            local[:, JOINT_INDEX[joint]] = rotation
        for (name, side), each in zip(_SIDES, feet, strict=True):
            _bend_leg(local, root, name, each)
            for joint, rotation in zip(
                ("Shoulder", "UpperArm", "LowerArm", "Hand"), arm(cycle, side, self._seed), strict=True
            ):
                local[:, JOINT_INDEX[name + joint]] = rotation
        return root, local


def wander(cycle: Cycle, phases: Float64) -> tuple[Float64, Float64]:
    """Return how far the gaze strays, sideways and up and down, and the tremor upon it, in radians."""
    t = cycle.t_s[:, None]
    slow = np.sin(_TAU * t * (0.11, 0.23, 0.37, 0.53) + phases[0]) @ (0.4, 0.4, 0.3, 0.2)
    nod = np.sin(_TAU * t * (0.09, 0.19, 0.31, 0.47) + phases[1]) @ (0.3, 0.3, 0.2, 0.2)
    shake = np.sin(_TAU * t * (4.1, 5.3, 6.1, 7.3) + phases[2]) @ (0.4, 0.3, 0.2, 0.1)
    gaze, tremor = cycle.style["head_wander"], cycle.style["tremor"] * shake
    return gaze * slow + tremor, 0.35 * gaze * nod + 0.5 * tremor


def pelvis(cycle: Cycle, feet: list[Foot]) -> tuple[Float64, Float64]:
    """Return position (T, 3) and rotation (T, 3, 3) of the hips: as high as style and the reach of both legs allow."""
    s = cycle.style
    root, heading = on_path(cycle.arc_m)
    over = np.sin(_TAU * (cycle.phase - 0.06))  # +1 over the left foot, -1 over the right
    left = np.stack([np.cos(heading), np.zeros_like(heading), -np.sin(heading)], axis=1)
    root = root + (s["sway_m"] * over)[:, None] * left
    yaw = heading - s["pelvis_turn"] * np.cos(_TAU * cycle.phase)
    rotation = chain([turn(1, yaw), turn(0, 0.3 * s["lean"]), turn(2, 0.04 * over)])
    bounce = -s["bounce_m"] * np.cos(2.0 * _TAU * (cycle.phase - 0.06))
    heights = [_HIPS_M - s["crouch_m"] + bounce]
    for (name, _), each in zip(_SIDES, feet, strict=True):
        hip = rotation @ BODY.offsets[JOINT_INDEX[name + "UpperLeg"]]  # (T, 3)
        apart = root + hip - each.ankle
        heights.append(each.ankle[:, 1] + np.sqrt(np.maximum(_REACH_M**2 - apart[:, 0] ** 2 - apart[:, 2] ** 2, 0.04)))
        heights[-1] = heights[-1] - hip[:, 1]
    root[:, 1] = -_SOFT_M * np.log(np.exp(-np.array(heights) / _SOFT_M).sum(axis=0))
    return root, rotation


def trunk(cycle: Cycle, gaze: tuple[Float64, Float64]) -> dict[str, Float64]:
    """Return the local rotations (T, 3, 3) of spine, chest, neck and head; the chest turns against the hips."""
    s = cycle.style
    sideways, nod = gaze
    chest_yaw = -s["chest_turn"] * swing_wave(cycle, 1)
    yaw = 0.5 * (chest_yaw + s["pelvis_turn"] * np.cos(_TAU * cycle.phase))
    roll = -0.03 * np.sin(_TAU * (cycle.phase - 0.06))
    bent = s["lean"] + s["chest_pitch"]
    look = 0.5 * (sideways - chest_yaw)
    nick = 0.5 * (s["head_pitch"] - bent + nod)
    return {
        "Spine": chain([turn(1, yaw), turn(0, 0.35 * s["lean"] + 0.35 * s["chest_pitch"]), turn(2, roll)]),
        "Chest": chain([turn(1, yaw), turn(0, 0.35 * s["lean"] + 0.65 * s["chest_pitch"] - breathing(cycle))]),
        "Neck": turn(1, look) @ turn(0, nick),
        "Head": turn(1, look) @ turn(0, nick + 0.5 * breathing(cycle)),
    }


def _bend_leg(local: Float64, root: Float64, side: str, foot: Foot) -> None:
    """Write the rotations of one leg into local (T, 21, 3, 3) so that its ankle is where the foot wants it."""
    hips = local[:, 0]
    hip = root + hips @ BODY.offsets[JOINT_INDEX[side + "UpperLeg"]]
    heading = turn(1, foot.yaw)
    ahead = hips[:, :, 2] + heading[:, :, 2]  # between where hips and foot point
    thigh, shank = two_bones(hip, foot.ankle, ahead, _THIGH_M)
    local[:, JOINT_INDEX[side + "UpperLeg"]] = np.swapaxes(hips, 1, 2) @ thigh
    local[:, JOINT_INDEX[side + "LowerLeg"]] = np.swapaxes(thigh, 1, 2) @ shank
    local[:, JOINT_INDEX[side + "Foot"]] = np.swapaxes(shank, 1, 2) @ heading @ turn(0, foot.pitch)
    local[:, JOINT_INDEX[side + "Toes"]] = turn(0, -foot.heel_rise)
