"""Trackers in: the points that SlimeVR and others send to VRChat over OSC, `slimevr:udp://HOST:9000`.

Each tracker tells a place and a turn in Unity's left-handed world, metres and degrees. What a person has no tracker for
is not known, and is not made up: such a joint rests beside the hips with confidence 0.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ..engine import quaternion
from ..engine.body import BODY, HEIGHT_M, JOINT_COUNT, JOINT_INDEX, JOINT_NAMES
from ..engine.clock import Clock
from ..engine.errors import UriError
from ..engine.osc_codec import OscMessage, decode
from ..engine.pose import Pose
from ..engine.skeleton import Float32
from .cycle import Cycle
from .datagram import LIVE_OPTIONS, DatagramSensor, hear_datagrams
from .info import Option, SensorInfo, stream_option
from .live_info import HEIGHT_INFO, LIVE_INFO
from .local_body import SHORTEST_M, TALLEST_M, LocalBody
from .options import check_keys, number, stream_name
from .source_time import SourceTime

PORT: Final = 9000
INFOS: Final = (
    SensorInfo(
        "slimevr",
        "slimevr:udp://HOST:PORT",
        "the trackers that SlimeVR and others send to VRChat over OSC: up to eight points and the head",
        (
            Option(
                "trackers",
                "the joint of each tracker from 1 on, - for none",
                "Hips,LeftFoot,RightFoot,LeftLowerLeg,RightLowerLeg,Chest,LeftLowerArm,RightLowerArm",
            ),
            stream_option("slimevr"),
            HEIGHT_INFO,
            *LIVE_INFO,
        ),
        "slimevr:udp://127.0.0.1:9000",
        port=PORT,
        gives="up to nine points; every other joint is unknown (confidence 0)",
    ),
)
_OPTIONS: Final = ("trackers", "stream", "height", *LIVE_OPTIONS)
HEAD: Final = 0
TRACKERS: Final = 8
# Which joint each of the eight trackers is nearest to, in the order in which SlimeVR numbers them: its thigh and upper
# arm trackers stand at knee and elbow (SlimeVR server, HumanSkeleton: the computed knee and elbow trackers).
SLIMEVR_ORDER: Final = (
    "Hips", "LeftFoot", "RightFoot", "LeftLowerLeg", "RightLowerLeg", "Chest", "LeftLowerArm", "RightLowerArm",
)  # fmt: skip
_ADDRESS: Final = re.compile(r"/tracking/trackers/(head|[1-8])/(position|rotation)")
_FARTHEST_M: Final = 1000.0
_DEGREES: Final = 36_000.0  # a hundred turns: more is no angle
_TO_HOUSE_POINT: Final = np.array([-1.0, 1.0, 1.0], dtype=np.float32)
_TO_HOUSE_TURN: Final = np.array([1.0, 1.0, -1.0, -1.0], dtype=np.float32)


class TrackerDecoder:
    """Turn tracker packets into sparse poses of one performer.

    order: the body's joint of each of the trackers 1 to 8, "" for one to leave out. A frame is given when the places
    of all trackers of the last frames have come, else when one comes again. The hips must be among them: without them
    nobody knows where the rest would be, and no pose is given.
    """

    def __init__(
        self, *, stream: str = "slimevr", order: Sequence[str] = SLIMEVR_ORDER, height_m: float = HEIGHT_M
    ) -> None:
        self._stream = stream
        self._joints = (JOINT_INDEX["Head"], *(JOINT_INDEX.get(name, -1) for name in order))
        self._body = LocalBody(height_m)
        self._cycle = Cycle()
        self._time = SourceTime()
        self.reset()

    def reset(self) -> None:
        """Forget everything that was heard."""
        self._cycle.reset()
        self._time.reset()
        self.rate_hz = self._time.rate_hz
        self._places = np.zeros((JOINT_COUNT, 3), dtype=np.float32)  # in the house
        self._facing = np.array([1.0, 0.0, 0.0, 0.0], dtype=np.float32)  # of the hips, upright
        self._seq = 0
        self._heard = 0
        self._counts: Counter[str] = Counter()

    @property
    def counters(self) -> Mapping[str, int]:
        """Return the messages passed over and the frames without hips, by reason."""
        return dict(self._counts)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say which joints are known."""
        if not self._heard:
            others = sum(self._counts.values())
            return (f"{others} messages came, but no trackers: switch these on beside the rest",) if others else ()
        names = ", ".join(name for i, name in enumerate(JOINT_NAMES) if self._heard >> i & 1)
        unknown = "" if self._heard & 1 else "; no hips, so no pose: send a tracker for the hips"
        return (f"trackers for {names}; every other joint is unknown (confidence 0){unknown}",)

    def feed(self, data: bytes, t_ns: int) -> list[Pose]:
        """Return the poses that a packet completes; raises OscError for what is no OSC 1.0 packet within bounds."""
        return [pose for message in decode(data) for pose in self._take(message, t_ns)]

    def _take(self, message: OscMessage, t_ns: int) -> Sequence[Pose]:
        """Take one message; return the frames that it ends."""
        match = _ADDRESS.fullmatch(message.address)
        values = message.args[:3]
        if match is None:
            self._counts["skipped_others"] += 1
            return ()
        if len(values) < 3 or not all(type(value) is float for value in values):
            self._counts["skipped_wrong"] += 1
            return ()
        joint = self._joints[HEAD if match[1] == "head" else int(match[1])]
        given = np.array(values, dtype=np.float32)
        if joint < 0:
            return ()
        if match[2] == "rotation":
            self._turn_hips(joint, given)
            return ()
        return self._place(joint, given, t_ns)

    def _turn_hips(self, joint: int, degrees: Float32) -> None:
        """Note which way the hips face: the only turn that is used, for what hangs from them unknown."""
        if joint == 0 and (np.abs(degrees) < _DEGREES).all():
            self._facing = facing(degrees)

    def _place(self, joint: int, place: Float32, t_ns: int) -> list[Pose]:
        """Note where a tracker is; return the frames that end before it and with it."""
        if not (np.abs(place) < _FARTHEST_M).all():
            self._counts["skipped_out_of_place"] += 1
            return []
        bit = 1 << joint
        poses: list[Pose | None] = []
        if self._cycle.heard & bit:
            poses.append(self._pose() if self._cycle.unfinished else None)
            self._cycle.turn()
        self._places[joint] = place * _TO_HOUSE_POINT
        if self._cycle.add(bit, t_ns):
            poses.append(self._pose())
        return [pose for pose in poses if pose is not None]

    def _pose(self) -> Pose | None:
        """Return the frame that was heard, None without hips."""
        heard = self._heard = self._cycle.heard
        if not heard & 1:
            self._counts["frames_without_hips"] += 1
            return None
        t_ns = self._time.of(None, self._cycle.t_ns)
        if t_ns is None:
            self._counts["dropped_at_once"] += 1
            return None
        self.rate_hz = self._time.rate_hz
        known = np.array([heard >> i & 1 for i in range(JOINT_COUNT)], dtype=bool)
        rest = self._body.skeleton.rest_positions.astype(np.float32)
        resting = self._places[0] + quaternion.rotate(self._facing, rest - rest[0])  # (21, 3)
        positions = np.where(known[:, None], self._places, resting)
        seq, self._seq = self._seq % 2**32, self._seq + 1
        return Pose(self._stream, seq, t_ns, positions, known.astype(np.float32))


