"""Events as standard ROS messages with the names of ROS4HRI (REP-155): plain dicts, as rosbridge takes them. Pure.

Positions are turned into REP-103's frame (x forward, y left, z up; metres). Stamps are wall time, which robots compare
with their own clock; everywhere else in the house time is monotonic. A body's identifier is its stream's name, in
letters that ROS allows.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from ..engine.axes import AXES
from ..engine.body import BODY, JOINT_INDEX
from ..engine.clock import NS_PER_S
from ..engine.errors import WireError
from ..engine.events import EmotionEvent, Event, MotionEvent, PoseEvent
from ..engine.skeleton import Float32, Float64
from . import wire

MAX_BODIES: Final = 64
GONE_NS: Final = 2 * NS_PER_S  # a body that says nothing for so long is no longer tracked
TRACKED_NS: Final = NS_PER_S  # how often the list of bodies is told when nothing changes

# The words that hri_msgs/Expression allows for what ours mean; a label that has none is told in the String topic only.
EXPRESSIONS: Final = frozenset(
    ("neutral", "angry", "sad", "happy", "surprised", "disgusted", "scared", "pleading", "vulnerable", "despaired",
     "guilty", "disappointed", "embarrassed", "horrified", "skeptical", "annoyed", "furious", "suspicious", "rejected",
     "bored", "tired", "asleep", "confused", "amazed", "excited")
)  # fmt: skip
SAME: Final = {
    "anger": "angry", "sadness": "sad", "happiness": "happy", "joy": "happy", "joyful": "happy",
    "surprise": "surprised", "disgust": "disgusted", "fear": "scared", "fearful": "scared", "afraid": "scared",
    "unsure": "confused", "boredom": "bored", "excitement": "excited", "shame": "embarrassed",
}  # fmt: skip

# tf frames below body_<id>: ROS4HRI's name for each joint of ours that it has one for.
FRAMES: Final = {
    "Hips": "waist", "Chest": "torso", "Neck": "neck", "Head": "head",
    "LeftUpperArm": "l_shoulder", "LeftLowerArm": "l_elbow", "LeftHand": "l_wrist",
    "RightUpperArm": "r_shoulder", "RightLowerArm": "r_elbow", "RightHand": "r_wrist",
    "LeftUpperLeg": "l_hip", "LeftLowerLeg": "l_knee", "LeftFoot": "l_ankle",
    "RightUpperLeg": "r_hip", "RightLowerLeg": "r_knee", "RightFoot": "r_ankle",
}  # fmt: skip
_JOINTS: Final = np.array([JOINT_INDEX[name] for name in FRAMES])
_TO_ROS: Final = AXES["ros"].matrix.T
_LEFT, _RIGHT, _HIPS = (JOINT_INDEX[name] for name in ("LeftUpperLeg", "RightUpperLeg", "Hips"))

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """Hold one message, its topic and its type, such as std_msgs/String."""

    topic: str
    type: str
    message: Message


@dataclass(frozen=True, slots=True)
class Dialect:
    """Tell how ROS 1 and ROS 2 differ on this wire: names of types and of the parts of a stamp."""

    version: int = 2

    def type(self, name: str) -> str:
        """Return a type's name: std_msgs/String, or std_msgs/msg/String in ROS 2."""
        return name if self.version == 1 else name.replace("/", "/msg/")

    def stamp(self, wall_ns: int) -> Message:
        """Return a time."""
        seconds, rest = divmod(wall_ns, NS_PER_S)
        return {"secs": seconds, "nsecs": rest} if self.version == 1 else {"sec": seconds, "nanosec": rest}

    def header(self, wall_ns: int, frame: str, seq: int) -> Message:
        """Return a std_msgs/Header."""
        told: Message = {"stamp": self.stamp(wall_ns), "frame_id": frame}
        return {"seq": seq % (1 << 32)} | told if self.version == 1 else told


