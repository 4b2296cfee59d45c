"""The rate of learning: up for a while, then down to nothing, whatever the number of steps."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import OneCycleLR


def one_cycle(optimiser: Optimizer, rate: float, steps: int, rise: float) -> OneCycleLR:
    """Return the schedule of Smith and Topin, Super-convergence (2017), that rises for a share of the steps.

    torch divides by nought where the rise is exactly one step long; it is then half a step longer.
    """
    share = rise + 0.5 / steps if rise * steps == 1.0 else rise
    return OneCycleLR(optimiser, rate, total_steps=steps, pct_start=share)
