"""Wrong tokens cost time: ten are free, then an address waits longer with each."""

from __future__ import annotations

from emotus.bridges.websocket_guard import FREE_TRIES, LONGEST_WAIT_NS, MAX_ADDRESSES, Guard, household
from emotus.engine.clock import NS_PER_S


def test_ten_tries_are_free():
    """Whoever mistypes is not kept out."""
    guard = Guard()
    for _ in range(FREE_TRIES - 1):
        guard.failed("192.168.1.7", 0)
        assert guard.wait_ns("192.168.1.7", 0) == 0


def test_ten_thousand_wrong_tokens_take_days():
    """Guessing as fast as one is listened to: one guess a minute in the end."""
    guard, now_ns, tried = Guard(), 0, 0
    while tried < 10_000:
        now_ns += guard.wait_ns("10.0.0.1", now_ns)
        guard.failed("10.0.0.1", now_ns)
        tried += 1
    assert now_ns >= 9_900 * LONGEST_WAIT_NS


def test_ten_thousand_guesses_at_once_are_looked_at_eleven_times():
    """All but the first ten are turned away without a look at their token."""
    guard, looked = Guard(), 0
    for i in range(10_000):
        if guard.wait_ns("10.0.0.1", i) == 0:
            guard.failed("10.0.0.1", i)
            looked += 1
    assert looked == FREE_TRIES


def test_neighbours_are_not_held_up():
    """Another address is let in as ever."""
    guard = Guard()
    for _ in range(100):
        guard.failed("10.0.0.1", 0)
    assert guard.wait_ns("10.0.0.2", 0) == 0


def test_the_right_token_clears_the_past_and_waiting_does_too():
    """Once the time is over one more try is taken, and a right one ends it."""
    guard = Guard()
    for _ in range(FREE_TRIES):
        guard.failed("10.0.0.1", 0)
    assert guard.wait_ns("10.0.0.1", 0) == NS_PER_S
    assert guard.wait_ns("10.0.0.1", NS_PER_S) == 0
    guard.passed("10.0.0.1")
    guard.failed("10.0.0.1", NS_PER_S)
    assert guard.wait_ns("10.0.0.1", NS_PER_S) == 0


def test_the_memory_for_addresses_is_bounded():
    """A million addresses do not fill it."""
    guard = Guard()
    for i in range(2 * MAX_ADDRESSES):
        guard.failed(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", 0)
    assert len(guard._records) == MAX_ADDRESSES


def test_a_whole_ipv6_network_counts_as_one():
    """The first 64 bits are the household; an IPv4 address in IPv6 clothes is itself."""
    assert household("2001:db8::1") == household("2001:db8::ffff") != household("2001:db8:0:1::1")
    assert household("::ffff:10.0.0.1") == household("10.0.0.1")
    assert household("fe80::1%eth0") == household("fe80::2")
    assert household("") == ""
