"""OSC finds several receivers at once, by UDP and by TCP; whoever is slow or gone costs the others nothing."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc import slip
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_tcp_server import ThreadingOSCTCPServer
from support.sayings import emotion, frame, free_port, motion, pose, status, udp_receiver, wait_for

from emotus.bridges.osc_link import MAX_WAITING, Target, TcpLink, frame_slip
from emotus.bridges.osc_sender import OscSender
from emotus.bridges.uri import make_bridge
from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.errors import UriError
from emotus.engine.osc_codec import OscMessage, decode, encode_message


@contextlib.contextmanager
def show(uri: str, clock=None) -> Iterator[OscSender]:
    """Offer a started bridge by its address."""
    bridge = make_bridge(uri, labels=("happy",), clock=clock or MonotonicClock())
    bridge.start()
    try:
        yield bridge
    finally:
        bridge.close()


@contextlib.contextmanager
def tcp_server(mode: str) -> Iterator[tuple[int, list[tuple]]]:
    """Offer a TCP server of python-osc, and what it hears."""
    heard: list[tuple] = []
    dispatcher = Dispatcher()
    dispatcher.set_default_handler(lambda *told: heard.append(told))
    server = ThreadingOSCTCPServer(("127.0.0.1", 0), dispatcher, mode)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1], heard
    finally:
        server.shutdown()
        server.server_close()


def messages(receiver: socket.socket, seconds: float = 0.3) -> list[OscMessage]:
    """Return all messages that come until it is quiet, notice and lamp left out."""
    receiver.settimeout(seconds)
    told: list[OscMessage] = []
    with contextlib.suppress(TimeoutError):
        while True:
            told += decode(receiver.recv(65536))
    return [each for each in told if not re.fullmatch("/emotus/(notice|live)", each.address)]


@given(st.binary(min_size=1, max_size=200))
def test_slip_is_what_python_osc_takes_apart(packet):
    """Whatever the bytes, END and ESC among them."""
    assert slip.decode(frame_slip(packet)) == packet


@pytest.mark.parametrize(("framing", "mode"), [("slip", "1.1"), ("size", "1.0")])
def test_a_tcp_server_of_python_osc_hears_the_notice_and_every_message(framing, mode):
    """Both framings, over a real connection, in order."""
    with tcp_server(mode) as (port, heard), show(f"osc:tcp://127.0.0.1:{port}?framing={framing}") as bridge:
        assert wait_for(lambda: any(told[0] == "/emotus/notice" for told in heard))
        for event in frame(1):
            bridge.send(event)
        assert wait_for(lambda: "/emotus/p1/label" in [told[0] for told in heard])
    said = {told[0]: told[1:] for told in heard}
    assert said["/emotus/p1/emotion/happy"] == (0.5,)
    assert said["/emotus/live"] is not None
    assert sum("joint" in address for address in said) == 21


def test_a_tcp_receiver_may_come_late_go_and_come_again():
    """Nobody there is no error; each time it is there it hears the notice first."""
    port = free_port()
    clock = ManualClock()
    callers: list[socket.socket] = []
    with show(f"osc:tcp://127.0.0.1:{port}", clock) as bridge:
        bridge.send(emotion(1))
        assert wait_for(lambda: bridge.stats().dropped == 1)
        for seq in (2, 3):
            with socket.create_server(("127.0.0.1", port)) as server:
                server.settimeout(0.01)
                assert wait_for(lambda server=server: _is_called(server, clock, callers), 15)
                with callers.pop() as caller:
                    heard = b""
                    caller.settimeout(5)
                    while b"/emotus/p1/label" not in heard:
                        bridge.send(emotion(seq))
                        heard += caller.recv(65536)
                assert decode(slip.decode(heard[: heard.index(b"\xc0", 1) + 1]))[0].address == "/emotus/notice"


def _is_called(server: socket.socket, clock: ManualClock, callers: list[socket.socket]) -> bool:
    """Let a second pass; tell whether somebody has called."""
    clock.advance_ns(NS_PER_S)
    with contextlib.suppress(TimeoutError):
        callers.append(server.accept()[0])
    return bool(callers)


def test_a_tcp_receiver_that_reads_nothing_is_bounded_and_costs_the_other_nothing():
    """Behind by a quarter of a megabyte it loses whole packets; the UDP receiver beside it hears every frame."""
    with socket.create_server(("127.0.0.1", 0)) as stalled, udp_receiver() as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        tcp, udp = stalled.getsockname()[1], receiver.getsockname()[1]
        with show(f"osc:127.0.0.1:{udp},tcp://127.0.0.1:{tcp}") as bridge:
            link = bridge._links[1]
            connection, _ = stalled.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            heard = 0
            for seq in range(4000):
                bridge.send(pose(seq))
                if seq % 50 == 49:
                    assert wait_for(lambda: bridge.stats().waiting == 0, 10)
                    heard += sum(each.address.endswith("/joint/Head") for each in drain(receiver))
                if bridge.stats().errors > 100:
                    break
            assert wait_for(lambda: bridge.stats().waiting == 0, 10)
            heard += sum(each.address.endswith("/joint/Head") for each in drain(receiver))
            stats = bridge.stats()
            assert stats.errors > 0
            assert stats.sent == stats.received == heard
            assert len(link._waiting) <= MAX_WAITING + 3000
        connection.close()


def drain(receiver: socket.socket) -> list[OscMessage]:
    """Return what has come."""
    receiver.settimeout(0.0)
    told: list[OscMessage] = []
    with contextlib.suppress(BlockingIOError):
        while True:
            told += decode(receiver.recv(65536))
    return told


def test_several_receivers_hear_the_same_and_one_that_is_gone_is_only_counted():
    """Two listen, one does not."""
    with udp_receiver() as one, udp_receiver() as two:
        ports = one.getsockname()[1], free_port(socket.SOCK_DGRAM), two.getsockname()[1]
        with show("osc:" + ",".join(f"127.0.0.1:{port}" for port in ports)) as bridge:
            for seq in range(5):
                bridge.send(emotion(seq))
                time.sleep(0.01)
            assert wait_for(lambda: bridge.stats().sent == 5)
            assert bridge.stats().errors > 0
            assert messages(one) == messages(two) != []


def test_the_lamp_is_lit_while_somebody_is_seen_and_goes_out():
    """1 with the first of a performer, 0 a second after the last and at the end; what is generated is nobody."""
    clock = ManualClock()
    lamps: list[int] = []

    def look(receiver) -> list[int]:
        lamps.extend(each.args[0] for each in drain(receiver) if each.address == "/emotus/live")
        return lamps

    with udp_receiver() as receiver, show(f"osc:127.0.0.1:{receiver.getsockname()[1]}", clock) as bridge:
        bridge.send(motion(1))
        bridge.send(status(1))
        assert wait_for(lambda: bridge.stats().sent == 2)
        assert look(receiver) == []
        bridge.send(pose(1))
        assert wait_for(lambda: look(receiver) == [1])
        clock.advance_ns(2 * NS_PER_S)
        assert wait_for(lambda: look(receiver) == [1, 0])
        bridge.send(pose(2))
        assert wait_for(lambda: look(receiver) == [1, 0, 1])
        bridge.close()
        assert wait_for(lambda: look(receiver) == [1, 0, 1, 0])


def test_time_tags_are_the_wall_time_of_the_pose():
    """NTP's seconds since 1900, of the capture and some milliseconds more; immediately without being asked."""
    with (
        udp_receiver() as receiver,
        show(f"osc:127.0.0.1:{receiver.getsockname()[1]}?timetag=capture&delay=50") as bridge,
    ):
        bridge.send(emotion(1, t_ns=time.monotonic_ns() - 100_000_000))
        wanted_s = time.time() - 0.1 + 0.05
        tags = {each.timetag for each in messages(receiver)}
        (tag,) = tags
        assert tag / 2**32 - 2_208_988_800 == pytest.approx(wanted_s, abs=0.5)
    with udp_receiver() as receiver, show(f"osc:127.0.0.1:{receiver.getsockname()[1]}") as bridge:
        bridge.send(emotion(1))
        assert {each.timetag for each in messages(receiver)} == {1}


