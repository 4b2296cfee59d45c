"""Recordings by the learned signature: read by the path that runs live, then through the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..engine.errors import InputError, WeightsError
from ..engine.features import Normaliser
from ..engine.pose import Hole
from ..engine.skeleton import Float32, Float64
from ..engine.streams import MODEL_RATE_HZ
from ..models.signature_store import LearnedSignature, load_signature
from ..models.store import WeightsProblem
from .learned import apart, embed
from .signature_files import Progress, at_rate, read_poses

LEAST_FRAMES = 15  # half a second


def open_learned(path: Path | None = None) -> LearnedSignature:
    """Return the shipped learned signature, or another one; raises WeightsError."""
    try:
        return load_signature() if path is None else load_signature(path)
    except WeightsProblem as problem:
        raise WeightsError(problem.place, problem.problem, mend=problem.mend) from None


def frames_of(place: str) -> Float32:
    """Return the network frames (T, 90) of a recording, as they would be live; raises InputError for too few."""
    normaliser = Normaliser(MODEL_RATE_HZ)
    frames = [normaliser.step(each) for each in at_rate(read_poses(place), MODEL_RATE_HZ) if not isinstance(each, Hole)]
    if len(frames) < LEAST_FRAMES:
        raise InputError(place, f"has {len(frames)} frames, and {LEAST_FRAMES} are needed", mend="a longer recording")
    return np.stack(frames)


def learned_distances(places: Sequence[str], learned: LearnedSignature, progress: Progress | None = None) -> Float64:
    """Return the distances (N, N) of recordings by the learned signature; it has no unit, and 2 is the farthest."""
    found: list[Float32] = []
    for i, place in enumerate(places):
        if progress is not None and i % 25 == 0 and len(places) > 25:
            progress(f"looking at {i} of {len(places)}")
        found.append(frames_of(place))
    return apart(embed(learned.encoder, found))
