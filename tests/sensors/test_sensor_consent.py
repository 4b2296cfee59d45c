"""Which sensors show somebody live, and so stay closed until she consents."""

from __future__ import annotations

import pytest

from emotus.sensors.uri import RECORDED, sensor_schemes, shows_a_person

LIVE = {"axis", "fuse", "imu", "lsl", "mocopi", "rokoko", "slimevr", "vmc", "vrchat", "webcam", "xsens"}


def test_every_scheme_is_a_recording_or_shows_somebody_live():
    """A new scheme has to be put on one side or the other: here, and in RECORDED where it plays recordings."""
    assert set(sensor_schemes()) - RECORDED <= LIVE
    assert set(sensor_schemes()) >= RECORDED
    assert not RECORDED & LIVE


@pytest.mark.parametrize(
    ("uri", "expected"),
    [("bvh:a.bvh", False), ("synthetic:sad", False), ("webcam:0", True), ("xsens:udp://127.0.0.1:9763", True)],
)
def test_the_address_tells_it(uri, expected):
    """Recordings and performers made by rule need nobody's leave, a camera and a suit do."""
    assert shows_a_person(uri) is expected


def test_what_nobody_knows_is_guarded():
    """A scheme that is in neither list is taken to show somebody live."""
    assert shows_a_person("brand-new:1")
