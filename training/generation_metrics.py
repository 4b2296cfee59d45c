"""Figures of generated takes beside real ones: distributions in features, feet, jerk, bones, novelty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from ..engine.body import BODY, MIRROR
from ..models.motion_encoder import rows_of_frames
from ..models.signature_store import load_signature
from .motion_data import FEET, FPS, GeneratedTake
from .peer_features import windows_of

Floats = NDArray[np.float64]
_COMPONENTS: Final = 32
_SKATE_M: Final = 0.033  # the height over the sole at which a foot no longer counts as standing
_SOLES_M: Final = np.array([0.12, 0.025, 0.12, 0.025])  # ankles and toes of a foot that stands, in the sets
_MOMENTS: Final = 16  # of a take, that its nearest training window is sought by


class FeatureSpaces:
    """Map takes to two spaces that no generator was trained in.

    ours: the 16 numbers of the shipped signature encoder (bandai-signature). independent: hand-made features of
    published recognisers (`peer_features`), standardised and reduced to 32 principal components on real takes.
    """

    def __init__(self, real: Sequence[GeneratedTake]) -> None:
        from sklearn.decomposition import PCA

        self._encoder = load_signature().encoder
        rows = hand_made(real)
        self._mean, self._scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
        count = min(_COMPONENTS, len(rows) - 1)
        self._pca = PCA(count, whiten=False, random_state=0).fit((rows - self._mean) / self._scale)

    def ours(self, takes: Sequence[GeneratedTake]) -> Floats:
        """Return (N, 16)."""
        rows = [rows_of_frames(torch.from_numpy(take.frames)) for take in takes]
        return np.stack([self._encoder.signature(each).numpy() for each in rows]).astype(np.float64)

    def independent(self, takes: Sequence[GeneratedTake]) -> Floats:
        """Return (N, 32)."""
        return self._pca.transform((hand_made(takes) - self._mean) / self._scale)


def hand_made(takes: Sequence[GeneratedTake]) -> Floats:
    """Return the hand-made features (N, F) of takes, averaged over the windows of each."""
    return np.stack([windows_of(take.frames).mean(axis=0) for take in takes])


def frechet(one: Floats, other: Floats) -> float:
    """Return the Frechet distance between normals fitted to rows (N, F) and (M, F) (Heusel et al., 2017)."""
    a, b = np.atleast_2d(np.cov(one.T)), np.atleast_2d(np.cov(other.T))
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    both = np.linalg.eigvalsh(root @ b @ root)  # the eigenvalues of a @ b
    apart = one.mean(axis=0) - other.mean(axis=0)
    return float(apart @ apart + np.trace(a) + np.trace(b) - 2 * np.sqrt(np.maximum(both, 0.0)).sum())


def diversity(rows: Floats) -> float:
    """Return the mean distance between all pairs of rows (N, F)."""
    squares = np.square(rows).sum(axis=1)
    apart = np.sqrt(np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0.0))
    return float(apart[np.triu_indices(len(rows), 1)].mean())


def multimodality(rows: Floats, labels: Sequence[str]) -> float:
    """Return the mean of the diversities within each label."""
    words = np.array(labels)
    return float(np.mean([diversity(rows[words == word]) for word in sorted(set(labels))]))


def skate_cm_s(takes: Sequence[GeneratedTake]) -> float:
    """Return how fast feet glide that are near the floor, weighed 2 - 2^(height / 3.3 cm) (Zhang et al., 2018)."""
    moved, weights = 0.0, 0.0
    for take in takes:
        feet = take.positions[:, FEET].astype(np.float64)  # (T, 4, 3)
        height = np.clip((feet[1:, :, 1] - _SOLES_M) / _SKATE_M, 0.0, None)
        weight = np.maximum(2.0 - 2.0**height, 0.0)  # (T - 1, 4)
        glide = np.linalg.norm(np.diff(feet[..., [0, 2]], axis=0), axis=-1) * take.rate_hz
        moved, weights = moved + float((glide * weight).sum()), weights + float(weight.sum())
    return 100.0 * moved / max(weights, 1e-9)


def jerk_m_s3(takes: Sequence[GeneratedTake]) -> dict[str, float]:
    """Return median, mean and 99th percentile of the joints' jerk."""
    found = [np.linalg.norm(np.diff(t.positions.astype(float), 3, axis=0), axis=-1).ravel() * FPS**3 for t in takes]
    every = np.concatenate(found)
    return {"median": float(np.median(every)), "mean": float(every.mean()), "p99": float(np.quantile(every, 0.99))}


def bone_error(takes: Sequence[GeneratedTake]) -> float:
    """Return the greatest difference of a bone's length from the body's, as a share of it."""
    parents = np.array(BODY.parents[1:])
    own = np.linalg.norm(BODY.offsets[1:], axis=-1)
    worst = 0.0
    for take in takes:
        bones = np.linalg.norm(take.positions[:, 1:] - take.positions[:, parents], axis=-1)
        worst = max(worst, float(np.abs(bones / own - 1.0).max()))
    return worst


def below_floor_cm(takes: Sequence[GeneratedTake]) -> dict[str, float]:
    """Return how far the lowest joint goes under the floor: 95th percentile of frames, and most."""
    low = np.concatenate([-take.positions[..., 1].min(axis=1) for take in takes])
    return {"p95": 100 * max(0.0, float(np.quantile(low, 0.95))), "most": 100 * max(0.0, float(low.max()))}


class Novelty:
    """Find the nearest training window of a take: mean distance of the joints about the hips, cm, no warp of time."""

    def __init__(self, takes: Sequence[GeneratedTake], frames: int, hop: int = 4) -> None:
        self._frames = frames
        rows: list[NDArray[np.float32]] = []
        for take in takes:
            bodies = take.frames[:, :63].reshape(-1, 21, 3)
            mirrored = bodies[:, list(MIRROR)] * np.array([-1, 1, 1], dtype=np.float32)
            for body in (bodies, mirrored):
                starts = range(0, len(body) - frames + 1, hop)
                rows += [self._moments(body[at : at + frames]) for at in starts]
        self._rows = np.stack(rows)  # (W, moments * 63)
        self._squares = np.square(self._rows).sum(axis=1)

    def _moments(self, body: NDArray[np.float32]) -> NDArray[np.float32]:
        at = np.linspace(0, len(body) - 1, _MOMENTS).round().astype(int)
        return body[at].ravel()

    def of(self, take: GeneratedTake) -> float:
        """Return the distance in cm (of a person whose trunk and leg measure 1.25 m)."""
        row = self._moments(take.frames[: self._frames, :63].reshape(-1, 21, 3))
        near = np.argsort(self._squares - 2 * self._rows @ row)[:16]
        apart = (self._rows[near] - row).reshape(len(near), -1, 3)
        return float(np.linalg.norm(apart, axis=-1).mean(axis=1).min()) * 125.0


def physics(takes: Sequence[GeneratedTake]) -> dict[str, Any]:
    """Return all that needs no other takes."""
    return {
        "skate_cm_s": skate_cm_s(takes),
        "jerk_m_s3": jerk_m_s3(takes),
        "bone_error": bone_error(takes),
        "below_floor_cm": below_floor_cm(takes),
    }
