"""The socket of every sensor that hears a byte stream: connected, cut into packets, connected again when it breaks."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Final, Protocol

from ..engine.clock import NS_PER_S, Clock
from .base import Health
from .endpoint import join_host_port
from .packet_sensor import PacketSensor
from .packets import STALE_AFTER_MS, PacketDecoder
from .tcp_ends import Caller, End, Listener

_PATIENCE_NS: Final = 2 * NS_PER_S  # with a silent sender, while another calls
_AT_ONCE: Final = 65_536  # bytes taken from the connection at once


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


class TcpSensor(PacketSensor):
    """Give the poses that a decoder makes of the packets of a TCP stream.

    It connects to HOST:PORT or, with listen, is called there by one sender at a time (then `port` tells the port that
    was given for 0, and allow the hosts that may call, as for datagrams). A connection that is refused, breaks or ends
    is made again; health says so. The other arguments are those of PacketSensor. open raises UriError for a host that
    cannot be found and a port that is taken.
    """

    def __init__(
        self,
        place: str,
        host: str,
        port: int,
        decoder: PacketDecoder,
        framer: Framer,
        clock: Clock,
        *,
        listen: bool = False,
        allow: tuple[str, ...] = (),
        stale_after_ms: float = STALE_AFTER_MS,
        end_after_s: float = 0.0,
        hint: str = "",
    ) -> None:
        super().__init__(place, decoder, clock, stale_after_ms=stale_after_ms, end_after_s=end_after_s, hint=hint)
        self._host = host
        self._port = port
        self._listen_there = listen
        self._allow = allow
        self._framer = framer
        self._socket: socket.socket | None = None
        self._end: End | None = None
        self._heard_ns = 0

    @property
    def port(self) -> int:
        """Return the port, and that which was given for 0 once it listens."""
        return self._end.port if isinstance(self._end, Listener) else self._port

    def open(self) -> None:
        """Find the host, or begin to listen; the connection itself is made, and made again, while it is read."""
        self._release()
        end: End = (
            Listener(self._place, self._host, self._port, self._allow)
            if self._listen_there
            else Caller(self._place, self._host, self._port, self._clock)
        )
        end.open()
        self._end = end
        self._framer.reset()
        self._pump.open()

    def _hear(self, wait_s: float) -> bool:
        if self._end is None:
            return False
        if self._socket is None:
            self._socket = self._end.take(wait_s)
            self._heard_ns = self._clock.now_ns()
            return self._socket is not None
        if self._take(self._socket, wait_s):
            return True
        self._give_way(self._end)
        return False

    def _give_way(self, end: End) -> None:
        """Let a new call take the place of a sender that has been silent for long: it may be gone without a word."""
        if isinstance(end, Listener) and self._clock.now_ns() - self._heard_ns > _PATIENCE_NS:
            called = end.take(0.0)
            if called is not None and self._socket is not None:
                self._drop("silent for long, and another call came")
                self._socket, self._heard_ns = called, self._clock.now_ns()

    def _take(self, heard: socket.socket, wait_s: float) -> bool:
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
        now_ns = self._heard_ns = self._clock.now_ns()
        for packet in self._framer.feed(data):
            self._pump.count("packets")
            self._pump.take(packet, now_ns)
        return True

    def _drop(self, why: str) -> None:
        """Let go of a connection that broke; the next is made later."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._framer.reset()
        self._pump.count("disconnected")
        if self._end is not None:
            self._end.lost(why)

    def _let_go(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._end is not None:
            self._end.close()
        self._socket = None

    def health(self) -> Health:
        """Return the state, what was heard, and the counters."""
        where = f"TCP {join_host_port(self._host, self.port)}"
        end = self._end
        health = self._pump.health(where, self._hint, (end.trouble,) if end else ())
        counters = {**health.counters, "skipped_bytes": self._framer.skipped}
        if isinstance(end, Listener):
            counters["dropped_foreign"] = end.refused
        return Health(health.state, health.message, counters)
