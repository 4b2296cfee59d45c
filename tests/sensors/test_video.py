"""A video file gives every picture of it, in its own time; processes are real, the pictures are not."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from support.fake_eyes import fake_video
from support.performers import CountingRecogniser
from support.reading import read_all

from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.errors import InputError, UriError
from emotus.engine.events import EmotionEvent
from emotus.engine.pipeline import Engine
from emotus.sensors.eyes import Sight
from emotus.sensors.files import open_recording
from emotus.sensors.uri import open_sensor
from emotus.sensors.video import VideoSensor


def video(folder: Path, *, speed: float = 0.0, sight: Sight | None = None, loop: bool = False, **settings: object):
    """Return the sensor of a made-up video."""
    path = folder / "take.mp4"
    path.touch()
    fake = {"capture": "support.fake_camera:Film", "pictures": 40, **settings}
    seer = "support.fake_camera:Seer"
    return VideoSensor(path, clock=MonotonicClock(), speed=speed, loop=loop, sight=sight, estimator=seer, settings=fake)


def test_every_picture_is_a_pose_in_the_videos_time(tmp_path):
    """40 pictures at 30 a second are 40 poses a thirtieth apart, and the root is marked as an estimate."""
    sensor = fake_video(tmp_path, MonotonicClock(), 0.0)
    sensor.open()
    poses = read_all(sensor)
    assert [pose.seq for pose in poses] == list(range(40))
    assert np.diff([pose.t_ns for pose in poses]) == pytest.approx(1e9 / 30, abs=2)
    assert not any(pose.travels or pose.interpolated for pose in poses)
    assert sensor.health().counters["pictures"] == 40
    sensor.close()


def test_a_slow_video_is_filled_up_for_the_engine(tmp_path):
    """At 5 pictures a second poses come between them, marked, and the engine reads one stream without a hole."""
    sensor = video(tmp_path, pictures=20, pictures_hz=5.0)
    sensor.open()
    assert sensor.rate_hz == pytest.approx(30.0)
    assert "5 poses are put between each two pictures" in sensor.health().message
    poses = read_all(sensor)
    sensor.close()
    assert len(poses) == 20 + 19 * 5
    assert [pose.interpolated for pose in poses[:13]] == [False, *[True] * 5, False, *[True] * 5, False]
    assert np.diff([pose.t_ns for pose in poses]) == pytest.approx(1e9 / 30, abs=2)
    engine = Engine(CountingRecogniser(), ManualClock(), live=False)
    events = [event for pose in poses for event in engine.step(pose)] + list(engine.flush())
    assert sum(isinstance(event, EmotionEvent) for event in events) >= 110
    assert engine.counters()["video"]["holes"] == 0


@pytest.mark.parametrize("ending", [".mp4", ".MOV", ".webm"])
def test_a_film_is_opened_by_its_ending(tmp_path, ending):
    """Its stream is named after the file, and it is gone through as fast as possible."""
    path = tmp_path / f"my take{ending}"
    sensor = open_recording(path, MonotonicClock())
    assert isinstance(sensor, VideoSensor)
    assert not sensor.live
    with pytest.raises(InputError, match="there is no such file"):
        sensor.open()


def test_a_loop_goes_on_rising(tmp_path):
    """After the last picture comes the first, later."""
    sensor = video(tmp_path, loop=True, pictures=10)
    sensor.open()
    poses = read_all(sensor, most=35)
    sensor.close()
    assert np.diff([pose.t_ns for pose in poses]) == pytest.approx(1e9 / 30, abs=2)
    assert [pose.seq for pose in poses] == list(range(35))


def test_at_its_own_pace_poses_come_when_they_are_due(tmp_path):
    """No pose comes before its time, and the whole takes as long as the video."""
    sensor = video(tmp_path, speed=1.0, pictures=15)
    sensor.open()
    early, start = [], time.monotonic()
    while sensor.health().state == "live":
        pose = sensor.read()
        if pose is not None:
            early.append(pose.t_ns - time.monotonic_ns())
    sensor.close()
    assert len(early) == 15
    assert max(early) <= 0
    assert time.monotonic() - start >= 14 / 30


def test_more_than_four_people_are_refused(tmp_path):
    """One line that names the range."""
    (tmp_path / "a.mp4").touch()
    with pytest.raises(UriError, match=r"people=5 \(a number from 1 to 4\)"):
        open_sensor(f"video:{tmp_path}/a.mp4?people=5", ManualClock())


def test_smoothing_is_told_with_its_delay(tmp_path):
    """Off says nothing; light says what it costs once it works."""
    told = {}
    for smooth in ("off", "strong"):
        sensor = video(tmp_path, sight=Sight("anna", smooth=smooth))
        sensor.open()
        poses = read_all(sensor)
        told[smooth] = sensor.health().message
        sensor.close()
        assert poses[0].stream == "anna"
    assert "; smoothing" not in told["off"]
    assert "; smoothing strong delays by " in told["strong"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("smooth=much", "smooth=much (one of off, light, strong)"),
        ("rotate=45", "rotate=45 (one of 0, 90, 180, 270)"),
        ("fov=5", "fov=5 (a number from 20 to 150)"),
        ("sped=1", "unknown option sped"),
        ("stream=a/b", "stream=a/b"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path, options, said):
    """One line that names the address, the option and what is known."""
    for scheme in (f"video:{tmp_path}/a.mp4", "webcam:0"):
        with pytest.raises(UriError) as told:
            open_sensor(f"{scheme}?{options}", ManualClock())
        assert said in str(told.value)
        assert str(told.value).startswith(scheme)


def test_a_file_that_is_not_there_is_told_before_anything_starts(tmp_path):
    """No process is started for it."""
    with pytest.raises(InputError, match=r"missing.mp4: there is no such file"):
        open_sensor(f"video:{tmp_path}/missing.mp4", ManualClock()).open()


def test_a_worker_that_dies_in_the_midst_ends_the_video_with_the_reason(tmp_path):
    """A file on which the networks fall over does so again: what came is given, then the sensor is lost."""
    sensor = video(tmp_path, trouble="segfault")
    sensor.open()
    poses = []

    def read_on() -> None:
        while sensor.health().state == "live":
            poses.append(sensor.read())

    with pytest.raises(InputError, match=r"take.mp4: the worker was killed by SIGSEGV"):
        read_on()
    assert len([pose for pose in poses if pose is not None]) == 5
    assert sensor.health().state == "lost"
    assert sensor.read() is None  # said once
    sensor.close()
