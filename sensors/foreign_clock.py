"""Map a sender's own time stamps to our clock: a line through the earliest arrivals, found again every second.

A packet never arrives before it was made, and the luckiest ones arrive with the least delay. So the earliest arrival
of each second is kept, and the line through those of the last two minutes joins the two clocks, offset and drift
(after Paxson, On Calibrating Measurements of Packet Transit Times, SIGMETRICS 1998). A network that stands still for a
second or two makes outliers above the line, which are left out.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from ..engine.clock import NS_PER_MS, NS_PER_S
from ..engine.skeleton import Float64

_BUCKET_NS: Final = NS_PER_S  # of the sender's time: the earliest arrival of each is kept
_BUCKETS: Final = 120  # two minutes: what temperature does to a quartz is slower
_USUAL_DRIFT: Final = 2e-4  # of one quartz against another
_MOST_DRIFT: Final = 1e-3  # beyond this it is no clock
_ROUNDS: Final = 4
_DEVIATION: Final = 1.4826  # median deviations in a standard deviation
_LEAST_SCATTER_NS: Final = 0.2 * NS_PER_MS  # stamps are whole milliseconds as a rule
_EARLY_NS: Final = 100 * NS_PER_MS  # so much before the line no packet can be: the sender's clock was set
_LATE_NS: Final = 500 * NS_PER_MS  # so late for _PATIENCE_NS on end: the sender's clock stood still
_PATIENCE_NS: Final = 3 * NS_PER_S


class ForeignClock:
    """Tell when, on our clock, a sender stamped its packets; state is bounded and forgotten by reset.

    tick_ns: nanoseconds in one of the sender's ticks. bits: width of its counter, after which it begins at 0 again.
    What remains is the least delay on the way, which nobody can see from one side. Counted: resyncs, after the first.
    """

    def __init__(self, *, tick_ns: float = NS_PER_MS, bits: int = 32) -> None:
        self._tick_ns = tick_ns
        self._span = 1 << bits
        self.reset()

    def reset(self) -> None:
        """Forget the sender."""
        self.resyncs = 0
        self._begun = False

    @property
    def drift_ppm(self) -> float:
        """Return by how much our clock is faster than the sender's, in millionths."""
        return self._slope * 1e6 if self._begun else 0.0

    def to_ours(self, stamp: int, arrival_ns: int) -> int:
        """Return the moment of our clock, in ns, at which the sender stamped a packet that came at arrival_ns.

        Later stamps give later moments, never after their arrival.
        """
        if not self._begun:
            self._start(stamp, arrival_ns)
        ticks = self._unwrapped(stamp)
        offset_ns = arrival_ns - self._zero_ns - ticks * self._tick_ns
        if self._is_other(ticks, offset_ns, arrival_ns):
            self.resyncs += 1
            self._start(stamp, arrival_ns)
            ticks, offset_ns = 0, 0.0
        self._learn(ticks * self._tick_ns, offset_ns)
        return self._place(ticks, arrival_ns)

    def _start(self, stamp: int, arrival_ns: int) -> None:
        """Begin a new line at this packet."""
        last_ns = self._last_ns if self._begun else arrival_ns - 1
        self._begun = True
        self._zero_ns = arrival_ns  # ours at the first stamp
        self._stamp, self._ticks = stamp % self._span, 0
        self._line_ns, self._slope = 0.0, 0.0  # offset at stamp zero, and its growth per ns
        self._buckets: deque[tuple[float, float]] = deque(maxlen=_BUCKETS)  # (stamp ns, least offset ns) of each
        self._bucket = 0
        self._least: tuple[float, float] | None = None  # of the bucket now
        self._late_since_ns: int | None = None
        self._last_ns = last_ns
        self._last_ticks = -1

    def _unwrapped(self, stamp: int) -> int:
        """Return the ticks since the first stamp, which may be fewer than before where packets overtook."""
        step = (stamp - self._stamp) % self._span
        if step >= self._span // 2:
            return self._ticks + step - self._span
        self._ticks += step
        self._stamp = stamp % self._span
        return self._ticks

    def _is_other(self, ticks: int, offset_ns: float, arrival_ns: int) -> bool:
        """Tell whether the sender began again, or set its clock: no delay explains this offset."""
        excess_ns = offset_ns - self._offset_at(ticks * self._tick_ns)
        if excess_ns < -_EARLY_NS or ticks < -_PATIENCE_NS / self._tick_ns:
            return True
        if excess_ns < _LATE_NS:
            self._late_since_ns = None
            return False
        if self._late_since_ns is None:
            self._late_since_ns = arrival_ns
        backward = (self._ticks - ticks) * self._tick_ns > NS_PER_S
        return backward or arrival_ns - self._late_since_ns > _PATIENCE_NS

    def _offset_at(self, stamp_ns: float) -> float:
        return self._line_ns + self._slope * stamp_ns

    def _learn(self, stamp_ns: float, offset_ns: float) -> None:
        """Keep the earliest arrival of each second; with each new second find the line again."""
        bucket = int(stamp_ns // _BUCKET_NS)
        if bucket > self._bucket and self._least is not None:
            self._buckets.append(self._least)
            self._least, self._bucket = None, bucket
            self._line_ns, self._slope = fit_line(np.array(self._buckets))
        excess_ns = offset_ns - self._offset_at(stamp_ns)
        if self._least is None or excess_ns < self._least[1] - self._offset_at(self._least[0]):
            self._least = (stamp_ns, offset_ns)
        if not self._buckets:  # of the first second the earliest so far
            self._line_ns = min(self._line_ns, offset_ns)

    def _place(self, ticks: int, arrival_ns: int) -> int:
        """Return our time of a stamp, later than that of every earlier stamp."""
        stamp_ns = ticks * self._tick_ns
        t_ns = min(self._zero_ns + round(stamp_ns + self._offset_at(stamp_ns)), arrival_ns)
        if ticks > self._last_ticks:
            t_ns = max(t_ns, self._last_ns + 1)
            self._last_ticks, self._last_ns = ticks, t_ns
        return t_ns


def fit_line(points: Float64) -> tuple[float, float]:
    """Return offset at zero and slope of the line through points (N, 2), whatever few of them lie far above.

    Least squares, with the slope held towards 0 as far as the scatter leaves it open (a quartz is off by 200 ppm or
    less), without the points that lie beyond three deviations above the line.
    """
    kept = points
    for _ in range(_ROUNDS):
        line_ns, slope = _through(kept)
        above = kept[:, 1] - line_ns - slope * kept[:, 0]
        centre = np.median(above)
        scatter = _DEVIATION * float(np.median(np.abs(above - centre)))
        near = above <= centre + 3.0 * scatter + _LEAST_SCATTER_NS
        if near.all():
            return line_ns, slope
        kept = kept[near]
    return _through(kept)


def _through(points: Float64) -> tuple[float, float]:
    """Return offset at zero and slope of the held least-squares line."""
    x, y = points[:, 0], points[:, 1]
    middle_x, middle_y = float(x.mean()), float(y.mean())
    dx, dy = x - middle_x, y - middle_y
    spread, product = float(dx @ dx), float(dx @ dy)
    if spread == 0.0:
        return middle_y, 0.0
    held = float(np.mean((dy - product / spread * dx) ** 2)) / _USUAL_DRIFT**2
    slope = min(max(product / (spread + held), -_MOST_DRIFT), _MOST_DRIFT)
    return middle_y - slope * middle_x, slope
