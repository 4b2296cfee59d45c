"""Distances between distributions equal those of POT and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial.distance import jensenshannon

from emotus.engine.transport import jensen_shannon, l2, wasserstein, wasserstein_rows

ot = pytest.importorskip("ot")

VALUES = st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 3))  # rounded, so that samples tie
SAMPLES = arrays.arrays(np.float64, st.integers(1, 60), elements=VALUES)


@given(SAMPLES, SAMPLES)
def test_the_distance_is_pots_for_any_sizes(u, v):
    """One sample against sixty, ties and all."""
    assert wasserstein(u, v) == pytest.approx(ot.wasserstein_1d(u, v), rel=1e-9, abs=1e-9)


@given(st.data())
def test_the_distance_is_pots_for_any_weights(data):
    """Weights of any size, some of them nothing."""
    u, v = data.draw(SAMPLES), data.draw(SAMPLES)
    weigh = st.floats(0, 10).map(lambda w: round(w, 2))
    a, b = (
        data.draw(arrays.arrays(np.float64, x.shape, elements=weigh).filter(lambda w: w.sum() > 0.1)) for x in (u, v)
    )
    theirs = ot.wasserstein_1d(u, v, a / a.sum(), b / b.sum())
    assert wasserstein(u, v, a, b) == pytest.approx(theirs, rel=1e-9, abs=1e-9)
    assert wasserstein(u, v, a) == pytest.approx(ot.wasserstein_1d(u, v, a / a.sum()), rel=1e-9, abs=1e-9)


@given(SAMPLES, SAMPLES, SAMPLES)
def test_the_distance_is_a_metric(u, v, w):
    """Zero to itself, the same both ways, never longer than a way round; a shift moves it by as much."""
    assert wasserstein(u, u) == 0
    assert wasserstein(u, v) == pytest.approx(wasserstein(v, u), abs=1e-9)
    assert wasserstein(u, w) <= wasserstein(u, v) + wasserstein(v, w) + 1e-9
    assert wasserstein(u, u + 2.5) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("u", "weights"),
    [([], None), ([np.nan], None), ([np.inf, 1], None), ([1, 2], [1]), ([1, 2], [0, 0]), ([1, 2], [-1, 2])],
)
def test_what_is_no_distribution_is_refused(u, weights):
    """No samples, samples that are no numbers, weights that are none."""
    with pytest.raises(ValueError, match="samples"):
        wasserstein(np.array(u, float), np.array([1.0]), None if weights is None else np.array(weights, float))


def test_rows_of_quantiles_are_pots_number_on_the_same_quantiles():
    """Quantiles and the widths of their levels are samples and weights."""
    rng = np.random.default_rng(0)
    widths = rng.random(20)
    widths /= widths.sum()
    one, others = np.sort(rng.normal(size=20)), np.sort(rng.normal(size=(5, 3, 20)), axis=-1)
    found = wasserstein_rows(one, others, widths)
    for i in np.ndindex(5, 3):
        assert found[i] == pytest.approx(ot.wasserstein_1d(one, others[i], widths, widths), abs=1e-12)


@given(arrays.arrays(np.float64, (2, 12), elements=st.floats(0, 1)).filter(lambda p: (p.sum(axis=1) > 0.1).all()))
def test_jensen_shannon_is_scipys(p):
    """In bits, with bins that only one of them has, and with empty ones."""
    p /= p.sum(axis=1, keepdims=True)
    theirs = jensenshannon(p[0], p[1], base=2)
    # SciPy's own rounding lets the divergence of near equals fall below zero; then its root is no number.
    assert jensen_shannon(p[0], p[1]) ** 2 == pytest.approx(0.0 if np.isnan(theirs) else theirs**2, abs=1e-12)


def test_l2_is_the_area_between_densities():
    """Two bars beside each other, each of area one over bins half wide."""
    assert l2(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.5, 0.5])) == pytest.approx(2.0)
