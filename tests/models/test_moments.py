"""Fading moments: exact, bounded, and starting from what is usual."""

from __future__ import annotations

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from emotus.models.moments import DecayedMoments, decayed_sums


@settings(max_examples=30, deadline=None)
@given(t=st.integers(1, 200), keep=st.floats(0.5, 0.999), seed=st.integers(0, 99))
def test_blocks_equal_the_plain_recursion(t: int, keep: float, seed: int) -> None:
    """Sums by triangular products are those of s = keep * s + v."""
    values = torch.randn(2, t, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    start = torch.ones(2, 1, 3, dtype=torch.float64)
    sums, expected = decayed_sums(values, torch.tensor([keep], dtype=torch.float64), start), start[:, 0]
    for i in range(t):
        expected = keep * expected + values[:, i]
        assert torch.allclose(sums[:, i, 0], expected, atol=1e-10)


def test_before_any_evidence_stands_the_prior() -> None:
    """What was never valid is answered with the prior, whatever its value was."""
    moments = DecayedMoments(2, (30.0,), 5.0)
    moments.prior.copy_(torch.tensor([3.0, 4.0]))
    found = moments.forward(
        torch.full((1, 10, 2), 99.0, dtype=torch.float64), torch.zeros(1, 10, 2, dtype=torch.float64)
    )
    assert torch.allclose(found[0, -1, 0], torch.tensor([3.0, 4.0], dtype=torch.float64))


def test_evidence_fades_with_its_time_constant() -> None:
    """A step is taken up to 1 - 1/e after one time constant, when the prior weighs nothing and the past was long."""
    moments = DecayedMoments(1, (50.0,), 0.0)
    values = torch.cat((torch.zeros(1, 2000, 1), torch.ones(1, 50, 1)), dim=1).double()
    found = moments.forward(values, torch.ones_like(values))
    assert math.isclose(float(found[0, -1, 0, 0]), 1 - math.exp(-1), abs_tol=1e-6)
