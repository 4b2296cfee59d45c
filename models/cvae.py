"""A variational autoencoder of whole movements, conditioned on emotion, after ACTOR (Petrovich et al., ICCV 2021).

Transformer encoder and decoder, one latent vector a movement of up to 64 frames (2.1 s), any length up to it by
masks. Two things are not ACTOR's. Frames go in fours, a quarter of the tokens. And beside both transformers goes a
linear way, set at first to the principal components of the movements in places rather than angles (see `leverage`):
the transformers learn what a plane through the data cannot say, which a few minutes on one core suffice for.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .cvae_kinematics import POSE, body_positions, leverage, world_positions

FRAMES = 64
PATCH = 4


@dataclass(frozen=True)
class CvaeShape:
    """Hold the sizes: conditions the network was taught, latent numbers, width, heads and layers of each half."""

    conditions: tuple[str, ...]
    latent: int = 256
    width: int = 160
    heads: int = 4
    layers: int = 3


class MotionCvae(nn.Module):
    """Map movements (N, 64, 130) to a latent normal (N, D) and back; see `cvae_kinematics` for the 130 numbers."""

    mean: Tensor
    scale: Tensor
    offsets: Tensor

    def __init__(self, shape: CvaeShape) -> None:
        super().__init__()
        self.shape = shape
        width, count, tokens = shape.width, len(shape.conditions), FRAMES // PATCH
        self.register_buffer("offsets", torch.zeros(POSE // 6, 3))
        self.register_buffer("mean", torch.zeros(POSE))
        self.register_buffer("scale", torch.ones(POSE))
        self.into = nn.Linear(PATCH * POSE, width)
        self.places = nn.Parameter(torch.randn(tokens, width) * 0.02)
        self.means = nn.Embedding(count, width)  # the two tokens of ACTOR, one pair a condition
        self.spreads = nn.Embedding(count, width)
        self.encoder = _transformer(shape)
        self.to_mean = _zero(nn.Linear(width, shape.latent))
        self.to_spread = nn.Linear(width, shape.latent)
        self.straight_in = nn.Linear(FRAMES * POSE, shape.latent)
        self.bias = nn.Embedding(count, shape.latent)  # ACTOR's b of each action
        self.spoken = nn.Linear(shape.latent, tokens * width)
        self.queries = nn.Parameter(torch.randn(tokens, width) * 0.02)
        self.decoder = _transformer(shape)
        self.out = _zero(nn.Linear(width, PATCH * POSE))
        self.straight_out = nn.Linear(shape.latent, FRAMES * POSE)
        nn.init.normal_(self.bias.weight, std=0.02)
        nn.init.constant_(self.to_spread.bias, -4.0)

    def fit_straight(self, poses: Tensor, offsets: Tensor, counts: Tensor | None = None) -> None:
        """Set scale and linear ways to the principal components of movements (M, 64, 130), each counted counts (M,)."""
        shares = torch.ones(len(poses)) if counts is None else counts
        shares = shares / shares.sum()  # (M,)
        self.offsets.copy_(offsets)
        self.mean.copy_((poses.mean(dim=1) * shares[:, None]).sum(dim=0))
        self.scale.copy_(leverage(offsets))
        flat = self.scaled(poses).flatten(1)  # (M, 64 * 130)
        middle = (flat * shares[:, None]).sum(dim=0)
        weighed = (flat - middle) * shares.sqrt()[:, None]
        _, sizes, axes = torch.svd_lowrank(weighed, q=self.shape.latent + 16, niter=3)
        spread = sizes[: self.shape.latent]
        axes = axes[:, : self.shape.latent]  # (64 * 130, D)
        with torch.no_grad():
            self.straight_in.weight.copy_((axes / spread).T)
            self.straight_in.bias.copy_(-(middle @ axes) / spread)
            self.straight_out.weight.copy_(axes * spread)
            self.straight_out.bias.copy_(middle)

    def scaled(self, poses: Tensor) -> Tensor:
        """Return poses (..., 130) about their mean, in metres that the joints move."""
        return (poses - self.mean) * self.scale

    def unscaled(self, scaled: Tensor) -> Tensor:
        """Undo `scaled`."""
        return scaled / self.scale + self.mean

    def encode(self, poses: Tensor, lengths: Tensor, bias: Tensor, pair: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
        """Return mean and log variance (N, D) of movements (N, 64, 130), of which the first lengths (N,) frames count.

        bias: (N, D) and pair: two of (N, W), what `condition` gives of the emotions.
        """
        x = self.scaled(poses) * known(lengths)[..., None]
        tokens = self.into(x.reshape(len(x), -1, PATCH * POSE)) + self.places  # (N, 16, W)
        tokens = torch.cat((pair[0][:, None], pair[1][:, None], tokens), dim=1)  # (N, 18, W)
        hidden = nn.functional.pad(_hidden(lengths), (2, 0), value=False)
        seen = self.encoder(tokens, src_key_padding_mask=hidden)
        straight = self.straight_in(x.flatten(1))
        return straight + self.to_mean(seen[:, 0]) - bias, self.to_spread(seen[:, 1]).clamp(-12.0, 2.0)

    def condition(self, weights: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return bias and pair of mixed conditions (N, C); a row sums to 1, or goes beyond one of them."""
        return weights @ self.bias.weight, (weights @ self.means.weight, weights @ self.spreads.weight)

    def decode(self, latent: Tensor, lengths: Tensor, bias: Tensor) -> Tensor:
        """Return movements (N, 64, 130) of latents (N, D); frames beyond lengths (N,) mean nothing."""
        z = latent + bias
        tokens = self.queries + self.spoken(z).reshape(len(z), -1, self.shape.width)  # (N, 16, W)
        made = self.out(self.decoder(tokens, src_key_padding_mask=_hidden(lengths)))
        straight = self.straight_out(z).reshape(len(z), FRAMES, POSE)  # (N, 64, 130)
        return self.unscaled(straight + _even(made.reshape(len(z), FRAMES, POSE)))

    def joints(self, poses: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints about the root and in the world (..., 21, 3) of poses (..., 130)."""
        return body_positions(poses, self.offsets), world_positions(poses, self.offsets)


def known(lengths: Tensor) -> Tensor:
    """Return 1 where a frame counts, else 0: (N, 64)."""
    return (torch.arange(FRAMES) < lengths[:, None]).float()


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence (N,) of normals (N, D) from the standard one."""
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(dim=1)


def _even(made: Tensor) -> Tensor:
    """Return rows (N, 64, D) averaged over five frames: tokens know nothing of their neighbours' edges."""
    held = torch.cat((made[:, :1], made[:, :1], made, made[:, -1:], made[:, -1:]), dim=1)
    return torch.stack([share / 16 * held[:, i : i + FRAMES] for i, share in enumerate((1, 4, 6, 4, 1))]).sum(dim=0)


def _hidden(lengths: Tensor) -> Tensor:
    """Return which tokens (N, 16) hold no frame that counts."""
    return torch.arange(0, FRAMES, PATCH) >= lengths[:, None]


def _transformer(shape: CvaeShape) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        shape.width, shape.heads, 4 * shape.width, 0.0, "gelu", batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, shape.layers, nn.LayerNorm(shape.width), enable_nested_tensor=False)


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