def facing(degrees: Float32) -> Float32:
    """Return the upright part (4,) wxyz, in the house, of a turn given as Unity's angles (3,) about x, y and z.

    Unity composes them as y, then x, then z about the moving axes: q = qY qX qZ.
    """
    x, y, z = np.radians(degrees)
    turn = quaternion.from_euler(np.array([y, x, z], dtype=np.float32), "YXZ") * _TO_HOUSE_TURN
    ahead = quaternion.rotate(turn, np.array([0.0, 0.0, 1.0], dtype=np.float32))
    return quaternion.from_axis("Y", np.arctan2(ahead[0], ahead[2]))


def read_order(text: str) -> tuple[str, ...] | None:
    """Return the joints of `hips,leftfoot,-,chest`, "-" for none; None where one is no joint of the body or twice."""
    known = {name.casefold(): name for name in BODY.names} | {"-": ""}
    words = [word.strip().casefold() for word in text.split(",")]
    if not 1 <= len(words) <= TRACKERS or any(word not in known for word in words):
        return None
    names = tuple(known[word] for word in words)
    given = [name for name in names if name]
    return (*names, *[""] * (TRACKERS - len(names))) if len(set(given)) == len(given) else None


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> DatagramSensor:
    """Make the sensor of `slimevr:udp://HOST:9000?trackers=Hips,LeftFoot,...&stream=NAME`; raises UriError."""
    place = f"slimevr:{path}"
    check_keys(place, options, _OPTIONS)
    order = read_order(options["trackers"]) if "trackers" in options else SLIMEVR_ORDER
    if order is None:
        mend = "one to eight joints of the body, each once, commas between, - for a tracker to leave out"
        raise UriError(place, f"trackers={options['trackers'][:80]}", mend=mend)
    decoder = TrackerDecoder(
        stream=stream_name(place, options, "slimevr"),
        order=order,
        height_m=number(place, options, "height", HEIGHT_M, SHORTEST_M, TALLEST_M),
    )
    hint = "switch on OSC for VRChat trackers in SlimeVR and send it to this port"
    return hear_datagrams(place, path, options, decoder, clock, default_port=PORT, hint=hint)
