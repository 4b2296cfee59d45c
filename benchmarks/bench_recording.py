"""A recording read as fast as it goes, through reader, engine and the shipped network, beside real time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.network import load
from emotus.engine.pipeline import Engine
from emotus.sensors.uri import open_sensor

MODEL = "bandai-stgcn"
RECORDING = Path(__file__).parents[2] / "shared" / "data" / "bvh" / "131_01.bvh"
RUNS = 7
GOAL = 20.0  # times real time


def run() -> list[dict[str, Any]]:
    """Return the row of a recording read as fast as it goes: reader, engine, network, and how many times real time."""
    address = f"bvh:{RECORDING}?speed=0" if RECORDING.exists() else "synthetic:tour?speed=0&rate=60&seconds=20"
    name = RECORDING.name if RECORDING.exists() else "synthetic, 20 s at 60 Hz"
    engine = Engine(load(MODEL), MonotonicClock(), live=False)
    through(engine, address)  # the first time warms up
    runs = []
    for _ in range(RUNS):
        engine.reset()
        runs.append(through(engine, address))
    spent_s, played_s, frames = (float(np.median(column)) for column in zip(*runs, strict=True))
    worst_s = max(spent for spent, _, _ in runs)
    row = {
        "name": f"recording at speed=0, a frame ({name})",
        "ours_ms": 1e3 * spent_s / frames,
        "ours_p99_ms": 1e3 * worst_s / frames,
        "peer": "real time",
        "peer_ms": 1e3 * played_s / frames,
        "peer_p99_ms": None,
        "ratio": played_s / spent_s,
        "goal": f">= {GOAL:.0f}x real time",
        "met": played_s / spent_s >= GOAL,
    }
    return [row]


def through(engine: Engine, address: str) -> tuple[float, float, int]:
    """Run a recording through the engine; return seconds spent, seconds of movement, and frames read."""
    start = time.perf_counter()
    sensor = open_sensor(address, ManualClock())
    sensor.open()
    times = []
    while sensor.health().state != "ended":
        pose = sensor.read()
        if pose is not None:
            engine.step(pose)
            times.append(pose.t_ns)
    engine.flush()
    sensor.close()
    return time.perf_counter() - start, (times[-1] - times[0]) / NS_PER_S, len(times)
