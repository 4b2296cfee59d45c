"""Bridges by address: what is understood, and what is told where it is not."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sayings import udp_receiver

from emotus.bridges.address import is_loopback, join_host_port, parse_host_port, resolve
from emotus.bridges.jsonl import JsonlBridge
from emotus.bridges.osc import OscBridge
from emotus.bridges.uri import make_bridge
from emotus.bridges.websocket import START_S, WebSocketBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import UriError

CLOCK = MonotonicClock()


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("osc:127.0.0.1:9000", OscBridge),
        ("osc:[::1]:9000", OscBridge),
        ("ws:localhost:8765", WebSocketBridge),
        ("ws:[::1]:8765", WebSocketBridge),
        ("jsonl:-", JsonlBridge),
        ("jsonl:C:/some/where.jsonl", JsonlBridge),
    ],
)
def test_an_address_gives_its_bridge(uri, kind):
    """The scheme chooses; nothing is opened yet."""
    assert type(make_bridge(uri, labels=("happy",), clock=CLOCK)) is kind


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("", "unknown bridge"), ("osc", "not HOST:PORT"), ("smoke:signals", "one of osc:, "),
        ("osc:127.0.0.1", "not HOST:PORT"), ("osc::9000", "not HOST:PORT"), ("osc:::1:9000", "not HOST:PORT"),
        ("osc:127.0.0.1:", "is no port"), ("osc:127.0.0.1:port", "is no port"), ("osc:127.0.0.1:0", "1 to 65535"),
        ("ws:127.0.0.1:65536", "1 to 65535"), ("ws:127.0.0.1:-1", "is no port"), ("ws:127.0.0.1:٣", "is no port"),
        ("ws:127.0.0.1:" + "9" * 5000, "is no port"), ("jsonl:", "no file is named"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_understood_is_told_with_its_mend(uri, problem):
    """One line that begins with the address."""
    with pytest.raises(UriError, match=problem) as told:
        make_bridge(uri, labels=(), clock=CLOCK)
    assert str(told.value).startswith(uri)
    assert str(told.value).endswith(")")
    assert "\n" not in str(told.value)


@given(st.text(max_size=60))
def test_any_text_is_a_bridge_or_a_uri_error(text):
    """Nothing else is raised, whatever is typed."""
    for uri in (text, f"osc:{text}", f"ws:{text}", f"jsonl:{text}"):
        with contextlib.suppress(UriError):
            make_bridge(uri, labels=(), clock=CLOCK)


def test_host_and_port_are_put_together_as_they_were_taken_apart():
    """Brackets come and go with IPv6."""
    for host in ("127.0.0.1", "::1", "stage.local"):
        assert parse_host_port("x", join_host_port(host, 9000)) == (host, 9000)


def test_a_name_is_asked_for_no_longer_than_a_second(monkeypatch):
    """A name server that does not answer is not waited for."""
    over = threading.Event()

    def ask(*_, **__):
        over.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    start = time.monotonic()
    with pytest.raises(UriError, match="no answer"):
        resolve("osc:slow:9000", "slow", 9000, socket.SOCK_DGRAM)
    assert time.monotonic() - start < 20.0
    over.set()


def test_this_machine_is_known_when_it_is_seen():
    """Only addresses that never leave the machine count as loopback, IPv4 stands first."""
    assert is_loopback(resolve("u", "localhost", 1, socket.SOCK_STREAM))
    assert not is_loopback(resolve("u", "0.0.0.0", 1, socket.SOCK_STREAM))
    assert resolve("u", "localhost", 1, socket.SOCK_STREAM)[0][0] == socket.AF_INET


def test_a_port_in_use_is_told_at_once():
    """The message names the port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        bridge = make_bridge(f"ws:127.0.0.1:{port}", labels=(), clock=CLOCK)
        start = time.monotonic()
        with pytest.raises(UriError, match=f"port {port} is in use"):
            bridge.start()
        assert time.monotonic() - start < START_S
        bridge.close()


def test_listening_beyond_this_machine_needs_leave():
    """Without expose no other machine can connect."""
    for host in ("0.0.0.0", "[::]"):
        bridge = make_bridge(f"ws:{host}:8765", labels=(), clock=CLOCK)
        with pytest.raises(UriError, match="--expose"):
            bridge.start()


def test_expose_reaches_the_bridge(capsys, monkeypatch):
    """With leave it listens, and prints how to connect."""
    monkeypatch.delenv("EMOTUS_TOKEN", raising=False)
    with udp_receiver() as probe:
        port = probe.getsockname()[1]
    bridge = make_bridge(f"ws:0.0.0.0:{port}", labels=(), expose=True, clock=CLOCK)
    bridge.start()
    bridge.close()
    assert f"ws://0.0.0.0:{port}/?token=" in capsys.readouterr().err
