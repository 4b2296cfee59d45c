"""Bodies that move as wanted, and the rows of samples of a signature that they give."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from support.performers import FULL, REST

from emotus.engine.body import JOINT_COUNT, JOINT_INDEX
from emotus.engine.clock import NS_PER_S, ManualClock
from emotus.engine.pose import Pose
from emotus.engine.signature_definition import Definition
from emotus.engine.signature_samples import Sampler
from emotus.sensors.uri import open_sensor


def poses_of(positions, *, rate_hz: float = 30.0, stream: str = "anna", confidence=FULL) -> list[Pose]:
    """Return poses at a steady rate of positions (T, 21, 3)."""
    return [
        Pose(stream, i, round(i * NS_PER_S / rate_hz), np.asarray(p, dtype=np.float32), confidence)
        for i, p in enumerate(positions)
    ]


def waver(frames: int, hz: float, metres: float, joint: str = "LeftHand", rate_hz: float = 30.0):
    """Return positions (T, 21, 3) of a body at rest, of which one joint swings up and down."""
    positions = np.repeat(REST[None], frames, axis=0).astype(np.float64)
    positions[:, JOINT_INDEX[joint], 1] += metres * np.sin(2 * np.pi * hz * np.arange(frames) / rate_hz)
    return positions


@lru_cache(maxsize=64)
def style(name: str, seconds: float, *, seed: int = 0, rate_hz: float = 30.0, stream: str = "anna") -> tuple[Pose, ...]:
    """Return a synthetic performer's poses, made once."""
    uri = f"synthetic:{name}?rate={rate_hz:g}&speed=0&seconds={seconds:g}&seed={seed}&stream={stream}"
    sensor = open_sensor(uri, ManualClock())
    sensor.open()
    found = []
    while sensor.health().state != "ended":
        pose = sensor.read()
        if pose is not None:
            found.append(pose)
    sensor.close()
    return tuple(found)


def rows_of(poses: Iterable[Pose], definition: Definition | None = None):
    """Return the rows of samples (T, C) of poses."""
    sampler = Sampler(definition or Definition())
    return np.stack([sampler.step(pose) for pose in poses])


def no_joint(*names: str):
    """Return confidences of a body of which these joints are never seen."""
    confidence = np.ones(JOINT_COUNT, dtype=np.float32)
    confidence[[JOINT_INDEX[name] for name in names]] = 0.0
    return confidence
