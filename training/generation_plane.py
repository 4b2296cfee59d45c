"""What the two axes of the plane tell: R2, angle, mutual information gap, and whether a move arrives.

The labels' places on the plane are assumed after Russell (1980): six points, so that R2 says how well six styles are
told apart, no more. Figures are of held-out contents unless they are called learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from ..models.cvae_generator import MovementGenerator
from .generation_data import stacked, windows_of
from .generation_fit import PLANE
from .motion_data import MotionTake

_BINS: Final = 20
Floats = NDArray[np.float64]


def plane_figures(model: MovementGenerator, learnt: Sequence[MotionTake], kept: Sequence[MotionTake]) -> dict[str, Any]:
    """Return the figures of the plane."""
    u_learnt, wanted_learnt, takes_learnt = coordinates(model, learnt)
    u_kept, wanted_kept, takes_kept = coordinates(model, kept)
    axes = np.stack([_axis(u_learnt, wanted_learnt[:, k]) for k in range(2)])
    return {
        "r2_windows": _r2(u_kept[:, :2], wanted_kept),
        "r2_takes": _r2(*_by_take(u_kept[:, :2], wanted_kept, takes_kept)),
        "r2_learnt_windows": _r2(u_learnt[:, :2], wanted_learnt),
        "r2_learnt_takes": _r2(*_by_take(u_learnt[:, :2], wanted_learnt, takes_learnt)),
        "correlation_takes": _correlations(*_by_take(u_kept[:, :2], wanted_kept, takes_kept)),
        "cosine": float(abs(axes[0] @ axes[1])),
        "cosine_of_moves": _cosine_of_moves(model, kept),
        "mig": mig(u_kept, wanted_kept),
        "moved": arrival(model, kept),
    }


@torch.inference_mode()
def coordinates(model: MovementGenerator, takes: Sequence[MotionTake]) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Return coordinates (N, 2 + S) of windows, the places their labels have (N, 2), and of which take they are."""
    windows = windows_of(takes, 8)
    poses, lengths = stacked(takes, windows)
    style = model.manifold.encode(model.manifold.standard(model.encode(poses, lengths)))[1]
    axes = model.place(poses, lengths)
    labels = torch.tensor([takes[window.take].label for window in windows])
    u = torch.cat((axes, style), dim=1).numpy().astype(np.float64)
    return u, PLANE[labels].numpy().astype(np.float64), np.array([window.take for window in windows])


def _by_take(said: Floats, wanted: Floats, takes: NDArray[np.intp]) -> tuple[Floats, Floats]:
    each = sorted(set(takes.tolist()))
    return tuple(np.stack([rows[takes == take].mean(axis=0) for take in each]) for rows in (said, wanted))  # type: ignore[return-value]


def _r2(said: Floats, wanted: Floats) -> dict[str, float]:
    left = np.square(said - wanted).sum(axis=0)
    whole = np.square(wanted - wanted.mean(axis=0)).sum(axis=0)
    return dict(zip(("valence", "arousal"), (1.0 - left / whole).tolist(), strict=True))


def _correlations(said: Floats, wanted: Floats) -> dict[str, float]:
    found = [float(np.corrcoef(said[:, k], wanted[:, k])[0, 1]) for k in range(2)]
    return dict(zip(("valence", "arousal"), found, strict=True))


def _axis(u: Floats, wanted: Floats) -> Floats:
    """Return the direction (D,) in which ridge regression finds a factor in all coordinates, of unit length."""
    from sklearn.linear_model import Ridge

    scaled = (u - u.mean(axis=0)) / (u.std(axis=0) + 1e-9)
    weight = Ridge().fit(scaled, wanted).coef_
    return weight / np.linalg.norm(weight)


def mig(u: Floats, wanted: Floats) -> dict[str, float]:
    """Return the mutual information gap of each factor (Chen et al., 2018), by histograms of 20 equal counts.

    u: (N, D), the two axes first. The other axis is left out of those a factor is compared with: of six labels on the
    plane the arousal gives away the valence, and the gap would be nought however well the two are told apart.
    """
    ranks = np.argsort(np.argsort(u, axis=0), axis=0) * _BINS // len(u)
    found: dict[str, float] = {}
    for k, name in enumerate(("valence", "arousal")):
        levels = np.unique(wanted[:, k], return_inverse=True)[1]
        shares = np.bincount(levels) / len(levels)
        entropy = -float((shares * np.log(shares)).sum())
        others = [d for d in range(u.shape[1]) if d != 1 - k]
        told = np.sort([_information(ranks[:, d], levels) for d in others])[::-1]
        found[name] = float((told[0] - told[1]) / entropy)
    return found


def _information(ranks: NDArray[np.intp], levels: NDArray[np.intp]) -> float:
    joint = np.zeros((_BINS, levels.max() + 1))
    np.add.at(joint, (ranks, levels), 1.0 / len(ranks))
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    some = joint > 0
    return float((joint[some] * np.log(joint[some] / apart[some])).sum())


@torch.inference_mode()
def _cosine_of_moves(model: MovementGenerator, takes: Sequence[MotionTake]) -> float:
    """Return the cosine between how latents change along valence and along arousal, in the mean over movements."""
    poses, lengths = stacked(takes, windows_of(takes, 48))
    latents = model.encode(poses, lengths)
    manifold = model.manifold
    across, up = (
        manifold.moved(latents, *there) - manifold.moved(latents, -there[0], -there[1])
        for there in ((0.5, 0.0), (0.0, 0.5))
    )
    return float(torch.cosine_similarity(across, up, dim=1).mean())


@torch.inference_mode()
def arrival(model: MovementGenerator, takes: Sequence[MotionTake]) -> dict[str, float]:
    """Return how near to where they were moved movements read back, decoded to motion and encoded again: mean errors.

    The movements are those of held-out contents, moved to the nine points of valence and arousal -0.6, 0, 0.6.
    """
    windows = windows_of(takes, 48)
    poses, lengths = stacked(takes, windows)
    latents = model.encode(poses, lengths)
    missed: list[Floats] = []
    for valence in (-0.6, 0.0, 0.6):
        for arousal in (-0.6, 0.0, 0.6):
            read = model.manifold.place(model.encode(model.moved(latents, valence, arousal), lengths))
            missed.append(np.abs(read.numpy() - [valence, arousal]))
    return dict(zip(("valence", "arousal"), np.concatenate(missed).mean(axis=0).tolist(), strict=True))
