"""The causal graph network of `stgcn.py` once more, for the show: numpy, histories in rings, many streams at once.

The temporal filters look at every `distance`-th frame only, so that a ring of 4 * distance frames needs no moving:
what is oldest is read, then written over. `stgcn.py` is what to read; a test holds the two together.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from .graph import JOINTS
from .lean_features import Float64, Index, Slot, more
from .stgcn import INPUTS, CausalBlock, Stgcn

Float32 = NDArray[np.float32]

_J: Final = len(JOINTS)
_WIDE: Final = _J * 3
_LEAST: Final = 1e-4


class LeanBlock:
    """Hold the last frames of one block for `seats` streams."""

    def __init__(self, block: CausalBlock, seats: int) -> None:
        self.distance, self.taps, self.history = block.distance, block.taps, block.history
        gain = float(block.gain)
        self._mix = _narrow(block.mix.weight).T.copy()  # (C_in, 3 C)
        self._gather = _narrow(block.adjacency * block.edges)  # (J, 3 J)
        self._place = _narrow(block.place)
        self._filter = gain * _narrow(block.filter)[:, None]  # (taps, 1, C)
        self._bias = gain * _narrow(block.bias)
        self._skip = _narrow(block.skip.weight).T.copy() if isinstance(block.skip, nn.Linear) else None
        self.channels = len(self._bias)
        self._back = np.arange(self.taps - 1) * self.distance  # oldest first, from the slot that is written next
        self.grow(seats)

    def grow(self, seats: int) -> None:
        """Make room for so many streams."""
        self.ring = more(getattr(self, "ring", None), (seats, self.history, _J, self.channels), np.float32)

    def step(self, x: Float32, seats: Index, frames: Slot) -> Float32:
        """Map one frame (n, J, C_in) to (n, J, C)."""
        n = len(x)
        mixed = (x.reshape(n * _J, -1) @ self._mix).reshape(n, 3 * _J, -1)  # (n J, 3 C) -> (n, 3 J, C)
        now = np.matmul(self._gather, mixed)
        now += self._place
        np.maximum(now, 0.0, out=now)
        taps = np.empty((n, self.taps, _J, self.channels), np.float32)
        taps[:, :-1] = self._past(seats, frames)
        taps[:, -1] = now
        self.ring[seats, frames % self.history] = now
        taps *= self._filter
        out = taps.sum(axis=1)
        out += self._bias
        out += x if self._skip is None else (x.reshape(n * _J, -1) @ self._skip).reshape(out.shape)
        return np.maximum(out, 0.0, out=out)

    def _past(self, seats: Index, frames: Slot) -> Float32:
        """Return the frames of the taps before this one, oldest first: (n, taps - 1, J, C)."""
        if isinstance(frames, int):
            return self.ring[seats, (frames + self._back) % self.history]
        assert not isinstance(seats, slice)  # noqa: S101 - several seats come with several counts
        return self.ring[seats[:, None], (frames[:, None] + self._back) % self.history]


class LeanGraph:
    """Hold blocks and fading moments of `seats` streams; `step` takes one frame of some of them."""

    def __init__(self, source: Stgcn, seats: int) -> None:
        self.blocks = [LeanBlock(block, seats) for block in source.chain]
        self._mean, self._scale = _narrow(source.mean), _narrow(source.scale)
        self._parts = _narrow(source.parts)
        self.pooled = source.pooled
        self.keep = float(source.moments.keep[0])
        self.weighed = source.moments.prior_frames
        self.prior = source.moments.prior.numpy() * self.weighed  # (2 pooled,)
        self.grow(seats)

    def grow(self, seats: int) -> None:
        """Make room for so many streams."""
        for block in self.blocks:
            block.grow(seats)
        self.sums = more(getattr(self, "sums", None), (seats, 2 * self.pooled), np.float64)
        self.weights = more(getattr(self, "weights", None), (seats, 1), np.float64)

    def reset(self, seat: int) -> None:
        """Let a stream start as if it had seen nothing."""
        for each in (*(block.ring for block in self.blocks), self.sums, self.weights):
            each[seat] = 0.0

    def step(self, x: Float32, before: Float64, seats: Index, frames: Slot) -> Float64:
        """Map one frame (n, 90), with the body (n, 84) two frames before, to features (n, 2 pooled)."""
        y = self._joints(x, before.astype(np.float32))
        for block in self.blocks:
            y = block.step(y, seats, frames)
        wide = np.matmul(self._parts, y).reshape(len(x), -1).astype(np.float64)  # (n, parts, C) -> (n, pooled)
        sums, weights = self.sums[seats], self.weights[seats]
        sums *= self.keep
        sums[:, : self.pooled] += wide
        sums[:, self.pooled :] += np.square(wide)
        weights *= self.keep
        weights += 1.0
        if not isinstance(seats, slice):
            self.sums[seats], self.weights[seats] = sums, weights
        return self._finish((sums + self.prior) / (weights + self.weighed))

    def _joints(self, x: Float32, before: Float32) -> Float32:
        """Lay frames out by joints, with velocities: (n, J, 7), standardised; an unseen joint says nothing."""
        n = len(x)
        flags = x[:, _WIDE : _WIDE + _J, None]
        out = np.empty((n, _J, INPUTS), np.float32)
        out[:, :, :3] = place = x[:, :_WIDE].reshape(n, _J, 3)
        np.subtract(place, before[:, :_WIDE].reshape(n, _J, 3), out=out[:, :, 3:6])
        out[:, :, 3:6] *= flags * before[:, _WIDE:, None]
        out[:, :, 6:] = flags
        out -= self._mean
        out *= self._scale
        out *= flags
        return out

    def _finish(self, moments: Float64) -> Float64:
        """Turn moments into means and log deviations, where they stand."""
        squares = moments[:, self.pooled :]
        squares -= np.square(moments[:, : self.pooled])
        np.log(np.maximum(squares, 0.0) + _LEAST, out=squares)
        squares *= 0.5
        return moments


def _narrow(tensor: Any) -> Float32:
    return np.ascontiguousarray(tensor.detach().float().numpy())
