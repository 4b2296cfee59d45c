"""The One-Euro filter: little noise where a point rests, little delay where it moves fast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from .clock import NS_PER_S
from .skeleton import Float32, Float64

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
    "light": Smoothing(5.0, 1.0),
    "strong": Smoothing(1.5, 1.0),
}


class OneEuro:
    """Filter N points after Casiez, Roussel and Vogel, "1 euro filter", CHI 2012.

    A first-order low-pass whose cutoff is min_cutoff_hz + beta * speed. The speed is itself low-passed, and taken
    between points as they came, as in the authors' own code (the paper's listing takes it from the smoothed point,
    whose lag then counts as speed). One cutoff a point, from the length of its velocity, so that the choice of axes
    does not matter. Time steps are the real ones.
    """

    def __init__(self, smoothing: Smoothing) -> None:
        self._smoothing = smoothing
        self.reset()

    def reset(self) -> None:
        """Forget the points; the next are passed on as they are."""
        self._t_ns = 0
        self._points: Float32 | None = None
        self._velocity: Float32 | None = None
        self._raw: Float32 | None = None
        self.delay_ms = 0.0

    def step(self, points: Float32, t_ns: int) -> Float32:
        """Return the smoothed points (N, 3) of points (N, 3) at t_ns; `delay_ms` then tells their mean delay.

        A point that is not finite keeps its place. Points no later than the last, or half a second later, start anew.
        """
        last, velocity, raw = self._points, self._velocity, self._raw
        if (
            last is None
            or velocity is None
            or raw is None
            or last.shape != points.shape
            or not 0 < t_ns - self._t_ns <= _RESTART_NS
        ):
            first = np.where(np.isfinite(points), points, 0).astype(np.float32)
            self._t_ns, self._points, self._raw = t_ns, first, first
            self._velocity = np.zeros(first.shape, dtype=np.float32)
            self.delay_ms = 0.0
            return first
        step_s = (t_ns - self._t_ns) / NS_PER_S
        fresh = np.where(np.isfinite(points), points, raw).astype(np.float32)
        told = (fresh - raw) / step_s
        velocity = (velocity + share(self._smoothing.speed_cutoff_hz, step_s) * (told - velocity)).astype(np.float32)
        speed_m_s: Float64 = np.sqrt((velocity * velocity).sum(axis=-1)).astype(np.float64)  # (N,)
        cutoff_hz: Float64 = self._smoothing.min_cutoff_hz + self._smoothing.beta_hz_s_m * speed_m_s
        taken = 1.0 / (1.0 + 1.0 / (math.tau * cutoff_hz * step_s))  # (N,)
        smooth = (last + taken[:, None] * (fresh - last)).astype(np.float32)
        self.delay_ms = 1e3 / math.tau * float((1.0 / cutoff_hz).mean())
        self._t_ns, self._points, self._raw, self._velocity = t_ns, smooth, fresh, velocity
        return smooth


def share(cutoff_hz: float, step_s: float) -> float:
    """Return how much of a new value a low-pass takes in: its delay is then 1 / (2 pi cutoff) whatever the step."""
    return 1.0 / (1.0 + 1.0 / (math.tau * cutoff_hz * step_s))
