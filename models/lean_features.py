"""The streaming features of `features.py` once more, for the show: numpy, in place, many streams at once.

Same numbers to the last digits, a fifth of the time: one matrix product for all vectors of the body, constant parts
folded into matrices, and short cuts where every joint is seen, which is nearly always. `features.py` is what to read;
a test holds the two together.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from .features import LAG, MotionFeatures
from .graph import JOINTS

Float64 = NDArray[np.float64]
Index = slice | NDArray[np.intp]  # the seats of a batch: one as a slice, which needs no copy
Slot = int | NDArray[np.intp]

_J: Final = len(JOINTS)
_WIDE: Final = _J * 3
BODY: Final = _J * 4  # positions, then flags
RING: Final = 8  # frames kept: a power of two above 3 LAG
_LEAST: Final = 1e-3


class LeanFeatures:
    """Hold positions and moments of `seats` streams; `step` takes one frame of some of them."""

    def __init__(self, source: MotionFeatures, seats: int) -> None:
        self._fold_static(source)
        self._fold_kinetic(source)
        self.statics, self.kinetics = source.static_count, source.kinetic_count
        self.count = source.moments.count  # U
        self.keep = doubles(source.moments.keep)[:, None]  # (M, 1)
        self.weighed = source.moments.prior_frames
        self.prior = doubles(source.moments.prior) * self.weighed  # (U,)
        self.feature_count = source.feature_count
        self.grow(seats)

    def grow(self, seats: int) -> None:
        """Make room for so many streams; those there are keep what they have."""
        memories = len(self.keep)
        self.past = more(getattr(self, "past", None), (seats, RING, BODY), np.float64)
        self.sums = more(getattr(self, "sums", None), (seats, memories, self.count), np.float64)
        self.weights = more(getattr(self, "weights", None), (seats, memories, self.count), np.float64)

    def reset(self, seat: int) -> None:
        """Let a stream start as if it had seen nothing."""
        for each in (self.past, self.sums, self.weights):
            each[seat] = 0.0

    def _fold_static(self, source: MotionFeatures) -> None:
        """Lay the vectors of the body out in the order in which they are used, as one matrix (21, 49)."""
        at = [_whole(getattr(source, f"at_{n}")) for n in ("firsts", "seconds", "lengths", "places", "units")]
        self._vectors = np.ascontiguousarray(doubles(source.vectors)[np.concatenate(at)].T)
        ends = np.cumsum([0, *map(len, at)]).tolist()
        self._parts = [slice(a, b) for a, b in itertools.pairwise(ends)]
        angles, places, units = len(at[0]), len(at[3]), len(at[4])
        both = np.concatenate((doubles(source.even), doubles(source.odd)))  # (E + O, Q)
        plain = angles + len(at[2])
        # The columns of both are laid out vector by vector; ours come axis by axis.
        order = [np.arange(plain), plain + _turned(places), plain + 3 * places + _turned(units)]
        self._folds = np.ascontiguousarray(both[:, np.concatenate(order)].T)  # (Q, E + O)
        self._evens = len(source.even)
        self._extent = _whole(source.at_extent)
        self._static_joints = np.ascontiguousarray(doubles(source.static_joints).T)

    def _fold_kinetic(self, source: MotionFeatures) -> None:
        self._differences = doubles(source.differences)  # (3, 4)
        self._still = 1.0 / doubles(source.still)  # (3, 1)
        self._still_root = 1.0 / doubles(source.still_root)
        self._movers = np.ascontiguousarray(doubles(source.movers).T)  # (21, groups)
        self._mover_joints = doubles(source.mover_joints)
        groups = self._movers.shape[1]
        wide = np.repeat(self._movers, 3, axis=0)  # (63, groups): the sum over x, y and z is part of it
        self._all_movers = np.concatenate((wide, wide.sum(axis=1, keepdims=True) / groups), axis=1)

    def step(self, x: Float64, seats: Index, frames: Slot) -> tuple[Float64, Float64]:
        """Map one frame (n, 90) of some streams to features (n, F); also the body two frames ago (n, 84).

        frames: how many each has seen before.
        """
        body = x[:, :BODY]
        stack = np.empty((len(x), 4, BODY))
        stack[:, 0] = body
        for k in range(1, 4):
            stack[:, k] = self.past[seats, (frames - k * LAG) % RING]
        self.past[seats, frames % RING] = body
        whole = bool((stack[:, :, _WIDE:] == 1.0).all())
        s, k = self.statics, self.kinetics
        observed = np.empty((len(x), self.count))
        valid = None if whole else np.ones((len(x), self.count))
        self._static(x, body, observed[:, :s], valid)
        self._kinetic(x, stack, observed[:, 2 * s + k : 2 * s + 2 * k], valid)
        np.square(observed[:, :s], out=observed[:, s : 2 * s])
        kinetic = observed[:, 2 * s + k : 2 * s + 2 * k]
        np.log1p(kinetic, out=observed[:, 2 * s : 2 * s + k])
        np.square(kinetic, out=observed[:, 2 * s + 2 * k :])
        return self._finish(self._moments(observed, valid, x[:, -1:], seats)), stack[:, 1]

    def _static(self, x: Float64, body: Float64, out: Float64, valid: Float64 | None) -> None:
        """Write angles, distances, places, inclinations, extents, contraction and hip height, folded over sides."""
        n = len(x)
        firsts, seconds, lengths, places, units = self._parts
        points = body[:, :_WIDE].reshape(n, _J, 3).transpose(0, 2, 1)  # (n, 63) -> (n, 3, 21)
        vectors = (points.reshape(3 * n, _J) @ self._vectors).reshape(n, 3, -1)  # (3 n, B) -> (n, 3, B)
        long = np.sqrt(np.square(vectors).sum(axis=1) + 1e-8)  # (n, B)
        cosines = (vectors[:, :, firsts] * vectors[:, :, seconds]).sum(axis=1) / (long[:, firsts] * long[:, seconds])
        told = (
            np.arccos(cosines.clip(-0.9999, 0.9999)),
            long[:, lengths],
            vectors[:, :, places].reshape(n, -1),  # (n, 3, P) -> (n, 3 P)
            (vectors[:, :, units] / long[:, None, units]).reshape(n, -1),
        )
        folded = np.concatenate(told, axis=1) @ self._folds  # (n, E + O)
        end = folded.shape[1]
        out[:, : self._evens] = folded[:, : self._evens]
        np.abs(folded[:, self._evens :], out=out[:, self._evens : end])
        whole = points[:, :, self._extent]  # (n, 3, W)
        np.subtract(whole.max(axis=2), whole.min(axis=2), out=out[:, end : end + 3])
        apart = whole - whole.mean(axis=2, keepdims=True)
        out[:, end + 3] = np.sqrt(np.square(apart).sum(axis=(1, 2)) / len(self._extent) + 1e-8)
        out[:, end + 4] = x[:, -2]
        if valid is not None:
            known = (1.0 - body[:, _WIDE:]) @ self._static_joints < 0.5
            valid[:, : self.statics] = known
            valid[:, self.statics : 2 * self.statics] = known

    def _kinetic(self, x: Float64, stack: Float64, out: Float64, valid: Float64 | None) -> None:
        """Write squared speeds, accelerations and jerks of the groups and of all, and the root's squared speeds."""
        n, k = len(x), self.kinetics
        moved = np.square(self._differences @ stack[:, :, :_WIDE])  # (n, 3, 63)
        np.multiply(np.square(x[:, -6:-2]), self._still_root, out=out[:, k - 4 :])
        if valid is None:
            groups = (moved @ self._all_movers) * self._still  # (n, 3, groups + 1)
            out[:, : k - 4] = groups.reshape(n, -1)
            return
        flags = stack[:, :, _WIDE:]
        seen = np.cumprod(flags, axis=1)[:, 1:]  # (n, 3, 21): now and before, and before that
        share = ((1.0 - seen) @ self._mover_joints < 0.5).astype(np.float64)
        joints = moved.reshape(n, 3, _J, 3).sum(axis=3)  # (n, 3, 63) -> (n, 3, 21)
        grouped = ((joints * seen) @ self._movers) * self._still
        whole = (grouped * share).mean(axis=2, keepdims=True)
        out[:, : k - 4] = np.concatenate((grouped, whole), axis=2).reshape(n, -1)
        known = np.concatenate((share, share.min(axis=2, keepdims=True)), axis=2).reshape(n, -1)
        for power in range(3):
            first = 2 * self.statics + power * k
            valid[:, first : first + k - 4] = known

    def _moments(self, observed: Float64, valid: Float64 | None, travels: Float64, seats: Index) -> Float64:
        """Let the moments fade and take the observations (n, U) in: (n, M, U)."""
        roots = [2 * self.statics + power * self.kinetics + self.kinetics - 4 for power in range(3)]
        if valid is None and not bool((travels == 1.0).all()):
            valid = np.ones_like(observed)
        if valid is not None:
            for first in roots:
                valid[:, first : first + 4] = travels
            observed = observed * valid
        sums, weights = self.sums[seats], self.weights[seats]
        sums *= self.keep
        sums += observed[:, None]
        weights *= self.keep
        weights += 1.0 if valid is None else valid[:, None]
        if not isinstance(seats, slice):  # a slice was altered where it lies
            self.sums[seats], self.weights[seats] = sums, weights
        return (sums + self.prior) / (weights + self.weighed)

    def _finish(self, moments: Float64) -> Float64:
        """Turn moments (n, M, U) into features (n, M * U), where they stand."""
        s, k = self.statics, self.kinetics
        squares = moments[:, :, s : 2 * s]
        squares -= np.square(moments[:, :, :s])
        np.log(np.maximum(squares, 0.0) + _LEAST, out=squares)
        squares *= 0.5
        powers = moments[:, :, 2 * s + k :]
        np.log1p(np.maximum(powers, 0.0), out=powers)
        powers[:, :, k:] *= 0.5
        return moments.reshape(len(moments), -1)  # (n, M, U) -> (n, M * U)


def more(old: NDArray[Any] | None, shape: tuple[int, ...], kind: Any) -> NDArray[Any]:
    """Return zeros of a shape whose first rows are those there were."""
    new = np.zeros(shape, kind)
    if old is not None:
        new[: len(old)] = old
    return new


def _turned(vectors: int) -> NDArray[np.intp]:
    """Return where (axis, vector) stands among (vector, axis)."""
    return np.arange(3 * vectors).reshape(vectors, 3).T.ravel()  # (V, 3) -> (3 V,)


def doubles(tensor: torch.Tensor) -> Float64:
    """Return a tensor as float64, on the host."""
    return tensor.detach().double().numpy()


def _whole(tensor: torch.Tensor) -> NDArray[np.intp]:
    return tensor.numpy().astype(np.intp)
