"""JSON Lines: whole lines, in order, appended; a full disk and a reader that leaves are counted and survived."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support.sayings import emotion, pose, status, wait_for

from emotus.bridges import line_file
from emotus.bridges.jsonl import JsonlBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import UriError


def started(path) -> JsonlBridge:
    """Return a started bridge to a path."""
    bridge = JsonlBridge(str(path), clock=MonotonicClock())
    bridge.start()
    return bridge


def lines(path: Path) -> list[dict]:
    """Return a file's objects; every line must be whole."""
    text = path.read_text()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def test_every_event_is_a_line_in_order(tmp_path):
    """A thousand events, none lost, even when it closes at once."""
    bridge = started(tmp_path / "out.jsonl")
    for seq in range(1000):
        bridge.send(emotion(seq))
    bridge.close()
    told = lines(tmp_path / "out.jsonl")
    assert [each["seq"] for each in told] == list(range(1000))
    assert bridge.stats().sent == 1000


def test_a_line_is_there_within_a_quarter_of_a_second(tmp_path):
    """Whoever follows the file sees events while they happen."""
    bridge = started(tmp_path / "out.jsonl")
    bridge.send(emotion())
    assert wait_for(lambda: len(lines(tmp_path / "out.jsonl")) == 1, 0.25)
    bridge.close()


def test_what_was_in_the_file_stays(tmp_path):
    """A second session is appended, and a line torn by a crash is ended first."""
    path = tmp_path / "out.jsonl"
    path.write_text('{"v": 1}\n{"v": 1, "ty')
    bridge = started(path)
    bridge.send(emotion())
    bridge.close()
    first, torn, last = path.read_text().splitlines()
    assert (first, torn) == ('{"v": 1}', '{"v": 1, "ty')
    assert json.loads(last)["type"] == "emotion"


def test_who_revokes_is_taken_out_of_what_was_written_and_nobody_else_is(tmp_path):
    """Her lines of this run go, those of others and of earlier days stay, and writing goes on in the same file."""
    path = tmp_path / "out.jsonl"
    path.write_text('{"v": 1, "stream": "anna"}\nno line of ours, about "stream":"anna"\n')
    inode = path.stat().st_ino
    bridge = started(path)
    for seq in range(300):
        bridge.send(pose(seq, stream="anna" if seq % 3 else "ben"))
    assert wait_for(lambda: bridge.stats().sent == 300)
    bridge.erase("anna")
    assert wait_for(lambda: path.read_text().count("anna") == 2)
    bridge.send(pose(300, stream="anna"))  # she consents again
    bridge.close()
    told = path.read_text().splitlines()
    assert told[:2] == ['{"v": 1, "stream": "anna"}', 'no line of ours, about "stream":"anna"']
    assert [json.loads(line)["seq"] for line in told[2:]] == [*range(0, 300, 3), 300]
    assert path.stat().st_ino == inode
    assert bridge.stats().errors == 0


