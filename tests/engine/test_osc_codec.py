"""OSC packets, both ways: the same bytes as python-osc, and nothing accepted that breaks a bound."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY as PEER_IMMEDIATELY
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage as PeerMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from emotus.engine.errors import OscError
from emotus.engine.osc_codec import (
    MAX_ARGS,
    MAX_DEPTH,
    MAX_PARTS,
    OscMessage,
    decode,
    encode_bundle,
    encode_message,
)

TAG_ONE = b"\0" * 7 + b"\1"
FUTURE = struct.pack(">Q", 0xFFFF_FFFF_0000_0000)
HEAD = b"#bundle\0" + TAG_ONE
PING = b"/a\0\0,\0\0\0"

finite32 = st.floats(allow_nan=False, allow_infinity=False, width=32)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
scalars = st.one_of(
    st.integers(-(2**63), 2**63 - 1), finite32, texts, st.binary(min_size=1, max_size=20), st.booleans(), st.none()
)
arguments = st.lists(scalars | st.tuples(scalars, scalars), max_size=8)
addresses = st.from_regex(r"\A(/[A-Za-z0-9_.!~-]{1,12}){1,4}\Z")


def peers_message(address: str, args) -> bytes:
    """Return the message as python-osc builds it."""
    builder = OscMessageBuilder(address)
    for arg in args:
        builder.add_arg(list(arg) if isinstance(arg, tuple) else arg)
    return builder.build().dgram


@given(addresses, arguments)
def test_a_message_has_the_bytes_that_python_osc_builds(address, args):
    """Ints, longs, floats, strings, blobs, truths, nothing and arrays, byte for byte."""
    assert encode_message(address, *args) == peers_message(address, args)


@given(addresses, arguments)
def test_what_is_encoded_is_decoded(address, args):
    """Every message we can write, we can read, with the same values."""
    assert decode(encode_message(address, *args)) == (OscMessage(address, tuple(args)),)


@given(addresses, st.lists(finite32 | texts | st.integers(-(2**31), 2**31 - 1), max_size=8))
def test_python_osc_reads_the_same(address, args):
    """The oracle's parser finds the same address and values."""
    peer = PeerMessage(encode_message(address, *args))
    assert (peer.address, peer.params) == (address, args)


def test_a_bundle_has_the_bytes_that_python_osc_builds():
    """Nested bundles too."""
    inner, outer = OscBundleBuilder(PEER_IMMEDIATELY), OscBundleBuilder(PEER_IMMEDIATELY)
    inner.add_content(OscMessageBuilder("/b").build())
    outer.add_content(inner.build())
    message = OscMessageBuilder("/a/c")
    message.add_arg(1.5)
    outer.add_content(message.build())
    ours = encode_bundle([encode_bundle([encode_message("/b")]), encode_message("/a/c", 1.5)])
    assert ours == outer.build().dgram


def test_nested_bundles_are_read_in_order_with_their_time_tags():
    """A time tag in the far future is handed on at once: nobody sleeps."""
    late = encode_bundle([encode_message("/late", 1)], 0xFFFF_FFFF_0000_0000)
    heard = decode(encode_bundle([encode_message("/now"), late, encode_message("/after")]))
    assert [(m.address, m.timetag) for m in heard] == [("/now", 1), ("/late", 0xFFFF_FFFF_0000_0000), ("/after", 1)]


def test_wide_numbers_are_read():
    """h, d and t are 64 bits."""
    packet = b"/a\0\0,hdt\0\0\0\0" + struct.pack(">qdQ", -(2**40), 1e300, 2**63)
    assert decode(packet)[0].args == (-(2**40), 1e300, 2**63)


def nested(depth: int) -> bytes:
    """Return so many bundles in each other."""
    packet = PING
    for _ in range(depth):
        packet = encode_bundle([packet])
    return packet


