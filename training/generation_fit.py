"""What is learnt in the latent space once the autoencoder stands: the prior and the plane of valence and arousal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ..models.cvae import MotionCvae
from ..models.cvae_generator import SEEDS, About, MovementGenerator
from ..models.cvae_kinematics import mirrored
from ..models.cvae_prior import LatentPrior
from ..models.cvae_store import save_generator
from ..models.manifold import Manifold
from .generation_data import condition_of, stacked, windows_of
from .generation_reader import teach_reader
from .generation_train import GeneratorRecipe, train_cvae
from .motion_data import EMOTIONS, HELD_OUT, MotionTake, Progress, load_motion, split
from .schedule import one_cycle
from .train import AROUSAL, ATTRIBUTION, LICENCE, VALENCE

_HOP_LABELLED: Final = 4
_HOP: Final = 24
_PACES: Final = (0.92, 1.0, 1.08)  # at which labelled windows are shown
_BLIND: Final = 0.1  # of prior batches that are told nothing
PLANE: Final = torch.tensor([[VALENCE[e], AROUSAL[e]] for e in EMOTIONS])  # (6, 2), by hand after Russell (1980)


class Latents:
    """Hold the latents of windows, mirrored ones too, with condition, label and the windows' share of a batch.

    latents: (N, D) each encoded under its own condition. blind: (N, D) encoded as neutral, whatever it shows.
    numbers: (N,) conditions. labels: (N,) of EMOTIONS, -1 elsewhere. chances: (N,) sum to 1.
    """

    def __init__(self, cvae: MotionCvae, takes: Sequence[MotionTake]) -> None:
        labelled = [take for take in takes if take.label >= 0]
        others = [take for take in takes if take.label < 0]
        parts = [self._part(cvae, labelled, _HOP_LABELLED, pace) for pace in _PACES]
        parts.append(self._part(cvae, others, _HOP))
        self.latents, self.blind, self.numbers, self.labels, self.sets = (
            torch.cat([part[i] for part in parts]) for i in range(5)
        )
        self.cvae, self.conditions = cvae, len(cvae.shape.conditions)
        self.chances = self._chances()

    @staticmethod
    @torch.inference_mode()
    def _part(cvae: MotionCvae, takes: Sequence[MotionTake], hop: int, pace: float = 1.0) -> tuple[Tensor, ...]:
        conditions = cvae.shape.conditions
        windows = [window for window in windows_of(takes, hop) if window.length >= 48]
        found: list[tuple[Tensor, ...]] = []
        for at in range(0, len(windows), 128):
            some = windows[at : at + 128]
            poses, lengths = stacked(takes, some, pace)
            numbers = torch.tensor([conditions.index(condition_of(takes[w.take])) for w in some])
            labels = torch.tensor([takes[w.take].label for w in some])
            sets = torch.tensor([int(takes[w.take].set2) for w in some])
            for seen in (poses, mirrored(poses)):
                own, blind = (
                    cvae.encode(seen, lengths, *cvae.condition(_one_hot(n, len(conditions))))[0]
                    for n in (numbers, torch.full_like(numbers, conditions.index("neutral")))
                )
                found.append((own, blind, numbers, labels, sets))
        if not found:
            empty = torch.zeros(0, cvae.shape.latent)
            none = torch.zeros(0, dtype=torch.long)
            return empty, empty, none, none, none
        return tuple(torch.cat(each) for each in zip(*found, strict=True))

    def _chances(self) -> np.ndarray:
        """Return how often each is drawn: labelled half the time, within each half conditions alike."""
        chances = np.zeros(len(self.numbers))
        groups = ((self.labels >= 0, 0.5), ((self.labels < 0) & (self.sets == 0), 0.15), (self.sets == 1, 0.35))
        for group, share in groups:
            kinds = self.numbers[group].unique()
            for kind in kinds:
                mine = (group & (self.numbers == kind)).numpy()
                chances[mine] += share / len(kinds) / mine.sum()
        return chances / chances.sum()

    def told(self, *, strictly: bool) -> Tensor:
        """Return the condition (N, C) of each; strictly: neutral is what is neutral beside the other emotions."""
        told = _one_hot(self.numbers, self.conditions)
        if strictly:
            told[(self.numbers == EMOTIONS.index("neutral")) & (self.labels < 0)] = 0.0
        return told

    def labelled_mostly(self, share: float = 0.9) -> np.ndarray:
        """Return chances by which labelled ones are drawn so often, within both halves conditions alike."""
        chances = np.zeros(len(self.numbers))
        for group, part in ((self.labels >= 0, share), (self.labels < 0, 1.0 - share)):
            kinds = self.numbers[group].unique()
            for kind in kinds:
                mine = (group & (self.numbers == kind)).numpy()
                chances[mine] += part / len(kinds) / mine.sum()
        return chances / chances.sum()

    def scale(self) -> tuple[Tensor, Tensor]:
        """Return mean and deviation (D,) of the latents as they are drawn."""
        share = torch.from_numpy(self.labelled_mostly()).float()[:, None]
        mean = (self.latents * share).sum(dim=0)
        return mean, ((self.latents - mean).square() * share).sum(dim=0).sqrt().clamp(min=1e-3)


def _one_hot(numbers: Tensor, count: int) -> Tensor:
    return torch.nn.functional.one_hot(numbers, count).float()


def weights_of(cvae: MotionCvae, scale: Tensor) -> Tensor:
    """Return how much each latent number (D,) of a deviation scale (D,) counts: by how far it moves the body.

    Of 256 principal components the first moves it some hundred times as far as the last. Bounded, of mean 1.
    """
    moves = cvae.straight_out.weight.norm(dim=0) * scale
    bounded = (moves / moves.mean()).clamp(0.1, 8.0)
    return bounded / bounded.mean()


def train_prior(latents: Latents, prior: LatentPrior, recipe: GeneratorRecipe, progress: Progress) -> None:
    """Teach the prior the latents of every condition, those of one session's six emotions nine times in ten."""
    torch.manual_seed(recipe.seed)
    for buffer, value in zip((prior.mean, prior.scale), latents.scale(), strict=True):
        buffer.copy_(value)
    told, chances, steps = latents.told(strictly=True), latents.labelled_mostly(), recipe.prior_steps
    weights = weights_of(latents.cvae, prior.scale)
    mean = torch.optim.swa_utils.AveragedModel(prior, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998))
    optimiser = torch.optim.AdamW(prior.parameters(), recipe.prior_rate, weight_decay=1e-3)
    schedule = one_cycle(optimiser, recipe.prior_rate, steps, 0.05)
    drawn = np.random.default_rng(recipe.seed).choice(len(told), (steps, recipe.prior_batch), p=chances)
    said, total = time.monotonic(), 0.0
    for step in range(steps):
        rows = torch.from_numpy(drawn[step])
        condition = told[rows] * (torch.rand(len(rows), 1) > _BLIND)
        loss = prior.loss(latents.latents[rows], condition, weights)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        mean.update_parameters(prior)
        total += max(0.01, 1 / (step + 1)) * (loss.item() - total)
        if time.monotonic() - said > 20.0:
            said = time.monotonic()
            progress(f"prior, step {step + 1} of {steps}: {total:.4f}")
    prior.load_state_dict(mean.module.state_dict())


