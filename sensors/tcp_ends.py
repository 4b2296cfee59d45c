"""Both ends of a TCP connection that a sensor may be: the one that calls, and the one that is called."""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
from typing import Final, Protocol

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import UriError
from .door import Door, plain_address
from .endpoint import LOOPBACK, Address, is_loopback, join_host_port, resolve

_PAUSE_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # before the next try, the last for ever
_UNDER_WAY: Final = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY)


class End(Protocol):
    """Give a connection when there is one; never wait longer than it is told."""

    @property
    def trouble(self) -> str:
        """Say why there is no connection, "" where there is nothing to say."""
        ...

    @property
    def refused(self) -> int:
        """Return the connections of hosts that may not speak."""
        ...

    def open(self) -> None:
        """Begin; raise UriError for an address that cannot be."""
        ...

    def take(self, wait_s: float) -> socket.socket | None:
        """Return a connection, waiting for it at most wait_s; None where there is none yet."""
        ...

    def lost(self, why: str) -> None:
        """Note that the connection broke."""
        ...

    def close(self) -> None:
        """Free everything; harmless when repeated."""
        ...


class Caller:
    """Connect to HOST:PORT, and after a failure again: after 0.2 s at first and after 5 s at last."""

    refused = 0

    def __init__(self, place: str, host: str, port: int, clock: Clock) -> None:
        self._place = place
        self._host = host
        self._port = port
        self._clock = clock
        self._socket: socket.socket | None = None  # a call under way
        self._address: Address | None = None
        self._rewind()

    def _rewind(self) -> None:
        self._tries = 0
        self._next_try_ns = 0
        self.trouble = ""

    def open(self) -> None:
        """Find the host."""
        self._address = resolve(self._place, self._host, self._port, socket.SOCK_STREAM)[0]
        self._rewind()

    def take(self, wait_s: float) -> socket.socket | None:
        """Return the connection once it stands."""
        if self._socket is None and not self._call(wait_s):
            return None
        made = self._socket
        if made is None or not _is_writable(made, wait_s):
            return None
        problem = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            self.lost(os.strerror(problem))
            return None
        self._socket = None
        self._rewind()
        return made

    def _call(self, wait_s: float) -> bool:
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
            self.lost(os.strerror(problem))
        return problem in _UNDER_WAY

    def lost(self, why: str) -> None:
        """Let go of a call, and try again later."""
        self.close()
        pause_s = _PAUSE_S[min(self._tries, len(_PAUSE_S) - 1)]
        self._tries += 1
        self._next_try_ns = self._clock.now_ns() + round(pause_s * NS_PER_S)
        self.trouble = f"no connection: {why}; trying again every {pause_s:g} s"

    def close(self) -> None:
        """Give up a call that is under way."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


class Listener:
    """Be called at HOST:PORT by one sender at a time; whoever may not speak is refused, as a datagram's host is."""

    def __init__(self, place: str, host: str, port: int, allow: tuple[str, ...]) -> None:
        self._place = place
        self._host = host
        self._asked_port = self.port = port
        self._allow = allow
        self._door = Door(loopback=is_loopback(host))
        self._socket: socket.socket | None = None
        self.trouble = ""

    @property
    def refused(self) -> int:
        """Return the connections of hosts that may not speak."""
        return self._door.counters["dropped_foreign"]

    def open(self) -> None:
        """Bind the port and begin to listen."""
        family, address = resolve(self._place, self._host, self._asked_port, socket.SOCK_STREAM)[0]
        found = (resolve(self._place, host, 0, socket.SOCK_STREAM) for host in self._allow)
        allow = frozenset(plain_address(str(each[1][0])) for several in found for each in several)
        self._door = Door(allow=allow, loopback=is_loopback(str(address[0])))
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # nobody waits for a closed call
            self._socket.bind(address)
            self._socket.listen(1)
        except OSError as error:
            self.close()
            raise cannot_bind(self._place, "TCP", address, error) from error
        self.port = self._socket.getsockname()[1]
        self.trouble = ""

    def take(self, wait_s: float) -> socket.socket | None:
        """Return the next call of a host that may speak."""
        if self._socket is None:
            return None
        self._socket.settimeout(wait_s)
        try:
            called, address = self._socket.accept()
        except (TimeoutError, BlockingIOError, ConnectionError):
            return None
        host = plain_address(str(address[0]))
        if not self._door.admits(host, 0):
            called.close()
            self.trouble = f"refused a call of {join_host_port(host, address[1])}; from=HOST names the host to hear"
            return None
        self._door.understood(host)
        self.trouble = ""
        return called

    def lost(self, why: str) -> None:
        """Note that the sender hung up."""
        self.trouble = f"no connection: {why}; waiting to be called again"

    def close(self) -> None:
        """Give the port back."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


def cannot_bind(place: str, transport: str, address: tuple[object, ...], error: OSError) -> UriError:
    """Return why an address cannot be listened at, with the port and what to do."""
    host, port = str(address[0]), address[1]
    if error.errno == errno.EADDRINUSE:
        problem = f"{transport} port {port} is in use by another program"
        return UriError(place, problem, mend="close that program, or name another port")
    if error.errno == errno.EADDRNOTAVAIL:
        mend = f"{LOOPBACK} hears this machine, 0.0.0.0 every network it is in"
        return UriError(place, f"{host} is no address of this machine", mend=mend)
    problem = f"{transport} port {port} cannot be opened: {error.strerror}"
    return UriError(place, problem, mend="name another port above 1023")


def _is_writable(made: socket.socket, wait_s: float) -> bool:
    """Wait until a call was answered, or was not."""
    if not hasattr(select, "poll"):  # Windows
        return any(select.select([], [made], [made], wait_s)[1:])
    waiter = select.poll()
    waiter.register(made, select.POLLOUT)
    return bool(waiter.poll(wait_s * 1000))
