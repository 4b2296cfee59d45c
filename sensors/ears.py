"""Listen at some ports for a moment, without decoding anything: what is heard where, and which ports are taken."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .endpoint import LOOPBACK

MOST: Final = 10_000  # datagrams counted at one port: a flood is told as one
_LARGEST: Final = 65_536


@dataclass(frozen=True, slots=True)
class Heard:
    """Tell what was heard at one UDP port: how many datagrams from how many hosts, or that the port is taken."""

    port: int
    datagrams: int = 0
    hosts: tuple[str, ...] = ()
    taken: bool = False


def listen(ports: Iterable[int], seconds: float = 0.3, host: str = LOOPBACK) -> dict[int, Heard]:
    """Listen at UDP ports of one address for so long, all at once; return what was heard at each."""
    ears: dict[int, socket.socket] = {}
    heard: dict[int, Heard] = {}
    try:
        for port in dict.fromkeys(ports):
            ear = _ear(host, port)
            if ear is None:
                heard[port] = Heard(port, taken=True)
            else:
                ears[port] = ear
        came: dict[int, list[str]] = {port: [] for port in ears}
        _gather(ears, came, time.monotonic() + seconds)
        for port, hosts in came.items():
            heard[port] = Heard(port, len(hosts), tuple(sorted(set(hosts))))
    finally:
        for ear in ears.values():
            ear.close()
    return heard


def _ear(host: str, port: int) -> socket.socket | None:
    """Return a bound socket, None where the port is taken."""
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        ear.bind((host, port))
    except OSError:
        ear.close()
        return None
    ear.settimeout(0.0)
    return ear


def _gather(ears: dict[int, socket.socket], came: dict[int, list[str]], until_s: float) -> None:
    """Note the sender of every datagram until the time is over."""
    ports = {ear: port for port, ear in ears.items()}
    while (left_s := until_s - time.monotonic()) > 0:
        for ear in select.select(list(ports), [], [], left_s)[0] if ports else ():
            hosts = came[ports[ear]]
            try:
                _, address = ear.recvfrom(_LARGEST)
            except OSError:
                continue
            if len(hosts) < MOST:
                hosts.append(str(address[0]))
        if not ports:
            return
