"""Plain features of a window, as published recognisers of gait and gesture use them: what the peers learn from.

Per joint speed and acceleration (mean, deviation, greatest), jerk, place (mean, deviation, range); angles, distances,
the bounding box, energy and cadence; windows of 64 frames, 16 apart. Written anew after ACCURACY's description.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..engine.body import JOINT_INDEX
from ..engine.skeleton import Float32

WINDOW, HOP = 64, 16
Floats = NDArray[np.float64]
_SIDES = ("Left", "Right")
_JOINTS = (
    "Hips", "Spine", "Neck", "Head",
    *(side + part for side in _SIDES for part in ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")),
)  # fmt: skip
_ANGLES = (
    *((side + a, side + b, side + c) for side in _SIDES for a, b, c in (
        ("UpperArm", "LowerArm", "Hand"), ("UpperLeg", "LowerLeg", "Foot"))),
    *(("Neck", side + "UpperArm", side + "LowerArm") for side in _SIDES),
    *(("Spine", side + "UpperLeg", side + "LowerLeg") for side in _SIDES),
    *(("Head", "Neck", side + "UpperArm") for side in _SIDES),
    *(("Neck", "Hips", side + "LowerLeg") for side in _SIDES),
    ("Hips", "Spine", "Neck"), ("Spine", "Neck", "Head"),
)  # fmt: skip
_DISTANCES = (
    ("LeftHand", "RightHand"), ("LeftFoot", "RightFoot"), ("LeftLowerArm", "RightLowerArm"),
    ("LeftLowerLeg", "RightLowerLeg"), ("Head", "Hips"), ("Neck", "LeftHand"),
    *((side + "Hand", other) for side in _SIDES for other in ("Hips", "Head")),
)  # fmt: skip


def windows_of(frames: Float32, rate_hz: float = 30.0) -> Floats:
    """Return the features (W, F) of all windows of the frames (T, 90); of the whole where it is shorter than one."""
    points = frames[:, :63].reshape(-1, 21, 3)[:, [JOINT_INDEX[name] for name in _JOINTS]].astype(np.float64)
    starts = range(0, max(len(points) - WINDOW, 0) + 1, HOP)
    return np.stack([_features(points[start : start + WINDOW], rate_hz) for start in starts])


def _features(points: Floats, rate_hz: float) -> Floats:
    """Return the features (F,) of one window (T, 16, 3)."""
    steps = [points]
    for _ in range(3):
        steps.append(np.diff(steps[-1], axis=0) * rate_hz)
    speed, acceleration, jerk = (np.linalg.norm(each, axis=-1) for each in steps[1:])  # (T, 16)
    spans = points.max(axis=1) - points.min(axis=1)  # (T, 3)
    angles = np.stack([_angle(points, *names) for names in _ANGLES], axis=1)  # (T, A)
    apart = np.stack([np.linalg.norm(_at(points, a) - _at(points, b), axis=-1) for a, b in _DISTANCES], axis=1)
    parts = [np.concatenate((x.mean(axis=0), x.std(axis=0), x.max(axis=0))) for x in (speed, acceleration)]
    parts += [jerk.mean(axis=0), *(said(points, axis=0).ravel() for said in (np.mean, np.std, np.ptp))]
    parts += [np.concatenate((x.mean(axis=0), x.std(axis=0))) for x in (angles, apart, spans)]
    parts.append(np.array([np.square(speed).mean(), _cadence(speed, rate_hz)]))
    return np.concatenate(parts)


def _at(points: Floats, name: str) -> Floats:
    return points[:, _JOINTS.index(name)]


def _angle(points: Floats, a: str, b: str, c: str) -> Floats:
    one, other = _at(points, a) - _at(points, b), _at(points, c) - _at(points, b)
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1) + 1e-9
    return np.arccos(np.clip((one * other).sum(axis=-1) / lengths, -1.0, 1.0))


def _cadence(speed: Floats, rate_hz: float) -> float:
    """Return the strongest frequency of the feet's speed."""
    feet = speed[:, [_JOINTS.index("LeftFoot"), _JOINTS.index("RightFoot")]].sum(axis=1)
    power = np.abs(np.fft.rfft(feet - feet.mean()))
    return float(np.fft.rfftfreq(len(feet), 1.0 / rate_hz)[int(power.argmax())])
