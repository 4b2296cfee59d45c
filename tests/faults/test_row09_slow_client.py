"""FAULTS.md 3, row 9: one WebSocket client never reads, one reads a message a second; the others notice nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import psutil
import pytest
from faults.checker import check_bridge
from faults.figures import figure
from support.raw_websocket import RawClient
from support.sayings import emotion, wait_for

from emotus.bridges.websocket import WebSocketBridge
from emotus.bridges.websocket_client import MAX_BUFFER_BYTES
from emotus.engine.clock import MonotonicClock

RATE_HZ = 30
SECONDS = 8.0


@contextmanager
def talking(rate_hz: float) -> Iterator[WebSocketBridge]:
    """Offer a bridge that is given emotions at a steady rate."""
    bridge = WebSocketBridge("127.0.0.1", 0, clock=MonotonicClock())
    bridge.start()
    over = threading.Event()

    def talk() -> None:
        seq = 0
        while not over.wait(1 / rate_hz):
            bridge.send(emotion(seq, t_ns=time.monotonic_ns()))
            seq += 1

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield bridge
    finally:
        over.set()
        thread.join()
        bridge.close()
        check_bridge(bridge.stats())


def port_of(bridge: WebSocketBridge) -> int:
    """Return the port a bridge listens on."""
    return int(bridge.address.rpartition(":")[2].strip("/"))


def buffers(bridge: WebSocketBridge) -> list[int]:
    """Return the bytes that wait in our memory for each client."""
    return [client.connection.transport.get_write_buffer_size() for client in tuple(bridge._server._clients.values())]


def hear(client: RawClient, pause_s: float, seconds: float) -> list[float]:
    """Read for so long, pausing after each message; return the age of each in seconds when it was read."""
    ages: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        told = client.hear()
        if told["type"] == "emotion":
            ages.append((time.monotonic_ns() - told["t_ns"]) / 1e9)
        time.sleep(pause_s)
    return ages


@pytest.mark.slow
def test_a_client_that_reads_one_message_a_second_hears_the_newest():
    """Its messages are less than a second old, however long it goes on; a quick client beside it hears every one."""
    with talking(RATE_HZ) as bridge, RawClient(port_of(bridge)) as slow, RawClient(port_of(bridge)) as quick:
        slow.subscribe()
        quick.subscribe()
        heard: dict[str, list[float]] = {}
        threads = [
            threading.Thread(target=lambda: heard.update(slow=hear(slow, 1.0, SECONDS))),
            threading.Thread(target=lambda: heard.update(quick=hear(quick, 0.0, SECONDS))),
        ]
        before = bridge.stats().received
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told = bridge.stats().received - before
        assert bridge.stats().clients == 2
    settled = heard["slow"][-4:]
    p99 = np.percentile(heard["quick"], 99)
    print(f"row 9: read once a second, age <= {max(settled):.2f} s; beside it p99 {1000 * p99:.1f} ms")
    assert figure(9, "one message a second: age of the newest", max(settled), 1.0, "s")
    figure(9, "the quick client beside it: p99", 1000 * p99, None, "ms")
    assert len(heard["quick"]) >= 0.8 * min(told, SECONDS * RATE_HZ)  # a busy machine says less, too
    assert p99 < 1.0  # the slow one's pause: whoever waited for it would be as late


@pytest.mark.slow
def test_a_client_that_never_reads_is_cut_and_costs_little_memory():
    """Cut within ten seconds, with a reason, at most 64 KiB held for it, and the others are told."""
    rss = psutil.Process().memory_info().rss
    with (
        talking(RATE_HZ) as bridge,
        RawClient(port_of(bridge), receive_buffer=2048) as silent,
        RawClient(port_of(bridge)) as other,
    ):
        other.subscribe(types=["status"])
        told: dict[str, str] = {}
        listener = threading.Thread(target=lambda: told.update(other.hear()))
        other.socket.settimeout(20)
        listener.start()
        silent.subscribe()
        start, most = time.monotonic(), 0
        while bridge.stats().errors == 0 and time.monotonic() - start < 20:
            most = max(most, *buffers(bridge))
            time.sleep(0.01)
        cut_s = time.monotonic() - start
        listener.join()
        reason = silent.closed_with()
        assert wait_for(lambda: bridge.stats().clients == 1)
        assert bridge.stats().errors == 1
        grown = psutil.Process().memory_info().rss - rss
        print(f"row 9: never read, cut after {cut_s:.1f} s, at most {most} bytes held, RSS {grown / 1e6:+.1f} MB")
    assert reason == 1008
    assert (told["type"], told["code"]) == ("status", "client-cut")
    assert "does not read" in told["message"]
    assert figure(9, "never reads: cut after", cut_s, 10, "s")
    assert figure(9, "never reads: most bytes held", most, MAX_BUFFER_BYTES, "B")
    assert grown < 10e6
