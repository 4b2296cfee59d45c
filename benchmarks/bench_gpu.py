"""All performers in one tensor on a GPU: 10,000 at 60 Hz, then as many as fit; "no GPU here" without one."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from emotus.models.device import DeviceRecogniser
from emotus.models.store import load_recogniser

COUNTS = (100, 1_000, 10_000, 20_000, 40_000)
GOAL_COUNT, GOAL_MS = 10_000, 16.0
STEPS = 200

Row = dict[str, Any]


def run() -> list[Row]:
    """Return a row for each number of performers."""
    if not torch.cuda.is_available():
        return [_row(f"{GOAL_COUNT} performers at 60 Hz on a GPU", None, "no GPU here")]
    name = torch.cuda.get_device_name(0)
    rows = []
    for count in COUNTS:
        try:
            times, kilobytes = _times(count)
        except torch.OutOfMemoryError:
            rows.append(_row(f"{count} performers on {name}", None, "out of memory"))
            break
        rows.append(_row(f"{count} performers on {name}, {kilobytes:.0f} KB each", times, "", count))
    return rows


def _times(count: int) -> tuple[np.ndarray, float]:
    """Return how long frames took from the host's memory and back, in ms, and what a performer takes of the GPU's."""
    network, _ = load_recogniser()
    device = DeviceRecogniser(network, "cuda", count)
    seats = [device.enter() for _ in range(count)]
    frames = np.random.default_rng(0).normal(0.0, 0.3, (count, 90)).astype(np.float32)
    frames[:, 63:84] = 1.0
    found = []
    for _ in range(STEPS):
        began = time.perf_counter_ns()
        device.step(frames, seats)
        found.append((time.perf_counter_ns() - began) / 1e6)
    return np.array(found[STEPS // 10 :]), device.nbytes() / 1024


def _row(name: str, times: np.ndarray | None, peer: str, count: int = 0) -> Row:
    p99 = None if times is None else float(np.quantile(times, 0.99))
    asked = count == GOAL_COUNT or times is None
    return {
        "name": name,
        "ours_ms": None if times is None else float(np.median(times)),
        "ours_p99_ms": p99,
        "peer": peer,
        "peer_ms": None,
        "peer_p99_ms": None,
        "ratio": None,
        "goal": f"p99 <= {GOAL_MS:g} ms" if asked else "-",
        "met": None if p99 is None or not asked else p99 <= GOAL_MS,
    }


if __name__ == "__main__":
    for each in run():
        print(each)
