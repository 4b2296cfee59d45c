"""BVH texts that come while they are written: growing files and standard input."""

from __future__ import annotations

import io
import os
import threading
import time

import numpy as np
import pytest
from support.bvh_texts import body_text, text
from support.reading import read_all

from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.errors import BvhError
from emotus.sensors.bvh_source import BvhSensor

START_NS = 5 * NS_PER_S


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_NS)


@pytest.fixture
def opened():
    """Open sensors, and close them after the test."""
    sensors: list[BvhSensor] = []

    def open_one(*words, **options) -> BvhSensor:
        sensors.append(BvhSensor(*words, **options))
        sensors[-1].open()
        return sensors[-1]

    yield open_one
    for sensor in sensors:
        sensor.close()


def test_a_growing_file_gives_each_frame_as_it_is_written(tmp_path, clock, opened):
    """Rows come when they are written, stamped with that moment; after the time-out the file has ended."""
    path = tmp_path / "growing.bvh"
    whole = body_text(12).splitlines(keepends=True)
    path.write_text("".join(whole[:-10]))
    sensor = opened(path, clock=clock, follow=True, follow_timeout_s=2.0)
    assert sensor.live
    first = [sensor.read(), sensor.read()]
    assert [pose.seq for pose in first] == [0, 1]
    assert first[1].t_ns == START_NS
    assert first[0].t_ns == START_NS - NS_PER_S // 30
    with path.open("a") as file:
        for i, line in enumerate(whole[-10:]):
            assert sensor.read() is None
            clock.advance_ns(NS_PER_S // 30)
            file.write(line)
            file.flush()
            pose = sensor.read()
            assert pose.seq == i + 2
            assert pose.t_ns == clock.now_ns()
    assert read_all(sensor) == []
    assert sensor.health().state == "ended"
    assert sensor.rate_hz == pytest.approx(30.0)


def test_rows_that_come_together_are_dated_back(tmp_path, clock, opened):
    """A burst is spread over the time since the last row, never beyond the file's rate; times always rise."""
    path = tmp_path / "bursts.bvh"
    whole = body_text(40).splitlines(keepends=True)
    path.write_text("".join(whole[:-30]))
    sensor = opened(path, clock=clock, follow=True)
    poses = [sensor.read() for _ in range(10)]
    for lines in (whole[-30:-20], whole[-20:]):
        clock.advance_ns(NS_PER_S // 10)
        with path.open("a") as file:
            file.writelines(lines)
        poses += [sensor.read() for _ in lines]
    times = np.array([pose.t_ns for pose in poses])
    assert (np.diff(times) > 0).all()
    assert np.diff(times[:10]).max() <= NS_PER_S // 30 + 1
    assert times[19] == START_NS + NS_PER_S // 10
    assert times[39] == START_NS + NS_PER_S // 5


def test_a_stream_without_rows_turns_stale(tmp_path, clock, opened):
    """A second of silence is told, and rows after it make the stream live again."""
    path = tmp_path / "pause.bvh"
    whole = body_text(3).splitlines(keepends=True)
    path.write_text("".join(whole[:-1]))
    sensor = opened(path, clock=clock, follow=True)
    assert sensor.read() is not None
    assert sensor.read() is not None
    clock.advance_ns(3 * NS_PER_S // 2)
    assert sensor.read() is None
    assert sensor.health().state == "stale"
    with path.open("a") as file:
        file.write(whole[-1])
    assert sensor.read() is not None
    assert sensor.health().state == "live"


def pipe_of(words: str, pieces: int = 7):
    """Return the reading end of a pipe into which a thread writes a text piece by piece."""
    into, out = os.pipe()

    def write() -> None:
        data = words.encode()
        with os.fdopen(out, "wb", buffering=0) as file:
            for i in range(pieces):
                file.write(data[len(data) * i // pieces : len(data) * (i + 1) // pieces])

    threading.Thread(target=write, daemon=True).start()
    return os.fdopen(into, "rb")


def test_standard_input_is_read_to_its_end():
    """`bvh:-` at speed 0 gives every row of a pipe with the recording's own time."""
    clock = MonotonicClock()
    with pipe_of(body_text(40)) as pipe:
        sensor = BvhSensor("-", clock=clock, speed=0.0, pipe=pipe)
        sensor.open()
        poses = read_all(sensor)
        sensor.close()
    assert [pose.seq for pose in poses] == list(range(40))
    assert poses[30].t_ns - poses[0].t_ns == NS_PER_S
    assert {pose.stream for pose in poses} == {"stdin"}


def test_standard_input_is_paced_by_the_rate_of_the_recording():
    """At speed 1 a text that is there at once is performed at its own rate."""
    sensor = BvhSensor("-", clock=MonotonicClock(), pipe=io.BytesIO(body_text(13, rate_hz=60.0).encode()))
    sensor.open()
    start_s = time.monotonic()
    poses = read_all(sensor)
    sensor.close()
    assert len(poses) == 13
    assert time.monotonic() - start_s >= 0.2
    steps = np.diff([pose.t_ns for pose in poses])
    assert (np.abs(steps - NS_PER_S / 60) < 2).all()


@pytest.mark.parametrize("path", ["file", "pipe"])
def test_a_stream_that_is_no_bvh_text_is_lost_and_says_why(path, tmp_path, clock):
    """read raises the documented error once, and the state is lost."""
    bad = text(motion="1 2 three 4 5 6 7 8 9\n")
    if path == "file":
        (tmp_path / "bad.bvh").write_text(bad)
        sensor = BvhSensor(tmp_path / "bad.bvh", clock=clock, follow=True)
    else:
        sensor = BvhSensor("-", clock=MonotonicClock(), pipe=io.BytesIO(bad.encode()))
    sensor.open()
    with pytest.raises(BvhError, match="'three' is no number"):
        read_all(sensor)
    assert sensor.health().state == "lost"
    assert sensor.read() is None
    sensor.close()
