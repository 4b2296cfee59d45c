"""The one way in which networks on windows are trained: AdamW, a one-cycle rate, mixup, clipped gradients."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..engine.skeleton import Float32
from ..engine.streams import MODEL_RATE_HZ
from .classifier import Arrays
from .kinematic import points_of
from .schedule import one_cycle
from .windows import Floats

STRIDE = 2  # every second frame is enough, at half the price


@dataclass(frozen=True)
class FitRecipe:
    """Hold how a network is trained: steps, windows a step, rate, decay, mixup's alpha (0: none), input noise."""

    steps: int = 250
    batch: int = 32
    rate: float = 4e-3
    decay: float = 0.02
    mixup: float = 0.4
    noise: float = 0.02
    smoothing: float = 0.05


def inputs_of(windows: Float32, *, acceleration: bool = False, causal: bool = False, stride: int = STRIDE) -> Tensor:
    """Return places, velocities (and accelerations) of sixteen joints, (N, T, 16 * C), every stride-th frame.

    causal: differences look back only, so that the same numbers come one frame at a time.
    """
    points = points_of(windows)  # (N, W, 16, 3)
    speed = np.diff(points, axis=1, prepend=points[:, :1]) if causal else np.gradient(points, axis=1)
    speed = speed * MODEL_RATE_HZ
    parts = [points, speed, np.gradient(speed, axis=1) * MODEL_RATE_HZ] if acceleration else [points, speed]
    joined = np.concatenate(parts, axis=-1)[:, ::stride]  # (N, T, 16, C)
    return torch.from_numpy(joined.reshape(*joined.shape[:2], -1).astype(np.float32))


def seed_everything(seed: int, purpose: str) -> None:
    """Give torch one thread and a seed of its own for each purpose."""
    torch.set_num_threads(1)
    torch.manual_seed(seed * 1_000_003 + zlib.crc32(purpose.encode()))


def standardise(network: Any, x: Tensor) -> None:
    """Set the network's mean and scale to those of inputs (N, T, D)."""
    network.mean.copy_(x.mean(dim=(0, 1)))
    network.scale.copy_(1.0 / (x.std(dim=(0, 1)) + 1e-3))


def fit_network(network: nn.Module, x: Tensor, shares: Tensor, recipe: FitRecipe) -> nn.Module:
    """Train a network on inputs (N, T, D) and shares of the labels (N, K); return it, ready to answer."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = one_cycle(optimiser, recipe.rate, recipe.steps, 0.25)
    balance = _balance(shares)
    scale = x.std(dim=(0, 1))
    network.train()
    for _ in range(recipe.steps):
        rows = torch.multinomial(balance, recipe.batch, replacement=True)
        inputs = x[rows] + recipe.noise * scale * torch.randn_like(x[rows])
        target = shares[rows]
        if recipe.mixup:
            inputs, target = mixed(inputs, target, recipe.mixup)
        logits = network(inputs)
        if logits.ndim == 3:  # one that answers every frame learns from all but the first
            moments = logits[:, logits.shape[1] // 4 :]
            logits, target = moments.flatten(0, 1), target.repeat_interleave(moments.shape[1], dim=0)
        loss = functional.cross_entropy(logits, target, label_smoothing=recipe.smoothing)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return network.eval()


def mixed(inputs: Tensor, target: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Blend each row with another (Zhang et al., mixup, 2018): inputs and shares alike."""
    share = torch.distributions.Beta(alpha, alpha).sample((len(inputs),))
    other = torch.randperm(len(inputs))
    wide = share.view(-1, *[1] * (inputs.ndim - 1))
    blend = wide * inputs + (1.0 - wide) * inputs[other]
    return blend, share[:, None] * target + (1.0 - share[:, None]) * target[other]


def answer(network: nn.Module, x: Tensor, batch: int = 256) -> Floats:
    """Return log-probabilities (N, K) of inputs; where the network answers every frame, those of its last."""
    with torch.inference_mode():
        logits = torch.cat([network(x[i : i + batch]) for i in range(0, len(x), batch)])
    last = logits[:, -1] if logits.ndim == 3 else logits
    return torch.log_softmax(last.double(), dim=1).numpy()


def weights_of(network: nn.Module) -> Arrays:
    """Return a network's weights as arrays."""
    return {name: value.detach().numpy() for name, value in network.state_dict().items()}


def with_weights(network: nn.Module, arrays: Arrays) -> nn.Module:
    """Put arrays into a network; raises RuntimeError where they do not fit."""
    network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in arrays.items()})
    return network.eval()


def _balance(shares: Tensor) -> Tensor:
    """Return how likely each window (N,) is to be drawn: every class equally often."""
    best = shares.argmax(dim=1)
    return 1.0 / torch.bincount(best, minlength=shares.shape[1]).clamp(min=1)[best].float()


def mirrored(windows: Float32) -> Float32:
    """Return windows (N, W, 90) as a mirror shows them."""
    from . import augment

    return augment.mirror(windows.reshape(-1, windows.shape[-1])).reshape(windows.shape)
