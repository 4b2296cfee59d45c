"""Performers for tests: poses whose every number is known, and recognisers whose every answer is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emotus.engine.body import BODY, JOINT_COUNT
from emotus.engine.clock import NS_PER_S
from emotus.engine.events import Disclosure
from emotus.engine.pose import Pose
from emotus.engine.recognise import Evidence, Reading

REST = BODY.rest_positions.astype(np.float32)
FULL = np.ones(JOINT_COUNT, dtype=np.float32)


def walker(
    n: int, *, rate_hz: float = 30.0, stream: str = "anna", start_ns: int = 0, start_seq: int = 0
) -> Iterator[Pose]:
    """Yield n poses of a body that swings its limbs and walks along +Z."""
    for i in range(n):
        t_s = i / rate_hz
        positions = REST.copy()
        swing = 0.2 * np.sin(2 * np.pi * 1.8 * t_s)
        positions[6:9, 2] += swing * np.array([0.3, 0.7, 1.0])
        positions[10:13, 2] -= swing * np.array([0.3, 0.7, 1.0])
        positions[13:17, 2] -= swing * np.array([0.0, 0.5, 1.0, 1.0])
        positions[17:21, 2] += swing * np.array([0.0, 0.5, 1.0, 1.0])
        positions[:, 2] += 1.2 * t_s
        yield Pose(
            stream, (start_seq + i) % 2**32, start_ns + round(t_s * NS_PER_S), positions.astype(np.float32), FULL
        )


class CountingRecogniser:
    """Answer with the number of frames it has seen, so that tests can tell what reached it."""

    labels = ("still", "moving")
    disclosure = Disclosure("counting", "0" * 64)

    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []

    def start(self) -> Evidence:
        """Return no evidence."""
        return Evidence((), 0)

    def step(self, frame: np.ndarray, evidence: Evidence) -> tuple[Reading, Evidence]:
        """Grow surer by the frame."""
        self.frames.append(frame)
        seen = evidence.frames + 1
        p = 1.0 - 0.5 / seen
        reading = Reading("moving", {"still": 1 - p, "moving": p}, 0.1, 0.2, p, abstain=False)
        return reading, Evidence((), seen)

    def explain(self, frames: np.ndarray) -> np.ndarray:
        """Share the decision evenly."""
        return np.full(JOINT_COUNT, 1.0 / JOINT_COUNT, dtype=np.float32)
