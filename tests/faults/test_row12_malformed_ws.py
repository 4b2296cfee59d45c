"""FAULTS.md 3, row 12: frames that break the protocol, or are too large, end one connection and nothing else."""

from __future__ import annotations

import os
import struct
import time
import zlib
from collections.abc import Iterator

import psutil
import pytest
from faults.figures import figure
from support.raw_websocket import RawClient, frame
from support.sayings import pose, wait_for

from emotus.bridges.websocket import WebSocketBridge
from emotus.bridges.websocket_server import MAX_MESSAGE_BYTES
from emotus.engine.clock import MonotonicClock

CLOSE_S = 0.1
BOMB = zlib.compressobj(9, zlib.DEFLATED, -15)
BOMB_BYTES = BOMB.compress(bytes(1 << 24)) + BOMB.flush()

# What is sent after a proper handshake, and the codes with which it may be answered.
BROKEN = {
    "announced 1 GB": (b"\x82\xff" + struct.pack(">Q", 1 << 30) + b"\0" * 100, (1009,)),
    "announced 2^63 bytes": (b"\x82\xff" + struct.pack(">Q", 1 << 63) + b"\0" * 100, (1002, 1009)),
    "one byte too large": (frame(b"x" * (MAX_MESSAGE_BYTES + 1), 2), (1009,)),
    "too large in fragments": (
        frame(b"x" * 40_000, 2, final=False) + frame(b"x" * 40_000, 0), (1009,),
    ),
    "compression bomb": (frame(BOMB_BYTES[:60_000], 2, reserved=4), (1002,)),
    "reserved bits": (frame(b"x", reserved=7), (1002,)),
    "reserved opcode": (frame(b"x", 3), (1002,)),
    "not masked": (frame(b"x", masked=False), (1002,)),
    "continuation of nothing": (frame(b"x", 0), (1002,)),
    "fragments mixed up": (frame(b"x", 1, final=False) + frame(b"x", 1), (1002,)),
    "ping too large": (frame(b"x" * 126, 9), (1002,)),
    "ping in fragments": (frame(b"x", 9, final=False), (1002,)),
    "close with half a code": (frame(b"\3", 8), (1002,)),
    "close with code 1005": (frame(struct.pack(">H", 1005), 8), (1002,)),
    "close reason that is no UTF-8": (frame(struct.pack(">H", 1000) + b"\xff", 8), (1007, 1002)),
    "text that is no UTF-8": (frame(b"\xff\xfe"), (1007,)),
    "text that ends in the midst of a character": (frame(b"\xe2\x82"), (1007,)),
}  # fmt: skip


@pytest.fixture
def bridge() -> Iterator[WebSocketBridge]:
    """Offer a started bridge."""
    made = WebSocketBridge("127.0.0.1", 0, clock=MonotonicClock())
    made.start()
    yield made
    made.close()


def port_of(bridge: WebSocketBridge) -> int:
    """Return the port a bridge listens on."""
    return int(bridge.address.rpartition(":")[2].strip("/"))


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_frame_is_answered_with_its_code(bridge, name):
    """The connection is closed with 1002, 1007 or 1009; a client beside it hears the next event."""
    data, codes = BROKEN[name]
    with RawClient(port_of(bridge)) as good:
        good.subscribe()
        with RawClient(port_of(bridge)) as bad:
            bad.subscribe()
            bad.socket.sendall(data)
            assert bad.closed_with() in codes
            bridge.send(pose())
            assert good.hear()["type"] == "pose"
        assert wait_for(lambda: bridge.stats().clients == 1)
        assert bridge.stats().errors == 1


def test_who_was_told_to_go_and_stays_is_hung_up_on(bridge):
    """A closing connection holds its place for little more than a second."""
    with RawClient(port_of(bridge)) as bad:
        bad.subscribe()
        bad.send(b"x", 3)
        assert bad.closed_with() == 1002
        assert wait_for(lambda: bridge.stats().clients == 0)


def test_broken_frames_are_answered_within_a_tenth_of_a_second(bridge):
    """The quickest of three tries of each; memory does not grow by more than a few messages."""
    rss = psutil.Process().memory_info().rss
    slowest = 0.0
    for data, _ in BROKEN.values():
        took = []
        for _ in range(3):
            with RawClient(port_of(bridge)) as bad:
                bad.subscribe()
                start = time.monotonic()
                bad.socket.sendall(data)
                bad.closed_with()
                took.append(time.monotonic() - start)
        slowest = max(slowest, min(took))
    grown = psutil.Process().memory_info().rss - rss
    print(f"row 12: {len(BROKEN)} kinds of frames, closed within {1000 * slowest:.1f} ms, RSS {grown / 1e6:+.1f} MB")
    assert figure(12, f"{len(BROKEN)} kinds of broken frames: closed within", 1000 * slowest, 1000 * CLOSE_S, "ms")
    figure(12, "memory they cost", grown / 1e6, 0.256, "MB")
    assert grown < 10e6


@pytest.mark.parametrize(
    "payload",
    [b"[" * 60_000, b'{"type":' * 8_000, b'{"type": "subscribe", "streams": ' + b"[" * 60_000, os.urandom(5000), b""],
    ids=["deep arrays", "deep objects", "deep streams", "noise", "nothing"],
)
@pytest.mark.parametrize("opcode", [1, 2], ids=["text", "binary"])
def test_a_message_that_is_no_control_message_is_told_and_the_client_lives_on(bridge, payload, opcode):
    """Deep JSON, binary where text is expected, noise: one error each."""
    if opcode == 1:
        payload = payload.decode("ascii", "replace").encode()
    with RawClient(port_of(bridge)) as client:
        client.subscribe()
        client.send(payload, opcode)
        assert client.hear()["type"] == "error"
        bridge.send(pose())
        assert client.hear()["type"] == "pose"
        assert bridge.stats().errors == 1


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\0" * 5000, b"\r\n\r\n", os.urandom(3000),
    ],
    ids=["TLS", "500 headers", "long path", "POST", "no upgrade", "NUL", "empty lines", "noise"],
)  # fmt: skip
def test_a_request_that_is_no_handshake_is_refused(bridge, request_bytes, capfd):
    """It is answered or hung up on, counted, and nothing is printed."""
    with RawClient(port_of(bridge)) as client:
        client.socket.sendall(request_bytes + b"\r\n\r\n")
        try:
            while client.socket.recv(65536):
                pass
        except ConnectionError:
            pass
    assert wait_for(lambda: bridge.stats().errors >= 1)
    with RawClient(port_of(bridge)) as good:
        good.subscribe()
    assert capfd.readouterr().err == ""


def test_a_client_that_floods_pings_and_reads_nothing_is_cut(bridge):
    """Answers that are not read must not pile up in our memory."""
    with RawClient(port_of(bridge), receive_buffer=2048) as flood:
        flood.subscribe()
        flood.socket.settimeout(0.5)
        pings = frame(b"x" * 125, 9) * 500
        start = time.monotonic()
        rss = psutil.Process().memory_info().rss
        while bridge.stats().clients and time.monotonic() - start < 10:
            try:
                flood.socket.sendall(pings)
            except TimeoutError:
                continue
            except OSError:
                break
        assert wait_for(lambda: bridge.stats().clients == 0)
    grown = psutil.Process().memory_info().rss - rss
    print(f"row 12: flood of pings cut after {time.monotonic() - start:.1f} s, RSS {grown / 1e6:+.1f} MB")
    assert grown < 50e6
