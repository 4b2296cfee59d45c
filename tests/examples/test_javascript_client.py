"""The JavaScript client in Node and in Chromium, against the real bridge: what it hears, and what it says it missed."""

from __future__ import annotations

import functools
import http.server
import json
import math
import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from support.certificate import make_certificate
from support.chromium import BINARY, Chromium
from support.chromium import wait_for as wait_for_page
from support.sayings import CONFIDENCE, JOINTS, ROTATIONS, emotion, motion, pose, qualities, signature, status, wait_for

from emotus.bridges.websocket import WebSocketBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.control import ControlInbox, TeachStart

FOLDER = Path(__file__).parents[2] / "examples" / "javascript"
PROBE = Path(__file__).parent / "javascript_probe.mjs"
NODE = shutil.which("node")
WAIT_S = 20.0
ALL = (pose(1), emotion(1), qualities(1), signature(1), motion(1), status(1))

needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")
needs_chromium = pytest.mark.skipif(BINARY is None, reason="chromium is not installed")


class Probe:
    """Run the client in Node and read what it tells."""

    def __init__(self, url: str, *, environment: dict[str, str] | None = None, **options: Any) -> None:
        command = [str(NODE), str(PROBE), str(FOLDER), url, json.dumps(options)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
        )
        self.told: queue.Queue[dict[str, Any]] = queue.Queue()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.told.put(json.loads(line))

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(5)
        finally:
            self.process.kill()
            self.process.wait(5)
            self.thread.join(5)
            self.process.stdout.close()

    def say(self, *words: Any) -> None:
        """Give the client a command."""
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()

    def hear(self, kind: str) -> dict[str, Any]:
        """Return the next happening of a kind; others on the way are passed over."""
        while True:
            told = self.told.get(timeout=WAIT_S)
            if told["kind"] == kind:
                return told


@pytest.fixture
def bridge() -> Iterator[WebSocketBridge]:
    """Offer a started bridge that takes commands."""
    made = WebSocketBridge("127.0.0.1", 0, labels=("happy",), clock=MonotonicClock(), control=ControlInbox())
    made.start()
    yield made
    made.close()


def is_subscribed(bridge: WebSocketBridge) -> bool:
    """Tell whether a client is connected and has asked for something."""
    return any(client.asked is not None for client in tuple(bridge._server._clients.values()))


def array(value: list[Any]) -> np.ndarray:
    """Return what the probe printed of a Float32Array."""
    assert value[0] == "Float32Array"
    return np.array(value[1:], dtype=np.float32)


@needs_node
@pytest.mark.parametrize(
    ("asked", "error_m", "error"),
    [
        ({}, 0.51e-4, 0.51e-5),
        ({"format": "msgpack"}, 0, 0),
        ({"format": "msgpack", "precision": "mm"}, 0.51e-3, 1 / 500),
    ],
    ids=["json", "msgpack", "millimetres"],
)
def test_every_type_of_event_is_heard_in_every_format(bridge, asked, error_m, error):
    """Arrays come as Float32Array, in metres and shares, whichever way they were sent; the rest as on the wire."""
    with Probe(bridge.address, **asked) as probe:
        hello = probe.hear("open")["value"]
        assert (hello["name"], hello["labels"], len(hello["body"]["joints"])) == ("emotus", ["happy"], 21)
        assert wait_for(lambda: is_subscribed(bridge), WAIT_S)
        for event in ALL:
            bridge.send(event)
        heard = {each["type"]: each for each in (probe.hear("event")["value"] for _ in ALL)}
    assert set(heard) == {event.type for event in ALL}
    assert np.abs(array(heard["pose"]["joints"]) - JOINTS.ravel()).max() <= error_m + 1e-7
    assert np.abs(array(heard["pose"]["confidence"]) - CONFIDENCE).max() <= error + 1e-7
    if error_m != 0.51e-3:  # those of the test are no unit quaternions, and do not fit
        assert np.abs(array(heard["motion"]["rotations"]) - ROTATIONS.ravel()).max() <= error + 1e-7
    assert (heard["emotion"]["label"], heard["emotion"]["disclosure"]["inferred"]) == ("happy", True)
    assert heard["signature"]["distances"] == {"anna": 0.12346, "bo b": 1.5}
    assert (heard["status"]["code"], heard["status"]["counters"]) == ("stale", {"lost": 3})
    assert heard["motion"]["synthetic"] is True


