"""The times of one performer's frames by the sender's own stamps, where these can be trusted; else by arrival."""

from __future__ import annotations

import math
from typing import Final

from ..engine.clock import NS_PER_S
from ..engine.rate import SourceRate
from .foreign_clock import ForeignClock

_TICK_NS: Final = 1000  # stamps are told in seconds and counted here in microseconds
_BITS: Final = 62
_LOOPED_S: Final = 0.25  # a stamp that goes back farther is a clip that began again, not a packet that was overtaken
_AHEAD: Final = 4  # half periods: so many frames that came at once are set apart, of more the rest is dropped
_MOST_S: Final = 1e11  # three thousand years: beyond it a stamp is no time


class SourceTime:
    """Give each frame a time that rises, and know how many come in a second; state is forgotten by reset."""

    def __init__(self) -> None:
        self._clock = ForeignClock(tick_ns=_TICK_NS, bits=_BITS)
        self._rate = SourceRate(NS_PER_S / 60)
        self.reset()

    def reset(self) -> None:
        """Forget the sender."""
        self._clock.reset()
        self._rate.reset()
        self._stamp_s: float | None = None
        self._last_ns: int | None = None

    def of(self, stamp_s: float | None, arrival_ns: int) -> int | None:
        """Return when a frame was made, on our clock; None for one that a later one has overtaken.

        A stamp that stands still, is missing or is no time tells nothing: then the arrival counts. Of frames that came
        at once, as after a pause of the network or the reader, each later one counts half a period later.
        """
        t_ns = self._by_stamp(stamp_s, arrival_ns)
        if t_ns is None:
            return None
        if self._last_ns is not None and t_ns <= self._last_ns:
            step_ns = round(self._rate.period_ns / 2)
            if self._last_ns - t_ns >= _AHEAD * step_ns:
                return None
            t_ns = self._last_ns + step_ns
        if self._last_ns is not None:
            self._rate.update(t_ns - self._last_ns)
        self._last_ns = t_ns
        return t_ns

    @property
    def rate_hz(self) -> float:
        """Return the frames a second, 60 before there were two."""
        return NS_PER_S / self._rate.period_ns

    def _by_stamp(self, stamp_s: float | None, arrival_ns: int) -> int | None:
        if stamp_s is None or not math.isfinite(stamp_s) or abs(stamp_s) > _MOST_S:
            return arrival_ns
        before, step_s = self._stamp_s, 0.0 if self._stamp_s is None else stamp_s - self._stamp_s
        if before is not None and -_LOOPED_S < step_s < 0.0:
            return None
        self._stamp_s = stamp_s
        if before is not None and step_s == 0.0:
            return arrival_ns
        if step_s < 0.0:
            self._clock.reset()
        return self._clock.to_ours(round(stamp_s * NS_PER_S / _TICK_NS), arrival_ns)
