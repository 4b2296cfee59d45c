"""Perform BVH files and streams: `bvh:PATH?speed=1&loop=0&follow=0`, and `bvh:-` for standard input."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final, Literal

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import EmotusError, UriError
from ..engine.pose import Pose
from .base import Health
from .bvh_body import Reading
from .bvh_feed import FileFeed, PipeFeed
from .bvh_frames import Frame, Frames, RecordedFrames, StreamedFrames
from .info import Option, SensorInfo, stream_option
from .options import check_keys, number, switch

STANDARD_INPUT: Final = "-"
FOLLOW_TIMEOUT_S: Final = 5.0
_WAIT_NS: Final = NS_PER_S // 10  # what read() waits at most
_LOOK_NS: Final = NS_PER_S // 100  # between two looks at a stream
_STALE_NS: Final = NS_PER_S  # a stream that is silent so long is stale
_OPTIONS: Final = ("speed", "loop", "follow", "stream", "timeout", "up", "unit", "table")
INFOS: Final = (
    SensorInfo(
        "bvh",
        "bvh:PATH or bvh:-",
        "a BVH file, one that is still being written, or BVH text on standard input",
        (
            Option("speed", "1 plays at the file's rate, 2 twice as fast, 0 every frame at once", "1"),
            Option("loop", "1 begins again at the end", "0"),
            Option("follow", "1 gives the frames of a file that is being written as they come", "0"),
            stream_option("the file's name"),
            Option("timeout", "with follow: seconds without a new frame until it has ended", "5"),
            Option("up", "the file's upward axis: x, y, z, -x, -y, -z; guessed unless given"),
            Option("unit", "the file's unit: m, cm, mm, in; guessed unless given"),
            Option("table", "the retarget table to take, by name; found unless given"),
        ),
        "bvh:walk.bvh?loop=1",
        gives="up to 21 joints with rotations",
    ),
)
_UNITS_M: Final = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
_STATES: Final[dict[str, Literal["closed", "ended", "lost"]]] = {"closed": "closed", "ended": "ended", "lost": "lost"}
_STREAM: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class BvhSensor:
    """Perform one BVH file, or one text that comes through standard input (path "-").

    speed: 1 at the file's rate, 2 twice as fast; 0 every frame as soon as it is asked for, with the time it would have
    had, and `live` is then False. loop: begin again at the end, with times and numbers that go on rising. follow: give
    each frame of a file that is still being written, or of standard input, when it comes and with that time; a file
    that has not grown for follow_timeout_s has ended. stream: the performer's id, after the file's name unless given.
    reading: overrules what would be guessed of the skeleton. pipe: read this instead of standard input.

    open raises BvhError for a file that cannot be read and SkeletonError where there is no body in it; with follow and
    with standard input, read does.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Clock,
        speed: float = 1.0,
        loop: bool = False,
        follow: bool = False,
        stream: str | None = None,
        follow_timeout_s: float = FOLLOW_TIMEOUT_S,
        reading: Reading = Reading(),  # noqa: B008 - frozen
        pipe: BinaryIO | None = None,
    ) -> None:
        self._clock = clock
        self._speed = speed
        self._follow = follow
        self._stream = stream or stream_of(path)
        self._frames: Frames
        if str(path) == STANDARD_INPUT:
            self._frames = StreamedFrames(PipeFeed(pipe), "bvh:-", clock, reading)
        elif follow:
            self._frames = StreamedFrames(FileFeed(path, clock, follow_timeout_s), str(path), clock, reading)
        else:
            self._frames = RecordedFrames(path, reading, loop=loop)
        self.live = follow or speed > 0
        self.rate_hz = self._frames.rate_hz
        self._lock = threading.Lock()
        self._busy = threading.Lock()  # held while frames are made
        self._state = "closed"
        self._rewind()

    def _rewind(self) -> None:
        self._held: Frame | None = None  # taken, but not yet due
        self._given = 0
        self._start_ns = 0
        self._came_ns = 0  # when the last frame was given

    def open(self) -> None:
        """Read and match the file, or begin to listen."""
        self._frames.open()
        with self._lock:
            self._rewind()
            self.rate_hz = self._frames.rate_hz * (self._speed or 1.0)
            self._start_ns = self._came_ns = self._clock.now_ns()
            self._state = "live"

    def read(self) -> Pose | None:
        """Return the next frame when its time has come, or None after 0.1 s, at the end and when closed."""
        if self._state != "live":
            return None
        deadline_ns = self._clock.now_ns() + _WAIT_NS
        while (frame := self._held or self._next()) is None and not self._frames.ended:
            if self._clock.now_ns() >= deadline_ns:
                return None
            self._clock.sleep_until_ns(min(deadline_ns, self._clock.now_ns() + _LOOK_NS))
        if frame is None:
            with self._lock:
                self._state = "ended" if self._state == "live" else self._state
            return None
        return self._when_due(frame, deadline_ns)

    def _next(self) -> Frame | None:
        """Return the next frame that has come; a text that cannot be read is lost, and says why once."""
        try:
            with self._busy:
                return self._frames.next()
        except EmotusError:
            with self._lock:
                self._state = "lost"
            raise

    def _when_due(self, frame: Frame, deadline_ns: int) -> Pose | None:
        """Return the frame as a pose; keep it and return None when it is not due before the deadline."""
        t_ns = self._time_of(frame)
        if self.live and not self._follow:
            self._clock.sleep_until_ns(min(t_ns, deadline_ns))
            if t_ns > deadline_ns:
                self._held = frame
                return None
        with self._lock:
            if self._state != "live":
                return None
            self._held = None
            seq = self._given % 2**32
            self._given += 1
            self._came_ns = self._clock.now_ns()
        travels = self._frames.travels
        return Pose(self._stream, seq, t_ns, frame.positions, frame.confidence, frame.rotations, travels=travels)

    def _time_of(self, frame: Frame) -> int:
        """Return when the frame was captured; a stream that stood still goes on from when it came again."""
        if self._follow and frame.t_ns is not None:
            return frame.t_ns
        self.rate_hz = self._frames.rate_hz * (self._speed or 1.0)
        t_ns = self._start_ns + round(self._given * NS_PER_S / self.rate_hz)
        if frame.t_ns is not None and self._speed > 0 and frame.t_ns - t_ns > _WAIT_NS:
            self._start_ns += frame.t_ns - t_ns
            return frame.t_ns
        return t_ns

    def close(self) -> None:
        """Stop and free everything; harmless when repeated."""
        with self._lock:
            self._state = "closed"
        with self._busy:  # a read on another thread ends first
            self._frames.close()
        self._held = None

    def health(self) -> Health:
        """Return the state, what was matched and what was odd, and the counters."""
        with self._lock:
            state, given, came_ns = self._state, self._given, self._came_ns
        counters = {"received": given, "dropped_malformed": self._frames.dropped}
        message = "\n".join(self._frames.notes)
        if state == "live":
            silent = self.live and self._clock.now_ns() - came_ns > _STALE_NS
            return Health("stale" if silent else "live", message, counters)
        return Health(_STATES[state], message, counters)


