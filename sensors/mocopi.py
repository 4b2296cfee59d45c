"""Sony mocopi in: the app's own binary stream, `mocopi:udp://HOST:12351`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np

from ..engine import quaternion
from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import PacketError, SkeletonError
from ..engine.forward import place_few
from ..engine.pose import Pose
from ..engine.retarget import Retargeter, match_skeleton
from ..engine.skeleton import Float32, Skeleton
from ..engine.skeleton_tables import MOCOPI_NAMES
from .datagram import LIVE_OPTIONS, DatagramSensor, hear_datagrams
from .info import SensorInfo, stream_option
from .live_info import LIVE_INFO
from .mocopi_packets import MocopiFrame, MocopiSkeleton, parse
from .options import check_keys, stream_name
from .source_time import SourceTime

PORT: Final = 12351
INFOS: Final = (
    SensorInfo(
        "mocopi",
        "mocopi:udp://HOST:PORT",
        "Sony's mocopi app; for several phones take several ports",
        (stream_option("mocopi"), *LIVE_INFO),
        "mocopi:udp://0.0.0.0:12351?from=192.168.1.20",
        port=PORT,
        gives="all 21 joints with rotations and the app's own bone lengths",
    ),
)
_OPTIONS: Final = ("stream", *LIVE_OPTIONS)
# Which bone each hangs from, in the app's order (PROTOCOLS 2.3): what a frame is read by until a definition has come.
PARENTS: Final = (
    -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 7, 11, 12, 13, 7, 15, 16, 17, 0, 19, 20, 21, 0, 23, 24, 25,
)  # fmt: skip
_RESTART: Final = 64  # frames: a number that goes back farther is that of an app that began again


class MocopiDecoder:
    """Turn the app's datagrams into poses of one performer; several phones send to several ports.

    Bone lengths are the app's own. Until the skeleton definition has come, which the app sends when it starts and then
    now and again, every rotation is taken as the identity in the rest pose.
    """

    def __init__(self, *, stream: str = "mocopi") -> None:
        self._stream = stream
        self._time = SourceTime()
        self.reset()

    def reset(self) -> None:
        """Forget everything that was heard."""
        self._time.reset()
        self.rate_hz = self._time.rate_hz
        self._skeleton: MocopiSkeleton | None = None
        self._parents = PARENTS
        self._retargeter: Retargeter | None = None
        self._undo: Float32 | None = None  # (27, 4) what takes the rest pose's global rotations away
        self._defined_ns: int | None = None
        self._number: int | None = None
        self._seq = 0
        self._counts: Counter[str] = Counter()

    @property
    def counters(self) -> Mapping[str, int]:
        """Return the frames dropped, by reason."""
        return dict(self._counts)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say whether the skeleton is known."""
        if self._retargeter is None:
            return ()
        if self._skeleton is None:
            return ("no skeleton definition has come yet: the rest pose is assumed (restart sending in the app)",)
        return (f"the app's own skeleton, a person of {self._retargeter.match.rest.stature_m:.2f} m",)

    def feed(self, data: bytes, t_ns: int) -> list[Pose]:
        """Return the pose of a frame; raises PacketError for what is no datagram of the app's."""
        packet = parse(data)
        if isinstance(packet, MocopiSkeleton):
            self._define(packet, t_ns)
            return []
        if not self._is_new(packet.number):
            return []
        made_ns = self._time.of(packet.unix_s, t_ns)
        if made_ns is None:
            self._counts["dropped_late"] += 1
            return []
        self.rate_hz = self._time.rate_hz
        return [self._pose(packet, made_ns)]

    def _define(self, skeleton: MocopiSkeleton, t_ns: int) -> None:
        """Take a skeleton definition where it is another than before, at most one a second: it costs milliseconds."""
        if self._skeleton is not None and _is_same(self._skeleton, skeleton):
            return
        if self._defined_ns is not None and t_ns - self._defined_ns < NS_PER_S:
            self._counts["dropped_definitions"] += 1
            return
        self._defined_ns = t_ns
        self._learn(skeleton)
        self._skeleton = skeleton

    def _learn(self, skeleton: MocopiSkeleton) -> None:
        """Match a skeleton to the body by its rest pose, whose bones may be turned; raises PacketError."""
        turns = quaternion.normalise(skeleton.rotations)
        points, turned = place_few(skeleton.parents, skeleton.positions[None], turns[None])
        offsets = points[0].astype(np.float64)
        offsets[1:] -= points[0, list(skeleton.parents[1:])]
        still = Skeleton(MOCOPI_NAMES, skeleton.parents, offsets)
        try:
            match = match_skeleton(still, place="mocopi", table="mocopi", unit_m=1.0, up="y")
        except SkeletonError as error:
            raise PacketError(str(error)) from None
        self._retargeter, self._parents = Retargeter(match), skeleton.parents
        self._undo = quaternion.conjugate(turned[0])

    def _is_new(self, number: int) -> bool:
        """Tell whether a frame is later than the last, and count it where not; an app that began again is believed."""
        last = self._number
        if last is not None and number <= last <= number + _RESTART:
            self._counts["dropped_duplicate" if number == last else "dropped_late"] += 1
            return False
        self._number = number
        return True

    def _pose(self, frame: MocopiFrame, t_ns: int) -> Pose:
        """Return a frame as a pose."""
        if self._retargeter is None or self._undo is None:
            still = np.zeros_like(frame.rotations)
            still[:, 0] = 1.0
            self._learn(MocopiSkeleton(PARENTS, frame.positions, still))
        if self._retargeter is None or self._undo is None:
            raise PacketError("no skeleton could be made of the first frame")
        local = quaternion.normalise(frame.rotations)
        points, turned = place_few(self._parents, frame.positions[None], local[None])
        body = self._retargeter.apply(points, quaternion.multiply(turned, self._undo))
        seq, self._seq = self._seq % 2**32, self._seq + 1
        rotations = None if body.rotations is None else body.rotations[0]
        return Pose(self._stream, seq, t_ns, body.positions[0], body.confidence, rotations)


def _is_same(a: MocopiSkeleton, b: MocopiSkeleton) -> bool:
    """Tell whether two definitions are the same."""
    return a.parents == b.parents and np.array_equal(a.positions, b.positions) and np.array_equal(a[2], b[2])


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> DatagramSensor:
    """Make the sensor of `mocopi:udp://HOST:12351?stream=NAME`; raises UriError."""
    place = f"mocopi:{path}"
    check_keys(place, options, _OPTIONS)
    decoder = MocopiDecoder(stream=stream_name(place, options, "mocopi"))
    hint = (
        "in the app choose motion, send, with this machine's address and port; the phone is another host: udp://0.0.0.0"
    )
    return hear_datagrams(place, path, options, decoder, clock, default_port=PORT, hint=hint)
