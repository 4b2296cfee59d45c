"""Tables of a synthetic performer for tests, as laboratories export them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emotus.bridges.recorder import RecorderBridge
from emotus.engine.body import JOINT_NAMES
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.events import PoseEvent
from emotus.engine.pose import Pose
from emotus.sensors.synthetic import SyntheticSensor


def performed(frames: int, *, rate_hz: float = 30.0, emotion: str = "happy", seed: int = 0) -> list[Pose]:
    """Return the first frames of a synthetic performer, captured from 0 on."""
    sensor = SyntheticSensor(emotion, clock=ManualClock(), rate_hz=rate_hz, speed=0, seed=seed)
    sensor.open()
    poses = []
    while len(poses) < frames:
        poses.append(sensor.read())
    return poses


def write_points(path: Path, poses: list[Pose], *, unit_m: float = 0.001, rate_hz: float = 30.0) -> Path:
    """Write poses as a TSV of named points with a clock, in millimetres unless told otherwise."""
    columns = [f"{name} {axis}" for name in JOINT_NAMES for axis in "XYZ"]
    lines = [f"FREQUENCY\t{rate_hz:g}", "\t".join(["Frame", "Time", *columns])]
    for i, pose in enumerate(poses):
        numbers = (pose.positions / unit_m).ravel()
        lines.append("\t".join([str(i), f"{i / rate_hz:.5f}", *(f"{x:.4f}" for x in numbers)]))
    path.write_text("\n".join(lines) + "\n")
    return path


def places(poses: list[Pose]) -> np.ndarray:
    """Return the positions (T, 21, 3) of poses."""
    return np.stack([pose.positions for pose in poses])


def write_show(path: Path, poses: list[Pose]) -> Path:
    """Record poses as a show."""
    recorder = RecorderBridge(path, clock=MonotonicClock())
    recorder.start()
    for pose in poses:
        recorder.send(PoseEvent(pose.stream, pose.seq, pose.t_ns, pose.positions, pose.confidence, pose.rotations))
    recorder.close()
    return path
