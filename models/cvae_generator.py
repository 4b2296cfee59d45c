"""Whole movements on demand: drawn, prototypical, blended between emotions, or between two recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from .cvae import FRAMES, CvaeShape, MotionCvae
from .cvae_prior import LatentPrior
from .manifold import Manifold

NEUTRAL: Final = "neutral"
BEYOND: Final = 1.5  # the greatest intensity


class MovementGenerator(nn.Module):
    """Hold autoencoder, prior, manifold, and of each emotion mean and deviation of its latents (E, D)."""

    prototypes: Tensor
    spreads: Tensor

    def __init__(self, shape: CvaeShape, emotions: Sequence[str], prior_width: int, style: int) -> None:
        super().__init__()
        self.emotions = tuple(emotions)
        self.cvae = MotionCvae(shape)
        self.prior = LatentPrior(shape.latent, len(shape.conditions), prior_width)
        self.manifold = Manifold(shape.latent, style)
        self.register_buffer("prototypes", torch.zeros(len(self.emotions), shape.latent))
        self.register_buffer("spreads", torch.ones(len(self.emotions), shape.latent))

    def weights(self, emotions: Mapping[str, float] | str) -> Tensor:
        """Return conditions (1, C) of an emotion, or of a blend of several; raises ValueError for an unknown one."""
        said = {emotions: 1.0} if isinstance(emotions, str) else dict(emotions)
        unknown = sorted(set(said) - set(self.emotions))
        if unknown or not said or min(said.values()) < 0 or not 0 < sum(said.values()) < float("inf"):
            raise ValueError(f"no blend of emotions: {said}; known are {', '.join(self.emotions)}")
        out = torch.zeros(1, len(self.cvae.shape.conditions))
        for emotion, share in said.items():
            out[0, self.cvae.shape.conditions.index(emotion)] = share / sum(said.values())
        return out

    @torch.inference_mode()
    def draw(self, emotions: Mapping[str, float] | str, intensity: float, seeds: Sequence[int]) -> Tensor:
        """Return a movement (N, 64, 130) a seed; intensity 0 is neutral, 1 as acted, 1.5 the most."""
        noise = torch.stack([torch.randn(self.prior.latent, generator=_generator(seed)) for seed in seeds])
        share = torch.full((len(seeds),), min(max(intensity, 0.0), BEYOND))
        condition = self.weights(emotions).expand(len(seeds), -1)
        neutral = self.weights(NEUTRAL).expand(len(seeds), -1)
        latents = self.prior.draw(noise, condition, neutral, share)
        return self.decoded(latents, neutral + share[:, None] * (condition - neutral))

    @torch.inference_mode()
    def draw_normal(self, emotion: str, intensity: float, seeds: Sequence[int]) -> Tensor:
        """Return movements (N, 64, 130) from one normal an emotion, as in arXiv 2606.28769: what `draw` is against."""
        e, zero = self.emotions.index(emotion), self.emotions.index(NEUTRAL)
        noise = torch.stack([torch.randn(self.prior.latent, generator=_generator(seed)) for seed in seeds])
        mean = self.prototypes[zero] + intensity * (self.prototypes[e] - self.prototypes[zero])
        condition = self.weights(NEUTRAL) + intensity * (self.weights(emotion) - self.weights(NEUTRAL))
        return self.decoded(mean + noise * self.spreads[e], condition.expand(len(seeds), -1))

    @torch.inference_mode()
    def prototype(self, emotion: str, intensity: float = 1.0) -> Tensor:
        """Return the movement (64, 130) of the mean latent of an emotion, from neutral's at 0 to beyond at 1.5."""
        e, zero = self.emotions.index(emotion), self.emotions.index(NEUTRAL)
        latent = self.prototypes[zero] + intensity * (self.prototypes[e] - self.prototypes[zero])
        condition = self.weights(NEUTRAL) + intensity * (self.weights(emotion) - self.weights(NEUTRAL))
        return self.decoded(latent[None], condition)[0]

    @torch.inference_mode()
    def encode(self, poses: Tensor, lengths: Tensor, emotion: str = NEUTRAL) -> Tensor:
        """Return mean latents (N, D) of movements (N, 64, 130); those of which nothing is known count as neutral."""
        condition = self.weights(emotion).expand(len(poses), -1)
        return self.cvae.encode(poses, lengths, *self.cvae.condition(condition))[0]

    @torch.inference_mode()
    def between(self, one: Tensor, other: Tensor, shares: Sequence[float], emotion: str = NEUTRAL) -> Tensor:
        """Return movements (S, 64, 130) between two (64, 130): the first at share 0, the second at 1."""
        ends = self.encode(torch.stack((one, other)), torch.tensor([FRAMES, FRAMES]), emotion)
        latents = torch.stack([torch.lerp(ends[0], ends[1], share) for share in shares])
        return self.decoded(latents, self.weights(emotion).expand(len(latents), -1))

    @torch.inference_mode()
    def moved(self, latents: Tensor, valence: float, arousal: float) -> Tensor:
        """Return movements (N, 64, 130) of latents (N, D, encoded as neutral) moved to a place of the plane."""
        return self.decoded(self.manifold.moved(latents, valence, arousal), self.weights(NEUTRAL))

    def decoded(self, latents: Tensor, condition: Tensor) -> Tensor:
        """Return movements (N, 64, 130) of latents (N, D) and conditions (N or 1, C)."""
        lengths = torch.full((len(latents),), FRAMES)
        return self.cvae.decode(latents, lengths, self.cvae.condition(condition.expand(len(latents), -1))[0])


@dataclass(frozen=True)
class About:
    """Hold what is known of weights: their hash, licence and maker, how they were made, where valence comes from."""

    sha256: str
    licence: str
    attribution: str
    training: Mapping[str, object]
    valence: Mapping[str, float]
    arousal: Mapping[str, float]


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed % (1 << 63))
