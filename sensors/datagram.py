"""The socket of every sensor that hears datagrams: bound, bounded, and deaf to strangers. It decodes nothing itself."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from ..engine.clock import NS_PER_S, Clock
from ..engine.pose import Pose
from .base import Health
from .door import MOST_PER_S, Door, plain_address
from .endpoint import is_loopback, join_host_port, parse_endpoint, resolve
from .options import number
from .packets import STALE_AFTER_MS, PacketDecoder, PacketPump
from .tcp_ends import cannot_bind

LIVE_OPTIONS: Final = ("from", "timeout", "stale", "most")  # of every sensor that hears datagrams
_WAIT_S: Final = 0.09  # what read() waits at most, with a little left for the work
_AT_ONCE: Final = 1024  # datagrams taken from the socket at once; of more the oldest fall out, undecoded
_LARGEST: Final = 65_536  # bytes: no datagram is longer
_RECEIVE_BUFFER: Final = 4 << 20  # bytes asked of the system, which may give less


class DatagramSensor:
    """Hear one UDP port and give the poses that a decoder makes of it.

    place: the sensor's address, for messages. host: what to bind, loopback unless the user chose otherwise; port: 0
    for any free one (then `port` tells which). allow: the hosts to hear; empty: on loopback whoever is on this machine,
    elsewhere the first host that sends a well-formed packet; others are counted and refused before decoding.
    stale_after_ms: silence that makes it stale. end_after_s: silence that ends it, 0 for never. most_per_s: datagrams
    decoded a second; what comes beyond is dropped before decoding. hint: what to do where nothing is ever heard.

    open raises UriError for a host that is none of this machine's and for a port that is taken.
    """

    live = True
    reopens = True  # where its socket breaks the runner opens it again

    def __init__(
        self,
        place: str,
        host: str,
        port: int,
        decoder: PacketDecoder,
        clock: Clock,
        *,
        allow: tuple[str, ...] = (),
        stale_after_ms: float = STALE_AFTER_MS,
        end_after_s: float = 0.0,
        most_per_s: float = MOST_PER_S,
        hint: str = "",
    ) -> None:
        self._place = place
        self._host = host
        self._asked_port = self.port = port
        self._decoder = decoder
        self._clock = clock
        self._allow = allow
        self._most_per_s = most_per_s
        self._hint = hint
        self._pump = PacketPump(decoder, clock, stale_after_ms=stale_after_ms, end_after_s=end_after_s)
        self._door = Door(loopback=is_loopback(host), most_per_s=most_per_s)
        self._busy = threading.Lock()  # held while the socket is read
        self._socket: socket.socket | None = None

    @property
    def place(self) -> str:
        """Return the sensor's address, as it is named in messages."""
        return self._place

    @property
    def rate_hz(self) -> float:
        """Return the frames a second of one performer, as far as the decoder knows."""
        return self._decoder.rate_hz

    def open(self) -> None:
        """Bind the port and begin to listen."""
        self._release()
        family, address = resolve(self._place, self._host, self._asked_port, socket.SOCK_DGRAM)[0]
        allow = frozenset(
            plain_address(str(found[0]))
            for host in self._allow
            for _, found in resolve(self._place, host, 0, socket.SOCK_DGRAM)
        )
        self._door = Door(allow=allow, loopback=is_loopback(str(address[0])), most_per_s=self._most_per_s)
        self._pump.open()
        self._socket = _bound(self._place, family, address)
        self.port = self._socket.getsockname()[1]

    def read(self) -> Pose | None:
        """Return the next pose, waiting for one at most 0.1 s."""
        pose = self._pump.next()
        if pose is not None or self._pump.state != "live":
            return pose
        with self._busy:
            self._listen()
        return self._pump.last()

    def _listen(self) -> None:
        """Wait for datagrams until one gave a pose, or 0.1 s have passed."""
        deadline_ns = self._clock.now_ns() + round(_WAIT_S * NS_PER_S)
        wait_s = _WAIT_S
        while wait_s > 0 and self._socket is not None and self._pump.state == "live":
            if not self._hear(self._socket, wait_s) or self._pump.waiting:
                return
            wait_s = min((deadline_ns - self._clock.now_ns()) / NS_PER_S, _WAIT_S)

    def _hear(self, heard: socket.socket, wait_s: float) -> bool:
        """Take what waits, or comes within wait_s, and decode it; return whether there was anything."""
        waiting, came = _drained(heard, wait_s)
        now_ns = self._clock.now_ns()
        self._pump.count("datagrams", came)
        self._pump.count("dropped_flood", came - len(waiting))
        for data, address in waiting:
            host = plain_address(str(address[0]))
            if self._door.admits(host, now_ns) and self._pump.take(data, now_ns):
                self._door.understood(host)
        return came > 0

    def close(self) -> None:
        """Give the port back; harmless when repeated or never opened."""
        self._release()

    def _release(self) -> None:
        self._pump.close()
        with self._busy:  # a read on another thread ends first
            if self._socket is not None:
                self._socket.close()
            self._socket = None

    def health(self) -> Health:
        """Return the state, what was heard and from whom, and the counters."""
        where = f"UDP {join_host_port(self._host, self.port)}"
        health = self._pump.health(where, self._hint, self._door.notes)
        counters = dict(health.counters)
        for reason, count in self._door.counters.items():
            counters[reason] = counters.get(reason, 0) + count
        return Health(health.state, health.message, counters)


def hear_datagrams(
    place: str,
    path: str,
    options: Mapping[str, str],
    decoder: PacketDecoder,
    clock: Clock,
    *,
    default_port: int,
    hint: str = "",
    most_per_s: float = MOST_PER_S,
) -> DatagramSensor:
    """Make the sensor of `SCHEME:[udp://][HOST][:PORT]?from=HOST,HOST&timeout=0&stale=200&most=4000`.

    The caller checks for unknown options; LIVE_OPTIONS are those read here. Raises UriError.
    """
    endpoint = parse_endpoint(place, path, default_port=default_port)
    return DatagramSensor(
        place,
        endpoint.host,
        endpoint.port,
        decoder,
        clock,
        allow=tuple(filter(None, options.get("from", "").split(","))),
        stale_after_ms=number(place, options, "stale", STALE_AFTER_MS, 20.0, 60_000.0),
        end_after_s=number(place, options, "timeout", 0.0, 0.0, 86_400.0),
        most_per_s=number(place, options, "most", most_per_s, 1.0, 1e6),
        hint=hint,
    )


def _drained(heard: socket.socket, wait_s: float) -> tuple[deque[tuple[bytes, tuple[Any, ...]]], int]:
    """Take the datagrams that wait, or the first that comes within wait_s; return the newest, and how many came."""
    waiting: deque[tuple[bytes, tuple[Any, ...]]] = deque(maxlen=_AT_ONCE)
    came = 0
    heard.settimeout(wait_s)
    for _ in range(2 * _AT_ONCE):
        try:
            waiting.append(heard.recvfrom(_LARGEST))
            came += 1
            heard.settimeout(0.0)
        except (BlockingIOError, TimeoutError):
            break
        except ConnectionError:  # the network's answer to something sent from this port; the next datagram is fine
            continue
    return waiting, came


def _bound(place: str, family: int, address: tuple[Any, ...]) -> socket.socket:
    """Return a socket bound to an address; raise UriError that says which port and what to do."""
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise cannot_bind(place, "UDP", address, error) from error
    return bound
