"""Everything there is to learn from, read and looked at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..models.features import MotionFeatures
from ..models.recogniser import Shape
from . import augment, strange
from .clips import Clip, Folds, Progress, load_bandai, load_folds, load_gaits
from .looks import Look, look_at, prior_moments

_OTHERS = 4  # persons who might have played each clip of set 1


@dataclass(frozen=True)
class Library:
    """Hold the looks at set 1 (with every frame), set 2, set 1 otherwise, and the gaits to test on.

    warped, others, hidden: set 1 on other bodies, by other persons, and with joints that no sensor sees.

    persons, strangers: rows (S, F) of features of people in every amount of evidence, with the activity's family of
    each in person_clips, and of what is no performance. unseen: kinds of strangeness to test on.
    """

    extractor: MotionFeatures
    folds: Folds
    set1: list[Look]
    set2: list[Look]
    warped: list[Look]
    others: list[Look]
    hidden: list[Look]
    gaits: list[Look]
    persons: np.ndarray
    person_clips: list[Clip]
    strangers: np.ndarray
    unseen: dict[str, np.ndarray]

    @property
    def labelled(self) -> list[Look]:
        """List the clips of the six labels that are compared."""
        return [look for look in self.set1 if look.clip.label >= 0]


def build_library(data_dir: Path, shape: Shape, progress: Progress) -> Library:
    """Read the data sets; raises DataError naming what is missing."""
    rng = np.random.default_rng(0)
    folds = load_folds(data_dir)
    gaits = load_gaits(data_dir)
    set1 = load_bandai(data_dir, 1, folds, progress)
    set2 = load_bandai(data_dir, 2, folds, progress)
    extractor = MotionFeatures(shape.rate_hz, shape.memories_s, shape.prior_frames)
    extractor.moments.prior.copy_(prior_moments(extractor, set2[::4]))
    progress("looking at every clip")
    bodies = [_warped(clip, rng) for clip in set1 for _ in range(2)]
    people = [_person(clip, rng) for clip in set1 for _ in range(2)]
    chance = np.random.default_rng(1)
    others = [replace(c, frames=augment.other_person(c.frames, chance)) for c in set1 for _ in range(_OTHERS)]
    hidden = [replace(c, frames=augment.hide_joints(c.frames, chance)) for c in set1 for _ in range(2)]
    rows = [_at_moments(extractor, clip.frames) for clip in people]
    frames = [clip.frames for clip in set1]
    odd = strange.learnt(frames, 500, rng)
    unseen = strange.unseen(rng, frames)
    return Library(
        extractor=extractor,
        folds=folds,
        set1=look_at(extractor, set1, every=True),
        set2=look_at(extractor, set2, 30),
        warped=look_at(extractor, bodies, 12),
        others=look_at(extractor, others, 12),
        hidden=look_at(extractor, hidden, 12),
        gaits=look_at(extractor, gaits, every=True),
        persons=np.concatenate(rows),
        person_clips=[clip for clip, row in zip(people, rows, strict=True) for _ in row],
        strangers=np.concatenate([_at_moments(extractor, stretch) for stretch in odd]),
        unseen={kind: np.stack([_every(extractor, s) for s in some]) for kind, some in unseen.items()},
    )


def _warped(clip: Clip, rng: np.random.Generator) -> Clip:
    tempo = float(np.exp(rng.normal(0, 0.15)))
    return replace(clip, frames=augment.other_body(augment.retime(clip.frames, tempo), rng))


def _person(clip: Clip, rng: np.random.Generator) -> Clip:
    """Return a stretch of a clip as any source may give it: on another body, joints or travel unknown."""
    start = int(rng.integers(max(1, len(clip.frames) - 60)))
    frames = _warped(replace(clip, frames=clip.frames[start:]), rng).frames
    if rng.random() < 0.4:
        frames = augment.hide_joints(frames, rng)
    return replace(clip, frames=augment.stay(frames) if rng.random() < 0.4 else frames)


def _every(extractor: MotionFeatures, frames: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return extractor.forward(torch.from_numpy(frames)[None])[0].numpy().astype(np.float32)


def _at_moments(extractor: MotionFeatures, frames: np.ndarray) -> np.ndarray:
    moments: Sequence[int] = [m for m in strange.MOMENTS if m < len(frames)]
    return _every(extractor, frames[: strange.MOMENTS[-1] + 1])[list(moments)]
