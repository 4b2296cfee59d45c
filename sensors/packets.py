"""Packets to poses: what every decoder of a live stream is, and the bounded pump between a socket and a reader."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol

from ..engine.clock import NS_PER_MS, NS_PER_S, Clock
from ..engine.errors import PacketError
from ..engine.pose import Pose
from .base import Health

STALE_AFTER_MS: Final = 200.0
POSES_HELD: Final = 256  # a second of four performers at 60 Hz: what a reader may be behind

_IN_VAIN: Final = 4  # a process that was held up has not listened: silence ends it only after so many vain listens

State = Literal["closed", "live", "ended", "lost"]


class PacketDecoder(Protocol):
    """Turn the packets of one protocol into poses; pure: no socket, no clock but the time it is told.

    It may hold a bounded state between packets (fragments, bone lengths), which reset() forgets. rate_hz: the frames
    a second of one performer, as far as it is known. counters: what it dropped or passed over, by reason, beyond the
    malformed packets that the pump counts. notes: what a person should know, the newest last, at most a few lines.
    """

    rate_hz: float

    @property
    def counters(self) -> Mapping[str, int]:
        """Return what was dropped or passed over, by reason."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """Return what a person should know: what was matched, what was guessed."""
        ...

    def feed(self, data: bytes, t_ns: int) -> Iterable[Pose]:
        """Return the poses that a packet, which came at t_ns, completes; raise PacketError, and nothing else."""
        ...

    def reset(self) -> None:
        """Forget everything that was heard."""
        ...


class PacketPump:
    """Hold the poses between a decoder and the reader, and know how fresh they are; bounded, the oldest falls out.

    stale_after_ms: silence after which it is stale. end_after_s: silence after which it has ended, 0 for never.
    """

    def __init__(
        self,
        decoder: PacketDecoder,
        clock: Clock,
        *,
        stale_after_ms: float = STALE_AFTER_MS,
        end_after_s: float = 0.0,
    ) -> None:
        self._decoder = decoder
        self._clock = clock
        self._stale_after_ns = round(stale_after_ms * NS_PER_MS)
        self._end_after_ns = round(end_after_s * NS_PER_S)
        self._decoding = threading.Lock()  # held while the decoder works, or is asked what it knows
        self._lock = threading.Lock()
        self.state: State = "closed"
        self._rewind()

    def _rewind(self) -> None:
        self._poses: deque[Pose] = deque(maxlen=POSES_HELD)
        self._counts: Counter[str] = Counter(received=0, dropped_malformed=0, dropped_backlog=0)
        self._problem = ""
        self._ever = False
        self._in_vain = 0  # times it was listened in vain since the last pose
        self._came_ns = self._clock.now_ns()  # when the last pose came, or when it began to listen

    def open(self) -> None:
        """Begin afresh."""
        with self._decoding:
            self._decoder.reset()
        with self._lock:
            self._rewind()
            self.state = "live"

    def close(self) -> None:
        """Let go of what is held."""
        with self._lock:
            self.state = "closed"
            self._poses.clear()

    def count(self, reason: str, n: int = 1) -> None:
        """Count n packets that went no further."""
        with self._lock:
            self._counts[reason] += n

    def take(self, data: bytes, t_ns: int) -> bool:
        """Decode one packet that came at t_ns; return False, and count it, where it is malformed."""
        try:
            with self._decoding:
                poses = tuple(self._decoder.feed(data, t_ns))
        except PacketError as error:
            with self._lock:
                self._counts["dropped_malformed"] += 1
                self._problem = f"last malformed packet: {error}"
            return False
        with self._lock:
            for pose in poses:
                self._counts["dropped_backlog"] += len(self._poses) == POSES_HELD
                self._poses.append(pose)
            self._counts["received"] += len(poses)
            if poses:
                self._came_ns, self._ever, self._in_vain = t_ns, True, 0
        return True

    @property
    def waiting(self) -> int:
        """Return the poses that wait."""
        return len(self._poses)

    def next(self) -> Pose | None:
        """Return the oldest pose that waits, if any."""
        with self._lock:
            return self._poses.popleft() if self._poses and self.state == "live" else None

    def last(self) -> Pose | None:
        """Return what next does, after listening in vain has been tried: note the end of a silence that is too long."""
        pose = self.next()
        with self._lock:
            silent_ns = self._clock.now_ns() - self._came_ns
            self._in_vain += pose is None
            if self._in_vain >= _IN_VAIN and self.state == "live" and 0 < self._end_after_ns < silent_ns:
                self.state = "ended"
        return pose

    def health(self, where: str, hint: str, notes: Sequence[str]) -> Health:
        """Return the state with counters; where: what is listened to. hint: the mend where nothing was ever heard."""
        with self._lock:
            state, ever, counts, problem = self.state, self._ever, dict(self._counts), self._problem
            silent_ns = self._clock.now_ns() - self._came_ns
        with self._decoding:
            told, dropped = [*self._decoder.notes, *notes, problem], dict(self._decoder.counters)
        if state == "live" and silent_ns > self._stale_after_ns:
            told.insert(0, _silence(where, hint, silent_ns / NS_PER_S, ever=ever))
        elif state == "live" and not ever:
            told.insert(0, f"listening on {where}" + (f" ({hint})" if hint else ""))
        elif state == "ended":
            told.insert(0, f"ended: nothing came from {where} for {self._end_after_ns / NS_PER_S:g} s")
        stale = state == "live" and silent_ns > self._stale_after_ns
        message = "\n".join(line for line in told if line)
        return Health("stale" if stale else state, message, counts | dropped)


def _silence(where: str, hint: str, seconds: float, *, ever: bool) -> str:
    if ever:
        return f"silent for {seconds:.1f} s: nothing comes from {where} any more"
    return f"nothing heard on {where} yet" + (f" ({hint})" if hint else "")
