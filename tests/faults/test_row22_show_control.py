"""FAULTS.md 3, row 22, for avatars, lamps, synthesizers and discovery: whoever is gone costs nobody else anything."""

from __future__ import annotations

import socket
import time

import pytest
from support.midi_port import FakePort
from support.sayings import emotion, frame, free_port, udp_receiver, wait_for

from emotus.bridges.base import Bridge
from emotus.bridges.midi import MidiBridge
from emotus.bridges.uri import make_bridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import UriError
from emotus.engine.osc_codec import decode

CLOCK = MonotonicClock()
FRAMES = 40


def dead() -> str:
    """Return an address where nobody listens."""
    return f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}"


def test_dead_receivers_of_every_kind_cost_a_living_one_nothing():
    """VMC, VRChat, Art-Net, TCP and MIDI to nobody beside OSC to somebody: she hears every frame, in time."""
    port = FakePort()
    port.is_broken = True
    with udp_receiver() as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        uris = [f"osc:127.0.0.1:{receiver.getsockname()[1]}", f"vmc:{dead()}", f"vrchat:{dead()}", f"artnet:{dead()}"]
        uris.append(f"osc:tcp://127.0.0.1:{free_port()}")
        bridges: list[Bridge] = [make_bridge(uri, labels=("happy",), clock=CLOCK) for uri in uris]
        bridges.append(MidiBridge("gone", labels=("happy",), clock=CLOCK, open_port=lambda *_: port))
        for bridge in bridges:
            bridge.start()
        worst_s = 0.0
        for seq in range(FRAMES):
            for event in frame(seq):
                for bridge in bridges:
                    start = time.thread_time()
                    bridge.send(event)
                    worst_s = max(worst_s, time.thread_time() - start)
            time.sleep(0.002)
        assert wait_for(lambda: all(bridge.stats().waiting == 0 for bridge in bridges))
        start = time.monotonic()
        for bridge in bridges:
            bridge.close()
        took_s = time.monotonic() - start
        heard = set()
        while len(heard) < FRAMES:
            heard |= {each.args[0] for each in decode(receiver.recv(65536)) if each.address == "/emotus/p1/frame"}
    living, *others = [bridge.stats() for bridge in bridges]
    print(f"row 22: {FRAMES} frames, worst send {1000 * worst_s:.2f} ms, closed in {took_s:.2f} s, errors "
          f"{[stats.errors for stats in others]}")  # fmt: skip
    assert (living.sent, living.dropped, living.errors) == (3 * FRAMES, 0, 0)
    assert all(stats.errors > 0 for stats in others)
    assert all(stats.received == stats.sent + stats.dropped == 3 * FRAMES for stats in others)
    assert worst_s < 0.01


@pytest.mark.parametrize("scheme", ["osc", "vmc", "vrchat", "artnet", "osc:tcp"])
def test_a_name_that_nobody_knows_stops_the_start_with_the_name_in_the_message(scheme):
    """Within a second, one line, nothing left open."""
    uri = "osc:tcp://no-such-host.invalid:9" if scheme == "osc:tcp" else f"{scheme}:no-such-host.invalid:9"
    bridge = make_bridge(uri, labels=(), clock=CLOCK)
    start = time.monotonic()
    with pytest.raises(UriError, match=r"no-such-host\.invalid") as told:
        bridge.start()
    assert time.monotonic() - start < 5.0
    assert "\n" not in str(told.value)
    bridge.close()


def test_one_of_several_receivers_whose_name_is_wrong_leaves_no_socket_open():
    """The start fails as a whole, and what was opened is closed."""
    bridge = make_bridge("osc:127.0.0.1:9,no-such-host.invalid:9", labels=(), clock=CLOCK)
    with pytest.raises(UriError, match="no-such-host"):
        bridge.start()
    assert all(getattr(link, "socket", None) is None for link in bridge._links)
    bridge.send(emotion(1))
    assert bridge.stats().dropped == 1
