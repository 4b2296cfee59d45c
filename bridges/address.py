"""Addresses of bridges: HOST:PORT in text, and what the network makes of it."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Sequence
from typing import Any

from ..engine.errors import UriError

RESOLVE_S = 0.8  # a name server that needs longer is of no use on stage; a mistake is told within a second

SocketAddress = tuple[Any, ...]
Found = tuple[socket.AddressFamily, SocketAddress]


def parse_host_port(uri: str, rest: str) -> tuple[str, int]:
    """Split HOST:PORT, with an IPv6 host in brackets; raise UriError where it is not that."""
    scheme = uri.partition(":")[0]
    host, colon, port = rest.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not host or (":" in host and not bracketed):
        raise UriError(uri, "not HOST:PORT", mend=f"such as {scheme}:127.0.0.1:9000 or {scheme}:[::1]:9000")
    if not (port.isascii() and port.isdigit()) or not 1 <= int(port[:6]) <= 65535:
        raise UriError(uri, f"'{port[:20]}' is no port", mend="a number from 1 to 65535")
    return host[1:-1] if bracketed else host, int(port)


def resolve(uri: str, host: str, port: int, kind: socket.SocketKind) -> list[Found]:
    """Return the addresses of a host, IPv4 first since most receivers listen there; raise UriError if there are none.

    The system's resolver knows no time limit, so a thread asks it; one that never answers is left behind.
    """
    answers: list[Found] = []
    problems: list[str] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=kind)
            answers.extend((family, address) for family, _, _, _, address in found)
        except (OSError, UnicodeError) as error:
            problems.append(error.strerror or str(error) if isinstance(error, OSError) else "not a host name")

    thread = threading.Thread(target=ask, name="resolve", daemon=True)
    thread.start()
    thread.join(RESOLVE_S)
    if not answers:
        problem = problems[0] if problems else f"no answer within {RESOLVE_S} s"
        raise UriError(
            uri, f"host '{host[:80]}' cannot be found: {problem}", mend="an address, or a name this machine knows"
        )
    return sorted(answers, key=lambda found: found[0] != socket.AF_INET)


def is_loopback(addresses: Sequence[Found]) -> bool:
    """Tell whether all of the addresses reach this machine only."""
    return all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback for _, address in addresses)


def join_host_port(host: str, port: int) -> str:
    """Return HOST:PORT as parse_host_port reads it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
