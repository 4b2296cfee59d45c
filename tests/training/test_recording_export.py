"""Recordings become files that others read: BVH by our reader and another's, CSV by its module, Parquet by DuckDB."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import subprocess
import sys

import numpy as np
import pytest
import typer
from support.sayings import motion, wait_for

from emotus.bridges.recorder import RecorderBridge
from emotus.engine.body import BODY, JOINT_NAMES
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.errors import InputError, MissingPackageError
from emotus.engine.events import EmotionEvent, PoseEvent
from emotus.engine.pipeline import Engine
from emotus.engine.recording_reader import RecordingError
from emotus.sensors.bvh import forward, parse_bvh
from emotus.sensors.mcap_source import load_show
from emotus.sensors.synthetic import SyntheticSensor
from emotus.training.recording_export_commands import convert
from emotus.training.recording_frames import Show

pytest.importorskip("mcap", reason="mcap is not installed (pip install 'emotus[record]')")
needs_parquet = pytest.mark.skipif(
    importlib.util.find_spec("pyarrow") is None or importlib.util.find_spec("duckdb") is None,
    reason="pyarrow or duckdb is not installed (pip install 'emotus[parquet,dev]')",
)

DUCK = """
import duckdb, json
frames = duckdb.read_parquet("out.parquet")
told = duckdb.read_parquet("out-events.parquet")
print(json.dumps([
    duckdb.sql("SELECT seq, Head_y, Head_confidence FROM frames WHERE stream = 'anna' ORDER BY t_ns").fetchall(),
    {name: kind for name, kind, *_ in duckdb.sql("DESCRIBE frames").fetchall()},
    duckdb.sql("SELECT count(*) FROM told WHERE type = 'qualities'").fetchall()[0][0],
]))
"""


def played(stream: str, emotion: str, seconds: float, *, rotations: bool = True) -> list:
    """Return the events of a synthetic performer, read as fast as possible."""
    clock = ManualClock(1_000_000_000)
    sensor = SyntheticSensor(emotion, clock=clock, seconds=seconds, speed=0, stream=stream)
    sensor.open()
    engine, events = Engine(None, clock, live=False), []
    while (pose := sensor.read()) is not None:
        bare = type(pose)(pose.stream, pose.seq, pose.t_ns, pose.positions, pose.confidence, None)
        events += engine.step(pose if rotations else bare)
    return events


@pytest.fixture(scope="module")
def show(tmp_path_factory):
    """Offer a recording of two performers, one of them without rotations, and all that was recorded."""
    path = tmp_path_factory.mktemp("show") / "show.mcap"
    events = [*played("anna", "happy", 3.0), *played("ben", "sad", 2.0, rotations=False)]
    bridge = RecorderBridge(path, clock=MonotonicClock())
    bridge.start()
    for k in range(0, len(events), 60):
        for event in events[k : k + 60]:
            bridge.send(event)
        assert wait_for(lambda: bridge.stats().waiting == 0, 20)
        wait_for(lambda: False, 0.21)  # so that there are several chunks
    bridge.close()
    return path, events


def poses_of(events, stream) -> list[PoseEvent]:
    return [event for event in events if isinstance(event, PoseEvent) and event.stream == stream]


def test_a_bvh_of_each_performer_moves_as_she_did(show, tmp_path):
    """Joints stand within millimetres of where they were recorded, rotations known or not, in the order of time."""
    path, events = show
    convert(path, tmp_path / "out.bvh", None)
    for stream, most_m in (("anna", 0.005), ("ben", 0.05)):
        bvh = parse_bvh((tmp_path / f"out-{stream}.bvh").read_bytes(), stream)
        recorded = np.stack([event.joints for event in poses_of(events, stream)])
        positions, _ = forward(bvh)
        away = np.linalg.norm(positions / 100 - recorded, axis=-1)
        assert bvh.skeleton.names == JOINT_NAMES
        assert bvh.rate_hz == pytest.approx(30)
        assert positions.shape == recorded.shape
        assert away.max() < most_m, stream


def test_another_reader_sees_the_same_bvh(show, tmp_path):
    """pybvh finds the joints, the frames and the hips where we put them."""
    pybvh = pytest.importorskip("pybvh", reason="pybvh is not installed (pip install 'emotus[bench]')")
    path, events = show
    convert(path, tmp_path / "anna.bvh", "anna")
    read = pybvh.read_bvh_file(tmp_path / "anna.bvh")
    recorded = np.stack([event.joints for event in poses_of(events, "anna")])
    assert [name for name in read.joint_names if name in JOINT_NAMES] == list(JOINT_NAMES)
    assert np.abs(np.asarray(read.root_pos) / 100 - recorded[:, 0]).max() < 1e-4


def test_a_bvh_is_performed_by_our_own_sensor_again(show, tmp_path):
    """What was exported is recognised as the body it is: the loop closes."""
    from emotus.sensors.files import open_recording

    path, events = show
    convert(path, tmp_path / "anna.bvh", "anna")
    clock = ManualClock()
    sensor = open_recording(tmp_path / "anna.bvh", clock)
    sensor.open()
    read = []
    while sensor.health().state != "ended":
        if (pose := sensor.read()) is not None:
            read.append(pose.positions)
    sensor.close()
    recorded = np.stack([event.joints for event in poses_of(events, "anna")])
    assert np.abs(np.stack(read) - recorded).max() < 0.01


def test_csv_gives_back_every_number(show, tmp_path):
    """A row a frame with the very float32 that were recorded, and beside it a row a value of all other events."""
    path, events = show
    convert(path, tmp_path / "out.csv", None)
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    recorded = [event for event in events if isinstance(event, PoseEvent)]
    assert [(row["stream"], int(row["seq"]), int(row["t_ns"])) for row in rows] == [
        (event.stream, event.seq, event.t_ns) for event in recorded
    ]
    for row, event in zip(rows, recorded, strict=True):
        joints = np.array([[row[f"{name}_{axis}"] for axis in "xyz"] for name in JOINT_NAMES], dtype=np.float32)
        assert np.abs(joints - event.joints).max() <= 1e-6
        assert (row["Hips_qw"] == "") == (event.rotations is None)
    with (tmp_path / "out-events.csv").open(newline="") as file:
        values = list(csv.DictReader(file))
    kinds = {row["type"] for row in values}
    assert kinds >= {"qualities", "status"}
    first = next(event for event in events if event.type == "qualities")
    key = ("qualities", str(first.seq), first.stream)
    told = {r["name"]: float(r["value"]) for r in values if (r["type"], r["seq"], r["stream"]) == key}
    assert told == pytest.approx(first.values, abs=1e-5)


@needs_parquet
def test_another_reader_sees_the_same_parquet(show, tmp_path):
    """DuckDB, which shares nothing with the writer, counts the frames and finds the head where it was."""
    path, events = show
    convert(path, tmp_path / "out.parquet", None)
    recorded = poses_of(events, "anna")
    told = subprocess.run([sys.executable, "-c", DUCK], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr[-2000:]
    found, kinds, count = json.loads(told.stdout)
    head = BODY.names.index("Head")
    assert [seq for seq, _, _ in found] == [event.seq for event in recorded]
    assert np.abs(np.array([y for _, y, _ in found]) - [event.joints[head, 1] for event in recorded]).max() < 1e-6
    assert (kinds["t_ns"], kinds["Head_y"], kinds["interpolated"]) == ("BIGINT", "FLOAT", "BOOLEAN")
    assert count == sum(len(event.values) for event in events if event.type == "qualities")


def test_a_generated_partner_is_exported_too(tmp_path):
    """Frames that were generated stand among the others and say so; their confidence is empty."""
    path = tmp_path / "show.mcap"
    bridge = RecorderBridge(path, clock=MonotonicClock())
    bridge.start()
    event = motion(3)
    bridge.send(event)
    bridge.close()
    (frame,) = Show(path).frames()
    assert (frame.kind, frame.stream, frame.seq, frame.confidence) == ("motion", event.stream, 3, None)
    assert np.abs(frame.positions - event.joints).max() < 1e-3
    convert(path, tmp_path / "out.bvh", None)
    assert parse_bvh((tmp_path / "out.bvh").read_bytes(), "x").motion.shape[0] == 1


def test_where_nothing_was_known_the_last_pose_is_held(tmp_path):
    """A second of silence is thirty frames of the same pose, so that time in the file is time on the stage."""
    from emotus.training.recording_bvh import to_bvh
    from emotus.training.recording_frames import Frame

    rest = BODY.rest_positions.astype(np.float32)
    frames = [Frame("pose", "anna", k, t_ns, rest, None, None) for k, t_ns in enumerate((0, 33_333_333, 1_033_333_333))]
    made = to_bvh(frames, "x")
    assert len(made.bvh.motion) == 32
    assert made.held == 29
    assert made.worst_m < 1e-6


def test_a_torn_recording_is_converted_as_far_as_it_goes(show, tmp_path, capsys):
    """Exit 3 and the reason; the frames before the tear are there."""
    path, _ = show
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(typer.Exit) as ended:
        convert(torn, tmp_path / "out.csv", None)
    assert ended.value.exit_code == 3
    assert "is not sound" in capsys.readouterr().err
    assert 0 < len((tmp_path / "out.csv").read_text().splitlines()) - 1 < len(load_show(path).poses)


@pytest.mark.parametrize(
    ("file", "out", "stream", "problem"),
    [
        ("no.mcap", "out.bvh", None, "no such file"),
        ("show", "out.fbx", None, "is no kind that can be written"),
        ("show", "out.bvh", "nobody", "holds no frame of nobody"),
        ("show", "out.csv", "nobody", "holds no frame of nobody"),
        ("show", "there.csv", None, "is there already"),
        ("show", "no/out.csv", None, "no such file"),
        ("rubbish", "out.csv", None, "is no MCAP recording"),
    ],
)
def test_what_cannot_be_converted_is_told_in_one_line(show, tmp_path, file, out, stream, problem):
    """The file or folder, what is wrong and the mend; nothing half written is left."""
    (tmp_path / "there.csv").write_text("mine")
    (tmp_path / "rubbish").write_bytes(b"\x80rubbish" * 100)
    path = show[0] if file == "show" else tmp_path / file
    with pytest.raises((InputError, RecordingError), match=problem) as told:
        convert(path, tmp_path / out, stream)
    assert "\n" not in str(told.value)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["rubbish", "there.csv"]
    assert (tmp_path / "there.csv").read_text() == "mine"


def test_without_pyarrow_the_extra_is_named(show, tmp_path, monkeypatch):
    """One line that says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingPackageError, match=r"emotus\[parquet\]"):
        convert(show[0], tmp_path / "out.parquet", None)


