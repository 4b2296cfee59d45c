"""Perform MVNX files: `mvnx:PATH?speed=1&loop=0`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.clock import NS_PER_MS, NS_PER_S, Clock
from ..engine.errors import UriError
from ..engine.retarget import BodyMotion
from .info import Option, SensorInfo, stream_option
from .mvnx import MvnxError, MvnxReader
from .options import check_keys, number, stream_name, switch
from .replay import Recording, Replay, stream_of
from .xsens_body import XsensBody

_OPTIONS: Final = ("speed", "loop", "stream")

INFOS: Final = (
    SensorInfo(
        "mvnx",
        "mvnx:PATH",
        "a recording of Xsens MVN, exported as MVNX version 3 or 4",
        (
            Option("speed", "how much faster than it was recorded; 0: as fast as possible", "1"),
            Option("loop", "1: begin again at the end", "0"),
            stream_option("the file's name"),
        ),
        "mvnx:take.mvnx?speed=0",
        gives="17 or 23 segments with positions and orientations",
    ),
)


class MvnxSensor(Replay):
    """Perform one MVNX file; the other arguments are those of Replay.

    open raises MvnxError for a file that cannot be read and SkeletonError where there is no body in it.
    """

    def __init__(
        self, path: str | Path, *, clock: Clock, stream: str | None = None, speed: float = 1.0, loop: bool = False
    ) -> None:
        super().__init__(
            lambda: load_recording(path), clock=clock, stream=stream or stream_of(path), speed=speed, loop=loop
        )


def load_recording(path: str | Path) -> Recording:
    """Read a file and bring its frames to the body, block by block; raises MvnxError and SkeletonError."""
    place = str(path)
    body: XsensBody | None = None
    motions: list[BodyMotion] = []
    times: list[NDArray[np.int64]] = []
    try:
        with Path(path).open("rb", buffering=0) as file:
            reader = MvnxReader(file, place)
            for block in reader.blocks():
                if body is None and len(block.positions):
                    body = XsensBody(reader.segments, block.positions[0], block.rotations[0], place, unit_m=1.0)
                if body is not None and not block.still:
                    motions.append(body.apply(block.positions, block.rotations))
                    times.append(block.times_ms)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise MvnxError(place, f"cannot be read: {reason}", mend="check the name") from None
    if body is None or not sum(map(len, times)):
        problem = f"holds no frames of movement ({reader.dropped} broken)"
        raise MvnxError(place, problem, mend="export it again from MVN")
    return _recording(reader, body, motions, np.concatenate(times))


def _recording(
    reader: MvnxReader, body: XsensBody, motions: list[BodyMotion], times_ms: NDArray[np.int64]
) -> Recording:
    """Put the blocks together."""
    head = reader.head
    notes = [f"MVNX version {head.version or '?'}: {len(times_ms)} frames of {head.name or 'somebody'}, {body.note()}"]
    if reader.dropped:
        notes.append(f"{reader.dropped} frames could not be read and were left out")
    if reader.cut_short:
        notes.append("the file ends before its frames do: it was cut short")
    positions = np.concatenate([motion.positions for motion in motions])
    return Recording(
        t_ns=_moments(times_ms, head.rate_hz),
        seq=np.arange(len(times_ms), dtype=np.int64),
        positions=positions,
        confidence=np.broadcast_to(body.match.confidence, positions.shape[:2]),
        rotations=np.concatenate([motion.rotations for motion in motions if motion.rotations is not None]),
        rate_hz=head.rate_hz,
        counters={"dropped_malformed": reader.dropped},
        notes=tuple(notes),
    )


def _moments(times_ms: NDArray[np.int64], rate_hz: float) -> NDArray[np.int64]:
    """Return when each frame was taken, in ns from the first.

    The file tells whole milliseconds, cut off: where they count as its rate does, the rate tells better.
    """
    by_rate = np.round(np.arange(len(times_ms)) * (NS_PER_S / rate_hz)).astype(np.int64)
    told = (times_ms - times_ms[0]) * NS_PER_MS
    if (times_ms < 0).any() or (np.diff(times_ms) <= 0).any() or (np.abs(told - by_rate) <= 1.5 * NS_PER_MS).all():
        return by_rate
    return told


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> MvnxSensor:
    """Make the sensor of `mvnx:PATH?speed=1&loop=0&stream=NAME`; raises UriError."""
    place = f"mvnx:{path}"
    check_keys(place, options, _OPTIONS)
    if not path:
        raise UriError(place, "no file is named", mend="write mvnx:PATH")
    return MvnxSensor(
        path,
        clock=clock,
        stream=stream_name(place, options, stream_of(path)),
        speed=number(place, options, "speed", 1.0, 0.0, 100.0),
        loop=switch(place, options, "loop", default=False),
    )
