"""Hand-made features of a window of movement: what plain recognisers learn from.

Speed, acceleration and jerk of sixteen joints, where they are, angles and distances, the box around the body, energy,
cadence, left against right, and the affective features of gait (Bhattacharya et al., Take an Emotion Walk, 2020). Each
is told by mean, deviation and range or greatest value; places by their mean over time as seen from the hips.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.body import JOINT_COUNT, JOINT_INDEX
from ..engine.skeleton import Float32
from ..engine.streams import MODEL_RATE_HZ

Floats = NDArray[np.float64]
JOINTS: Final = (
    "Hips", "Spine", "Neck", "Head", "LeftUpperArm", "LeftLowerArm", "LeftHand", "RightUpperArm", "RightLowerArm",
    "RightHand", "LeftUpperLeg", "LeftLowerLeg", "LeftFoot", "RightUpperLeg", "RightLowerLeg", "RightFoot",
)  # fmt: skip
AT: Final = {name: i for i, name in enumerate(JOINTS)}
BODY_JOINTS: Final = [JOINT_INDEX[name] for name in JOINTS]
_ANGLES: Final = (
    ("LeftUpperArm", "LeftLowerArm", "LeftHand"), ("RightUpperArm", "RightLowerArm", "RightHand"),
    ("LeftUpperLeg", "LeftLowerLeg", "LeftFoot"), ("RightUpperLeg", "RightLowerLeg", "RightFoot"),
    ("Neck", "LeftUpperArm", "LeftLowerArm"), ("Neck", "RightUpperArm", "RightLowerArm"),
    ("Spine", "LeftUpperLeg", "LeftLowerLeg"), ("Spine", "RightUpperLeg", "RightLowerLeg"),
    ("Head", "Neck", "LeftUpperArm"), ("Head", "Neck", "RightUpperArm"),
    ("Hips", "Spine", "Neck"), ("Spine", "Neck", "Head"),
    ("LeftFoot", "Hips", "RightFoot"), ("LeftHand", "Hips", "RightHand"),
)  # fmt: skip
_DISTANCES: Final = (
    ("LeftHand", "RightHand"), ("LeftFoot", "RightFoot"), ("LeftLowerArm", "RightLowerArm"),
    ("LeftLowerLeg", "RightLowerLeg"), ("Head", "Hips"), ("LeftHand", "Hips"), ("RightHand", "Hips"),
    ("LeftHand", "Head"), ("RightHand", "Head"), ("LeftHand", "LeftFoot"), ("RightHand", "RightFoot"),
)  # fmt: skip
_AREAS: Final = (  # triangles whose ratios are affective features
    (("LeftUpperArm", "RightUpperArm", "Spine"), ("LeftUpperArm", "RightUpperArm", "Hips")),
    (("LeftHand", "RightHand", "Spine"), ("LeftHand", "RightHand", "Hips")),
    (("LeftHand", "RightHand", "Neck"), ("LeftFoot", "RightFoot", "Hips")),
)
_AFFECTIVE_ANGLES: Final = (
    ("LeftUpperArm", "Spine", "RightUpperArm"), ("LeftHand", "Hips", "RightHand"),
    ("LeftUpperArm", "LeftLowerArm", "LeftHand"), ("RightUpperArm", "RightLowerArm", "RightHand"),
    ("Head", "Neck", "LeftUpperArm"), ("Head", "Neck", "RightUpperArm"),
    ("Head", "Hips", "LeftLowerLeg"), ("Head", "Hips", "RightLowerLeg"), ("LeftFoot", "Hips", "RightFoot"),
    ("LeftUpperLeg", "LeftLowerLeg", "LeftFoot"), ("RightUpperLeg", "RightLowerLeg", "RightFoot"),
)  # fmt: skip
_AFFECTIVE_RATIOS: Final = (
    (("LeftHand", "Neck"), ("LeftHand", "Hips")), (("RightHand", "Neck"), ("RightHand", "Hips")),
    (("LeftHand", "RightHand"), ("Neck", "Hips")), (("LeftFoot", "RightFoot"), ("Neck", "Hips")),
)  # fmt: skip
_SIDES: Final = tuple((AT["Left" + part], AT["Right" + part]) for part in ("Hand", "LowerArm", "LowerLeg", "Foot"))
_TINY: Final = 1e-8


def points_of(frames: Float32) -> Floats:
    """Return the sixteen joints (..., 16, 3) of network frames (..., 90)."""
    places = frames[..., : JOINT_COUNT * 3].reshape(*frames.shape[:-1], JOINT_COUNT, 3)  # (..., 63) -> (..., 21, 3)
    return places[..., BODY_JOINTS, :].astype(np.float64)


def features_of(windows: Float32, *, flat: bool = False) -> Floats:
    """Return the features (N, F) of windows (N, W, 90); flat: as a camera before the mover would see them, 2-D."""
    if len(windows) == 0:
        return np.zeros((0, len(names())))
    return np.stack([_window(points_of(window), flat=flat) for window in windows])


def names() -> list[str]:
    """Name every feature, in order."""
    out: list[str] = []
    for quantity, parts, ways in _layout():
        out += [f"{quantity}.{part}.{way}" for way in ways for part in parts]
    return out


def _layout() -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Return quantity, its parts and how each is told, in the order of `_window`."""
    mean_sd_max, mean_sd_range = ("mean", "sd", "max"), ("mean", "sd", "range")
    angles, apart = tuple("-".join(each) for each in _ANGLES), tuple("-".join(each) for each in _DISTANCES)
    places = tuple(f"{joint}.{axis}" for joint in JOINTS for axis in "xyz")
    sides = ("Hand", "LowerArm", "LowerLeg", "Foot")
    return [
        ("speed", JOINTS, mean_sd_max),
        ("acceleration", JOINTS, mean_sd_max),
        ("jerk", JOINTS, mean_sd_max),
        ("place", places, mean_sd_range),
        ("angle", angles, mean_sd_range),
        ("turn", angles, ("mean",)),
        ("distance", apart, mean_sd_range),
        ("box", ("width", "height", "depth"), mean_sd_range),
        ("area", ("shoulders", "hands", "hands-feet"), mean_sd_range),
        ("asymmetry", sides, ("speed", "height")),
        ("whole", ("energy", "energy-sd", "smoothness", "expansion", "cadence", "rhythm"), ("value",)),
    ]


