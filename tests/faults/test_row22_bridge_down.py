"""FAULTS.md 3, row 22: a receiver that is not there, goes away or comes late; a port in use; no network."""

from __future__ import annotations

import errno
import socket
import time
from types import SimpleNamespace

import pytest
from faults.checker import check_bridge
from faults.figures import figure
from support.raw_websocket import RawClient
from support.sayings import emotion, frame, free_port, udp_receiver, wait_for

from emotus.bridges.jsonl import JsonlBridge
from emotus.bridges.osc import OscBridge
from emotus.bridges.websocket import START_S, WebSocketBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import UriError
from emotus.engine.osc_codec import decode

CLOCK = MonotonicClock()
FRAMES = 60


def test_a_receiver_that_is_not_there_costs_the_others_nothing(tmp_path):
    """OSC to a closed port beside WebSocket and a file: both get every event, OSC counts what was refused."""
    osc = OscBridge("127.0.0.1", free_port(socket.SOCK_DGRAM), labels=("happy",), clock=CLOCK)
    web = WebSocketBridge("127.0.0.1", 0, clock=CLOCK)
    file = JsonlBridge(str(tmp_path / "out.jsonl"), clock=CLOCK)
    bridges = (osc, web, file)
    for bridge in bridges:
        bridge.start()
    with RawClient(int(web.address.rpartition(":")[2].strip("/"))) as client:
        client.subscribe()
        worst_s = 0.0
        for seq in range(FRAMES):
            for event in frame(seq):
                for bridge in bridges:
                    start = time.thread_time()
                    bridge.send(event)
                    worst_s = max(worst_s, time.thread_time() - start)
            assert [client.hear()["seq"] for _ in range(3)] == [seq] * 3
            time.sleep(0.003)
        assert all(wait_for(lambda bridge=bridge: bridge.stats().waiting == 0) for bridge in bridges)
    for bridge in bridges:
        bridge.close()
        check_bridge(bridge.stats())
    refused = osc.stats().errors
    print(
        f"row 22: {FRAMES} frames, OSC refused {refused} times, the others lost 0, worst send {1000 * worst_s:.2f} ms"
    )
    assert refused > 0
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 3 * FRAMES
    assert (web.stats().sent, web.stats().dropped) == (3 * FRAMES, 0)
    figure(22, "events the other bridges lost", web.stats().dropped, 0, better="==")
    figure(22, "slowest send beside a receiver that is not there", 1000 * worst_s, 5, "ms")
    assert worst_s < 0.005


def test_a_receiver_that_goes_and_comes_again_hears_the_next_frame():
    """The bridge never gives up: it is heard again by whoever listens on the port."""
    with udp_receiver() as first:
        port = first.getsockname()[1]
        bridge = OscBridge("127.0.0.1", port, labels=("happy",), clock=CLOCK)
        bridge.start()
        first.recv(65536)
    for seq in range(10):
        bridge.send(emotion(seq))
        time.sleep(0.005)
    assert wait_for(lambda: bridge.stats().errors > 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second:
        second.bind(("127.0.0.1", port))
        second.settimeout(10.0)
        bridge.send(emotion(99))
        heard = (decode(second.recv(65536))[0] for _ in range(3))  # the lamp may be told again in between
        assert next(message for message in heard if message.address.endswith("/frame")).args[0] == 99
    bridge.close()


def test_a_network_that_goes_away_is_counted_and_survived(monkeypatch):
    """Unreachable for a while: those frames are dropped, the ones after are heard."""
    with udp_receiver() as receiver:
        bridge = OscBridge("127.0.0.1", receiver.getsockname()[1], labels=("happy",), clock=CLOCK)
        bridge.start()
        link = bridge._links[0]
        real = link.socket

        def refuse(_):
            raise OSError(errno.ENETUNREACH, "Network is unreachable")

        monkeypatch.setattr(link, "socket", SimpleNamespace(send=refuse, close=real.close))
        bridge.send(emotion(1))
        assert wait_for(lambda: bridge.stats().dropped == 1)
        monkeypatch.setattr(link, "socket", real)
        bridge.send(emotion(2))
        assert wait_for(lambda: bridge.stats().sent == 1)
        assert bridge.stats().errors >= 1
        bridge.close()


def test_a_port_in_use_stops_the_start_with_the_port_in_the_message():
    """Within a second, and the other who has the port is not disturbed."""
    first = WebSocketBridge("127.0.0.1", 0, clock=CLOCK)
    first.start()
    port = int(first.address.rpartition(":")[2].strip("/"))
    second = WebSocketBridge("127.0.0.1", port, clock=CLOCK)
    start = time.monotonic()
    with pytest.raises(UriError, match=f"port {port} is in use"):
        second.start()
    figure(22, "a port in use: told after", 1000 * (time.monotonic() - start), 1000, "ms")
    assert time.monotonic() - start < START_S
    second.close()
    with RawClient(port) as client:
        client.subscribe()
        first.send(emotion(5))
        assert client.hear()["seq"] == 5
    first.close()


def test_a_client_that_vanishes_costs_nothing():
    """A connection that is torn in the midst of a stream is forgotten; the next client is served."""
    bridge = WebSocketBridge("127.0.0.1", 0, clock=CLOCK)
    bridge.start()
    port = int(bridge.address.rpartition(":")[2].strip("/"))
    with RawClient(port) as client:
        client.subscribe()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    for seq in range(20):
        bridge.send(emotion(seq))
    assert wait_for(lambda: bridge.stats().clients == 0)
    with RawClient(port) as client:
        client.subscribe()
        bridge.send(emotion(100))
        # Some of the twenty may still be on their way when the second client subscribes: it hears those first.
        heard = iter(lambda: client.hear()["seq"], 100)
        assert all(seq < 20 for seq in heard)
    assert wait_for(lambda: bridge.stats().waiting == 0)
    stats = bridge.stats()
    assert stats.received == stats.sent + stats.dropped == 21
    assert stats.errors == 0
    bridge.close()
