"""Play a recorded show again: `mcap:PATH?speed=1&loop=0&from=0&to=0`, every performer of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import PacketError, UriError
from ..engine.pose import Pose
from ..engine.recording import decode_pose
from ..engine.recording_reader import RecordingError, RecordingReader
from ..engine.streams import MODEL_RATE_HZ
from .info import Option, SensorInfo
from .options import check_keys, number, stream_name, switch
from .replay import Recording, Replay, stream_of

_OPTIONS: Final = ("speed", "loop", "from", "to", "stream")
MAX_FRAMES: Final = 2_000_000  # of all performers; eighteen hours of one

INFOS: Final = (
    SensorInfo(
        "mcap",
        "mcap:PATH",
        "a show that was recorded with --record: every performer of it, as she was analysed",
        (
            Option("speed", "how much faster than it was recorded; 0: as fast as possible", "1"),
            Option("loop", "1: begin again at the end", "0"),
            Option("from", "seconds from its beginning at which to begin", "0"),
            Option("to", "seconds from its beginning at which to end; 0: at its own end", "0"),
            Option("stream", "only the performer of this name; all of them unless given"),
        ),
        "mcap:show.mcap?speed=0",
        gives="the poses that were analysed, at 30 a second",
    ),
)


@dataclass(frozen=True, eq=False)
class _Show(Recording):
    """Hold the frames of all performers in the order of their times, and whose each is."""

    poses: tuple[Pose, ...] = ()


class McapSensor(Replay):
    """Perform one recorded show; speed and loop are those of Replay.

    from_s, to_s: what part of it, in seconds from its first pose; to_s 0 is its end. only: the one stream to perform,
    None for all. open raises RecordingError for a file that is no recording or has no pose in it.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Clock,
        speed: float = 1.0,
        loop: bool = False,
        from_s: float = 0.0,
        to_s: float = 0.0,
        only: str | None = None,
    ) -> None:
        super().__init__(
            lambda: load_show(path, from_s=from_s, to_s=to_s, only=only),
            clock=clock,
            stream=stream_of(path),
            speed=speed,
            loop=loop,
        )

    def _take(self, t_ns: int) -> Pose:
        recording, at = self._recording, self._at
        assert isinstance(recording, _Show)  # noqa: S101 - what this sensor loads
        self._at += 1
        self._given += 1
        pose = recording.poses[at]
        seq = (pose.seq + self._rounds * (int(recording.seq.max()) + 1)) % 2**32
        return Pose(
            pose.stream, seq, t_ns, pose.positions, pose.confidence, pose.rotations, pose.travels, pose.interpolated
        )


def load_show(path: str | Path, *, from_s: float = 0.0, to_s: float = 0.0, only: str | None = None) -> _Show:
    """Read the poses of a recording, as far as it is sound; raises RecordingError."""
    place = str(path)
    poses: list[Pose] = []
    broken = 0
    try:
        with Path(path).open("rb") as file:
            reader = RecordingReader(file, place)
            for message in reader:
                if message.schema != "emotus.pose":
                    continue
                try:
                    pose = decode_pose(message.data)
                except PacketError:
                    broken += 1
                    continue
                if only is None or pose.stream == only:
                    poses.append(pose)
                if len(poses) > MAX_FRAMES:
                    raise RecordingError(place, f"has more than {MAX_FRAMES} poses", mend="play part of it: from=, to=")
    except OSError as error:
        raise RecordingError(place, (error.strerror or str(error)).lower(), mend="check the name") from None
    kept = _part(sorted(poses, key=lambda pose: pose.t_ns), from_s, to_s)
    if not kept:
        whose = "" if only is None else f" of {only}"
        raise RecordingError(place, f"holds no pose{whose} there", mend="check from=, to= and stream=")
    return _show(kept, reader, broken)


def _part(poses: list[Pose], from_s: float, to_s: float) -> list[Pose]:
    """Return the poses between two moments, in seconds from the first."""
    if not poses:
        return []
    begin = poses[0].t_ns + from_s * NS_PER_S
    end = poses[0].t_ns + to_s * NS_PER_S if to_s else math.inf
    return [pose for pose in poses if begin <= pose.t_ns <= end]


def _show(poses: list[Pose], reader: RecordingReader, broken: int) -> _Show:
    streams = sorted({pose.stream for pose in poses})
    seconds = (poses[-1].t_ns - poses[0].t_ns) / NS_PER_S
    notes = [f"a recorded show of {seconds:.1f} s: {len(poses)} poses of {', '.join(streams)}"]
    if reader.torn:
        notes.append(f"the recording is not sound ({reader.torn}); emotus recover makes a proper one of what is")
    times: NDArray[np.int64] = np.array([pose.t_ns - poses[0].t_ns for pose in poses], dtype=np.int64)
    return _Show(
        t_ns=times,
        seq=np.array([pose.seq for pose in poses], dtype=np.int64),
        positions=np.zeros((0, 0, 3), dtype=np.float32),  # each pose has its own
        confidence=np.zeros((0, 0), dtype=np.float32),
        rotations=None,
        rate_hz=MODEL_RATE_HZ,
        counters={"dropped_malformed": broken, "damaged_chunks": reader.damaged},
        notes=tuple(notes),
        poses=tuple(poses),
    )


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> McapSensor:
    """Make the sensor of `mcap:PATH?speed=1&loop=0&from=0&to=0&stream=NAME`; raises UriError."""
    place = f"mcap:{path}"
    check_keys(place, options, _OPTIONS)
    if not path:
        raise UriError(place, "no file is named", mend="write mcap:PATH")
    from_s, to_s = (number(place, options, key, 0.0, 0.0, 1e6) for key in ("from", "to"))
    if to_s and to_s <= from_s:
        raise UriError(place, f"from={from_s:g} is not before to={to_s:g}", mend="to=0 is the end")
    return McapSensor(
        path,
        clock=clock,
        speed=number(place, options, "speed", 1.0, 0.0, 100.0),
        loop=switch(place, options, "loop", default=False),
        from_s=from_s,
        to_s=to_s,
        only=stream_name(place, options, "all") if "stream" in options else None,
    )
