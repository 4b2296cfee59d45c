"""An exposed bridge with a certificate encrypts, and keeps its token to itself."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import pytest
from support.certificate import make_certificate
from support.sayings import pose, wait_for
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from emotus.bridges.uri import make_bridge
from emotus.bridges.websocket import WebSocketBridge
from emotus.bridges.websocket_secrets import find_token
from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import UriError

CLOCK = MonotonicClock()
TOKEN = "correct-horse-battery-staple"  # noqa: S105 - opens nothing but this test


def trusting(cert: str) -> ssl.SSLContext:
    """Return a client's context that trusts one certificate."""
    return ssl.create_default_context(cafile=cert)


def test_a_client_that_trusts_the_certificate_hears_events(tmp_path):
    """wss: from the handshake to the last event; one that does not trust it is told, and nobody else notices."""
    cert, key = make_certificate(tmp_path)
    bridge = WebSocketBridge("127.0.0.1", 0, clock=CLOCK, cert=cert, key=key)
    bridge.start()
    try:
        assert bridge.address.startswith("wss://")
        with connect(bridge.address, ssl=trusting(cert)) as socket:
            assert json.loads(socket.recv(5))["type"] == "hello"
            socket.send('{"type": "subscribe"}')
            socket.recv(5)
            with pytest.raises(ssl.SSLError):
                connect(bridge.address, ssl=ssl.create_default_context())
            with pytest.raises((OSError, EOFError, Exception)):
                connect(bridge.address.replace("wss", "ws"), open_timeout=5)
            bridge.send(pose(5))
            assert json.loads(socket.recv(5))["seq"] == 5
        assert wait_for(lambda: bridge.stats().clients == 0)
    finally:
        bridge.close()


def test_an_exposed_bridge_with_a_token_file_says_where_the_token_is_and_not_what_it_is(tmp_path, capsys):
    """Neither the token nor a warning about what is not encrypted stands on the terminal."""
    cert, key = make_certificate(tmp_path)
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    bridge = WebSocketBridge("0.0.0.0", 0, clock=CLOCK, expose=True, token_file=str(file), cert=cert, key=key)
    bridge.start()
    try:
        printed = capsys.readouterr().err
        assert TOKEN not in printed + repr(bridge._token)
        assert str(file) in printed
        assert "nothing is encrypted" not in printed
        address = bridge.address.replace("0.0.0.0", "127.0.0.1")
        with connect(address, ssl=trusting(cert)) as socket:
            assert json.loads(socket.recv(5))["type"] == "hello"
        with pytest.raises(InvalidStatus, match="401"):
            connect(address.partition("?")[0], ssl=trusting(cert))
    finally:
        bridge.close()


def test_a_new_token_is_said_once_and_is_another_each_time(capsys, monkeypatch):
    """192 bits, in the address to connect to."""
    monkeypatch.delenv("EMOTUS_TOKEN", raising=False)
    told = set()
    for _ in range(2):
        bridge = WebSocketBridge("0.0.0.0", 0, clock=CLOCK, expose=True)
        bridge.start()
        bridge.close()
        told.add(bridge.address.partition("token=")[2])
        assert capsys.readouterr().err.count(bridge.address.partition("token=")[2]) == 1
    assert len(told) == 2
    assert min(map(len, told)) >= 32


def test_a_token_file_is_asked_for_even_on_this_machine(tmp_path):
    """Who names one wants it shown."""
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    bridge = make_bridge(f"ws:127.0.0.1:8765?token_file={file}", labels=(), clock=CLOCK)
    assert isinstance(bridge, WebSocketBridge)
    bridge._port = 0
    bridge.start()
    try:
        with pytest.raises(InvalidStatus, match="401"):
            connect(bridge.address.partition("?")[0])
        with connect(bridge.address.partition("?")[0], additional_headers={"Authorization": f"Bearer {TOKEN}"}) as one:
            assert json.loads(one.recv(5))["type"] == "hello"
    finally:
        bridge.close()


@pytest.mark.parametrize(
    ("text", "mode", "problem"),
    [
        (TOKEN, 0o644, "chmod 600"), ("shorty", 0o600, "too short"), ("x" * 600, 0o600, "cannot stand"),
        ("two words of a token", 0o600, "cannot stand"), ("tøken-with-enough-letters", 0o600, "cannot stand"),
    ],
)  # fmt: skip
def test_a_token_file_that_will_not_do_is_told(tmp_path, text, mode, problem):
    """One line with the file and the mend, and never the token."""
    file = tmp_path / "token"
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(UriError, match=problem) as told:
        find_token("ws:0.0.0.0:1", None, str(file))
    assert str(file) in str(told.value)
    assert text not in str(told.value)


def test_certificates_that_will_not_do_are_told_at_the_start(tmp_path):
    """Missing, no PEM, of another key, locked with a passphrase, or none at all."""
    cert, key = make_certificate(tmp_path)
    _, other = make_certificate(tmp_path, name="other")
    _, locked = make_certificate(tmp_path, name="locked", passphrase=b"secret")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    wrong = [(str(tmp_path / "none.pem"), key), (str(text), key), (cert, other), (cert, locked), (cert, None)]
    for one, two in wrong:
        bridge = WebSocketBridge("127.0.0.1", 0, clock=CLOCK, cert=one, key=two)
        with pytest.raises(UriError) as told:
            bridge.start()
        assert "\n" not in str(told.value)
        bridge.close()
    for uri in ("wss:127.0.0.1:8765", "ws:127.0.0.1:8765?key=x.pem"):
        with pytest.raises(UriError, match="mkcert"):
            make_bridge(uri, labels=(), clock=CLOCK)


def test_a_token_in_the_command_line_is_refused_and_not_repeated():
    """Everybody on the machine can read command lines."""
    with pytest.raises(UriError, match="token_file=FILE") as told:
        make_bridge(f"ws:0.0.0.0:8765?token={TOKEN}", labels=(), clock=CLOCK, expose=True)
    assert TOKEN not in str(told.value)
    with pytest.raises(UriError, match="unknown option colour"):
        make_bridge("ws:127.0.0.1:8765?colour=red", labels=(), clock=CLOCK)


def test_the_key_may_stand_in_the_certificates_file(tmp_path):
    """One PEM file with both."""
    cert, key = make_certificate(tmp_path)
    both = tmp_path / "both.pem"
    both.write_text(Path(cert).read_text() + Path(key).read_text())
    bridge = WebSocketBridge("127.0.0.1", 0, clock=CLOCK, cert=str(both))
    bridge.start()
    with connect(bridge.address, ssl=trusting(cert)) as socket:
        assert '"hello"' in socket.recv(5)
    bridge.close()