def test_options_reach_what_is_sent():
    """Template, streams, rate, changes and no bundles, by the address alone."""
    with udp_receiver() as receiver:
        options = "template=max&stream=anna,b*&rate=joint:10&changes=0.001&bundle=0"
        with show(f"osc:127.0.0.1:{receiver.getsockname()[1]}?{options}") as bridge:
            for seq in range(30):
                for event in (*frame(seq, stream="anna"), *frame(seq, stream="carl")):
                    bridge.send(event)
            assert wait_for(lambda: bridge.stats().waiting == 0)
            stats = bridge.stats()
            assert (stats.sent, stats.dropped) == (90, 90)
            told = [each.address for each in messages(receiver)]
    assert told.count("/p1/frame") >= 1
    assert told.count("/p1/joint/Head") == 1  # it never moved
    assert told.count("/p1/valence") == 1
    assert not any("/p2" in address for address in told)


def test_wekinator_hears_one_performer():
    """Its inputs cannot be told apart, so that the second is not mixed into the first."""
    with udp_receiver() as receiver, show(f"osc:127.0.0.1:{receiver.getsockname()[1]}?template=wekinator") as bridge:
        for seq in range(5):
            bridge.send(emotion(seq))
            bridge.send(emotion(seq, stream="p2", valence=0.9))
        assert wait_for(lambda: bridge.stats().waiting == 0)
        told = messages(receiver)
    assert [each.address for each in told] == ["/wek/inputs"] * 5
    assert {round(each.args[0], 3) for each in told} == {0.123}


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("osc:a:1,b", "not HOST:PORT"), ("osc:http://a:1", "no way OSC takes"), ("osc:a:1?", None),
        ("osc:a:1?template=teapot", "one of emotus"), ("osc:a:1?axes=blender", "one of house"),
        ("osc:a:1?rate=fast", "a number from 0"), ("osc:a:1?rate=10&rate=20", "given twice"),
        ("osc:a:1?bundle=maybe", "1 or 0"), ("osc:a:1?delay=20", "timetag=capture"),
        ("osc:a:1?framing=cobs", "one of slip"), ("osc:a:1?colour=red", "unknown option colour"),
        ("osc:a:1?joint=/x", "{joint} is missing"), ("osc:" + "a:1," * 20 + "a:1", "at most 16"),
        ("osc:a:1?stream=", "stream names nobody"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_told_with_its_mend(uri, problem):
    """One line that begins with the address and names the option."""
    if problem is None:
        make_bridge(uri, labels=(), clock=MonotonicClock())
        return
    with pytest.raises(UriError, match=re.escape(problem)) as told:
        make_bridge(uri, labels=(), clock=MonotonicClock())
    assert str(told.value).startswith(uri)
    assert "\n" not in str(told.value)


@given(st.text(max_size=60))
def test_any_options_are_a_bridge_or_a_uri_error(text):
    """Nothing else is raised, whatever is typed behind the question mark."""
    for scheme in ("osc", "vmc", "vrchat", "artnet", "midi", "lsl", "oscquery"):
        with contextlib.suppress(UriError):
            make_bridge(f"{scheme}:127.0.0.1:9000?{text}", labels=(), clock=MonotonicClock())


def test_a_tcp_connection_that_is_never_answered_does_not_wait():
    """Sending returns at once while the connection is being made."""
    link = TcpLink(
        "osc:x", Target("tcp", "127.0.0.1", free_port()), framing="slip", clock=MonotonicClock(), on_connect=print
    )
    link.open()
    start = time.monotonic()
    assert link.send(encode_message("/a")) == (False, 1)
    assert time.monotonic() - start < 5.0
    link.close()
