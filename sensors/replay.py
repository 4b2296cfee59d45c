"""Play a recording that is held whole: at its own pace, faster, again and again, or all at once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.clock import NS_PER_S, Clock
from ..engine.pose import Pose
from ..engine.skeleton import Float32
from .base import Health

_WAIT_NS: Final = NS_PER_S // 10  # what read() waits at most


@dataclass(frozen=True, eq=False)
class Recording:
    """Hold T frames on the body.

    t_ns: (T,) int64 rising capture times from 0. seq: (T,) the source's own counting of rows. positions: (T, 21, 3)
    float32 metres in the house frame. confidence: (T, 21) float32. rotations: (T, 21, 4) float32 local or None.
    counters: rows left out, by reason. notes: what a person should know of it.
    """

    t_ns: NDArray[np.int64]
    seq: NDArray[np.int64]
    positions: Float32
    confidence: Float32
    rotations: Float32 | None
    rate_hz: float
    travels: bool = True
    counters: Mapping[str, int] = field(default_factory=dict[str, int])
    notes: tuple[str, ...] = ()


class Replay:
    """Perform a recording, which `load` returns or raises an EmotusError for.

    speed: 1 at the recording's own pace, 2 twice as fast; 0 every frame as soon as it is asked for, with the time it
    would have had, and `live` is then False. loop: begin again at the end, with times and numbers that go on rising.
    """

    def __init__(
        self, load: Callable[[], Recording], *, clock: Clock, stream: str, speed: float = 1.0, loop: bool = False
    ) -> None:
        self._load = load
        self._clock = clock
        self._stream = stream
        self._speed = speed
        self._loop = loop
        self._recording: Recording | None = None
        self._lock = threading.Lock()
        self._state = "closed"
        self.live = speed > 0
        self.rate_hz = 60.0 * (speed or 1.0)  # until the recording is read
        self._rewind()

    def _rewind(self) -> None:
        self._at = 0
        self._given = 0
        self._rounds = 0
        self._start_ns = 0

    def open(self) -> None:
        """Read the recording and begin."""
        recording = self._load()
        with self._lock:
            self._rewind()
            self._recording = recording
            self.rate_hz = recording.rate_hz * (self._speed or 1.0)
            self._start_ns = self._clock.now_ns()
            self._state = "live"

    def read(self) -> Pose | None:
        """Return the next frame when its time has come, or None after 0.1 s, at the end and when closed."""
        due_ns = self._due_ns()
        if due_ns is None:
            return None
        if self.live:
            now_ns = self._clock.now_ns()
            self._clock.sleep_until_ns(min(due_ns, now_ns + _WAIT_NS))
            if due_ns > now_ns + _WAIT_NS:
                return None
        with self._lock:
            return self._take(due_ns) if self._state == "live" else None

    def _due_ns(self) -> int | None:
        """Return when the next frame is due; None when there is none, or when it only now turned out so."""
        with self._lock:
            if self._state != "live" or self._recording is None:
                return None
            if self._at == len(self._recording.t_ns):
                if not self._loop or not self._at:
                    self._state = "ended"
                    return None
                self._at, self._rounds = 0, self._rounds + 1
            period_ns = self._recording.t_ns[-1] + round(NS_PER_S / self._recording.rate_hz)
            into_ns = self._rounds * period_ns + self._recording.t_ns[self._at]
            return self._start_ns + round(into_ns / (self._speed or 1.0))

    def _take(self, t_ns: int) -> Pose:
        recording, at = self._recording, self._at
        assert recording is not None  # noqa: S101 - the state is live
        self._at += 1
        self._given += 1
        seq = (int(recording.seq[at]) + self._rounds * (int(recording.seq[-1]) + 1)) % 2**32
        rotations = None if recording.rotations is None else recording.rotations[at]
        positions, confidence = recording.positions[at], recording.confidence[at]
        return Pose(self._stream, seq, t_ns, positions, confidence, rotations, travels=recording.travels)

    def close(self) -> None:
        """Stop and free everything; harmless when repeated."""
        with self._lock:
            self._state = "closed"
            self._recording = None

    def health(self) -> Health:
        """Return the state, what was found in the recording, and the counters."""
        with self._lock:
            recording, state, given = self._recording, self._state, self._given
        message = "\n".join(recording.notes) if recording else ""
        counters = {"received": given} | dict(recording.counters if recording else {})
        if state == "live":
            return Health("live", message, counters)
        return Health("ended" if state == "ended" else "closed", message, counters)


def stream_of(path: str | Path) -> str:
    """Return a stream id after the file's name without its endings: ASCII letters, digits, _ and -."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(path).name.partition(".")[0]).strip("_")
    return stem[:64] or "recording"
