"""What a whole gait looks like: places, speeds, angles and distances of sixteen joints, after those of ACCURACY.

For protocols on recordings, where a clip is seen whole before it is judged; the live recogniser uses none of this.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.body import JOINT_COUNT, JOINT_INDEX
from ..engine.skeleton import Float32
from . import augment

Floats = NDArray[np.float64]
WINDOW: Final = 64
_RATE_HZ: Final = 30.0
_NAMES: Final = (
    "Hips", "Spine", "Neck", "Head", "LeftUpperArm", "LeftLowerArm", "LeftHand", "RightUpperArm", "RightLowerArm",
    "RightHand", "LeftUpperLeg", "LeftLowerLeg", "LeftFoot", "RightUpperLeg", "RightLowerLeg", "RightFoot",
)  # fmt: skip
_JOINTS: Final = [JOINT_INDEX[name] for name in _NAMES]
_AT: Final = {name: i for i, name in enumerate(_NAMES)}
_ANGLES: Final = (
    ("LeftUpperArm", "LeftLowerArm", "LeftHand"), ("RightUpperArm", "RightLowerArm", "RightHand"),
    ("LeftUpperLeg", "LeftLowerLeg", "LeftFoot"), ("RightUpperLeg", "RightLowerLeg", "RightFoot"),
    ("Neck", "LeftUpperArm", "LeftLowerArm"), ("Neck", "RightUpperArm", "RightLowerArm"),
    ("Hips", "LeftUpperLeg", "LeftLowerLeg"), ("Hips", "RightUpperLeg", "RightLowerLeg"),
    ("Hips", "Spine", "Neck"), ("Spine", "Neck", "Head"), ("LeftUpperArm", "Neck", "RightUpperArm"),
    ("LeftUpperLeg", "Hips", "RightUpperLeg"), ("LeftLowerArm", "Hips", "RightLowerArm"),
    ("LeftLowerLeg", "Hips", "RightLowerLeg"),
)  # fmt: skip
_DISTANCES: Final = (
    ("LeftHand", "RightHand"), ("LeftHand", "Hips"), ("RightHand", "Hips"), ("LeftHand", "Head"), ("RightHand", "Head"),
    ("LeftFoot", "RightFoot"), ("LeftLowerArm", "RightLowerArm"), ("LeftLowerLeg", "RightLowerLeg"),
    ("LeftHand", "LeftFoot"), ("RightHand", "RightFoot"),
)  # fmt: skip


def whole(frames: Float32) -> Floats:
    """Return the features (338,) of a gait's frames (T, 90): the mean of itself and its mirror image."""
    return (_features(_points(frames)) + _features(_points(augment.mirror(frames)))) / 2.0


def one_sided(frames: Float32) -> Floats:
    """Return the same of the gait as it is, left and right apart: what the peers learn from."""
    return _features(_points(frames))


def _points(frames: Float32) -> Floats:
    """Return the sixteen joints (T, 16, 3) of the first window."""
    places = frames[:WINDOW, : JOINT_COUNT * 3].reshape(-1, JOINT_COUNT, 3)  # (T, 63) -> (T, 21, 3)
    return places[:, _JOINTS].astype(np.float64)


def _features(points: Floats) -> Floats:
    velocity = np.diff(points, axis=0) * _RATE_HZ
    acceleration = np.diff(velocity, axis=0) * _RATE_HZ
    jerk = np.diff(acceleration, axis=0) * _RATE_HZ
    speed, force = np.linalg.norm(velocity, axis=-1), np.linalg.norm(acceleration, axis=-1)  # (T, 16)
    angles, distances = _angles(points), _distances(points)
    box = points.max(axis=1) - points.min(axis=1)  # (T, 3)
    energy = np.square(speed).sum(axis=1)
    parts = [
        *(f(each, axis=0) for each in (speed, force) for f in (np.mean, np.std, np.max)),
        np.linalg.norm(jerk, axis=-1).mean(axis=0),
        *(f(points, axis=0).reshape(-1) for f in (np.mean, np.std, np.ptp)),
        *(f(each, axis=0) for each in (angles, distances) for f in (np.mean, np.std, np.ptp)),
        box.mean(axis=0),
        box.std(axis=0),
        np.array([energy.mean(), energy.std(), *_cadence(points)]),
    ]
    return np.concatenate(parts)


def _angles(points: Floats) -> Floats:
    """Return the angle (T, 14) at the middle joint of each three."""
    a, b, c = (points[:, [_AT[names[i]] for names in _ANGLES]] for i in range(3))
    u, v = a - b, c - b
    cosine = (u * v).sum(axis=-1) / (np.linalg.norm(u, axis=-1) * np.linalg.norm(v, axis=-1) + 1e-8)
    return np.arccos(np.clip(cosine, -1.0, 1.0))


def _distances(points: Floats) -> Floats:
    a, b = (points[:, [_AT[names[i]] for names in _DISTANCES]] for i in range(2))
    return np.linalg.norm(a - b, axis=-1)


def _cadence(points: Floats) -> tuple[float, float]:
    """Return the frequency in Hz at which the feet pass each other most, and how strongly."""
    apart = points[:, _AT["LeftFoot"], 2] - points[:, _AT["RightFoot"], 2]
    tapered = (apart - apart.mean()) * np.hanning(len(apart))
    frequencies = np.linspace(0.4, 3.0, 260)
    waves = np.exp(-2j * np.pi * frequencies[:, None] * np.arange(len(apart)) / _RATE_HZ)
    strength = np.abs(waves @ tapered)
    return float(frequencies[strength.argmax()]), float(strength.max() / len(apart))
