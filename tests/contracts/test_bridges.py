"""Every bridge there is keeps the promises of bridges/base.py, whoever listens, and when nobody does."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import inspect
import io
import pkgutil
import socket
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import psutil
import pytest
from support.lsl_outlets import OutletLibrary
from support.midi_port import FakePort
from support.sayings import emotion, frame, free_port, motion, pose, qualities, signature, status, wait_for

import emotus.bridges
from emotus.bridges.base import Bridge
from emotus.bridges.complaints import ComplaintsBridge
from emotus.bridges.jsonl import JsonlBridge
from emotus.bridges.lights import LightsBridge
from emotus.bridges.lights_wire import ArtnetWire
from emotus.bridges.lsl import LslBridge
from emotus.bridges.midi import MidiBridge
from emotus.bridges.osc import OscBridge
from emotus.bridges.osc_link import Target
from emotus.bridges.oscquery import OscQueryBridge
from emotus.bridges.terminal import TerminalBridge
from emotus.bridges.uri import make_bridge
from emotus.bridges.vmc import VmcBridge
from emotus.bridges.vrchat import VrchatBridge
from emotus.bridges.websocket import WebSocketBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.events import EVENT_TYPES

LABELS = ("happy", "sad")
SEND_S = 0.005


def _viewer(_) -> Bridge:
    if importlib.util.find_spec("viser") is None:
        pytest.skip("viser is not installed (pip install 'emotus[viewer]')")
    from emotus.bridges.viewer import ViewerBridge

    return ViewerBridge("127.0.0.1", free_port(), clock=MonotonicClock())


def _recorder(tmp_path) -> Bridge:
    if importlib.util.find_spec("mcap") is None:
        pytest.skip("mcap is not installed (pip install 'emotus[record]')")
    from emotus.bridges.recorder import RecorderBridge

    return RecorderBridge(tmp_path / "out.mcap", clock=MonotonicClock())


def _dead() -> list[Target]:
    """Return a receiver that is not there."""
    return [Target("udp", "127.0.0.1", free_port(socket.SOCK_DGRAM))]


# How each kind of bridge is made for these tests, with a receiver that is dead: a new bridge needs a line here.
MAKERS: dict[str, Callable[..., Bridge]] = {
    "ComplaintsBridge": lambda _: ComplaintsBridge(io.StringIO(), clock=MonotonicClock()),
    "JsonlBridge": lambda tmp_path: JsonlBridge(str(tmp_path / "out.jsonl"), clock=MonotonicClock()),
    "LightsBridge": lambda _: LightsBridge("artnet:dead", _dead()[0], ArtnetWire(0), clock=MonotonicClock()),
    "LslBridge": lambda _: LslBridge("any", clock=MonotonicClock(), expose=True, library=OutletLibrary()),
    "MidiBridge": lambda _: MidiBridge("any", labels=LABELS, clock=MonotonicClock(), open_port=lambda *_: FakePort()),
    "OscBridge": lambda _: OscBridge("127.0.0.1", free_port(socket.SOCK_DGRAM), labels=LABELS, clock=MonotonicClock()),
    "OscQueryBridge": lambda _: OscQueryBridge("127.0.0.1", 0, clock=MonotonicClock()),
    "RecorderBridge": _recorder,
    "VmcBridge": lambda _: VmcBridge(_dead(), labels=LABELS, clock=MonotonicClock()),
    "VrchatBridge": lambda _: VrchatBridge(_dead(), labels=LABELS, clock=MonotonicClock()),
    "RosbridgeBridge": lambda _: make_bridge(
        f"rosbridge:ws://127.0.0.1:{free_port()}", labels=LABELS, clock=MonotonicClock()
    ),
    "TerminalBridge": lambda _: TerminalBridge(io.StringIO()),
    "ViewerBridge": _viewer,
    "WebSocketBridge": lambda _: WebSocketBridge("127.0.0.1", 0, labels=LABELS, clock=MonotonicClock()),
}


def bridge_classes() -> set[str]:
    """Return the names of all bridges in the room."""
    names: set[str] = set()
    for module in pkgutil.iter_modules(emotus.bridges.__path__):
        if module.name.startswith("viewer") and importlib.util.find_spec("viser") is None:
            continue
        loaded = importlib.import_module(f"emotus.bridges.{module.name}")
        names |= {
            name
            for name, each in inspect.getmembers(loaded, inspect.isclass)
            if name.endswith("Bridge") and each is not Bridge and each.__module__ == loaded.__name__
        }
    return names


@pytest.fixture(params=sorted(MAKERS))
def bridge(request, tmp_path) -> Iterator[Bridge]:
    """Offer each bridge in turn, not yet started, and close it in the end."""
    made = MAKERS[request.param](tmp_path)
    yield made
    made.close()


def balance(bridge: Bridge) -> int:
    """Return what the sum of a bridge's counts is off by."""
    stats = bridge.stats()
    return stats.received - stats.sent - stats.dropped - stats.waiting


def test_every_bridge_is_under_this_test():
    """A new class is found, and has to say how it is made."""
    assert bridge_classes() == set(MAKERS) or (bridge_classes() | {"ViewerBridge"}) == set(MAKERS)


