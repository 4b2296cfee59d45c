"""The socket of every sensor that hears a byte stream: connected, cut into packets, connected again when it breaks."""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
from collections.abc import Sequence
from typing import Final, Protocol

from ..engine.clock import NS_PER_S, Clock
from ..engine.pose import Pose
from .base import Health
from .endpoint import Address, join_host_port, resolve
from .packets import STALE_AFTER_MS, PacketDecoder, PacketPump

_WAIT_S: Final = 0.09  # what read() waits at most, with a little left for the work
_AT_ONCE: Final = 65_536  # bytes taken from the connection at once
_PAUSE_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # before the next try, the last for ever
_UNDER_WAY: Final = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY)


class Framer(Protocol):
    """Cut a byte stream into packets; pure. What it holds is bounded."""

    @property
    def skipped(self) -> int:
        """Return the bytes passed over because they begin no packet."""
        ...

    def feed(self, data: bytes) -> Sequence[bytes]:
        """Return the packets that these bytes complete."""
        ...

    def reset(self) -> None:
        """Forget a packet that has only begun."""
        ...


class TcpSensor:
    """Connect to HOST:PORT and give the poses that a decoder makes of the packets of its stream.

    A connection that is refused, breaks or ends is made again, after 0.2 s at first and after 5 s at last; health says
    so. The other arguments are those of DatagramSensor. open raises UriError for a host that cannot be found.
    """

    live = True

    def __init__(
        self,
        place: str,
        host: str,
        port: int,
        decoder: PacketDecoder,
        framer: Framer,
        clock: Clock,
        *,
        stale_after_ms: float = STALE_AFTER_MS,
        end_after_s: float = 0.0,
        hint: str = "",
    ) -> None:
        self._place = place
        self._host = host
        self._port = port
        self._decoder = decoder
        self._framer = framer
        self._clock = clock
        self._hint = hint
        self._pump = PacketPump(decoder, clock, stale_after_ms=stale_after_ms, end_after_s=end_after_s)
        self._busy = threading.Lock()  # held while the connection is used
        self._socket: socket.socket | None = None
        self._address: Address | None = None
        self._rewind()

    def _rewind(self) -> None:
        self._connected = False
        self._tries = 0
        self._next_try_ns = 0
        self._trouble = ""

    @property
    def rate_hz(self) -> float:
        """Return the frames a second of one performer, as far as the decoder knows."""
        return self._decoder.rate_hz

    def open(self) -> None:
        """Find the host; the connection itself is made, and made again, while it is read."""
        self._release()
        self._address = resolve(self._place, self._host, self._port, socket.SOCK_STREAM)[0]
        self._framer.reset()
        self._rewind()
        self._pump.open()

    def read(self) -> Pose | None:
        """Return the next pose, waiting for one at most 0.1 s."""
        pose = self._pump.next()
        if pose is not None or self._pump.state != "live":
            return pose
        with self._busy:
            self._listen()
        return self._pump.last()

    def _listen(self) -> None:
        """Connect, or take bytes, until a packet gave a pose or 0.1 s have passed."""
        deadline_ns = self._clock.now_ns() + round(_WAIT_S * NS_PER_S)
        wait_s = _WAIT_S
        while wait_s > 0 and self._pump.state == "live" and not self._pump.waiting:
            if self._socket is None and not self._begin(wait_s):
                return
            if self._socket is not None and not (self._connected or self._complete(self._socket, wait_s)):
                return
            if self._socket is not None and not self._hear(self._socket, wait_s):
                return
            wait_s = min((deadline_ns - self._clock.now_ns()) / NS_PER_S, _WAIT_S)

    def _begin(self, wait_s: float) -> bool:
        """Begin to connect when it is time to; else wait for it and return False."""
        left_s = (self._next_try_ns - self._clock.now_ns()) / NS_PER_S
        if left_s > 0 or self._address is None:
            threading.Event().wait(min(max(left_s, 0.0), wait_s))
            return False
        family, address = self._address
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.settimeout(0.0)
        problem = self._socket.connect_ex(address)
        if problem not in _UNDER_WAY:
            self._drop(os.strerror(problem))
            return False
        return True

    def _complete(self, made: socket.socket, wait_s: float) -> bool:
        """Wait until the connection stands; return False where it does not yet, or cannot."""
        waiter = select.poll() if hasattr(select, "poll") else None
        if waiter is not None:
            waiter.register(made, select.POLLOUT)
            ready = bool(waiter.poll(wait_s * 1000))
        else:
            ready = any(select.select([], [made], [made], wait_s)[1:])
        if not ready:
            return False
        problem = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            self._drop(os.strerror(problem))
            return False
        self._connected, self._tries, self._trouble = True, 0, ""
        return True

    def _hear(self, heard: socket.socket, wait_s: float) -> bool:
        """Take bytes that wait, or come within wait_s, and decode what they complete; return whether any came."""
        heard.settimeout(wait_s)
        try:
            data = heard.recv(_AT_ONCE)
        except (BlockingIOError, TimeoutError):
            return False
        except OSError as error:
            self._drop(error.strerror or str(error))
            return False
        if not data:
            self._drop("the other side closed it")
            return False
        now_ns = self._clock.now_ns()
        for packet in self._framer.feed(data):
            self._pump.count("packets")
            self._pump.take(packet, now_ns)
        return True

    def _drop(self, why: str) -> None:
        """Let go of a connection that broke, and try again later."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._connected = None, False
        self._framer.reset()
        pause_s = _PAUSE_S[min(self._tries, len(_PAUSE_S) - 1)]
        self._tries += 1
        self._next_try_ns = self._clock.now_ns() + round(pause_s * NS_PER_S)
        self._trouble = f"no connection: {why}; trying again every {pause_s:g} s"
        self._pump.count("disconnected")

    def close(self) -> None:
        """Hang up; harmless when repeated or never opened."""
        self._release()

    def _release(self) -> None:
        self._pump.close()
        with self._busy:  # a read on another thread ends first
            if self._socket is not None:
                self._socket.close()
            self._socket, self._connected = None, False

    def health(self) -> Health:
        """Return the state, what was heard, and the counters."""
        where = f"TCP {join_host_port(self._host, self._port)}"
        health = self._pump.health(where, self._hint, (self._trouble,))
        return Health(health.state, health.message, {**health.counters, "skipped_bytes": self._framer.skipped})
