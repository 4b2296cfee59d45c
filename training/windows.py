"""Windows to learn from, cut after the split: a clip lies wholly on one side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import DataError
from ..engine.skeleton import Float32
from .data_set import DataSet

WINDOW: Final = 64
HOP: Final = 16
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Examples:
    """Hold N windows (N, W, 90): which clip each is of (N,), and of each of M clips label, group and shares.

    labels: (M,) places in `names`, -1 where unlabelled. groups: (M,) what the protocol leaves out together.
    soft: (M, K) shares of annotators; one-hot where there was one verdict, zero where none.
    """

    frames: Float32
    clips: Indices
    labels: Indices
    groups: NDArray[np.str_]
    soft: Floats
    names: tuple[str, ...]
    memo: dict[str, Floats] = field(default_factory=dict[str, Floats], repr=False)

    @property
    def count(self) -> int:
        """Return the number of clips."""
        return len(self.labels)

    @cached_property
    def targets(self) -> Indices:
        """Return the label (N,) of each window."""
        return self.labels[self.clips]

    @property
    def features(self) -> Floats:
        """Return the hand-made features (N, F) of the windows, worked out once."""
        if "features" not in self.memo:
            from .kinematic import features_of

            self.memo["features"] = features_of(self.frames)
        return self.memo["features"]

    def take(self, clips: Sequence[int] | Indices) -> Examples:
        """Return the windows of these clips, numbered anew in this order; what was worked out comes along."""
        chosen = np.asarray(clips, dtype=np.intp)
        place = np.full(self.count, -1, dtype=np.intp)
        place[chosen] = np.arange(len(chosen))
        rows = np.flatnonzero(place[self.clips] >= 0)
        return Examples(
            self.frames[rows],
            place[self.clips[rows]],
            self.labels[chosen],
            self.groups[chosen],
            self.soft[chosen],
            self.names,
            {name: values[rows] for name, values in self.memo.items()},
        )

    @property
    def labelled(self) -> Examples:
        """Return the windows of the clips that carry a label."""
        return self.take(np.flatnonzero(self.labels >= 0)) if np.any(self.labels < 0) else self

    def by_clip(self, windows: Floats) -> Floats:
        """Return the mean (M, K) of what is said of each clip's windows (N, K)."""
        sums = np.zeros((self.count, windows.shape[1]))
        np.add.at(sums, self.clips, windows)
        return sums / np.bincount(self.clips, minlength=self.count)[:, None]


def cut(data: DataSet, groups: Sequence[str], window: int = WINDOW, hop: int = HOP) -> Examples:
    """Cut every sample into windows; raises DataError for a clip of less than half a window.

    A clip that is a little too short is continued by playing it backwards, which keeps its speeds.
    """
    parts: list[Float32] = []
    clips: list[int] = []
    for i, sample in enumerate(data.samples):
        found = windows_of(sample.frames, window, hop, f"{data.place}: {sample.name}")
        parts.append(found)
        clips += [i] * len(found)
    labels = np.array([data.labels.index(each.label) if each.label else -1 for each in data.samples], dtype=np.intp)
    soft = np.zeros((len(labels), len(data.labels)))
    soft[labels >= 0, labels[labels >= 0]] = 1.0
    for i, sample in enumerate(data.samples):
        if sample.soft:
            soft[i] = sample.soft
    frames = np.concatenate(parts)
    return Examples(frames, np.array(clips, dtype=np.intp), labels, np.array(groups), soft, data.labels)


def windows_of(frames: Float32, window: int, hop: int, place: str) -> Float32:
    """Return the windows (W, window, 90) of frames (T, 90), hop apart; raises DataError naming the place."""
    if len(frames) < max(window // 2, 8):
        problem = f"{len(frames)} frames are fewer than half a window of {window}"
        raise DataError(place, problem, mend=f"--window {max(2 * len(frames), 8)}, or leave the file out")
    if not np.isfinite(frames).all():
        raise DataError(place, "holds a number that is not finite", mend="leave the file out")
    if len(frames) < window:
        frames = np.concatenate((frames, frames[::-1][1 : window - len(frames) + 1]))
    return np.stack([frames[start : start + window] for start in range(0, len(frames) - window + 1, hop)])


def examples_of(windows: Float32, names: tuple[str, ...]) -> Examples:
    """Return windows (N, W, 90) that nobody labelled, each a clip of its own, to be answered."""
    n = len(windows)
    none = np.full(n, -1, dtype=np.intp)
    return Examples(windows, np.arange(n), none, np.full(n, ""), np.zeros((n, len(names))), names)