class Translator:
    """Turn events into messages, and remember which bodies there are.

    wall_ns: wall time of a monotonic time. rates: types of events and at most how many of them a second are told.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        frame: str = "map",
        wall_ns: Callable[[int], int],
        emotion_hz: float = 10.0,
        pose_hz: float = 30.0,
    ) -> None:
        self._dialect = dialect
        self._frame = frame
        self._wall_ns = wall_ns
        gaps = dict.fromkeys(("emotion", "qualities", "signature"), emotion_hz) | dict.fromkeys(
            ("pose", "motion"), pose_hz
        )
        self._gap_ns = {kind: round(NS_PER_S / hz) for kind, hz in gaps.items()}
        self.reset()

    def reset(self) -> None:
        """Know of no body."""
        self._bodies: dict[str, int] = {}  # identifier -> when it was heard of last
        self._told: tuple[str, ...] = ()
        self._told_ns = 0
        self._due_ns: dict[tuple[str, str], int] = {}

    def forget(self, stream: str | None) -> None:
        """Forget a body, or all for None."""
        for name in tuple(self._bodies) if stream is None else (identifier(stream),):
            self._bodies.pop(name, None)

    def say(self, event: Event, now_ns: int) -> list[Said]:
        """Return the messages of an event; none where one of its stream and type was told too short a time ago.

        Raises WireError where a number is not finite.
        """
        if not self._is_due(event, now_ns):
            return []
        name = identifier(event.stream)
        if isinstance(event, EmotionEvent):
            return [
                *self._meet(name, now_ns),
                self._expression(event, name),
                self._text(event, f"/emotus/{name}/emotion"),
            ]
        if isinstance(event, PoseEvent):
            return [
                *self._meet(name, now_ns),
                self._poses(event, f"/humans/bodies/{name}/poses"),
                self._tf(event, name),
            ]
        if isinstance(event, MotionEvent):  # nobody is there: a generated body is no human
            return [self._poses(event, f"/emotus/{name}/motion")]
        where = "/emotus/status" if event.type == "status" else f"/emotus/{name}/{event.type}"
        return [self._text(event, where)]

    def tracked(self, now_ns: int) -> list[Said]:
        """Return the list of bodies where it changed or was told long ago, as /humans/bodies/tracked."""
        for name in [name for name, seen_ns in self._bodies.items() if now_ns - seen_ns > GONE_NS]:
            del self._bodies[name]
        now = tuple(sorted(self._bodies))
        if now == self._told and now_ns - self._told_ns < TRACKED_NS:
            return []
        self._told, self._told_ns = now, now_ns
        message = {"header": self._header(now_ns, 0), "ids": list(now)}
        return [Said("/humans/bodies/tracked", self._dialect.type("hri_msgs/IdsList"), message)]

    def _is_due(self, event: Event, now_ns: int) -> bool:
        gap_ns = self._gap_ns.get(event.type, 0)
        key = (event.stream, event.type)
        due_ns = self._due_ns.get(key, now_ns)
        if now_ns < due_ns:
            return False
        if len(self._due_ns) >= MAX_BODIES * len(self._gap_ns):
            self._due_ns.clear()
        # The rhythm is kept where an event is a little late, and begun anew where it is a whole gap late.
        self._due_ns[key] = (due_ns if now_ns - due_ns < gap_ns else now_ns) + gap_ns
        return True

    def _meet(self, name: str, now_ns: int) -> list[Said]:
        """Remember a body; return the list of them where this one is new."""
        if name not in self._bodies and len(self._bodies) >= MAX_BODIES:
            del self._bodies[next(iter(self._bodies))]
        self._bodies[name] = now_ns
        return self.tracked(now_ns)

    def _header(self, t_ns: int, seq: int, frame: str | None = None) -> Message:
        return self._dialect.header(self._wall_ns(t_ns), self._frame if frame is None else frame, seq)

    def _text(self, event: Event, topic: str) -> Said:
        """Return an event as it is on every other wire: JSON in a String."""
        return Said(topic, self._dialect.type("std_msgs/String"), {"data": wire.to_json(event).decode()})

    def _expression(self, event: EmotionEvent, name: str) -> Said:
        message = {
            "header": self._header(event.t_ns, event.seq, f"body_{name}"),
            "expression": "" if event.abstain else expression(event.label),
            "valence": round(event.valence, 5),
            "arousal": round(event.arousal, 5),
            "confidence": round(event.confidence, 5),
        }
        return Said(f"/humans/bodies/{name}/expression", self._dialect.type("hri_msgs/Expression"), message)

    def _poses(self, event: PoseEvent | MotionEvent, topic: str) -> Said:
        """Return the 21 joints as a PoseArray, in our order; without orientations, which depend on the skeleton."""
        points = to_ros(event.joints)
        poses = [{"position": _xyz(point), "orientation": _STRAIGHT} for point in points]
        message = {"header": self._header(event.t_ns, event.seq), "poses": poses}
        return Said(topic, self._dialect.type("geometry_msgs/PoseArray"), message)

    def _tf(self, event: PoseEvent, name: str) -> Said:
        """Return map -> body_<id> (at the hips, turned to where they face) and from there the joints REP-155 names."""
        points = to_ros(event.joints)
        yaw = heading(points)
        turn = np.array([[math.cos(yaw), math.sin(yaw), 0], [-math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]])
        local = (points[_JOINTS] - points[_HIPS]) @ turn.T  # (16, 3)
        facing = {"x": 0.0, "y": 0.0, "z": round(math.sin(yaw / 2), 5), "w": round(math.cos(yaw / 2), 5)}
        body = f"body_{name}"
        tied = [(self._frame, body, points[_HIPS], facing)]
        tied += [(body, f"{part}_{name}", at, _STRAIGHT) for part, at in zip(FRAMES.values(), local, strict=True)]
        message = {
            "transforms": [
                {
                    "header": self._header(event.t_ns, event.seq, parent),
                    "child_frame_id": child,
                    "transform": {"translation": _xyz(at), "rotation": rotation},
                }
                for parent, child, at, rotation in tied
            ]
        }
        return Said("/tf", self._dialect.type("tf2_msgs/TFMessage"), message)


_STRAIGHT: Final = {"x": 0.0, "y": 0.0, "z": 0.0, "w": 1.0}
_encoder = msgspec.json.Encoder()


def identifier(stream: str) -> str:
    """Return a stream's name in letters that ROS allows in a topic; names that are changed get a mark of their own."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", stream).strip("_")[:40]
    mark = hashlib.sha256(stream.encode("utf-8", "replace")).hexdigest()[:5]
    if plain == stream and plain[:1].isalpha():
        return plain
    return f"{plain}_{mark}" if plain[:1].isalpha() else f"b{mark}"


