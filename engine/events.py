"""What the engine says: frozen events, one dataclass a type of the wire (DESIGN.md 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from .skeleton import Float32

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Say, in every emotion event, that it is an inference about apparent expression and by which model.

    notice: the same in words for people. schema: which version of the wire this object is of.
    """

    model: str
    sha256: str
    inferred: bool = True
    kind: str = "apparent expression"
    notice: str = "the movement resembles acted expression; what anyone feels is not known"
    schema: str = "emotus.wire/1"


@dataclass(frozen=True, slots=True)
class EmotionEvent:
    """Tell which emotion the movement appears to express.

    label: the most probable label, or the one said before it while it has not led for long enough (`steadiness`);
    "unknown" when abstain is true. probs: calibrated probability of each label, summing to one. valence, arousal:
    -1..1. confidence: probability of the label (of the best where unknown), in 0..1, lowered where the input is unlike
    anything trained on. latency_ms: age of the pose when the event was made. joints: (21,) share of
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
class SignatureEvent:
    """Tell how near the movement of the last window_s seconds is to each reference; only where it was asked for.

    distances: by reference, in the unit of the signature's definition (heights per second squared unless told
    otherwise). nearest: the nearest reference; label: what it is of, empty where nobody said; cluster: of the
    references it belongs to, from 0. xy: place on the plane of the references, in the same unit. drift: how far the
    shortest window is from the longest, as a multiple of what chance puts between them (about 1 while nothing
    changes). confidence: that the nearest is the nearest, 0..1. effective: independent frames the window is worth.
    windows: the distances of the other windows, by their seconds.
    """

    type: ClassVar[str] = "signature"
    stream: str
    seq: int
    t_ns: int
    distances: Mapping[str, float]
    nearest: str
    label: str
    cluster: int
    xy: tuple[float, float]
    drift: float
    confidence: float
    effective: float
    window_s: float
    windows: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class PoseEvent:
    """Pass on the pose that was analysed: joints (21, 3) in metres, confidence (21,).

    travels, interpolated: as in `engine.pose.Pose`.
    """

    type: ClassVar[str] = "pose"
    stream: str
    seq: int
    t_ns: int
    joints: Float32
    confidence: Float32
    rotations: Float32 | None = None
    travels: bool = True
    interpolated: bool = False


@dataclass(frozen=True, slots=True)
class MotionEvent:
    """Show a frame of generated motion; it always says that it is synthetic, how it was made and by which model.

    joints: (21, 3) metres in the world. rotations: (21, 4) local, w x y z. root: (3,) metres, the hips. emotion,
    intensity, valence, arousal: what was asked for, and nothing that was read from anyone. seed: with the same one
    the same motion comes again. model, sha256: of the weights.
    """

    type: ClassVar[str] = "motion"
    stream: str
    seq: int
    t_ns: int
    joints: Float32
    rotations: Float32
    root: Float32
    emotion: str
    intensity: float
    valence: float
    arousal: float
    seed: int
    model: str
    sha256: str
    synthetic: Literal[True] = True


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


Event = EmotionEvent | QualitiesEvent | SignatureEvent | PoseEvent | MotionEvent | StatusEvent
EVENT_TYPES: tuple[type[Event], ...] = (
    EmotionEvent,
    QualitiesEvent,
    SignatureEvent,
    PoseEvent,
    MotionEvent,
    StatusEvent,
)
