"""Lateness: how much later than it usually does a pose comes to its turn."""

from __future__ import annotations

from .clock import NS_PER_S


class Lateness:
    """Tell the age of a pose beyond the least age of the last half to whole minute.

    Sensors have latencies of their own (a webcam 50 to 100 ms) and clocks that drift; both are the same for every pose
    and no reason to pass over any. What comes on top is a queue that builds up.
    """

    def __init__(self, *, memory_ns: int = 30 * NS_PER_S) -> None:
        self._memory_ns = memory_ns
        self.reset()

    def reset(self) -> None:
        """Forget what was usual."""
        self._turn_ns = 0
        self._least_ns: int | None = None
        self._least_before_ns: int | None = None

    def behind_ns(self, t_ns: int, now_ns: int) -> int:
        """Return how much older than usual a pose of t_ns is at now_ns, at least 0."""
        age_ns = now_ns - t_ns
        if self._least_ns is None or now_ns >= self._turn_ns:
            self._turn_ns = now_ns + self._memory_ns
            self._least_before_ns, self._least_ns = self._least_ns, age_ns
        self._least_ns = min(self._least_ns, age_ns)
        before_ns = self._least_ns if self._least_before_ns is None else self._least_before_ns
        return age_ns - min(self._least_ns, before_ns)
