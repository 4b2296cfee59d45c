"""The WebSocket bridge as a client written without emotus meets it."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager

import msgpack
import numpy as np
import pytest
from support.sayings import JOINTS, emotion, frame, pose, status, wait_for
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from emotus.bridges.websocket import WebSocketBridge
from emotus.bridges.websocket_client import MAX_CONTROLS_PER_S
from emotus.bridges.websocket_server import Limits
from emotus.engine.body import BODY
from emotus.engine.clock import NS_PER_MS, Clock, ManualClock, MonotonicClock
from emotus.engine.errors import UriError
from emotus.engine.streams import STREAMS

LABELS = ("happy", "sad")


@contextmanager
def serving(clock: Clock | None = None, **more):
    """Offer a started bridge on a free port."""
    bridge = WebSocketBridge("127.0.0.1", 0, labels=LABELS, clock=clock or MonotonicClock(), **more)
    bridge.start()
    try:
        yield bridge
    finally:
        bridge.close()


def subscribe(socket, **asked) -> dict:
    """Ask for events; return the answer."""
    json.loads(socket.recv(5))
    socket.send(json.dumps({"type": "subscribe", **asked}))
    answer = socket.recv(5)
    return json.loads(answer) if isinstance(answer, str) else msgpack.unpackb(answer)


def hear_all(socket) -> None:
    """Hear until the connection ends, and raise what it ended with."""
    while True:
        socket.recv(5)


def test_hello_comes_first_and_says_all_that_a_client_needs():
    """Version, body with parents, frame, units, labels, rates, formats, and what the numbers are."""
    with serving() as bridge, connect(bridge.address) as socket:
        told = json.loads(socket.recv(5))
        assert (told["v"], told["type"]) == (1, "hello")
        assert told["body"] == {"joints": list(BODY.names), "parents": list(BODY.parents)}
        assert told["labels"] == ["happy", "sad"]
        assert told["rates"] == {name: stream.rate_hz for name, stream in STREAMS.items()}
        assert told["formats"] == ["json", "msgpack"]
        assert told["units"]["joints"] == "m"
        assert "+Y up" in told["frame"]
        assert "apparent expression" in told["notice"]


def test_nothing_but_hello_is_sent_before_it_is_asked_for():
    """Who does not subscribe hears nothing, and the event counts as dropped."""
    with serving() as bridge, connect(bridge.address) as socket:
        socket.recv(5)
        bridge.send(pose())
        with pytest.raises(TimeoutError):
            socket.recv(0.2)
        assert bridge.stats().dropped == 1


def test_a_subscriber_hears_whole_frames_in_order_as_json():
    """Pose, qualities, emotion, in text frames."""
    with serving() as bridge, connect(bridge.address) as socket:
        assert subscribe(socket)["type"] == "subscribed"
        for seq in range(20):
            for event in frame(seq):
                bridge.send(event)
            for kind in ("pose", "qualities", "emotion"):
                text = socket.recv(5)
                assert isinstance(text, str)
                told = json.loads(text)
                assert (told["type"], told["seq"]) == (kind, seq)
        assert wait_for(lambda: bridge.stats().waiting == 0)
        stats = bridge.stats()
        assert (stats.received, stats.sent, stats.dropped, stats.clients) == (60, 60, 0, 1)


def test_messagepack_has_raw_float32_joints():
    """Binary frames, arrays to the last bit; even the answer to subscribe is MessagePack."""
    with serving() as bridge, connect(bridge.address) as socket:
        assert subscribe(socket, format="msgpack")["format"] == "msgpack"
        bridge.send(pose())
        told = msgpack.unpackb(socket.recv(5))
        assert np.array_equal(np.frombuffer(told["joints"], "<f4").reshape(21, 3), JOINTS)  # (63,) -> (21, 3)


def test_each_client_hears_what_it_asked_for():
    """Streams, types and formats of two clients at once."""
    with serving() as bridge, connect(bridge.address) as one, connect(bridge.address) as two:
        subscribe(one, streams=["p1"], types=["emotion"])
        subscribe(two, streams=["p2"], types=["pose"], format="msgpack")
        for stream in ("p1", "p2"):
            for event in frame(3, stream=stream):
                bridge.send(event)
        told, packed = json.loads(one.recv(5)), msgpack.unpackb(two.recv(5))
        assert (told["stream"], told["type"], packed["stream"], packed["type"]) == ("p1", "emotion", "p2", "pose")
        for socket in (one, two):
            with pytest.raises(TimeoutError):
                socket.recv(0.1)
        assert wait_for(lambda: bridge.stats().waiting == 0)
        assert (bridge.stats().sent, bridge.stats().dropped) == (2, 4)


def test_a_second_subscription_replaces_the_first():
    """A client may change its mind."""
    with serving() as bridge, connect(bridge.address) as socket:
        subscribe(socket, types=["pose"])
        socket.send('{"type": "subscribe", "types": ["status"]}')
        assert json.loads(socket.recv(5))["types"] == ["status"]
        bridge.send(pose())
        bridge.send(status())
        assert json.loads(socket.recv(5))["type"] == "status"


def test_max_hz_thins_a_stream():
    """A client that wants ten a second of a stream at fifty gets every fifth."""
    clock = ManualClock()
    with serving(clock) as bridge, connect(bridge.address) as socket:
        subscribe(socket, types=["pose"], max_hz=10)
        for seq in range(20):
            bridge.send(pose(seq))
            assert wait_for(lambda: bridge.stats().waiting == 0)
            clock.advance_ns(20 * NS_PER_MS)
        assert [json.loads(socket.recv(5))["seq"] for _ in range(4)] == [0, 5, 10, 15]
        assert bridge.stats().sent == 4


def test_a_control_message_that_is_not_understood_is_answered_and_the_client_lives_on():
    """It is counted and told what is wrong."""
    with serving() as bridge, connect(bridge.address) as socket:
        subscribe(socket)
        for bad in ("{", '{"type": "dance"}', b"\xc1", '{"type": "subscribe", "types": ["smell"]}'):
            socket.send(bad)
            assert json.loads(socket.recv(5))["type"] == "error"
        bridge.send(pose())
        assert json.loads(socket.recv(5))["type"] == "pose"
        assert bridge.stats().errors == 4


def test_a_flood_of_control_messages_ends_the_connection():
    """More than twenty a second: 1008 and a reason."""
    # The second does not pass, however slowly they are sent; and after the one too many none is sent to a closed door.
    with serving(ManualClock()) as bridge, connect(bridge.address) as socket:
        for _ in range(MAX_CONTROLS_PER_S + 1):
            socket.send('{"type": "subscribe"}')
        with pytest.raises(ConnectionClosed) as told:
            hear_all(socket)
        assert told.value.rcvd.code == 1008
        assert "too many" in told.value.rcvd.reason


def test_who_asks_for_nothing_is_sent_away():
    """A place is not held for ever; the reason says what to send."""
    with serving(limits=Limits(subscribe_s=0.2)) as bridge, connect(bridge.address) as socket:
        socket.recv(5)
        with pytest.raises(ConnectionClosed) as told:
            socket.recv(5)
        assert told.value.rcvd.code == 1008
        assert '{"type": "subscribe"}' in told.value.rcvd.reason


def test_a_subscriber_is_not_sent_away():
    """Once asked for, it lasts."""
    with serving(limits=Limits(subscribe_s=1.0)) as bridge, connect(bridge.address) as socket:
        subscribe(socket)
        time.sleep(1.2)
        bridge.send(pose())
        assert json.loads(socket.recv(5))["type"] == "pose"


def test_an_event_that_cannot_be_said_costs_no_other():
    """NaN is counted and skipped."""
    with serving() as bridge, connect(bridge.address) as socket:
        subscribe(socket)
        bridge.send(emotion(1, valence=float("nan")))
        bridge.send(emotion(2))
        assert json.loads(socket.recv(5))["seq"] == 2
        assert wait_for(lambda: bridge.stats().waiting == 0)
        stats = bridge.stats()
        assert (stats.sent, stats.dropped, stats.errors) == (1, 1, 1)


def test_the_last_events_are_heard_before_goodbye():
    """What was sent just before the end arrives, then 1001."""
    with serving() as bridge, connect(bridge.address) as socket:
        subscribe(socket)
        bridge.send(emotion(7))
        bridge.close()
        assert json.loads(socket.recv(5))["seq"] == 7
        with pytest.raises(ConnectionClosed) as told:
            socket.recv(5)
        assert told.value.rcvd.code == 1001


def test_an_event_is_heard_within_milliseconds():
    """Nothing is held back to be sent together: the quickest of ten takes less than 20 ms."""
    with serving() as bridge, connect(bridge.address) as socket:
        subscribe(socket, types=["pose"])
        took = []
        for seq in range(10):
            start = time.perf_counter()
            bridge.send(pose(seq))
            socket.recv(5)
            took.append(time.perf_counter() - start)
        assert min(took) < 0.02


def test_many_threads_may_send():
    """Nothing is lost or counted twice."""
    with serving() as bridge:
        threads = [threading.Thread(target=lambda: [bridge.send(pose(i)) for i in range(300)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wait_for(lambda: bridge.stats().waiting == 0)
        assert bridge.stats().received == bridge.stats().dropped == 1200


def test_a_token_opens_an_exposed_bridge_and_nothing_else_does(capsys, monkeypatch):
    """The printed address works; without the token there is 401."""
    monkeypatch.delenv("EMOTUS_TOKEN", raising=False)
    bridge = WebSocketBridge("0.0.0.0", 0, labels=LABELS, clock=MonotonicClock(), expose=True)
    bridge.start()
    try:
        printed = capsys.readouterr().err
        address = bridge.address.replace("0.0.0.0", "127.0.0.1")
        assert bridge.address in printed
        assert "nothing is encrypted" in printed
        with connect(address) as socket:
            assert json.loads(socket.recv(5))["type"] == "hello"
        with pytest.raises(InvalidStatus, match="401"):
            connect(address.partition("?")[0])
    finally:
        bridge.close()


def test_a_token_may_be_given_but_not_a_short_one(monkeypatch):
    """EMOTUS_TOKEN makes the address stay the same from show to show."""
    monkeypatch.setenv("EMOTUS_TOKEN", "short")
    with pytest.raises(UriError, match="too short"):
        WebSocketBridge("0.0.0.0", 0, clock=MonotonicClock(), expose=True).start()


def test_on_this_machine_no_token_is_needed_even_when_exposing_is_allowed():
    """Leave to expose changes nothing for a loopback address."""
    with serving(expose=True) as bridge:
        assert "token" not in bridge.address