BAD = {
    "nothing at all": b"",
    "element of negative size": HEAD + struct.pack(">i", -4),
    "bundle of size 0": HEAD + bytes(4),
    "element larger than the rest": HEAD + struct.pack(">i", 8) + b"/a\0\0",
    "element of 2 GB": HEAD + struct.pack(">i", 2**31 - 1),
    "element not a multiple of 4": HEAD + struct.pack(">i", 6) + b"/a\0\0,\0",
    "bundle without time tag": b"#bundle\0",
    "rest too short for a size": HEAD + b"\0\0",
    "nest one too deep": nested(MAX_DEPTH + 1),
    "nest 3000": nested(3000),
    "too many messages": encode_bundle([PING] * MAX_PARTS),
    "too many arguments": encode_message("/a", *[None] * (MAX_ARGS + 1)),
    "too many arguments in all": encode_bundle([encode_message("/a", *[None] * 600)] * 2),
    "larger than a datagram": encode_message("/a", b"x" * 65_507),
    "no slash": b"a\0\0\0,\0\0\0",
    "only a slash": b"/\0\0\0,\0\0\0",
    "ReDoS address": b"/" + b"*a" * 8 + b"*b" + b"\0" * 5 + b",\0\0\0",
    "pattern in brackets": b"/[a]\0\0\0\0,\0\0\0",
    "blank in address": b"/a b\0\0\0\0,\0\0\0",
    "address not ASCII": b"/\xc3\xa9\0,\0\0\0",
    "address without end": b"/aaa",
    "address with rubbish after it": b"/a\0x,\0\0\0",
    "no type tags": b"/a\0\0",
    "tags without comma": b"/a\0\0i\0\0\0\0\0\0\1",
    "tags not ASCII": b"/a\0\0,\xff\0\0",
    "unknown tag": b"/a\0\0,Q\0\0",
    "int missing": b"/a\0\0,i\0\0",
    "half a double": b"/a\0\0,d\0\0\0\0\0\0",
    "rest after the last argument": b"/a\0\0,i\0\0" + bytes(8),
    "string without end": b"/a\0\0,s\0\0abcd",
    "string that is no UTF-8": b"/a\0\0,s\0\0\xff\xfe\0\0",
    "blob of negative size": b"/a\0\0,b\0\0" + struct.pack(">i", -1),
    "blob larger than the rest": b"/a\0\0,b\0\0" + struct.pack(">i", 100) + bytes(8),
    "blob without padding": b"/a\0\0,b\0\0" + struct.pack(">i", 3) + b"xyz",
    "array never closed": b"/a\0\0,[i\0" + bytes(4),
    "array never opened": b"/a\0\0,i]\0" + bytes(4),
    "arrays nested too deep": b"/a\0\0," + b"[" * 40 + b"]" * 40 + b"\0\0\0",
    "NaN": b"/a\0\0,f\0\0\x7f\xc0\0\0",
    "infinity among good numbers": b"/a\0\0,fff\0\0\0\0" + struct.pack(">fff", 1, float("inf"), 2),
    "double NaN": b"/a\0\0,d\0\0" + struct.pack(">d", float("nan")),
    "NaN in an array": b"/a\0\0,[f]\0\0\0\0\x7f\xc0\0\0",
}


@pytest.mark.parametrize("packet", BAD.values(), ids=BAD)
def test_a_bad_packet_is_an_osc_error(packet):
    """Each is refused with one line that tells what is wrong."""
    with pytest.raises(OscError) as told:
        decode(packet)
    assert str(told.value)
    assert "\n" not in str(told.value)


def test_what_lies_just_within_the_bounds_is_accepted():
    """The bounds themselves are legal."""
    assert len(decode(nested(MAX_DEPTH))) == 1
    assert len(decode(encode_bundle([PING] * (MAX_PARTS - 1)))) == MAX_PARTS - 1
    assert len(decode(encode_message("/a", *[None] * MAX_ARGS))[0].args) == MAX_ARGS
    assert decode(encode_bundle([])) == ()


def test_every_truncation_of_a_packet_is_refused():
    """Cut anywhere, what is left is no packet, or ends between two elements."""
    packet = encode_bundle([encode_message("/a", 1, 2.5, "text", b"blob", None), encode_message("/b", "x")])
    ends = {16, 16 + 4 + len(encode_message("/a", 1, 2.5, "text", b"blob", None))}
    for size in range(len(packet)):
        if size in ends:
            decode(packet[:size])
        else:
            with pytest.raises(OscError):
                decode(packet[:size])


@pytest.mark.parametrize("address", ["", "a", "/", "/a/", "//a", "/a b", "/é", "/a*", "/{a,b}", "/a\0"])
def test_an_address_that_is_not_literal_is_not_sent(address):
    """What receivers could take for a pattern never leaves."""
    with pytest.raises(OscError, match="literal"):
        encode_message(address)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e39, 2**63, "a\0b"])
def test_a_value_that_does_not_fit_is_not_sent(value):
    """Neither NaN nor what overflows nor a string that would end early."""
    with pytest.raises(OscError):
        encode_message("/a", value)


@given(st.binary(max_size=200))
def test_random_bytes_are_accepted_or_an_osc_error(data):
    """Nothing else is raised."""
    with contextlib.suppress(OscError):
        decode(data)
