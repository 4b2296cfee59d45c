"""FAULTS.md 3, row 18: the disk is full, read-only, broken or slow while the show is recorded."""

from __future__ import annotations

import errno
import os
import time

import pytest
from faults.figures import figure
from support.sayings import emotion, frame, wait_for

from emotus.bridges import mcap_file
from emotus.bridges.recorder import RecorderBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import UriError
from emotus.engine.recording_reader import RecordingReader

pytest.importorskip("mcap", reason="mcap is not installed (pip install 'emotus[record]')")
CLOCK = MonotonicClock()


class Disk:
    """A disk in the recorder's way: it takes `room` bytes more, or sleeps before each write, or breaks."""

    def __init__(self, monkeypatch) -> None:
        self.room, self.code, self.sleep_s = None, errno.ENOSPC, 0.0
        self._write = os.write
        monkeypatch.setattr(mcap_file.os, "write", self.write)

    def write(self, fd: int, data) -> int:
        if self.sleep_s:
            time.sleep(self.sleep_s)
        if self.room is not None:
            if self.room <= 0:
                raise OSError(self.code, os.strerror(self.code))
            data = bytes(data)[: self.room]
            self.room -= len(data)
        return self._write(fd, data)


def messages(path) -> tuple[int, str]:
    with path.open("rb") as file:
        reader = RecordingReader(file, str(path))
        return sum(1 for _ in reader), reader.torn


def feed(bridge: RecorderBridge, first: int, count: int) -> float:
    """Send frames at 100 a second; return the slowest send in ms of its own thread."""
    worst = 0.0
    for seq in range(first, first + count):
        for event in frame(seq):
            start = time.thread_time()
            bridge.send(event)
            worst = max(worst, time.thread_time() - start)
        time.sleep(0.01)
    return 1000 * worst


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_full_or_broken_disk_ends_the_file_and_a_new_one_begins_when_there_is_room(tmp_path, monkeypatch, code):
    """The show goes on, what was recorded stays, every message is accounted for, and recording resumes by itself."""
    disk = Disk(monkeypatch)
    bridge = RecorderBridge(tmp_path / "show.mcap", clock=CLOCK)
    bridge.start()
    feed(bridge, 0, 40)
    assert wait_for(lambda: bridge.stats().waiting == 0)
    disk.code, disk.room = code, 100  # a chunk that can be written in part only
    worst_ms = feed(bridge, 40, 60)
    assert wait_for(lambda: bridge.stats().errors > 0)
    disk.room = None
    resumed = (bridge.send(emotion(500 + k)) or wait_for(lambda: len(bridge.files) > 1, 0.1) for k in range(200))
    assert any(resumed)
    bridge.close()
    stats = bridge.stats()
    counts = {path.name: messages(path) for path in sorted(tmp_path.glob("*.mcap"))}
    print(f"row 18: {os.strerror(code)}: worst send {worst_ms:.2f} ms, {stats.errors} errors, {counts}")
    assert stats.received == stats.sent + stats.dropped
    assert counts["show.mcap"][0] > 0
    figure(18, f"{os.strerror(code)}: slowest send to the recorder", worst_ms, None, "ms")
    figure(18, f"{os.strerror(code)}: files that can be read afterwards", len(counts), 2, better="==")
    assert len(counts) == 2
    assert not list(tmp_path.glob("*.reserve"))


def test_a_disk_that_fills_up_has_kept_room_for_the_end_of_the_file(tmp_path, monkeypatch):
    """The reserve is given back before the index is written, so that the file is a proper one to its last chunk."""
    disk = Disk(monkeypatch)
    path = tmp_path / "show.mcap"
    bridge = RecorderBridge(path, clock=CLOCK)
    bridge.start()
    feed(bridge, 0, 30)
    assert wait_for(lambda: bridge.stats().waiting == 0)
    reserve = path.with_name("show.mcap.reserve")
    assert reserve.stat().st_size == mcap_file.RESERVE_BYTES
    unlink = type(reserve).unlink

    def free(self, missing_ok=False):
        if self == reserve and self.exists():
            disk.room = mcap_file.RESERVE_BYTES
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(type(reserve), "unlink", free)
    disk.room = 0
    feed(bridge, 30, 30)
    assert wait_for(lambda: not reserve.exists())
    bridge.close()
    count, torn = messages(path)
    assert torn == ""
    assert count >= 30


def test_a_slow_disk_holds_nobody_up(tmp_path, monkeypatch):
    """With half a second to each write the sends take no longer; what cannot be kept up with is dropped and counted."""
    disk = Disk(monkeypatch)
    bridge = RecorderBridge(tmp_path / "show.mcap", clock=CLOCK)
    bridge.start()
    quick_ms = feed(bridge, 0, 20)
    disk.sleep_s = 0.5
    slow_ms = feed(bridge, 20, 100)
    print(f"row 18: worst send {quick_ms:.2f} ms with a quick disk, {slow_ms:.2f} ms with a slow one")
    figure(18, "slowest send with a disk that takes 0.5 s a write", slow_ms, None, "ms")
    disk.sleep_s = 0.0
    bridge.close()
    stats = bridge.stats()
    assert stats.received == stats.sent + stats.dropped
    assert messages(tmp_path / "show.mcap")[1] == ""


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path):
    """A folder that is not there: one line, before the show begins."""
    bridge = RecorderBridge(tmp_path / "no" / "show.mcap", clock=CLOCK)
    with pytest.raises(UriError, match="no such file"):
        bridge.start()
    bridge.close()
