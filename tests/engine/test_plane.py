"""The plane keeps distances, the same picture every time, and places one more point where it belongs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.optimize import minimize

from emotus.engine.plane import Plane, classical_plane, distances_of, make_plane, smacof

manifold = pytest.importorskip("sklearn.manifold")

POINTS = arrays.arrays(np.float64, st.tuples(st.integers(3, 12), st.just(2)), elements=st.floats(-5, 5)).filter(
    lambda p: np.linalg.svd(p - p.mean(axis=0), compute_uv=False)[1] > 0.5
)


def others(n: int = 14, seed: int = 0):
    """Return distances that no plane holds: those of points in six dimensions."""
    points = np.random.default_rng(seed).normal(size=(n, 6))
    return np.linalg.norm(points[:, None] - points, axis=2)


@given(POINTS)
def test_distances_of_a_plane_are_kept(points):
    """Points come back but for turning and mirroring, with no stress, and a further point comes to its place."""
    matrix = distances_of(points)
    plane = make_plane(matrix)
    assert distances_of(plane.points) == pytest.approx(matrix, abs=1e-3)
    assert plane.stress < 1e-3
    place = plane.place(np.linalg.norm(plane.points - (0.5, -0.7), axis=1))
    assert place == pytest.approx((0.5, -0.7), abs=2e-2)


@pytest.mark.parametrize("seed", range(3))
def test_the_stress_is_no_worse_than_scikit_learns(seed):
    """From the same start the same picture; from its own starts none that is better by a thousandth."""
    matrix = others(seed=seed)
    ours, stress = smacof(matrix, classical_plane(matrix), steps=3000, tolerance=1e-12)
    start = classical_plane(matrix)
    theirs, raw = manifold.smacof(
        matrix, n_components=2, init=start, n_init=1, max_iter=3000, eps=1e-12, metric=True, normalized_stress=False
    )
    assert distances_of(ours) == pytest.approx(distances_of(theirs), abs=1e-3)
    assert stress == pytest.approx(np.sqrt(2 * raw / np.square(matrix).sum()), rel=1e-4)


def test_the_same_distances_give_the_same_picture():
    """Twice the same bits; and things named in another order stand at the same places, but for the axes' ends."""
    matrix = others()
    assert np.array_equal(make_plane(matrix).points, make_plane(matrix).points)
    order = np.random.default_rng(1).permutation(len(matrix))
    again = make_plane(matrix[np.ix_(order, order)]).points
    assert again == pytest.approx(make_plane(matrix).points[order], abs=0.02)


def test_a_placed_point_fits_its_distances_as_well_as_any_near_it():
    """Distances that no place has: the squared error is within a tenth, mostly within a thousandth, of the least."""
    ratios = []
    for seed in range(12):
        matrix = others(seed=seed)
        plane = make_plane(matrix[:-1, :-1])
        wanted = matrix[-1, :-1]

        def error(point, plane=plane, wanted=wanted):
            return np.square(np.linalg.norm(plane.points - point, axis=1) - wanted).sum()

        at = np.array(plane.place(wanted))
        ratios.append(error(at) / minimize(error, at, tol=1e-10).fun)
    assert max(ratios) < 1.1
    assert np.median(ratios) < 1.001


@pytest.mark.parametrize("n", [1, 2])
def test_one_and_two_references_have_a_plane(n):
    """A point, a line; whoever is at a reference is placed at it."""
    matrix = 2.0 * (1 - np.eye(n))
    plane = make_plane(matrix)
    assert distances_of(plane.points) == pytest.approx(matrix)
    assert np.isfinite(plane.points).all()
    assert plane.place(matrix[0]) == pytest.approx(tuple(plane.points[0]), abs=1e-6)
    assert np.isfinite(plane.place(np.full(n, 0.7))).all()


def test_equal_references_lie_on_one_point():
    """No distance at all is no division by nothing."""
    plane = make_plane(np.zeros((4, 4)))
    assert plane == Plane(plane.points, 0.0)
    assert not plane.points.any()
    assert np.isfinite(plane.place(np.ones(4))).all()
