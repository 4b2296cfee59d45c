"""The viewer bridge: its port, its counts, whom it lets in, and how it ends. What it draws: test_viewer_page.py."""

from __future__ import annotations

import http.client
import importlib.util
import logging
import socket
import threading
import time
import urllib.error
import urllib.request

import msgspec
import numpy as np
import pytest
import viser
from support.chromium import wait_for
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from emotus.bridges.viewer import MAX_PERFORMERS, ViewerBridge
from emotus.bridges.viewer_server import may_connect
from emotus.engine.body import BODY
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.errors import EmotusError, MissingPackageError, UriError
from emotus.engine.events import PoseEvent, StatusEvent

REST = BODY.rest_positions.astype(np.float32)
FULL = np.ones(21, dtype=np.float32)


CAMERA = {  # what a page sends first
    "type": "ViewerCameraMessage",
    "wxyz": (1, 0, 0, 0),
    "position": (0, 1, 3),
    "fov": 1.0,
    "near": 0.1,
    "far": 100.0,
    "image_height": 800,
    "image_width": 1200,
    "look_at": (0, 1, 0),
    "up_direction": (0, 1, 0),
}


def pose(stream: str = "anna", seq: int = 0) -> PoseEvent:
    return PoseEvent(stream, seq, seq, REST, FULL)


def page(bridge: ViewerBridge, origin: str | None, version: str = viser.__version__) -> ClientConnection:
    """Connect as a page from origin would."""
    protocol = Subprotocol(f"viser-v{version}")
    address = f"ws://127.0.0.1:{bridge.port}"
    return connect(address, origin=origin, subprotocols=[protocol], proxy=None, open_timeout=5, close_timeout=0.2)


@pytest.fixture
def bridge():
    """Serve a viewer on a free port."""
    viewer = ViewerBridge(port=0, clock=MonotonicClock())
    viewer.start()
    yield viewer
    viewer.close()


def test_the_page_is_served_at_once_and_only_on_loopback(bridge: ViewerBridge) -> None:
    """As soon as start returns, the whole client comes from our own port, and from no other interface."""
    with urllib.request.urlopen(f"http://127.0.0.1:{bridge.port}/", timeout=5) as answer:
        assert answer.status == 200
        assert b"<!doctype html>" in answer.read(200).lower()
    with socket.socket() as probe:
        probe.settimeout(0.5)
        assert probe.connect_ex(("127.0.0.2", bridge.port)) != 0


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """Standard output belongs to --json: starting, serving and stopping leave it empty."""
    viewer = ViewerBridge(port=0, clock=MonotonicClock())
    viewer.start()
    viewer.close()
    assert capfd.readouterr() == ("", "")


def test_scanners_and_strangers_are_counted_and_print_nothing(
    bridge: ViewerBridge, capfd: pytest.CaptureFixture[str]
) -> None:
    """Connections that break off, speak no HTTP, send nonsense or come from another version of the page leave no trace
    but a count, and the page goes on being served."""
    for data in (b"", b"\x00\xff\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", bridge.port)) as scanner:
            scanner.sendall(data)
    with page(bridge, None, version="0.0.1") as old, pytest.raises(ConnectionClosed):
        old.recv(timeout=5)
    with page(bridge, None) as babbler:
        babbler.send(b"\x00nonsense")
        wait_for(lambda: bridge.stats().errors >= 4)
    path = http.client.HTTPConnection("127.0.0.1", bridge.port, timeout=5)
    path.request("GET", "/../../../etc/passwd")
    assert path.getresponse().status == 404
    path.close()
    assert capfd.readouterr() == ("", "")


def test_a_taken_port_is_named_with_the_mend(bridge: ViewerBridge) -> None:
    """A second viewer on the same port is refused in one line instead of silently taking the next port."""
    other = ViewerBridge(port=bridge.port, clock=MonotonicClock())
    with pytest.raises(UriError, match=rf"127.0.0.1:{bridge.port}: cannot listen there .*--view 127.0.0.1:"):
        other.start()
    other.close()
    assert other.stats().received == 0


def test_an_impossible_host_is_named() -> None:
    """A host that is not ours to listen at is refused in one line."""
    with pytest.raises(UriError, match=r"203\.0\.113\.1:8080: cannot listen there"):
        ViewerBridge("203.0.113.1", clock=MonotonicClock()).start()


def test_without_viser_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without viser is told which extra brings it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingPackageError, match=r"viser is not installed \(pip install 'emotus\[viewer\]'\)"):
        ViewerBridge(port=0, clock=MonotonicClock()).start()


def test_closing_frees_the_port_and_leaves_no_thread() -> None:
    """With a page open that never answers, close does not wait for it, and a new viewer gets the same port."""
    others = set(threading.enumerate())
    viewer = ViewerBridge(port=0, clock=MonotonicClock())
    viewer.start()
    port = viewer.port
    silent = socket.create_connection(("127.0.0.1", port))  # never says what it wants
    with page(viewer, None) as stalled, page(viewer, None) as babbler:
        stalled.recv(timeout=5)
        babbler.send(b"\x00nonsense")
        wait_for(lambda: viewer.stats().errors == 1)
        before = time.monotonic()
        viewer.close()
        assert time.monotonic() - before < 10.0
    silent.close()
    viewer.close()
    wait_for(lambda: set(threading.enumerate()) <= others)
    again = ViewerBridge(port=port, clock=MonotonicClock())
    again.start()
    assert again.port == port
    again.close()


