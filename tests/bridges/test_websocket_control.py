"""Control by WebSocket: commands beside subscriptions, answered, and taken only where there is somebody to obey."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from support.sayings import TOLD, wait_for
from websockets.sync.client import ClientConnection, connect

from emotus.bridges import wire
from emotus.bridges.websocket import WebSocketBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.control import WORDS, ConsentGrant, ControlInbox, StopEverything, TeachStart
from emotus.engine.errors import WireError
from emotus.engine.events import EmotionEvent


@contextmanager
def served(control: ControlInbox | None) -> Iterator[tuple[WebSocketBridge, ClientConnection]]:
    """Serve a bridge, connect a client and hear its hello."""
    bridge = WebSocketBridge("127.0.0.1", 0, labels=("happy",), clock=MonotonicClock(), control=control)
    bridge.start()
    try:
        with connect(bridge.address, proxy=None) as client:
            yield bridge, client
    finally:
        bridge.close()


def ask(client: ClientConnection, **message: object) -> dict:
    """Send a message and return the answer."""
    client.send(json.dumps(message))
    return json.loads(client.recv(timeout=10))


def test_a_command_is_accepted_and_reaches_the_engine():
    """A client hears which words there are, sends one, is told that it was accepted, and may still subscribe."""
    inbox = ControlInbox()
    with served(inbox) as (_, client):
        hello = json.loads(client.recv(timeout=10))
        assert hello["control"] == list(WORDS)
        answer = ask(client, type="control", command="teach", label="my grandmother", stream="anna")
        assert answer == {"v": 1, "type": "accepted", "command": "TeachStart"}
        assert ask(client, type="control", command="consent/grant", purposes=["stream"])["type"] == "accepted"
        assert ask(client, type="control", command="stop")["type"] == "accepted"
        assert set(inbox.take()) == {
            TeachStart("my grandmother", "anna"),
            ConsentGrant("performer", None, ("stream",)),
            StopEverything(),
        }
        assert ask(client, type="subscribe")["type"] == "subscribed"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"command": "dance"}, "no such command: 'dance'"),
        ({"command": "teach"}, "a label has 1 to 48"),
        ({"command": "teach", "label": "x", "speed": 3}, "unknown field"),
        ({"command": "teach/stop", "seconds": 3}, "knows no 'seconds'"),
        ({}, "missing required field"),
    ],
)
def test_what_is_no_command_is_answered_and_counted(message, said):
    """The client learns what is wrong and stays connected; the engine never hears of it."""
    inbox = ControlInbox()
    with served(inbox) as (bridge, client):
        client.recv(timeout=10)
        answer = ask(client, type="control", **message)
        assert answer["type"] == "error"
        assert said in answer["message"]
        assert inbox.take() == ()
        assert bridge.stats().errors == 1
        assert ask(client, type="subscribe")["type"] == "subscribed"


def test_where_nobody_obeys_nothing_is_accepted():
    """A bridge without an inbox answers that no commands are taken."""
    with served(None) as (_, client):
        client.recv(timeout=10)
        assert ask(client, type="control", command="stop")["message"] == "no commands are taken here"


def test_orders_are_the_same_in_messagepack():
    """Either format makes the same command, and what is no order is left to the subscriptions."""
    order = {"type": "control", "command": "teach", "label": "joy"}
    assert wire.decode_order(json.dumps(order)) == wire.decode_order(msgspec.msgpack.encode(order)) == TeachStart("joy")
    for other in ('{"type": "subscribe"}', "[1]", "{", "", b"\xc1", "x" * 5000):
        assert wire.decode_order(other) is None
    with pytest.raises(WireError):
        wire.decode_order('{"type": "control"}')


def test_labels_that_are_taught_meanwhile_are_in_later_hellos():
    """Whoever connects after the first answer with a new label is greeted with it."""
    with served(ControlInbox()) as (bridge, client):
        assert json.loads(client.recv(timeout=10))["labels"] == ["happy"]
        probs = {"happy": 0.4, "storm": 0.6}
        event = EmotionEvent("anna", 0, 0, "storm", probs, 0, 0, 0.6, abstain=False, latency_ms=1, disclosure=TOLD)
        bridge.send(event)

        def greeted() -> bool:
            with connect(bridge.address, proxy=None) as later:
                return json.loads(later.recv(timeout=10))["labels"] == ["happy", "storm"]

        assert wait_for(greeted)
