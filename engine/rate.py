"""The rate of a source, followed as it is, whatever is lost on the way."""

from __future__ import annotations

from .clock import NS_PER_MS, NS_PER_S


class SourceRate:
    """Follow the time between two poses of a source.

    Each observation moves the estimate by an eighth of what it is off, and counts as at most a quarter of the period
    off: a pause moves the estimate by 3 %, a quarter of the poses lost moves it by 10 %, a new rate is reached within a
    second. The estimate stays in 1..100 ms:
    no body moves faster, and slower sources cannot be read (DESIGN.md 3 bridges 100 ms).
    """

    def __init__(self, first_ns: float = NS_PER_S / 30) -> None:
        self._first_ns = first_ns
        self.reset()

    def reset(self) -> None:
        """Forget the source."""
        self.period_ns = self._first_ns
        self._known = False

    def update(self, elapsed_ns: float) -> None:
        """Take in the time between the last two poses that came."""
        each_ns = elapsed_ns
        period_ns = self.period_ns
        if self._known:
            quarter = 0.25 * period_ns
            each_ns = period_ns + 0.125 * min(max(each_ns - period_ns, -quarter), quarter)
        self._known = True
        self.period_ns = min(max(each_ns, 1.0 * NS_PER_MS), 100.0 * NS_PER_MS)