def train_manifold(latents: Latents, manifold: Manifold, *, steps: int, seed: int, progress: Progress) -> None:
    """Teach the plane: labels' places, latents drawn again, style without covariance with them, moves read back."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    spread = latents.blind.std(dim=0).clamp(min=1e-3)
    manifold.mean.copy_(latents.blind.mean(dim=0))
    manifold.scale.copy_(spread)
    optimiser = torch.optim.AdamW(manifold.parameters(), 1e-3, weight_decay=3e-2)
    schedule = one_cycle(optimiser, 1e-3, steps, 0.1)
    drawn = rng.choice(len(latents.numbers), (steps, 256), p=latents.chances)
    manifold.train()
    for step in range(steps):
        rows = torch.from_numpy(drawn[step])
        parts = _manifold_parts(manifold, manifold.standard(latents.blind[rows]), latents.labels[rows])
        loss = sum(parts.values(), torch.zeros(()))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(manifold.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 500 == 0 or step + 1 == steps:
            progress(f"plane, step {step + 1}: " + ", ".join(f"{k} {v.item():.4f}" for k, v in parts.items()))
    manifold.eval()


def _manifold_parts(manifold: Manifold, standard: Tensor, labels: Tensor) -> dict[str, Tensor]:
    axes, mean, log_variance = manifold.encode(standard)
    labelled = labels >= 0
    wanted = PLANE[labels[labelled]]
    style = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
    known_axes = axes.clone()
    known_axes[labelled] = wanted  # the writer learns from the labels, not from what the reader makes of them
    drawn = manifold.decode(known_axes, style)
    there = axes.detach()[torch.randperm(len(axes))] + 0.2 * torch.randn_like(axes)
    moved = standard + manifold.decode(there, mean) - manifold.decode(axes, mean)
    read, again, _ = manifold.encode(moved)
    both, centred = wanted - wanted.mean(dim=0), mean[labelled] - mean[labelled].mean(dim=0)
    crossed = both.T @ centred / max(len(wanted), 1)
    return {
        "axes": 2.0 * (axes[labelled] - wanted).square().mean(),
        "drawn": (drawn - standard).square().mean(),
        "kl": 1e-4 * 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean(),
        "crossed": 1.0 * crossed.square().mean(),
        "moved": 0.5 * (read - there).square().mean() + 0.05 * (again - mean.detach()).square().mean(),
    }


def prototypes_of(latents: Latents, conditions: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Return mean and deviation (6, D) of each emotion's latents, in the session where all six were recorded."""
    numbers = [conditions.index(emotion) for emotion in EMOTIONS]
    groups = [latents.latents[(latents.numbers == number) & (latents.labels >= 0)] for number in numbers]
    return torch.stack([g.mean(dim=0) for g in groups]), torch.stack([g.std(dim=0) for g in groups])