def test_every_method_is_there(bridge):
    """The contract's methods take what the contract says."""
    for name in ("start", "send", "close", "stats"):
        expected = inspect.signature(getattr(Bridge, name)).parameters
        assert list(inspect.signature(getattr(type(bridge), name)).parameters) == list(expected)


def test_a_bridge_that_was_never_started_can_be_closed(bridge):
    """Twice, too."""
    bridge.close()
    bridge.close()
    assert bridge.stats().received == 0


def test_starting_and_closing_twice_is_harmless(bridge):
    """The second call of each does nothing."""
    bridge.start()
    bridge.start()
    bridge.send(pose())
    bridge.close()
    bridge.close()
    assert balance(bridge) == 0


def test_what_is_sent_before_the_start_or_after_the_end_is_dropped_and_counted(bridge):
    """Neither raises."""
    bridge.send(emotion(0, t_ns=0))
    assert (bridge.stats().received, bridge.stats().dropped) == (1, 1)
    bridge.start()
    bridge.close()
    bridge.send(emotion(1, t_ns=10**12))
    stats = bridge.stats()
    assert (stats.received, stats.sent, stats.dropped, stats.waiting) == (2, 0, 2, 0)


def test_every_type_of_event_is_taken_whatever_it_holds(bridge):
    """All types, odd names, extreme numbers and numbers that are none: no exception, and all are counted."""
    bad = np.full((21, 3), np.nan, np.float32)
    extreme = 3e38
    events = [
        emotion(),
        qualities(),
        signature(),
        pose(rotations=True),
        motion(),
        status(),
        pose(stream=""),
        status(stream="花子\n\0"),
    ]
    events += [emotion(valence=float("nan")), emotion(valence=float("inf")), emotion(valence=extreme, t_ns=5)]
    events += [type(pose())("p1", 2**40, -5, bad, bad[:, 0]), status(message="x" * 100_000)]
    assert {type(event) for event in events} == set(EVENT_TYPES)
    bridge.start()
    for event in events:
        bridge.send(event)
    assert wait_for(lambda: bridge.stats().waiting == 0)
    assert bridge.stats().received == len(events)
    assert balance(bridge) == 0


def test_when_idle_every_event_was_sent_or_dropped(bridge):
    """received == sent + dropped + waiting, at all times, and nothing waits for ever."""
    bridge.start()
    for seq in range(200):
        for event in frame(seq):
            bridge.send(event)
        assert bridge.stats().received == 3 * (seq + 1)
    assert wait_for(lambda: bridge.stats().waiting == 0)
    assert balance(bridge) == 0
    bridge.close()
    stats = bridge.stats()
    assert stats.received == stats.sent + stats.dropped == 600


def test_send_never_blocks_though_nobody_listens(bridge):
    """A burst of a thousand: 99 of 100 sends return within 5 ms, and none waits for a receiver."""
    bridge.start()
    took = []
    for seq in range(1000):
        start = time.perf_counter()
        bridge.send(pose(seq))
        took.append(time.perf_counter() - start)
    assert np.percentile(took, 99) < SEND_S
    assert max(took) < 0.5  # another process may have had the processor meanwhile


def test_counts_are_right_when_many_threads_send_and_ask(bridge):
    """Four threads send, two ask all the time: the sum never goes wrong and never falls."""
    bridge.start()
    over = threading.Event()
    wrong: list[str] = []

    def ask() -> None:
        last = 0
        while not over.is_set():
            stats = bridge.stats()
            if stats.received < last or stats.waiting < 0:
                wrong.append(f"{stats} after {last}")
            last = stats.received

    askers = [threading.Thread(target=ask) for _ in range(2)]
    senders = [threading.Thread(target=lambda: [bridge.send(status(i)) for i in range(100)]) for _ in range(4)]
    for thread in (*askers, *senders):
        thread.start()
    for thread in senders:
        thread.join()
    over.set()
    for thread in askers:
        thread.join()
    assert wrong == []
    assert bridge.stats().received == 400
    assert wait_for(lambda: bridge.stats().waiting == 0)
    assert balance(bridge) == 0


def test_closing_waits_for_nothing(bridge):
    """A thousand events that wait hold the end up by a second at most."""
    bridge.start()
    for seq in range(1000):
        bridge.send(status(seq))
    start = time.monotonic()
    bridge.close()
    assert time.monotonic() - start < 5.0  # another process may have had the processor meanwhile
    assert bridge.stats().waiting == 0


def test_no_thread_and_no_socket_is_left_behind(bridge):
    """After closing, threads and open files are what they were."""
    me = psutil.Process()
    threads = set(threading.enumerate())
    bridge.start()
    bridge.send(pose())
    bridge.close()
    assert wait_for(lambda: set(threading.enumerate()) <= threads)
    gc.collect()
    files = me.num_fds()  # what libraries open once for all is open now
    if isinstance(bridge, JsonlBridge | OscBridge | WebSocketBridge):  # these may start again
        bridge.start()
        bridge.send(pose())
        bridge.close()
    gc.collect()
    assert set(threading.enumerate()) <= threads
    assert me.num_fds() <= files
