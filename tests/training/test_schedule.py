"""The rate of learning rises and falls over any number of steps."""

from __future__ import annotations

import pytest
import torch

from emotus.training.schedule import one_cycle


@pytest.mark.parametrize(("steps", "rise"), [(1, 0.2), (5, 0.2), (10, 0.1), (20, 0.05), (21, 0.05), (300, 0.2)])
def test_every_number_of_steps_can_be_gone(steps: int, rise: float) -> None:
    """Also where the rise is a single step, at which torch alone divides by nought."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = one_cycle(optimiser, 0.1, steps, rise)
    rates = []
    for _ in range(steps - 1):
        optimiser.step()
        schedule.step()
        rates.append(optimiser.param_groups[0]["lr"])
    assert max(rates, default=0.1) <= 0.1 + 1e-12
    assert rates == [] or rates[-1] < 1e-4
