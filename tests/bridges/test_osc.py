"""The OSC bridge is heard by others, tells what it is, and nothing that the network does stops it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest
from pythonosc.osc_bundle import OscBundle
from support.sayings import emotion, frame, free_port, pose, status, udp_receiver, wait_for

from emotus.bridges.osc import OscBridge
from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.errors import UriError
from emotus.engine.osc_codec import OscMessage, decode


@contextmanager
def bridge_to(receiver: socket.socket, clock=None, **more):
    """Offer a started bridge to a receiver."""
    bridge = OscBridge(
        "127.0.0.1", receiver.getsockname()[1], labels=("happy",), clock=clock or MonotonicClock(), **more
    )
    bridge.start()
    try:
        yield bridge
    finally:
        bridge.close()


def messages(receiver: socket.socket, datagrams: int) -> list[OscMessage]:
    """Return the messages of so many datagrams, those of the lamp not counted."""
    told: list[OscMessage] = []
    while datagrams:
        heard = decode(receiver.recv(65536))
        if heard[0].address != "/emotus/live":
            told += heard
            datagrams -= 1
    return told


def test_the_first_datagram_says_what_the_numbers_are():
    """Disclosure comes before any answer."""
    with udp_receiver() as receiver, bridge_to(receiver):
        (notice,) = messages(receiver, 1)
        assert notice.address == "/emotus/notice"
        assert "apparent expression" in notice.args[0]
        assert notice.args[1:] == ("", "")


def test_without_labels_the_notice_says_that_nothing_is_inferred():
    """Where no emotion is read, nobody is told that one was."""
    with udp_receiver() as receiver:
        bridge = OscBridge("127.0.0.1", receiver.getsockname()[1], clock=MonotonicClock())
        bridge.start()
        bridge.close()
        assert "no emotion is inferred" in messages(receiver, 1)[0].args[0]


def test_the_model_and_its_hash_are_told_before_its_first_answer():
    """The notice is repeated as soon as it is known who speaks."""
    with udp_receiver() as receiver, bridge_to(receiver) as bridge:
        messages(receiver, 1)
        bridge.send(emotion(1))
        notice, *answer = messages(receiver, 2)
        assert (notice.address, notice.args[1:]) == ("/emotus/notice", ("bandai-stgcn", "a1" * 32))
        assert "/emotus/p1/valence" in {message.address for message in answer}


def test_the_notice_comes_again_every_ten_seconds():
    """By the clock that was given, with nothing else to send."""
    clock = ManualClock()
    with udp_receiver() as receiver, bridge_to(receiver, clock):
        for _ in range(3):
            assert messages(receiver, 1)[0].address == "/emotus/notice"
            receiver.settimeout(0.3)
            with pytest.raises(TimeoutError):
                receiver.recv(65536)
            receiver.settimeout(10.0)
            clock.advance_ns(10 * NS_PER_S)


def test_the_events_of_a_frame_share_their_bundles():
    """Pose, qualities and emotion given one after another leave in two datagrams of at most 1400 bytes."""
    with udp_receiver() as receiver, bridge_to(receiver) as bridge:
        bridge.send(emotion(0))
        messages(receiver, 3)
        with bridge._courier._busy:  # it takes nothing before all three are there, however slowly they come
            for event in frame(1):
                bridge.send(event)
        datagrams = [each for each in (receiver.recv(65536) for _ in range(2)) if b"/emotus/live" not in each]
        assert all(len(datagram) <= 1400 for datagram in datagrams)
        told = [message for datagram in datagrams for message in decode(datagram)]
        assert len(told) == 2 + 21 + 2 + 6 + 4
        assert OscBundle(datagrams[0]).num_contents + OscBundle(datagrams[1]).num_contents == len(told)


def test_a_status_leaves_without_a_frame_of_its_own():
    """The seq of a status is not a frame's."""
    with udp_receiver() as receiver, bridge_to(receiver) as bridge:
        messages(receiver, 1)
        bridge.send(status())
        assert [message.address for message in messages(receiver, 1)] == ["/emotus/engine/status"]


def test_an_event_that_cannot_be_said_is_counted_and_the_rest_of_its_frame_is_heard():
    """One NaN costs one event."""
    with udp_receiver() as receiver, bridge_to(receiver) as bridge:
        messages(receiver, 1)
        bridge.send(emotion(1, valence=float("nan")))
        bridge.send(pose(1))
        assert wait_for(lambda: bridge.stats().waiting == 0)
        stats = bridge.stats()
        assert (stats.sent, stats.dropped, stats.errors) == (1, 1, 1)


def test_what_waits_is_sent_before_it_closes():
    """The last frame of a show is heard."""
    with udp_receiver() as receiver:
        with bridge_to(receiver) as bridge:
            for seq in range(50):
                bridge.send(status(seq))
        assert bridge.stats().sent == 50
        assert len(messages(receiver, 51)) == 51


@pytest.mark.parametrize(
    ("host", "mend"),
    [
        ("no-such-host.invalid", "a name this machine knows"),
        ("0.0.0.0", "127.0.0.1 is this machine"),
        ("224.0.0.1", "--expose"),
        ("255.255.255.255", "--expose"),
        ("a" * 300, "a name this machine knows"),
        ("..", "a name this machine knows"),
    ],
)
def test_a_host_that_cannot_be_reached_is_told_without_waiting_for_it(host, mend):
    """One line with the address and the mend; nothing is left open."""
    bridge = OscBridge(host, 9000, clock=MonotonicClock())
    start = time.monotonic()
    with pytest.raises(UriError, match=re.escape(mend)) as told:
        bridge.start()
    assert time.monotonic() - start < 5.0
    assert "\n" not in str(told.value)
    assert str(told.value).startswith("osc:")
    bridge.close()


def test_ipv6_is_spoken():
    """A receiver on ::1 hears the same."""
    try:
        receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        receiver.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with receiver:
        receiver.settimeout(10.0)
        bridge = OscBridge("::1", receiver.getsockname()[1], clock=MonotonicClock())
        bridge.start()
        assert messages(receiver, 1)[0].address == "/emotus/notice"
        bridge.close()


@pytest.mark.skipif(shutil.which("oscdump") is None, reason="liblo's oscdump is not installed (apt: liblo-tools)")
def test_liblo_hears_a_whole_frame():
    """Another implementation of OSC prints every address of a frame with its types and values."""
    port = free_port(socket.SOCK_DGRAM)
    with subprocess.Popen(["oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True) as listener:
        bridge = OscBridge("127.0.0.1", port, labels=("happy",), clock=MonotonicClock())
        try:
            bridge.start()
            assert wait_for(lambda: _hears(bridge, listener), 20)
            assert _hears(bridge, listener)  # whatever was lost before, this frame is whole
            told = [listener.stdout.readline() for _ in range(40)]
        finally:
            bridge.close()
            listener.terminate()
    text = "".join(told)
    assert re.search(r"/emotus/p1/frame if \d+ ", text)
    assert re.search(r"/emotus/p1/emotion/happy f 0\.5", text)
    assert re.search(r"/emotus/p1/label s \"happy\"", text)
    assert len(set(re.findall(r"/emotus/p1/joint/(\w+) fffffff", text))) == 21


def _hears(bridge: OscBridge, listener: subprocess.Popen) -> bool:
    """Send frames until the listener, which takes a moment to start, is no longer refused."""
    errors = bridge.stats().errors
    for event in frame(5):
        bridge.send(event)
    time.sleep(0.2)
    return bridge.stats().errors == errors and listener.poll() is None
