"""How old an answer is when it has crossed a socket, and what a busy neighbour does to a step.

End to end: a performer at 60 Hz through the whole engine, with her signature held to references, to OSC and to a
WebSocket client on this machine: from the stamp of the pose that gave rise to an answer to the client's hand. A source
faster than the model's 30 Hz is averaged over a period of the model around the moment that is answered for, so that
pose is the first one half a period after it; the row below counts from the moment itself. The neighbour is another
process that multiplies matrices with as many threads as it likes.
"""

from __future__ import annotations

import bisect
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import torch
from websockets.sync.client import connect

from emotus.bridges.uri import make_bridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.network import load
from emotus.engine.pipeline import Engine
from emotus.engine.runner import Runner
from emotus.sensors.uri import open_sensor

SECONDS = float(os.environ.get("EMOTUS_SECONDS", "20"))
WARM_S = 2.0
HALF_NS = 1_000_000_000 // 60 - 5_000_000  # half a period of the model's, less what the resampler lets pass as on time
GOAL_MS, GOAL_TIMES = 8.0, 3.0
# It ends by itself, should nobody be left to end it.
NEIGHBOUR = """import time, torch
x, end = torch.randn(700, 700), time.monotonic() + 60.0
while time.monotonic() < end:
    x @ x
"""

Row = dict[str, Any]


def run() -> list[Row]:
    """Return the rows: end to end, then a step alone and beside a neighbour."""
    return [*_end_to_end(), *_beside_a_neighbour()]


def _end_to_end() -> list[Row]:
    from emotus.engine.signature_definition import Definition
    from emotus.training.signature_files import read_references

    clock = MonotonicClock()
    recogniser = load("bandai-stgcn")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ws = make_bridge(f"ws:127.0.0.1:{port}", labels=recogniser.labels, clock=clock)
    sinks = [ws, make_bridge("osc:127.0.0.1:9", labels=recogniser.labels, clock=clock)]
    references = read_references([f"{name}=synthetic:{name}?seconds=10" for name in ("happy", "sad")], Definition())
    engine = Engine(recogniser, clock, signature=references)
    sensor = Stamped(open_sensor(f"synthetic:tour?rate=60&seconds={SECONDS + WARM_S}", clock))
    runner = Runner([sensor], engine, sinks, clock)
    heard: list[tuple[int, int]] = []
    thread = threading.Thread(target=lambda: _listen(ws, heard, clock))
    thread.start()
    runner.run(SECONDS + WARM_S)
    thread.join(10.0)
    heard = heard[round(WARM_S * 30) :]
    ages = np.array([sensor.age_ms(t_ns + HALF_NS, now_ns) for t_ns, now_ns in heard] or [np.inf])
    whole = np.array([(now_ns - t_ns) / 1e6 for t_ns, now_ns in heard] or [np.inf])
    p99 = float(np.quantile(ages, 0.99))
    name = f"pose's stamp -> client's hand, 60 Hz, {len(heard)} answers"
    return [
        _row(name, ages, None, f"p99 <= {GOAL_MS:g} ms", p99 <= GOAL_MS),
        _row("moment answered for -> client's hand, averaging included", whole, None, "-", None),
    ]


class Stamped:
    """Give a sensor's poses and remember their stamps."""

    def __init__(self, sensor: Any) -> None:
        self._sensor = sensor
        self._stamps: list[int] = []
        self.live = sensor.live
        self.open, self.close, self.health = sensor.open, sensor.close, sensor.health

    def read(self) -> Any:
        """Return the next pose."""
        pose = self._sensor.read()
        if pose is not None:
            self._stamps.append(pose.t_ns)
        return pose

    def age_ms(self, moment_ns: int, now_ns: int) -> float:
        """Return how long ago the pose was stamped that completed a moment of the movement."""
        at = min(bisect.bisect_left(self._stamps, moment_ns), len(self._stamps) - 1)
        return (now_ns - self._stamps[at]) / 1e6


def _listen(bridge: Any, heard: list[tuple[int, int]], clock: MonotonicClock) -> None:
    """Note the moment of each emotion, and when it has arrived and been decoded."""
    decode = msgspec.json.decode
    deadline = time.monotonic() + 10.0
    while True:
        try:
            client = connect(bridge.address, max_size=None)
            break
        except OSError:  # it does not listen yet
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    with client:
        client.recv()  # hello
        client.send(msgspec.json.encode({"type": "subscribe", "types": ["emotion", "pose", "qualities"]}).decode())
        try:
            while True:
                event = decode(client.recv(timeout=5.0))
                if event["type"] == "emotion":
                    heard.append((event["t_ns"], clock.now_ns()))
        except Exception:  # noqa: BLE001 - the show is over
            return


def _beside_a_neighbour() -> list[Row]:
    recogniser = load("bandai-stgcn")
    evidence = recogniser.start()
    frame = np.zeros(90, np.float32)
    frame[63:84] = 1.0

    def step() -> None:
        nonlocal evidence
        _, evidence = recogniser.step(frame, evidence)

    alone = _times(step, 1500)
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    neighbour = subprocess.Popen([sys.executable, "-c", NEIGHBOUR], env=environment)
    try:
        time.sleep(3.0)  # until it has loaded and is busy
        beside = _times(step, 1500)
        torch.set_num_threads(2)
        two = _times(_two_threads(), 100)
        torch.set_num_threads(1)
    finally:
        neighbour.kill()
        neighbour.wait()
    times = float(np.quantile(beside, 0.99) / np.median(beside))
    peer = float(np.quantile(two, 0.99) / np.median(two))
    goal = f"p99 / p50 <= {GOAL_TIMES:g}"
    return [
        _row("a step, nobody beside", alone, None, "-", None),
        _row(f"a step beside a busy neighbour: p99 / p50 = {times:.1f}", beside, None, goal, times <= GOAL_TIMES),
        _row(f"two threads beside it: p99 / p50 = {peer:.1f} (ST-GCN, 100 frames, torch)", two, None, "-", None),
    ]


def _two_threads() -> Callable[[], None]:
    """Return a windowed network on two threads, as torch does by itself."""
    from published_networks import PlainStgcn

    plain = PlainStgcn("st-gcn", strides=(1,) * 10).eval()
    window = torch.randn(1, 100, 25, 3)

    def step() -> None:
        with torch.inference_mode():
            plain(window)

    return step


def _times(step: Callable[[], None], count: int) -> np.ndarray:
    """Return how long each step took at 250 a second, in ms, the first tenth left out."""
    found = []
    for _ in range(count):
        began = time.perf_counter_ns()
        step()
        found.append((time.perf_counter_ns() - began) / 1e6)
        time.sleep(max(0.0, 0.004 - found[-1] / 1e3))
    return np.array(found[count // 10 :])


def _row(name: str, ours: np.ndarray, peer: str | None, goal: str, met: bool | None) -> Row:
    return {
        "name": name,
        "ours_ms": float(np.median(ours)),
        "ours_p99_ms": float(np.quantile(ours, 0.99)),
        "peer": peer or "",
        "peer_ms": None,
        "peer_p99_ms": None,
        "ratio": None,
        "goal": goal,
        "met": met,
    }


if __name__ == "__main__":
    for each in run():
        print(each)
