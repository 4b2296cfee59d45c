"""Windows of motion as the offline generators learn them: (64, 130) each, with conditions and lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..engine.skeleton import Float32
from ..models.cvae import FRAMES
from ..models.cvae_kinematics import ROTATIONS, mirrored
from .motion_data import EMOTIONS, GeneratedTake, MotionTake, assembled, travel_of, travelled

_EMOTIONAL, _FIRST = 0.35, 0.2  # shares of a batch: emotions of one session; all else of set 1. The rest is set 2.
_SLOWEST, _QUICKEST = 0.85, 1.18  # times as quick as recorded, half of a batch


def condition_of(take: MotionTake) -> str:
    """Return the condition that a take teaches: an emotion, or a style of its set that is none."""
    return take.emotion or f"{'2' if take.set2 else '1'}:{take.style}"


def conditions_of(takes: Sequence[MotionTake]) -> tuple[str, ...]:
    """Return all conditions, the emotions first."""
    others = sorted({condition_of(take) for take in takes} - set(EMOTIONS))
    return (*EMOTIONS, *others)


def poses_of(take: MotionTake, start: int = 0, frames: int | None = None) -> Float32:
    """Return poses (T, 130) of a part of a take, placed and headed from its first frame."""
    stop = len(take.root) if frames is None else start + frames
    root, heading = travelled(take.travel[start:stop])
    place = np.stack((root[:, 0], root[:, 2], heading, root[:, 1]), axis=1)
    return np.concatenate((take.rotations_6d[start:stop].reshape(len(root), -1), place), axis=1)


def take_of(poses: Float32, *, emotion: str, intensity: float, seed: int, model: str) -> GeneratedTake:
    """Return poses (T, 130) as a take."""
    root = np.stack((poses[:, ROTATIONS], poses[:, -1], poses[:, ROTATIONS + 1]), axis=1)
    travel = travel_of(root, poses[:, -2])
    sixes = poses[:, :ROTATIONS].reshape(len(poses), -1, 6)
    return assembled(sixes, travel, emotion=emotion, intensity=intensity, seed=seed, model=model)


@dataclass(frozen=True)
class Window:
    """Name a window: which take, where it begins, how many of its frames are real."""

    take: int
    start: int
    length: int


def windows_of(takes: Sequence[MotionTake], hop: int) -> list[Window]:
    """Return windows of FRAMES, hop apart, and of a shorter take the whole of it."""
    found: list[Window] = []
    for i, take in enumerate(takes):
        last = len(take.root) - FRAMES
        found += [Window(i, at, FRAMES) for at in range(0, max(last, 0) + 1, hop)] if last >= 0 else []
        if last < 0 and len(take.root) >= 16:
            found.append(Window(i, 0, len(take.root)))
    return found


def stacked(takes: Sequence[MotionTake], windows: Sequence[Window], pace: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return poses (N, 64, 130), the last one held where a take has ended, and lengths (N,).

    pace: times as quick as they were recorded; a quicker one needs more of the take, and is shorter where that ends.
    """
    both = [_held(_timed(takes[window.take], window, pace)) for window in windows]
    poses = torch.stack([poses for poses, _ in both]) if both else torch.zeros(0, FRAMES, ROTATIONS + 4)
    return poses, torch.tensor([length for _, length in both], dtype=torch.long)


def _timed(take: MotionTake, window: Window, pace: float) -> Float32:
    """Return poses (T, 130), T the window's length at most."""
    if pace == 1.0:
        return poses_of(take, window.start, window.length)
    taken = min(int((window.length - 1) * pace) + 2, len(take.root) - window.start)
    return retimed(poses_of(take, window.start, taken), pace)[: window.length]


def _held(poses: Float32) -> tuple[Tensor, int]:
    """Return poses (64, 130) of which the last is held, and how many count."""
    held = np.concatenate((poses, np.repeat(poses[-1:], FRAMES - len(poses), axis=0)))
    return torch.from_numpy(held), len(poses)


def retimed(poses: Float32, pace: float) -> Float32:
    """Return poses (T, 130) gone through so many times as quickly, numbers between frames on the straight way."""
    at = np.arange(0.0, len(poses) - 1 + 1e-6, pace)
    low = np.minimum(at.astype(int), max(len(poses) - 2, 0))
    high = np.minimum(low + 1, len(poses) - 1)
    share = (at - low).astype(np.float32)[:, None]
    return (poses[low] + share * (poses[high] - poses[low])).astype(np.float32)


class Drawer:
    """Draw batches of windows: emotions, the rest of set 1 and set 2 in fixed shares, half mirrored, half retimed."""

    def __init__(self, takes: Sequence[MotionTake], conditions: Sequence[str], seed: int) -> None:
        self._takes, self._rng = takes, np.random.default_rng(seed)
        self._numbers = np.array([conditions.index(condition_of(take)) for take in takes])
        long = np.array([len(take.root) >= 16 for take in takes])
        one = np.array([not take.set2 for take in takes])
        labelled = np.array([take.label >= 0 for take in takes])
        groups = (long & labelled, long & one & ~labelled, long & ~one)
        self._groups = [np.flatnonzero(group) for group in groups]
        self._chances = [self._even(group) for group in self._groups]

    def _even(self, group: np.ndarray) -> np.ndarray:
        """Return chances that show every condition alike, and within one longer takes oftener."""
        lengths = np.array([max(len(self._takes[i].root) - FRAMES, 16) for i in group], dtype=float)
        numbers = self._numbers[group]
        for number in set(numbers.tolist()):
            lengths[numbers == number] /= lengths[numbers == number].sum()
        return lengths / lengths.sum()

    def draw(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return poses (N, 64, 130), lengths (N,) and conditions (N,)."""
        shares = [_EMOTIONAL, _FIRST, 1 - _EMOTIONAL - _FIRST]
        shares = [share if len(group) else 0.0 for share, group in zip(shares, self._groups, strict=True)]
        which = self._rng.choice(3, count, p=np.array(shares) / sum(shares))
        ids = [int(self._rng.choice(self._groups[g], p=self._chances[g])) for g in which]
        poses, counts = zip(*(self._window(i) for i in ids), strict=True)
        poses, lengths = torch.stack(poses), torch.tensor(counts)
        turned = torch.from_numpy(self._rng.random(count) < 0.5)
        poses = torch.where(turned[:, None, None], mirrored(poses), poses)
        return poses, lengths, torch.from_numpy(self._numbers[ids])

    def _window(self, i: int) -> tuple[Tensor, int]:
        """Return poses (64, 130) of a part of a take, and how many of them count."""
        size = len(self._takes[i].root)
        length = FRAMES if self._rng.random() < 0.8 else int(self._rng.integers(16, FRAMES + 1))
        pace = float(self._rng.uniform(_SLOWEST, _QUICKEST)) if self._rng.random() < 0.5 else 1.0
        length = min(length, size)
        taken = min(int((length - 1) * pace) + 2 if pace != 1.0 else length, size)
        return _held(_timed(self._takes[i], Window(i, int(self._rng.integers(0, size - taken + 1)), length), pace))