def stream_of(path: str | Path) -> str:
    """Return a stream id after the file's name: ASCII letters, digits, _ and -, as OSC addresses need."""
    if str(path) == STANDARD_INPUT:
        return "stdin"
    return re.sub(r"[^A-Za-z0-9_-]+", "_", Path(path).stem).strip("_")[:64] or "bvh"


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> BvhSensor:
    """Make the sensor of `bvh:PATH?speed=1&loop=0&follow=0&stream=NAME&timeout=5&up=y&unit=cm&table=NAME`.

    Raises UriError for an unknown option, a value out of range and options that exclude one another.
    """
    place = f"bvh:{path}"
    check_keys(place, options, _OPTIONS)
    if not path:
        raise UriError(place, "no file is named", mend="write bvh:PATH, or bvh:- for standard input")
    loop, follow = (switch(place, options, key, default=False) for key in ("loop", "follow"))
    if loop and (follow or path == STANDARD_INPUT):
        raise UriError(place, "a stream cannot be played again", mend="leave out loop")
    if follow and "speed" in options:
        raise UriError(place, "follow gives each frame when it comes", mend="leave out speed")
    stream = options.get("stream")
    if stream is not None and not _STREAM.fullmatch(stream):
        raise UriError(place, f"stream={stream}", mend="1 to 64 letters, digits, _ or -")
    return BvhSensor(
        path,
        clock=clock,
        speed=number(place, options, "speed", 1.0, 0.0, 100.0),
        loop=loop,
        follow=follow,
        stream=stream,
        follow_timeout_s=number(place, options, "timeout", FOLLOW_TIMEOUT_S, 0.1, 3600.0),
        reading=_reading(place, options),
    )


def _reading(place: str, options: Mapping[str, str]) -> Reading:
    """Return what is told of the skeleton."""
    unit, up = options.get("unit"), options.get("up")
    if unit is not None and unit not in _UNITS_M:
        raise UriError(place, f"unit={unit}", mend=f"one of {', '.join(_UNITS_M)}")
    if up is not None and not re.fullmatch(r"[+-]?[xyzXYZ]", up):
        raise UriError(place, f"up={up}", mend="x, y, z, -x, -y or -z")
    return Reading(up, None if unit is None else _UNITS_M[unit], options.get("table"))
