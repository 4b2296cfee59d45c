"""Whole movements on demand: drawn, prototypical, blended between emotions, or between two recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from .cvae import FRAMES, CvaeShape, MotionCvae
from .cvae_prior import LatentPrior
from .cvae_reader import EmotionReader
from .graph import JOINTS
from .manifold import AXES, Manifold

NEUTRAL: Final = "neutral"
BEYOND: Final = 1.5  # the greatest intensity
CANDIDATES: Final = 16  # of which one is kept
_SPREAD: Final = 0.25  # of the candidates' intensities about the one asked for, where that is between 0 and 1
SEEDS: Final = 64  # latents of an emotion from which movements begin
BEGIN: Final = 0.4  # the share of such a latent in where the flow begins, the rest being noise
_AT_ONCE: Final = 16  # seeds
_STEADY: Final = 1.5  # how much rather one is kept whose feet stand, a m/s
_FEET: Final = [JOINTS.index(name) for name in ("LeftFoot", "LeftToes", "RightFoot", "RightToes")]
_SOLES_M: Final = (0.12, 0.025, 0.12, 0.025)  # heights of ankles and toes that stand
_GRIP_M: Final = 0.033  # over those, at which one no longer counts
_RATE_HZ: Final = 30.0
_BENT: Final = 0.75  # the chance asked for is the intensity to this power: a quarter is to be seen too
_STRICT: Final = 8.0  # how much rather a movement is kept that reads as asked


class MovementGenerator(nn.Module):
    """Hold autoencoder, prior, reader, manifold, and of each emotion mean and deviation of its latents (E, D)."""

    seeds: Tensor
    plane: Tensor
    prototypes: Tensor
    spreads: Tensor

    def __init__(self, shape: CvaeShape, emotions: Sequence[str], prior_width: int, style: int) -> None:
        super().__init__()
        self.emotions = tuple(emotions)
        self.cvae = MotionCvae(shape)
        self.prior = LatentPrior(shape.latent, len(shape.conditions), prior_width)
        self.reader = EmotionReader(len(self.emotions))
        self.manifold = Manifold(shape.latent, style)
        self.register_buffer("seeds", torch.zeros(len(self.emotions), SEEDS, shape.latent))
        self.register_buffer("plane", torch.zeros(len(self.emotions), AXES))  # where on it emotions lie
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
    def draw(
        self,
        emotions: Mapping[str, float] | str,
        intensity: float,
        seeds: Sequence[int],
        candidates: int = CANDIDATES,
    ) -> Tensor:
        """Return a movement (N, 64, 130) a seed; intensity 0 is neutral, 1 as acted, 1.5 the most.

        Of so many candidates a seed one is kept, by lot, those sooner that the reader finds to express what is asked.
        """
        share = min(max(intensity, 0.0), BEYOND)
        condition, neutral = self.weights(emotions), self.weights(NEUTRAL)
        parts = [seeds[at : at + _AT_ONCE] for at in range(0, len(seeds), _AT_ONCE)]
        return torch.cat([self._kept(condition, neutral, share, part, candidates) for part in parts])

    def _kept(self, condition: Tensor, neutral: Tensor, share: float, seeds: Sequence[int], count: int) -> Tensor:
        """Return one movement (N, 64, 130) a seed, of so many candidates each."""
        dice = [_generator(seed) for seed in seeds]
        noise = torch.cat([torch.randn(count, self.prior.latent, generator=die) for die in dice])  # (N * K, D)
        about, lots, which, whose = torch.stack([torch.rand(4, count, generator=die) for die in dice]).unbind(dim=1)
        room = _SPREAD * min(1.0, 4 * share * max(1.0 - share, 0.0))
        shares = (share + room * (2 * about - 1)).flatten()  # (N * K,)
        wide = condition.expand(len(noise), -1), neutral.expand(len(noise), -1)
        columns = [self.cvae.shape.conditions.index(emotion) for emotion in self.emotions]
        within = min(share, 1.0) ** _BENT
        asked = (neutral + within * (condition - neutral))[0, columns]  # (E,)
        emotion = torch.bucketize(whose.flatten() * 0.9999, asked.cumsum(dim=0), right=True).clamp(max=len(asked) - 1)
        begun = self.seeds[emotion, (which.flatten() * SEEDS).long().clamp(max=SEEDS - 1)]  # (N * K, D)
        latents = self.prior.draw(self.prior.mixed(noise, begun, BEGIN), *wide, shares, BEGIN)
        poses = self.decoded(latents, neutral + shares[:, None] * (condition - neutral))
        apart = (_surer(self.read(poses), 2.0 - 4.0 * within * (1.0 - within)) - asked).square().sum(dim=1)  # (N * K,)
        cost = (_STRICT * apart + _STEADY * self.glide(poses)).reshape(lots.shape)  # (N, K)
        luck = -(-lots.clamp(1e-6, 1 - 1e-6).log()).log()  # Gumbel's: the greatest sum is a draw from the softmax
        best = (luck - cost).argmax(dim=1)
        return poses.reshape(*lots.shape, FRAMES, -1)[torch.arange(len(best)), best]

    @torch.inference_mode()
    def read(self, poses: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the chances (N, E) of the emotions that movements (N, 64, 130) express, as the own reader sees it."""
        counted = torch.full((len(poses),), FRAMES) if lengths is None else lengths
        return self.reader(poses, counted, self.cvae.offsets)

    @torch.inference_mode()
    def place(self, poses: Tensor, lengths: Tensor) -> Tensor:
        """Return valence and arousal (N, 2) of movements (N, 64, 130): the mean of what latents and reader say."""
        said = _surer(self.read(poses, lengths)) @ self.plane
        return 0.5 * (self.manifold.place(self.encode(poses, lengths)) + said)

    @torch.inference_mode()
    def glide(self, poses: Tensor) -> Tensor:
        """Return how fast (N,), m/s, the lower ankles and toes of movements (N, 64, 130) go over the floor."""
        feet = self.cvae.joints(poses)[1][:, :, _FEET]  # (N, 64, 4, 3)
        high = (feet[:, 1:, :, 1] - torch.tensor(_SOLES_M)).clamp(min=0.0)
        stands = (2.0 - 2.0 ** (high / _GRIP_M)).clamp(min=0.0)  # (N, 63, 4)
        speed = feet[..., (0, 2)].diff(dim=1).square().sum(dim=-1).sqrt() * _RATE_HZ
        return (speed * stands).sum(dim=(1, 2)) / stands.sum(dim=(1, 2)).clamp(min=1.0)

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


def _surer(chances: Tensor, power: float = 2.0) -> Tensor:
    """Return chances (N, E) said less softly, so that whatever expresses an emotion well enough does so alike."""
    powers = chances**power
    return powers / powers.sum(dim=1, keepdim=True)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed % (1 << 63))
