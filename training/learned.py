"""`emotus train signature`: what a network makes of windows of motion, learnt without one label of a style.

Two ways. A variational autoencoder (Kingma and Welling 2014): a window's latent means are what is needed to draw it
again. An embedding by InfoNCE (van den Oord et al. 2018): two windows of one recording find each other among windows of
others. The signature of a recording is the mean over its windows; two are as far apart as those means.

Learnt from set 2 alone: another performer, other activities and other styles than set 1, on which it is chosen (in one
session) and reported (in another).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..engine.errors import DataError
from ..models.motion_encoder import (
    WINDOW,
    EncoderShape,
    Kind,
    MotionDecoder,
    MotionEncoder,
    elbo,
    info_nce,
    long_enough,
    rows_of_frames,
)
from ..models.signature_store import LearnedSignature, save_signature
from .clips import Clip, Progress, load_bandai, load_folds
from .train import ATTRIBUTION, LICENCE


@dataclass(frozen=True, slots=True)
class LearnedRecipe:
    """State how an encoder is trained.

    kind: "vae" or "contrastive". among: what repels a window in a contrastive batch: windows of recordings of "any"
    activity, or only of the "same" one, so that the activity cannot be what tells them apart. batch: recordings a
    step. noise: of the input, in spreads.
    """

    kind: Kind
    among: str = "any"
    steps: int = 1000
    batch: int = 32
    latent: int = 16
    channels: int = 48
    rate: float = 2e-3
    decay: float = 1e-2
    temperature: float = 0.2
    noise: float = 0.3

    @property
    def name(self) -> str:
        """Return what it is called in a report."""
        return self.kind if self.kind == "vae" else f"contrastive, {self.among} activity"


RECIPES: Final = (
    LearnedRecipe("vae", batch=64, steps=400, decay=1e-3),
    LearnedRecipe("contrastive", among="any"),
    LearnedRecipe("contrastive", among="same"),
)


def train_encoder(recipe: LearnedRecipe, clips: Sequence[Clip], seed: int) -> MotionEncoder:
    """Return an encoder trained on clips, by recordings and activities alone; a minute or less on one core.

    Raises DataError for fewer clips than teach anything.
    """
    if len(clips) < 4:
        raise DataError("signature", f"{len(clips)} recordings teach nothing", mend="4 at least, better hundreds")
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder = MotionEncoder(EncoderShape(recipe.kind, recipe.channels, recipe.latent))
        rows = [rows_of_frames(torch.from_numpy(clip.frames)) for clip in clips]
        encoder.set_scale(torch.cat(rows))
        scaled = [long_enough(encoder.scaled(each)) for each in rows]
        teach = _train_vae if recipe.kind == "vae" else _train_contrastive
        teach(recipe, encoder, scaled, _groups(recipe, clips), rng)
    return encoder.eval().requires_grad_(requires_grad=False)


Groups = list[np.ndarray]


def _groups(recipe: LearnedRecipe, clips: Sequence[Clip]) -> Groups:
    """Return the clips among which a batch is drawn: all, or those of one activity."""
    if recipe.among == "any":
        return [np.arange(len(clips))]
    activities = np.array([clip.activity for clip in clips])
    found = [np.flatnonzero(activities == activity) for activity in sorted(set(activities.tolist()))]
    return [each for each in found if len(each) > 1] or [np.arange(len(clips))]


def _train_vae(
    recipe: LearnedRecipe, encoder: MotionEncoder, rows: list[Tensor], groups: Groups, rng: np.random.Generator
) -> None:
    decoder = MotionDecoder(encoder.shape)
    weights = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.AdamW(weights, recipe.rate, weight_decay=recipe.decay)
    for _ in range(recipe.steps):
        loss = elbo(encoder, decoder, _windows(rows, _drawn(recipe, groups, rng), rng))
        _descend(optimiser, weights, loss)


def _train_contrastive(
    recipe: LearnedRecipe, encoder: MotionEncoder, rows: list[Tensor], groups: Groups, rng: np.random.Generator
) -> None:
    weights = list(encoder.parameters())
    optimiser = torch.optim.AdamW(weights, recipe.rate, weight_decay=recipe.decay)
    for _ in range(recipe.steps):
        ids = _drawn(recipe, groups, rng)
        x = torch.cat((_windows(rows, ids, rng), _windows(rows, ids, rng)))
        one, other = functional.normalize(encoder.spoken(x + recipe.noise * torch.randn_like(x)), dim=1).chunk(2)
        _descend(optimiser, weights, info_nce(one, other, recipe.temperature))


def _drawn(recipe: LearnedRecipe, groups: Groups, rng: np.random.Generator) -> np.ndarray:
    """Return the recordings of one batch: of one group, larger groups oftener, though less than in proportion."""
    weights = np.sqrt([len(each) for each in groups])
    group = groups[int(rng.choice(len(groups), p=weights / weights.sum()))]
    return rng.choice(group, min(recipe.batch, len(group)), replace=False)


def _windows(rows: list[Tensor], ids: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Return one window (N, INPUTS, WINDOW) of each recording, from anywhere in it."""
    starts = [int(rng.integers(len(rows[i]) - WINDOW + 1)) for i in ids]
    return torch.stack([rows[i][at : at + WINDOW].T for i, at in zip(ids, starts, strict=True)])


def _descend(optimiser: torch.optim.Optimizer, weights: list[nn.Parameter], loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(weights, 1.0)
    optimiser.step()


def embed(encoder: MotionEncoder, frames: Sequence[np.ndarray]) -> np.ndarray:
    """Return the learned signatures (N, latent) of recordings, each network frames (T, 90)."""
    rows = [rows_of_frames(torch.from_numpy(each)) for each in frames]
    return np.stack([encoder.signature(each).numpy() for each in rows]).astype(np.float64)


def apart(signatures: np.ndarray) -> np.ndarray:
    """Return the Euclidean distances (N, N) of learned signatures (N, latent)."""
    squares = np.square(signatures).sum(axis=1)
    found = squares[:, None] + squares - 2 * signatures @ signatures.T
    np.fill_diagonal(found, 0.0)
    return np.sqrt(np.maximum((found + found.T) / 2, 0.0))


def load_other(data: Path, progress: Progress) -> list[Clip]:
    """Return the clips of set 2; raises DataError."""
    return load_bandai(data, 2, load_folds(data), progress)


def train_signature(data: Path, out: Path, *, seed: int, progress: Progress) -> Path:
    """Train all recipes on set 2, keep that which is best in set 1's choosing session, write it; return its path."""
    from .learned_evaluation import choose  # which trains by the recipes above

    torch.set_num_threads(1)
    recipe, chosen = choose(data, progress, seeds=(0, 1, 2))
    progress(f"training {recipe.name}, seed {seed}")
    encoder = train_encoder(recipe, load_other(data, progress), seed)
    said: Mapping[str, Any] = {
        "command": f"emotus train signature --seed {seed}",
        "data": "Motiondataset-2; of set 1 only the choice among the recipes, in the session that is not reported",
        "recipe": asdict(recipe),
        "chosen_by_auc": chosen,
    }
    return save_signature(out, LearnedSignature(encoder, LICENCE, ATTRIBUTION, training=said))
