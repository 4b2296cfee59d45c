"""A Lab Streaming Layer of one process: what pylsl offers, as far as the sensor asks for it."""

from __future__ import annotations

import threading
import time
from collections import deque

import numpy as np

from emotus.engine.body import BODY, JOINT_NAMES
from emotus.engine.clock import Clock
from emotus.sensors.lsl import LslSensor


class Node:
    """A node of a stream's description."""

    def __init__(self, children: list[tuple[str, dict]] | None = None, values: dict | None = None, at: int = 0) -> None:
        self._children, self._values, self._at = children or [], values, at

    def child(self, name: str) -> Node:
        """Return the node below; "channels" holds all of them."""
        return Node(self._children) if name == "channels" else self._nth(0)

    def _nth(self, at: int) -> Node:
        return Node(self._children, self._children[at][1], at) if at < len(self._children) else Node()

    def next_sibling(self, _: str) -> Node:
        """Return the next channel."""
        return self._nth(self._at + 1)

    def empty(self) -> bool:
        """Tell whether there is no such node."""
        return self._values is None

    def child_value(self, name: str) -> str:
        """Return what it says."""
        return (self._values or {}).get(name, "")


class Info:
    """A stream's description."""

    def __init__(self, channels: list[dict], rate_hz: float) -> None:
        self._channels, self._rate_hz = channels, rate_hz

    def desc(self) -> Node:
        """Return its root."""
        return Node([("channel", values) for values in self._channels])

    def channel_count(self) -> int:
        """Return the channels."""
        return len(self._channels)

    def nominal_srate(self) -> float:
        """Return the rate it states."""
        return self._rate_hz


class FakeLsl:
    """One outlet, which may be switched on and off, and what hears it."""

    proc_clocksync, proc_monotonize = 1, 4

    def __init__(self, channels: list[dict], rate_hz: float = 60.0, offset_s: float = 1000.0) -> None:
        self.info = Info(channels, rate_hz)
        self.on, self.broken = True, False
        self.offset_s = offset_s
        self._samples: deque[tuple[list[float], float]] = deque(maxlen=1000)

    def local_clock(self) -> float:
        """Return its own time, which is not ours."""
        return time.monotonic() + self.offset_s

    def push(self, sample: list[float], stamp_s: float | None = None) -> None:
        """Send a sample."""
        self._samples.append((sample, self.local_clock() if stamp_s is None else stamp_s))

    def ContinuousResolver(self, *_: str, forget_after: float):  # noqa: N802 - pylsl's name
        """Return what finds the stream while it is on."""
        fake = self

        class Resolver:
            def results(self):
                return [fake.info] if fake.on else []

        return Resolver()

    def StreamInlet(self, info: Info, **_):  # noqa: N802 - pylsl's name
        """Return what hears it."""
        return _Inlet(self, info)


class _Inlet:
    def __init__(self, fake: FakeLsl, info: Info) -> None:
        self._fake, self._info = fake, info

    def info(self, timeout: float) -> Info:
        if self._fake.broken:
            raise TimeoutError("too slow")
        return self._info

    def pull_sample(self, timeout: float):
        if self._fake.broken:
            raise RuntimeError("lost")
        deadline = time.monotonic() + timeout
        while not self._fake._samples:
            if time.monotonic() >= deadline:
                return None, None
            time.sleep(0.002)
        return self._fake._samples.popleft()

    def pull_chunk(self, timeout: float, max_samples: int):
        taken = [self._fake._samples.popleft() for _ in range(min(max_samples, len(self._fake._samples)))]
        return [sample for sample, _ in taken], [stamp for _, stamp in taken]

    def close_stream(self) -> None:
        """Hang up."""


class PlayedLsl(LslSensor):
    """Hear a stream of a person who walks a centimetre a sample, which it plays to itself while it is open."""

    def __init__(self, clock: Clock, rate_hz: float, samples: int = 40) -> None:
        self._fake = FakeLsl([{"label": f"{name}_{axis}"} for name in JOINT_NAMES for axis in "xyz"], rate_hz)
        super().__init__("played", clock=clock, library=self._fake, end_after_s=0.5)
        self._left, self._period_s = samples, 1.0 / rate_hz
        self._stop: threading.Event | None = None

    def open(self) -> None:
        """Look for the stream, and play."""
        self.close()
        super().open()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, args=(self._stop,), daemon=True)
        self._thread.start()

    def _play(self, stop: threading.Event) -> None:
        start_s = time.monotonic()
        for i in range(self._left):
            if stop.wait(max(0.0, start_s + i * self._period_s - time.monotonic())):
                return
            places = BODY.rest_positions + np.array((0.0, 0.0, 0.01 * i))
            self._fake.push(places.ravel().tolist(), start_s + i * self._period_s + self._fake.offset_s)

    def close(self) -> None:
        """End the performance."""
        super().close()
        if self._stop is not None:
            self._stop.set()
            self._thread.join()
            self._stop = None
