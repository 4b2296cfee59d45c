"""Row 14 by chance: whatever bytes come, an Xsens decoder gives a true pose, nothing, or PacketError."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.mvnx_texts import performed
from support.xsens_suit import one_of_each, sample_of

from emotus.engine.errors import PacketError
from emotus.sensors.xsens_decoder import XsensDecoder
from emotus.sensors.xsens_framer import XsensFramer
from emotus.sensors.xsens_layout import HEADER

POSES = performed(20)
GOOD = tuple(one_of_each(POSES[1]).values())
HONEST = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)

edits = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6)
headers = st.builds(
    lambda kind, sample, part, items, time, counts, size: HEADER.pack(
        b"MXTP%02d" % kind, sample, part, items, time, *counts, bytes(2), size
    ),
    st.integers(0, 99),
    st.integers(0, 2**32 - 1),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.integers(0, 255)] * 4),
    st.integers(0, 65535),
)


def attempt(decoder: XsensDecoder, datagram: bytes, t_ns: int = 0) -> list:
    """Feed a datagram; only PacketError may come out."""
    try:
        return list(decoder.feed(datagram, t_ns))
    except PacketError:
        return []


@HONEST
@given(st.sampled_from(GOOD), edits, st.integers(0, 2000))
def test_mutated_datagrams(good, changes, end):
    """Bytes changed anywhere and cut anywhere: shapes are those of the body, and the next good one is heard."""
    decoder = XsensDecoder()
    data = bytearray(good)
    for at, value in changes:
        data[at % len(data)] = value
    for pose in attempt(decoder, bytes(data[: end or None])):
        assert pose.positions.shape == (21, 3)
        assert pose.confidence.shape == (21,)
    later = sample_of(POSES[2], 2, character=200)[0]
    (pose,) = attempt(decoder, later)
    assert np.abs(pose.positions - POSES[2].positions).max() < 1e-5


@HONEST
@given(st.lists(st.tuples(headers, st.binary(max_size=900)), min_size=1, max_size=8))
def test_any_header_with_any_payload(packets):
    """Whole conversations of invented datagrams never break the decoder, and say so in its counters."""
    decoder = XsensDecoder()
    for i, (head, payload) in enumerate(packets):
        attempt(decoder, head + payload, i * 1_000_000)
    assert all(count >= 0 for count in decoder.counters.values())


@HONEST
@given(st.binary(max_size=3000))
def test_any_bytes(data):
    """Bytes of any kind are refused or passed over."""
    assert attempt(XsensDecoder(), data) == []


@HONEST
@given(st.data())
def test_a_stream_cut_anywhere_gives_the_same_packets(data):
    """However TCP cuts a stream, and whatever stands between datagrams, the same datagrams come out."""
    wanted = data.draw(st.lists(st.sampled_from(GOOD), min_size=1, max_size=6))
    noise = data.draw(st.lists(st.binary(max_size=40).filter(lambda b: b"M" not in b), min_size=6, max_size=6))
    stream = b"".join(gap + packet for gap, packet in zip(noise, wanted, strict=False))
    framer = XsensFramer()
    packets: list[bytes] = []
    at = 0
    while at < len(stream):
        step = data.draw(st.integers(1, 1500))
        packets += framer.feed(stream[at : at + step])
        at += step
    assert packets == wanted
    assert framer.skipped == sum(len(gap) for gap in noise[: len(wanted)])


@HONEST
@given(st.lists(st.binary(max_size=2000), max_size=20))
def test_a_stream_of_anything_is_bounded(chunks):
    """A stream of any bytes holds at most one datagram of the greatest length."""
    framer = XsensFramer()
    for chunk in (*chunks, b"MXTP02" + bytes([0xFF] * 18)):
        for packet in framer.feed(chunk):
            attempt(XsensDecoder(), packet)
        assert len(framer._held) <= 65_536 + HEADER.size


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e38, 0.0])
def test_odd_numbers_reach_no_body(value):
    """A first sample of NaN, infinities or nothing is nobody's; the next good one is."""
    datagram = bytearray(sample_of(POSES[0], 2)[0])
    numbers = np.frombuffer(datagram, dtype=">f4", offset=HEADER.size)
    numbers.reshape(23, 8)[:, 1:] = value
    decoder = XsensDecoder()
    assert attempt(decoder, bytes(datagram)) == []
    assert decoder.counters["dropped_unmatched"] == 1
    assert len(attempt(decoder, sample_of(POSES[1], 2)[0], 10**9)) == 1
