"""What the engine says: frozen events, one dataclass a type of the wire (DESIGN.md 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from .skeleton import Float32

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Say, in every emotion event, that it is an inference about apparent expression and by which model."""

    model: str
    sha256: str
    inferred: bool = True
    kind: str = "apparent expression"


@dataclass(frozen=True, slots=True)
class EmotionEvent:
    """Tell which emotion the movement appears to express.

    label: the most probable label, or "unknown" when abstain is true. probs: calibrated probability of each label,
    summing to one. valence, arousal: -1..1. confidence: probability of the best label, in 0..1, lowered where the
    input is unlike anything trained on. latency_ms: age of the pose when the event was made. joints: (21,) share of
    each joint in the decision, when asked for.
    """

    type: ClassVar[str] = "emotion"
    stream: str
    seq: int
    t_ns: int
    label: str
    probs: Mapping[str, float]
    valence: float
    arousal: float
    confidence: float
    abstain: bool
    latency_ms: float
    disclosure: Disclosure
    joints: Float32 | None = None


@dataclass(frozen=True, slots=True)
class QualitiesEvent:
    """Tell how the body moves, with no emotion inferred: name -> value, each 0..1 unless its definition says other."""

    type: ClassVar[str] = "qualities"
    stream: str
    seq: int
    t_ns: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PoseEvent:
    """Pass on the pose that was analysed: joints (21, 3) in metres, confidence (21,)."""

    type: ClassVar[str] = "pose"
    stream: str
    seq: int
    t_ns: int
    joints: Float32
    confidence: Float32
    rotations: Float32 | None = None


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """Tell of the engine's own health; code is a stable word that programs may compare."""

    type: ClassVar[str] = "status"
    stream: str
    seq: int
    t_ns: int
    level: Literal["info", "warning", "error"]
    code: str
    message: str
    counters: Mapping[str, int] = field(default_factory=dict[str, int])


Event = EmotionEvent | QualitiesEvent | PoseEvent | StatusEvent
EVENT_TYPES: tuple[type[Event], ...] = (EmotionEvent, QualitiesEvent, PoseEvent, StatusEvent)
