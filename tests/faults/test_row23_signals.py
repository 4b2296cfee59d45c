"""FAULTS.md 3, row 23: Ctrl-C or SIGTERM at any moment of a show."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from faults.figures import figure
from support.sayings import free_port

from emotus.engine.recording_reader import RecordingReader

pytest.importorskip("mcap", reason="mcap is not installed (pip install 'emotus[record]')")
REPEATS = int(os.environ.get("EMOTUS_SIGNALS", "2"))  # 100 with `make faults`
LIMIT_S = 2.0
PLENTY_S = 100.0


def test_a_show_ends_within_two_seconds_of_a_signal(tmp_path):
    """Exit code 0, whole lines, a recording that is sound to its end, and no process left behind."""
    rng = random.Random(23)
    took = []
    signals = itertools.cycle((signal.SIGINT, signal.SIGTERM))
    for k, number in zip(range(REPEATS), signals, strict=False):
        took.append(_end_a_show(tmp_path / str(k), number, rng.uniform(0.0, 1.5)))
    figure(23, f"ended in order, of {REPEATS} signals", len(took), REPEATS, better="==")
    figure(23, "slowest end", max(took), LIMIT_S, "s")
    assert max(took) < 2 * LIMIT_S  # two seconds on a machine that has the time


def _end_a_show(folder: Path, number: signal.Signals, wait_s: float) -> float:
    """Start a show, end it by a signal so long after its first events, check what it left; return how long it took."""
    folder.mkdir()
    lines, recording = folder / "events.jsonl", folder / "show.mcap"
    words = [
        "run",
        "-s",
        "synthetic:sad",
        "-b",
        f"jsonl:{lines}",
        "-b",
        f"ws:127.0.0.1:{free_port()}",
        "--record",
        str(recording),
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "emotus", *words],
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        deadline = time.monotonic() + PLENTY_S
        while not (lines.exists() and lines.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert lines.exists(), "the show did not begin in time"
        assert lines.stat().st_size, "nothing was told in time"
        time.sleep(wait_s)
        children = psutil.Process(process.pid).children(recursive=True)
        started = time.monotonic()
        process.send_signal(number)
        code = process.wait(timeout=PLENTY_S)
        took_s = time.monotonic() - started
        assert process.stderr is not None
        told = process.stderr.read().decode()
    assert code == 0, told
    assert "Traceback" not in told
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert all(json.loads(line)["v"] == 1 for line in lines.read_text().splitlines())
    with recording.open("rb") as file:
        reader = RecordingReader(file, str(recording))
        assert sum(1 for _ in reader) > 0
        assert (reader.torn, reader.damaged) == ("", 0)
    return took_s
