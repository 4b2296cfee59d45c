"""The rosbridge client against a server that keeps to the protocol, and roslibpy on the other side of it."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support.rosbridge_server import RosbridgeServer
from support.sayings import emotion, frame, free_port, motion, pose, qualities, signature, status, wait_for

from emotus.bridges.rosbridge import RosbridgeBridge, bridge_of
from emotus.bridges.uri import make_bridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import UriError

LISTENER = Path(__file__).parent / "roslibpy_listener.py"
WAIT_S = 20.0


def bridge_to(port: int, query: str = "") -> RosbridgeBridge:
    """Return a bridge to a port of this machine, not started."""
    made = make_bridge(f"rosbridge:ws://127.0.0.1:{port}{query}", labels=(), clock=MonotonicClock())
    assert isinstance(made, RosbridgeBridge)
    return made


def is_connected(bridge: RosbridgeBridge) -> bool:
    """Tell whether the bridge is connected."""
    return bridge.stats().clients == 1


@pytest.mark.parametrize("version", [1, 2])
def test_every_event_is_accepted_by_a_server_that_checks_types(version):
    """Nothing is refused, every topic is advertised with its type, and each event counts as sent."""
    with RosbridgeServer(version=version) as server:
        bridge = bridge_to(server.port, f"?ros={version}")
        bridge.start()
        try:
            assert wait_for(lambda: is_connected(bridge), WAIT_S)
            for event in (pose(1), emotion(1), qualities(1), signature(1), motion(1), status(1)):
                bridge.send(event)
            assert wait_for(lambda: bridge.stats().sent == 6, WAIT_S)
            assert wait_for(lambda: len(server.of("/emotus/status")) == 1, WAIT_S)
        finally:
            bridge.close()
        middle = "/" if version == 1 else "/msg/"
        assert server.refused == []
        assert server.advertised["/humans/bodies/p1/expression"] == f"hri_msgs{middle}Expression"
        assert server.advertised["/humans/bodies/p1/poses"] == f"geometry_msgs{middle}PoseArray"
        assert server.of("/humans/bodies/p1/expression")[0]["expression"] == "happy"
        assert len(server.of("/humans/bodies/p1/poses")[0]["poses"]) == 21
        assert ["p1"] in [each["ids"] for each in server.of("/humans/bodies/tracked")]
        stats = bridge.stats()
        assert (stats.received, stats.sent, stats.dropped, stats.errors) == (6, 6, 0, 0)


@pytest.mark.skipif(importlib.util.find_spec("roslibpy") is None, reason="roslibpy is not installed")
def test_a_ros_program_hears_it_through_roslibpy():
    """An independent client on the other side of the server gets the messages as a robot's program would."""
    topics = {
        "/humans/bodies/tracked": "hri_msgs/IdsList",
        "/humans/bodies/p1/expression": "hri_msgs/Expression",
        "/humans/bodies/p1/poses": "geometry_msgs/PoseArray",
        "/emotus/p1/emotion": "std_msgs/String",
    }
    with RosbridgeServer() as server:
        command = [
            sys.executable,
            str(LISTENER),
            str(server.port),
            *(f"{name}={kind}" for name, kind in topics.items()),
        ]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
            assert wait_for(lambda: sum(map(len, list(server.subscribed.values()))) == 4, 60.0)
            bridge = bridge_to(server.port)
            bridge.start()
            try:
                assert wait_for(lambda: is_connected(bridge), WAIT_S)
                for event in frame(3):
                    bridge.send(event)
                heard: dict[str, dict] = {}
                while set(heard) != set(topics) or not heard["/humans/bodies/tracked"]["ids"]:
                    topic, message = json.loads(program.stdout.readline())
                    heard[topic] = message
            finally:
                bridge.close()
                program.stdin.close()
                program.wait(30)
    assert heard["/humans/bodies/tracked"]["ids"] == ["p1"]
    assert heard["/humans/bodies/p1/expression"]["expression"] == "happy"
    assert heard["/humans/bodies/p1/expression"]["valence"] == pytest.approx(0.12346)
    assert len(heard["/humans/bodies/p1/poses"]["poses"]) == 21
    assert json.loads(heard["/emotus/p1/emotion"]["data"])["disclosure"]["inferred"] is True


def test_a_server_that_comes_late_is_found():
    """Until then events are dropped and counted, the attempts are errors, and the problem names the address."""
    port = free_port()
    bridge = bridge_to(port)
    bridge.start()
    try:
        assert wait_for(lambda: bridge.stats().errors >= 2, WAIT_S)
        bridge.send(pose(1))
        assert wait_for(lambda: bridge.stats().dropped == 1, WAIT_S)
        assert f"127.0.0.1:{port}" in bridge.stats().problem
        assert "rosbridge_server" in bridge.stats().problem
        with RosbridgeServer(port=port) as server:
            assert wait_for(lambda: is_connected(bridge), WAIT_S)
            assert bridge.stats().problem == ""
            bridge.send(pose(2))
            assert wait_for(lambda: len(server.of("/humans/bodies/p1/poses")) == 1, WAIT_S)
    finally:
        bridge.close()


