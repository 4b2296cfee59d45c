"""Rokoko Studio in: the live JSON of its suits, several performers at once, `rokoko:udp://HOST:14043`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np

from ..engine import kinematics, quaternion
from ..engine.body import BODY, JOINT_COUNT
from ..engine.clock import Clock
from ..engine.pose import Pose
from ..engine.skeleton import Float32
from .datagram import LIVE_OPTIONS, DatagramSensor, hear_datagrams
from .info import Option, SensorInfo, stream_option
from .known_joints import fill_lacking
from .live_info import LIVE_INFO
from .options import check_keys, stream_name
from .rokoko_json import MAX_ACTORS, Actor, parse
from .source_time import SourceTime

PORT: Final = 14043
INFOS: Final = (
    SensorInfo(
        "rokoko",
        "rokoko:udp://HOST:PORT",
        "Rokoko Studio's custom streaming, JSON v2 or v3, plain or LZ4; several performers at once",
        (
            Option("actor", "the name of the one actor to read; all of them unless given"),
            stream_option("rokoko; with -ACTOR behind it unless actor= names one"),
            *LIVE_INFO,
        ),
        "rokoko:udp://127.0.0.1:14043",
        port=PORT,
        packages=(("lz4", "rokoko"),),
        gives="all 21 joints with rotations, for each actor",
    ),
)
_OPTIONS: Final = ("actor", "stream", *LIVE_OPTIONS)
_TO_HOUSE_POINT: Final = np.array([-1.0, 1.0, 1.0], dtype=np.float32)
_TO_HOUSE_TURN: Final = np.array([1.0, 1.0, -1.0, -1.0], dtype=np.float32)  # of (w, x, y, z)
_HALF: Final = JOINT_COUNT // 2


class _Performer:
    """Hold what is known of one actor: the constant turn from each bone of Studio's to the body's, and the time."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.time = SourceTime()
        self.seq = 0
        self._turns: Float32 | None = None

    def locals(self, positions: Float32, turned: Float32) -> Float32:
        """Return local rotations (21, 4) of joints at (21, 3) whose bones have Studio's global rotations (21, 4)."""
        if self._turns is None:
            made = kinematics.body_globals(positions).astype(np.float32)
            self._turns = quaternion.multiply(quaternion.conjugate(turned), made)
        return kinematics.locals_from_globals(BODY.parents, quaternion.multiply(turned, self._turns))


class RokokoDecoder:
    """Turn Studio's packets into poses, a stream for each actor: STREAM-NAME, or STREAM where only one is asked for.

    actor: the name of the one to read, "" for all. Positions are Studio's own, in metres. A bone's rotation at rest is
    not the identity in Studio and differs from bone to bone: it is seen in the first frame, whose limbs count as not
    twisted. At most MAX_ACTORS names are followed.
    """

    def __init__(self, *, stream: str = "rokoko", actor: str = "") -> None:
        self._stream = stream
        self._actor = actor
        self.reset()

    def reset(self) -> None:
        """Forget everything that was heard."""
        self.rate_hz = 60.0
        self._performers: dict[str, _Performer] = {}
        self._version = 0
        self._counts: Counter[str] = Counter()

    @property
    def counters(self) -> Mapping[str, int]:
        """Return the actors passed over, by reason."""
        return dict(self._counts)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say who is there, and what is assumed."""
        if not self._performers:
            empty = self._counts["frames_without_body"] + self._counts["skipped_actors"]
            return (f"{empty} times no body that is asked for: check Studio's actors, and actor=",) if empty else ()
        streams = ", ".join(performer.stream for performer in self._performers.values())
        twist = "limbs count as not twisted in the first frame: begin in a T-pose where twist matters"
        return (f"JSON v{self._version}: {streams}", twist)

    def feed(self, data: bytes, t_ns: int) -> list[Pose]:
        """Return a pose of each actor; raises PacketError for what is no JSON of Studio's within bounds."""
        frame = parse(data)
        self._version = frame.version
        if not frame.actors:
            self._counts["frames_without_body"] += 1
        made = (self._pose(actor, frame.timestamp_s, t_ns) for actor in frame.actors if self._is_asked(actor))
        return [pose for pose in made if pose is not None]

    def _is_asked(self, actor: Actor) -> bool:
        asked = not self._actor or actor.name == self._actor
        self._counts["skipped_actors"] += not asked
        return asked

    def _pose(self, actor: Actor, stamp_s: float | None, t_ns: int) -> Pose | None:
        """Return an actor's pose, None where it has too little of a body or comes too late."""
        known = np.isfinite(actor.positions[:, 0])
        performer = self._performer(actor.name)
        if performer is None or not known[0] or np.count_nonzero(known) < _HALF:
            self._counts["skipped_actors"] += 1
            return None
        made_ns = performer.time.of(stamp_s, t_ns)
        if made_ns is None:
            self._counts["dropped_late"] += 1
            return None
        self.rate_hz = performer.time.rate_hz
        turned = quaternion.normalise(actor.rotations * _TO_HOUSE_TURN)
        positions, turned, confidence = fill_lacking(actor.positions * _TO_HOUSE_POINT, turned)
        seq, performer.seq = performer.seq % 2**32, performer.seq + 1
        return Pose(performer.stream, seq, made_ns, positions, confidence, performer.locals(positions, turned))

    def _performer(self, name: str) -> _Performer | None:
        """Return who has this name, None for one too many."""
        found = self._performers.get(name)
        if found is None and len(self._performers) < MAX_ACTORS:
            stream = self._stream if self._actor else self._free(f"{self._stream}-{_safe(name)}")
            found = self._performers[name] = _Performer(stream)
        return found

    def _free(self, stream: str) -> str:
        """Return a stream id that nobody has yet: names that differ in other characters only become the same."""
        taken = {performer.stream for performer in self._performers.values()}
        tried, n = stream[:64], 2
        while tried in taken:
            tried, n = f"{stream[:60]}-{n}", n + 1
        return tried


def _safe(name: str) -> str:
    """Return a name as every bridge can carry it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_") or "actor"


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> DatagramSensor:
    """Make the sensor of `rokoko:udp://HOST:14043?actor=NAME&stream=NAME`; raises UriError."""
    place = f"rokoko:{path}"
    check_keys(place, options, _OPTIONS)
    decoder = RokokoDecoder(stream=stream_name(place, options, "rokoko"), actor=options.get("actor", ""))
    hint = "in Rokoko Studio switch on Livestream > Custom Streaming, JSON v3, to this address and port"
    return hear_datagrams(place, path, options, decoder, clock, default_port=PORT, hint=hint)
