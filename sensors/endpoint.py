"""Read where a live sensor listens or connects, `udp://HOST:PORT` or `tcp://HOST:PORT`, and find the host."""

from __future__ import annotations

import ipaddress
import socket
import threading
from dataclasses import dataclass
from typing import Any, Final

from ..engine.errors import UriError

LOOPBACK: Final = "127.0.0.1"
Address = tuple[socket.AddressFamily, tuple[Any, ...]]
RESOLVE_S: Final = 0.8  # a name server that needs longer is of no use on stage


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Hold a transport ("udp" or "tcp"), a host and a port."""

    transport: str
    host: str
    port: int

    def __str__(self) -> str:
        """Spell it as parse_endpoint reads it."""
        return f"{self.transport}://{join_host_port(self.host, self.port)}"


def parse_endpoint(
    place: str, path: str, *, default_port: int, transports: tuple[str, ...] = ("udp",), default_host: str = LOOPBACK
) -> Endpoint:
    """Read `[TRANSPORT://][HOST][:PORT]`, an IPv6 host in brackets; the host is loopback unless named.

    transports: what is possible, the first where none is named. Port 0 takes any free one. Raises UriError.
    """
    transport, slashes, rest = path.partition("://")
    if not slashes:
        transport, rest = transports[0], path
    scheme = place.partition(":")[0]
    such = f"such as {scheme}:{transports[0]}://{default_host}:{default_port}"
    if transport not in transports:
        raise UriError(place, f"unknown transport {transport[:20]!r}", mend=such)
    host, port = _host_port(place, rest.rstrip("/"), such)
    if port is None:
        return Endpoint(transport, host or default_host, default_port)
    if not (port.isascii() and port.isdigit()) or int(port[:6]) > 65535:
        raise UriError(place, f"'{port[:20]}' is no port", mend="a number from 0 to 65535, 0 for any that is free")
    return Endpoint(transport, host or default_host, int(port))


def _host_port(place: str, rest: str, such: str) -> tuple[str, str | None]:
    """Split HOST:PORT; the port is None where there is none."""
    if rest.startswith("["):
        host, bracket, port = rest[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise UriError(place, "an IPv6 host needs both brackets", mend=such)
        return host, port[1:] if port else None
    host, colon, port = rest.rpartition(":")
    if ":" in host:
        raise UriError(place, "not HOST:PORT", mend=f"{such}, an IPv6 host in [brackets]")
    return (host, port) if colon else (rest, None)


def join_host_port(host: str, port: int) -> str:
    """Return HOST:PORT, an IPv6 host in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def resolve(place: str, host: str, port: int, kind: socket.SocketKind) -> list[Address]:
    """Return the addresses of a host, IPv4 first; raise UriError within a second where there are none.

    The system's resolver knows no time limit, so a thread asks it; one that never answers is left behind.
    """
    answers: list[Address] = []
    problems: list[str] = []

    def ask() -> None:
        try:
            answers.extend((each[0], each[4]) for each in socket.getaddrinfo(host, port, type=kind))
        except (OSError, UnicodeError) as error:
            problems.append(error.strerror or str(error) if isinstance(error, OSError) else "not a host name")

    thread = threading.Thread(target=ask, name="resolve", daemon=True)
    thread.start()
    thread.join(RESOLVE_S)
    if not answers:
        problem = problems[0] if problems else f"no answer within {RESOLVE_S} s"
        mend = "an address, or a name this machine knows"
        raise UriError(place, f"host '{host[:80]}' cannot be found: {problem}", mend=mend)
    return sorted(answers, key=lambda answer: answer[0] != socket.AF_INET)


def is_loopback(host: str) -> bool:
    """Tell whether an address reaches this machine only."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
