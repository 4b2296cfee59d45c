"""A dancer's lamp follows her over real sockets, in packets that others read, and never faster than is safe."""

from __future__ import annotations

import dataclasses
import struct
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sayings import emotion, motion, pose, status, udp_receiver, wait_for

from emotus.bridges.lights import LightsBridge, LightSettings
from emotus.bridges.lights_color import SLEW, Lamp, color_of
from emotus.bridges.lights_uri import make_artnet, make_sacn
from emotus.bridges.lights_wire import ArtnetWire, SacnWire, multicast_address
from emotus.bridges.osc_link import Target
from emotus.bridges.uri import Wish
from emotus.bridges.viewer_colors import emotion_color
from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.errors import UriError

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # WCAG 2.2, relative luminance
DEAD = Target("udp", "127.0.0.1", 9)


def wish(uri: str, *, expose: bool = False) -> Wish:
    """Return what a bridge is made from."""
    return Wish(uri, uri.partition(":")[2], ("happy",), expose, MonotonicClock())


def quiet(**chosen) -> LightsBridge:
    """Return a bridge whose time the test turns."""
    return LightsBridge("artnet:x", DEAD, ArtnetWire(0), clock=ManualClock(), settings=LightSettings(**chosen))


def sure(label: str, seq: int = 0, *, stream: str = "p1", arousal: float = 1.0):
    """Return an answer of which nothing is in doubt."""
    return dataclasses.replace(emotion(seq, stream=stream), label=label, probs={label: 1.0}, arousal=arousal)


def flashes(luminance: np.ndarray) -> int:
    """Count pairs of opposing changes of a tenth at least (WCAG 2.3.1)."""
    turns, extreme, direction = 0, luminance[0], 0
    for value in luminance:
        if direction == 0 and abs(value - extreme) >= 0.1:
            direction, extreme, turns = (1 if value > extreme else -1), value, turns + 1
        elif direction and (value - extreme) * direction > 0:
            extreme = value
        elif direction and abs(value - extreme) >= 0.1:
            direction, extreme, turns = -direction, value, turns + 1
    return turns // 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.tuples(*[st.sampled_from([0.0, 1.0])] * 3)), min_size=5, max_size=60))
def test_no_lamp_flashes_more_than_three_times_a_second_whatever_it_is_told(orders):
    """Black and full in any order and at any pace: no second holds a fourth flash."""
    lamp = Lamp()
    luminance = []
    for ticks, color in orders:
        lamp.target = np.array(color)
        for _ in range(ticks):
            lamp.step(0.025)
            luminance.append(float(lamp.light @ LUMINANCE))
    for start in range(0, max(len(luminance) - 40, 1), 5):
        assert flashes(np.array(luminance[start : start + 40])) <= 3
    assert np.abs(np.diff([0.0, *luminance])).max() <= SLEW * 0.025 + 1e-9


