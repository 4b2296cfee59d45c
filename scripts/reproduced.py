"""Print the rows of docs/reproduce.md from the reports that `make reproduce` left: one Markdown row a report."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PROTOCOLS = ("intended", "perceived", "content", "family")


def row(said: dict[str, Any]) -> str:
    """Return the Markdown row of one metrics.json."""
    figures = said["figures"]
    accuracy, f1, precision = (f"{figures[name][0]:.3f}" for name in ("accuracy", "macro_f1", "map"))
    low, high = figures["interval"]
    before, after = (f"{figures[name][0]:.3f}" for name in ("ece_before", "ece_after"))
    cells = (
        f"{said['protocol']} ({figures['clips']})",
        f"`{said['model']}`",
        f"{accuracy} / {f1} / {precision}",
        f"{low:.3f}-{high:.3f}",
        f"{before}, {after} ({figures['ece_floor']:.3f})",
        f"{len(figures['seeds'])}",
    )
    return f"| {' | '.join(cells)} |"


def main(folder: Path) -> int:
    """Print all rows found in a folder of reports, protocol by protocol, the best first."""
    said = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*/metrics.json"))]
    if not said:
        sys.stderr.write(f"{folder}: no reports (run `make reproduce` first)\n")
        return 2
    sys.stdout.write(
        "| protocol (clips) | model | accuracy / macro-F1 / mAP | 95 % | ECE before, after (perfect) | seeds |\n"
    )
    sys.stdout.write("|---|---|---|---|---|---|\n")
    for protocol in PROTOCOLS:
        mine = [each for each in said if each["protocol"] == protocol]
        for each in sorted(mine, key=lambda each: -each["figures"]["accuracy"][0]):
            sys.stdout.write(row(each) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "reports")))
