"""The One-Euro filter: little noise where a point rests, little delay where it moves fast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from .clock import NS_PER_S
from .skeleton import Float32

_RESTART_NS: Final = NS_PER_S // 2  # after so long a silence the next points are taken as they are


@dataclass(frozen=True, slots=True)
class Smoothing:
    """Say how strongly to smooth: cutoff at rest, how much of it each m/s adds, cutoff of the speed itself."""

    min_cutoff_hz: float
    beta_hz_s_m: float
    speed_cutoff_hz: float = 1.0


# Chosen on a body at 60 Hz with 10 mm of white noise: `emotus bench webcam` has what each costs and gives.
SMOOTHINGS: Final[dict[str, Smoothing | None]] = {
    "off": None,
    "light": Smoothing(5.0, 0.5),
    "strong": Smoothing(1.5, 1.0),
}


class OneEuro:
    """Filter N points after Casiez, Roussel and Vogel, "1 euro filter", CHI 2012.

    A first-order low-pass whose cutoff is min_cutoff_hz + beta * speed; the speed is itself low-passed. One cutoff a
    point, from the length of its velocity, so that the choice of axes does not matter. Time steps are the real ones.
    """

    def __init__(self, smoothing: Smoothing) -> None:
        self._smoothing = smoothing
        self.reset()

    def reset(self) -> None:
        """Forget the points; the next are passed on as they are."""
        self._t_ns = 0
        self._points: Float32 | None = None
        self._velocity: Float32 | None = None
        self.delay_ms = 0.0

    def step(self, points: Float32, t_ns: int) -> Float32:
        """Return the smoothed points (N, 3) of points (N, 3) at t_ns; `delay_ms` then tells their mean delay.

        A point that is not finite keeps its place. Points no later than the last, or half a second later, start anew.
        """
        last, velocity = self._points, self._velocity
        if last is None or velocity is None or last.shape != points.shape or not 0 < t_ns - self._t_ns <= _RESTART_NS:
            first = np.where(np.isfinite(points), points, np.float32(0))
            self._t_ns, self._points, self._velocity = t_ns, first, np.zeros(points.shape, dtype=np.float32)
            self.delay_ms = 0.0
            return first
        step_s = (t_ns - self._t_ns) / NS_PER_S
        fresh = np.where(np.isfinite(points), points, last)
        told = (fresh - last) / np.float32(step_s)
        velocity = velocity + np.float32(share(self._smoothing.speed_cutoff_hz, step_s)) * (told - velocity)
        speed_m_s = np.sqrt(np.einsum("ij,ij->i", velocity, velocity))  # (N,)
        cutoff_hz = self._smoothing.min_cutoff_hz + self._smoothing.beta_hz_s_m * speed_m_s.astype(np.float64)
        taken = 1.0 / (1.0 + 1.0 / (math.tau * cutoff_hz * step_s))  # (N,)
        smooth = last + taken.astype(np.float32)[:, None] * (fresh - last)
        self.delay_ms = float(np.mean(1e3 / (math.tau * cutoff_hz)))
        self._t_ns, self._points, self._velocity = t_ns, smooth, velocity
        return smooth


def share(cutoff_hz: float, step_s: float) -> float:
    """Return how much of a new value a low-pass takes in: its delay is then 1 / (2 pi cutoff) whatever the step."""
    return 1.0 / (1.0 + 1.0 / (math.tau * cutoff_hz * step_s))
