"""Numbers that glide: avatars, lamps and synthesizers follow the answers without a jump."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from ..engine.clock import NS_PER_S

MAX_NAMES: Final = 256


class Glide:
    """Follow named numbers as a first-order low-pass of smooth_s seconds does, by the events' own time.

    A number that is new is believed at once; 0 seconds follow at once. At most MAX_NAMES are kept.
    """

    def __init__(self, smooth_s: float) -> None:
        self._smooth_ns = smooth_s * NS_PER_S
        self.reset()

    def reset(self) -> None:
        """Forget all numbers."""
        self._values: dict[str, float] = {}
        self._t_ns: int | None = None

    def to(self, targets: Mapping[str, float], t_ns: int) -> dict[str, float]:
        """Return where the numbers are at t_ns on their way to the targets; those not named are forgotten."""
        past_ns = t_ns - self._t_ns if self._t_ns is not None else 0
        self._t_ns = t_ns
        share = 1.0 if past_ns < 0 or not self._smooth_ns else -math.expm1(-past_ns / self._smooth_ns)
        before = self._values
        if len(targets) > MAX_NAMES:
            targets = dict(list(targets.items())[:MAX_NAMES])
        self._values = {name: to + (1.0 - share) * (before.get(name, to) - to) for name, to in targets.items()}
        return dict(self._values)


class Pace:
    """Let through at most rate_hz frames a second of each stream's own time; 0 lets all through."""

    def __init__(self, rate_hz: float) -> None:
        self._interval_ns = round(NS_PER_S / rate_hz) if rate_hz else 0
        self.reset()

    def reset(self) -> None:
        """Forget when the last came."""
        self._due_ns: int | None = None
        self._last_ns = 0

    def admits(self, t_ns: int) -> bool:
        """Tell whether the frame of t_ns passes; the mean rate is kept though frames come unevenly."""
        if self._due_ns is None or t_ns < self._last_ns:
            self._due_ns = t_ns
        if t_ns < self._due_ns - self._interval_ns // 4:
            return False
        late = t_ns - self._due_ns >= self._interval_ns
        self._due_ns = (t_ns if late else self._due_ns) + self._interval_ns
        self._last_ns = t_ns
        return True
