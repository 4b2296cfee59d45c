"""Stencils read what the decoder reads, and refuse what it refuses, in one step where a packet's layout is known."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotus.engine.errors import OscError
from emotus.engine.osc_codec import decode, encode_bundle, encode_message
from emotus.engine.osc_stencils import CAPACITY, Row, Stencils

floats32 = st.floats(allow_nan=False, allow_infinity=False, width=32)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
values = st.one_of(floats32, st.integers(-(2**40), 2**40), texts, st.binary(max_size=9), st.booleans(), st.none())
messages = st.tuples(st.sampled_from(("/a", "/bone/pos", "/long/er/address")), st.lists(values, max_size=6))
packets = st.recursive(
    messages.map(lambda message: encode_message(message[0], *message[1])),
    lambda inner: st.lists(inner, max_size=4).map(encode_bundle),
    max_leaves=12,
)


def told(rows: tuple[Row, ...], floats) -> list[tuple[str, list]]:
    """Return the messages that rows and floats stand for."""
    found = []
    for row in rows:
        given_floats = iter(floats[row.first :].tolist())
        args = [next(given_floats) if tag == "f" else arg for tag, arg in zip(row.tags, row.args, strict=True)]
        found.append((row.address, args))
    return found


@settings(max_examples=30)
@given(packets, packets)
def test_what_is_read_is_what_the_decoder_reads(first, second):
    """In any order, and again when the layout is known."""
    stencils = Stencils(lambda rows: rows)
    for packet in (first, second, first, second):
        wanted = [(message.address, list(message.args)) for message in decode(packet)]
        assert told(*stencils.read(packet)) == wanted


@settings(max_examples=30)
@given(st.lists(floats32, min_size=1, max_size=8), st.data())
def test_another_packet_of_the_same_layout_is_read_without_decoding(numbers, data):
    """The plan is made once; the floats are those of the packet at hand."""
    plans = []
    stencils = Stencils(plans.append)
    others = data.draw(st.lists(floats32, min_size=len(numbers), max_size=len(numbers)))
    for each in (numbers, others, numbers):
        _, floats = stencils.read(encode_bundle([encode_message("/a", "Hips", *each), encode_message("/b", 1)]))
        assert floats.tolist() == each
    assert len(plans) == 1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_known_layout_lets_no_number_pass_that_is_none(bad):
    """NaN and infinity are refused as the decoder refuses them."""
    stencils = Stencils(lambda rows: rows)
    good = encode_message("/a", 1.0, 2.0)
    stencils.read(good)
    with pytest.raises(OscError):
        stencils.read(good[:-4] + struct.pack(">f", bad))
    assert stencils.read(good)[1].tolist() == [1.0, 2.0]


def test_packets_of_one_length_keep_apart():
    """Two layouts that differ in a name only are two."""
    stencils = Stencils(lambda rows: rows[0].args[0])
    for _ in range(3):
        for name in ("Left", "Rite"):
            assert stencils.read(encode_message("/a", name, 1.0))[0] == name


def test_time_tags_are_not_waited_for_and_make_no_layout():
    """Bundles that differ in their time tag are alike."""
    plans = []
    stencils = Stencils(plans.append)
    for timetag in (1, 2**63, 77):
        stencils.read(encode_bundle([encode_message("/a", 1.0)], timetag))
    assert len(plans) == 1


def test_a_sender_that_packs_nothing_is_known_too():
    """A hundred bones, each a packet of its own, beside a clock: every layout is planned once."""
    plans = []
    stencils = Stencils(plans.append)
    for frame in range(4):
        stencils.read(encode_message("/VMC/Ext/T", frame / 60))
        for bone in range(100):
            stencils.read(encode_message("/VMC/Ext/Bone/Pos", f"{bone:03d}Finger", *[frame + 0.5] * 7))
            stencils.read(encode_message("/VMC/Ext/Blend/Val", f"{bone:03d}Shape", frame / 4))
    assert len(plans) == 201


def test_memory_is_bounded():
    """A sender with ever new layouts is read all the same, and forgotten."""
    stencils = Stencils(lambda rows: rows)
    for i in range(5 * CAPACITY):
        rows, floats = stencils.read(encode_message("/a", i, 0.5))
        assert (rows[0].args[0], floats.tolist()) == (i, [0.5])
        assert stencils.known <= CAPACITY


@settings(max_examples=30)
@given(packets, st.data())
def test_a_broken_packet_is_refused_as_the_decoder_refuses_it(packet, data):
    """Whatever one byte is changed to: the same messages, or OscError from both."""
    stencils = Stencils(lambda rows: rows)
    stencils.read(packet)
    at = data.draw(st.integers(0, max(len(packet) - 1, 0)))
    broken = packet[:at] + bytes([data.draw(st.integers(0, 255))]) + packet[at + 1 :]
    try:
        wanted = [(message.address, list(message.args)) for message in decode(broken)]
    except OscError:
        with pytest.raises(OscError):
            stencils.read(broken)
    else:
        assert told(*stencils.read(broken)) == wanted
