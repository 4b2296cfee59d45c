"""Time, injected: a monotonic clock in integer nanoseconds, and one that tests turn by hand."""

from __future__ import annotations

import time
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Clock(Protocol):
    """Tell monotonic time in nanoseconds and wait for a moment of it."""

    def now_ns(self) -> int:
        """Return the monotonic time now, in nanoseconds."""
        ...

    def sleep_until_ns(self, t_ns: int) -> None:
        """Return once ``now_ns() >= t_ns``."""
        ...


class MonotonicClock:
    """Tell the machine's monotonic time; wall-clock steps and time zones never reach it."""

    def now_ns(self) -> int:
        """Return ``time.monotonic_ns()``."""
        return time.monotonic_ns()

    def sleep_until_ns(self, t_ns: int) -> None:
        """Sleep until the machine's monotonic clock shows t_ns."""
        wait_ns = t_ns - time.monotonic_ns()
        if wait_ns > 0:
            time.sleep(wait_ns / NS_PER_S)


class ManualClock:
    """Tell the time it was set to; sleeping moves it on at once. For tests and for files read at speed 0."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Return the time last set, in nanoseconds."""
        return self._now_ns

    def advance_ns(self, step_ns: int) -> None:
        """Move the clock on by step_ns >= 0."""
        if step_ns < 0:
            raise ValueError(f"a monotonic clock cannot go back by {-step_ns} ns")
        self._now_ns += step_ns

    def sleep_until_ns(self, t_ns: int) -> None:
        """Jump to t_ns if it lies ahead."""
        self._now_ns = max(self._now_ns, t_ns)