def test_the_test_of_flashes_can_fail():
    """A strobe of ten a second is counted as one."""
    assert flashes((np.arange(40) // 2 % 2).astype(float)) >= 9


def test_the_colour_is_the_pages_and_arousal_its_strength():
    """A sure answer has the label's colour; calm is dimmer; an answer withheld is the idle colour."""
    full = color_of(sure("sad"), {}, (0, 0, 0))
    assert np.allclose(full * 255, emotion_color("sad"))
    assert np.allclose(color_of(sure("sad", arousal=-1.0), {}, (0, 0, 0)), 0.35 * full)
    unsure = dataclasses.replace(sure("sad"), abstain=True)
    assert np.allclose(color_of(unsure, {}, (51, 0, 0)), (0.2, 0, 0))
    assert np.allclose(color_of(sure("sad"), {"sad": (0, 0, 255)}, (0, 0, 0)), (0, 0, 1))
    assert np.isfinite(color_of(motion(), {}, (0, 0, 0))).all()
    assert np.allclose(color_of(dataclasses.replace(sure("sad"), probs={"sad": np.nan}), {}, (0, 0, 255)), (0, 0, 1))


def test_each_performer_has_a_fixture_and_keeps_it():
    """In order of coming; a third finds none until one has been gone for ten seconds."""
    bridge = quiet(addresses=(1, 11), colors={"a": (255, 0, 0), "b": (0, 255, 0), "c": (0, 0, 255)})
    assert bridge.follow(sure("a"), 0)
    assert bridge.follow(sure("b", stream="p2"), 0)
    assert not bridge.follow(sure("c", stream="p3"), 0)
    for _ in range(80):
        bridge.step(NS_PER_S, 0.025)
    channels = bridge.universe()
    assert (channels[:3], channels[10:13], len(channels)) == (b"\xff\0\0", b"\0\xff\0", 13)
    bridge.follow(sure("a"), 9 * NS_PER_S)
    assert bridge.follow(sure("c", stream="p3"), 11 * NS_PER_S)
    named = quiet(addresses=(1, 4), streams=("ben", "anna"), colors={"a": (255, 0, 0)})
    assert named.follow(sure("a", stream="anna"), 0)
    assert not named.follow(sure("a", stream="zoe"), 0)


def test_a_lamp_rests_where_nobody_is_seen_and_where_consent_ends():
    """After two seconds of silence, and at once when she is forgotten, it fades."""
    for end in ("silence", "forget"):
        bridge = quiet(colors={"a": (255, 255, 255)})
        bridge.follow(sure("a"), 0)
        for _ in range(80):
            bridge.step(NS_PER_S, 0.025)
        assert bridge.universe() == b"\xff\xff\xff"
        if end == "forget":
            bridge.forget("p1")
        for _ in range(80):
            bridge.step(NS_PER_S if end == "forget" else 3 * NS_PER_S, 0.025)
        assert bridge.universe() == b"\0\0\0"


@pytest.mark.parametrize(
    ("mode", "channels"), [("rgb", [255, 128, 128]), ("drgb", [255, 255, 128, 128]), ("rgbw", [127, 0, 0, 128])]
)
def test_a_fixture_has_the_channels_of_its_kind(mode, channels):
    """Colours alone, with a dimmer before them, or with white behind."""
    bridge = quiet(mode=mode, colors={"a": (255, 128, 128)})
    bridge.follow(sure("a"), 0)
    for _ in range(90):
        bridge.step(0, 0.025)
    assert list(bridge.universe()) == channels


def test_artnet_is_the_bytes_of_another_library():
    """stupidArtnet builds the same ArtDmx packet, and takes ours for one."""
    peer = pytest.importorskip("stupidArtnet", reason="stupidArtnet is not installed (pip install 'emotus[dev]')")
    theirs = peer.StupidArtnet("127.0.0.1", 259, 12)
    theirs.set(bytearray(range(12)))
    theirs.sequence = 1
    theirs.make_artdmx_header()
    ours = ArtnetWire(259).packet(bytes(range(12)))
    assert ours == bytes(theirs.packet_header + theirs.buffer)
    assert peer.StupidArtnetServer.validate_header(ours)
    theirs.close()


def test_artnet_counts_from_1_to_255_and_sends_even_lengths():
    """0 would switch the counting off (Art-Net 4, ArtDmx)."""
    wire = ArtnetWire(0)
    packets = [wire.packet(b"\1\2\3") for _ in range(256)]
    assert [packet[12] for packet in packets] == [*range(1, 256), 1]
    assert packets[0][16:] == b"\0\4\1\2\3\0"


def read_e131(packet: bytes) -> tuple[int, int, int, bool, bytes]:
    """Read universe, sequence, priority, whether it is over, and channels, by the tables of ANSI E1.31-2018."""
    assert packet[:16] == b"\x00\x10\x00\x00ASC-E1.17\x00\x00\x00"
    root, framing, dmp = (struct.unpack_from(">H", packet, at)[0] for at in (16, 38, 115))
    assert [each >> 12 for each in (root, framing, dmp)] == [7, 7, 7]
    assert [each & 0xFFF for each in (root, framing, dmp)] == [len(packet) - at for at in (16, 38, 115)]
    assert struct.unpack_from(">I", packet, 18)[0] == 4
    assert struct.unpack_from(">I", packet, 40)[0] == 2
    assert packet[117:123] == b"\x02\xa1\x00\x00\x00\x01"
    (count,) = struct.unpack_from(">H", packet, 123)
    assert packet[125] == 0
    assert len(packet) == 125 + count
    (universe,) = struct.unpack_from(">H", packet, 113)
    return universe, packet[111], packet[108], bool(packet[112] & 0x40), packet[126:]


def test_sacn_is_as_the_standard_says():
    """Every layer's length and vector, universe, priority, counter, the end of the stream, the channels."""
    pytest.importorskip("sacn", reason="sacn is not installed (pip install 'emotus[lights]')")
    wire = SacnWire(258, priority=150)
    packets = [wire.packet(b"\x0a\x14\x1e", over=i == 2) for i in range(3)]
    read = [read_e131(packet) for packet in packets]
    assert [each[0] for each in read] == [258] * 3
    assert np.diff([each[1] for each in read]).tolist() == [1, 1]
    assert [each[2:4] for each in read] == [(150, False), (150, False), (150, True)]
    assert read[0][4][:4] == b"\x0a\x14\x1e\0"
    assert multicast_address(258) == "239.255.1.2"


@pytest.mark.parametrize("scheme", ["artnet", "sacn"])
def test_a_node_on_the_network_sees_her_light_fade_in_and_go_out(scheme):
    """Over a real socket: it rises step by step, is kept alive, and ends black; nothing else counts as said."""
    if scheme == "sacn":
        pytest.importorskip("sacn", reason="sacn is not installed (pip install 'emotus[lights]')")
    with udp_receiver() as node:
        uri = f"{scheme}:127.0.0.1:{node.getsockname()[1]}?universe=1&colors=happy:ffffff"
        bridge = (make_artnet if scheme == "artnet" else make_sacn)(wish(uri))
        bridge.start()
        levels: list[int] = []
        deadline = time.monotonic() + 10
        seq = 0
        while (not levels or levels[-1] < 60) and time.monotonic() < deadline:
            bridge.send(sure("happy", seq))
            seq += 1
            packet = node.recv(2048)
            levels.append(packet[18] if scheme == "artnet" else read_e131(packet)[4][0])
        bridge.send(pose())
        bridge.send(status())
        assert wait_for(lambda: bridge.stats().waiting == 0)
        bridge.close()
        node.settimeout(0.2)
        rest = []
        while not rest or len(rest) < 100:
            try:
                rest.append(node.recv(2048))
            except TimeoutError:
                break
    assert levels == sorted(levels)
    assert levels[-1] >= 60
    assert (rest[-1][18] if scheme == "artnet" else read_e131(rest[-1])[4][0]) == 0
    if scheme == "sacn":
        assert [read_e131(packet)[3] for packet in rest[-4:]] == [False, True, True, True]
    stats = bridge.stats()
    assert (stats.sent, stats.dropped) == (seq, 2)


def test_a_universe_that_does_not_change_is_said_again_before_a_second_is_over():
    """Nodes forget who is silent."""
    clock = ManualClock()
    with udp_receiver() as node:
        bridge = make_artnet(dataclasses.replace(wish(f"artnet:127.0.0.1:{node.getsockname()[1]}"), clock=clock))
        bridge.start()
        first = node.recv(2048)
        clock.advance_ns(NS_PER_S // 2)
        node.settimeout(0.2)
        with pytest.raises(TimeoutError):
            node.recv(2048)
        clock.advance_ns(NS_PER_S // 2 - 1)
        node.settimeout(10)
        assert node.recv(2048)[18:] == first[18:]
        bridge.close()


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("artnet:", "no node is named"), ("artnet:127.0.0.1?universe=40000", "0 to 32767"),
        ("sacn:127.0.0.1?universe=0", "1 to 63999"), ("artnet:127.0.0.1?fixtures=0", "from 1 to 510"),
        ("artnet:127.0.0.1?fixtures=1,3", "overlap"), ("artnet:127.0.0.1?fixtures=511", "from 1 to 510"),
        ("artnet:127.0.0.1?mode=cmy", "one of rgb"), ("artnet:127.0.0.1?colors=ffcc00", "label:RRGGBB"),
        ("artnet:127.0.0.1?idle=red", "RRGGBB"), ("artnet:127.0.0.1?priority=1", "known are"),
        ("artnet:127.0.0.1?end=fade", "one of black"), ("artnet:127.0.0.1?fixtures=٣", "from 1 to"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_told_with_its_mend(uri, problem):
    """One line that begins with the address."""
    with pytest.raises(UriError, match=problem) as told:
        (make_artnet if uri.startswith("artnet") else make_sacn)(wish(uri))
    assert str(told.value).startswith(uri)


def test_everybodys_lamps_need_leave():
    """Multicast is refused without --expose, and Art-Net's broadcast too."""
    pytest.importorskip("sacn", reason="sacn is not installed (pip install 'emotus[lights]')")
    for bridge in (make_sacn(wish("sacn:multicast")), make_artnet(wish("artnet:255.255.255.255"))):
        with pytest.raises(UriError, match="--expose"):
            bridge.start()
        bridge.close()