def seeds_of(latents: Latents, conditions: Sequence[str], seed: int) -> Tensor:
    """Return latents (6, SEEDS, D) of each emotion's windows, drawn by lot, from which movements begin."""
    rng, found = np.random.default_rng(seed), []
    for emotion in EMOTIONS:
        own = np.flatnonzero(((latents.numbers == conditions.index(emotion)) & (latents.labels >= 0)).numpy())
        found.append(latents.latents[rng.choice(own, SEEDS, replace=len(own) < SEEDS)])
    return torch.stack(found)


def train_generator(
    data: Path, out: Path, *, recipe: GeneratorRecipe, checkpoint: Path | None, progress: Progress
) -> Path:
    """Train autoencoder, prior and plane on all contents but the held-out ones; return the path of the weights."""
    torch.set_num_threads(1)
    takes, _ = split(load_motion(data, progress))
    cvae = train_cvae(takes, recipe, checkpoint, progress)
    progress("encoding every window")
    latents = Latents(cvae, takes)
    model = MovementGenerator(cvae.shape, EMOTIONS, recipe.prior_width, recipe.style)
    model.cvae.load_state_dict(cvae.state_dict())
    train_prior(latents, model.prior, recipe, progress)
    reader = teach_reader(takes, model.reader)
    model.plane.copy_(PLANE)
    model.seeds.copy_(seeds_of(latents, cvae.shape.conditions, recipe.seed))
    progress(f"reader: {reader}")
    train_manifold(latents, model.manifold, steps=recipe.plane_steps, seed=recipe.seed, progress=progress)
    for buffer, value in zip(
        (model.prototypes, model.spreads), prototypes_of(latents, cvae.shape.conditions), strict=True
    ):
        buffer.copy_(value)
    return save_generator(out, model, about(recipe, takes, reader))


def about(recipe: GeneratorRecipe, takes: Sequence[MotionTake], reader: dict[str, float]) -> About:
    """Return what goes beside the weights."""
    said: dict[str, Any] = {
        "command": "emotus train movements",
        "recipe": asdict(recipe),
        "takes": [sum(not t.set2 for t in takes), sum(t.set2 for t in takes)],
        "labelled": sum(t.label >= 0 for t in takes),
        "held_out": sorted(HELD_OUT),
        "reader": reader,
        "valence_arousal": "assumed, after the layout of Russell (1980); not measured",
    }
    return About("", LICENCE, ATTRIBUTION, said, VALENCE, AROUSAL)
