"""The ways OSC takes to a receiver: UDP datagrams, or a TCP connection with packets framed by SLIP or by their size.

No link ever waits: what a receiver cannot take now is lost to it, and counted.
"""

from __future__ import annotations

import errno
import ipaddress
import select
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import UriError
from .address import Found, join_host_port, resolve

Framing = Literal["slip", "size"]
MAX_WAITING: Final = 256 * 1024  # bytes a TCP receiver may be behind; then whole packets are lost to it
RETRY_NS: Final = NS_PER_S  # between two attempts to reach a TCP receiver
END, ESC, ESC_END, ESC_ESC = b"\xc0", b"\xdb", b"\xdb\xdc", b"\xdb\xdd"


@dataclass(frozen=True, slots=True)
class Target:
    """Name one receiver."""

    transport: Literal["udp", "tcp"]
    host: str
    port: int

    @property
    def text(self) -> str:
        """Return it as the address names it."""
        plain = join_host_port(self.host, self.port)
        return plain if self.transport == "udp" else f"tcp://{plain}"


class Link(Protocol):
    """Carry packets to one receiver; all but `open` and `close` are called by one thread."""

    def open(self) -> None:
        """Find the receiver; raise UriError where its name is unknown or there is no way to it."""
        ...

    def send(self, packet: bytes) -> tuple[bool, int]:
        """Send without waiting; return whether it was taken, and the errors met on the way."""
        ...

    def tend(self) -> None:
        """Do what is due when there is nothing to send."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class UdpLink:
    """Send datagrams to the first address of a host to which there is a way."""

    def __init__(self, uri: str, target: Target, *, expose: bool) -> None:
        self._uri = uri
        self._target = target
        self._expose = expose
        self.socket: socket.socket | None = None

    def open(self) -> None:
        """Find a way; raise UriError where there is none."""
        problem = "no address"
        for family, address in resolve(self._uri, self._target.host, self._target.port, socket.SOCK_DGRAM):
            refuse_crowds(self._uri, str(address[0]), expose=self._expose)
            sender = socket.socket(family, socket.SOCK_DGRAM)
            try:
                sender.settimeout(0.0)
                if self._expose:
                    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                sender.connect(address)
            except OSError as error:
                sender.close()
                problem = why(error)
            else:
                self.socket = sender
                return
        raise UriError(self._uri, f"cannot be reached: {problem}", mend="is the network up, and the address right?")

    def send(self, packet: bytes) -> tuple[bool, int]:
        """Send one datagram.

        That an earlier one found nobody is reported by the next call, which then sends nothing: hence the second try.
        """
        errors = 0
        for _ in range(2):
            try:
                taken = self.socket is not None and self.socket.send(packet) == len(packet)
            except ConnectionError:
                errors += 1
            except OSError:  # no way there at the moment, or the kernel's buffer is full
                return False, errors + 1
            else:
                return taken, errors if taken else errors + 1
        return False, errors + 1

    def tend(self) -> None:
        """Do nothing: UDP knows no connection."""

    def close(self) -> None:
        """Close the socket."""
        opened, self.socket = self.socket, None
        if opened is not None:
            opened.close()


class TcpLink:
    """Send packets over a connection that is made when the receiver is there, and again when it comes back.

    framing: slip as OSC 1.1 has it (RFC 1055, an END before and after), or size: 4 bytes before each packet, OSC 1.0.
    on_connect: called with every new connection.
    """

    def __init__(
        self, uri: str, target: Target, *, framing: Framing, clock: Clock, on_connect: Callable[[Link], None]
    ) -> None:
        self._uri = uri
        self._target = target
        self._frame = frame_slip if framing == "slip" else frame_size
        self._clock = clock
        self._on_connect = on_connect
        self._found: list[Found] = []
        self._attempts = 0
        self._socket: socket.socket | None = None
        self._is_connected = False
        self._retry_ns = 0
        self._waiting = bytearray()

    def open(self) -> None:
        """Find the host; raise UriError where its name is unknown. That nobody listens yet is no error."""
        self._found = resolve(self._uri, self._target.host, self._target.port, socket.SOCK_STREAM)
        for _, address in self._found:
            refuse_crowds(self._uri, str(address[0]), expose=False)
        self.tend()

    def send(self, packet: bytes) -> tuple[bool, int]:
        """Queue one packet and send what the receiver takes; a packet is lost whole or not at all."""
        self.tend()
        if not self._is_connected:
            return False, 1
        if len(self._waiting) > MAX_WAITING:
            return False, 1
        self._waiting += self._frame(packet)
        self._flush()
        return self._is_connected, 0 if self._is_connected else 1

    def tend(self) -> None:
        """Connect, or see whether the connection stands by now, or send what waits."""
        if self._is_connected:
            self._look()
            self._flush()
        elif self._socket is not None:
            self._finish()
        elif self._found and self._clock.now_ns() >= self._retry_ns:
            self._connect()

    def close(self) -> None:
        """Close the connection."""
        self._found = []
        self._drop()

    def _connect(self) -> None:
        family, address = self._found[self._attempts % len(self._found)]
        self._attempts += 1
        self._retry_ns = self._clock.now_ns() + RETRY_NS
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)  # noqa: FBT003 - the name of the method says it
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        problem = self._socket.connect_ex(address)
        if problem in (errno.EINPROGRESS, errno.EWOULDBLOCK):
            return
        if problem:
            self._drop()
        else:
            self._connected()

    def _finish(self) -> None:
        """See whether the connection that was begun stands."""
        if self._socket is None:
            return
        _, ready, broken = select.select((), (self._socket,), (self._socket,), 0.0)
        if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or broken:
            self._drop()
        elif ready:
            self._connected()
        elif self._clock.now_ns() >= self._retry_ns + 4 * RETRY_NS:  # nobody answers at all
            self._drop()

    def _connected(self) -> None:
        self._is_connected = True
        self._on_connect(self)

    def _look(self) -> None:
        """Notice that the receiver has hung up; what it says is not listened to."""
        try:
            if self._socket is not None and self._socket.recv(4096) == b"":
                self._drop()
        except BlockingIOError:
            pass
        except OSError:
            self._drop()

    def _flush(self) -> None:
        while self._waiting and self._socket is not None:
            try:
                del self._waiting[: self._socket.send(self._waiting)]
            except BlockingIOError:
                return
            except OSError:
                self._drop()

    def _drop(self) -> None:
        self._is_connected = False
        self._waiting.clear()
        opened, self._socket = self._socket, None
        if opened is not None:
            opened.close()


def frame_slip(packet: bytes) -> bytes:
    """Return a packet as SLIP frames it (RFC 1055), with END on both sides."""
    return END + packet.replace(ESC, ESC_ESC).replace(END, ESC_END) + END


def frame_size(packet: bytes) -> bytes:
    """Return a packet with its size in front."""
    return struct.pack(">i", len(packet)) + packet


def refuse_crowds(uri: str, address: str, *, expose: bool) -> None:
    """Raise UriError for an address that is nobody's, or everybody's without leave."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_unspecified:
        raise UriError(uri, "no address to send to", mend="127.0.0.1 is this machine")
    if ip.is_multicast and not expose:
        raise UriError(uri, "would reach everybody who listens", mend="add --expose to allow that")


def why(error: OSError) -> str:
    """Return what the system says of a socket, in words."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return "a broadcast address needs --expose"
    return error.strerror or str(error)


def read_targets(uri: str, rest: str, parse: Callable[[str, str], tuple[str, int]]) -> list[Target]:
    """Read HOST:PORT,HOST:PORT, each with udp:// or tcp:// before it or nothing; raises UriError."""
    parts = rest.split(",")
    if len(parts) > MAX_TARGETS:
        raise UriError(uri, f"{len(parts)} receivers", mend=f"at most {MAX_TARGETS}")
    return [_target(uri, part.strip(), parse) for part in parts]


MAX_TARGETS: Final = 16


def _target(uri: str, part: str, parse: Callable[[str, str], tuple[str, int]]) -> Target:
    transport, slashes, plain = part.rpartition("://")
    if slashes and transport not in ("udp", "tcp"):
        raise UriError(uri, f"{transport[:20]}:// is no way OSC takes", mend="udp:// or tcp://, or nothing for UDP")
    host, port = parse(uri, plain)
    return Target("tcp" if transport == "tcp" else "udp", host, port)
