"""A camera as a sensor: `webcam:0`, the newest picture only, landmarks found in a process of its own."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Final

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import InputError, UriError
from ..engine.pose import Pose
from .base import Health
from .eyes import PACKAGES, SHARED_INFO, SHARED_OPTIONS, Eyes, Sight, sight_of, wait_s
from .info import Option, SensorInfo
from .options import check_keys, number, whole
from .worker import Patience

_WAIT_NS: Final = NS_PER_S // 10  # what read() waits at most
_STALE_NS: Final = NS_PER_S // 5  # no pose for so long: nobody is seen, or nothing comes
_OPTIONS: Final = (*SHARED_OPTIONS, "width", "height", "rate")
INFOS: Final = (
    SensorInfo(
        "webcam",
        "webcam:NUMBER",
        "a camera: people's landmarks by MediaPipe, in a process that keeps no picture",
        (
            *SHARED_INFO,
            Option("width", "pixels asked of the camera", "640"),
            Option("height", "pixels asked of the camera", "480"),
            Option("rate", "pictures a second asked of the camera", "30"),
        ),
        "webcam:0",
        packages=PACKAGES,
        gives="21 joints from 33 landmarks; the place in the room is estimated",
    ),
)


class WebcamSensor:
    """Follow the people before a camera.

    Poses have the time at which their picture came from the driver. A camera that freezes, blocks or is pulled out
    makes the sensor "stale", with the reason in its message, and is opened again by itself; its process is killed where
    the driver hangs. After five restarts within a minute the sensor is "lost". settings, target and estimator: what the
    process runs, for tests.
    """

    def __init__(
        self,
        source: str = "0",
        *,
        clock: Clock,
        sight: Sight | None = None,
        width: int = 640,
        height: int = 480,
        rate_hz: float = 30.0,
        target: str = "emotus.sensors.webcam_worker:film",
        estimator: str | None = None,
        settings: Mapping[str, object] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._clock = clock
        self._eyes = Eyes(
            f"webcam:{source}",
            sight or Sight("webcam"),
            target,
            {
                "source": source,
                "width": width,
                "height": height,
                "rate": rate_hz,
                "capture": "emotus.sensors.capture:open_camera",
                **(settings or {}),
            },
            estimator=estimator,
            patience=patience,
        )
        self.rate_hz = rate_hz
        self.live = True
        self._lock = threading.Lock()
        self._open = False
        self._rewind()

    def _rewind(self) -> None:
        self._pending: deque[Pose] = deque()
        self._offset_ns = 0
        self._came_ns = 0
        self._last_ns = -1
        self._told = False  # that the sensor is lost

    def open(self) -> None:
        """Start the process and the camera; raises UriError or InputError where one of them cannot be had."""
        self._eyes.open()
        with self._lock:
            self._rewind()
            self.rate_hz = self._eyes.rate_hz
            self._offset_ns = self._clock.now_ns() - time.monotonic_ns()  # the process keeps the machine's time
            self._came_ns = self._clock.now_ns()
            self._open = True

    def read(self) -> Pose | None:
        """Return the next pose, or None after 0.1 s; raises InputError once where the sensor is lost for good."""
        deadline_ns = time.monotonic_ns() + _WAIT_NS
        while self._open and not self._pending:
            sighting = self._eyes.look(wait_s(time.monotonic_ns(), deadline_ns))
            if sighting is not None:
                t_ns = max(sighting.t_ns + self._offset_ns, self._last_ns + 1)
                self._last_ns = t_ns
                self._pending = self._eyes.poses(sighting, t_ns)
            elif self._eyes.state == "failed":
                return self._lose()
            elif time.monotonic_ns() >= deadline_ns or self._eyes.state in ("closed", "ended"):
                return None
        with self._lock:
            if not self._open or not self._pending:
                return None
            self._came_ns = self._clock.now_ns()
            self._eyes.gave()
            return self._pending.popleft()

    def _lose(self) -> None:
        if self._open and not self._told:
            self._told = True
            raise InputError(self._eyes.place, self._eyes.trouble())

    def close(self) -> None:
        """Let the camera go and end the process; harmless when repeated."""
        with self._lock:
            self._open = False
        self._eyes.close()

    def health(self) -> Health:
        """Return the state, what is amiss, what smoothing costs, and the counters."""
        message, counters, state = self._eyes.message(), self._eyes.counters(), self._eyes.state
        if not self._open:
            return Health("closed", "", counters)
        if state in ("failed", "ended"):
            return Health("lost" if state == "failed" else "ended", message, counters)
        silent = self._clock.now_ns() - self._came_ns > _STALE_NS
        if silent and state == "live" and self._eyes.sees_nobody:
            message = f"{self._eyes.place}: nobody is seen\n{message}"
        return Health("stale" if state == "stale" or silent else "live", message, counters)

    @property
    def pid(self) -> int | None:
        """Return the id of the camera's process, None where there is none just now."""
        return self._eyes.pid


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> WebcamSensor:
    """Make the sensor of `webcam:0?people=1&smooth=light&rotate=0&mirror=0&fov=60&width=640&height=480&rate=30`.

    Also `stream=NAME` and `model=PATH`; the path is a camera's number or its device, such as /dev/video2. Raises
    UriError for an unknown option or a value out of range.
    """
    place = f"webcam:{path}"
    check_keys(place, options, _OPTIONS)
    if not path:
        raise UriError(place, "no camera is named", mend="write webcam:0")
    name = "webcam" if path == "0" else f"webcam{path}" if path.isdigit() else "webcam-" + path.rpartition("/")[2]
    return WebcamSensor(
        path,
        clock=clock,
        sight=sight_of(place, options, name),
        width=whole(place, options, "width", 640, 160, 4096),
        height=whole(place, options, "height", 480, 120, 4096),
        rate_hz=number(place, options, "rate", 30.0, 1.0, 240.0),
    )
