"""Taps and filters are SciPy's, and derivatives are those of known motions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from emotus.engine.derivative import LowPass, butterworth, central_taps, savgol_taps


@pytest.mark.parametrize(("frames", "order", "derivative"), [(5, 2, 1), (7, 3, 2), (9, 4, 3), (15, 5, 1)])
def test_savitzky_golay_taps_are_scipys(frames, order, derivative):
    """Oldest frame first, in units a second."""
    theirs = signal.savgol_coeffs(frames, order, deriv=derivative, delta=1 / 30, use="dot")
    assert savgol_taps(frames, order, derivative, 30.0) == pytest.approx(theirs, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("derivative", [1, 2, 3])
def test_central_differences_are_exact_on_polynomials(derivative):
    """A parabola's, a cubic's: the analytic derivative at the middle."""
    taps = central_taps(derivative, 30.0)
    t = (np.arange(len(taps)) - len(taps) // 2) / 30.0
    power = derivative
    analytic = float(np.prod(np.arange(1, power + 1)))
    assert taps @ t**power == pytest.approx(analytic)


@pytest.mark.parametrize(("cutoff_hz", "rate_hz"), [(6.0, 30.0), (10.0, 120.0), (1.0, 60.0)])
def test_the_low_pass_is_scipys_butterworth(cutoff_hz, rate_hz):
    """Coefficients, and the filter's answer to noise that began at rest where it is first seen."""
    b, a = butterworth(cutoff_hz, rate_hz)
    theirs = signal.butter(2, cutoff_hz, fs=rate_hz)
    assert b == pytest.approx(theirs[0])
    assert a == pytest.approx(theirs[1])
    x = np.random.default_rng(0).normal(size=(50, 2, 3)) + 5
    ours = LowPass(cutoff_hz, rate_hz, 2)
    found = np.stack([ours.step(row, np.ones(2, dtype=bool)) for row in x])
    start = signal.lfilter_zi(b, a)[:, None, None] * x[0]
    assert found == pytest.approx(signal.lfilter(b, a, x, axis=0, zi=start)[0])


def test_the_low_pass_starts_anew_where_something_was_unknown():
    """A joint that comes back elsewhere leaves no trace of where it was."""
    ours = LowPass(6.0, 30.0, 1)
    for _ in range(10):
        ours.step(np.zeros((1, 3)), np.array([True]))
    ours.step(np.full((1, 3), 99.0), np.array([False]))
    assert ours.step(np.full((1, 3), 7.0), np.array([True])) == pytest.approx(np.full((1, 3), 7.0))
