"""A camera that is kept going: the newest frame, whatever the driver does. Runs in the worker's process only.

What drivers do after a cable is pulled: the last frame for ever with `ret` True, None with `ret` True, False at once,
or nothing at all (OpenCV issues 5221, 14044, 4468, 10927). So a frame counts only when it differs from the last.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..engine.clock import NS_PER_S
from ..engine.errors import EmotusError
from .capture import Capture
from .sighting import Pixels

_MISS_S: Final = 0.05  # before asking again where there was no frame: no busy loop


@dataclass(frozen=True, slots=True)
class Limits:
    """Say after how long a camera counts as lost, when its driver is given up, and how often it is opened again."""

    lost_s: float = 0.7
    blocked_s: float = 1.5
    retry_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Shot:
    """Hold one frame: pixels (H, W, 3) BGR, the monotonic time it came, and its number."""

    pixels: Pixels
    t_ns: int
    number: int


class Camera:
    """Keep the newest frame of a camera, and open it again when it is lost.

    A thread reads all the time, so that no driver's queue makes frames old. Frames equal to the one before are passed
    over; when nothing new has come for limits.lost_s, `trouble` says so.
    """

    def __init__(self, opener: Callable[[], Capture], limits: Limits = Limits()) -> None:
        self._opener = opener
        self._limits = limits
        self._fresh = threading.Condition()
        self._shot: Shot | None = None
        self._number = 0
        self._print = -1
        self._new_ns = time.monotonic_ns()  # when a frame last differed from the one before
        self._asked_ns: int | None = None  # when the driver was asked for what it has not answered yet
        self._why = ""
        self._closed = False
        self._device: Capture | None = None
        self.rate_hz = 30.0

    def start(self, *, patient: bool) -> None:
        """Open the camera and film; raises the opener's InputError, unless patient: then it is tried for ever."""
        try:
            self._device = self._opener()
            self.rate_hz = self._device.rate_hz
        except EmotusError as error:
            if not patient:
                raise
            self._why = str(error)
        self._new_ns = time.monotonic_ns()
        threading.Thread(target=self._film, name="camera", daemon=True).start()

    def newest(self, wait_s: float) -> Shot | None:
        """Return the newest frame, once, waiting for it at most so long."""
        with self._fresh:
            if self._shot is None:
                self._fresh.wait(wait_s)
            shot, self._shot = self._shot, None
            return shot

    def trouble(self) -> str:
        """Return why nothing new has come for too long, "" where all is well."""
        silent_s = (time.monotonic_ns() - self._new_ns) / NS_PER_S
        if silent_s < self._limits.lost_s:
            return ""
        return self._why or "no picture comes"

    def blocked(self) -> bool:
        """Tell whether the driver has not answered for so long that only ending the process helps."""
        asked_ns = self._asked_ns
        return asked_ns is not None and time.monotonic_ns() - asked_ns > self._limits.blocked_s * NS_PER_S

    def close(self) -> None:
        """Stop filming; the thread lets the device go."""
        self._closed = True

    def _film(self) -> None:
        while not self._closed:
            self._asked_ns = time.monotonic_ns()
            try:
                device = self._device = self._device or self._opener()
                read = device.read()
            except EmotusError as error:
                read, self._why, self._device = None, str(error), None
            self._asked_ns = None
            if read is None or not self._take(read[0]):
                self._miss(got_none=read is None)
        if self._device is not None:
            self._device.close()

    def _take(self, pixels: Pixels) -> bool:
        """Keep a frame that differs from the last one."""
        print_of = zlib.crc32(pixels[::8, ::8].tobytes())
        if print_of == self._print:
            return False
        self._print, self._new_ns, self._why = print_of, time.monotonic_ns(), ""
        with self._fresh:
            self._number += 1
            self._shot = Shot(pixels, self._new_ns, self._number)
            self._fresh.notify()
        return True

    def _miss(self, *, got_none: bool) -> None:
        """Wait a little; let a device go that has given nothing new for too long, and open it again later."""
        lost = (time.monotonic_ns() - self._new_ns) / NS_PER_S >= self._limits.lost_s
        if self._device is not None:
            self._why = "no picture comes (unplugged?)" if got_none else "the same picture comes again and again"
            if lost:
                self._device.close()
                self._device = None
        time.sleep(self._limits.retry_s if self._device is None else _MISS_S)
