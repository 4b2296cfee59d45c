"""Turn Xsens datagrams into poses: each character of MVN is a stream of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ..engine.pose import Pose
from . import xsens_layout as layout
from .foreign_clock import ForeignClock
from .xsens_actor import Actor, Frame
from .xsens_parts import Parts
from .xsens_wire import (
    Header,
    Items,
    body_segments,
    read_datagram,
    read_items,
    read_metadata,
    read_null_pose,
    read_time_code,
)

CHARACTERS: Final = 16  # of one MVN; more are counted and passed over
_POSES: Final = (layout.EULER, layout.QUATERNION, layout.LINEAR, layout.ANGULAR)
_OTHERS: Final = (layout.JOINT_ANGLES, layout.TRACKERS, layout.CENTRE_OF_MASS)
USUAL_RATE_HZ: Final = 60.0  # until two samples have come


class XsensDecoder:
    """Read MXTP01, 02, 12, 13 and 20 to 25; pass over any other type, counted.

    A pose comes from MXTP02, or from MXTP21 and MXTP22 of one sample where no MXTP02 comes, or from MXTP01, whose
    Euler angles are in no stated order, so that only its positions are used. stream: name of character 0; the others
    are stream-1, stream-2 and so on. unit_m, up: overrule what is guessed. Bounded: 16 characters, and for each one
    body and one datagram of each type.
    """

    def __init__(
        self, place: str = "xsens", *, stream: str = "xsens", unit_m: float | None = None, up: str | None = None
    ) -> None:
        self._place = place
        self._stream = stream
        self._unit_m = unit_m
        self._up = up
        self._parts = Parts()
        self._clock = ForeignClock()
        self.reset()

    def reset(self) -> None:
        """Forget every character."""
        self._parts.reset()
        self._clock.reset()
        self._actors: dict[int, Actor] = {}
        self._counts: Counter[str] = Counter()
        self._time_code = ""
        self._passed_over: set[int] = set()
        self.rate_hz = USUAL_RATE_HZ

    @property
    def counters(self) -> Mapping[str, int]:
        """Return the samples that were never whole, parts that came twice, and what was passed over, by reason."""
        counts = {"dropped_incomplete": self._parts.dropped, "dropped_repeated": self._parts.repeated}
        counts |= self._counts
        for actor in self._actors.values():
            for reason, count in actor.counts.items():
                counts[reason] = counts.get(reason, 0) + count
        return counts

    @property
    def notes(self) -> Sequence[str]:
        """Say who is heard, how they are read, and what cannot be used."""
        notes = [actor.note for actor in self._actors.values() if actor.note]
        if layout.UNITY in self._passed_over:
            notes.append("MXTP05 (Unity3D) is passed over: choose Position + Orientation (Quaternion) in MVN")
        if self._time_code:
            notes.append(f"MVN's clock: {self._time_code} UTC")
        return notes

    def characters(self) -> Mapping[str, str]:
        """Return the name that MVN gave each stream's character, "" where it has not come yet."""
        return {actor.stream: actor.name for actor in self._actors.values()}

    def feed(self, data: bytes, t_ns: int) -> Iterable[Pose]:
        """Return the pose that a datagram completes, if any; raise PacketError."""
        header, payload = read_datagram(data)
        if header.kind in _POSES or header.kind in _OTHERS:
            return self._sample(header, payload, t_ns)
        if header.kind == layout.METADATA:
            name = read_metadata(payload).get("name", "")
            if (actor := self._actor(header)) is not None:
                actor.name = name
        elif header.kind == layout.NULL_POSE:
            told = read_null_pose(payload)
            if (actor := self._actor(header)) is not None:
                actor.take_null_pose(told)
        elif header.kind == layout.TIME_CODE:
            self._time_code = read_time_code(payload)
        else:
            self._passed_over.add(header.kind)
            self._counts["passed_over_type"] += 1
        return ()

    def _actor(self, header: Header) -> Actor | None:
        """Return a character, or None, counted, where there are too many."""
        actor = self._actors.get(header.character)
        if actor is None and len(self._actors) < CHARACTERS:
            stream = self._stream if header.character == 0 else f"{self._stream}-{header.character}"
            actor = self._actors[header.character] = Actor(stream, self._place, self._clock, self._unit_m, self._up)
        elif actor is None:
            self._counts["dropped_character"] += 1
        return actor

    def _sample(self, header: Header, payload: bytes, t_ns: int) -> tuple[Pose, ...]:
        """Take a part of a sample that is made of items."""
        whole = self._parts.add(header, payload)
        if whole is None:
            return ()
        items = read_items(header.kind, *whole)
        if header.kind in _OTHERS:
            return ()
        body, segments = body_segments(header, items)
        actor = self._actor(header)
        frame = None if actor is None else self._frame(actor, header, body, segments)
        if actor is None or frame is None:
            return ()
        pose = actor.pose(frame, header, t_ns)
        if actor.rate_hz:
            self.rate_hz = actor.rate_hz
        return () if pose is None else (pose,)

    def _frame(self, actor: Actor, header: Header, body: Items, segments: tuple[int, ...]) -> Frame | None:
        """Return segments with positions and orientations; of MXTP21 and MXTP22 once both of a sample have come."""
        if header.kind == layout.QUATERNION:
            return Frame(3, segments, body["position"], body["rotation"])
        if header.kind == layout.EULER:
            return Frame(1, segments, body["position"], None)
        other = layout.ANGULAR if header.kind == layout.LINEAR else layout.LINEAR
        actor.latest[header.kind] = (header.sample, body)
        sample, found = actor.latest.get(other, (-1, body))
        if sample != header.sample or found["id"].tobytes() != body["id"].tobytes():
            return None
        linear, angular = (body, found) if header.kind == layout.LINEAR else (found, body)
        return Frame(2, segments, linear["position"], angular["rotation"])
