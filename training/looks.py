"""What the streaming features say of each clip: computed once, then learnt from many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..engine.skeleton import Float32
from ..models.features import MotionFeatures
from ..models.stgcn import Stgcn
from .clips import Clip

WARM_FRAMES = 15  # half a second: before that there is little to learn from


@dataclass(frozen=True)
class Look:
    """Hold the features of one clip: rows (S, F) to learn from, all after half a second; every frame."""

    clip: Clip
    rows: Float32
    every: Float32


Extractor = MotionFeatures | Stgcn


def look_at(extractor: Extractor, clips: Sequence[Clip], stride: int = 8, *, every: bool = False) -> list[Look]:
    """Return the features of each clip at every stride-th frame, of all frames as well when asked."""
    with torch.inference_mode():
        return [_look(extractor, clip, stride, every=every) for clip in clips]


def _look(extractor: Extractor, clip: Clip, stride: int, *, every: bool) -> Look:
    features = extractor.forward(torch.from_numpy(clip.frames)[None])[0].numpy().astype(np.float32)  # (T, F)
    rows = features[min(WARM_FRAMES, len(features)) - 1 :: stride]
    return Look(clip, np.concatenate((rows, features[-1:])), features if every else features[:0])


def prior_moments(extractor: MotionFeatures, clips: Sequence[Clip]) -> torch.Tensor:
    """Return the mean observation (U,) over all frames of the clips: what is assumed before anything is seen."""
    total = torch.zeros(extractor.moments.count, dtype=torch.float64)
    weight = torch.zeros_like(total)
    with torch.inference_mode():
        for clip in clips:
            observed, valid = extractor.observe_all(torch.from_numpy(clip.frames)[None])
            total += (observed * valid).sum(dim=(0, 1))
            weight += valid.sum(dim=(0, 1))
    return total / weight.clamp(min=1.0)
