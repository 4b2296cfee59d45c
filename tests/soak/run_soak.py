"""Run a show for hours and tell whether anything crept: python tests/soak/run_soak.py --hours 1 (make soak HOURS=1)."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path[0] = str(Path(__file__).parents[1])  # the tests, not this folder

from faults.checker import slope_per_hour  # noqa: E402
from faults.figures import figure  # noqa: E402
from soak.show import Soaked, soak, unaccounted  # noqa: E402

ROW = 24
WARM = 1 / 6  # of the show: until buffers are full and the allocators have settled
EVERY_S = 5.0


def figures(soaked: Soaked) -> dict[str, float]:
    """Print the figures of a soak and return those that are counted; nothing here judges."""
    readings = soaked.readings
    warm = int(len(readings.seconds) * WARM)
    slope = slope_per_hour(readings.seconds[warm:], readings.rss[warm:]) / 1e6
    p99 = [soaked.ages.quantile(part, 0.99) for part in range(10)]
    made = sum(source.made for source in soaked.sources.values())
    told = {
        "frames made": (made, None, "", "<="),
        "unaccounted frames": (unaccounted(soaked), 0, "", "=="),
        "violations of the invariants": (soaked.watcher.wrong, 0, "", "=="),
        "RSS slope": (slope, 1.0, "MB/h", "<="),
        "descriptors, most - least": (np.ptp(readings.fds[warm:]), 4, "", "<="),
        "threads, most - least": (np.ptp(readings.threads[warm:]), 2, "", "<="),
        "p99 of the first tenth": (p99[0], None, "ms", "<="),
        "p99 of the last tenth": (p99[9], None, "ms", "<="),
        "p99 last to first": (p99[9] / p99[0], 1.1, "", "<="),
        "poses the inbox dropped": (soaked.inbox_dropped, None, "", "<="),
        "sensors or bridges that failed": (len(soaked.failures) + len(soaked.torn), 0, "", "=="),
    }
    for name, (value, goal, unit, better) in told.items():
        figure(ROW, name, value, goal, unit, better=better)
    return {name: float(value) for name, (value, *_) in told.items()}


def report(soaked: Soaked, hours: float) -> dict[str, object]:
    """Return everything worth keeping of a soak, as plain values."""
    readings = soaked.readings
    kept = np.linspace(0, len(readings.seconds) - 1, min(len(readings.seconds), 60)).astype(int)
    return {
        "hours": hours,
        "seconds": round(soaked.seconds, 1),
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end",
        "events": soaked.watcher.events,
        "statuses": soaked.watcher.said,
        "violations": soaked.watcher.violations,
        "counters": soaked.counters,
        "sources": {
            name: {"made": s.made, "withheld": s.withheld, "doubled": s.doubled, "given": s.given, "poison": s.poisoned}
            for name, s in soaked.sources.items()
        },
        "bridges": {name: str(stats) for name, stats in soaked.bridges.items()},
        "recorded": soaked.recorded,
        "heard": soaked.heard,
        "p50 by tenth (ms)": [round(soaked.ages.quantile(part, 0.5), 2) for part in range(10)],
        "p99 by tenth (ms)": [round(soaked.ages.quantile(part, 0.99), 2) for part in range(10)],
        "rss (MB)": [[round(readings.seconds[k]), round(readings.rss[k] / 1e6, 2)] for k in kept],
        "descriptors": [min(readings.fds), max(readings.fds)],
        "threads": [min(readings.threads), max(readings.threads)],
        "cpu": round(soaked.cpu_s / soaked.seconds, 3),
        "failures": [*soaked.failures, *soaked.torn],
    }


def main() -> int:
    """Run a soak, print and write its figures; 1 where a frame is missing or something is wrong."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--hours", type=float, default=1.0)
    words.add_argument("--out", type=Path, help="JSON file for the whole report")
    asked = words.parse_args()
    import torch

    from emotus.engine.network import load

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="emotus-soak-") as folder:
        soaked = soak(
            asked.hours * 3600,
            load("bandai-stgcn"),
            Path(folder),
            every_s=EVERY_S,
            progress=lambda line: print(line, flush=True),
        )
    told = report(soaked, asked.hours)
    print(json.dumps(told, indent=1), flush=True)
    if asked.out is not None:
        asked.out.write_text(json.dumps(told, indent=1) + "\n")
    counted = figures(soaked)
    sound = counted["violations of the invariants"] == 0 and counted["unaccounted frames"] == 0
    return 0 if sound and not soaked.failures else 1


if __name__ == "__main__":
    sys.exit(main())
