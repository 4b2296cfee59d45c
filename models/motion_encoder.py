"""Small networks over windows of motion: an encoder to a few numbers, and the decoder of a variational autoencoder.

Kingma and Welling, Auto-encoding variational Bayes, 2014, with the decoder's variance at its best value for each batch
(Rybkin, Daniilidis and Levine, sigma-VAE, 2021), so that nothing weighs reconstruction against prior by hand; and van
den Oord, Li and Vinyals, InfoNCE, 2018, for an embedding in which two windows of one recording find each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from .graph import JOINTS

Kind = Literal["vae", "contrastive"]
STEP: Final = 2  # frames at 30 Hz between two of a window: 15 Hz, above twice what moves human limbs
WINDOW: Final = 32  # of those: 2.1 s, a stride or a gesture and more
HOP: Final = 8
PLACES: Final = 3 * len(JOINTS)
INPUTS: Final = 2 * PLACES  # where each joint is, and how fast it moves
_SHORT: Final = WINDOW // 4  # what is left of a window after two strides of two
_SPEED: Final = 0.3 * 30.0 / STEP  # of body lengths a second: brings speeds to the size of places
_LEAST_SPREAD: Final = 0.02


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """State the sizes of an encoder: its kind, the channels between and the numbers at the end."""

    kind: Kind
    channels: int = 48
    latent: int = 16


class MotionEncoder(nn.Module):
    """Map windows (N, INPUTS, WINDOW) to latent numbers (N, latent): a contrastive one of length one, a VAE's means."""

    mean: Tensor
    spread: Tensor

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.shape = shape
        c = shape.channels
        self.register_buffer("mean", torch.zeros(INPUTS))
        self.register_buffer("spread", torch.ones(INPUTS))
        self.first = nn.Conv1d(INPUTS, c, 3, padding=1)
        self.second = nn.Conv1d(c, c, 5, padding=2, stride=2)
        self.third = nn.Conv1d(c, c, 5, padding=2, stride=2)
        self.out = nn.Linear(2 * c, shape.latent * (2 if shape.kind == "vae" else 1))

    def set_scale(self, rows: Tensor) -> None:
        """Take mean and spread of rows (T, INPUTS), all known, which all windows are then measured by."""
        self.mean.copy_(rows.mean(dim=0))
        self.spread.copy_(rows.std(dim=0) + _LEAST_SPREAD)

    def scaled(self, rows: Tensor) -> Tensor:
        """Return rows (..., INPUTS) less the mean, in spreads; what is not known is as it is in the mean."""
        return torch.nan_to_num((rows - self.mean) / self.spread, nan=0.0)

    def spoken(self, x: Tensor) -> Tensor:
        """Map scaled windows (N, INPUTS, WINDOW) to all numbers of the last layer."""
        y = functional.relu(self.first(x))
        y = functional.relu(self.third(functional.relu(self.second(y))))  # (N, C, WINDOW / 4)
        return self.out(torch.cat((y.mean(dim=2), y.std(dim=2)), dim=1))

    def forward(self, x: Tensor) -> Tensor:
        """Map scaled windows (N, INPUTS, WINDOW) to latent numbers (N, latent)."""
        said = self.spoken(x)
        if self.shape.kind == "vae":
            return said[:, : self.shape.latent]
        return functional.normalize(said, dim=1)

    @torch.inference_mode()
    def signature(self, rows: Tensor) -> Tensor:
        """Return the mean (latent,) over the windows of one recording's rows (T, INPUTS), not scaled yet."""
        return self.forward(windows_of(self.scaled(rows))).mean(dim=0)


class MotionDecoder(nn.Module):
    """Map latent numbers (N, latent) back to windows (N, INPUTS, WINDOW); needed in training alone."""

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.channels = shape.channels
        self.first = nn.Linear(shape.latent, shape.channels * _SHORT)
        self.second = nn.Conv1d(shape.channels, shape.channels, 5, padding=2)
        self.third = nn.Conv1d(shape.channels, shape.channels, 5, padding=2)
        self.out = nn.Conv1d(shape.channels, INPUTS, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """Decode."""
        y = functional.relu(self.first(z)).reshape(len(z), self.channels, _SHORT)  # (N, C * 8) -> (N, C, 8)
        y = functional.relu(self.second(functional.interpolate(y, scale_factor=2.0)))
        y = functional.relu(self.third(functional.interpolate(y, scale_factor=2.0)))
        return self.out(y)


def rows_of_frames(frames: Tensor) -> Tensor:
    """Return places and speeds (T / STEP, INPUTS) of network frames (T, 90), NaN where a joint is not known.

    How the root travels is left out: it tells the activity.
    """
    known = frames[::STEP, PLACES : PLACES + len(JOINTS)].repeat_interleave(3, dim=1) > 0  # (T / STEP, PLACES)
    places = torch.where(known, frames[::STEP, :PLACES], torch.nan)
    speeds = torch.diff(places, dim=0, prepend=places[:1]) * _SPEED
    return torch.cat((places, speeds), dim=1)


def windows_of(rows: Tensor, hop: int = HOP) -> Tensor:
    """Return the windows (N, INPUTS, WINDOW) of rows (T, INPUTS), one every `hop`; what is too short is repeated."""
    return long_enough(rows).unfold(0, WINDOW, hop)


def long_enough(rows: Tensor) -> Tensor:
    """Return rows (T, INPUTS), T >= WINDOW, repeated where they are fewer."""
    return rows if len(rows) >= WINDOW else rows.repeat(-(-WINDOW // len(rows)), 1)


def elbo(encoder: MotionEncoder, decoder: MotionDecoder, x: Tensor) -> Tensor:
    """Return the negative evidence lower bound, per number of the input, of scaled windows (N, INPUTS, WINDOW)."""
    mean, log_variance = encoder.spoken(x).chunk(2, dim=1)
    log_variance = log_variance.clamp(-8.0, 4.0)
    z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
    count = x[0].numel()
    reconstruction = 0.5 * count * torch.log((decoder(z) - x).square().mean())
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(dim=1).mean()
    return (reconstruction + divergence) / count


def info_nce(one: Tensor, other: Tensor, temperature: float) -> Tensor:
    """Return how badly each of (N, latent) finds its partner among others (N, latent), both ways; all of length one."""
    alike = one @ other.T / temperature
    at = torch.arange(len(one))
    return 0.5 * (functional.cross_entropy(alike, at) + functional.cross_entropy(alike.T, at))
