"""The benchmark harness finds, runs and shows benchmarks, and says so when one breaks."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from emotus.engine.errors import InputError

FILE = Path(__file__).parents[2] / "benchmarks" / "harness.py"
ROW = {
    "name": "work",
    "ours_ms": 1.0,
    "ours_p99_ms": 2.0,
    "peer": "peer 1.0",
    "peer_ms": 3.0,
    "peer_p99_ms": None,
    "ratio": 3.0,
    "goal": ">= 3x",
    "met": True,
}


@pytest.fixture(scope="module")
def harness() -> ModuleType:
    """Load the harness as the command line does."""
    spec = importlib.util.spec_from_file_location("bench_harness", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_harness"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a checkout with a good benchmark, one that breaks and one that forgets a key."""
    files = {
        "good": f"import os, helper\ndef run():\n    print('noise')\n    return [{{**{ROW!r}, 'goal': helper.GOAL}}]",
        "broken": "def run():\n    raise ValueError('no')",
        "short": "def run():\n    return [{'name': 'x'}]",
        "threads": "import os, torch\ndef run():\n    n = [os.environ['OMP_NUM_THREADS'], torch.get_num_threads()]\n"
        f"    return [{{**{ROW!r}, 'goal': str(n)}}]",
    }
    (tmp_path / "benchmarks").mkdir()
    for name, text in files.items():
        (tmp_path / "benchmarks" / f"bench_{name}.py").write_text(text)
    (tmp_path / "benchmarks" / "helper.py").write_text("GOAL = '>= 3x'")
    return tmp_path


def test_benchmarks_are_found_by_name(harness: ModuleType, root: Path) -> None:
    """Each bench_NAME.py is a benchmark, and nothing else is."""
    assert list(harness.load_benchmarks(root)) == ["broken", "good", "short", "threads"]


def test_all_run_when_none_is_named(harness: ModuleType, root: Path) -> None:
    """No name means every benchmark, a name that one; an unknown name is told with those there are."""
    found = harness.load_benchmarks(root)
    assert harness.choose(found, []) == found
    assert list(harness.choose(found, ["good"])) == ["good"]
    with pytest.raises(InputError, match=r"bench nope: no such benchmark \(one of broken, good, short, threads\)"):
        harness.choose(found, ["nope"])


@pytest.mark.slow
def test_json_is_one_object_a_row_and_nothing_else(
    harness: ModuleType, root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Standard output has the rows with the machine they were measured on; what a benchmark prints goes elsewhere."""
    assert harness.run_benchmarks(["good"], as_json=True, root=root) == 0
    out, err = capfd.readouterr()
    (row,) = [json.loads(line) for line in out.splitlines()]
    assert "Python" in row.pop("machine")
    assert row == ROW
    assert "noise" in err


@pytest.mark.slow
def test_a_broken_benchmark_does_not_hide_the_others(
    harness: ModuleType, root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The good rows are shown, the broken ones named, and the exit status is 1."""
    assert harness.run_benchmarks(["broken", "good", "short"], root=root) == 1
    out, err = capfd.readouterr()
    assert "peer 1.0" in out
    assert "bench broken: ended with status 1" in err
    assert "bench short: row x has missing or unknown keys" in err


@pytest.mark.slow
def test_benchmarks_run_on_one_thread(harness: ModuleType, root: Path) -> None:
    """Both the libraries and torch are held to one thread."""
    (row,) = harness.run_apart(root / "benchmarks" / "bench_threads.py")
    assert row["goal"] == "['1', 1]"


def test_the_table_tells_met_from_missed(harness: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows show figures with three digits that count and whether their goal was met, missed or not measured."""
    missed = {**ROW, "peer": None, "ours_ms": 1234.5, "ratio": None, "met": False}
    console = harness.Console(width=160)
    console.print(harness.table([ROW, missed, {**ROW, "met": None}], "a machine"))
    shown = capsys.readouterr().out
    assert "3x" in shown
    assert "1234" in shown
    assert shown.count("met") == 1
    assert shown.count("MISSED") == 1
    assert shown.count("not measured") == 1
    assert "a machine" in shown


def test_the_benchmarks_there_are_have_goals_to_reach(harness: ModuleType) -> None:
    """The repository's own benchmarks are found and offer run()."""
    found = harness.load_benchmarks(FILE.parents[1])
    assert "engine" in found
    assert all("def run()" in path.read_text() for path in found.values())
