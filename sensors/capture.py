"""Pictures from a camera or a video file, by OpenCV. Runs in the worker's process only; nothing is ever written."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from typing import Any, Final, Protocol

from ..engine.errors import InputError
from .sighting import Pixels

_USUAL_HZ: Final = 30.0
_FASTEST_HZ: Final = 240.0


class Capture(Protocol):
    """Give pictures one after another."""

    rate_hz: float

    def read(self) -> tuple[Pixels, float] | None:
        """Return the next picture and its time in the recording in seconds; None where there is none."""
        ...

    def close(self) -> None:
        """Let the device or file go."""
        ...


class OpenCvCapture:
    """Read a cv2.VideoCapture that is open already."""

    def __init__(self, device: Any, cv2: Any) -> None:
        self._device = device
        told = float(device.get(cv2.CAP_PROP_FPS))
        self.rate_hz = told if math.isfinite(told) and 0 < told <= _FASTEST_HZ else _USUAL_HZ
        self._time = cv2.CAP_PROP_POS_MSEC
        self._number = 0
        self._last_s = -1.0

    def read(self) -> tuple[Pixels, float] | None:
        """Return the next picture and its time; where the file's own times do not rise they are counted."""
        fine, pixels = self._device.read()
        if not fine or pixels is None:
            return None
        told_s = float(self._device.get(self._time)) / 1e3
        counted_s = self._number / self.rate_hz
        rises = math.isfinite(told_s) and told_s > self._last_s and abs(told_s - counted_s) < 1.0 + counted_s
        self._last_s = told_s if rises else max(counted_s, self._last_s + 1 / self.rate_hz)
        self._number += 1
        return pixels, self._last_s

    def close(self) -> None:
        """Release the device."""
        self._device.release()


def _opencv(place: str) -> Any:
    """Import OpenCV; raises InputError where it, or a library of the system that it wants, is missing."""
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        mend = "apt install libgl1 libglib2.0-0, or their like, where a .so file is missing; see docs/sensors/webcam.md"
        raise InputError(place, f"OpenCV cannot be loaded: {error}", mend=mend) from error


def open_camera(settings: Mapping[str, Any]) -> Capture:
    """Open the camera settings["source"], a number or a device's path; raises InputError."""
    cv2 = _opencv(settings["place"])
    source = settings["source"]
    device = cv2.VideoCapture(int(source) if str(source).isdigit() else source)
    if not device.isOpened():
        device.release()
        mend = "is it plugged in, and does no other program use it? try webcam:1; emotus doctor lists the cameras"
        raise InputError(settings["place"], "the camera cannot be opened", mend=mend)
    device.set(cv2.CAP_PROP_FOURCC, int.from_bytes(b"MJPG", "little"))
    device.set(cv2.CAP_PROP_FRAME_WIDTH, settings["width"])
    device.set(cv2.CAP_PROP_FRAME_HEIGHT, settings["height"])
    device.set(cv2.CAP_PROP_FPS, settings["rate"])
    device.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, not the oldest of a queue
    return OpenCvCapture(device, cv2)


def open_file(settings: Mapping[str, Any]) -> Capture:
    """Open the video file settings["source"]; raises InputError."""
    cv2 = _opencv(settings["place"])
    device = cv2.VideoCapture(settings["source"])
    if not device.isOpened():
        device.release()
        raise InputError(
            settings["place"], "no video can be read from it", mend="MP4 or AVI with H.264 or MJPEG is read"
        )
    return OpenCvCapture(device, cv2)
