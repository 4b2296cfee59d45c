"""A recorded show, played again: the same events, part of it, faster, and as far as it is sound."""

from __future__ import annotations

import json

import pytest
from support.sayings import pose, wait_for

from emotus.__main__ import main
from emotus.bridges.recorder import RecorderBridge
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.errors import UriError
from emotus.engine.events import EmotionEvent, QualitiesEvent
from emotus.engine.network import load
from emotus.engine.pipeline import Engine
from emotus.engine.recording_reader import RecordingError
from emotus.sensors.mcap_source import McapSensor, from_uri
from emotus.sensors.uri import open_sensor

pytest.importorskip("mcap", reason="mcap is not installed (pip install 'emotus[record]')")


def play(engine: Engine, sensor) -> list:
    events = []
    sensor.open()
    while sensor.health().state != "ended":
        found = sensor.read()
        if found is not None:
            events += engine.step(found)
    sensor.close()
    return [*events, *engine.flush()]


@pytest.fixture(scope="module")
def show(tmp_path_factory):
    """Two performers, recorded; what the engine said of them."""
    path = tmp_path_factory.mktemp("shows") / "show.mcap"
    clock = ManualClock()
    engine = Engine(load("bandai-stgcn"), clock, live=False)
    events = []
    for uri in ("synthetic:sad?speed=0&seconds=3&stream=anna", "synthetic:angry?speed=0&seconds=3&stream=ben"):
        events += play(engine, open_sensor(uri, clock))
    recorder = RecorderBridge(path, clock=MonotonicClock())
    recorder.start()
    for k, event in enumerate(events):
        recorder.send(event)
        if k % 60 == 59:  # several chunks, as in a show that takes its time
            wait_for(lambda: recorder.stats().waiting == 0)
            wait_for(lambda: False, 0.21)
    recorder.close()
    return path, events


def test_played_again_it_gives_the_same_events(show):
    """Every label, probability and quality, to 1e-5, in the order of their frames."""
    path, events = show
    again = play(
        Engine(load("bandai-stgcn"), ManualClock(), live=False), McapSensor(path, clock=ManualClock(), speed=0)
    )
    for kind, values in ((EmotionEvent, lambda e: e.probs), (QualitiesEvent, lambda e: e.values)):
        first = {(e.stream, e.seq): e for e in events if isinstance(e, kind)}
        second = {(e.stream, e.seq): e for e in again if isinstance(e, kind)}
        assert first.keys() == second.keys()
        assert len(first) > 150
        for key, event in first.items():
            assert values(second[key]) == pytest.approx(values(event), abs=1e-5)


def test_part_of_it_and_one_performer_of_it(show):
    """from=, to= and stream= choose; what is not there is told."""
    path, _ = show
    sensor = from_uri(str(path), {"speed": "0", "from": "1", "to": "2", "stream": "ben"}, ManualClock())
    sensor.open()
    poses = [found for found in (sensor.read() for _ in range(500)) if found is not None]
    assert {found.stream for found in poses} == {"ben"}
    assert 28 <= len(poses) <= 32
    with pytest.raises(RecordingError, match="no pose of carol"):
        from_uri(str(path), {"stream": "carol"}, ManualClock()).open()
    with pytest.raises(UriError, match="is not before"):
        from_uri(str(path), {"from": "3", "to": "2"}, ManualClock())


def test_a_torn_recording_plays_as_far_as_it_is_sound(show, tmp_path):
    """The health tells how to make a proper file of it, and `emotus recover` does; exit 3 with counts, then 0."""
    path, _ = show
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.7)])
    sensor = McapSensor(torn, clock=ManualClock(), speed=0)
    sensor.open()
    assert sensor.read() is not None
    assert "emotus recover" in sensor.health().message
    codes = []
    for file in (torn, tmp_path / "torn-recovered.mcap"):
        with pytest.raises(SystemExit) as ended:
            main(["recover", str(file)])
        codes.append(ended.value.code)
    assert codes == [3, 0]


def test_whatever_is_no_recording_is_named(tmp_path, capsys):
    """Another kind of file, none at all, and one without poses: one line each, exit 2."""
    other = tmp_path / "a.mcap"
    other.write_bytes(b"x" * 100)
    for words in (["recover", str(other)], ["recover", str(tmp_path / "none.mcap")], ["recognize", str(other)]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["a.mcap"]


def test_a_show_is_recorded_by_one_word(tmp_path):
    """`run --record`, then `run -s mcap:`: as many poses come out as were recorded."""
    path, out = tmp_path / "show.mcap", tmp_path / "again.jsonl"
    for words in (
        [
            "run",
            "-s",
            "synthetic:happy?speed=0&seconds=2",
            "--record",
            str(path),
            "-b",
            f"jsonl:{tmp_path / 'a.jsonl'}",
        ],
        ["run", "-s", f"mcap:{path}?speed=0", "-b", f"jsonl:{out}"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
    kinds = [
        [json.loads(line)["type"] for line in file.read_text().splitlines()] for file in (tmp_path / "a.jsonl", out)
    ]
    assert kinds[0].count("pose") == kinds[1].count("pose") > 50
    assert pose(0).type == "pose"
