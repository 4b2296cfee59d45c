"""What LSL streams look like: channels and descriptions, as the XDF conventions for MoCap and Markers have them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from ..engine.body import JOINT_COUNT, JOINT_NAMES
from ..engine.events import EmotionEvent, MotionEvent, PoseEvent, QualitiesEvent
from ..engine.streams import STREAMS

_PLACED: Final = (  # of each joint: what it is and its unit
    ("PositionX", "meters"), ("PositionY", "meters"), ("PositionZ", "meters"), ("OrientationB", "quaternion"),
    ("OrientationC", "quaternion"), ("OrientationD", "quaternion"), ("OrientationA", "quaternion"),
    ("Confidence", "normalized"),
)  # fmt: skip
_AXES: Final = "right-handed, Y up, Z the way the person faces, X her left; orientations local, identity in the T-pose"


@dataclass(frozen=True)
class Layout:
    """Describe a stream: type, channels as (label, kind, unit, marker), rate, and facts about where it comes from."""

    type: str
    channels: tuple[tuple[str, str, str, str], ...]
    rate_hz: float
    format: str = "float32"
    facts: dict[str, str] = field(default_factory=dict[str, str])

    def describe(self, desc: Any) -> None:
        """Write channels, acquisition and facts into a stream's description."""
        acquisition = desc.append_child("acquisition")
        acquisition.append_child_value("manufacturer", "emotus")
        for name, fact in self.facts.items():
            acquisition.append_child_value(name, fact)
        channels = desc.append_child("channels")
        for label, kind, unit, marker in self.channels:
            channel = channels.append_child("channel")
            told = {"label": label, "type": kind, "unit": unit, "marker": marker}
            for key in [key for key, value in told.items() if value]:
                channel.append_child_value(key, told[key])


def body_layout(event: PoseEvent | MotionEvent) -> Layout:
    """Return the body's stream; nominal rates are those of engine.streams."""
    facts = {"setting": _AXES}
    if isinstance(event, MotionEvent):
        facts |= {"synthetic": "true", "model": event.model, "sha256": event.sha256}
    channels = tuple((f"{joint}_{kind}", kind, unit, joint) for joint in JOINT_NAMES for kind, unit in _PLACED)
    return Layout("MoCap", channels, STREAMS[event.type].rate_hz, facts=facts)


def body_sample(event: PoseEvent | MotionEvent) -> list[float]:
    """Return the channels of one pose; raise ValueError where a number is not finite."""
    rows = np.zeros((JOINT_COUNT, len(_PLACED)), dtype=np.float32)
    rows[:, :3] = event.joints
    rows[:, 6] = 1.0
    if event.rotations is not None:
        rows[:, 3:7] = event.rotations[:, [1, 2, 3, 0]]
    rows[:, 7] = 1.0 if isinstance(event, MotionEvent) else event.confidence
    if not np.isfinite(rows).all():
        raise ValueError("a joint is not finite")
    return rows.ravel().tolist()


def emotion_layout(event: EmotionEvent) -> Layout:
    """Return the stream of what is apparent: valence, arousal, confidence, whether it is withheld, each label."""
    told = event.disclosure
    facts = {"inferred": str(told.inferred).lower(), "kind": told.kind, "model": told.model, "sha256": told.sha256}
    numbers = [("valence", "-1..1"), ("arousal", "-1..1"), ("confidence", "normalized"), ("abstain", "0 or 1")]
    channels = [(name, "Emotion", unit, "") for name, unit in numbers]
    channels += [(label, "Probability", "normalized", "") for label in event.probs]
    return Layout("Emotion", tuple(channels), STREAMS["emotion"].rate_hz, facts=facts)


def qualities_layout(event: QualitiesEvent) -> Layout:
    """Return the stream of how the body moves."""
    channels = tuple((name, "Quality", "normalized", "") for name in event.values)
    return Layout("MovementQualities", channels, STREAMS["qualities"].rate_hz)


def markers_layout() -> Layout:
    """Return the stream of labels as they change, and of statuses: JSON texts, whenever there is one."""
    return Layout("Markers", (("marker", "Marker", "", ""),), 0.0, "string")
