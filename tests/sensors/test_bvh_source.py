"""BVH files, growing files and standard input as sensors: every frame once, in order, at its time."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from support.bvh_texts import REAL, body_text, text
from support.reading import read_all

from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.errors import BvhError, SkeletonError, UriError
from emotus.sensors.bvh_frames import BLOCK
from emotus.sensors.bvh_source import BvhSensor, from_uri, stream_of

START_NS = 5 * NS_PER_S


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_NS)


@pytest.fixture
def take(tmp_path) -> Path:
    path = tmp_path / "anna walks.bvh"
    path.write_text(body_text(BLOCK + 20))
    return path


def test_at_speed_1_each_frame_comes_at_its_time(take, clock):
    """Frame i is given i frame times after opening, stamped with that moment, numbered from 0."""
    sensor = BvhSensor(take, clock=clock)
    sensor.open()
    assert sensor.live
    assert sensor.rate_hz == pytest.approx(30.0)
    for i in range(90):
        pose = sensor.read()
        assert pose.seq == i
        assert pose.t_ns == START_NS + round(i * NS_PER_S / 30)
        assert clock.now_ns() == pose.t_ns
        assert pose.stream == "anna_walks"
        assert pose.travels


def test_every_frame_comes_once_and_then_the_end(take, clock):
    """All frames of the file come, over the borders of blocks; then read gives None and the state is ended."""
    sensor = BvhSensor(take, clock=clock, speed=0.0)
    sensor.open()
    poses = read_all(sensor)
    assert not sensor.live
    assert [pose.seq for pose in poses] == list(range(BLOCK + 20))
    assert [pose.t_ns for pose in poses] == [START_NS + round(i * NS_PER_S / 30) for i in range(BLOCK + 20)]
    assert clock.now_ns() == START_NS
    assert sensor.read() is None
    assert sensor.health().state == "ended"
    assert sensor.health().counters["received"] == BLOCK + 20


def test_the_body_is_that_of_the_file(take, clock):
    """Positions are metres in the house frame: the hips walk forward at 1.2 m/s, the left hand is to the left."""
    sensor = BvhSensor(take, clock=clock, speed=0.0)
    sensor.open()
    poses = read_all(sensor)
    hips = np.array([pose.root for pose in poses])
    scale = hips[0, 1] / 0.95
    assert 0.8 < scale < 1.2
    assert hips[60, 2] - hips[30, 2] == pytest.approx(1.2 * scale, rel=1e-3)
    assert poses[0].positions[8, 0] > 0.5
    assert poses[0].positions.dtype == np.float32
    assert poses[0].positions.shape == (21, 3)
    assert poses[0].rotations.shape == (21, 4)
    assert (poses[0].confidence >= 0.8).all()
    assert "matched 21 of 21 joints" in sensor.health().message


def test_another_speed_changes_the_pace(take, clock):
    """At speed 2 frames come twice as fast, and the rate says so."""
    sensor = BvhSensor(take, clock=clock, speed=2.0)
    sensor.open()
    poses = [sensor.read() for _ in range(61)]
    assert poses[60].t_ns - poses[0].t_ns == NS_PER_S
    assert sensor.rate_hz == pytest.approx(60.0)


def test_slow_files_are_waited_for_a_tenth_of_a_second_at_most(tmp_path, clock):
    """read gives None after 0.1 s when the next frame is further away, and loses nothing."""
    path = tmp_path / "slow.bvh"
    path.write_text(body_text(3, rate_hz=2.0))
    sensor = BvhSensor(path, clock=clock)
    sensor.open()
    assert sensor.read().seq == 0
    for _ in range(4):
        before = clock.now_ns()
        assert sensor.read() is None
        assert clock.now_ns() - before == NS_PER_S // 10
    assert sensor.read().t_ns == START_NS + NS_PER_S // 2


def test_a_loop_goes_on_with_rising_numbers_and_times(tmp_path, clock):
    """After the last frame comes the first again, and neither seq nor time goes back."""
    path = tmp_path / "short.bvh"
    path.write_text(body_text(4))
    sensor = BvhSensor(path, clock=clock, loop=True)
    sensor.open()
    poses = read_all(sensor, 18)
    assert [pose.seq for pose in poses] == list(range(18))
    assert all(b.t_ns > a.t_ns for a, b in zip(poses[:-1], poses[1:], strict=True))
    for i in range(4, 18):
        assert np.array_equal(poses[i].positions, poses[i - 4].positions)


def test_closed_and_opened_again_it_begins_anew(take, clock):
    """close may be repeated, before open too; open starts from the first frame."""
    sensor = BvhSensor(take, clock=clock, speed=0.0)
    sensor.close()
    assert sensor.read() is None
    assert sensor.health().state == "closed"
    for _ in range(2):
        sensor.open()
        assert sensor.read().seq == 0
        sensor.close()
        sensor.close()
        assert sensor.read() is None
        assert sensor.health().state == "closed"


def test_closing_from_another_thread_ends_a_read(tmp_path):
    """A read that waits for a frame five seconds away returns when another thread closes."""
    path = tmp_path / "slow.bvh"
    path.write_text(body_text(3, rate_hz=0.2))
    sensor = BvhSensor(path, clock=MonotonicClock())
    sensor.open()
    threading.Timer(0.05, sensor.close).start()
    start_s = time.monotonic()
    while sensor.health().state == "live":
        sensor.read()
    assert time.monotonic() - start_s < 4.0


def test_files_that_cannot_be_opened_are_named(tmp_path, clock):
    """A missing file, a directory, a broken text and a skeleton that is no body fail in open, in one line."""
    (tmp_path / "bad.bvh").write_text("HIERARCHY\n")
    chain = "HIERARCHY\nROOT a { OFFSET 0 0 0 CHANNELS 3 Zrotation Xrotation Yrotation\nJOINT b { OFFSET 0 1 0 } }\n"
    (tmp_path / "chain.bvh").write_text(text(chain, "1 2 3\n"))
    for name, follow, error in (
        ("gone.bvh", False, BvhError), ("gone.bvh", True, BvhError), ("", False, BvhError), ("", True, BvhError),
        ("bad.bvh", False, BvhError), ("chain.bvh", False, SkeletonError),
    ):  # fmt: skip
        sensor = BvhSensor(tmp_path / name, clock=clock, follow=follow)
        with pytest.raises(error) as caught:
            sensor.open()
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)
        assert sensor.health().state == "closed"


def test_an_address_sets_every_option(take, clock):
    """bvh:PATH?... makes the sensor it describes."""
    sensor = from_uri(str(take), {"speed": "0", "stream": "anna-1", "unit": "cm", "up": "y"}, clock)
    sensor.open()
    assert not sensor.live
    assert sensor.read().stream == "anna-1"
    assert from_uri(str(take), {"loop": "1"}, clock).live


@pytest.mark.parametrize(
    ("path", "options", "problem"),
    [
        ("a.bvh", {"sped": "1"}, "unknown option sped"),
        ("a.bvh", {"speed": "fast"}, "speed=fast"),
        ("a.bvh", {"speed": "-1"}, "speed=-1"),
        ("a.bvh", {"speed": "nan"}, "speed=nan"),
        ("a.bvh", {"loop": "maybe"}, "loop=maybe"),
        ("a.bvh", {"stream": "a b"}, "stream=a b"),
        ("a.bvh", {"stream": ""}, "stream="),
        ("a.bvh", {"unit": "parsec"}, "unit=parsec"),
        ("a.bvh", {"up": "w"}, "up=w"),
        ("a.bvh", {"timeout": "0"}, "timeout=0"),
        ("a.bvh", {"loop": "1", "follow": "1"}, "cannot be played again"),
        ("-", {"loop": "1"}, "cannot be played again"),
        ("a.bvh", {"follow": "1", "speed": "2"}, "follow gives each frame"),
        ("", {}, "no file is named"),
    ],
)
def test_an_address_that_means_nothing_is_refused(path, options, problem, clock):
    """Unknown options, values out of range and contradictions are UriError with a mend, before anything is opened."""
    with pytest.raises(UriError) as caught:
        from_uri(path, options, clock)
    assert problem in str(caught.value)
    assert caught.value.mend
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "stream"),
    [
        ("/a/b/131_01.bvh", "131_01"),
        ("anna walks (2).bvh", "anna_walks_2"),
        ("ボーン.bvh", "bvh"),
        ("-", "stdin"),
        ("..", "bvh"),
    ],
)
def test_streams_are_named_after_files(path, stream):
    """A stream id holds only what an OSC address may: letters, digits, _ and -."""
    assert stream_of(path) == stream


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_files_are_performed(path, clock):
    """Every frame of the real recordings becomes a finite pose of the body."""
    sensor = BvhSensor(path, clock=clock, speed=0.0)
    sensor.open()
    poses = read_all(sensor)
    sensor.close()
    assert len(poses) > 3
    assert all(np.isfinite(pose.positions).all() and np.isfinite(pose.rotations).all() for pose in poses)
