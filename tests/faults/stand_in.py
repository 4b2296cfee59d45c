"""A recogniser whose answer depends on the last second of movement and on nothing else, and someone to read."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from emotus.engine.clock import ManualClock
from emotus.engine.errors import WeightsError
from emotus.engine.events import Disclosure
from emotus.engine.network import load
from emotus.engine.pose import Pose
from emotus.engine.recognise import Evidence, Reading, Recogniser
from emotus.sensors.synthetic import SyntheticSensor

RECEPTIVE_FIELD = 30


class WindowReader:
    """Tell slow from brisk from fast by how far the joints went over the last 30 frames."""

    labels = ("slow", "brisk", "fast")
    disclosure = Disclosure("window", "0" * 64)
    _speeds = np.log([0.3, 0.55, 1.0])  # mean joint speeds in body lengths a second, one a label

    def start(self) -> Evidence:
        """Return no evidence."""
        return Evidence((), 0)

    def step(self, frame: np.ndarray, evidence: Evidence) -> tuple[Reading, Evidence]:
        """Answer from the window that ends with this frame."""
        frames = (*evidence.state, frame.astype(np.float64))[-RECEPTIVE_FIELD:]
        steps = np.abs(np.diff(np.stack(frames)[:, :63], axis=0)) if len(frames) > 1 else np.zeros((1, 63))
        speed = float(steps.mean()) * 30 * 3
        logits = -4 * (np.log(speed + 0.05) - self._speeds) ** 2
        probs = np.exp(logits - logits.max())
        probs /= probs.sum()
        best = int(probs.argmax())
        reading = Reading(
            self.labels[best],
            dict(zip(self.labels, probs.tolist(), strict=True)),
            0.0,
            float(probs @ [-1, 0, 1]),
            float(probs[best]),
            abstain=False,
        )
        return reading, Evidence(frames, evidence.frames + 1)  # type: ignore[arg-type]

    def explain(self, frames: np.ndarray) -> np.ndarray:
        """Share the decision evenly."""
        return np.full(21, 1 / 21, dtype=np.float32)


@functools.cache
def shipped() -> Recogniser:
    """Return the recogniser that emotus ships, on one thread; skip the test where it cannot be opened."""
    torch.set_num_threads(1)
    try:
        return load("bandai-stgcn")
    except WeightsError as error:
        pytest.skip(f"no shipped recogniser: {error}")


@functools.cache
def performance(seconds: float, *, rate_hz: float = 60.0, emotion: str = "tour", seed: int = 0) -> tuple[Pose, ...]:
    """Return what a synthetic performer does, from t = 1 s on, so that nothing lies before 0."""
    clock = ManualClock(1_000_000_000)
    sensor = SyntheticSensor(emotion, clock=clock, rate_hz=rate_hz, seconds=seconds, speed=0, seed=seed, stream="anna")
    sensor.open()
    poses = []
    while (pose := sensor.read()) is not None:
        poses.append(pose)
    return tuple(poses)
