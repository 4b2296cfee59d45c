"""A sensor in trouble: another one whose poses are lost, withheld, doubled, shuffled and poisoned, by a script."""

from __future__ import annotations

import dataclasses
import random
from collections import deque

import numpy as np

from emotus.engine.clock import NS_PER_S, Clock
from emotus.engine.pose import Pose
from emotus.sensors.base import Health, Sensor

POISONS = ("nan", "inf", "huge", "teleport", "zero turn", "nan turn", "nan confidence")
# What happens in the course of four minutes, again and again: kind, when it begins and ends (s), and how strong it is.
SCRIPT = (
    ("silence", 11.0, 11.1, 1.0),
    ("loss", 20.0, 35.0, 0.01),
    ("silence", 41.0, 42.0, 1.0),
    ("loss", 50.0, 60.0, 0.05),
    ("disorder", 66.0, 80.0, 3),
    ("double", 74.0, 88.0, 0.2),
    ("loss", 94.0, 100.0, 0.25),
    ("poison", 106.0, 116.0, 0.3),
    ("burst", 122.0, 132.0, 30),
    ("restart", 140.0, 140.1, 1.0),
    ("poison", 150.0, 151.0, 1.0),
    ("silence", 170.0, 180.0, 1.0),
)
ROUND_S = 240.0


class Troubled:
    """Pass on what another sensor gives, with the faults of rows 1 to 4 when the script has them.

    Counted: `made` by the other, `withheld` of those, `doubled` by us, `given` in all; given == made - withheld +
    doubled - what is held for shuffling. phase_s: how far into the script it begins.
    """

    live = True

    def __init__(self, inner: Sensor, clock: Clock, *, seed: int, phase_s: float = 0.0, pace: float = 1.0) -> None:
        self._inner = inner
        self._clock = clock
        self._rng = random.Random(seed)
        self._phase_s, self._pace = phase_s, pace
        self._held: list[Pose] = []
        self._ready: deque[Pose] = deque()
        self._shift = 0
        self._restarted = -1
        self.made = self.withheld = self.doubled = self.given = self.poisoned = 0

    @property
    def rate_hz(self) -> float:
        """Return the poses a second of the other sensor."""
        return self._inner.rate_hz

    def open(self) -> None:
        """Begin."""
        self._inner.open()
        self._start_ns = self._clock.now_ns()

    def read(self) -> Pose | None:
        """Return the next pose that gets through, after what the script does to it."""
        if not self._ready:
            pose = self._inner.read()
            if pose is None:
                return None
            self.made += 1
            self._suffer(pose)
        if not self._ready:
            return None
        self.given += 1
        return self._ready.popleft()

    @property
    def held(self) -> int:
        """Return the poses that wait to be shuffled, or for the next read."""
        return len(self._held) + len(self._ready)

    def close(self) -> None:
        """Stop."""
        self._inner.close()

    def health(self) -> Health:
        """Return that of the other."""
        return self._inner.health()

    def _suffer(self, pose: Pose) -> None:
        seconds = (self._clock.now_ns() - self._start_ns) / NS_PER_S * self._pace + self._phase_s
        lap, at_s = divmod(seconds, ROUND_S)
        now = {kind: strength for kind, begin, end, strength in SCRIPT if begin <= at_s < end}
        if "restart" in now and self._restarted != lap:
            self._restarted = lap
            self._shift = -pose.seq + self._rng.choice((0, 7, 2**31, 2**32 - 50))
        pose = dataclasses.replace(pose, seq=(pose.seq + self._shift) % 2**32)
        if self._is_lost(now):
            self.withheld += 1
            return
        if self._rng.random() < now.get("poison", 0.0):
            pose = self._poisoned(pose)
        self._held.append(pose)
        if len(self._held) >= now.get("disorder", 1):
            self._rng.shuffle(self._held)
            self._ready.extend(self._held)
            self._held.clear()
        if self._ready and self._rng.random() < now.get("double", 0.0):
            self.doubled += 1
            self._ready.append(self._ready[-1])

    def _is_lost(self, now: dict[str, float]) -> bool:
        burst = now.get("burst")
        in_burst = burst is not None and self.made % (10 * round(burst)) < burst
        return "silence" in now or in_burst or self._rng.random() < now.get("loss", 0.0)

    def _poisoned(self, pose: Pose) -> Pose:
        self.poisoned += 1
        kind, joint = self._rng.choice(POISONS), self._rng.randrange(21)
        name = "rotations" if kind.endswith("turn") else "confidence" if kind.endswith("confidence") else "positions"
        array: np.ndarray = getattr(pose, name).copy()
        value = {"inf": np.inf, "huge": 1e38, "zero turn": 0.0}.get(kind, np.nan)
        array[joint] = array[joint] + 7.0 if kind == "teleport" else value
        return dataclasses.replace(pose, **{name: array})