def test_messages_that_make_no_sense_are_counted(show, monkeypatch):
    """What another program wrote under our names is passed over."""
    from emotus.training import recording_frames

    assert recording_frames.Show(show[0]).unread == 0
    path = show[0]
    monkeypatch.setattr(recording_frames, "RecordingReader", lambda *_: _Rubbish())
    reading = recording_frames.Show(path)
    assert list(reading) == []
    assert reading.unread == 4


class _Rubbish:
    torn, damaged = "", 0

    def __iter__(self):
        from emotus.engine.recording_reader import Message

        for schema, data in (
            ("emotus.pose", b"{}"),
            ("emotus.motion", b'{"stream":"a","seq":1,"t_ns":2,"joints":[[1]]}'),
            ("emotus.emotion", b"[1]"),
            ("emotus.emotion", b"[" * 10_000),
        ):
            yield Message("/a/x", schema, b"", 0, 0, data)


def test_emotions_are_values_by_their_paths(tmp_path):
    """Probabilities, labels and whether it abstains: numbers, texts and truth."""
    from support.sayings import emotion

    path = tmp_path / "show.mcap"
    bridge = RecorderBridge(path, clock=MonotonicClock())
    bridge.start()
    event: EmotionEvent = emotion(5)
    bridge.send(event)
    bridge.close()
    (values,) = list(Show(path))
    told = {value.name: value.value for value in values}
    assert told["label"] == "happy"
    assert told["probs.happy"] == 0.5
    assert told["abstain"] is False
    assert told["disclosure.model"] == event.disclosure.model
    assert io.StringIO(str(told["valence"])).read() == "0.12346"
