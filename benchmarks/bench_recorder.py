"""What it costs to record a show: the processor's time for all events of a frame, of the engine's thread and in all."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from emotus.bridges.recorder import RecorderBridge
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.events import Event
from emotus.engine.network import load
from emotus.engine.pipeline import Engine
from emotus.sensors.synthetic import SyntheticSensor

FRAME_MS = 1000 / 30
GOAL = 0.03  # of a frame
SECONDS, ROUNDS = 4.0, 7


def run() -> list[dict[str, object]]:
    """Return two rows: what the engine's thread spends on recording a frame, and what the whole process does."""
    shows = _shows()
    own, whole = [], []
    with tempfile.TemporaryDirectory() as folder:
        for k in range(ROUNDS):
            in_thread_ms, in_all_ms = _record(shows, Path(folder) / f"{k}.mcap")
            own.append(in_thread_ms)
            whole.append(in_all_ms)
    return [_row("recording a frame, the engine's thread", own), _row("recording a frame, in all", whole)]


def _shows() -> list[tuple[Event, ...]]:
    """Return the events of each frame of a show that is recognised."""
    sensor = SyntheticSensor("tour", clock=ManualClock(), rate_hz=30.0, seconds=SECONDS, speed=0)
    sensor.open()
    engine = Engine(load("bandai-stgcn"), ManualClock(), live=False)
    frames = []
    while (pose := sensor.read()) is not None:
        frames.append(tuple(engine.step(pose)))
    return [frame for frame in frames if frame]


def _record(frames: list[tuple[Event, ...]], path: Path) -> tuple[float, float]:
    """Record them; return the ms of this thread and of the whole process, a frame."""
    bridge = RecorderBridge(path, clock=MonotonicClock())
    bridge.start()
    own, before = 0.0, time.process_time()
    for frame in frames:
        start = time.thread_time()
        for event in frame:
            bridge.send(event)
        own += time.thread_time() - start
        time.sleep(0.002)
    bridge.close()
    whole = time.process_time() - before
    return 1e3 * own / len(frames), 1e3 * whole / len(frames)


def _row(name: str, took_ms: list[float]) -> dict[str, object]:
    ours = float(np.median(took_ms))
    return {
        "name": name,
        "ours_ms": ours,
        "ours_p99_ms": max(took_ms),
        "peer": "a frame at 30 Hz",
        "peer_ms": FRAME_MS,
        "peer_p99_ms": None,
        "ratio": FRAME_MS / ours,
        "goal": f"<= {GOAL:.0%} of a frame",
        "met": ours <= GOAL * FRAME_MS,
    }
