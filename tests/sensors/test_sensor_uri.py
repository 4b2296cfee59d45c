"""Addresses of sensors: taken apart, opened, or refused in one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotus.engine.clock import ManualClock
from emotus.engine.errors import UriError
from emotus.sensors.options import parse_uri, switch
from emotus.sensors.uri import open_sensor, sensor_schemes


@pytest.mark.parametrize(
    ("uri", "scheme", "path", "options"),
    [
        ("bvh:a.bvh", "bvh", "a.bvh", {}),
        ("BVH:a.bvh?speed=0&loop=1", "bvh", "a.bvh", {"speed": "0", "loop": "1"}),
        (r"bvh:C:\takes\a.bvh?loop=1", "bvh", r"C:\takes\a.bvh", {"loop": "1"}),
        ("bvh:/data/why?.bvh", "bvh", "/data/why?.bvh", {}),
        ("bvh:/data/why?.bvh?loop=1", "bvh", "/data/why?.bvh", {"loop": "1"}),
        ("bvh:/data/a%3Fb=1.bvh", "bvh", "/data/a?b=1.bvh", {}),
        ("bvh:/data/100%.bvh", "bvh", "/data/100%.bvh", {}),
        ("bvh:-", "bvh", "-", {}),
        ("xsens:udp://127.0.0.1:9763", "xsens", "udp://127.0.0.1:9763", {}),
        ("synthetic:sad?stream=a%20b", "synthetic", "sad", {"stream": "a b"}),
    ],
)
def test_an_address_is_split_into_scheme_path_and_options(
    uri: str, scheme: str, path: str, options: dict[str, str]
) -> None:
    """Drive letters, question marks and per cent signs in paths survive."""
    parts = parse_uri(uri)
    assert (parts.scheme, parts.path, parts.options) == (scheme, path, options)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("a.bvh", r"a.bvh: has no scheme \(for a BVH file write bvh:a.bvh\)"),
        (r"C:\a.bvh", "has no scheme"),
        ("", "has no scheme"),
        ("bvh:a.bvh?loop=1&speed", "option 'speed' has no value"),
        ("bvh:a.bvh?loop=1&loop=0", "option loop is given twice"),
    ],
)
def test_a_broken_address_is_refused(uri: str, said: str) -> None:
    """What cannot be understood says why."""
    with pytest.raises(UriError, match=said):
        parse_uri(uri)


@given(st.text(max_size=60))
def test_any_text_is_split_or_refused(uri: str) -> None:
    """No text makes the parser fail in an undocumented way."""
    try:
        parts = parse_uri(uri)
    except UriError:
        return
    assert parts.scheme == parts.scheme.lower()


def test_an_unknown_scheme_names_the_known_ones() -> None:
    """A sensor that does not exist says which do."""
    with pytest.raises(UriError, match=r"unknown sensor kinect .*synthetic"):
        open_sensor("kinect:0", ManualClock())


def test_a_known_scheme_gives_a_sensor_not_yet_open() -> None:
    """Opening by address constructs and does not start."""
    assert "synthetic" in sensor_schemes()
    assert open_sensor("synthetic:tour?seed=2", ManualClock()).health().state == "closed"


@pytest.mark.parametrize(("text", "on"), [("1", True), ("Yes", True), ("0", False), ("off", False)])
def test_switches_are_read_in_words_and_digits(text: str, on: bool) -> None:
    """1, yes, true and on are on; 0, no, false and off are off; anything else is refused."""
    assert switch("x", {"loop": text}, "loop", default=not on) is on
    with pytest.raises(UriError, match="loop=maybe"):
        switch("x", {"loop": "maybe"}, "loop", default=False)
