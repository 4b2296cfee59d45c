"""From network frames to readings: which emotion a movement appears to express, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from .baseline import Baseline
from .events import UNKNOWN, Disclosure
from .skeleton import Float32


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold one answer: probabilities, their place on the valence-arousal plane, and whether it is worth saying."""

    label: str
    probs: Mapping[str, float]
    valence: float
    arousal: float
    confidence: float
    abstain: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hold what a recogniser has gathered of one performer: the network's state and the frames it has seen.

    state: the recogniser's own; it may be altered where it stands, so evidence that was stepped is not stepped again.
    """

    state: object
    frames: int


@dataclass(frozen=True, slots=True)
class Question:
    """Hold what a recogniser is asked of one performer: a network frame (D,) and the evidence so far."""

    frame: Float32
    evidence: Evidence


Answer = tuple[Reading, Evidence]


class Recogniser(Protocol):
    """Answer every frame of a performer, sharper as evidence grows; all state is in the Evidence passed in and out."""

    labels: tuple[str, ...]
    disclosure: Disclosure
    feature_set: str  # names what `describe` gives and a baseline is made of

    def start(self, baseline: Baseline | None = None, *, freeze: bool = False) -> Evidence:
        """Return the evidence of having seen nothing yet of a performer, of whom a baseline may be known.

        freeze: leave the baseline as it is. Raises ProfileError where it belongs to another recogniser.
        """
        ...

    def step(self, frame: Float32, evidence: Evidence) -> tuple[Reading, Evidence]:
        """Read one network frame (D,); return the answer and the evidence that now includes it."""
        ...

    def baseline(self, evidence: Evidence) -> Baseline:
        """Return what has been gathered of what is usual for the performer, to be kept."""
        ...

    def frozen(self, evidence: Evidence, *, freeze: bool = True) -> Evidence:
        """Return the evidence with the baseline to be left as it is from here on, or to be followed again."""
        ...

    def describe(self, evidence: Evidence) -> Float32:
        """Return the last frame as numbers (F,) for another reader: deviations, the same relative to her, the weight.

        All nought before the first frame.
        """
        ...

    def explain(self, frames: Float32) -> Float32:
        """Return the (21,) share of each joint in the answer to the frames (T, D), summing to one."""
        ...


@runtime_checkable
class ReadsMany(Protocol):
    """Read the frames of several performers together, for less than one after the other."""

    def step_many(self, frames: Float32, evidences: Sequence[Evidence]) -> list[Answer]:
        """Read one network frame each (n, D); return answers and evidences in their order."""
        ...


def answer_all(recogniser: Recogniser, questions: Sequence[Question]) -> list[Answer]:
    """Answer questions about different performers, together where the recogniser can."""
    if len(questions) > 1 and isinstance(recogniser, ReadsMany):
        return recogniser.step_many(np.stack([each.frame for each in questions]), [each.evidence for each in questions])
    return [recogniser.step(each.frame, each.evidence) for each in questions]


def silent(labels: tuple[str, ...]) -> Reading:
    """Return the reading of no evidence at all: every label alike, confidence 0, unknown."""
    return Reading(UNKNOWN, dict.fromkeys(labels, 1.0 / len(labels)), 0.0, 0.0, 0.0, abstain=True)
