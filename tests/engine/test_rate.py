"""The rate of a source: followed through jitter, loss and pauses."""

from __future__ import annotations

import numpy as np
import pytest

from emotus.engine.rate import SourceRate

MS = 1e6


@pytest.mark.parametrize("rate_hz", [25, 30, 60, 125, 240])
def test_loss_and_pauses_hardly_move_it(rate_hz):
    """With a quarter of the poses lost, jitter of a tenth and a pause of a minute, it stays within 15 %."""
    rng, rate = np.random.default_rng(1), SourceRate()
    times = np.arange(2000) / rate_hz * 1e9 * 1.0 + rng.normal(0, 0.1e9 / rate_hz, 2000)
    times[1000:] += 60e9
    kept = times[rng.random(2000) > 0.25]
    for elapsed_ns in np.diff(kept)[np.diff(kept) > 0]:
        rate.update(elapsed_ns)
    assert rate.period_ns == pytest.approx(1e9 / rate_hz, rel=0.15)


def test_a_new_rate_is_reached_within_a_second():
    """A camera that changes from 30 to 60 poses a second is followed."""
    rate = SourceRate()
    for _ in range(30):
        rate.update(1000 / 30 * MS)
    for _ in range(60):
        rate.update(1000 / 60 * MS)
    assert rate.period_ns == pytest.approx(1000 / 60 * MS, rel=0.1)


def test_it_stays_in_bounds():
    """No observation moves it out of 1 to 100 ms, and a reset forgets all."""
    rate = SourceRate()
    rate.update(60_000 * MS)
    assert rate.period_ns == 100 * MS
    rate.reset()
    rate.update(1)
    assert rate.period_ns == 1 * MS