def test_a_connection_that_is_lost_is_made_again_with_its_topics():
    """After the cut everything is advertised anew: the server refuses nothing."""
    with RosbridgeServer() as server:
        bridge = bridge_to(server.port)
        bridge.start()
        try:
            for visit in range(1, 4):
                assert wait_for(lambda: is_connected(bridge) and server.connections == visit, WAIT_S)  # noqa: B023
                bridge.send(status(visit))
                assert wait_for(lambda: len(server.of("/emotus/status")) == visit, WAIT_S)  # noqa: B023
                server.cut()
            assert server.refused == []
        finally:
            bridge.close()


def test_a_server_that_reads_nothing_holds_nobody_up_and_holds_little():
    """Ten thousand poses: sending takes no time, the newest only is kept, and closing waits for nobody."""
    with RosbridgeServer() as server:
        server.is_deaf = True
        bridge = bridge_to(server.port)
        bridge.start()
        try:
            assert wait_for(lambda: is_connected(bridge), WAIT_S)
            slowest = 0.0
            for seq in range(10_000):
                start = time.perf_counter()
                bridge.send(pose(seq))
                slowest = max(slowest, time.perf_counter() - start)
            assert slowest < 5.0  # to a server that never reads one that waits would wait for ever
            assert bridge.stats().waiting <= 2048
        finally:
            start = time.monotonic()
            bridge.close()
            took_s = time.monotonic() - start
        assert took_s < 10.0
        stats = bridge.stats()
        assert stats.received == stats.sent + stats.dropped == 10_000
        assert stats.dropped > 9_000
        assert wait_for(lambda: not [each for each in threading.enumerate() if each.name.startswith("rosbridge:")])


def test_a_server_that_complains_is_listened_to():
    """Its errors are counted and the last one can be read."""
    with RosbridgeServer(version=1) as server:
        bridge = bridge_to(server.port, "?ros=2")
        bridge.start()
        try:
            assert wait_for(lambda: is_connected(bridge), WAIT_S)
            bridge.send(status(1))
            words = ("std_msgs/msg/String", "not advertised")
            assert wait_for(lambda: any(word in bridge.stats().problem for word in words), WAIT_S)
            assert bridge.stats().errors >= 1
        finally:
            bridge.close()


def test_a_server_that_talks_nonsense_costs_nothing():
    """Noise, deep JSON and a frame too large: the connection may end, the bridge lives on."""
    from websockets.sync.server import serve

    def talk(connection) -> None:
        for noise in ("[" * 5000, b"\xff\xfe", '{"op": 5}', "x" * 100_000):
            connection.send(noise)
        connection.recv()

    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        bridge = bridge_to(server.socket.getsockname()[1])
        bridge.start()
        try:
            assert wait_for(lambda: bridge.stats().errors >= 2, WAIT_S)
        finally:
            bridge.close()
            server.shutdown()
            thread.join(5)


def test_nothing_of_a_body_is_said_once_it_is_forgotten():
    """Consent has ended: she leaves the list of bodies."""
    with RosbridgeServer() as server:
        bridge = bridge_to(server.port)
        bridge.start()
        try:
            assert wait_for(lambda: is_connected(bridge), WAIT_S)
            bridge.send(pose(1))
            assert wait_for(lambda: server.of("/humans/bodies/tracked")[-1:] != [], WAIT_S)
            bridge.forget("p1")
            assert wait_for(lambda: server.of("/humans/bodies/tracked")[-1]["ids"] == [], WAIT_S)
        finally:
            bridge.close()


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("", "not ws://HOST:PORT"), ("127.0.0.1:9090", "not ws://HOST:PORT"), ("http://robot:9090", "not ws://"),
        ("ws://", "not ws://"), ("ws://robot:99999", "Port"), ("ws://a:b@robot", "no passwords"),
        ("ws://robot?ros=3", "one of 1, 2"), ("ws://robot?hz=0", "0.1 to 240"),
        ("ws://robot?colour=1", "unknown option"),
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_told_with_its_mend(rest, problem):
    """One line, before anything is started."""
    with pytest.raises(UriError, match=problem) as told:
        bridge_of(f"rosbridge:{rest}", rest, MonotonicClock())
    assert "\n" not in str(told.value)


def test_a_name_that_nobody_knows_is_told_at_the_start(monkeypatch):
    """Within a second."""

    def nobody(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(UriError, match=r"robot\.example"):
        bridge_of("rosbridge:ws://robot.example", "ws://robot.example", MonotonicClock()).start()