def _window(points: Floats, *, flat: bool) -> Floats:
    """Return the features (F,) of one window (W, 16, 3)."""
    if flat:
        points = points * np.array([1.0, 1.0, 0.0])
    steps = [points]
    for _ in range(3):
        steps.append(np.diff(steps[-1], axis=0) * MODEL_RATE_HZ)
    speed, force, jerk = (np.linalg.norm(each, axis=-1) for each in steps[1:])  # (W, 16)
    angles, apart, box = _angles(points), _apart(points), points.max(axis=1) - points.min(axis=1)
    parts = [*(f(each, axis=0) for each in (speed, force, jerk) for f in (np.mean, np.std, np.max))]
    parts += [f(points, axis=0).ravel() for f in (np.mean, np.std, np.ptp)]
    parts += [f(angles, axis=0) for f in (np.mean, np.std, np.ptp)]
    parts.append(np.abs(np.diff(angles, axis=0)).mean(axis=0) * MODEL_RATE_HZ)
    parts += [f(each, axis=0) for each in (apart, box, _areas(points)) for f in (np.mean, np.std, np.ptp)]
    parts += [_sides(speed), _sides(points[..., 1]), _whole(points, speed, jerk)]
    return np.nan_to_num(np.concatenate(parts), posinf=0.0, neginf=0.0)


def _angles(points: Floats) -> Floats:
    """Return the angle (W, A) in rad at the middle joint of each three."""
    a, b, c = (points[:, [AT[each[i]] for each in _ANGLES]] for i in range(3))
    one, other = a - b, c - b
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1) + _TINY
    return np.arccos(np.clip((one * other).sum(axis=-1) / lengths, -1.0, 1.0))


def _apart(points: Floats) -> Floats:
    a, b = (points[:, [AT[each[i]] for each in _DISTANCES]] for i in range(2))
    return np.linalg.norm(a - b, axis=-1)


def _areas(points: Floats) -> Floats:
    """Return the ratios (W, 3) of triangles of joints, no more than ten."""
    one, other = (np.stack([_area(points, pair[i]) for pair in _AREAS], axis=1) for i in range(2))
    return np.minimum(one / (other + 1e-3), 10.0)


def _area(points: Floats, joints: tuple[str, str, str]) -> Floats:
    a, b, c = (points[:, AT[name]] for name in joints)
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=-1)


def affective_of(points: Floats) -> Floats:
    """Return the eighteen affective features (..., 18) of every frame (..., 16, 3): angles, distance and area ratios.

    Table 1 of Take an Emotion Walk; where it says toes or fingers the foot or hand stands, as sixteen joints have it.
    """
    flat = points.reshape(-1, *points.shape[-2:])  # (..., 16, 3) -> (M, 16, 3)
    a, b, c = (flat[:, [AT[each[i]] for each in _AFFECTIVE_ANGLES]] for i in range(3))
    one, other = a - b, c - b
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1) + _TINY
    angles = np.arccos(np.clip((one * other).sum(axis=-1) / lengths, -1.0, 1.0))
    over, under = (np.stack([_length(flat, *pair[i]) for pair in _AFFECTIVE_RATIOS], axis=1) for i in range(2))
    ratios = np.minimum(over / (under + 1e-3), 10.0)
    return np.concatenate((angles, ratios, _areas(flat)), axis=1).reshape(*points.shape[:-2], -1)


def _length(points: Floats, a: str, b: str) -> Floats:
    return np.linalg.norm(points[:, AT[a]] - points[:, AT[b]], axis=-1)


def _sides(values: Floats) -> Floats:
    """Return by how much left and right differ in the mean of values (W, 16), a share of their size."""
    mean = values.mean(axis=0)
    return np.array([abs(mean[a] - mean[b]) / (abs(mean[a]) + abs(mean[b]) + 0.1) for a, b in _SIDES])


def _whole(points: Floats, speed: Floats, jerk: Floats) -> Floats:
    energy = np.square(speed).sum(axis=1)
    smooth = np.log(jerk.mean() / (speed.mean() + 1e-3) + _TINY)
    expansion = np.linalg.norm(points, axis=-1).mean()
    return np.array([energy.mean(), energy.std(), smooth, expansion, *_cadence(points)])


def _cadence(points: Floats) -> tuple[float, float]:
    """Return the frequency in Hz at which the feet pass each other most, and how strongly."""
    apart = np.linalg.norm(points[:, AT["LeftFoot"]] - points[:, AT["RightFoot"]], axis=-1)
    tapered = (apart - apart.mean()) * np.hanning(len(apart))
    frequencies = np.linspace(0.5, 5.0, 200)
    waves = np.exp(-2j * np.pi * frequencies[:, None] * np.arange(len(apart)) / MODEL_RATE_HZ)
    strength = np.abs(waves @ tapered)
    return float(frequencies[strength.argmax()]), float(strength.max() / len(apart))
