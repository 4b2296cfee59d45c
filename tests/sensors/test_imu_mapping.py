"""Mapping files and addresses of inertial sensors: understood, or refused with their line before anything is opened."""

from __future__ import annotations

import socket

import pytest

from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import EmotusError, MappingError, UriError
from emotus.sensors.imu_mapping import load_mapping
from emotus.sensors.uri import open_sensor


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no sensor is on any segment"),
        ('[segments]\nLeftWing = "a"\n', r":2: segments.LeftWing: unknown key"),
        ('[segments]\nHips = "a"\nChest = "a"\n', r":3: segments.Chest: sensor 'a' is already on Hips"),
        ('[segments]\nHips = ["a"]\n', r":2: segments.Hips: \['a'\] is no text"),
        ('[segments]\nHips = "a"\n[fields]\nkind = "euler"\n', r":4: fields.kind: 'euler' \(one of quaternion"),
        ('[segments]\nHips = "a"\n[fields]\nquaternion = ["w", "x"]\n', r":4: fields.quaternion: .*a list of 4"),
        ('[segments]\nHips = "a"\n[fields]\norder = "zyxw"\n', r":4: fields.order: 'zyxw'"),
        ('[segments]\nHips = "a"\n[fields]\nkind = "inertial"\n', r"nothing tells that of Hips"),
        ('[segments]\nHips = "a"\n[world]\nrate = 0\n', r":4: world.rate: 0"),
        ('[segments]\nHips = "a"\n[world]\nup = "north"\n', r":4: world.up: 'north'"),
        ('[segments]\nHips = "a"\n[front]\nChest = "x"\n', r":4: front.Chest: unknown key"),
        ('[sensors]\nHips = "a"\n', r":1: sensors: unknown key"),
        ('segments = 3\n', r":1: segments: 3 is no table"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_meant_names_its_line(tmp_path, text, said):
    """Every complaint names the file, the line and the key, in one line."""
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(MappingError, match=said) as told:
        load_mapping(path)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("imu:", "neither a file nor a port"),
        ("imu:tcp://127.0.0.1:1", "unknown transport 'tcp'"),
        ("imu:udp://127.0.0.1:99999", "is no port"),
        ("imu:udp://127.0.0.1:9770?calibrate=x", "calibrate=x"),
        ("imu:udp://127.0.0.1:9770?speed=2", "speed is for files"),
        ("imu:a.csv?from=127.0.0.1", "from is for live"),
        ("imu:a.csv?map=/nowhere.toml", "/nowhere.toml: cannot be read"),
        ("imu:a.csv?height=9", "height=9"),
        ("imu:lsl://", "no stream is named"),
    ],
)
def test_addresses_that_make_no_sense_are_refused(uri, said):
    """Each says what is wrong before anything is opened."""
    with pytest.raises((UriError, MappingError), match=said):
        open_sensor(uri, MonotonicClock())


def test_a_port_in_use_is_told():
    """Row 22: a taken port fails at once, with the port in the message."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        sensor = open_sensor(f"imu:udp://127.0.0.1:{port}", MonotonicClock())
        with pytest.raises(EmotusError, match=str(port)):
            sensor.open()
        sensor.close()
