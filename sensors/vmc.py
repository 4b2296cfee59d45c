"""VMC in: the pose that a VTuber program sends over OSC, `vmc:udp://HOST:39539`.

The VMC protocol (protocol.vmc.info, v2.0 to v3.1) tells the local rotation of each bone of a VRM humanoid, whose T-pose
is the identity, in Unity's left-handed frame. How long the performer's bones are it does not tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine import quaternion
from ..engine.body import BODY, HEIGHT_M, JOINT_COUNT, JOINT_INDEX
from ..engine.clock import Clock
from ..engine.errors import UriError
from ..engine.osc_stencils import Stencils
from ..engine.pose import Pose
from ..engine.skeleton import Float32
from .cycle import Cycle
from .datagram import LIVE_OPTIONS, DatagramSensor, hear_datagrams
from .info import Option, SensorInfo, stream_option
from .live_info import HEIGHT_INFO, LIVE_INFO
from .local_body import SHORTEST_M, TALLEST_M, LocalBody, unit
from .options import check_keys, number, stream_name
from .source_time import SourceTime
from .vmc_plan import BODY_BONES, ROOT, THINGS, UPPER_CHEST, Heard, VmcPlan, plan

PORT: Final = 39539
INFOS: Final = (
    SensorInfo(
        "vmc",
        "vmc:udp://HOST:PORT",
        "the body that a VTuber program sends (VMC): VSeeFace, VirtualMotionCapture, Warudo, XR Animator, SlimeVR",
        (
            Option("bones", "assumed: a neutral person's; sent: the avatar's, if it sends its own", "assumed"),
            HEIGHT_INFO,
            stream_option("vmc"),
            *LIVE_INFO,
        ),
        "vmc:udp://127.0.0.1:39539",
        port=PORT,
        gives="up to 21 joints with rotations; the proportions are assumed",
    ),
)
_MOST_PER_S: Final = 16_000  # of senders that pack nothing: a packet for each bone and each shape of the face
_OPTIONS: Final = ("bones", "height", "stream", *LIVE_OPTIONS)
_BONES: Final = ("assumed", "sent")
Bools = NDArray[np.bool_]
_FARTHEST_M: Final = 1000.0
_TO_HOUSE_POINT: Final = np.array([-1.0, 1.0, 1.0], dtype=np.float32)
_TO_HOUSE_TURN: Final = np.array([1.0, 1.0, -1.0, -1.0], dtype=np.float32)  # of (w, x, y, z)
_WXYZ: Final = np.array([6, 3, 4, 5])  # where they stand among position and quaternion
_BODY_BITS: Final = sum(1 << int(bone) for bone in BODY_BONES)
_TURNED: Final = np.array([*BODY_BONES, UPPER_CHEST, ROOT])  # (23,) the rotations that make up the body
_REST: Final = np.array([0, 0, 0, 0, 0, 0, 1], dtype=np.float32)
_CHEST: Final = JOINT_INDEX["Chest"]
_ON_CHEST: Final = [JOINT_INDEX[name] for name in ("Neck", "LeftShoulder", "RightShoulder")]
_LEGS: Final = np.array([JOINT_INDEX[side + part] for side in ("Left", "Right") for part in ("LowerLeg", "Foot")])
_LEG_M: Final = float(np.linalg.norm(BODY.offsets[_LEGS], axis=1).sum())
_PLAUSIBLE_LEGS: Final = (0.1, 10.0)  # times the body's: a doll's to a giant's


class VmcDecoder:
    """Turn VMC packets into poses of one performer.

    A frame is given when its last bone has come, else with the next tick (OK or T) or bone of the next frame. A bone
    that is missing keeps its rest pose, or for some frames the last that was heard of it, with confidence 0. The hips
    travel as the avatar does, times the share of our legs in the avatar's where these are told.

    told_bones: take the avatar's bone lengths as they are sent, and its travel as it is.
    """

    def __init__(self, *, stream: str = "vmc", height_m: float = HEIGHT_M, told_bones: bool = False) -> None:
        self._stream = stream
        self._told_bones = told_bones
        self._body = LocalBody(height_m)
        self._stencils: Stencils[VmcPlan] = Stencils(plan)
        self._cycle = Cycle()
        self._time = SourceTime()
        self.reset()

    def reset(self) -> None:
        """Forget everything that was heard."""
        self._stencils.reset()
        self._cycle.reset()
        self._time.reset()
        self.rate_hz = self._time.rate_hz
        self._values = np.tile(_REST, (THINGS, 1))  # (57, 7) position, quaternion x y z w
        self._expected = 0
        self._seq = 0
        self._counts: Counter[str] = Counter()
        self._known = 0  # body bones in the last frame

    @property
    def counters(self) -> Mapping[str, int]:
        """Return the messages passed over and the frames without a body, by reason."""
        return dict(self._counts)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say how many bones come and what is assumed, or that something else comes."""
        if not self._seq:
            heard = sum(self._counts.values())
            return (
                (f"{heard} messages came, but no bones of a body: let the program send the pose too",) if heard else ()
            )
        bones = "bone lengths are the avatar's, as sent" if self._told_bones else self._body.note()
        return (f"{self._known} of {JOINT_COUNT} joints are sent", bones)

    def feed(self, data: bytes, t_ns: int) -> list[Pose]:
        """Return the poses that a packet completes; raises OscError for what is no OSC 1.0 packet within bounds."""
        layout, floats = self._stencils.read(data)
        for reason in ("unknown", "wrong", "others"):
            if count := getattr(layout, reason):
                self._counts[f"skipped_{reason}"] += count
        poses: list[Pose | None] = []
        for step in layout.steps:
            if step is None:
                poses.append(self._turn())
            else:
                poses += self._hear(step, floats, t_ns)
        return [pose for pose in poses if pose is not None]

    def _hear(self, step: Heard, floats: Float32, t_ns: int) -> list[Pose | None]:
        """Take a run of bones; where some come again, their frame ends before them."""
        poses: list[Pose | None] = []
        if self._cycle.heard & step.bits:
            poses.append(self._turn())
        placed, things, bits = floats[step.at], step.things, step.bits  # (K, 7)
        if not (np.abs(placed) < _FARTHEST_M).all():
            near: Bools = np.logical_and.reduce(np.abs(placed) < _FARTHEST_M, axis=1)
            self._counts["skipped_out_of_place"] += int(np.count_nonzero(~near))
            placed, things = placed[near], things[near]
            bits = sum(1 << int(thing) for thing in things)
        self._values[things] = placed
        if self._cycle.add(bits, t_ns):
            poses.append(self._pose())
        return poses

    def _turn(self) -> Pose | None:
        """End a frame; return it where it was not yet given."""
        pose = self._pose() if self._cycle.unfinished else None
        self._cycle.turn()
        if self._cycle.expected != self._expected:
            self._expected = self._cycle.expected
            self._values[[not self._expected >> thing & 1 for thing in range(THINGS)]] = _REST
        return pose

    def _pose(self) -> Pose | None:
        """Return the frame that was heard, None where it holds nothing of a body or came at once with too many."""
        heard = self._cycle.heard
        if not heard & _BODY_BITS:
            self._counts["frames_without_body"] += 1
            return None
        local, confidence = self._rotations(heard)
        hips, travels = self._hips()
        t_ns = self._time.of(None, self._cycle.t_ns)
        if t_ns is None:
            self._counts["dropped_at_once"] += 1
            return None
        self.rate_hz = self._time.rate_hz
        seq, self._seq = self._seq % 2**32, self._seq + 1
        self._known = int(np.count_nonzero(confidence))
        positions = self._body.place(local, hips, self._bones(heard | self._expected) if self._told_bones else None)
        return Pose(self._stream, seq, t_ns, positions, confidence, local, travels=travels)

    def _rotations(self, heard: int) -> tuple[Float32, Float32]:
        """Return the body's local rotations (21, 4) in the house, and their confidence (21,)."""
        turns, sound = unit(self._values[_TURNED[:, None], _WXYZ] * _TO_HOUSE_TURN)  # (23, 4)
        local = turns[:JOINT_COUNT]
        if (heard | self._expected) >> UPPER_CHEST & 1:  # it carries neck and shoulders, as our chest does
            local[_CHEST] = quaternion.multiply(local[_CHEST], turns[-2])
        if self._values[ROOT, 3:6].any():
            local[0] = quaternion.multiply(turns[-1], local[0])
        return quaternion.positive(local), _confidence(heard) * sound[:JOINT_COUNT]

    def _bones(self, heard: int) -> Float32 | None:
        """Return the offsets (21, 3) that are sent, in the house, NaN where a bone is not; None where all are zero.

        What hangs from the upper chest hangs as far from the chest.
        """
        bones = self._values[BODY_BONES, :3]  # a copy
        if not bones[1:].any():
            return None
        if heard >> UPPER_CHEST & 1:
            upper = self._values[UPPER_CHEST]
            bones[_ON_CHEST] += quaternion.rotate(quaternion.conjugate(unit(upper[None, _WXYZ])[0][0]), upper[:3])
        bones[_confidence(heard) == 0] = np.nan
        return bones * _TO_HOUSE_POINT

    def _hips(self) -> tuple[Float32, bool]:
        """Return where the hips are (3,) in house metres, and whether the performer told that at all."""
        hips, root = self._values[0, :3], self._values[ROOT]
        if not hips.any():
            return np.array([0.0, self._body.hips_m, 0.0], dtype=np.float32), False
        if root[3:6].any():
            hips = quaternion.rotate(unit(root[None, _WXYZ])[0][0], hips)
        place = (hips + root[:3]) * _TO_HOUSE_POINT
        return place if self._told_bones else place * np.float32(self._share()), True

    def _share(self) -> float:
        """Return how long our legs are as a share of the avatar's, 1 where its bones have no length."""
        legs = float(np.sqrt((self._values[BODY_BONES[_LEGS], :3] ** 2).sum(axis=1)).sum()) / _LEG_M
        low, high = _PLAUSIBLE_LEGS
        return self._body.scale / legs if low < legs < high else 1.0


@lru_cache(maxsize=64)
def _confidence(heard: int) -> Float32:
    """Return the confidence (21,) of the body's joints by the bones that were heard; not to be written to."""
    return np.array([heard >> int(bone) & 1 for bone in BODY_BONES], dtype=np.float32)


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> DatagramSensor:
    """Make the sensor of `vmc:udp://HOST:39539?bones=assumed&height=1.70&stream=NAME`; raises UriError."""
    place = f"vmc:{path}"
    check_keys(place, options, _OPTIONS)
    bones = options.get("bones", "assumed")
    if bones not in _BONES:
        raise UriError(place, f"bones={bones[:40]}", mend=f"one of {', '.join(_BONES)}")
    decoder = VmcDecoder(
        stream=stream_name(place, options, "vmc"),
        height_m=number(place, options, "height", HEIGHT_M, SHORTEST_M, TALLEST_M),
        told_bones=bones == "sent",
    )
    hint = "switch on sending by the VMC protocol to this port in the program that tracks you"
    return hear_datagrams(place, path, options, decoder, clock, default_port=PORT, hint=hint, most_per_s=_MOST_PER_S)