@needs_node
def test_it_comes_back_by_itself_and_heard_and_missed_add_up(bridge):
    """The connection is cut four times in a stream that goes on: each event was heard or is counted as missed."""
    sent = 0
    with Probe(bridge.address, types=["pose", "status"], format="msgpack") as probe:
        probe.hear("open")
        for _ in range(4):
            assert wait_for(lambda: is_subscribed(bridge), WAIT_S)
            for _ in range(25):
                bridge.send(pose(sent))
                sent += 1
                time.sleep(0.002)
            bridge._soon(lambda: [each.transport.abort() for each in tuple(bridge._server._sockets)])
            assert wait_for(lambda: not bridge.stats().clients, WAIT_S)
            for _ in range(10):
                bridge.send(pose(sent))
                sent += 1
            bridge.send(status(sent))
        assert wait_for(lambda: is_subscribed(bridge), WAIT_S)
        bridge.send(pose(sent))
        sent += 1
        counts, last, gaps = None, None, []
        while last != sent - 1:
            told = probe.told.get(timeout=WAIT_S)
            counts = told["counts"]
            gaps += [told["value"]] if told["kind"] == "missed" else []
            if told["kind"] == "event" and told["value"]["type"] == "pose":
                last = told["value"]["seq"]
    assert len(gaps) == 4
    assert all(gap["known"] and gap["exact"] for gap in gaps)
    assert sum(gap["replayed"] for gap in gaps) == 4
    assert sum(gap["missed"]["p1"]["pose"] for gap in gaps) == counts["missed"] >= 40
    assert counts["heard"] - 4 + counts["missed"] == sent
    assert counts["connections"] == 5


@needs_node
def test_when_emotus_is_started_anew_it_is_found_again(bridge):
    """Another run at the same port: the session is not known, and events go on."""
    with Probe(bridge.address) as probe:
        probe.hear("open")
        port = int(bridge.address.rpartition(":")[2].strip("/"))
        bridge.close()
        assert probe.hear("close")["value"]["retryMs"] > 0
        again = WebSocketBridge("127.0.0.1", port, clock=MonotonicClock())
        again.start()
        try:
            assert probe.hear("missed")["value"]["known"] is False
            again.send(emotion(3))
            assert probe.hear("event")["value"]["seq"] == 3
        finally:
            again.close()


@needs_node
def test_nodes_own_websocket_is_used_where_there_is_one(bridge):
    """Node 22 has one; 20 and 21 have the same behind a flag."""
    flag = "--experimental-websocket"
    has_flag = subprocess.run([str(NODE), flag, "-e", "WebSocket"], capture_output=True, timeout=30).returncode == 0
    if not has_flag:
        pytest.skip("this Node knows no WebSocket of its own")
    with Probe(bridge.address, environment={"NODE_OPTIONS": flag}, format="msgpack") as probe:
        probe.hear("open")
        assert wait_for(lambda: is_subscribed(bridge), WAIT_S)
        bridge.send(pose(4))
        assert np.array_equal(array(probe.hear("event")["value"]["joints"]), JOINTS.ravel())
        bridge._soon(lambda: [each.transport.abort() for each in tuple(bridge._server._sockets)])
        assert probe.hear("missed")["value"]["known"]


@needs_node
def test_commands_are_accepted_or_refused_with_a_reason(bridge):
    """Each answer reaches the promise it belongs to; the end of the loop is the end of the program."""
    with Probe(bridge.address) as probe:
        probe.hear("open")
        probe.say("teach", {"label": "proud"})
        probe.hear("accepted")
        assert bridge._control.take() == (TeachStart("proud"),)
        probe.say("dance", {})
        assert "no such command" in probe.hear("refused")["value"]
        probe.say("close")
        assert probe.hear("end")["heard"] == 0
        probe.process.stdin.close()
        assert probe.process.wait(5) == 0


