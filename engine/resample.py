"""Resampling: poses at whatever rate a sensor has become poses at the model's rate."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from .clock import NS_PER_MS, NS_PER_S
from .pose import Arrival, Pose
from .rate import SourceRate
from .streams import MODEL_RATE_HZ
from .window import BoxAverage, align, between

_MISSING: Final = 1.5  # source periods without a pose from which the frames between count as interpolated
_FAST: Final = 0.8  # source periods shorter than this share of ours are averaged


class Resampler:
    """Bring one stream to exactly rate_hz, on a grid that the first pose after a start or a hole anchors.

    The first pose leaves at once. A source at this rate already, to jitter_ns from pose to pose, passes one to one with
    its values and times untouched. A faster source (1.25 times or more) is averaged over one output period around each
    place on the grid: noise falls with the number of poses averaged, what repeats at multiples of rate_hz cannot alias,
    values belong to their time, and the answer waits half an output period. Others are interpolated between the two
    poses around each place. Positions are linear; rotations are too, and then made unit, which lags slerp by less than
    0.1 degrees for turns of 15 degrees a frame; confidence is the least of those used.

    Frames made where more than 1.5 source periods are missing are marked `interpolated`. A Hole passes on and starts a
    new grid. seq rises by one a frame from that of the first pose.
    """

    def __init__(self, rate_hz: float = MODEL_RATE_HZ, *, jitter_ns: int = 2 * NS_PER_MS) -> None:
        self.rate_hz = rate_hz
        self._period_ns = NS_PER_S / rate_hz
        self._jitter_ns = jitter_ns
        self._source = SourceRate()
        self.reset()

    def reset(self) -> None:
        """Forget the stream; the next pose anchors a new grid and gives seq its start."""
        self._seq: int | None = None
        self._source.reset()
        self._restart()

    def push(self, arrival: Arrival) -> tuple[Arrival, ...]:
        """Take the next pose or hole and return what is due by now, oldest first.

        A pose no later than the one before it is passed over; the intake lets none through.
        """
        if not isinstance(arrival, Pose):
            self._restart()
            return (arrival,)
        last = self._last
        if last is None:
            return self._begin(arrival)
        elapsed_ns = arrival.t_ns - last.t_ns
        if elapsed_ns <= 0:
            return ()
        self._source.update(elapsed_ns)
        missing = elapsed_ns > _MISSING * self._source.period_ns
        if self._source.period_ns < _FAST * self._period_ns:
            self._last = align(arrival, last)
            return self._average(last, self._last, missing=missing)
        self._last = arrival
        self._box.clear()
        return self._interpolate(last, arrival, missing=missing)

    def _restart(self) -> None:
        self._last: Pose | None = None
        self._box = BoxAverage()

    def _begin(self, pose: Pose) -> tuple[Pose, ...]:
        self._last = pose
        self._anchor(pose.t_ns)
        return (self._number(pose),)

    def _anchor(self, t_ns: int) -> None:
        """Lay the grid so that t_ns is on it and its successor due next."""
        self._anchor_ns = t_ns
        self._set_place(1)

    def _set_place(self, place: int) -> None:
        """Make a place of the grid the next one due; counted from the anchor, so that rounding never adds up."""
        self._place = place
        self._due_ns = self._anchor_ns + round(place * self._period_ns)

    def _next_seq(self, pose: Pose) -> int:
        """Return the seq of the next frame of the output; the first has that of its pose."""
        seq = pose.seq if self._seq is None else self._seq
        self._seq = seq + 1
        return seq

    def _number(self, pose: Pose) -> Pose:
        """Return the pose with the next seq of the output; itself where it has that."""
        seq = self._next_seq(pose)
        return pose if pose.seq == seq else replace(pose, seq=seq)

    def _interpolate(self, last: Pose, pose: Pose, *, missing: bool) -> tuple[Pose, ...]:
        """Return the frames due between two poses; a pose that comes when it is due is one itself."""
        out: tuple[Pose, ...] = ()
        near_ns = self._jitter_ns
        while self._due_ns <= pose.t_ns + near_ns:
            if abs(pose.t_ns - self._due_ns) <= near_ns and self._keeps_rate(last, pose):
                self._anchor(pose.t_ns)
                return (*out, self._number(pose))
            if self._due_ns > pose.t_ns:
                break
            made = missing and self._due_ns < pose.t_ns
            out += (between(last, pose, self._due_ns, self._next_seq(pose), interpolated=made),)
            self._set_place(self._place + 1)
        return out

    def _keeps_rate(self, last: Pose, pose: Pose) -> bool:
        """Tell whether two poses lie a whole number of our periods apart."""
        elapsed_ns = pose.t_ns - last.t_ns
        steps = max(round(elapsed_ns / self._period_ns), 1)
        return abs(elapsed_ns - steps * self._period_ns) <= self._jitter_ns

    def _average(self, last: Pose, pose: Pose, *, missing: bool) -> tuple[Pose, ...]:
        """Return the frames whose period around their place on the grid is over by now."""
        out: tuple[Pose, ...] = ()
        half_ns = round(self._period_ns / 2)
        near_ns = min(self._jitter_ns, self._source.period_ns / 4)
        while pose.t_ns >= self._due_ns + half_ns - near_ns:
            self._box.add(last, pose, self._due_ns - half_ns, self._due_ns + half_ns, missing=missing)
            out += (self._box.take(pose, self._due_ns, self._next_seq(pose)),)
            self._set_place(self._place + 1)
        self._box.add(last, pose, self._due_ns - half_ns, self._due_ns + half_ns, missing=missing)
        return out
