"""One mover with 41 optical markers (shared/data/movement-quality), brought to the body at the model's rate."""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np

from emotus.engine.body import JOINT_NAMES
from emotus.engine.clock import NS_PER_S
from emotus.engine.intake import Intake
from emotus.engine.pose import Pose
from emotus.engine.resample import Resampler

TRIALS = Path(__file__).parents[3] / "shared" / "data" / "movement-quality" / "qualisys"

# joint -> markers whose mean it is; the sides are added below
_TRUNK = {
    "Hips": ("WaistBack", "WaistLFront", "WaistRFront"),
    "Spine": ("SpineThoracic12", "WaistBack"),
    "Chest": ("Chest", "SpineThoracic2", "SpineThoracic12"),
    "Neck": ("LShoulderTop", "RShoulderTop", "SpineThoracic2"),
    "Head": ("HeadL", "HeadR", "HeadFront"),
}
_SIDE = {
    "Shoulder": ("{}ShoulderTop", "Chest"),
    "UpperArm": ("{}ShoulderTop",),
    "LowerArm": ("{}ElbowOut", "{}ElbowIn"),
    "Hand": ("{}WristIn", "{}WristOut"),
    "UpperLeg": ("Waist{}Front", "Waist{}"),
    "LowerLeg": ("{}KneeOut", "{}KneeIn"),
    "Foot": ("{}AnkleOut", "{}HeelBack"),
    "Toes": ("{}Forefoot5", "{}Forefoot2"),
}
MARKERS = _TRUNK | {
    side + joint: tuple(marker.format(side[0]) for marker in markers)
    for side in ("Left", "Right")
    for joint, markers in _SIDE.items()
}


def positions_of_trial(trial: int) -> np.ndarray:
    """Return (T, 21, 3) positions at 30 Hz, through intake and resampling; markers out of sight are masked there."""
    positions, rate_hz = _read(TRIALS / f"trial{trial}.tsv.xz")
    intake, resampler = Intake("mover"), Resampler()
    full = np.ones(len(JOINT_NAMES), dtype=np.float32)
    poses = (Pose("mover", i, round(i / rate_hz * NS_PER_S), x, full) for i, x in enumerate(positions))
    frames = (frame for pose in poses for arrival in intake.push(pose) for frame in resampler.push(arrival))
    return np.stack([frame.positions for frame in frames if isinstance(frame, Pose)])


def _read(path: Path) -> tuple[np.ndarray, float]:
    """Return joints (T, 21, 3) in metres in the house frame, and the rate; NaN where a marker was out of sight."""
    with lzma.open(path, "rt") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    fields = {row[0]: row[1:] for row in rows[:11]}
    names = [name.replace("Relbow", "RElbow") for name in fields["MARKER_NAMES"]]
    start = next(i for i, row in enumerate(rows) if row[0] == "Frame") + 1
    numbers = np.array([row[2 : 2 + 3 * len(names)] for row in rows[start:]], dtype=np.float64)
    markers = numbers.reshape(len(numbers), len(names), 3)  # (T, 41, 3) millimetres, Y up, she faces -Z
    markers[(markers == 0).all(axis=2)] = np.nan
    index = {name: i for i, name in enumerate(names)}
    joints = [markers[:, [index[name] for name in MARKERS[joint]]].mean(axis=1) for joint in JOINT_NAMES]
    return (np.stack(joints, axis=1) * [-1e-3, 1e-3, -1e-3]).astype(np.float32), float(fields["FREQUENCY"][0])
