"""Tools that ask find every address with its type, range and value; nobody else's pages do, and nobody holds it up."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time

import pytest
from support.sayings import LABELS, emotion, frame, motion, signature, status, wait_for

from emotus.bridges.oscquery import MAX_AT_ONCE, MAX_EVENTS, OscQueryBridge, make_oscquery
from emotus.bridges.uri import Wish
from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.control import WORDS
from emotus.engine.errors import UriError


@pytest.fixture
def bridge():
    """Offer a started bridge."""
    made = OscQueryBridge("127.0.0.1", 0, clock=MonotonicClock(), control_port=9123)
    made.start()
    yield made
    made.close()


def port_of(bridge: OscQueryBridge) -> int:
    """Return where it listens."""
    return int(bridge.address.rpartition(":")[2].strip("/"))


def ask(bridge: OscQueryBridge, path: str, host: str | None = None) -> tuple[int, dict | None]:
    """Return status and JSON of a request by the standard library's client."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(bridge), timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host} if host else {})
        response = connection.getresponse()
        body = response.read()
        return response.status, json.loads(body) if body else None
    finally:
        connection.close()


def leaves(node: dict) -> dict[str, dict]:
    """Return all nodes with a type by their path, and check what the proposal wants of every node."""
    assert node["FULL_PATH"].startswith("/")
    found = {node["FULL_PATH"]: node} if "TYPE" in node else {}
    for name, child in node.get("CONTENTS", {}).items():
        assert child["FULL_PATH"].endswith("/" + name)
        found |= leaves(child)
    return found


def test_every_address_has_type_access_value_and_range(bridge):
    """As the OSC bridge says them; commands can be written and not read."""
    for event in (*frame(1), signature(1), status(1), motion(1)):
        bridge.send(event)
    code, root = ask(bridge, "/")
    assert code == 200
    found = leaves(root)
    happy = found["/emotus/p1/emotion/happy"]
    assert (happy["TYPE"], happy["VALUE"], happy["ACCESS"]) == ("f", [0.5], 1)
    assert happy["RANGE"] == [{"MIN": 0.0, "MAX": 1.0}]
    assert found["/emotus/p1/valence"]["RANGE"] == [{"MIN": -1.0, "MAX": 1.0}]
    assert found["/emotus/p1/joint/Head"]["TYPE"] == "f" * 7
    assert found["/emotus/p1/label"]["VALUE"] == ["happy"]
    assert found["/emotus/p1.partner/synthetic".replace(".", "_")]["VALUE"] == [1.0]
    assert {path for path in found if "/control/" in path} == {f"/emotus/control/{word}" for word in WORDS}
    assert found["/emotus/control/stop"]["ACCESS"] == 2
    assert len([path for path in found if "/emotion/" in path]) >= len(LABELS)


def test_attributes_can_be_asked_for_one_by_one(bridge):
    """200 with the attribute, 204 where a node has none, 404 without a node, 400 for what nobody knows."""
    bridge.send(emotion(1))
    assert ask(bridge, "/emotus/p1/arousal?VALUE") == (200, {"VALUE": [-0.25]})
    assert ask(bridge, "/emotus/p1/label?RANGE") == (204, None)
    assert ask(bridge, "/emotus/p2") == (404, None)
    assert ask(bridge, "/emotus/p1?COLOUR") == (400, None)
    code, host = ask(bridge, "/?HOST_INFO")
    assert (code, host["OSC_PORT"], host["OSC_TRANSPORT"], host["NAME"]) == (200, 9123, "UDP", "emotus")
    assert host["EXTENSIONS"]["LISTEN"] is False


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]", "a@127.0.0.2@x", ""]
)
def test_a_page_that_rebinds_its_name_hears_nothing(bridge, host):
    """Only this machine's own names are answered."""
    bridge.send(emotion(1))
    if host:
        assert ask(bridge, "/", host)[0] == 403
    for own in ("127.0.0.1:1", "localhost", "[::1]:80"):
        assert ask(bridge, "/", own)[0] == 200


def test_who_is_forgotten_or_long_gone_is_no_longer_told():
    """Consent that ends takes the values away; so do ten seconds of silence."""
    clock = ManualClock()
    bridge = OscQueryBridge("127.0.0.1", 0, clock=clock)
    bridge.start()
    bridge.send(emotion(1))
    bridge.send(emotion(1, stream="p2"))
    bridge.forget("p1")
    assert ask(bridge, "/emotus/p1")[0] == 404
    assert ask(bridge, "/emotus/p2")[0] == 200
    clock.advance_ns(11 * NS_PER_S)
    assert ask(bridge, "/emotus/p2")[0] == 404
    bridge.close()


def test_slow_and_hostile_clients_hold_nobody_up(bridge):
    """Clients that never end their request are hung up on; garbage, long lines and other methods are refused."""
    threads = threading.active_count()
    idle = [socket.create_connection(("127.0.0.1", port_of(bridge))) for _ in range(MAX_AT_ONCE)]
    for each in idle:
        each.sendall(b"GET / HT")
    extra = socket.create_connection(("127.0.0.1", port_of(bridge)))
    extra.settimeout(5)
    assert extra.recv(1) == b""
    assert threading.active_count() <= threads + 2 * MAX_AT_ONCE
    for each in (*idle, extra):
        each.close()
    assert wait_for(lambda: _is_answered(bridge), 10)
    for raw in (b"\0\xff\r\n\r\n", b"GET /" + b"a" * 100_000 + b" HTTP/1.0\r\n\r\n", b"POST / HTTP/1.0\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port_of(bridge))) as client:
            client.settimeout(5)
            client.sendall(raw)
            try:
                assert b" 200 " not in client.recv(100)
            except ConnectionResetError:
                continue
    assert wait_for(lambda: _is_answered(bridge), 10)


def _is_answered(bridge: OscQueryBridge) -> bool:
    try:
        return ask(bridge, "/?HOST_INFO")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_a_request_that_drips_is_ended(bridge):
    """A byte now and then does not keep it alive for ever."""
    with socket.create_connection(("127.0.0.1", port_of(bridge))) as client:
        client.sendall(b"GET / HTTP/1.0\r\n")
        client.settimeout(0.5)
        start = time.monotonic()
        while time.monotonic() - start < 15:
            try:
                client.sendall(b"X")
                if client.recv(100) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    assert time.monotonic() - start < 12


def test_what_it_keeps_is_bounded(bridge):
    """A thousand performers leave the latest."""
    for i in range(1000):
        bridge.send(emotion(1, stream=f"p{i}"))
    assert len(bridge._latest) == MAX_EVENTS
    assert ask(bridge, "/emotus/p999")[0] == 200


def test_others_and_taken_ports_are_told_with_their_mend():
    """Beyond this machine it never listens; a port in use is named."""
    for rest, problem in (("0.0.0.0:9100", "personal"), ("9100?x=1", "known are control"), ("port", "is no port")):
        with pytest.raises(UriError, match=problem):
            make_oscquery(Wish(f"oscquery:{rest}", rest, (), expose=True, clock=ManualClock())).start()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UriError, match=f"port {port}"):
            OscQueryBridge("127.0.0.1", port, clock=ManualClock()).start()
