"""Noitom's Perception Neuron in: the BVH broadcast of Axis Studio and Axis Neuron, `axis:tcp://HOST:7001` or udp."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..engine.body import HEIGHT_M
from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import PacketError, SkeletonError, UriError
from ..engine.pose import Pose
from ..engine.skeleton import Float64, Skeleton
from .axis_framer import AxisFramer
from .axis_frames import AxisFrame, parse
from .axis_skeleton import ORDERS, SPINES, TABLES, neuron_channels, neuron_skeleton
from .bvh import read_bvh
from .bvh_body import BvhBody, Reading
from .bvh_file import Bvh, EndSite
from .datagram import LIVE_OPTIONS, DatagramSensor, hear_datagrams
from .endpoint import parse_endpoint
from .info import Option, SensorInfo, stream_option
from .live_info import HEIGHT_INFO, LIVE_INFO
from .local_body import SHORTEST_M, TALLEST_M
from .options import check_keys, number, stream_name
from .packets import STALE_AFTER_MS
from .source_time import SourceTime
from .tcp_feed import TcpSensor

PORT: Final = 7001
INFOS: Final = (
    SensorInfo(
        "axis",
        "axis:tcp://HOST:PORT, or axis:udp://HOST:PORT",
        "Noitom Perception Neuron: the BVH broadcast of Axis Studio and Axis Neuron, text or binary",
        (
            Option("spine", "the program that sends: studio or neuron", "studio"),
            Option("order", "of the rotations, as set in the program", "YXZ"),
            Option("bvh", "a BVH file of the same performer: its joints and bones instead of the assumed ones"),
            Option("avatar", "the name of the one avatar to read; all of them unless given"),
            stream_option("axis; with -AVATAR behind it unless avatar= names one"),
            HEIGHT_INFO,
            *LIVE_INFO,
        ),
        "axis:tcp://127.0.0.1:7001",
        port=PORT,
        transport="tcp",
        gives="all 21 joints with rotations; the toes are derived",
    ),
)
_OPTIONS: Final = ("spine", "order", "bvh", "avatar", "stream", "height", *LIVE_OPTIONS)
_UDP_ONLY: Final = ("from", "most")
MAX_AVATARS: Final = 8
# Numbers before those of the hips: six of the reference joint where it is sent, and up to two words of an avatar's name
# that happen to be numbers.
_SURPLUS: Final = frozenset((0, 1, 2, 6, 7, 8))
_UNIT_M: Final = 0.01
_LEARNS_NS: Final = NS_PER_S  # matching a skeleton costs milliseconds: at most one try a second for each avatar
_SHORT_CM: Final = 20.0  # bones that add up to less are no person's: displacements that are sent as zeros


@dataclass(frozen=True, slots=True)
class AxisSetting:
    """Hold what the broadcast does not tell and the user may.

    spine: "studio" or "neuron", the program that sends. order: of the rotations, as set there. height_m: of the
    neutral person whose bones are assumed where no displacement is sent. bvh: a recording of the same performer, whose
    joints, bones and channels are taken instead of all that.
    """

    spine: str = "studio"
    order: str = "YXZ"
    height_m: float = HEIGHT_M
    bvh: Bvh | None = None


@dataclass(slots=True)
class _Avatar:
    """Hold what is known of one avatar."""

    stream: str
    time: SourceTime
    body: BvhBody | None = None
    count: int = 0  # numbers in its frames
    width: int = 0  # of which so many at the end are the row
    tried_ns: int | None = None
    seq: int = 0


class AxisDecoder:
    """Turn the broadcast into poses, a stream for each avatar: STREAM-NAME, or STREAM where only one is asked for.

    avatar: the name of the one to read, "" for all. datagrams: whether packets come over UDP, where a frame may be
    split. Bone lengths are the sender's where displacement is sent, else those of the setting.
    """

    def __init__(
        self,
        *,
        stream: str = "axis",
        avatar: str = "",
        setting: AxisSetting = AxisSetting(),
        datagrams: bool = False,
    ) -> None:
        self._stream = stream
        self._avatar = avatar
        self._setting = setting
        self._datagrams = datagrams
        self.reset()

    def reset(self) -> None:
        """Forget everything that was heard."""
        self._framer = AxisFramer(datagrams=self._datagrams)
        self.rate_hz = 60.0
        self._avatars: dict[tuple[int, str], _Avatar] = {}
        self._told = ""
        self._counts: Counter[str] = Counter()

    @property
    def counters(self) -> Mapping[str, int]:
        """Return the frames passed over, by reason."""
        return {**self._counts, "skipped_bytes": self._framer.skipped}

    @property
    def notes(self) -> tuple[str, ...]:
        """Say who is there and whose bones are taken."""
        streams = ", ".join(avatar.stream for avatar in self._avatars.values())
        return (f"avatars: {streams}", self._told) if streams else ()

    def feed(self, data: bytes, t_ns: int) -> list[Pose]:
        """Return the poses that these bytes complete; raises PacketError where none of their frames can be read."""
        poses: list[Pose] = []
        problems: list[PacketError] = []
        for packet in self._framer.feed(data):
            try:
                poses += self._frame(parse(packet), t_ns)
            except PacketError as problem:
                problems.append(problem)
        if problems and not poses:
            raise problems[0]
        self._counts["dropped_malformed_frames"] += len(problems)
        return poses

    def _frame(self, frame: AxisFrame, t_ns: int) -> list[Pose]:
        """Return the pose of a frame."""
        avatar = self._known(frame)
        if avatar is None:
            self._counts["skipped_avatars"] += 1
            return []
        motion = self._body(avatar, frame.values, t_ns).apply(frame.values[None, len(frame.values) - avatar.width :])
        made_ns = avatar.time.of(None, t_ns)
        if made_ns is None:
            self._counts["dropped_at_once"] += 1
            return []
        self.rate_hz = avatar.time.rate_hz
        seq, avatar.seq = avatar.seq % 2**32, avatar.seq + 1
        rotations = None if motion.rotations is None else motion.rotations[0]
        return [Pose(avatar.stream, seq, made_ns, motion.positions[0], motion.confidence, rotations)]

    def _body(self, avatar: _Avatar, values: Float64, t_ns: int) -> BvhBody:
        """Return the body in frames of so many numbers; another count is another setting of the program."""
        if avatar.body is not None and avatar.count == len(values):
            return avatar.body
        if avatar.tried_ns is not None and t_ns - avatar.tried_ns < _LEARNS_NS:
            raise PacketError(f"{len(values)} numbers in a frame, {avatar.count} in the one before")
        avatar.tried_ns = t_ns
        avatar.body, avatar.width = self._learn(values)
        avatar.count = len(values)
        return avatar.body

    def _known(self, frame: AxisFrame) -> _Avatar | None:
        """Return whose frame this is, None where nobody asked for it or there are too many."""
        if self._avatar and frame.name != self._avatar:
            return None
        key = (frame.avatar, frame.name)
        if key not in self._avatars and len(self._avatars) < MAX_AVATARS:
            safe = re.sub(r"[^A-Za-z0-9_-]+", "_", frame.name).strip("_") or str(frame.avatar)
            stream = self._stream if self._avatar else f"{self._stream}-{safe}"[:64]
            if any(avatar.stream == stream for avatar in self._avatars.values()):
                stream = f"{stream[:54]}-{frame.avatar % 10**9}"
            self._avatars[key] = _Avatar(stream, SourceTime())
        return self._avatars.get(key)

    def _learn(self, values: Float64) -> tuple[BvhBody, int]:
        """Return the body in frames of so many numbers, and how many are its row; raises PacketError."""
        skeleton, channels, ends, reading = self._rig(len(values))
        width = sum(map(len, channels))
        row = values[len(values) - width :]
        if self._setting.bvh is None:
            skeleton, ends = self._with_bones(skeleton, ends, row)
        try:
            return BvhBody(skeleton, channels, ends, row[None], "axis", reading), width
        except SkeletonError as problem:
            raise PacketError(str(problem)) from None

    def _rig(self, count: int) -> tuple[Skeleton, tuple[tuple[str, ...], ...], tuple[EndSite, ...], Reading]:
        """Return joints and channels of rows of so many numbers, which may begin with the reference joint's six."""
        bvh, setting = self._setting.bvh, self._setting
        if bvh is not None:
            if count - sum(map(len, bvh.channels)) not in _SURPLUS:
                raise PacketError(f"{count} numbers, but {bvh.place} has {sum(map(len, bvh.channels))} channels")
            return bvh.skeleton, bvh.channels, bvh.end_sites, Reading()
        skeleton, ends = neuron_skeleton(setting.spine, setting.height_m)
        for displaced in (True, False):
            channels = neuron_channels(len(skeleton.names), setting.order, displaced=displaced)
            if count - sum(map(len, channels)) in _SURPLUS:
                return skeleton, channels, ends, Reading("y", _UNIT_M, TABLES[setting.spine])
        raise PacketError(
            f"{count} numbers: the 59 joints have 180 or 354, and 6 more with the reference (or bvh=FILE)"
        )

    def _with_bones(
        self, skeleton: Skeleton, ends: tuple[EndSite, ...], row: Float64
    ) -> tuple[Skeleton, tuple[EndSite, ...]]:
        """Return the skeleton with the bones that a row with displacement tells; note whose they are."""
        joints = len(skeleton.names)
        sent = row.reshape(joints, 6)[1:, :3] if len(row) == 6 * joints else row[:0].reshape(0, 3)
        length = float(np.linalg.norm(sent, axis=1).sum())
        if length > _SHORT_CM:
            self._told = "bone lengths as sent (displacement)"
            k = length / float(np.linalg.norm(skeleton.offsets[1:], axis=1).sum())
            feet = [(end.parent, end.offset) for end in ends]
            tips = tuple(EndSite(parent, (k * x, k * y, k * z)) for parent, (x, y, z) in feet)
            return Skeleton(skeleton.names, skeleton.parents, np.concatenate((skeleton.offsets[:1], sent))), tips
        height_m = self._setting.height_m
        self._told = (
            f"no displacement is sent: bones of a neutral person of {height_m:.2f} m are assumed (height=, or bvh=FILE)"
        )
        return skeleton, ends


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> DatagramSensor | TcpSensor:
    """Make the sensor of `axis:tcp://HOST:7001?spine=studio&order=YXZ&bvh=FILE&avatar=NAME&stream=NAME`.

    Raises UriError, and BvhError for a file that cannot be read.
    """
    place = f"axis:{path}"
    check_keys(place, options, _OPTIONS)
    endpoint = parse_endpoint(place, path, default_port=PORT, transports=("tcp", "udp"))
    udp = endpoint.transport == "udp"
    decoder = AxisDecoder(
        stream=stream_name(place, options, "axis"),
        avatar=options.get("avatar", ""),
        setting=_setting(place, options),
        datagrams=udp,
    )
    hint = "in Axis Studio switch on BVH Broadcasting, Motion Data, with this protocol and port"
    if udp:
        return hear_datagrams(place, path, options, decoder, clock, default_port=PORT, hint=hint)
    for key in _UDP_ONLY:
        if key in options:
            raise UriError(place, f"{key} is for udp", mend="leave it out: over tcp only HOST can speak")
    return TcpSensor(
        place,
        endpoint.host,
        endpoint.port,
        decoder,
        AxisFramer(),
        clock,
        stale_after_ms=number(place, options, "stale", STALE_AFTER_MS, 20.0, 60_000.0),
        end_after_s=number(place, options, "timeout", 0.0, 0.0, 86_400.0),
        hint=hint,
    )


def _setting(place: str, options: Mapping[str, str]) -> AxisSetting:
    """Return what is told of the skeleton."""
    spine, order = options.get("spine", "studio").lower(), options.get("order", "YXZ").upper()
    if spine not in SPINES:
        raise UriError(place, f"spine={spine[:40]}", mend=f"one of {', '.join(SPINES)}")
    if order not in ORDERS:
        raise UriError(place, f"order={order[:40]}", mend=f"one of {', '.join(ORDERS)}")
    height_m = number(place, options, "height", HEIGHT_M, SHORTEST_M, TALLEST_M)
    return AxisSetting(spine, order, height_m, read_bvh(options["bvh"]) if "bvh" in options else None)
