"""What a recording holds, as plain frames and plain values: read once, from the front, as far as it is sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from ..engine.body import JOINT_COUNT
from ..engine.errors import PacketError
from ..engine.recording import decode_pose
from ..engine.recording_reader import Message, RecordingError, RecordingReader
from ..engine.skeleton import Float32

POSES: Final = ("emotus.pose", "emotus.motion")
_DEEPEST: Final = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """Hold one frame of one performer, seen or generated.

    positions: (21, 3) metres. confidence: (21,), None where it was generated. rotations: (21, 4) local or None.
    """

    kind: str
    stream: str
    seq: int
    t_ns: int
    positions: Float32
    confidence: Float32 | None
    rotations: Float32 | None
    interpolated: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """Hold one value of one event that is no frame: ("emotion", "probs.happy", 0.5)."""

    kind: str
    stream: str
    seq: int
    t_ns: int
    name: str
    value: float | str | bool


class Show:
    """Give the frames and values of a recording, and know afterwards what of it could not be read.

    only: the one stream that is asked for, None for all. unread: messages that made no sense. torn: as of the reader.
    """

    def __init__(self, path: Path, *, only: str | None = None) -> None:
        self._path = path
        self._only = only
        self.unread = self.damaged = 0
        self.torn = ""

    def __iter__(self) -> Iterator[Frame | list[Value]]:
        """Yield a frame, or the values of another event, one message after another; raise RecordingError."""
        place = str(self._path)
        try:
            with self._path.open("rb") as file:
                reader = RecordingReader(file, place)
                for message in reader:
                    yield from self._read(message)
                self.torn, self.damaged = reader.torn, reader.damaged
        except OSError as error:
            raise RecordingError(place, (error.strerror or str(error)).lower(), mend="check the name") from None

    def frames(self) -> Iterator[Frame]:
        """Yield the frames alone."""
        return (each for each in self if isinstance(each, Frame))

    def _read(self, message: Message) -> Iterator[Frame | list[Value]]:
        stream, _, _ = message.topic.strip("/").rpartition("/")
        if self._only is not None and stream != self._only:
            return
        try:
            yield _frame(message) if message.schema in POSES else _values(message)
        except PacketError:
            self.unread += 1


def _frame(message: Message) -> Frame:
    if message.schema == "emotus.pose":
        pose = decode_pose(message.data)
        told = (pose.positions, pose.confidence, pose.rotations, pose.interpolated)
        return Frame("pose", pose.stream, pose.seq, pose.t_ns, *told)
    event = _object(message)
    positions, rotations = _rows(event.get("joints"), 3), _rows(event.get("rotations"), 4)
    return Frame("motion", *_head(event), positions, None, rotations)


def _rows(rows: Any, width: int) -> Float32:
    """Return (21, width) finite numbers; raises PacketError for anything else."""
    try:
        array = np.array(rows, dtype=np.float32)
    except (TypeError, ValueError):
        raise PacketError("rows that are no numbers") from None
    if array.shape != (JOINT_COUNT, width) or not np.isfinite(array).all():
        raise PacketError(f"rows of shape {array.shape}")
    return array


def _values(message: Message) -> list[Value]:
    event = _object(message)
    kind, head = str(event.get("type", "")), _head(event)
    rest = {name: value for name, value in event.items() if name not in ("v", "type", "stream", "seq", "t_ns")}
    return [Value(kind, *head, name, value) for name, value in _flat("", rest, 0)]


def _flat(name: str, value: Any, depth: int) -> Iterator[tuple[str, float | str | bool]]:
    """Yield the path and value of every leaf."""
    if depth > _DEEPEST:
        raise PacketError("an event in too many layers")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        if isinstance(value, (bool, int, float, str)):
            yield name, value
        return
    for key, inner in items:
        yield from _flat(f"{name}.{key}" if name else str(key), inner, depth + 1)


def _object(message: Message) -> dict[str, Any]:
    try:
        event = msgspec.json.decode(message.data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise PacketError(str(error)[:100]) from None
    if not isinstance(event, dict):
        raise PacketError("an event that is no object")
    return event


def _head(event: dict[str, Any]) -> tuple[str, int, int]:
    stream, seq, t_ns = event.get("stream"), event.get("seq"), event.get("t_ns")
    if not (isinstance(stream, str) and isinstance(seq, int) and isinstance(t_ns, int)):
        raise PacketError("an event without stream, number and time")
    return stream, seq, t_ns
