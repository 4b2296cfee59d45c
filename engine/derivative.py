"""Derivatives of sampled motion: Savitzky-Golay taps, a causal Butterworth low pass, and central differences."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .skeleton import Float64

_CENTRAL: Final[dict[int, tuple[float, ...]]] = {
    1: (-0.5, 0.0, 0.5),
    2: (1.0, -2.0, 1.0),
    3: (-0.5, 1.0, 0.0, -1.0, 0.5),
}


def savgol_taps(frames: int, order: int, derivative: int, rate_hz: float) -> Float64:
    """Return the taps (frames,), oldest first, whose product with samples is the derivative at the middle one.

    The derivative of the polynomial of this order that fits the frames best (Savitzky & Golay, Anal. Chem. 1964).
    """
    at = np.arange(frames) - frames // 2
    fit = np.linalg.pinv(np.vander(at, order + 1, increasing=True))  # (order + 1, frames)
    return fit[derivative] * math.factorial(derivative) * rate_hz**derivative


def central_taps(derivative: int, rate_hz: float) -> Float64:
    """Return the taps of the central difference of order 1, 2 or 3, oldest first."""
    return np.array(_CENTRAL[derivative]) * rate_hz**derivative


def butterworth(cutoff_hz: float, rate_hz: float) -> tuple[Float64, Float64]:
    """Return (b, a), three numbers each, of the second-order Butterworth low pass by the bilinear transform."""
    k = math.tan(math.pi * cutoff_hz / rate_hz)
    norm = 1 + math.sqrt(2) * k + k * k
    b = np.array([k * k, 2 * k * k, k * k]) / norm
    return b, np.array([1.0, 2 * (k * k - 1) / norm, (1 - math.sqrt(2) * k + k * k) / norm])


class LowPass:
    """Smooth the rows of one stream causally; what is unknown is held, and starts at rest when it is known again."""

    def __init__(self, cutoff_hz: float, rate_hz: float, rows: int) -> None:
        self._b, self._a = butterworth(cutoff_hz, rate_hz)
        self._rows = rows
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._state = np.zeros((2, self._rows, 3))
        self._out = np.zeros((self._rows, 3))
        self._known = np.zeros(self._rows, dtype=np.bool_)

    def step(self, x: Float64, known: NDArray[np.bool_]) -> Float64:
        """Return the smoothed (rows, 3) of the next x (rows, 3)."""
        fresh = known & ~self._known
        if fresh.any():
            self._start(x, fresh)
        self._known = known
        x = np.where(known[:, None], x, self._out)
        y = self._b[0] * x + self._state[0]
        self._state[0] = self._b[1] * x - self._a[1] * y + self._state[1]
        self._state[1] = self._b[2] * x - self._a[2] * y
        self._out = y
        return y

    def _start(self, x: Float64, fresh: NDArray[np.bool_]) -> None:
        """Let these rows have been where they are for ever."""
        last = (self._b[2] - self._a[2]) * x
        first = (self._b[1] - self._a[1]) * x + last
        self._state[:, fresh] = np.stack((first, last))[:, fresh]
