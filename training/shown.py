"""Clips as teaching sees them: what the shipped recogniser says of each moment, as numbers for another reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..engine.skeleton import Float32
from ..engine.taking import WARM_FRAMES
from ..models.baseline import LIMIT
from ..models.recogniser import FusedRecogniser
from .clips import Clip, Progress, load_bandai, load_folds

EARLY = (4, 8, 15)  # frames
STRIDE = 8  # frames between the moments that are kept of a clip
SET2_STRIDE = 3  # every third clip of set 2 is enough to measure how activities and styles move the features
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Shown:
    """Hold one clip and what is said of it: rows (S, D), frames seen at each (S,), their mean (D,).

    early: (3, D) after so many frames as EARLY says.
    """

    clip: Clip
    rows: Float32
    seen: Ints
    mean: NDArray[np.float64]
    early: Float32

    @property
    def key(self) -> str:
        """Return style and session: styles are compared within a session only."""
        return f"{self.clip.style}/{self.clip.session}"


def describe_all(model: FusedRecogniser, frames: Float32) -> Float32:
    """Return (T, D) for frames (T, 90): the first D numbers of what `Recogniser.describe` says at each."""
    with torch.inference_mode():
        x = torch.from_numpy(frames)[None]
        features = model.feature_readout.standard(model.features.forward(x))
        both = torch.cat((features, model.graph_readout.standard(model.graph.forward(x))), dim=-1)
        squash = model.shape.squash
        return (torch.tanh(both.clamp(-LIMIT, LIMIT) / squash) * squash)[0].float().numpy()


def show(model: FusedRecogniser, clip: Clip) -> Shown:
    """Return what is said of a clip, from half a second on."""
    described = describe_all(model, clip.frames)
    last = len(described) - 1
    at = np.unique([*range(min(WARM_FRAMES - 1, last), last + 1, STRIDE), last])
    early = described[[min(frames, len(described)) - 1 for frames in EARLY]]
    return Shown(clip, described[at], at + 1, described[at].mean(axis=0, dtype=np.float64), early)


def show_sets(model: FusedRecogniser, data_dir: Path, progress: Progress) -> tuple[list[Shown], list[Shown]]:
    """Read both data sets; raises DataError naming what is missing."""
    folds = load_folds(data_dir)
    set1 = load_bandai(data_dir, 1, folds, progress)
    set2 = load_bandai(data_dir, 2, folds, progress)[::SET2_STRIDE]
    progress("looking at every clip")
    return [show(model, clip) for clip in set1], [show(model, clip) for clip in set2]


def activities(shown: Sequence[Shown]) -> list[str]:
    """List the activities that every style of the clips shows, in alphabetical order."""
    by_style: dict[str, set[str]] = {}
    for each in shown:
        by_style.setdefault(each.clip.style, set()).add(each.clip.activity)
    return sorted(set.intersection(*by_style.values())) if by_style else []
