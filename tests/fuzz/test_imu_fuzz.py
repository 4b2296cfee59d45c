"""Whatever a datagram, a table or a mapping file holds, it is understood or refused in the documented way."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotus.engine.errors import EmotusError, MappingError, PacketError, TableError
from emotus.engine.osc_codec import encode_message
from emotus.sensors.imu import load_imu
from emotus.sensors.imu_dot import MODES, parse_dot
from emotus.sensors.imu_lines import samples_of_osc, samples_of_text
from emotus.sensors.imu_mapping import ImuMapping, plain_mapping, understand
from emotus.sensors.imu_performer import ImuPerformer
from emotus.sensors.mapping_file import parse_mapping
from emotus.sensors.points import load_points
from emotus.sensors.points_map import map_from
from emotus.sensors.table_file import read_table

PLAIN = plain_mapping()
INERTIAL = ImuMapping({"a": "Hips", "b": "Chest"}, kind="acceleration", sensor_field="sensor")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=6), inner, max_size=5),
    max_leaves=20,
)
SAMPLE = st.fixed_dictionaries(
    {"sensor": st.sampled_from(["Hips", "Chest", "Head", "nobody"])},
    optional={
        "t": st.floats() | st.integers(-5, 5),
        "q": st.lists(st.floats() | st.integers(-2, 2), min_size=3, max_size=5),
        "payload": st.binary(max_size=48).map(bytes.hex),
        "mode": st.integers(-1, 30),
    },
)
CELL = st.sampled_from(["", "0", "1", "-1", "nan", "inf", "1e400", "x", "0.5", "Hips", "-"]) | st.text(max_size=5)


def refusal(kind, read, *args):
    """Return what an error of a documented kind says, "" where there is none."""
    try:
        read(*args)
    except kind as error:
        return str(error)
    return ""


def attempt(read, *args):
    """Return what reading gives, or None where it is refused as documented."""
    try:
        return read(*args)
    except PacketError:
        return None


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_datagram_is_read_or_refused(data):
    """Random bytes and texts are samples or a PacketError, as lines and as OSC, for every kind of mapping."""
    for mapping in (PLAIN, INERTIAL):
        attempt(samples_of_text, data, mapping)
        attempt(samples_of_osc, data, mapping)


@given(JSON)
def test_any_json_is_read_or_refused(value):
    """Objects, lists, words and numbers without end where a sample belongs."""
    for line in (value, {"sensor": "Hips", "q": value}, [{"sensor": value, "q": [1, 0, 0, 0]}]):
        attempt(samples_of_text, json.dumps(line).encode(), PLAIN)


def test_deep_and_wide_records_are_refused_at_once():
    """A nest of ten thousand, a million fields and a number of ten thousand digits cost nothing."""
    deep = b'{"q":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    wide = json.dumps({"q": list(range(100_000))}).encode()
    long = b'{"sensor": "Hips", "q": [' + b"9" * 10_000 + b", 0, 0, 0]}"
    many = b'{"sensor": "Hips"}\n' * 1000
    for data in (deep, wide, long, many):
        with pytest.raises(PacketError) as told:
            samples_of_text(data, PLAIN)
        assert len(str(told.value)) < 200


@settings(max_examples=60)
@given(st.lists(st.tuples(st.lists(SAMPLE, min_size=1, max_size=4), st.integers(0, 10**9)), max_size=12))
def test_whatever_the_sensors_say_the_poses_are_sound(said):
    """Poses are finite, with confidence in 0..1, unit rotations and rising times, whatever the samples claim."""
    performer = ImuPerformer(PLAIN, "anna", pose="none")
    now_ns, poses = 0, []
    for records, step_ns in said:
        now_ns += step_ns
        data = "\n".join(map(json.dumps, records)).encode()
        samples = attempt(samples_of_text, data, PLAIN)
        if samples:
            poses += performer.take(samples, now_ns)
    for pose in poses:
        assert np.isfinite(pose.positions).all()
        assert ((pose.confidence >= 0) & (pose.confidence <= 1)).all()
        assert np.linalg.norm(pose.rotations, axis=1) == pytest.approx(1.0, abs=1e-4)
    assert (np.diff([pose.t_ns for pose in poses]) > 0).all()


@given(st.binary(max_size=70), st.sampled_from([*MODES, 0, 4, 99]))
def test_any_payload_is_a_sample_or_refused(payload, mode):
    """A DOT payload of any length and mode is finite or a PacketError."""
    sample = attempt(parse_dot, payload, mode, "a")
    for values in () if sample is None else (sample.quaternion, sample.acceleration, sample.gyroscope):
        assert values is None or np.isfinite(values).all()


@given(
    st.lists(st.floats(width=32) | st.text(max_size=4) | st.booleans(), max_size=6),
    st.sampled_from(["Hips", "a/b", ""]),
)
def test_any_arguments_are_read_or_refused(args, sensor):
    """OSC messages with other arguments than the mapping's are a PacketError."""
    try:
        data = encode_message(f"/imu/{sensor}", *args)
    except (EmotusError, ValueError):
        return
    attempt(samples_of_osc, data, PLAIN)


@settings(max_examples=60)
@given(st.lists(st.lists(CELL, min_size=1, max_size=7), max_size=8), st.sampled_from([",", "\t", ";"]))
def test_any_table_is_read_or_refused(tmp_path_factory, rows, separator):
    """Cells of any kind in any number are a table, points, samples, or an EmotusError of one line."""
    path = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    path.write_text("\n".join(separator.join(row) for row in rows), encoding="utf-8")
    for read in (read_table, load_points, lambda p: load_imu(p, PLAIN)):
        assert "\n" not in refusal(EmotusError, read, path).replace(str(path), "")


@given(st.binary(max_size=60))
def test_any_bytes_are_a_table_or_refused(tmp_path_factory, data):
    """Random bytes, packed or not, are a TableError that names the file."""
    folder = tmp_path_factory.getbasetemp()
    for name in ("fuzzed.tsv", "fuzzed.tsv.xz", "fuzzed.tsv.gz"):
        path = folder / name
        path.write_bytes(data)
        told = refusal(TableError, read_table, path)
        assert not told or str(path) in told


KEYS = ["segments", "fields", "world", "front", "points", "file", "Hips", "Chest", "kind", "quaternion", "up", "rate",
        "columns", "front", "unit", "order", "time", "sensor", "address", "acceleration", "nonsense"]  # fmt: skip
VALUES = st.sampled_from(
    [
        '"a"',
        '"{sensor} w"',
        "3",
        "-1e308",
        "nan",
        "true",
        "[]",
        '["a", "b", "c", "d"]',
        '""',
        "{}",
        '"quaternion"',
        '"z"',
    ]
)


@given(
    st.lists(
        st.sampled_from(KEYS).map(lambda key: f"[{key}]")
        | st.tuples(st.sampled_from(KEYS), VALUES).map(" = ".join)
        | st.text(max_size=12),
        max_size=10,
    )
)
def test_any_mapping_is_understood_or_refused_with_its_place(lines):
    """Keys, values and tables in any order are a mapping, or a MappingError that names the file."""
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    for meaning in (understand, map_from):
        told = refusal(MappingError, lambda meaning=meaning: meaning(parse_mapping(data, "map.toml")))
        assert not told or told.startswith("map.toml")
