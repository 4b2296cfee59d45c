"""Sightings cross from the camera's process whole, or are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emotus.engine.errors import PacketError
from emotus.sensors.sighting import Person, Sighting, decode, encode
from emotus.sensors.worker_message import MOST_BYTES

people = st.builds(
    Person,
    arrays(np.float32, (33, 4), elements=st.floats(width=32)),
    arrays(np.float32, (33, 2), elements=st.floats(width=32)),
)
sightings = st.builds(
    Sighting,
    st.integers(0, 2**32 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.lists(people, max_size=4).map(tuple),
    st.integers(0, 255),
)


@given(sightings)
def test_a_sighting_comes_through_bit_by_bit(sighting):
    """Every number of it, odd ones included, in what one message may carry."""
    data = encode(sighting)
    assert len(data) <= MOST_BYTES
    read = decode(data)
    assert (read.number, read.t_ns, read.width, read.height, read.bystanders) == (
        sighting.number, sighting.t_ns, sighting.width, sighting.height, sighting.bystanders
    )  # fmt: skip
    assert len(read.people) == len(sighting.people)
    for ours, theirs in zip(read.people, sighting.people, strict=True):
        assert ours.world.tobytes() == theirs.world.tobytes()
        assert ours.image.tobytes() == theirs.image.tobytes()


@given(sightings, st.data())
def test_a_sighting_cut_short_or_grown_is_refused(sighting, data):
    """At every other length the documented error comes."""
    whole = encode(sighting)
    cut = data.draw(st.integers(0, len(whole) - 1))
    for broken in (whole[:cut], whole + b"\0"):
        with pytest.raises(PacketError, match="a sighting of"):
            decode(broken)


@given(st.binary(max_size=1700))
def test_any_bytes_are_a_sighting_or_refused(data):
    """What is read is written back as it came; nothing but PacketError is raised."""
    try:
        read = decode(data)
    except PacketError:
        return
    assert encode(read) == data
