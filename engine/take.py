"""A take: one recording as a whole, its answer and its time line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np

from .body import JOINT_NAMES
from .clock import NS_PER_S
from .events import UNKNOWN, EmotionEvent

BEAT_S = 1.0


@dataclass(frozen=True, slots=True)
class Beat:
    """Hold the answer of one stretch of a take: from start_s to end_s of the recording."""

    start_s: float
    end_s: float
    label: str
    confidence: float
    valence: float
    arousal: float


@dataclass(frozen=True, slots=True)
class Take:
    """Hold the answer to a whole recording: mean probabilities over its frames, and the time line of its beats.

    frames: answered frames. joints: share of each joint in the decisions, by name, where they were asked for.
    """

    label: str
    probs: dict[str, float]
    valence: float
    arousal: float
    confidence: float
    abstain: bool
    frames: int
    seconds: float
    timeline: tuple[Beat, ...]
    joints: dict[str, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the take as plain values for JSON, numbers rounded to what they can bear."""
        values = asdict(self)
        values["disclosure"] = {"inferred": True, "kind": "apparent expression"}
        return _rounded({name: value for name, value in values.items() if value is not None})

    def to_text(self, name: str) -> str:
        """Return the take as a few plain lines for a person to read."""
        head = f"{name}: apparent expression {self.label} ({self.confidence:.2f})"
        head += f", valence {self.valence:+.2f}, arousal {self.arousal:+.2f}, {self.seconds:.1f} s"
        probs = "  " + "  ".join(f"{label} {p:.2f}" for label, p in sorted(self.probs.items(), key=lambda kv: -kv[1]))
        beats = [f"  {b.start_s:6.1f}-{b.end_s:.1f} s  {b.label:<8} {b.confidence:.2f}" for b in self.timeline]
        carried = [] if self.joints is None else ["  carried by: " + ", ".join(_largest(self.joints))]
        return "\n".join([head, probs, *carried, *beats])


def _rounded(value: Any) -> Any:
    """Round every number in nested plain values to four digits."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in cast("dict[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(v) for v in cast("list[Any]", value)]
    return value


def _largest(joints: dict[str, float], count: int = 5) -> list[str]:
    """Return the joints with the largest shares, as text."""
    ordered = sorted(joints.items(), key=lambda kv: -kv[1])
    return [f"{name} {share:.2f}" for name, share in ordered[:count]]


def summarise(events: Sequence[EmotionEvent], *, beat_s: float = BEAT_S) -> Take | None:
    """Return the take that the emotion events of one stream add up to, or None when there are none.

    The probabilities are the mean over all frames; the take is unknown where most of its frames are.
    """
    known = [event for event in events if event.confidence > 0.0]
    if not known:
        return None
    start_ns = known[0].t_ns
    answer = _mean(known)
    seconds = (known[-1].t_ns - start_ns) / NS_PER_S
    timeline = _beats(known, start_ns, beat_s)
    return Take(*answer, frames=len(known), seconds=seconds, timeline=timeline, joints=_shares(known))


def _mean(events: Sequence[EmotionEvent]) -> tuple[str, dict[str, float], float, float, float, bool]:
    """Return label, probabilities, valence, arousal, confidence and abstention of the events taken together."""
    labels = tuple(events[0].probs)
    table = np.array([[event.probs[label] for label in labels] for event in events])  # (T, K)
    mean = table.mean(axis=0)  # (K,)
    best = int(mean.argmax())
    abstain = sum(event.abstain for event in events) * 2 > len(events)
    probs = {label: float(p) for label, p in zip(labels, mean, strict=True)}
    valence = float(np.mean([event.valence for event in events]))
    arousal = float(np.mean([event.arousal for event in events]))
    return UNKNOWN if abstain else labels[best], probs, valence, arousal, float(mean[best]), abstain


def _shares(events: Sequence[EmotionEvent]) -> dict[str, float] | None:
    """Return each joint's mean share in the decisions, where the events tell of it."""
    told = [event.joints for event in events if event.joints is not None]
    if not told:
        return None
    mean = np.mean(told, axis=0)  # (21,)
    return {name: float(share) for name, share in zip(JOINT_NAMES, mean, strict=True)}


def _beats(events: Sequence[EmotionEvent], start_ns: int, beat_s: float) -> tuple[Beat, ...]:
    """Cut the events into stretches of beat_s and answer each."""
    beat_ns = round(beat_s * NS_PER_S)
    groups: dict[int, list[EmotionEvent]] = {}
    for event in events:
        groups.setdefault((event.t_ns - start_ns) // beat_ns, []).append(event)
    beats: list[Beat] = []
    for k, group in sorted(groups.items()):
        label, _, valence, arousal, confidence, _ = _mean(group)
        end_s = min((k + 1) * beat_s, (events[-1].t_ns - start_ns) / NS_PER_S)
        beats.append(Beat(k * beat_s, max(end_s, k * beat_s), label, confidence, valence, arousal))
    return tuple(beats)
