"""Chains: what the network makes of itself for long is to be as lively as what was recorded.

Trained on a second at a time, a network that guesses moves a little less than what it learnt from, and less again a
second later: gaits shrink, feet glide, moods fade. So some chains go on for ever beside the training, each under a
command of its own, and how much every coordinate moves and varies in them is drawn towards the recordings (moments
matched along persistent chains, after Tieleman, ICML 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ..engine.generator import CHANCE
from ..models.primitive import Basis, Primitive
from .partner_corpus import going_of
from .partner_data import Footage, way_of

PIECES: Final = 4  # of a chain a step
_AGAIN: Final = 0.03  # how often, a step, a chain begins again from a recording
_LEAST: Final = 0.02  # of the mean energy, that is added to each: what hardly moves has little to say


@dataclass(frozen=True)
class Kind:
    """Hold one mood going one way: where chains begin (S, P, F), commands (S, C), the moments (F,) of its frames.

    moved, turned: mean squares of first and second differences: a gait is lively and smooth, a tremble is neither.
    """

    starts: Tensor
    commands: Tensor
    moved: Tensor
    turned: Tensor
    mean: Tensor
    variance: Tensor


class Chains:
    """Keep `count` chains of every mood and way; `loss` takes those of one kind a few pieces on."""

    def __init__(self, footage: Sequence[Footage], basis: Basis, model: Primitive, count: int) -> None:
        self._kinds = _kinds(footage, basis, model)
        firsts = [torch.linspace(0, len(kind.starts) - 1, count).long() for kind in self._kinds]
        self.state = torch.stack([kind.starts[at] for kind, at in zip(self._kinds, firsts, strict=True)])
        self.commands = torch.stack([kind.commands[at] for kind, at in zip(self._kinds, firsts, strict=True)])

    def loss(self, model: Primitive, rng: np.random.Generator, step: int) -> Tensor:
        """Return how far the chains of this step's kind are from the recordings in how they move and where they are."""
        which = step % len(self._kinds)
        kind, past, command = self._kinds[which], self.state[which], self.commands[which]
        fresh = torch.from_numpy(rng.random(len(past)) < _AGAIN)
        at = torch.from_numpy(rng.integers(0, len(kind.starts), len(past)))
        past = torch.where(fresh[:, None, None], kind.starts[at], past)
        command = torch.where(fresh[:, None], kind.commands[at], command)
        made, calm = [past[:, -1:]], CHANCE[int(command[0, -1])]  # as it is run: a gait is to go on by itself
        for _ in range(PIECES):
            mean, spread = model.expect(past, command)
            made.append(model.decode(past, command, mean + calm * spread * torch.randn_like(spread)))
            past = model.remember(past, made[-1])
        self.state[which], self.commands[which] = past.detach(), command
        return _apart(torch.cat(made, dim=1), kind)


def _apart(frames: Tensor, kind: Kind) -> Tensor:
    """Return how far the moments of frames (N, T, F) are from those of a kind, weighed by what moves there."""
    moved = (torch.diff(frames, dim=1) ** 2).mean(dim=(0, 1))
    turned = (torch.diff(frames, n=2, dim=1) ** 2).mean(dim=(0, 1))
    variance, mean = torch.var_mean(frames.flatten(0, 1), dim=0)
    share = torch.sqrt(kind.moved / kind.moved.sum())
    lively, smooth = _off(moved, kind.moved), _off(turned, kind.turned)
    aside = (mean - kind.mean) ** 2 / _raised(kind.variance, kind.variance)
    apart = lively + smooth + 0.5 * _off(variance, kind.variance) + 2.0 * aside
    return (apart * share).sum() / share.sum()


def _off(made: Tensor, real: Tensor) -> Tensor:
    return torch.log(_raised(made, real) / _raised(real, real)) ** 2


def _raised(energy: Tensor, real: Tensor) -> Tensor:
    return energy + _LEAST * real.mean()


def _kinds(footage: Sequence[Footage], basis: Basis, model: Primitive) -> list[Kind]:
    """Return every mood and way of which there is enough."""
    shape, kinds = model.shape, []
    for label, way in np.ndindex(shape.labels, 3):
        clips = [each for each in footage if each.label == label and going_of(each) == way and len(each.root) > 45]
        coded = [torch.from_numpy(basis.encode(each.turns, each.root)) for each in clips]
        if not coded:
            continue
        starts = [x.unfold(0, shape.past, 1).transpose(1, 2)[:-1:2] for x in coded]  # (S, P, F) each
        ways = [torch.from_numpy(way_of(each.root))[shape.past :: 2] for each in clips]
        told = [torch.zeros(len(x), shape.command_size) for x in starts]
        for command, moving in zip(told, ways, strict=True):
            command[:, label], command[:, -1] = 1.0, float(way > 0)
            command[:, -3:-1] = moving[: len(command)] if way > 0 else 0.0
        moved = torch.cat([torch.diff(x, dim=0) ** 2 for x in coded]).mean(dim=0)
        turned = torch.cat([torch.diff(x, n=2, dim=0) ** 2 for x in coded]).mean(dim=0)
        variance, mean = torch.var_mean(torch.cat(coded), dim=0)
        kinds.append(Kind(torch.cat(starts), torch.cat(told), moved, turned, mean, variance))
    return kinds
