"""Training of the causal graph network: it learns to tell styles apart, none of them one of the labels.

Set 2 and the unlabelled styles of set 1 teach it what a style is, over many activities, sessions and bodies; the
labelled clips are never shown to it. What it sees in them is then weighed by linear discriminants, like the features.
The families of activities that are tested on are left out of its training too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..engine.skeleton import Float32
from ..models.recogniser import Shape
from ..models.stgcn import STRIDE, Stgcn
from . import augment
from .clips import Clip
from .schedule import one_cycle

_MASKED = -1e4
_LEAST_CLIPS = 3  # of a style in a session


@dataclass(frozen=True)
class NetworkRecipe:
    """Hold how the graph network is trained: steps, windows a step, frames a window, AdamW and the one-cycle rate."""

    steps: int = 300
    batch: int = 32
    window: int = 96
    rate: float = 1e-2
    decay: float = 0.05
    dropout: float = 0.3


class _Styles:
    """Number the styles of each session; a window is compared with styles of its own session only."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        self._numbers = {name: i for i, name in enumerate(sorted({(c.session, c.style) for c in clips}))}
        sessions = [session for session, _ in self._numbers]
        alike = [[0.0 if a == b else _MASKED for b in sessions] for a in sessions]
        self._masks = torch.tensor(alike)  # (styles, styles)

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, clip: Clip) -> int:
        """Return the number of a clip's style."""
        return self._numbers[clip.session, clip.style]

    def mask(self, numbers: Tensor) -> Tensor:
        """Return what is added to the logits of windows of these styles."""
        return self._masks[numbers]


def train_network(clips: Sequence[Clip], shape: Shape, recipe: NetworkRecipe, seed: int) -> Stgcn:
    """Return a network that was trained to tell the styles of the clips apart; labelled clips are not looked at."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    clips = _usable(clips)
    styles = _Styles(clips)
    network = Stgcn(shape.channels, shape.memory_frames, shape.prior_frames)
    _standardise(network, clips[:: max(1, len(clips) // 200)])
    reader = nn.Sequential(
        nn.LayerNorm(network.pooled), nn.Dropout(recipe.dropout), nn.Linear(network.pooled, len(styles))
    )
    weights = [*network.parameters(), *reader.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=recipe.decay)
    schedule = one_cycle(optimiser, recipe.rate, recipe.steps, 0.2)
    for windows, lengths, chosen in _batches(clips, _chances(clips), recipe, rng):
        target = torch.tensor([styles.number(clips[i]) for i in chosen])
        loss = _loss(network.embed(windows, STRIDE), lengths, reader, target, styles.mask(target))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        schedule.step()
    return network.eval()


def _usable(clips: Sequence[Clip]) -> list[Clip]:
    """Return the clips without a label whose style occurs often enough in their session."""
    counts = Counter((clip.session, clip.style) for clip in clips if clip.label < 0)
    return [clip for clip in clips if clip.label < 0 and counts[clip.session, clip.style] >= _LEAST_CLIPS]


def prior_of(network: Stgcn, clips: Sequence[Clip]) -> Tensor:
    """Return the mean observation (F,) of the network over all frames of the clips."""
    with torch.inference_mode():
        seen = [network.observe(network.embed(torch.from_numpy(clip.frames)[None]))[0] for clip in clips]
    return torch.cat(seen).mean(dim=0)


def _standardise(network: Stgcn, clips: Sequence[Clip]) -> None:
    """Set the mean of every joint, and one scale for positions and one for velocities."""
    frames = torch.from_numpy(np.concatenate([clip.frames for clip in clips]))
    before = torch.cat((frames[:STRIDE], frames[:-STRIDE]))
    x = network.joints(frames, before)  # (T, J, 7) as yet unscaled
    network.mean.copy_(x.mean(dim=0))
    spread = x.std(dim=0).square().mean(dim=0).sqrt()  # (7,)
    places, speeds = spread[:3].mean(), spread[3:6].mean()
    network.scale.copy_(torch.cat((places.expand(3), speeds.expand(3), torch.ones(1))).clamp(min=1e-3).reciprocal())
    network.mean[:, -1], network.scale[:, -1] = 0.0, 1.0


def _chances(clips: Sequence[Clip]) -> np.ndarray:
    """Return how often each clip is drawn: both sets alike, within a set styles alike, within a style activities."""
    cells = Counter((clip.session, clip.style, clip.activity) for clip in clips)
    rows = Counter((session, style) for session, style, _ in cells)
    each = [1.0 / cells[c.session, c.style, c.activity] / rows[c.session, c.style] for c in clips]
    chances = np.array(each)
    second = np.array([clip.name.startswith("dataset-2") for clip in clips])
    for part in (second, ~second):
        if part.any():
            chances[part] /= chances[part].sum()
    return chances / chances.sum()


def _batches(
    clips: Sequence[Clip], chances: np.ndarray, recipe: NetworkRecipe, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor, np.ndarray]]:
    """Yield windows (B, L, 90), every STRIDE-th frame of each, how many steps of each are real, and which clips."""
    for _ in range(recipe.steps):
        chosen = rng.choice(len(clips), recipe.batch, p=chances)
        cut = [_window(clips[i].frames, recipe.window, rng) for i in chosen]
        lengths = [(len(window) + STRIDE - 1) // STRIDE for window in cut]
        windows = np.zeros((recipe.batch, max(lengths), cut[0].shape[1]), dtype=np.float32)
        for row, window in enumerate(cut):
            windows[row, : lengths[row]] = window[::STRIDE]
        yield torch.from_numpy(windows), torch.tensor(lengths), chosen


def _window(frames: Float32, size: int, rng: np.random.Generator) -> Float32:
    """Return up to size frames from anywhere in a clip, at another tempo, on another body, perhaps mirrored."""
    tempo = float(np.exp(rng.normal(0, 0.12)))
    needed = int(size * tempo) + 2
    start = int(rng.integers(0, max(1, len(frames) - needed)))
    window = augment.retime(frames[start : start + needed], tempo)[:size]
    if rng.random() < 0.5:
        window = augment.mirror(window)
    window = augment.other_body(window, rng)
    return augment.hide_joints(window, rng) if rng.random() < 0.3 else window


def _loss(pooled: Tensor, lengths: Tensor, reader: nn.Module, target: Tensor, mask: Tensor) -> Tensor:
    """Return the cross-entropy of what is read at the end of the windows and at a moment before."""
    sums = pooled.cumsum(dim=1)  # (B, L, C)
    rows = torch.arange(len(target))
    earlier = (torch.rand(len(target)) * (lengths - 8).clamp(min=1)).long() + torch.minimum(lengths, torch.tensor(8))
    losses: list[Tensor] = []
    for ends in (lengths, torch.minimum(earlier, lengths)):
        read = reader(sums[rows, ends - 1] / ends[:, None])
        losses.append(functional.cross_entropy(read + mask, target))
    return torch.stack(losses).mean()
