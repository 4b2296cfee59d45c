"""Walks without end through the footage: what is learnt from never stops, changes its mood and its way at any time.

Clips of a few seconds teach nothing of what comes after them. So they are strung together by motion matching (Buttner
and Clavet, 2015; Holden et al., Learned motion matching, 2020): from each end the walk goes on where a clip of the mood
asked for looks and moves most alike, and the difference is let fade (inertialisation, Bollo 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..engine.skeleton import Float32
from ..models.primitive import Basis
from .partner_data import Footage, way_of

FADE: Final = 9  # frames in which a jump's difference fades
_LEFT: Final = 24  # frames a clip must have left where it is entered
_SHORTEST, _LONGEST = 30, 150  # frames between two commands
_CHANCE: Final = 0.5  # how often a command asks for another mood
_WANDER: Final = 0.004  # how often, a frame, the walk goes on elsewhere without any need
_BORED: Final = 0.04  # and how often where little happens: half of every recorded gesture is standing still
_SOON: Final = 20  # frames in which something is to happen
_WAYS: Final = (0.45, 0.40, 0.15)  # how often a command asks to stay, to go ahead, to go back
_FEW: Final = 0.1  # least of a jump's misfit that is left where a clip has been shown too seldom
_TELLING: Final = {"bow": 0.5}  # of its length a clip's share: bows look alike in most moods


@dataclass(frozen=True)
class Corpus:
    """Hold walks without end: coordinates (T, F) and commands (T, L + 3), of equal length."""

    coordinates: Float32
    commands: Float32


def string_together(footage: Sequence[Footage], basis: Basis, labels: int, frames: int, seed: int) -> Corpus:
    """Walk through the footage for so many frames under commands drawn by chance."""
    rng = np.random.default_rng(seed)
    bank = _Bank(footage, basis, labels)
    out = np.zeros((frames, bank.coordinates.shape[1]), dtype=np.float32)
    told = np.zeros((frames, labels + 3), dtype=np.float32)
    label, way = int(rng.integers(labels)), int(rng.integers(2))
    at = bank.enter(rng, None, label, way)
    offset, faded, until = np.zeros(out.shape[1], dtype=np.float32), FADE, 0
    for t in range(frames):
        if t >= until:
            until = t + int(rng.integers(_SHORTEST, _LONGEST))
            label = int(rng.integers(labels)) if rng.random() < _CHANCE else label
            way = int(rng.choice(len(_WAYS), p=_WAYS))
        wrong = bank.label[at] != label or bank.going[at] != bank.possible(label, way)
        weary = rng.random() < (_WANDER if bank.lively[at] else _BORED)
        if bank.left[at] <= 1 or (faded >= FADE and (wrong or weary)):
            last, at = bank.coordinates[at] + offset * _fading(faded), bank.enter(rng, at, label, way)
            offset, faded = last + bank.velocity[at] - bank.coordinates[at], 0
        bank.shown[bank.clip[at]] += 1
        out[t] = bank.coordinates[at] + offset * _fading(faded)
        told[t, bank.label[at]] = 1.0
        told[t, labels:] = (*bank.way[at], float(bank.travels[at]))
        at, faded = at + 1, faded + 1
    return Corpus(out, told)


def _fading(frames: int) -> np.float32:
    """Return what is left of a difference, 1 to 0, level at both ends."""
    left = max(0.0, 1.0 - frames / FADE)
    return np.float32(left * left * (3 - 2 * left))


class _Bank:
    """Every frame of the footage in one row, to be entered where it is most alike."""

    def __init__(self, footage: Sequence[Footage], basis: Basis, labels: int) -> None:
        coded = [basis.encode(each.turns, each.root) for each in footage]
        self.coordinates = np.concatenate(coded)
        self.velocity = np.concatenate([np.diff(each, axis=0, prepend=2 * each[:1] - each[1:2]) for each in coded])
        self.label = np.concatenate([np.full(len(each.root), each.label) for each in footage])
        self.travels = np.concatenate([np.full(len(each.root), each.travels) for each in footage])
        self.left = np.concatenate([np.arange(len(each.root), 0, -1) for each in footage])
        self.way = np.concatenate([way_of(each.root) for each in footage])
        self.lively = self._livelier_than_most()
        self.clip = np.concatenate([np.full(len(each.root), i) for i, each in enumerate(footage)])
        self.going = np.concatenate([np.full(len(each.root), going_of(each)) for each in footage])
        self.shown = np.zeros(len(footage))  # frames of each clip so far
        self._due = np.array([len(each.root) * _TELLING.get(each.activity, 1.0) for each in footage])
        self._seen = np.concatenate((self.coordinates, 3.0 * self.velocity), axis=1)
        fresh = self.left > _LEFT
        self._doors = {
            (label, way): np.flatnonzero(fresh & (self.label == label) & (self.going == way))
            for label in range(labels)
            for way in range(len(_WAYS))
        }

    def _livelier_than_most(self) -> np.ndarray:
        """Tell of each frame (T,) in place whether more happens soon after it than after half of those of its mood.

        Who walks is always lively: a gait is not to be left in the middle of a step.
        """
        moving = np.cumsum(np.sqrt((self.velocity[:, :-6] ** 2).sum(axis=1)))
        ends = np.minimum(np.arange(len(moving)) + np.minimum(self.left, _SOON), len(moving)) - 1
        soon = (moving[ends] - moving) / np.maximum(ends - np.arange(len(moving)), 1)
        lively = self.travels.copy()
        for label in np.unique(self.label):
            those = (self.label == label) & ~self.travels
            lively[those] = soon[those] >= np.median(soon[those])
        return lively

    def possible(self, label: int, way: int) -> int:
        """Return the way, or ahead where nothing of the mood goes back."""
        return way if len(self._doors[label, way]) else 1

    def enter(self, rng: np.random.Generator, at: int | None, label: int, way: int) -> int:
        """Return the frame of the mood and way where to go on from `at`, one of the most alike by chance.

        Clips that were shown less than their due seem more alike, so that none is passed over for ever.
        """
        doors = self._doors[label, self.possible(label, way)]
        if at is None:
            return int(rng.choice(doors))
        far = ((self._seen[doors] - self._seen[at]) ** 2).sum(axis=1)
        clips, of = np.unique(self.clip[doors], return_inverse=True)
        shown = self.shown[clips] / max(float(self.shown[clips].sum()), 1.0)
        far *= (_FEW + shown / (self._due[clips] / self._due[clips].sum()))[of]
        far[np.abs(doors - at) < 2 * _LEFT] += far.max()  # not where it is already
        far[~self.lively[doors]] += 0.3 * float(np.median(far))
        nearest = np.argsort(far)[:40]
        share = np.exp(-(far[nearest] - far[nearest[0]]) / (0.15 * far[nearest[-1]] + 1e-6))
        return int(doors[rng.choice(nearest, p=share / share.sum())])


def going_of(clip: Footage) -> int:
    """Tell which way a clip goes: 0 in place, 1 ahead, 2 back."""
    if not clip.travels:
        return 0
    return 1 if float(clip.root[:, 2].mean()) > 0 else 2
