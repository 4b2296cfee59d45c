"""Movella DOT: payloads of every known mode are read to the byte, others are refused; the ready mapping works."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import pytest
from support.fake_lsl import FakeLsl

from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import PacketError
from emotus.sensors.imu_decoder import ImuDecoder, ImuRowDecoder
from emotus.sensors.imu_dot import MODES, parse_dot
from emotus.sensors.imu_mapping import load_mapping, plain_mapping
from emotus.sensors.imu_performer import ImuPerformer
from emotus.sensors.lsl import LslSensor

MAPPING = Path(__file__).parents[2] / "docs" / "sensors" / "movella-dot.toml"
QUATERNION = (0.5, -0.5, 0.5, 0.5)
ACCELERATION, RATE_DEG = (0.25, -9.75, 1.5), (90.0, -45.0, 180.0)


def payload(mode: int) -> bytes:
    """Return a payload as a sensor sends it: time in microseconds, numbers, and what the mode pads it with."""
    head = struct.pack("<I", 2_500_000)
    turned, rates = struct.pack("<4f", *QUATERNION), struct.pack("<6f", *ACCELERATION, *RATE_DEG)
    return {
        2: head + turned + struct.pack("<3fHBB", 0.1, 0.2, 0.3, 0, 0, 0) + bytes(4),
        3: head + turned + struct.pack("<3f", 0.1, 0.2, 0.3),
        5: head + turned,
        20: head + rates + bytes(6),
        21: head + rates,
        26: head + turned + rates,
    }[mode]


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_read(mode):
    """Time, quaternion, acceleration and angular rate come out in SI units, where the mode has them."""
    sample = parse_dot(payload(mode), mode, "a")
    assert (sample.sensor, sample.time_s) == ("a", pytest.approx(2.5))
    if mode in (2, 3, 5, 26):
        assert sample.quaternion == QUATERNION
    if mode in (20, 21, 26):
        assert sample.acceleration == ACCELERATION
        assert sample.gyroscope == pytest.approx([math.radians(rate) for rate in RATE_DEG])


@pytest.mark.parametrize("mode", MODES)
def test_a_payload_that_is_cut_off_is_refused(mode):
    """Every truncation, a payload too long, and a number that is not finite are a PacketError."""
    whole = payload(mode)
    needed = MODES[mode][1]
    for size in range(needed):
        with pytest.raises(PacketError, match=f"{size} bytes, expected {needed}"):
            parse_dot(whole[:size], mode, "a")
    with pytest.raises(PacketError, match="expected"):
        parse_dot(bytes(64), mode, "a")
    with pytest.raises(PacketError, match="not finite"):
        parse_dot(whole[:4] + struct.pack("<f", math.nan) + whole[8:], mode, "a")


def test_an_unknown_mode_names_the_known_ones():
    """Modes without an orientation or rates to find one from are refused by name."""
    with pytest.raises(PacketError, match=r"mode 6: known are 2 \(extended quaternion\)"):
        parse_dot(bytes(36), 6, "a")


def test_the_ready_mapping_reads_a_relay_of_payloads():
    """The mapping of the documentation gives a body from JSON lines that carry the sensors' own bytes."""
    mapping = load_mapping(MAPPING)
    decoder = ImuDecoder(ImuPerformer(mapping, "anna", hold_s=0.3), "udp")
    poses = []
    for i in range(40):
        lines = []
        for sensor in mapping.segments:
            data = struct.pack("<I4f3f", i * 16_667, *QUATERNION, 0, 0, 0)
            lines.append(json.dumps({"sensor": sensor, "mode": 3, "payload": data.hex()}))
        poses += decoder.feed("\n".join(lines).encode(), i * 16_667_000)
    assert len(poses) >= 15
    assert (poses[-1].confidence > 0).sum() == 15  # trunk, head, both arms, and where the legs begin
    assert decoder.counters == {}


def test_rates_where_quaternions_were_promised_are_dropped_and_counted():
    """A sensor in a rate mode under a mapping of quaternions gives nothing, and is counted."""
    decoder = ImuDecoder(ImuPerformer(load_mapping(MAPPING), "anna", pose="none"), "udp")
    record = {"sensor": "D4:22:CD:00:00:01", "mode": 21, "payload": payload(21).hex()}
    assert decoder.feed(json.dumps(record).encode(), 0) == ()
    assert decoder.counters == {"dropped_wrong_kind": 1}


def test_channels_of_a_stream_are_the_fields_of_the_mapping():
    """Over LSL the labels of the channels name the fields, and the poses come with the time of their capture."""
    mapping = plain_mapping()
    decoder = ImuRowDecoder(ImuPerformer(mapping, "anna", pose="none"))
    channels = [{"label": label} for label in ("sensor", "q.0", "q.1", "q.2", "q.3")]
    fake = FakeLsl(channels)
    sensor = LslSensor("imus", clock=MonotonicClock(), decoder=decoder, library=fake, understand=decoder.labels_of)
    sensor.open()
    try:
        fake.push([1.0, 1.0, 0.0, 0.0])  # one channel short: malformed
        fake.push([7.0, 1.0, 0.0, 0.0, 0.0])  # a sensor that the mapping does not know
        for _ in range(50):
            if sensor.read() is None and sensor.health().counters.get("dropped_unmapped"):
                break
        counters = sensor.health().counters
    finally:
        sensor.close()
    assert counters["dropped_malformed"] == 1
    assert counters["dropped_unmapped"] == 1
