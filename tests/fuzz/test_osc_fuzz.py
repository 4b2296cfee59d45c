"""Row 13: whatever a datagram holds, it is accepted or an OscError, within 5 ms, and the next good one is heard.

`EMOTUS_FUZZ=10000000 pytest -s tests/fuzz/test_osc_fuzz.py` runs millions and prints its figures.
"""

from __future__ import annotations

import collections
import contextlib
import gc
import math
import os
import time

import pytest
from faults.figures import figure
from fuzz.osc_mutations import GOOD, mutations, nested

from emotus.engine.errors import OscError
from emotus.engine.osc_codec import MAX_ARGS, MAX_PARTS, OscMessage, decode, encode_bundle, encode_message

COUNT = int(os.environ.get("EMOTUS_FUZZ", "200000"))
WORST_MS = 5.0


def check(messages: tuple[OscMessage, ...]) -> None:
    """Check that what was accepted keeps the promises of the decoder."""
    assert sum(len(message.args) for message in messages) <= MAX_ARGS
    for message in messages:
        assert message.address.isascii()
        assert not set(message.address) & set(" #*,?[]{}")
        for arg in message.args:
            assert not isinstance(arg, float) or math.isfinite(arg)


def attempt(packet: bytes) -> tuple[tuple[OscMessage, ...] | None, int]:
    """Decode a packet; return its messages, None where it was refused, and the nanoseconds of this thread's own."""
    start_ns = time.thread_time_ns()
    try:
        messages = decode(packet)
    except OscError:
        messages = None
    return messages, time.thread_time_ns() - start_ns


def fuzz(count: int, seed: int) -> tuple[collections.Counter, float]:
    """Decode so many mutated packets; return how they ended and the longest that one took in ms."""
    ends: collections.Counter = collections.Counter()
    worst_ns = 0
    gc.disable()
    try:
        for i, packet in enumerate(mutations(count, seed)):
            messages, took_ns = attempt(packet)
            if took_ns > worst_ns:  # a slow packet is slow again; a machine that paused is not
                worst_ns = max(worst_ns, min(took_ns, *(attempt(packet)[1] for _ in range(3))))
            ends["refused" if messages is None else "accepted"] += 1
            if messages:
                check(messages)
            if i % 1000 == 0:
                assert decode(GOOD[i % len(GOOD)]), "the next good packet is not heard"
                gc.collect(0)
    finally:
        gc.enable()
    return ends, worst_ns / 1e6


def test_mutated_packets_are_accepted_or_refused_quickly():
    """Nothing but OscError, nothing slow, and enough of both ends that the fuzzer is worth something."""
    ends, worst_ms = fuzz(COUNT, seed=20)
    print(f"{ends.total()} packets: {dict(ends)}, worst {worst_ms:.2f} ms")
    figure(13, "mutated datagrams, each accepted or an OscError", ends.total(), COUNT, better="==")
    figure(13, "worst single parse", worst_ms, WORST_MS, "ms")
    assert ends.total() == COUNT
    assert min(ends.values()) > COUNT * 0.1
    assert worst_ms <= WORST_MS


HEAVY = {
    "a nest of 3000": nested(3000),
    "messages without end": encode_bundle([encode_message("/a")] * 5400),
    "as many messages as are allowed": encode_bundle([encode_message("/a", b"1", "x")] * (MAX_PARTS - 2)),
    "as many strings as are allowed": encode_message("/a", *["x"] * MAX_ARGS),
    "as many arrays as are allowed": encode_message("/a", *[()] * (MAX_ARGS // 2)),
    "an address of 60 KB": b"/" + b"a/" * 30_000 + b"#\0\0,\0\0\0",
    "patterns for 60 KB": b"/" + b"*a" * 30_000 + b"*b\0,\0\0\0",
    "tags for 60 KB": b"/a\0\0," + b"[" * 60_000 + b"\0\0\0",
    "a string of 60 KB": encode_message("/a", "\N{LATIN SMALL LETTER E WITH ACUTE}" * 30_000),
}


@pytest.mark.parametrize("packet", HEAVY.values(), ids=HEAVY)
def test_no_packet_takes_more_than_five_milliseconds(packet):
    """The most laborious packets that fit into a datagram, the quickest of three tries, this thread's own time."""
    took_ns = []
    for _ in range(3):
        start_ns = time.thread_time_ns()
        with contextlib.suppress(OscError):
            decode(packet)
        took_ns.append(time.thread_time_ns() - start_ns)
    assert min(took_ns) / 1e6 <= WORST_MS
