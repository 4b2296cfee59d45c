"""How far behind a client is, told by its pongs, so that what it reads is new however slowly it reads.

The kernels and libraries on the way to a client hold up to megabytes, and a client that reads slowly finds its past
there: latest-wins on our side is not enough (rosbridge_suite's issue 437). A ping that follows the data is answered
when what stood before it was taken in. While a pong is overdue nothing more is sent; after that one round is sent for
each pong, until the client has been quick for a while. Pure: no socket, no clock.
"""

from __future__ import annotations

from typing import Final

from ..engine.clock import NS_PER_MS, NS_PER_S

LATE_NS: Final = 500 * NS_PER_MS  # beyond the round trip of any network on which live motion is of use
QUICK_NS: Final = 250 * NS_PER_MS
NEW_NS: Final = 100 * NS_PER_MS  # what a client that is not known yet may be behind
GAP_NS: Final = 100 * NS_PER_MS  # between two pings of a client that keeps up ...
GAP_NS_PER_CLIENT: Final = 4 * NS_PER_MS  # ... and longer where there are many, so that all cost no more than this
PINGS_PER_S: Final = 200  # of all clients together, whatever state they are in
NEVER: Final = 1 << 62
ROUNDS: Final = 3  # quick answers after which a client is trusted, twice as many each time
MAX_ROUNDS: Final = 640


class Allowance:
    """Bound the pings of all clients together.

    Without it a machine that is too busy for a moment would take all clients for slow, ping each of them every round,
    and be too busy with that. A client for which nothing is left is sent to without a ping.
    """

    def __init__(self, rate_hz: int = PINGS_PER_S) -> None:
        self._gap_ns = NS_PER_S // rate_hz
        self._most_ns = NS_PER_S // 5  # what may be saved up
        self.reset()

    def reset(self) -> None:
        """Begin with all that may be saved up."""
        self._spent_until_ns = 0

    def take(self, now_ns: int) -> bool:
        """Take one ping from what is left; return whether there was one."""
        spent_ns = max(self._spent_until_ns, now_ns - self._most_ns) + self._gap_ns
        if spent_ns > now_ns:
            return False
        self._spent_until_ns = spent_ns
        return True


class Lag:
    """Decide when to ping one client and when to hold back what is for it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Know nothing of the client."""
        self.is_trusted = False
        self.ping_from_ns = 0  # from when on what is written is to be followed by a ping
        self.hold_from_ns = NEVER  # from when on nothing is to be sent before the pong is here
        self._allowed_ns = NEW_NS
        self._asked_ns = NEVER
        self._quick = 0
        self._needed = ROUNDS

    def overdue_ns(self, now_ns: int) -> int:
        """Return for how long a pong has been waited for, 0 where none is."""
        return max(0, now_ns - self._asked_ns)

    def asked(self, now_ns: int) -> None:
        """Note that a ping was sent."""
        self._asked_ns = now_ns
        self.ping_from_ns = NEVER
        self.hold_from_ns = now_ns + self._allowed_ns

    def answered(self, now_ns: int, clients: int) -> None:
        """Note that its pong came; clients: how many there are to be pinged."""
        took_ns, asked_ns = self.overdue_ns(now_ns), self._asked_ns
        self._asked_ns = self.hold_from_ns = NEVER
        if took_ns > (LATE_NS if self.is_trusted else QUICK_NS):
            self.is_trusted, self._allowed_ns, self._quick = False, 0, 0  # one round for each pong
        elif not self.is_trusted:
            self._trust_more()
        self.ping_from_ns = asked_ns + max(GAP_NS, clients * GAP_NS_PER_CLIENT) if self.is_trusted else now_ns

    def _trust_more(self) -> None:
        self._quick += 1
        if self._quick >= self._needed:
            self.is_trusted, self._allowed_ns, self._quick = True, LATE_NS, 0
            self._needed = min(2 * self._needed, MAX_ROUNDS)
