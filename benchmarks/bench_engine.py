"""What the engine adds to every frame, the network excluded, beside timeflux doing less.

Ours is intake, resampling, qualities, network features and all events of a 30 Hz performer; the peer hands a frame from
a source through a window of 64 frames to a sink. The two take turns of a few hundred frames within one run.
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from emotus.engine.body import JOINT_COUNT
from emotus.engine.clock import NS_PER_MS, ManualClock, MonotonicClock
from emotus.engine.events import Disclosure, EmotionEvent
from emotus.engine.pipeline import Engine
from emotus.engine.pose import Pose
from emotus.engine.recognise import Evidence, Reading
from emotus.engine.skeleton import Float32
from emotus.sensors.uri import open_sensor

ROOT = Path(__file__).parent.parent
PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
PEER = "timeflux 0.17.2"
RATE_HZ = 30
TURNS, TURN_FRAMES = 10, 400
GOAL_MS, GOAL_P99_MS = 0.10, 0.25


class NoNetwork:
    """Stand where the network stands and answer at once: what is left is the engine's own time."""

    labels = ("angry", "happy", "neutral", "proud", "sad", "unsure")
    disclosure = Disclosure("none", "0" * 64)
    _reading = Reading("happy", dict.fromkeys(labels, 1 / 6), 0.1, 0.2, 0.5, abstain=False)

    def start(self) -> Evidence:
        """Return empty evidence."""
        return Evidence((), 0)

    def step(self, frame: Float32, evidence: Evidence) -> tuple[Reading, Evidence]:
        """Return the same reading for every frame."""
        return self._reading, Evidence((), evidence.frames + 1)

    def explain(self, frames: Float32) -> Float32:
        """Return equal shares."""
        return np.full(JOINT_COUNT, 1 / JOINT_COUNT, np.float32)


def poses(count: int) -> list[Pose]:
    """Return a synthetic performer's walk and gestures at 30 Hz, one emotion after another."""
    sensor = open_sensor(f"synthetic:tour?rate={RATE_HZ}&speed=0&seconds={count / RATE_HZ}", ManualClock())
    sensor.open()
    found = []
    while sensor.health().state != "ended":
        pose = sensor.read()
        if pose is not None:
            found.append(pose)
    sensor.close()
    return found


def jittered(exact: list[Pose], sd_ms: float) -> list[Pose]:
    """Return the poses at times that jitter as a live sensor's do, never enough to change places."""
    shifts = np.clip(np.random.default_rng(0).normal(0.0, sd_ms, len(exact)), -8.0, 8.0) * NS_PER_MS
    return [replace(pose, t_ns=pose.t_ns + int(shift)) for pose, shift in zip(exact, shifts, strict=True)]


class Ours:
    """Step our engine, a turn at a time."""

    def __init__(self, performance: list[Pose]) -> None:
        self._engine = Engine(NoNetwork(), MonotonicClock(), live=False)
        self._poses = iter(performance)

    def turn(self) -> list[int]:
        """Return the nanoseconds of each frame of one turn: all that was spent from one frame given out to the next."""
        spent: list[int] = []
        waited = 0
        while len(spent) < TURN_FRAMES:
            pose = next(self._poses)
            start = time.perf_counter_ns()
            events = self._engine.step(pose)
            waited += time.perf_counter_ns() - start
            frames = sum(isinstance(event, EmotionEvent) for event in events)
            if frames:
                spent += [waited // frames] * frames
                waited = 0
        return spent[:TURN_FRAMES]


class Peer:
    """Step timeflux in its own environment, a turn at a time."""

    def __init__(self) -> None:
        command = [str(PEER_PYTHON), "peer_timeflux.py"]
        self._process = subprocess.Popen(
            command, cwd=Path(__file__).parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def turn(self) -> list[int]:
        """Return the nanoseconds of each frame of one turn."""
        self._process.stdin.write(f"{TURN_FRAMES}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait(timeout=10)


def overhead() -> list[dict[str, Any]]:
    """Return the rows of the engine's time a frame, the network excluded: beside the peer, and with jittering times."""
    performance = poses((TURNS + 2) * TURN_FRAMES)
    runs = {"exact": Ours(performance), "jittering": Ours(jittered(performance, 2.0))}
    if PEER_PYTHON.exists():
        runs["peer"] = Peer()
    turns = {name: [] for name in runs}
    for turn in range(TURNS + 1):
        for name, each in runs.items():
            fresh = each.turn()
            if turn:  # the first turn warms up
                turns[name].append(fresh)
    if "peer" in runs:
        runs["peer"].close()
    found = {name: percentiles_ms(spent) for name, spent in turns.items()}
    peer = PEER if "peer" in found else f"{PEER} not installed: make bench-peers"
    return [
        row("engine a frame, network excluded", found["exact"], peer, found.get("peer")),
        row("the same, times jittering by 2 ms", found["jittering"], None, None),
    ]


def row(name: str, ours: tuple[float, float], peer: str | None, theirs: tuple[float, float] | None) -> dict[str, Any]:
    """Return one comparison of p50 and p99 in milliseconds."""
    return {
        "name": name,
        "ours_ms": ours[0],
        "ours_p99_ms": ours[1],
        "peer": peer,
        "peer_ms": theirs[0] if theirs else None,
        "peer_p99_ms": theirs[1] if theirs else None,
        "ratio": theirs[0] / ours[0] if theirs else None,
        "goal": f"<= {GOAL_MS:.2f} / {GOAL_P99_MS:.2f} ms",
        "met": ours[0] <= GOAL_MS and ours[1] <= GOAL_P99_MS,
    }


def percentiles_ms(turns: list[list[int]]) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds: each turn's own, and their medians, lest another process spoil one turn."""
    p50, p99 = np.median(np.percentile(turns, (50, 99), axis=1), axis=1) / 1e6  # (2, turns) -> (2,)
    return float(p50), float(p99)


def run() -> list[dict[str, Any]]:
    """Return the rows of the engine."""
    return overhead()
