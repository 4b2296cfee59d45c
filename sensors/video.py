"""A video file as a sensor: `video:PATH?speed=1&loop=0`, every picture of it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import InputError, UriError
from ..engine.pose import Pose
from .base import Health
from .bvh_source import stream_of
from .eyes import PACKAGES, SHARED_INFO, SHARED_OPTIONS, Eyes, Sight, sight_of, wait_s
from .info import Option, SensorInfo
from .options import check_keys, number, switch
from .worker import Patience

_WAIT_NS: Final = NS_PER_S // 10  # what read() waits at most
_PATIENCE: Final = Patience(hang_s=10.0, restarts=0)  # a file on which the networks fall over does so again
FILM_ENDINGS: Final = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
_OPTIONS: Final = ("speed", "loop", *SHARED_OPTIONS)
INFOS: Final = (
    SensorInfo(
        "video",
        "video:PATH",
        "a video file: people's landmarks by MediaPipe, every picture of it",
        (
            Option("speed", "1 at the file's pace, 2 twice as fast, 0 as fast as possible", "1"),
            Option("loop", "1: begin again at the end", "0"),
            *SHARED_INFO,
        ),
        "video:take.mp4?speed=1",
        packages=PACKAGES,
        gives="21 joints from 33 landmarks; the place in the room is estimated",
    ),
)


class VideoSensor:
    """Follow the people in a video file.

    speed: 1 at the file's rate, 2 twice as fast; 0 every picture as soon as it is read, with the time it would have
    had, and `live` is then False. A machine too slow for the speed plays the file slower; no picture is left out. loop:
    begin again at the end. A recording below 14 pictures a second gets poses between them, marked as interpolated.
    target, estimator and settings: what the process runs, for tests.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Clock,
        speed: float = 1.0,
        loop: bool = False,
        sight: Sight | None = None,
        target: str = "emotus.sensors.webcam_worker:play",
        estimator: str | None = None,
        settings: Mapping[str, object] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._path = Path(path)
        self._clock = clock
        self._speed = speed
        source = {"source": str(path), "loop": loop, "capture": "emotus.sensors.capture:open_file", **(settings or {})}
        self._eyes = Eyes(
            f"video:{path}",
            sight or Sight("video"),
            target,
            source,
            estimator=estimator,
            patience=patience or _PATIENCE,
            lossless=True,
        )
        self.rate_hz = 30.0 * (speed or 1.0)
        self.live = speed > 0
        self._lock = threading.Lock()
        self._state = "closed"
        self._rewind()

    def _rewind(self) -> None:
        self._pending: deque[Pose] = deque()
        self._start_ns = 0
        self._begun = False

    def open(self) -> None:
        """Start the process and read the file's head; raises UriError or InputError where one cannot be had."""
        if not self._path.is_file():
            raise InputError(f"video:{self._path}", "there is no such file")
        self._eyes.open()
        with self._lock:
            self._rewind()
            self.rate_hz = self._eyes.fill() * (self._speed or 1.0)
            self._start_ns = self._clock.now_ns()
            self._state = "live"

    def read(self) -> Pose | None:
        """Return the next pose when its time has come, or None after 0.1 s, at the end and when closed.

        Raises InputError once where the process that sees failed; the sensor is then lost.
        """
        deadline_ns = self._clock.now_ns() + _WAIT_NS
        while self._state == "live" and not self._pending:
            sighting = self._eyes.look(wait_s(self._clock.now_ns(), deadline_ns))
            if sighting is not None:
                self._pending = self._eyes.poses(sighting, sighting.t_ns)
            elif self._eyes.state in ("ended", "failed"):
                return self._finish()
            elif not self.live or self._clock.now_ns() >= deadline_ns:
                return None
        return self._when_due(deadline_ns)

    def _when_due(self, deadline_ns: int) -> Pose | None:
        """Return the first pending pose at its time; keep it and return None when that lies beyond the deadline."""
        if not self._pending:
            return None
        pose = self._pending[0]
        t_ns = self._time_of(pose)
        if self.live:
            self._clock.sleep_until_ns(min(t_ns, deadline_ns))
            if t_ns > deadline_ns:
                return None
        with self._lock:
            if self._state != "live" or not self._pending:
                return None
            self._pending.popleft()
            self._eyes.gave()
        return replace(pose, t_ns=t_ns)

    def _time_of(self, pose: Pose) -> int:
        """Return when a pose is due; the recording begins with the first, and waits where the machine is too slow."""
        t_ns = self._start_ns + round(pose.t_ns / (self._speed or 1.0))
        late_ns = self._clock.now_ns() - t_ns
        if self.live and (not self._begun or late_ns > _WAIT_NS):
            self._start_ns += late_ns
            t_ns += late_ns
        self._begun = True
        return t_ns

    def _finish(self) -> None:
        """Note that no more will come; raises InputError, once, where that is because the process failed."""
        failed = self._eyes.state == "failed"
        with self._lock:
            if self._state != "live":
                return
            self._state = "lost" if failed else "ended"
        if failed:
            raise InputError(self._eyes.place, self._eyes.trouble())

    def close(self) -> None:
        """End the process and let the file go; harmless when repeated."""
        with self._lock:
            self._state = "closed"
        self._eyes.close()

    def health(self) -> Health:
        """Return the state, what is amiss, what smoothing costs, and the counters."""
        counters = self._eyes.counters()
        if self._state == "closed":
            return Health("closed", "", counters)
        message = self._eyes.message()
        if self._state == "live":
            return Health("stale" if self._eyes.state == "stale" else "live", message, counters)
        return Health("lost" if self._state == "lost" else "ended", message, counters)


def open_film(path: Path, clock: Clock) -> VideoSensor:
    """Return the sensor that goes through a video file as fast as it can, its stream named after the file."""
    return VideoSensor(path, clock=clock, speed=0.0, sight=Sight(stream_of(path)))


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> VideoSensor:
    """Make the sensor of `video:PATH?speed=1&loop=0&people=1&smooth=light&rotate=0&mirror=0&fov=60`; raises UriError.

    Also `stream=NAME` and `model=PATH`.
    """
    place = f"video:{path}"
    check_keys(place, options, _OPTIONS)
    if not path:
        raise UriError(place, "no file is named", mend="write video:PATH")
    return VideoSensor(
        path,
        clock=clock,
        speed=number(place, options, "speed", 1.0, 0.0, 100.0),
        loop=switch(place, options, "loop", default=False),
        sight=sight_of(place, options, stream_of(path)),
    )
