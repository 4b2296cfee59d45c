"""FAULTS.md 3, row 28: what a web page, a neighbour on the network or a rebound name can reach: nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import psutil
import pytest
from faults.figures import figure
from support.raw_websocket import RawClient
from support.sayings import emotion, wait_for

from emotus.bridges.jsonl import JsonlBridge
from emotus.bridges.osc import OscBridge
from emotus.bridges.uri import make_bridge
from emotus.bridges.websocket import WebSocketBridge
from emotus.bridges.websocket_guard import FREE_TRIES
from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import UriError

CLOCK = MonotonicClock()
TOKEN = "correct-horse-battery-staple"  # noqa: S105 - opens nothing but this test
GUESSES = 300

STRANGERS = {
    "a page of the web": ({"Origin": "https://evil.example"}, 403),
    "a sandboxed frame or a file": ({"Origin": "null"}, 403),
    "a page that looks local": ({"Origin": "http://127.0.0.1.evil.example"}, 403),
    "a rebound name": ({"Host": "evil.example:8765"}, 403),
    "a rebound name, with its page": ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
    "an address of the network": ({"Host": "192.168.1.7:8765"}, 403),
    "no Host at all": ({"Host": ""}, 403),
}
PATHS = ("/../../etc/passwd", "/..%2f..%2fetc/passwd", "//etc/passwd", "/index.html", "/%00", "/.env")


@pytest.fixture
def local() -> Iterator[WebSocketBridge]:
    """Offer a bridge as it is by default."""
    bridge = WebSocketBridge("127.0.0.1", 0, clock=CLOCK)
    bridge.start()
    yield bridge
    bridge.close()


@pytest.fixture
def exposed(monkeypatch, capsys) -> Iterator[WebSocketBridge]:
    """Offer a bridge that other machines may reach."""
    monkeypatch.setenv("EMOTUS_TOKEN", TOKEN)
    bridge = WebSocketBridge("0.0.0.0", 0, clock=CLOCK, expose=True)
    bridge.start()
    yield bridge
    bridge.close()


def port_of(bridge: WebSocketBridge) -> int:
    """Return the port a bridge listens on."""
    return int(bridge.address.partition("/?")[0].rpartition(":")[2].strip("/"))


def status_of(bridge: WebSocketBridge, path: str = "/", **headers: str) -> int:
    """Return the HTTP status with which a request is answered."""
    with RawClient(port_of(bridge)) as client:
        return client.ask(path, **headers)


@pytest.mark.parametrize("name", STRANGERS)
def test_strangers_are_refused(local, name):
    """Before any byte of ours is sent, and counted."""
    headers, status = STRANGERS[name]
    assert status_of(local, **headers) == status
    assert wait_for(lambda: local.stats().errors >= 1)
    assert local.stats().clients == 0


def test_a_page_of_this_machine_and_a_program_are_let_in(local):
    """The same door is open to whom it is meant for."""
    assert status_of(local) == 101
    assert status_of(local, Origin="http://localhost:8080") == 101


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_anywhere(local, path):
    """There are no files here."""
    assert status_of(local, path) == 404


def test_guessing_tokens_opens_nothing(exposed):
    """Ten guesses are refused with 401, the rest unseen with 429; once the wait is over the right one is let in."""
    codes = [status_of(exposed, f"/?token={TOKEN[: i % 28]}{i}") for i in range(GUESSES)]
    print(f"row 28: {codes.count(401)} of {GUESSES} guesses were looked at, {codes.count(429)} were not, none opened")
    assert figure(28, f"of {GUESSES} guessed tokens refused", codes.count(401) + codes.count(429), GUESSES, better="==")
    assert codes[:FREE_TRIES] == [401] * FREE_TRIES
    assert codes.count(401) <= FREE_TRIES + GUESSES // 50  # a slow machine gives time for one more now and then
    assert wait_for(lambda: status_of(exposed, f"/?token={TOKEN}") == 101, 30.0)
    assert status_of(exposed, Authorization=f"Bearer {TOKEN}x") == 401
    assert status_of(exposed, Authorization=f"Bearer {TOKEN}") == 101


def test_an_exposed_bridge_refuses_foreign_pages_even_with_the_token(exposed):
    """A token that leaked into a page does not let that page in."""
    assert status_of(exposed, f"/?token={TOKEN}", Origin="https://evil.example") == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]"])
def test_listening_on_the_network_needs_the_flag(host):
    """Without --expose the bridge does not start."""
    with pytest.raises(UriError, match="--expose"):
        make_bridge(f"ws:{host}:8765", labels=(), clock=CLOCK).start()


def test_by_default_nothing_listens_but_on_this_machine(tmp_path, local):
    """All sockets of all bridges of this process: loopback, and nothing is connected to anywhere else."""
    osc = OscBridge("127.0.0.1", 9, clock=CLOCK)
    file = JsonlBridge(str(tmp_path / "out.jsonl"), clock=CLOCK)
    for bridge in (osc, file):
        bridge.start()
        bridge.send(emotion())
    seen = [
        address.ip
        for connection in psutil.Process(os.getpid()).net_connections(kind="inet")
        for address in (connection.laddr, connection.raddr)
        if address
    ]
    for bridge in (osc, file):
        bridge.close()
    print(f"row 28: {len(seen)} addresses in use: {sorted(set(seen))}")
    assert "127.0.0.1" in seen
    foreign = set(seen) - {"127.0.0.1", "::1"}
    assert figure(28, "addresses in use that are not of this machine", len(foreign), 0, better="==")


def test_a_name_that_points_to_this_machine_does_not_open_the_network():
    """Whether a host is this machine is decided by its addresses, all of them, not by its name."""
    real = socket.getaddrinfo

    def both(host, port, **more):
        return real("127.0.0.1", port, **more) + real("0.0.0.0", port, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", both)
        with pytest.raises(UriError, match="--expose"):
            WebSocketBridge("localhost", 0, clock=CLOCK).start()
