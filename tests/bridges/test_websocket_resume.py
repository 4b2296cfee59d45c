"""A client that comes back is told what it missed, and hears the statuses again that it did not hear."""

from __future__ import annotations

import json
import time

import msgpack
import pytest
from support.sayings import emotion, frame, pose, status, wait_for
from websockets.sync.client import connect

from emotus.bridges.websocket import WebSocketBridge
from emotus.engine.clock import MonotonicClock


@pytest.fixture
def bridge():
    """Offer a started bridge."""
    made = WebSocketBridge("127.0.0.1", 0, clock=MonotonicClock())
    made.start()
    yield made
    made.close()


def hear(socket) -> dict:
    """Return the next message."""
    data = socket.recv(5)
    return json.loads(data) if isinstance(data, str) else msgpack.unpackb(data)


def ask(socket, kind: str = "subscribe", **asked) -> dict:
    """Subscribe or resume; return the answer."""
    socket.send(json.dumps({"type": kind, **asked}))
    return hear(socket)


def stay(bridge, count: int = 3) -> tuple[str, dict]:
    """Connect, hear so many frames and leave; return the session and what was heard last."""
    with connect(bridge.address) as socket:
        session = hear(socket)["session"]
        assert ask(socket)["type"] == "subscribed"
        for seq in range(count):
            for event in frame(seq):
                bridge.send(event)
        bridge.send(status(0))
        heard = [hear(socket) for _ in range(3 * count + 1)]
    assert wait_for(lambda: bridge.stats().clients == 0)
    seen: dict[str, dict[str, int]] = {}
    for told in heard:
        seen.setdefault(told["stream"], {})[told["type"]] = told["seq"]
    return session, seen


def settle(bridge) -> None:
    """Wait until all that was sent is dealt with."""
    assert wait_for(lambda: bridge.stats().waiting == 0)


def test_what_was_missed_is_counted_to_the_event_and_statuses_come_again(bridge):
    """Forty frames and three statuses while away; then the stream goes on where it is."""
    session, seen = stay(bridge)
    for seq in range(3, 43):
        for event in frame(seq):
            bridge.send(event)
    for seq in range(1, 4):
        bridge.send(status(seq))
    settle(bridge)
    with connect(bridge.address) as socket:
        assert hear(socket)["session"] != session
        answer = ask(socket, "resume", session=session, seen=seen)
        assert (answer["type"], answer["known"], answer["exact"]) == ("resumed", True, True)
        assert answer["missed"] == {"p1": {"pose": 40, "qualities": 40, "emotion": 40}}
        assert answer["replayed"] == 3
        assert [(told["type"], told["seq"]) for told in (hear(socket) for _ in range(3))] == [
            ("status", 1),
            ("status", 2),
            ("status", 3),
        ]
        bridge.send(pose(43))
        assert (told := hear(socket))["type"] == "pose"
        assert told["seq"] == 43


def test_heard_and_missed_add_up_to_what_was_sent_through_many_gaps(bridge):
    """Five gaps in a stream that goes on all the time: every event was heard or is counted as missed."""
    session, seen, heard, missed = "", {}, 0, 0
    sent = 0
    for _ in range(6):
        with connect(bridge.address, max_queue=None) as socket:
            greeting = hear(socket)
            if session:
                answer = ask(socket, "resume", session=session, seen=seen, types=["pose"])
                assert answer["exact"]
                missed += answer["missed"].get("p1", {}).get("pose", 0)
            else:
                ask(socket, types=["pose"])
            session = greeting["session"]
            for _ in range(20):
                bridge.send(pose(sent))
                sent += 1
            while (told := hear(socket))["seq"] < sent - 7:  # it leaves with some of them unread
                heard += 1
            heard += 1
            seen = {"p1": {"pose": told["seq"]}}
        for _ in range(15):
            bridge.send(pose(sent))
            sent += 1
        time.sleep(0.01)
    settle(bridge)
    with connect(bridge.address) as socket:
        hear(socket)
        missed += ask(socket, "resume", session=session, seen=seen, types=["pose"])["missed"]["p1"]["pose"]
    assert heard + missed == sent


def test_a_session_of_another_show_is_said_not_to_be_known(bridge):
    """It is subscribed all the same."""
    with connect(bridge.address) as socket:
        hear(socket)
        answer = ask(socket, "resume", session="0123456789ab.4", seen={"p1": {"pose": 3}}, types=["emotion"])
        assert (answer["known"], answer["exact"], answer["missed"], answer["replayed"]) == (False, False, {}, 0)
        bridge.send(pose(1))
        bridge.send(emotion(2))
        assert hear(socket)["type"] == "emotion"


def test_nothing_of_a_stream_that_was_revoked_is_counted_or_told_again(bridge):
    """Consent ended while the client was away."""
    session, seen = stay(bridge)
    bridge.send(pose(3))
    bridge.send(status(7, stream="p1"))
    settle(bridge)
    bridge.forget("p1")
    with connect(bridge.address) as socket:
        hear(socket)
        answer = ask(socket, "resume", session=session, seen=seen)
        assert answer["missed"] == {}
        assert answer["replayed"] == 0


def test_resume_is_understood_in_messagepack_and_kept_within_bounds(bridge):
    """Bytes are MessagePack; a list of too many streams is refused and the client lives on."""
    session, seen = stay(bridge)
    with connect(bridge.address) as socket:
        hear(socket)
        socket.send(msgpack.packb({"type": "resume", "session": session, "seen": seen, "format": "msgpack"}))
        assert hear(socket)["known"]
        many = {f"performer-{i}": {"pose": i} for i in range(65)}
        assert ask(socket, "resume", session=session, seen=many)["type"] == "error"
        full = {f"performer-{i}": dict.fromkeys(("pose", "emotion", "qualities"), 10**9) for i in range(64)}
        assert ask(socket, "resume", session=session, seen=full)["type"] == "resumed"
        for bad in ({"session": ""}, {"session": 5}, {}, {"session": "x", "seen": {"p": {"pose": "1"}}}):
            assert ask(socket, "resume", **bad)["type"] == "error"


def test_poses_in_millimetres_are_a_third_of_json(bridge):
    """precision mm: whole millimetres under names that say so; other events stay as they are."""
    with connect(bridge.address) as socket:
        hear(socket)
        socket.send(json.dumps({"type": "subscribe", "format": "msgpack", "precision": "mm"}))
        assert hear(socket)["precision"] == "mm"
        bridge.send(pose(1))
        bridge.send(emotion(1))
        told = hear(socket)
        assert (len(told["joints_mm"]), len(told["confidence_255"])) == (126, 21)
        assert hear(socket)["label"] == "happy"
        assert ask(socket, precision="mm")["type"] == "error"
