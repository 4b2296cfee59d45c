"""The table of the thirty rows: figures of a run merged into docs/faults.json, docs/faults.md made of it, and printed.

python tests/faults/table.py --merge build/faults.jsonl --command "make faults"   merge, write both, print
python tests/faults/table.py --count                                              say how many rows do not pass
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1])  # the tests, not this folder

from faults.NOT_YET import BUSY, NOT_YET  # noqa: E402

ROOT = Path(__file__).parents[2]
STORE, PAGE = ROOT / "docs" / "faults.json", ROOT / "docs" / "faults.md"
TITLES = {
    1: "Sensor dropout of 0.1, 1 and 10 s",
    2: "Loss of 1, 5 and 25 %, and in bursts",
    3: "Out of order, doubled, the counter wraps or restarts",
    4: "NaN, infinity, 1e38, zero quaternions, teleports",
    5: "The wall clock jumps, the machine sleeps",
    6: "The source's clock drifts and jitters",
    7: "A flood of datagrams, from strangers too",
    8: "The network is slower than the sensor",
    9: "A WebSocket client that reads slowly or never",
    10: "A thousand clients",
    11: "Clients that come and go in crowds",
    12: "Malformed and oversized WebSocket frames",
    13: "OSC datagrams made to harm",
    14: "Xsens datagrams made to harm",
    15: "BVH texts made to harm",
    16: "SIGKILL in the midst of a recording",
    17: "A recording cut anywhere, a bit turned",
    18: "The disk is full, broken, read-only or slow",
    19: "The GPU runs out of memory or is lost",
    20: "A camera that freezes, blocks or is pulled out",
    21: "A worker that hangs or dies",
    22: "A bridge whose receiver is gone, a port in use",
    23: "SIGINT and SIGTERM at any moment",
    24: "Hours of a show in trouble",
    25: "The same input twice",
    26: "Somebody else in her place, poison, replay",
    27: "Hostile weights, profiles and mappings",
    28: "The web: foreign pages, rebound names, guesses",
    29: "Consent revoked in the midst of a window",
    30: "A generator that runs away",
}
Figure = dict[str, Any]
Store = dict[int, list[Figure]]


def read_store(path: Path = STORE) -> Store:
    """Return the figures of each row that has any."""
    if not path.exists():
        return {}
    return {int(row): figures for row, figures in json.loads(path.read_text())["rows"].items()}


def merge(store: Store, lines: Path, command: str) -> Store:
    """Return the store with the figures of a run in the place of those that the same command gave before."""
    where = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[2]:.0f}"
    told = {"command": command, "when": time.strftime("%Y-%m-%d", time.gmtime()), "where": where}
    new: dict[int, dict[str, Figure]] = {}
    for line in lines.read_text().splitlines():
        each = json.loads(line)
        new.setdefault(each.pop("row"), {})[each["name"]] = each | told
    merged = dict(store)
    for row, figures in new.items():
        kept = [old for old in store.get(row, []) if old["command"] != command]
        merged[row] = [*kept, *figures.values()]
    return dict(sorted(merged.items()))


def verdict(row: int, figures: list[Figure]) -> str:
    """Return in a word or two whether a row passes."""
    if row in NOT_YET:
        return "not yet" if not figures else "in part"
    return "passes" if not missed(figures) else "missed, busy"


def missed(figures: list[Figure]) -> list[Figure]:
    """Return the figures that do not reach their goals."""
    return [figure for figure in figures if not figure["met"]]


def tightest(figures: list[Figure]) -> str:
    """Return the figure nearest to its goal, or past it."""
    aimed = [figure for figure in figures if figure["goal"] is not None]
    return _shown(max(aimed, key=_share)) if aimed else ""


def _share(figure: Figure) -> float:
    value, goal = figure["value"], figure["goal"]
    if figure["better"] == "==":
        return 0.0 if value == goal else 9e9
    if figure["better"] == ">=":
        value, goal = goal, value
    return value / goal if goal > 0 else float(value > 0) * 9e9


def _shown(figure: Figure) -> str:
    goal = "" if figure["goal"] is None else f" ({figure['better']} {figure['goal']:g})".replace("==", "=")
    mark = "" if figure["met"] else ", missed"
    return f"{figure['name']} {figure['value']:.4g} {figure['unit']}".rstrip() + goal + mark


def rows(store: Store) -> list[tuple[int, str, str, str, str]]:
    """Return row, fault, verdict, figures that reach their goals, and the tightest one, for all thirty."""
    out = []
    for row, title in TITLES.items():
        figures = store.get(row, [])
        aimed = [figure for figure in figures if figure["goal"] is not None]
        met = f"{len(aimed) - len(missed(aimed))} of {len(aimed)}" if aimed else ""
        out.append((row, title, verdict(row, figures), met, tightest(figures)))
    return out


def count() -> str:
    """Return how many rows do not pass, and which."""
    passed = 30 - len(NOT_YET) - len(BUSY)
    busy, named = (", ".join(map(str, rows)) or "none" for rows in (BUSY, NOT_YET))
    return (
        f"faults: {passed} of 30 rows pass; missed a figure on a busy machine: {busy}; not, or in part only: {named}"
        " (tests/faults/NOT_YET.py)"
    )


def page(store: Store) -> str:
    """Return docs/faults.md."""
    lines = [
        "# Faults: what goes wrong on a stage, and what happens then",
        "",
        "Thirty faults, each with a test in `tests/faults/` that prints its figures; made from `docs/faults.json` by",
        "`make faults`, which runs them all, and `make soak HOURS=n`. Figures that another command gave name it.",
        "In every row also holds: received = processed + dropped by reason, rising times, finite output, one status a",
        "fault and no more than one a second (`tests/faults/checker.py`).",
        "",
        count() + ".",
        "",
        "| row | fault | verdict | goals reached | nearest to its goal |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {row} | {title} | {word} | {met} | {near} |" for row, title, word, met, near in rows(store)),
        "",
        "## What does not pass",
        "",
        *(f"- Row {row}: {reason}." for row, reason in NOT_YET.items()),
        *(f"- Row {row}, on a busy machine: {reason}." for row, reason in BUSY.items()),
        "",
        "## Every figure",
    ]
    for row, title in TITLES.items():
        figures = store.get(row, [])
        if figures:
            lines += ["", f"### {row}. {title}", "", *(f"- {_shown(each)}{_source(each)}" for each in figures)]
    runs = sorted({(each["when"], each["command"], each["where"]) for figures in store.values() for each in figures})
    lines += ["", "## Runs", "", *(f"- {when}: `{command}` ({where})" for when, command, where in runs), ""]
    return "\n".join(lines)


def _source(figure: Figure) -> str:
    return "" if figure["command"] == "make faults" else f" — `{figure['command']}`"


def main() -> None:
    """Merge, write and print, as asked."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--merge", type=Path)
    words.add_argument("--command", default="make faults")
    words.add_argument("--count", action="store_true")
    asked = words.parse_args()
    store = read_store()
    if asked.merge is not None:
        store = merge(store, asked.merge, asked.command)
        STORE.write_text(json.dumps({"rows": {str(row): figures for row, figures in store.items()}}, indent=1) + "\n")
    if not asked.count:
        PAGE.write_text(page(store))
        for row, title, word, met, near in rows(store):
            print(f"{row:2d}  {title:54s} {word:18s} {met:9s} {near}")
    print(count())


if __name__ == "__main__":
    main()
