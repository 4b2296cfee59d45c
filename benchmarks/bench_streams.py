"""What a frame of one performer costs when there are many: the shipped recogniser, the whole engine, the full network.

The recogniser's rows tell a stream's share of a step of N, beside an LSTM that takes the same N together. Then 150
performers live through the engine, each at 30 Hz and at moments of her own; EMOTUS_SECONDS says for how long (20).
EMOTUS_PLOT=FILE draws cost against N, EMOTUS_CROWD says how many performers (150).
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from emotus.engine.clock import NS_PER_S, MonotonicClock
from emotus.engine.events import EmotionEvent, Event
from emotus.engine.network import load
from emotus.engine.pipeline import Engine
from emotus.engine.pose import Pose
from emotus.engine.runner import Runner
from emotus.models.lean import LeanRecogniser
from emotus.models.steppers import EagerStepper, LeanStepper
from emotus.models.store import load_recogniser
from emotus.sensors.uri import open_sensor

RATE_HZ = 30.0
COUNTS = (1, 4, 16, 64, 150, 400)
CROWD = int(os.environ.get("EMOTUS_CROWD", "150"))
GOALS = {150: "150 performers at 30 Hz a core", 400: "400 performers at 30 Hz a core"}
STATE_KB = 512
SECONDS = float(os.environ.get("EMOTUS_SECONDS", "20"))

Row = dict[str, Any]


def run() -> list[Row]:
    """Return the rows: the recogniser by N, what a performer takes of memory, and a crowd live."""
    costs = {n: _recogniser(n) for n in COUNTS}
    rows = [_row(n, *cost) for n, cost in costs.items()]
    plot = os.environ.get("EMOTUS_PLOT")
    if plot:
        draw(Path(plot), {n: (np.median(a) / n, np.median(b) / n) for n, (a, b, _) in costs.items()})
    return [*rows, _state(), *_crowd()]


def _frames(n: int) -> np.ndarray:
    """Return frames (n, 90) of a body of which every joint is seen."""
    frames = np.random.default_rng(0).normal(0.0, 0.3, (n, 90)).astype(np.float32)
    frames[:, 63:84] = 1.0
    return frames


def _recogniser(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the times of a step of n, of an LSTM's step of n, and of torch's own step of n, taking turns, in ms."""
    network, _ = load_recogniser()
    frames = _frames(n)
    steps = [
        _by(LeanStepper(network, LeanRecogniser(network, n)), frames),
        _lstm(n),
        _by(EagerStepper(network), frames),
    ]
    found: list[list[float]] = [[] for _ in steps]
    for turn in range(31):
        for step, times in zip(steps, found, strict=True):
            began = time.perf_counter_ns()
            step()
            if turn > 0:
                times.append((time.perf_counter_ns() - began) / 1e6)
    ours, lstm, eager = (np.array(times) for times in found)
    return ours, lstm, eager


def _by(stepper: LeanStepper | EagerStepper, frames: np.ndarray) -> Callable[[], None]:
    memories = [stepper.enter() for _ in frames]

    def step() -> None:
        nonlocal memories
        _, memories = stepper.step(frames, memories)

    return step


def _lstm(n: int) -> Callable[[], None]:
    lstm = torch.nn.LSTM(90, 128, num_layers=2).eval()
    x = torch.randn(1, n, 90)
    state = (torch.zeros(2, n, 128), torch.zeros(2, n, 128))

    def step() -> None:
        nonlocal state
        with torch.inference_mode():
            _, state = lstm(x, state)

    return step


def _row(n: int, ours: np.ndarray, lstm: np.ndarray, eager: np.ndarray) -> Row:
    whole = float(np.median(ours))
    goal = GOALS.get(n)
    return {
        "name": f"recogniser, a stream of {n} (torch eager: {float(np.median(eager)) / n:.3f} ms)",
        "ours_ms": whole / n,
        "ours_p99_ms": float(np.quantile(ours, 0.99)) / n,
        "peer": f"LSTM 2x128, a stream of {n} (torch)",
        "peer_ms": float(np.median(lstm)) / n,
        "peer_p99_ms": float(np.quantile(lstm, 0.99)) / n,
        "ratio": float(np.median(lstm)) / whole,
        "goal": "-" if goal is None else f"{goal}: {1000 / (n * RATE_HZ):.3f} ms",
        "met": None if goal is None else whole <= 1000.0 / RATE_HZ,
    }


def _state() -> Row:
    network, _ = load_recogniser()
    kilobytes = LeanRecogniser(network).nbytes() / 1024
    return _told(f"state of one performer: {kilobytes:.0f} KB", f"<= {STATE_KB} KB", met=kilobytes <= STATE_KB)


@dataclass(frozen=True, slots=True)
class _Health:
    state: str = "live"
    message: str = ""


