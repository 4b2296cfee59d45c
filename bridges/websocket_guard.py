"""Whoever shows wrong tokens waits longer each time: guessing is bounded by the clock. Pure: no socket, no clock.

Ten tries are free, for those who mistype. Each failure after that closes the door to its address, for a second, then
two, up to a minute, and meanwhile no token is even looked at. Neighbours at other addresses are let in as ever.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from ..engine.clock import NS_PER_S

FREE_TRIES: Final = 10
FIRST_WAIT_NS: Final = NS_PER_S
LONGEST_WAIT_NS: Final = 60 * NS_PER_S
MAX_ADDRESSES: Final = 4096  # remembered; of more, who failed longest ago is forgotten
PREFIX_V6: Final = 64  # one household or one attacker has that many addresses


@dataclass(slots=True)
class Record:
    """Count the failures of one address, and until when it is not listened to."""

    failures: int = 0
    closed_until_ns: int = 0


class Guard:
    """Remember who failed to show the token."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everybody."""
        self._records: OrderedDict[str, Record] = OrderedDict()

    def wait_ns(self, address: str, now_ns: int) -> int:
        """Return for how long an address is not listened to yet, 0 where it may try."""
        record = self._records.get(household(address))
        return 0 if record is None else max(0, record.closed_until_ns - now_ns)

    def failed(self, address: str, now_ns: int) -> None:
        """Note a wrong token."""
        name = household(address)
        record = self._records.setdefault(name, Record())
        self._records.move_to_end(name)
        record.failures += 1
        over = record.failures - FREE_TRIES
        if over >= 0:
            record.closed_until_ns = now_ns + min(LONGEST_WAIT_NS, FIRST_WAIT_NS << min(over, 30))
        if len(self._records) > MAX_ADDRESSES:
            self._records.popitem(last=False)

    def passed(self, address: str) -> None:
        """Note the right token: whoever has it need not guess."""
        self._records.pop(household(address), None)


def household(address: str) -> str:
    """Return what counts as one guest: an IPv4 address, the first 64 bits of an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        mapped = ip.ipv4_mapped
        return str(mapped or ipaddress.ip_network((ip, PREFIX_V6), strict=False))
    return str(ip)