@needs_node
def test_a_dead_network_is_noticed_though_nobody_says_so():
    """A server that accepts and then says nothing more is left within the time that was asked for."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(WAIT_S)
        with Probe(f"ws://127.0.0.1:{listener.getsockname()[1]}", quietMs=200) as probe:
            held, _ = listener.accept()
            assert "nothing was heard" in probe.hear("close")["value"]["reason"]
            again, _ = listener.accept()
            held.close()
            again.close()


@needs_node
def test_an_exposed_bridge_is_reached_with_token_and_tls(tmp_path):
    """wss: with a certificate that Node is told to trust, and the token in the options."""
    token = "correct-horse-battery-staple"  # noqa: S105 - opens nothing but this test
    cert, key = make_certificate(tmp_path)
    bridge = WebSocketBridge("127.0.0.1", 0, clock=MonotonicClock(), token=token, cert=cert, key=key)
    bridge.start()
    try:
        address = bridge.address.partition("?")[0]
        with Probe(address, token=token, environment={"NODE_EXTRA_CA_CERTS": cert}) as probe:
            assert probe.hear("open")["value"]["name"] == "emotus"
        with Probe(address, token="x" * 20, environment={"NODE_EXTRA_CA_CERTS": cert}) as probe:
            assert "401" in probe.hear("close")["value"]["reason"]
    finally:
        bridge.close()


def decoded(lines: list[bytes]) -> list[dict[str, Any]]:
    """Return what the client's decoder makes of each."""
    text = "".join(f"{line.hex()}\n" for line in lines)
    command = [str(NODE), str(PROBE), str(FOLDER), "decode"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@needs_node
def test_its_decoder_agrees_with_the_msgpack_package():
    """Every kind and size of value that the package writes, read back the same."""
    words = ["", "é" * 15, "x" * 31, "y" * 32, "z" * 255, "w" * 256, "v" * 70_000, "花子"]
    numbers = [0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53 - 1, -1, -32, -33, -128, -129, -32768]
    numbers += [-32769, -(2**31), -(2**31) - 1, -(2**53) + 1]
    floats = [0.5, -1.25e300, 5e-324, math.pi]
    values: list[Any] = [None, True, False, *numbers, *floats, *words, [], [1] * 15, [1] * 16, [0] * 70_000]
    values += [{}, {str(i): i for i in range(15)}, {str(i): [i] for i in range(16)}, {str(i): i for i in range(70_000)}]
    values += [{"__proto__": {"polluted": 1}}, {"a": {"b": [{"c": None}]}}]
    assert [each["value"] for each in decoded([msgpack.packb(value) for value in values])] == values
    assert decoded([msgpack.packb(0.5, use_single_float=True)])[0]["value"] == 0.5
    for size in (0, 1, 255, 256, 70_000):
        assert decoded([msgpack.packb(bytes(size))])[0]["value"] == ["Uint8Array", *bytes(size)]


@needs_node
def test_its_decoder_refuses_whatever_is_cut_off_or_none_of_ours():
    """Every prefix of an event, a length of four billion, an extension, endless depth: an Error, and no hang."""
    whole = msgpack.packb({"type": "pose", "joints": bytes(252), "seq": 2**40, "list": [1.5, -3, "text"]})
    bad = [whole[:size] for size in range(len(whole))] + [whole + b"\0", b"\xc1", b"\xc7\1\5x", b"\x91" * 5000]
    bad += [
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xa2\xff\xfe",
        b"\xc6\x7f\xff\xff\xff",
    ]
    answers = decoded(bad)
    assert len(answers) == len(bad)
    assert all(each.get("error") for each in answers)


@pytest.fixture
def page(bridge) -> Iterator[str]:
    """Serve the client's folder, and a page that imports it, from this machine."""
    html = f"""<!doctype html><script type="module">
        import {{ connect }} from "/emotus.js";
        window.heard = [];
        window.show = connect("{bridge.address}", {{ format: "msgpack" }});
        for (const kind of ["missed", "event"])
            show.on(kind, (value) =>
                heard.push({{ ...value, kind, joints: value.joints && Array.from(value.joints) }}));
    </script>"""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/":
                return super().do_GET()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())
            return None

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's own name
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(FOLDER))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join(5)


@needs_chromium
def test_a_page_hears_loses_and_finds_emotus(bridge, page):
    """The same file in a real browser: float32 to the last bit, and what was missed when the connection was cut."""
    with Chromium() as chromium:
        chromium.open(page)
        assert wait_for(lambda: is_subscribed(bridge), WAIT_S)
        bridge.send(pose(1))
        bridge.send(emotion(1))
        heard = wait_for_page(lambda: chromium.evaluate("window.heard.length === 2 && window.heard"))
        assert [each["type"] for each in heard] == ["pose", "emotion"]
        assert np.array_equal(np.array(heard[0]["joints"], np.float32), JOINTS.ravel())
        bridge._soon(lambda: [each.transport.abort() for each in tuple(bridge._server._sockets)])
        assert wait_for(lambda: not bridge.stats().clients, WAIT_S)
        for seq in range(2, 12):
            bridge.send(pose(seq))
        bridge.send(status(5))
        heard = wait_for_page(lambda: chromium.evaluate("window.heard.length === 4 && window.heard"))
        assert (heard[2]["kind"], heard[2]["missed"], heard[2]["replayed"]) == ("missed", {"p1": {"pose": 10}}, 1)
        assert (heard[3]["type"], heard[3]["seq"]) == ("status", 5)
        assert chromium.evaluate("show.counts.connections") == 2
        assert not [each for each in chromium.problems if "favicon" not in each and "404" not in each]
