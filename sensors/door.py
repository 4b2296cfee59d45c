"""Who may speak to a sensor, and how often: the door that datagrams pass before anybody decodes them."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Mapping
from typing import Final

from ..engine.clock import NS_PER_S

MOST_PER_S: Final = 4000  # datagrams a second that are decoded: eight performers at 240 Hz, and their side messages
_NAMES_KEPT: Final = 8  # refused hosts that are told by name


class Door:
    """Let in the performer's host and nobody else, and of that no more than most_per_s packets a second.

    allow: the addresses let in; empty: on loopback whoever is on this machine, elsewhere the first host from which a
    well-formed packet came. A burst may be a fifth of a second long.
    """

    def __init__(self, *, allow: frozenset[str] = frozenset(), loopback: bool, most_per_s: float = MOST_PER_S) -> None:
        self._allow = allow
        self._loopback = loopback
        self._rate = most_per_s / NS_PER_S
        self._burst = max(most_per_s / 5, 1.0)
        self.reset()

    def reset(self) -> None:
        """Forget whom it knows and what it counted."""
        self._owner: str | None = None
        self._tokens = self._burst
        self._filled_ns: int | None = None
        self._refused: Counter[str] = Counter()
        self._foreign = 0
        self._flooded = 0

    def admits(self, host: str, now_ns: int) -> bool:
        """Tell whether a packet of this host may be decoded now, and count it where not."""
        if not self._knows(host):
            self._foreign += 1
            if host in self._refused or len(self._refused) < _NAMES_KEPT:
                self._refused[host] += 1
            return False
        if self._filled_ns is not None:
            self._tokens = min(self._burst, self._tokens + (now_ns - self._filled_ns) * self._rate)
        self._filled_ns = now_ns
        if self._tokens < 1.0:
            self._flooded += 1
            return False
        self._tokens -= 1.0
        return True

    def _knows(self, host: str) -> bool:
        if self._allow:
            return host in self._allow
        return self._loopback or self._owner is None or host == self._owner

    def understood(self, host: str) -> None:
        """Note that a packet of this host was well-formed: the first such host is the performer's from now on."""
        if self._owner is None and not self._allow and not self._loopback:
            self._owner = host

    @property
    def counters(self) -> Mapping[str, int]:
        """Return the packets refused: of foreign hosts, and beyond the budget."""
        return {"dropped_foreign": self._foreign, "dropped_flood": self._flooded}

    @property
    def notes(self) -> list[str]:
        """Say whom it listens to and whom it refuses, once each."""
        notes = [] if self._owner is None else [f"listening to {self._owner}"]
        if self._refused:
            hosts = ", ".join(sorted(self._refused))
            notes.append(f"refused {self._foreign} datagrams of other hosts ({hosts}); from=HOST names the one to hear")
        if self._flooded:
            notes.append(f"dropped {self._flooded} datagrams beyond the budget of {self._rate * NS_PER_S:g} a second")
        return notes


def plain_address(host: str) -> str:
    """Return an address as it is compared: without a zone, an IPv4 address in IPv6 clothes as IPv4."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
