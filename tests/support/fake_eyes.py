"""The camera and the video sensor before fake cameras and files: the processes are real."""

from __future__ import annotations

from pathlib import Path

from emotus.engine.clock import Clock
from emotus.sensors.video import VideoSensor
from emotus.sensors.webcam import WebcamSensor


def fake_video(folder: Path, clock: Clock, speed: float, pictures: int = 40) -> VideoSensor:
    """Return the sensor of a video of one person who sways, a worker's process and all, with no video in it."""
    path = folder / "take.mp4"
    path.touch()
    fake = {"capture": "support.fake_camera:Film", "pictures": pictures}
    return VideoSensor(path, clock=clock, speed=speed, estimator="support.fake_camera:Seer", settings=fake)


def fake_webcam(_folder: Path, clock: Clock, speed: float) -> WebcamSensor:
    """Return the sensor of a camera that films one person for a while."""
    fake = {"rate": 30 * (speed or 4)}
    return WebcamSensor("0", clock=clock, target="support.fake_camera:film_for_a_while", estimator="-", settings=fake)