def expression(label: str) -> str:
    """Return the word of hri_msgs/Expression for a label, empty where it has none."""
    word = label.lower()
    word = SAME.get(word, word)
    return word if word in EXPRESSIONS else ""


def to_ros(joints: Float32) -> Float64:
    """Return positions (J, 3) in REP-103's frame; raise WireError where one is not finite."""
    if not np.isfinite(joints).all():
        raise WireError(f"{np.count_nonzero(~np.isfinite(joints))} numbers of a pose are not finite")
    return joints.astype(np.float64) @ _TO_ROS.T


def heading(points: Float64) -> float:
    """Return where the hips face, radians about z, from the points (21, 3) in REP-103's frame."""
    left = points[_LEFT] - points[_RIGHT]
    return math.atan2(-left[0], left[1])  # y left, z up: forward is y x z = (left_y, -left_x)


def publish(said: Said) -> bytes:
    """Return the rosbridge message that publishes it."""
    return _encoder.encode({"op": "publish", "topic": said.topic, "msg": said.message})


def advertise(said: Said) -> bytes:
    """Return the rosbridge message that has to come before the first of a topic."""
    return _encoder.encode({"op": "advertise", "id": f"emotus:{said.topic}", "topic": said.topic, "type": said.type})


def _xyz(point: Sequence[float] | Float64) -> Message:
    x, y, z = (round(float(each), 4) for each in point)
    return {"x": x, "y": y, "z": z}


JOINT_ORDER: Final = BODY.names  # of a PoseArray
