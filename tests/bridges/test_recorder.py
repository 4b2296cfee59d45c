"""The recorder: every event in a file others can open, room for all, and nobody in it who does not want to be."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.sayings import emotion, frame, pose, wait_for

from emotus.bridges.mcap_copy import copy_sound
from emotus.bridges.recorder import RecorderBridge, recorder_of
from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import UriError
from emotus.engine.recording import decode_pose
from emotus.engine.recording_reader import RecordingError, RecordingReader

CLOCK = MonotonicClock()
mcap_reader = pytest.importorskip("mcap.reader", reason="mcap is not installed (pip install 'emotus[record]')")


def record(path, events, **options) -> RecorderBridge:
    bridge = RecorderBridge(path, clock=CLOCK, **options)
    bridge.start()
    for event in events:
        bridge.send(event)
    assert wait_for(lambda: bridge.stats().waiting == 0)
    return bridge


def messages(path):
    with path.open("rb") as file:
        reader = RecordingReader(file, str(path))
        found = list(reader)
    return found, reader


def test_the_librarys_own_reader_finds_every_event_with_its_schema(tmp_path):
    """What Foxglove reads: an indexed MCAP, a channel for each stream and type, JSON that fits its JSON Schema."""
    path = tmp_path / "show.mcap"
    record(path, [event for seq in range(40) for event in frame(seq)]).close()
    with path.open("rb") as file:
        reader = mcap_reader.make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        found = [(schema, channel, message) for schema, channel, message in reader.iter_messages()]
    assert summary.statistics.message_count == len(found) == 40 * len(frame(0))
    for schema, channel, message in found:
        told = json.loads(message.data)
        assert channel.topic == f"/{told['stream']}/{told['type']}"
        wanted = json.loads(schema.data)
        assert schema.encoding == "jsonschema"
        assert set(wanted["properties"]) >= {"v", "type", "stream", "seq", "t_ns"}
    times = [message.log_time for _, _, message in found]
    assert min(np.diff(times)) >= 0
    assert abs(times[0] / 1e9 - path.stat().st_mtime) < 60  # wall time labels it


def test_a_pose_comes_back_to_the_last_bit(tmp_path):
    """Positions within a metre or two, rotations and flags are what they were."""
    path = tmp_path / "show.mcap"
    said = pose(3)
    record(path, [said]).close()
    (message,), _ = messages(path)
    back = decode_pose(message.data)
    assert (back.stream, back.seq, back.t_ns) == (said.stream, said.seq, said.t_ns)
    assert np.abs(back.positions - said.joints).max() <= 1e-7
    assert np.abs(back.confidence - said.confidence).max() <= 1e-7


def test_files_follow_one_another_and_the_oldest_goes_when_there_is_no_room(tmp_path):
    """A new file every so many seconds; all together never more than the budget, the newest kept."""
    path = tmp_path / "show.mcap"
    bridge = RecorderBridge(path, clock=CLOCK, rotate_s=0.05, budget_bytes=5_000)
    bridge.start()
    for seq in range(500):
        for event in frame(seq):
            bridge.send(event)
        if wait_for(lambda: not path.exists(), 0.03):
            break
    bridge.close()
    left = sorted(tmp_path.glob("*.mcap"))
    assert left
    assert path not in left
    assert sum(file.stat().st_size for file in left[:-1]) <= 5_000  # beside the one that was being written
    assert all(not messages(file)[1].torn for file in left)
    assert not list(tmp_path.glob("*.reserve"))


def test_recording_ends_and_goes_on_when_it_is_told_to(tmp_path):
    """Told to end, the file is whole at once and what comes counts as dropped; told to go on, a new file is begun."""
    bridge = record(tmp_path / "show.mcap", [pose(seq) for seq in range(3)])
    bridge.record(on=False)
    assert wait_for(lambda: bridge._file is None)
    assert not messages(tmp_path / "show.mcap")[1].torn
    bridge.send(pose(3))
    assert wait_for(lambda: bridge.stats().dropped == 1)
    bridge.record(on=True)
    bridge.send(pose(4))
    assert wait_for(lambda: bridge.stats().waiting == 0)
    bridge.close()
    assert [decode_pose(m.data).seq for m in messages(tmp_path / "show-002.mcap")[0]] == [4]
    assert len(messages(tmp_path / "show.mcap")[0]) == 3


def test_who_takes_back_consent_is_taken_out_of_what_is_recorded(tmp_path):
    """Of the stream that is erased nothing is left in any file; the other's messages all are, and recording goes on."""
    path = tmp_path / "show.mcap"
    bridge = record(path, [e for seq in range(20) for e in (emotion(seq, stream="anna"), emotion(seq, stream="ben"))])
    bridge.erase("anna")
    assert wait_for(lambda: len(bridge.files) == 2)
    bridge.send(emotion(50, stream="ben"))
    assert wait_for(lambda: bridge.stats().waiting == 0)
    bridge.close()
    kept = [message for file in sorted(tmp_path.glob("*.mcap")) for message in messages(file)[0]]
    assert [json.loads(message.data)["stream"] for message in kept] == ["ben"] * 21
    assert all(b"anna" not in file.read_bytes() for file in tmp_path.iterdir())


def test_a_stop_of_everything_keeps_what_is_recorded(tmp_path):
    """Forgetting what waits is not erasing: the show up to the stop stays."""
    path = tmp_path / "show.mcap"
    bridge = record(path, [emotion(seq) for seq in range(5)])
    bridge.forget(None)
    bridge.close()
    assert len(messages(path)[0]) == 5


def test_a_file_that_is_there_is_never_written_over(tmp_path):
    """A recording cannot be made twice into one file."""
    path = tmp_path / "show.mcap"
    path.write_bytes(b"precious")
    bridge = RecorderBridge(path, clock=CLOCK)
    with pytest.raises(UriError, match="name another file"):
        bridge.start()
    bridge.close()
    assert path.read_bytes() == b"precious"
    assert [file.name for file in tmp_path.iterdir()] == ["show.mcap"]


@pytest.mark.parametrize("rest", ["", "a.mcap?rotate=0", "a.mcap?rotate=x", "a.mcap?size=3"])
def test_an_address_that_makes_no_sense_is_told(rest):
    """One line with the mend."""
    with pytest.raises(UriError):
        recorder_of(f"mcap:{rest}", rest, CLOCK)


def test_a_copy_of_what_is_sound_is_sound(tmp_path):
    """Copying loses nothing and ends properly; a file that is no recording is named."""
    path, out = tmp_path / "show.mcap", tmp_path / "copy.mcap"
    record(path, [event for seq in range(30) for event in frame(seq)]).close()
    copied = copy_sound(path, out)
    assert (copied.messages, copied.torn) == (30 * len(frame(0)), "")
    assert [m.data for m in messages(out)[0]] == [m.data for m in messages(path)[0]]
    other = tmp_path / "other.mcap"
    other.write_bytes(b"nothing of the kind")
    with pytest.raises(RecordingError, match="no MCAP"):
        copy_sound(other, tmp_path / "x.mcap")
    assert not (tmp_path / "x.mcap").exists()
