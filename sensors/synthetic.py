"""A performer made by rule, so that everything can be tried without hardware or data: `synthetic:EMOTION`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

import numpy as np

from ..engine.body import JOINT_COUNT
from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import UriError
from ..engine.pose import Pose
from ..engine.skeleton import Float32
from .base import Health
from .info import Option, SensorInfo, stream_option
from .options import check_keys, number, stream_name, whole
from .synthetic_body import SyntheticBody
from .synthetic_styles import canonical_emotion, known_emotions

_WAIT_NS: Final = NS_PER_S // 10  # what read() waits at most
_BLOCK: Final = 32  # frames made at once
_OPTIONS: Final = ("rate", "speed", "seed", "seconds", "stream")
INFOS: Final = (
    SensorInfo(
        "synthetic",
        "synthetic:EMOTION",
        f"a performer made by rule, no hardware needed: {', '.join(known_emotions())}",
        (
            Option("rate", "frames a second", "60"),
            Option("speed", "2 plays twice as fast, 0 every frame at once", "1"),
            Option("seed", "another number is another performer", "0"),
            Option("seconds", "its length; 0 is for ever", "0"),
            stream_option("synthetic-EMOTION"),
        ),
        "synthetic:happy?seconds=20",
        gives="all 21 joints with rotations",
    ),
)


class SyntheticSensor:
    """Perform one emotion, or a tour of them all, walking a circle and making gestures.

    emotion: angry, happy, sad, proud, unsure, neutral, tour, in any case, or an alias such as joy. rate_hz: frames a
    second of the performance. seconds: its length, None for ever. speed: 2 plays twice as fast; 0 gives every frame
    at once, with the time it would have had, and `live` is then False. A reader late by more than 0.1 s finds the
    frames in between dropped and counted. Raises UriError for an unknown emotion.
    """

    def __init__(
        self,
        emotion: str,
        *,
        clock: Clock,
        rate_hz: float = 60.0,
        seconds: float | None = None,
        speed: float = 1.0,
        seed: int = 0,
        stream: str = "synthetic",
    ) -> None:
        known = canonical_emotion(emotion)
        if known is None:
            place = f"synthetic:{emotion}"
            raise UriError(place, f"unknown emotion {emotion!r}", mend=f"known are {', '.join(known_emotions())}")
        self.emotion = known
        self.rate_hz = rate_hz * speed if speed > 0 else rate_hz
        self.live = speed > 0
        self._clock = clock
        self._stream = stream
        self._step_ns = NS_PER_S / self.rate_hz
        self._length = None if seconds is None else round(seconds * rate_hz)
        self._body = SyntheticBody(known, rate_hz=rate_hz, seed=seed)
        self._confidence = np.ones(JOINT_COUNT, dtype=np.float32)
        self._confidence.flags.writeable = False
        self._lock = threading.Lock()
        self._state = "closed"
        self._rewind()

    def _rewind(self) -> None:
        self._frame = 0  # the next of the performance
        self._dropped = 0
        self._start_ns = 0
        self._block: tuple[Float32, Float32] | None = None

    def open(self) -> None:
        """Begin the performance from its first frame."""
        with self._lock:
            self._rewind()
            self._body.reset()
            self._start_ns = self._clock.now_ns()
            self._state = "live"

    def read(self) -> Pose | None:
        """Return the next frame when its time has come, or None after 0.1 s, at the end and when closed."""
        due_ns = self._due_ns()
        if due_ns is None:
            return None
        if self.live:
            now_ns = self._clock.now_ns()
            self._clock.sleep_until_ns(min(due_ns, now_ns + _WAIT_NS))
            if due_ns > now_ns + _WAIT_NS:
                return None
        with self._lock:
            return self._take() if self._state == "live" else None

    def close(self) -> None:
        """Stop; harmless when repeated."""
        with self._lock:
            self._state = "closed"
            self._block = None

    def health(self) -> Health:
        """Return the state and the frames given and dropped."""
        with self._lock:
            state = self._state
            counters = {"received": self._frame, "dropped_late": self._dropped}
        if state == "live":
            return Health("live", f"performing {self.emotion}", counters)
        return Health("ended" if state == "ended" else "closed", "", counters)

    def _due_ns(self) -> int | None:
        """Return when the next frame is due; None when there is none, or when it only now turned out so."""
        with self._lock:
            if self._state != "live":
                return None
            if self._length is not None and self._frame >= self._length:
                self._state = "ended"
                return None
            return self._time_ns()

    def _time_ns(self) -> int:
        return self._start_ns + round((self._frame + self._dropped) * self._step_ns)

    def _take(self) -> Pose:
        """Make the frame that is due; after a long silence of the reader the performance goes on from now."""
        late_ns = self._clock.now_ns() - self._time_ns()
        if self.live and late_ns > _WAIT_NS:
            self._dropped += int(late_ns / self._step_ns)
        positions, rotations = self._next()
        seq, t_ns = (self._frame + self._dropped) % 2**32, self._time_ns()
        self._frame += 1
        return Pose(self._stream, seq, t_ns, positions, self._confidence, rotations)

    def _next(self) -> tuple[Float32, Float32]:
        """Return positions (21, 3) and rotations (21, 4) of the next frame."""
        at = self._frame % _BLOCK
        if at == 0 or self._block is None:
            self._block = self._body.frames(_BLOCK)
        positions, rotations = self._block
        return positions[at], rotations[at]


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> SyntheticSensor:
    """Make the sensor of `synthetic:EMOTION?rate=60&speed=1&seed=0&seconds=20&stream=NAME`; raises UriError.

    The stream is named after the emotion unless told otherwise, so that several performers keep apart.
    """
    place = f"synthetic:{path}"
    check_keys(place, options, _OPTIONS)
    seconds = number(place, options, "seconds", 0.0, 0.0, 1e9)
    return SyntheticSensor(
        path,
        clock=clock,
        rate_hz=number(place, options, "rate", 60.0, 5.0, 1000.0),
        seconds=seconds or None,
        speed=number(place, options, "speed", 1.0, 0.0, 100.0),
        seed=whole(place, options, "seed", 0, 0, 2**31),
        stream=stream_name(place, options, f"synthetic-{canonical_emotion(path) or 'unknown'}"),
    )
