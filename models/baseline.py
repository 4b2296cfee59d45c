"""What is usual for one performer: fading statistics of her own features, and how far to read her relative to them.

A person's own way of moving is estimated as in empirical Bayes (Efron and Morris, 1975): the mean of her features,
drawn towards the population by how little is known, feature by feature; one that lies further out than any mood would
carry it is hers, or her sensor's, after however short a time. What counts as evidence is not time but variety: ten
minutes of one mood are one observation of her, four moods are four.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from .base import State

CONTEXTS: Final = ("still", "walking", "gesturing", "jumping")
STRIDE: Final = 10  # frames from one look at the performer to the next: features move slower than that
LIMIT: Final = 8.0  # deviations that a feature may lie away
HUBER: Final = 2.5  # deviations beyond which one outburst counts as no more
FAST_S: Final = 2.0  # seconds within which the mean may still jump
PRIOR_S: Final = 4.0  # seconds that the population's deviation weighs
CONTEXT_S: Final = 10.0  # seconds in one context after which its own mean weighs as much as that of all
MOST_VARIETY: Final = 0.9
ENOUGH: Final = 4.0  # observations of a performer that are worth believing wholly
GATHERED: Final = 1.0  # observations that a show which nobody vouched for is believed at most
STEEP: Final = 4  # how suddenly the relative answer takes over as performers differ more


class Usual(NamedTuple):
    """Hold the baseline of N streams; every tensor in float64, N first.

    mean, spread: (N, C, D) of the features, a mean and a variance for each context. weight: (N, C) seconds of evidence.
    known: (N, 4) observations vouched for by who calibrated, 1 where frozen, frames seen, weight of the relative
    answer. offset: (N, D) what is taken off the features now. latest: (N, D) the last frame's features.
    """

    mean: Tensor
    spread: Tensor
    weight: Tensor
    known: Tensor
    offset: Tensor
    latest: Tensor


class RunningBaseline(nn.Module):
    """Follow N performers by D standardised features; learnt beside the weights: own, moods, gain, halfway, alone.

    own: (D,) variance of each feature between performers. moods: (D,) between the moods of one. gain: how much of the
    relative answer there is far out, whole from 1 on. halfway: how far from everybody else (mean square, in units of
    both variances) a performer is read half relative to herself. alone: what one long unlabelled mood counts as, in
    observations.
    """

    own: Tensor
    moods: Tensor
    gain: Tensor
    halfway: Tensor
    alone: Tensor

    def __init__(self, size: int, rate_hz: float, memory_s: float, settle_s: float) -> None:
        super().__init__()
        self.size = size
        self.seconds = STRIDE / rate_hz
        self.keep = math.exp(-self.seconds / memory_s)
        self.settle_s = settle_s
        wide = torch.float64
        self.register_buffer("own", torch.ones(size, dtype=wide))
        self.register_buffer("moods", torch.ones(size, dtype=wide))
        self.register_buffer("gain", torch.zeros(1, dtype=wide))
        self.register_buffer("halfway", torch.ones(1, dtype=wide))
        self.register_buffer("alone", torch.full((1,), 0.25, dtype=wide))

    def start(self, n: int) -> State:
        """Return the state of knowing nothing of n performers."""
        wide = torch.float64
        contexts = (n, len(CONTEXTS), self.size)
        return Usual(
            mean=torch.zeros(contexts, dtype=wide),
            spread=torch.zeros(contexts, dtype=wide),
            weight=torch.zeros(n, len(CONTEXTS), dtype=wide),
            known=torch.zeros(n, 4, dtype=wide),
            offset=torch.zeros(n, self.size, dtype=wide),
            latest=torch.zeros(n, self.size, dtype=wide),
        )

    def learn(self, usual: Usual, features: Tensor, contexts: Tensor, valid: Tensor) -> Usual:
        """Take features (N, D) in: contexts (N, C) shares, valid (N,) 0 to 1.

        Streams that are frozen keep their statistics; what is taken off still follows the context.
        """
        share = contexts * (valid * (1.0 - usual.known[:, 1]) * self.seconds)[:, None]  # (N, C)
        weight = usual.weight * torch.where(share > 0, self.keep, 1.0) + share
        gain = (share / weight.clamp(min=1e-9))[..., None]  # (N, C, 1)
        held = usual.weight[..., None]
        deviation = ((usual.spread * held + PRIOR_S) / (held + PRIOR_S)).sqrt()
        limit = deviation * (HUBER * (1.0 + FAST_S / (held + 0.1)))
        gap = (features[:, None] - usual.mean).clamp(-limit, limit)
        mean = torch.addcmul(usual.mean, gain, gap)
        spread = (1.0 - gain) * torch.addcmul(usual.spread, gain, gap * gap)
        return self.settle(usual._replace(mean=mean, spread=spread, weight=weight), contexts)

    def settle(self, usual: Usual, contexts: Tensor) -> Usual:
        """Work out what is taken off the features in these contexts (N, C), and how much the relative answer weighs."""
        weight = usual.weight
        total = weight.sum(dim=1, keepdim=True)  # (N, 1)
        common = weight / total.clamp(min=1e-9)  # (N, C)
        own = contexts * (weight / (weight + CONTEXT_S))
        blend = own + (1.0 - own.sum(dim=1, keepdim=True)) * common  # (N, C), sums to one
        both = torch.stack((blend, common), dim=1)  # (N, 2, C)
        centres = both @ usual.mean  # (N, 2, D)
        spread = (both[:, 1:] @ usual.spread)[:, 0]
        variety = (spread / self.moods).mean(dim=1).clamp(max=MOST_VARIETY)  # (N,)
        settled = -torch.expm1(-total[:, 0] / self.settle_s)
        gathered = (self.alone + 1.0 / (1.0 - variety) - 1.0) * settled  # (N,) observations
        n = usual.known[:, 0] + gathered
        doubt = self.moods / n.clamp(min=1e-6)[:, None]  # (N, D)
        centre = centres[:, 0]
        offset = centre * (1.0 - doubt / torch.maximum(centre * centre, self.own + doubt))
        apart = (centres[:, 1].square() / (self.own + self.moods)).mean(dim=1).pow(STEEP)
        # Several activities in one mood look like several moods: what a show gathers by itself counts half, to a bound.
        sure = (gathered.clamp(max=GATHERED) + 2.0 * usual.known[:, 0]) / (2.0 * ENOUGH)
        weight = sure.clamp(max=1.0) * (self.gain * apart / (apart + self.halfway.pow(STEEP))).clamp(max=1.0)
        return usual._replace(offset=offset, known=torch.cat((usual.known[:, :3], weight[:, None]), dim=1))


def contexts_of(hands: Tensor, feet: Tensor, up: Tensor) -> Tensor:
    """Return shares (..., C) of the contexts from log1p of squared speeds over a thousandth (...,), body lengths/s.

    Hands move above about 0.2, feet step above 0.35, hips leap above 0.35 up and down.
    """
    moving, stepping, leaping = (torch.sigmoid(s) for s in (2.0 * (hands - 3.7), 2.0 * (feet - 4.8), 2.0 * (up - 4.8)))
    standing = 1.0 - stepping
    return torch.stack(
        (standing * (1.0 - moving), stepping * (1.0 - leaping), standing * moving, stepping * leaping), dim=-1
    )
