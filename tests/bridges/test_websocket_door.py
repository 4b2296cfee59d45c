"""The door lets this machine in, and beyond it whoever shows the token; pages from elsewhere stay out."""

from __future__ import annotations

import hmac
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotus.bridges import websocket_door
from emotus.bridges.websocket_door import Door, is_this_machine

TOKEN = "a-token-of-enough-length"  # noqa: S105 - opens nothing but this test
LOCAL, EXPOSED = Door(), Door(TOKEN)


def knock(door: Door, path: str = "/", **headers: str | list[str]) -> int | None:
    """Return the status of the refusal, or None."""
    values = {name: [value] if isinstance(value, str) else value for name, value in headers.items()}
    values.setdefault("Host", ["127.0.0.1:8765"])
    refusal = door.refusal(path, lambda name: values.get(name, []))
    return None if refusal is None else int(refusal.status)


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST", "[::1]:8765", "127.8.8.8:1"])
def test_programs_that_ask_for_this_machine_come_in(host):
    """No Origin, a Host of this machine."""
    assert knock(LOCAL, Host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8765",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.1.7:8765",
        "",
        "[::1",
        "0.0.0.0",
    ],
)
def test_a_name_that_was_rebound_to_this_machine_is_refused(host):
    """DNS rebinding: the page asks for its own name, which now points here."""
    assert knock(LOCAL, Host=host) == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:8080", "http://localhost", "https://localhost:3000", "http://[::1]:8080", "127.0.0.1:1"],
)
def test_pages_of_this_machine_come_in(origin):
    """Whatever port they are served from."""
    assert knock(LOCAL, Origin=origin) is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example", "null", "http://127.0.0.1.evil.example", "http://localhost.evil.example", "file://",
        "http://evil.example/127.0.0.1", "http://127.0.0.1@evil.example", "http://2130706433", "http://[::1", "",
        "chrome-extension://abc", "ftp://127.0.0.1",
    ],
)  # fmt: skip
def test_pages_from_elsewhere_are_refused(origin):
    """Any web site may try; sandboxed frames and files from disk say null."""
    assert knock(LOCAL, Origin=origin) == HTTPStatus.FORBIDDEN
    assert knock(EXPOSED, f"/?token={TOKEN}", Origin=origin) == HTTPStatus.FORBIDDEN


def test_a_header_that_stands_twice_is_refused():
    """What is ambiguous is not believed."""
    assert knock(LOCAL, Host=["127.0.0.1", "evil.example"]) == HTTPStatus.FORBIDDEN
    assert knock(LOCAL, Origin=["http://localhost", "http://evil.example"]) == HTTPStatus.FORBIDDEN
    assert knock(LOCAL, Host=[]) == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/index.html", "//", "", "/%2e%2e/", "http://[", "*"])
def test_there_is_nothing_but_the_root(path):
    """No path leads anywhere."""
    assert knock(LOCAL, path) == HTTPStatus.NOT_FOUND


def test_with_a_token_it_has_to_be_shown():
    """In the address or as a bearer; nothing else opens."""
    assert knock(EXPOSED, f"/?token={TOKEN}", Host="192.168.1.7:8765") is None
    assert knock(EXPOSED, Authorization=f"Bearer {TOKEN}", Host="stage.example") is None
    assert knock(EXPOSED, Authorization=f"bearer {TOKEN}") is None
    for path in ("/", "/?token=", "/?token=wrong", f"/?token={TOKEN}x", f"/?Token={TOKEN}", f"/?token={TOKEN[:-1]}"):
        assert knock(EXPOSED, path) == HTTPStatus.UNAUTHORIZED
    for words in (TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer ", "Bearer \udcff"):
        assert knock(EXPOSED, Authorization=words) == HTTPStatus.UNAUTHORIZED
    assert knock(EXPOSED, "/?" + "&".join(f"token={i}" for i in range(100))) == HTTPStatus.UNAUTHORIZED


def test_with_a_token_pages_of_the_same_host_are_welcome():
    """A page served by the machine it connects to, and no other."""
    door = {"path": f"/?token={TOKEN}", "Host": "192.168.1.7:8765"}
    assert knock(EXPOSED, **door, Origin="http://192.168.1.7:8080") is None
    assert knock(EXPOSED, **door, Origin="http://192.168.1.8:8080") == HTTPStatus.FORBIDDEN


def test_tokens_are_compared_in_constant_time(monkeypatch):
    """Every guess goes through hmac.compare_digest, and none through ==."""
    guesses = []
    real = hmac.compare_digest
    monkeypatch.setattr(websocket_door.hmac, "compare_digest", lambda a, b: guesses.append(a) or real(a, b))
    knock(EXPOSED, "/?token=guess", Authorization="Bearer other")
    assert sorted(guesses) == [b"guess", b"other"]


def test_ten_thousand_bad_tokens_are_all_refused():
    """Guessing opens nothing."""
    assert all(knock(EXPOSED, f"/?token={TOKEN[: i % 20]}{i}") == 401 for i in range(10_000))


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_no_request_breaks_the_door(path, host, origin):
    """Whatever stands in a request, the answer is yes or a refusal, and a foreign host never passes."""
    for door in (LOCAL, EXPOSED):
        assert knock(door, path, Host=host, Origin=origin, Authorization=origin) in (None, *HTTPStatus)
    assert knock(LOCAL, Host=f"{host}.example") is not None


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "localhost.", "2130706433", "::ffff:127.0.0.1%1", "1.1.1.1"])
def test_odd_spellings_are_not_this_machine(host):
    """Only what is certain counts."""
    assert not is_this_machine(host)
