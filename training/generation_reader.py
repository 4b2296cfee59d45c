"""Teach the generator's own reader of emotions, and choose how softly it speaks: by learnt contents alone.

Within-class covariance comes from the labelled recordings and from the other styles of set 1 (whose labels the reader
does not know, but which show the same activities in ten ways): directions in which a style varies by what is done in
it count for less. How far its chances are to be believed is found by leaving one activity after the other away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from ..engine.body import BODY
from ..models.cvae_kinematics import mirrored
from ..models.cvae_reader import EmotionReader, features
from .generation_data import condition_of, stacked, windows_of
from .motion_data import EMOTIONS, MotionTake

SHRUNK: Final = 0.1  # of the covariance, towards a ball
_SOFTNESS: Final = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
_KIN: Final = {"dash": ("dash", "run"), "walk-back": ("walk",)}  # of a content, by how their names begin
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lesson:
    """Hold features (N, F) of windows, and of each label (-1 where it is none), condition and content."""

    rows: Floats
    labels: NDArray[np.intp]
    conditions: NDArray[np.str_]
    contents: NDArray[np.str_]

    def part(self, keep: NDArray[np.bool_]) -> Lesson:
        """Return those windows that are kept."""
        return Lesson(self.rows[keep], self.labels[keep], self.conditions[keep], self.contents[keep])


@torch.inference_mode()
def lesson_of(takes: Sequence[MotionTake]) -> Lesson:
    """Return what set 1 teaches: windows of all takes, and their mirror images."""
    takes = [take for take in takes if not take.set2]
    windows = windows_of(takes, 8)
    poses, lengths = stacked(takes, windows)
    offsets = torch.tensor(BODY.offsets, dtype=torch.float32)
    rows = torch.cat([features(each, lengths, offsets) for each in (poses, mirrored(poses))])
    own = [takes[window.take] for window in windows] * 2
    return Lesson(
        rows.numpy().astype(np.float64),
        np.array([take.label for take in own]),
        np.array([condition_of(take) for take in own]),
        np.array([take.content for take in own]),
    )


@dataclass(frozen=True)
class Discriminants:
    """Hold a linear reader: mean and scale (F,) of features, weight (F, 6), bias (6,)."""

    mean: Floats
    scale: Floats
    weight: Floats
    bias: Floats

    def scores(self, rows: Floats) -> Floats:
        """Return log chances (N, 6) but for a constant a row."""
        return (rows - self.mean) / self.scale @ self.weight + self.bias


def discriminants(lesson: Lesson, shrunk: float = SHRUNK) -> Discriminants:
    """Return the linear discriminants of the labelled windows."""
    labelled = lesson.labels >= 0
    mean, scale = lesson.rows[labelled].mean(axis=0), lesson.rows[labelled].std(axis=0) + 1e-6
    rows = (lesson.rows - mean) / scale
    own = _within(rows[labelled], lesson.conditions[labelled])
    others = _within(rows[~labelled], lesson.conditions[~labelled]) if not labelled.all() else own
    inner = 0.5 * (own + others)
    inner = (1.0 - shrunk) * inner + shrunk * np.eye(len(inner)) * np.trace(inner) / len(inner)
    means = np.stack([rows[lesson.labels == k].mean(axis=0) for k in range(len(EMOTIONS))])
    weight = np.linalg.solve(inner, means.T)  # (F, 6)
    return Discriminants(mean, scale, weight, -0.5 * (means.T * weight).sum(axis=0))


def _within(rows: Floats, kinds: NDArray[np.str_]) -> Floats:
    """Return the covariance (F, F) about the means of kinds, all kinds counted alike."""
    return np.mean([np.cov(rows[kinds == kind].T, bias=True) for kind in sorted(set(kinds.tolist()))], axis=0)


def left_out(lesson: Lesson) -> tuple[Floats, NDArray[np.intp]]:
    """Return scores (N, 6) and labels (N,) of emotions in every content by a reader that never saw it or its kin."""
    labelled = lesson.labels >= 0
    scores, labels = [], []
    for content in sorted(set(lesson.contents[labelled].tolist())):
        kin = _KIN.get(content, (content,))
        away = np.array([name.startswith(kin) for name in lesson.contents.tolist()])
        if len(set(lesson.labels[labelled & ~away].tolist())) < len(EMOTIONS):
            continue
        asked = lesson.part(labelled & (lesson.contents == content) & (lesson.labels != EMOTIONS.index("neutral")))
        if len(asked.rows):
            scores.append(discriminants(lesson.part(~away)).scores(asked.rows))
            labels.append(asked.labels)
    return np.concatenate(scores), np.concatenate(labels)


def softness_of(scores: Floats, labels: NDArray[np.intp]) -> float:
    """Return by what scores (N, 6) are to be divided so that the chances of labels (N,) are the greatest."""

    def surprise(softness: float) -> float:
        said = scores / softness
        said = said - said.max(axis=1, keepdims=True)
        logs = said - np.log(np.exp(said).sum(axis=1, keepdims=True))
        own = logs[np.arange(len(labels)), labels]
        return -float(np.mean([own[labels == label].mean() for label in sorted(set(labels.tolist()))]))

    return min(_SOFTNESS, key=surprise)


def teach_reader(takes: Sequence[MotionTake], reader: EmotionReader) -> dict[str, float]:
    """Fill the reader from takes; return how softly it speaks, and how it reads contents that it did not see."""
    lesson = lesson_of(takes)
    scores, labels = left_out(lesson)
    softness = softness_of(scores, labels)
    found = discriminants(lesson)
    for name, value in (("mean", found.mean), ("scale", found.scale)):
        getattr(reader, name).copy_(torch.from_numpy(value).float())
    reader.weight.copy_(torch.from_numpy(found.weight / softness).float())
    reader.bias.copy_(torch.from_numpy(found.bias / softness).float())
    each = [float(np.mean(scores[labels == k].argmax(axis=1) == k)) for k in sorted(set(labels.tolist()))]
    return {"softness": softness, "left_out_accuracy": round(float(np.mean(each)), 3)}
