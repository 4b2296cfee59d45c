"""How foreign a body is, for the show: `foreign.py` in numpy, skipped where nobody is."""

from __future__ import annotations

import numpy as np

from .foreign import ForeignBody
from .lean_features import Float64, doubles


class LeanForeign:
    """Read deviations (n, F), flattened and in units of squash, as `ForeignBody` does."""

    def __init__(self, network: ForeignBody, squash: float) -> None:
        self._posture, self._movement = network.posture.numpy(), network.movement.numpy()
        self._axes = doubles(network.axes) * squash
        self._offset = doubles(network.centre) @ doubles(network.axes)
        self._near, self._far = (float(each) for each in network.bounds)
        self._head = np.ascontiguousarray(doubles(network.head.weight).T * squash)  # (M, K)
        self._bias = doubles(network.head.bias)

    def correct(self, answer: Float64, flat: Float64) -> None:
        """Draw the logits (n, K), in place, towards those of the movement as far as each body is foreign."""
        white = flat[:, self._posture] @ self._axes - self._offset
        apart = np.square(white).mean(axis=1, keepdims=True)
        if apart.max() <= self._near:
            return
        way = ((apart - self._near) / (self._far - self._near)).clip(0.0, 1.0)
        way *= way * (3.0 - 2.0 * way)
        answer += way * (flat[:, self._movement] @ self._head + self._bias - answer)
