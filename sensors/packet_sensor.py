"""What every sensor that packets come to has in common: how it waits, for how long, and how it is closed meanwhile."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Final

from ..engine.clock import NS_PER_S, Clock
from ..engine.pose import Pose
from .packets import STALE_AFTER_MS, PacketDecoder, PacketPump

WAIT_S: Final = 0.09  # what read() waits at most, with a little left for the work


class PacketSensor(ABC):
    """Give the poses that a decoder makes of what comes by a socket or a library.

    place: the sensor's address, for messages. stale_after_ms: silence that makes it stale. end_after_s: silence that
    ends it, 0 for never. hint: what to do where nothing is ever heard.
    """

    live = True
    reopens = True  # where it breaks the runner opens it again

    def __init__(
        self,
        place: str,
        decoder: PacketDecoder,
        clock: Clock,
        *,
        stale_after_ms: float = STALE_AFTER_MS,
        end_after_s: float = 0.0,
        hint: str = "",
    ) -> None:
        self._place = place
        self._decoder = decoder
        self._clock = clock
        self._hint = hint
        self._pump = PacketPump(decoder, clock, stale_after_ms=stale_after_ms, end_after_s=end_after_s)
        self._busy = threading.Lock()  # held while the socket or the library is used

    @property
    def place(self) -> str:
        """Return the sensor's address, as it is named in messages."""
        return self._place

    @property
    def rate_hz(self) -> float:
        """Return the frames a second of one performer, as far as the decoder knows."""
        return self._decoder.rate_hz

    def read(self) -> Pose | None:
        """Return the next pose, waiting for one at most 0.1 s."""
        pose = self._pump.next()
        if pose is not None or self._pump.state != "live":
            return pose
        with self._busy:
            self._listen()
        return self._pump.last()

    def _listen(self) -> None:
        """Take what comes until it gave a pose, nothing more comes, or 0.1 s have passed."""
        deadline_ns = self._clock.now_ns() + round(WAIT_S * NS_PER_S)
        wait_s = WAIT_S
        while wait_s > 0 and self._pump.state == "live" and not self._pump.waiting:
            if not self._hear(wait_s):
                return
            wait_s = min((deadline_ns - self._clock.now_ns()) / NS_PER_S, WAIT_S)

    @abstractmethod
    def _hear(self, wait_s: float) -> bool:
        """Take what waits, or comes within wait_s, and have it decoded; return whether to listen on."""

    @abstractmethod
    def _let_go(self) -> None:
        """Give back whence it hears; nobody reads meanwhile."""

    def close(self) -> None:
        """Hang up; harmless when repeated or never opened."""
        self._release()

    def _release(self) -> None:
        self._pump.close()
        with self._busy:  # a read on another thread ends first
            self._let_go()