class Crowd:
    """Give the poses of many performers, each at her own moments of every thirtieth of a second."""

    live = True

    def __init__(self, performers: int, seconds: float) -> None:
        self._clock = MonotonicClock()
        self._takes = [_take(emotion) for emotion in ("happy", "sad", "angry", "neutral")]
        rng = np.random.default_rng(0)
        self._order = np.sort(rng.uniform(0.0, 1.0 / RATE_HZ, performers))
        self._frames = round(seconds * RATE_HZ)
        self._next = 0
        self._begun_ns = 0

    def open(self) -> None:
        """Begin now."""
        self._begun_ns = self._clock.now_ns()

    def read(self) -> Pose | None:
        """Return the next pose at its moment, stamped with that moment."""
        frame, who = divmod(self._next, len(self._order))
        self._next += 1
        at_ns = self._begun_ns + round((frame / RATE_HZ + self._order[who]) * NS_PER_S)
        self._clock.sleep_until_ns(at_ns)
        take = self._takes[who % len(self._takes)]
        return replace(take[frame % len(take)], stream=f"p{who}", seq=frame, t_ns=at_ns)

    def close(self) -> None:
        """Nothing is open."""

    def health(self) -> _Health:
        """Tell whether the time is over."""
        return _Health("ended" if self._next >= self._frames * len(self._order) else "live")


def _take(emotion: str) -> list[Pose]:
    sensor = open_sensor(f"synthetic:{emotion}?rate={RATE_HZ:g}&speed=0&seconds=20", MonotonicClock())
    sensor.open()
    poses = []
    while sensor.health().state != "ended":
        pose = sensor.read()
        if pose is not None:
            poses.append(pose)
    sensor.close()
    return poses


class _Ear:
    """Hear every event, and keep the age of each answer in the order in which they came."""

    def __init__(self) -> None:
        self.ages_ms: list[float] = []

    def start(self) -> None:
        """Nothing to start."""

    def send(self, event: Event) -> None:
        """Keep an answer's age."""
        if isinstance(event, EmotionEvent):
            self.ages_ms.append(event.latency_ms)

    def close(self) -> None:
        """Nothing to close."""

    def stats(self) -> Any:
        """Nothing waits here."""
        from emotus.bridges.base import BridgeStats

        return BridgeStats()


def _crowd() -> list[Row]:
    """Return what 150 live performers are answered, how late, and what it takes."""
    clock, ear = MonotonicClock(), _Ear()
    engine = Engine(load("bandai-stgcn"), clock, max_performers=CROWD)
    runner = Runner([Crowd(CROWD, SECONDS)], engine, [ear], clock)
    process, begun = psutil.Process(), time.monotonic()
    memory: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            memory.append(process.memory_info().rss / 2**20)

    watcher = threading.Thread(target=watch)
    watcher.start()
    busy = sum(process.cpu_times()[:2])
    summary = runner.run()
    busy = sum(process.cpu_times()[:2]) - busy
    done.set()
    watcher.join()
    took = time.monotonic() - begun
    expected = CROWD * round(SECONDS * RATE_HZ)
    late = sum(counts.get("late", 0) for counts in summary.counters.values())
    unanswered = expected - len(ear.ages_ms)
    ages = ear.ages_ms[min(CROWD * 60, len(ear.ages_ms) // 4) :]  # the first two seconds warm up
    first, last = ages[: len(ages) // 2], ages[len(ages) // 2 :]
    half = (len(memory) + 1) // 2
    grown = statistics.median(memory[half:]) - statistics.median(memory[half // 2 : half]) if half > 3 else 0.0
    p50, p99 = (float(np.quantile(ages or [np.inf], q)) for q in (0.5, 0.99))
    return [
        {
            **_told(f"{CROWD} performers live, {took:.0f} s: age of an answer", "p99 <= 66 ms", met=p99 <= 66.0),
            "ours_ms": p50,
            "ours_p99_ms": p99,
        },
        _told(
            f"their answers: {unanswered} of {expected} not given, {late} late, inbox dropped {summary.inbox.dropped}",
            "all but 0.1 %",
            met=unanswered <= expected / 1000,
        ),
        _told(
            f"p99 of the halves {np.quantile(first or [0], 0.99):.1f}, {np.quantile(last or [0], 0.99):.1f} ms; "
            f"{busy / took:.2f} cores; memory {grown:+.1f} MB",
            "-",
        ),
    ]


def _told(name: str, goal: str, *, met: bool | None = None) -> Row:
    empty = dict.fromkeys(("ours_ms", "ours_p99_ms", "peer", "peer_ms", "peer_p99_ms", "ratio"))
    return {"name": name, **empty, "peer": "", "goal": goal, "met": met}


def draw(path: Path, costs: dict[int, tuple[float, float]]) -> None:
    """Draw what a stream costs against how many there are."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    counts: Sequence[int] = list(costs)
    axes.loglog(counts, [ours for ours, _ in costs.values()], "o-", color="#c2410c", label="emotus, shipped recogniser")
    axes.loglog(counts, [lstm for _, lstm in costs.values()], "s--", color="#475569", label="LSTM 2x128 (torch)")
    axes.loglog(counts, [1000 / (n * RATE_HZ) for n in counts], ":", color="#0f766e", label="all at 30 Hz on one core")
    axes.set(xlabel="performers", ylabel="ms a performer a frame", xticks=counts, xticklabels=[str(n) for n in counts])
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110, metadata={"Software": None} if path.suffix == ".png" else None)
    plt.close(figure)


if __name__ == "__main__":
    for each in run():
        print(each)
    sys.exit()
