"""FAULTS.md 3, row 24, at a size for every machine: `make soak HOURS=n` runs the same show for as long as is asked."""

from __future__ import annotations

import numpy as np
import pytest
from faults.checker import slope_per_hour
from faults.figures import figure
from faults.stand_in import WindowReader
from soak.show import soak, unaccounted

pytest.importorskip("mcap", reason="mcap is not installed (pip install 'emotus[record]')")
SECONDS = 6.0
PACE = 48.0  # the faults of four minutes pass in five seconds


def test_a_show_in_trouble_accounts_for_every_frame(tmp_path):
    """Three performers with the faults of rows 1 to 4, three bridges, consent: not a frame lost without a word."""
    soaked = soak(SECONDS, WindowReader(), tmp_path, pace=PACE, every_s=0.5)
    assert soaked.watcher.violations == []
    assert soaked.failures == soaked.torn == []
    assert figure(24, f"unaccounted frames in {SECONDS:g} s", unaccounted(soaked), 0, better="==")
    for kind in ("withheld", "doubled", "poisoned"):
        assert sum(getattr(source, kind) for source in soaked.sources.values()) > 0, kind
    assert soaked.heard["ws"] > 100
    assert soaked.heard["osc"] > 100
    assert np.ptp(soaked.readings.fds[2:]) <= 4
    assert np.ptp(soaked.readings.threads[2:]) <= 2


def test_the_robust_line_sees_what_creeps_and_not_what_leaps():
    """One reading in five far off changes nothing; 1 MB an hour in noise of 1 MB is told to a tenth."""
    rng = np.random.default_rng(24)
    seconds = np.arange(0.0, 3600.0, 5.0)
    rss = 200e6 + 1e6 * seconds / 3600 + rng.normal(0, 3e5, len(seconds))
    rss[rng.permutation(len(seconds))[: len(seconds) // 5]] += 50e6
    assert slope_per_hour(seconds, rss) == pytest.approx(1e6, abs=2e5)
    assert slope_per_hour(seconds, np.full(len(seconds), 2e8)) == 0.0