def test_a_file_that_cannot_be_gone_through_is_counted_and_tried_again(tmp_path, monkeypatch):
    """As soon as the disk lets it, her lines are gone."""
    path = tmp_path / "out.jsonl"
    bridge = started(path)
    bridge.send(pose(0, stream="anna"))
    assert wait_for(lambda: bridge.stats().sent == 1)
    with monkeypatch.context() as broken:
        broken.setattr(line_file.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        bridge.erase("anna")
        assert wait_for(lambda: bridge.stats().errors > 0)
    assert wait_for(lambda: not bridge._to_erase)
    assert path.read_text() == ""
    bridge.close()


def test_a_file_of_ours_without_a_line_is_removed(tmp_path):
    """A start that led to nothing leaves nothing behind; a file that was there before is left alone."""
    started(tmp_path / "new.jsonl").close()
    (tmp_path / "old.jsonl").touch()
    started(tmp_path / "old.jsonl").close()
    assert [path.name for path in tmp_path.iterdir()] == ["old.jsonl"]


def test_an_event_that_cannot_be_said_costs_no_other(tmp_path):
    """NaN is counted and skipped."""
    bridge = started(tmp_path / "out.jsonl")
    for event in (emotion(1), emotion(2, valence=float("nan")), emotion(3)):
        bridge.send(event)
    bridge.close()
    assert [each["seq"] for each in lines(tmp_path / "out.jsonl")] == [1, 3]
    stats = bridge.stats()
    assert (stats.sent, stats.dropped, stats.errors) == (2, 1, 1)


@pytest.mark.parametrize(
    ("path", "mend"),
    [("no/such/folder/out.jsonl", "make the folder first"), (".", "name a file in it"), ("a\0b", "name a file")],
)
def test_a_path_that_cannot_be_written_is_told_with_its_mend(tmp_path, path, mend):
    """One line, and nothing is made."""
    with pytest.raises(UriError, match=mend) as told:
        started(tmp_path / path)
    assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_that_nobody_reads_is_told_at_once(tmp_path):
    """Opening does not wait for a reader that may never come."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UriError, match="start the reader"):
        started(tmp_path / "pipe")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_device_without_space_is_counted_and_survived():
    """Every write fails; the bridge counts and lives."""
    bridge = started("/dev/full")
    for seq in range(10):
        bridge.send(emotion(seq))
        time.sleep(0.002)
    assert wait_for(lambda: bridge.stats().waiting == 0)
    bridge.close()
    stats = bridge.stats()
    assert (stats.sent, stats.dropped) == (0, 10)
    assert 1 <= stats.errors <= 10


def test_a_full_disk_leaves_no_half_line_and_writing_resumes(tmp_path, monkeypatch):
    """Half a line is taken back; when there is space again, the next events are written."""
    path = tmp_path / "out.jsonl"
    real_write = os.write
    full = threading.Event()

    def write(fd, data):
        if full.is_set():
            if len(data) > 100:
                return real_write(fd, data[:100])
            raise OSError(28, "No space left on device")
        return real_write(fd, data)

    monkeypatch.setattr(line_file.os, "write", write)
    bridge = started(path)
    bridge.send(emotion(1))
    assert wait_for(lambda: bridge.stats().sent == 1)
    full.set()
    bridge.send(pose(2))
    assert wait_for(lambda: bridge.stats().errors == 1)
    full.clear()
    bridge.send(emotion(3))
    bridge.close()
    assert [each["seq"] for each in lines(path)] == [1, 3]
    assert bridge.stats().dropped == 1


@contextlib.contextmanager
def pipe_as_standard_output(monkeypatch):
    """Offer the reading end of a pipe whose writing end is standard output."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as out, os.fdopen(reading, "rb", buffering=0) as reader:
        monkeypatch.setattr(sys, "stdout", out)
        yield reader


def test_a_reader_that_stops_reading_holds_nobody_up(monkeypatch):
    """The pipe fills, send stays quick, the outbox stays bounded, and it closes with whole lines."""
    with pipe_as_standard_output(monkeypatch) as reader:
        bridge = started("-")
        worst = 0.0
        for seq in range(5000):
            start = time.thread_time()
            bridge.send(pose(seq))
            worst = max(worst, time.thread_time() - start)
        start = time.monotonic()
        bridge.close()
        assert time.monotonic() - start < 10.0  # the pipe stays full for ever
        assert worst < 0.005
        stats = bridge.stats()
        assert stats.received == stats.sent + stats.dropped
        assert 0 < stats.sent < 5000
        heard = reader.read(1 << 20)
        assert heard.endswith(b"\n")
        assert heard.count(b"\n") == stats.sent


def test_a_reader_that_leaves_ends_the_bridge_quietly(monkeypatch):
    """A broken pipe is one error; what comes after is dropped and counted."""
    with pipe_as_standard_output(monkeypatch) as reader:
        bridge = started("-")
        reader.close()
        for seq in range(5):
            bridge.send(status(seq))
            time.sleep(0.01)
        assert wait_for(lambda: bridge.stats().waiting == 0)
        bridge.close()
        stats = bridge.stats()
        assert (stats.sent, stats.dropped, stats.errors) == (0, 5, 1)


PROGRAM = """
from emotus.bridges.jsonl import JsonlBridge
from emotus.engine.clock import MonotonicClock
from support.sayings import emotion
print("before")
bridge = JsonlBridge("-", clock=MonotonicClock())
bridge.start()
for seq in range(20000):
    bridge.send(emotion(seq))
    bridge.stats()
bridge.close()
"""


def test_a_program_piped_into_head_ends_without_a_word():
    """No traceback, no "Exception ignored", and what was printed before comes first."""
    command = f"{sys.executable} -c 'import os; exec(os.environ[\"PROGRAM\"])' | head -n 2"
    environment = {**os.environ, "PROGRAM": PROGRAM, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, timeout=30)
    first, second = done.stdout.splitlines()
    assert first == "before"
    assert json.loads(second)["seq"] >= 0
    assert done.stderr == ""


def test_standard_output_that_is_closed_is_told(monkeypatch):
    """Where there is no standard output, the mend is to name a file."""
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(UriError, match="name a file"):
        started("-")
