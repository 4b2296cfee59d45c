"""The streaming generator's step for the show: numpy into arrays that stay, a third of the time of `Primitive.step`.

`primitive.py` is what to read: this is equal to it, to 1e-5, for as many performers as it was made for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from .primitive import Primitive

Float32 = NDArray[np.float32]


class LeanPrimitive:
    """Map inputs (N, D) and the last frames (N, P, F) of N performers to the next piece (N, K, F)."""

    def __init__(self, network: Primitive, n: int) -> None:
        shape = self._shape = network.shape
        self._n = n
        self._lowest, self._highest = _numbers(network.lowest), _numbers(network.highest)
        self._fastest = _numbers(network.fastest)
        self._knows = shape.past * shape.size
        known = self._knows + shape.command_size
        prior = [each for each in network.prior if isinstance(each, nn.Linear)]
        self._prior = _Layers(prior, n, known)
        self._decoder = _Layers([cast("nn.Linear", each) for each in network.decoder], n, known, shape.latent)

    def __call__(self, x: Float32, past: Float32) -> Float32:
        """Return the piece; `past` is what `Primitive.step` calls its state."""
        shape, labels = self._shape, self._shape.labels
        known = self._prior.into
        frames = known[:, : self._knows].reshape(self._n, shape.past, shape.size)  # a view, of equal rows
        np.minimum(np.maximum(past, self._lowest), self._highest, out=frames)
        command = known[:, self._knows :]
        np.clip(x[:, :labels], -0.5, 1.5, out=command[:, :labels])
        np.clip(x[:, labels : labels + 2], -4.0, 4.0, out=command[:, labels : labels + 2])
        np.clip(x[:, labels + 2], 0.0, 1.0, out=command[:, labels + 2])
        told = self._prior.run(None)
        mean, log = told[:, : shape.latent], told[:, shape.latent :]
        latent = mean + np.exp(np.clip(log, -5.0, 1.0)) * np.clip(x[:, labels + 3 :], -2.0, 2.0)
        self._decoder.into[:, : known.shape[1]] = known
        away = self._decoder.run(latent).reshape(self._n, shape.frames, shape.size)
        steps = away.copy()
        steps[:, 1:] -= away[:, :-1]
        np.minimum(np.maximum(steps, -self._fastest, out=steps), self._fastest, out=steps)
        piece = frames[:, -1:] + np.cumsum(steps, axis=1, dtype=np.float32)
        return np.minimum(np.maximum(piece, self._lowest), self._highest)


class _Layers:
    """Run layers with ELU between them; each gets the latent, where there is one, beside what the last one made."""

    def __init__(self, layers: Sequence[nn.Linear], n: int, known: int, latent: int = 0) -> None:
        self._latent = latent
        self._weights = [_numbers(each.weight).T for each in layers]  # (wide, narrow), of the network itself
        self._biases = [_numbers(each.bias) for each in layers]
        widths = [known, *(each.shape[1] for each in self._weights)]
        self._inputs = [np.zeros((n, width + latent), dtype=np.float32) for width in widths[:-1]]
        self._made = [np.zeros((n, width), dtype=np.float32) for width in widths[1:]]
        self._below = [np.zeros_like(each) for each in self._made]

    @property
    def into(self) -> Float32:
        """Return the array (N, known + latent) that is filled before a run."""
        return self._inputs[0]

    def run(self, latent: Float32 | None) -> Float32:
        """Return what the last layer makes (N, out): an array that the next run fills anew."""
        last = len(self._made) - 1
        for i, (given, made) in enumerate(zip(self._inputs, self._made, strict=True)):
            if latent is not None:
                given[:, -self._latent :] = latent
            np.dot(given, self._weights[i], out=made)
            np.add(made, self._biases[i], out=made)
            if i < last:
                below = self._below[i]
                np.minimum(made, 0.0, out=below)
                np.expm1(below, out=below)
                np.maximum(made, 0.0, out=made)
                np.add(made, below, out=self._inputs[i + 1][:, : made.shape[1]])
        return self._made[last]


def _numbers(tensor: Tensor) -> Float32:
    return tensor.detach().numpy()
