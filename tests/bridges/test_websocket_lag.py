"""Pongs tell how far behind a client is; a slow one is held back until it has been quick for a while."""

from __future__ import annotations

from emotus.bridges.websocket_lag import GAP_NS, LATE_NS, NEVER, NEW_NS, PINGS_PER_S, QUICK_NS, ROUNDS, Allowance, Lag
from emotus.engine.clock import NS_PER_MS, NS_PER_S


def rounds(lag: Lag, count: int, took_ns: int, clients: int = 1) -> None:
    """Let a client answer so often, each time after so long."""
    for i in range(count):
        lag.asked(i * NS_PER_S)
        lag.answered(i * NS_PER_S + took_ns, clients)


def trusted() -> Lag:
    """Return the lag of a client that was quick often enough."""
    lag = Lag()
    rounds(lag, ROUNDS, NS_PER_MS)
    return lag


def test_a_new_client_is_pinged_every_round_and_held_soon():
    """Nobody knows yet how fast it reads: a tenth of a second is the most it gets in advance."""
    lag = Lag()
    assert lag.ping_from_ns == 0
    lag.asked(0)
    assert lag.ping_from_ns == NEVER
    assert lag.hold_from_ns == NEW_NS
    lag.answered(5, 1000)
    assert (lag.ping_from_ns, lag.hold_from_ns) == (5, NEVER)
    assert not lag.is_trusted


def test_a_quick_client_is_trusted_and_pinged_more_rarely():
    """Ten times a second, less where there are many clients, and held only when its pong is long overdue."""
    last = (ROUNDS - 1) * NS_PER_S
    assert trusted().ping_from_ns == last + GAP_NS
    crowd = Lag()
    rounds(crowd, ROUNDS, NS_PER_MS, clients=1000)
    assert crowd.ping_from_ns == last + 4 * NS_PER_S
    crowd.asked(0)
    assert crowd.hold_from_ns == LATE_NS
    assert crowd.overdue_ns(LATE_NS) == LATE_NS
    crowd.answered(LATE_NS, 1000)
    assert crowd.overdue_ns(LATE_NS) == 0
    assert crowd.is_trusted


def test_after_a_late_pong_there_is_one_round_for_each_pong():
    """Every round is followed by a ping, and the next waits for its pong."""
    lag = trusted()
    rounds(lag, 1, LATE_NS + 1)
    assert lag.ping_from_ns <= LATE_NS + 1
    lag.asked(0)
    assert lag.hold_from_ns == 0
    lag.answered(1, 1)
    assert lag.hold_from_ns == NEVER


def test_a_new_client_that_is_slow_is_stepped_at_once():
    """It has not been trusted yet, so less than half a second is enough."""
    lag = Lag()
    rounds(lag, 1, QUICK_NS + 1)
    lag.asked(0)
    assert lag.hold_from_ns == 0


def test_a_client_that_is_quick_for_a_while_is_trusted_again():
    """One slow round begins the count anew, and each time twice as many are asked."""
    lag = trusted()
    rounds(lag, 1, LATE_NS + 1)
    rounds(lag, 2 * ROUNDS - 1, QUICK_NS)
    rounds(lag, 1, QUICK_NS + 1)
    rounds(lag, 2 * ROUNDS - 1, QUICK_NS)
    assert not lag.is_trusted
    rounds(lag, 1, QUICK_NS)
    assert lag.is_trusted


def test_all_pings_together_are_bounded():
    """However many clients want one, there are so many a second, a fifth of them at once."""
    pings = Allowance()
    at_once = sum(pings.take(10 * NS_PER_S) for _ in range(5000))
    assert at_once == PINGS_PER_S // 5
    later = sum(pings.take(10 * NS_PER_S + i * NS_PER_MS) for i in range(1, 1001) for _ in range(5))
    assert abs(later - PINGS_PER_S) <= 2
    assert pings.take(100 * NS_PER_S)
