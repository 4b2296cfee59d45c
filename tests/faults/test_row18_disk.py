"""FAULTS.md 3, row 18: the disk is full, read-only, broken or slow while the show is recorded."""

from __future__ import annotations

import errno
import os
import threading
import time

import numpy as np
import pytest
from faults.checker import Invariants, check_bridge
from faults.figures import figure
from support.sayings import emotion, frame, wait_for

from emotus.bridges import mcap_file
from emotus.bridges.recorder import RecorderBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import UriError
from emotus.engine.events import PoseEvent, StatusEvent
from emotus.engine.pipeline import Engine
from emotus.engine.recording_reader import RecordingReader
from emotus.engine.runner import Runner
from emotus.sensors.synthetic import SyntheticSensor

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
    assert wait_for(lambda: bridge.stats().waiting == 0)  # closing waits for a second, which a busy machine exceeds
    bridge.close()
    stats = bridge.stats()
    counts = {path.name: messages(path) for path in sorted(tmp_path.glob("*.mcap"))}
    print(f"row 18: {os.strerror(code)}: worst send {worst_ms:.2f} ms, {stats.errors} errors, {counts}")
    assert stats.received == stats.sent + stats.dropped
    assert stats.sent == sum(
        count for count, _ in counts.values()
    )  # what was lost with a chunk is no longer counted so
    assert counts["show.mcap"][0] > 0
    figure(18, f"{os.strerror(code)}: slowest send to the recorder", worst_ms, None, "ms")
    figure(18, f"{os.strerror(code)}: files that can be read afterwards", len(counts), 2, better="==")
    assert len(counts) == 2
    assert not list(tmp_path.glob("*.reserve"))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_stays_full_is_not_filled_with_files_that_hold_nothing(tmp_path, monkeypatch, code):
    """A file whose beginning cannot be written is not there afterwards; one of that name that was there before is."""
    disk = Disk(monkeypatch)
    (tmp_path / "old.mcap").write_bytes(b"somebody's")
    disk.code, disk.room = code, 100
    for name in ("old.mcap", "show.mcap"):
        with pytest.raises(OSError):  # noqa: PT011 - any of the system's
            mcap_file.McapFile(tmp_path / name, {}, 0.0)
        disk.room = 0
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old.mcap", b"somebody's")]


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


def test_the_show_hears_that_it_is_not_recorded_and_that_it_is_again(tmp_path, monkeypatch):
    """A full disk is one status event with the reason; when there is room again another says that it is over."""
    disk, path = Disk(monkeypatch), tmp_path / "show.mcap"
    bridge, told = RecorderBridge(path, clock=CLOCK), Invariants(strict_seq=True)
    heard: list[StatusEvent] = []
    told.send = lambda event: (told.see(event), heard.append(event) if isinstance(event, StatusEvent) else None)
    sensor = SyntheticSensor("tour", clock=CLOCK, stream="anna")
    runner = Runner([sensor], Engine(None, CLOCK), [told, bridge], CLOCK)
    show = threading.Thread(target=runner.run)
    show.start()
    said = lambda code: [event.message for event in heard if event.code == code]  # noqa: E731
    assert wait_for(lambda: path.exists() and path.stat().st_size > 2000, 20)
    disk.room = 0
    start = time.monotonic()
    assert wait_for(lambda: said("bridge-failing"), 20)
    told_s = time.monotonic() - start
    disk.room = None
    assert wait_for(lambda: said("bridge-well"), 20)
    runner.stop()
    show.join(20)
    assert said("bridge-failing") == [f"mcap:{path}: no space left on device; the show goes on unrecorded"]
    assert told.violations == []
    check_bridge(bridge.stats())
    assert bridge.stats().sent == sum(messages(each)[0] for each in tmp_path.glob("*.mcap"))
    figure(18, "a full disk is told after", told_s, 1.5, "s")


def test_no_moment_takes_more_than_the_budget(tmp_path):
    """A quarter of the budget a file, the oldest gone before the next has grown: together never more than allowed."""
    budget, rng, most = 400_000, np.random.default_rng(18), 0
    bridge = RecorderBridge(tmp_path / "show.mcap", clock=CLOCK, budget_bytes=budget)
    bridge.start()
    for seq in range(1500):
        joints = rng.normal(size=(21, 3)).astype(np.float32)
        bridge.send(PoseEvent("anna", seq, CLOCK.now_ns(), joints, np.ones(21, np.float32)))
        if seq % 20 == 0:
            time.sleep(0.02)
            most = max(most, sum(path.stat().st_size for path in tmp_path.glob("*.mcap")))
    bridge.close()
    assert figure(18, "most bytes on the disk, of the budget", most / budget, 1.0)
    assert len(bridge.files) > 1
    assert bridge.files[0].name != "show.mcap"
