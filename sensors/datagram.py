"""The socket of every sensor that hears datagrams: bound, bounded, and deaf to strangers. It decodes nothing itself."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from ..engine.clock import Clock
from .base import Health
from .door import MOST_PER_S, Door, plain_address
from .endpoint import is_loopback, join_host_port, parse_endpoint, resolve
from .options import number
from .packet_sensor import PacketSensor
from .packets import STALE_AFTER_MS, PacketDecoder
from .tcp_ends import cannot_bind

LIVE_OPTIONS: Final = ("from", "timeout", "stale", "most")  # of every sensor that hears datagrams
_AT_ONCE: Final = 1024  # datagrams taken from the socket at once; of more the oldest fall out, undecoded
_LARGEST: Final = 65_536  # bytes: no datagram is longer
_RECEIVE_BUFFER: Final = 4 << 20  # bytes asked of the system, which may give less


class DatagramSensor(PacketSensor):
    """Hear one UDP port and give the poses that a decoder makes of it.

    host: what to bind, loopback unless the user chose otherwise; port: 0
    for any free one (then `port` tells which). allow: the hosts to hear; empty: on loopback whoever is on this machine,
    elsewhere the first host that sends a well-formed packet; others are counted and refused before decoding.
    most_per_s: datagrams decoded a second; what comes beyond is dropped before decoding. The others are those of
    PacketSensor.

    open raises UriError for a host that is none of this machine's and for a port that is taken.
    """

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
        super().__init__(place, decoder, clock, stale_after_ms=stale_after_ms, end_after_s=end_after_s, hint=hint)
        self._host = host
        self._asked_port = self.port = port
        self._allow = allow
        self._most_per_s = most_per_s
        self._door = Door(loopback=is_loopback(host), most_per_s=most_per_s)
        self._socket: socket.socket | None = None

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

    def _hear(self, wait_s: float) -> bool:
        if self._socket is None:
            return False
        waiting, came = _drained(self._socket, wait_s)
        now_ns = self._clock.now_ns()
        self._pump.count("datagrams", came)
        self._pump.count("dropped_flood", came - len(waiting))
        for data, address in waiting:
            host = plain_address(str(address[0]))
            if self._door.admits(host, now_ns) and self._pump.take(data, now_ns):
                self._door.understood(host)
        return came > 0

    def _let_go(self) -> None:
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
