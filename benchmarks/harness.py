"""Run the benchmarks: ours and its peers side by side, each file in a process of its own, on one thread.

Every ``bench_NAME.py`` beside this file offers ``run() -> list[dict]``, one row a comparison, with the keys of `KEYS`.
``emotus bench``, ``make bench`` and ``python benchmarks/harness.py`` all come here. Absolute times differ from machine
to machine and from hour to hour; the ratios, measured in one run, are what counts.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from emotus.engine.errors import InputError

Row = dict[str, Any]

# name: what was measured. ours_ms, ours_p99_ms, peer_ms, peer_p99_ms: milliseconds, None where there is no such figure.
# peer: who was beaten or not (or why it could not run), None without one. ratio: how many times better ours is.
# goal: the goal in words, "-" where it is only told. met: whether it was reached, None where it could not be measured.
KEYS = ("name", "ours_ms", "ours_p99_ms", "peer", "peer_ms", "peer_p99_ms", "ratio", "goal", "met")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
LIMIT_S = 600  # a benchmark that takes longer hangs
HEADINGS = ("work", "ours p50", "ours p99", "peer", "its p50", "its p99", "ratio", "goal", "")
NUMBERS = ("ours p50", "ours p99", "its p50", "its p99", "ratio")
PIPED_WIDTH = 160  # columns of the table where no terminal tells its own
STDERR = 2


def load_benchmarks(root: Path) -> dict[str, Path]:
    """Return the benchmark files below root/benchmarks by name: bench_bvh.py is "bvh"."""
    return {path.stem.removeprefix("bench_"): path for path in sorted((root / "benchmarks").glob("bench_*.py"))}


def choose(benchmarks: Mapping[str, Path], names: Sequence[str]) -> dict[str, Path]:
    """Return the named benchmarks, all of them when none is named; raise InputError for a name there is not."""
    for name in names:
        if name not in benchmarks:
            raise InputError(f"bench {name}", "no such benchmark", mend=f"one of {', '.join(benchmarks)}")
    return {name: benchmarks[name] for name in names or benchmarks}


def run_benchmarks(names: Sequence[str] = (), as_json: bool = False, root: Path | None = None) -> int:
    """Run the named benchmarks, or all; print a table, or one JSON object a row; return the exit status.

    0 when all ran, whether or not their goals were met; 1 when one broke.
    """
    chosen = choose(load_benchmarks(root or Path(__file__).parent.parent), names)
    machine = describe_machine()
    rows: list[Row] = []
    broken: list[str] = []
    for name, path in chosen.items():
        _progress(f"bench {name} ...")
        try:
            fresh = run_apart(path)
        except BenchmarkError as error:
            broken.append(f"bench {name}: {error}")
            continue
        rows += fresh
        if as_json:
            for row in fresh:
                print(json.dumps({**row, "machine": machine}), flush=True)
    if rows and not as_json:
        Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, markup=False).print(table(rows, machine))
    for line in broken:
        print(line, file=sys.stderr)
    return 1 if broken else 0


class BenchmarkError(Exception):
    """Report a benchmark that did not give its rows."""


def run_apart(path: Path) -> list[Row]:
    """Run one benchmark file in a process of its own with one thread; return its rows.

    Whatever it prints goes to standard error. Raises BenchmarkError when it fails, hangs or gives other rows.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        command = [sys.executable, __file__, "--child", str(path), str(out)]
        environment = {**os.environ, **ONE_THREAD}
        try:
            subprocess.run(command, env=environment, stdout=STDERR, check=True, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"gave nothing within {LIMIT_S} s") from None
        except subprocess.CalledProcessError as error:
            raise BenchmarkError(f"ended with status {error.returncode}") from None
        return [check_row(row) for row in json.loads(out.read_text())]


def check_row(row: Row) -> Row:
    """Return the row with its keys in order; raise BenchmarkError when one is missing or unknown."""
    if set(row) != set(KEYS):
        odd = sorted(set(row) ^ set(KEYS))
        raise BenchmarkError(f"row {row.get('name', '?')} has missing or unknown keys: {', '.join(odd)}")
    return {key: row[key] for key in KEYS}


def run_here(path: Path, out: Path) -> None:
    """Run one benchmark file in this process, on one thread, and write its rows as JSON."""
    if importlib.util.find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)
    out.write_text(json.dumps(_load(path).run(), default=_plain))


def _load(path: Path) -> ModuleType:
    sys.path.insert(0, str(path.parent))  # benchmarks share helpers that lie beside them
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise BenchmarkError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _plain(value: Any) -> Any:
    """Return a numpy scalar as a plain number."""
    return value.item()


def table(rows: Sequence[Row], machine: str) -> Table:
    """Return the rows as a table for people, above a line that describes the machine."""
    out = Table(box=box.SIMPLE_HEAD, caption=f"milliseconds, one thread; {machine}", caption_justify="left")
    for heading in HEADINGS:
        out.add_column(heading, justify="right" if heading in NUMBERS else "left", overflow="fold")
    for row in rows:
        out.add_row(*_cells(row))
    return out


def _cells(row: Row) -> tuple[str, ...]:
    ours, ours_p99, peer, peer_p99 = (figure(row[key]) for key in ("ours_ms", "ours_p99_ms", "peer_ms", "peer_p99_ms"))
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.3g}x"
    goal = "" if row["goal"] in (None, "-") else str(row["goal"])
    verdict = {True: "met", False: "MISSED", None: "not measured" if goal else ""}[row["met"]]
    return (row["name"], ours, ours_p99, row["peer"] or "-", peer, peer_p99, ratio, goal, verdict)


def figure(value: float | None) -> str:
    """Return a number of milliseconds with three digits that count, nothing for None."""
    return "" if value is None else (f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}")


def describe_machine() -> str:
    """Return processor, cores, system and the versions that the figures depend on, in one line."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "torch"))
    cores = f"{os.cpu_count()} cores"
    return f"{_processor()}, {cores}, {platform.system()}, Python {platform.python_version()}, {versions}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _progress(text: str) -> None:
    """Say on a terminal what is going on."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)


def main(words: Sequence[str]) -> int:
    """Run `harness.py [NAME...] [--json]`, or one file on behalf of `run_apart`."""
    if words[:1] == ["--child"]:
        run_here(Path(words[1]), Path(words[2]))
        return 0
    try:
        return run_benchmarks([word for word in words if word != "--json"], as_json="--json" in words)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