def test_every_event_is_counted_and_the_latest_of_each_stream_and_type_wins(bridge: ViewerBridge) -> None:
    """However fast events come, received is sent plus dropped plus waiting, and little waits."""
    for seq in range(3000):
        bridge.send(pose(seq=seq))
    bridge.send(StatusEvent("anna", 0, 0, "info", "intake", "", {}))
    stats = bridge.stats()
    assert stats.received == 3001
    assert stats.waiting <= 2
    assert stats.dropped > 2000
    idle = wait_for(lambda: (s := bridge.stats()).waiting == 0 and s)
    assert idle.received == idle.sent + idle.dropped
    assert idle.errors == 0


def test_before_start_and_after_close_events_are_dropped_and_counted() -> None:
    """A bridge that is not open takes events without complaint and counts them as dropped."""
    viewer = ViewerBridge(port=0, clock=ManualClock())
    viewer.send(pose())
    viewer.start()
    viewer.close()
    viewer.send(pose())
    stats = viewer.stats()
    assert (stats.received, stats.dropped, stats.sent, stats.waiting) == (2, 2, 0, 0)


def test_more_streams_than_the_stage_holds_are_dropped_and_counted(bridge: ViewerBridge) -> None:
    """A flood of stream names cannot grow the viewer."""
    for i in range(1000):
        bridge.send(pose(f"stream-{i}"))
    idle = wait_for(lambda: (s := bridge.stats()).waiting == 0 and s)
    assert idle.sent <= MAX_PERFORMERS + 1
    assert idle.sent + idle.dropped == 1000


def test_hostile_poses_do_not_stop_the_page(bridge: ViewerBridge) -> None:
    """Non-finite joints, joints all in one place and markup in names are drawn somehow, with no error."""
    with page(bridge, None) as client:
        client.send(msgspec.msgpack.encode(CAMERA))  # from now on somebody is looking, and so it is drawn
        wait_for(lambda: bridge.stats().clients == 1)
        for joints in (np.full((21, 3), np.nan), np.zeros((21, 3)), np.full((21, 3), np.inf), REST * 1e20):
            bridge.send(PoseEvent("<script>", 0, 0, joints.astype(np.float32), 0 * FULL))
            wait_for(lambda: bridge.stats().waiting == 0)
            time.sleep(0.1)
        heard = b"".join(bytes(client.recv(timeout=5)) for _ in range(3))
    assert len(heard) > 1000
    assert bridge.stats().errors == 0


def test_a_page_that_stays_open_costs_no_more_memory_with_time(bridge: ViewerBridge) -> None:
    """What viser keeps for pages yet to come does not grow with the updates sent."""
    with page(bridge, None) as client:
        client.send(msgspec.msgpack.encode(CAMERA))
        wait_for(lambda: bridge.stats().clients == 1)
        kept = []
        for _ in range(2):
            for seq in range(20):
                joints = REST + np.float32(0.01 * seq)
                bridge.send(PoseEvent("anna", seq, seq, joints, FULL))
                time.sleep(0.04)
            kept.append(len(bridge._page.viser._websock_server._broadcast_buffer.message_from_id))  # type: ignore[union-attr]
    assert kept[1] == kept[0] < 100


def test_another_sites_page_is_refused_before_it_is_sent_anything(
    bridge: ViewerBridge, caplog: pytest.LogCaptureFixture
) -> None:
    """A page on the web that opens a socket to this machine is cut; our own page is served."""
    bridge.send(pose())
    with caplog.at_level(logging.WARNING), pytest.raises(InvalidStatus, match="403"):
        page(bridge, "https://evil.example")
    assert "refused a page from https://evil.example" in caplog.text
    assert bridge.stats().errors == 1
    with page(bridge, f"http://127.0.0.1:{bridge.port}") as own:
        assert own.recv(timeout=5)


@pytest.mark.parametrize(
    ("origin", "wanted", "host", "allowed"),
    [
        (None, "127.0.0.1:8080", "127.0.0.1", True),
        ("http://localhost:8080", "localhost:8080", "127.0.0.1", True),
        ("http://[::1]:8080", "[::1]:8080", "::1", True),
        ("http://evil.example:8080", "evil.example:8080", "127.0.0.1", False),  # a rebound name
        ("null", "127.0.0.1:8080", "127.0.0.1", False),
        ("http://studio.local:8080", "studio.local:8080", "0.0.0.0", True),
        ("https://evil.example", "studio.local:8080", "0.0.0.0", False),
    ],
)
def test_only_our_own_page_may_look_in(origin: str | None, wanted: str, host: str, allowed: bool) -> None:
    """On loopback a loopback name is needed; beyond it, the name that the page itself was fetched by."""
    assert may_connect(origin, wanted, host) is allowed


def test_a_request_for_a_public_tunnel_does_nothing(bridge: ViewerBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page may ask viser to share itself through a public server; ours opens no connection."""
    opened = []
    monkeypatch.setattr(viser._viser, "ViserTunnel", lambda *_args, **_options: opened.append(1))
    assert bridge._page is not None
    assert bridge._page.viser.request_share_url() is None
    assert opened == []


def test_a_viser_that_cannot_be_guarded_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a version of viser served its page past our guard, it would be stopped rather than left open to any site."""
    stopped = []

    class Unguarded:
        def __init__(self, **_options: object) -> None:
            pass

        def stop(self) -> None:
            stopped.append(1)

    monkeypatch.setattr(viser, "ViserServer", Unguarded)
    with pytest.raises(EmotusError, match="serve the page to any web site"):
        ViewerBridge(port=0, clock=ManualClock()).start()
    assert stopped == [1]
