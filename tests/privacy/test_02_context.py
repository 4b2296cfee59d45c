"""PRIVACY.md 2: in a workplace and in education no emotion is inferred, and the emotion weights are never opened."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from emotus.__main__ import main
from emotus.training.contexts import CONTEXTS, MOVEMENT_ONLY

# Every file that Python opens, as the interpreter itself reports it (PEP 578), before the first line of emotus runs.
WATCHED = """
import sys
opened = open(sys.argv[1], "w")
sys.addaudithook(lambda event, of: event == "open" and print(of[0], file=opened, flush=True))
from emotus.__main__ import main
main(sys.argv[2:])
"""
TRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=open,openat,openat2", "-o")


def run(folder: Path, context: str) -> tuple[list[dict], str, str]:
    """Run a show in a context; return its events, the files Python opened, and those any library opened."""
    hooked, traced, out = folder / "hooked", folder / "traced", folder / "out.jsonl"
    words = ["run", "-s", "synthetic:sad?speed=0", "-b", f"jsonl:{out}", "--context", context, "--seconds", "1"]
    command = [sys.executable, "-c", WATCHED, str(hooked), *words]
    if can_trace():
        command = [*TRACE, str(traced), *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in out.read_text().splitlines()]
    return events, hooked.read_text(), traced.read_text() if traced.exists() else hooked.read_text()


def can_trace() -> bool:
    """Tell whether system calls can be watched here."""
    return shutil.which("strace") is not None and subprocess.run([*TRACE, "/dev/null", "true"]).returncode == 0


def test_elsewhere_the_weights_are_opened_and_that_is_seen(tmp_path: Path) -> None:
    """With the context art both watchers see the weights, so what they do not see was not opened."""
    events, hooked, traced = run(tmp_path, "art")
    assert any(event["type"] == "emotion" for event in events)
    assert "bandai-stgcn.safetensors" in hooked
    assert "bandai-stgcn.safetensors" in traced


def test_in_a_workplace_the_weights_stay_closed(tmp_path: Path) -> None:
    """Qualities and poses come, no emotion does, and no library of this process opens a file of weights."""
    events, hooked, traced = run(tmp_path, "workplace")
    kinds = {event["type"] for event in events}
    by = "strace and audit hook" if can_trace() else "audit hook"
    weights = [line for line in (hooked + traced).splitlines() if ".safetensors" in line]
    print(f"privacy 2: workplace: {len(weights)} openings of weights among {len(traced.splitlines())} ({by})")
    assert kinds <= {"qualities", "pose", "status"}
    assert {"qualities", "pose"} <= kinds
    assert weights == []


@pytest.mark.parametrize("context", MOVEMENT_ONLY)
def test_where_emotions_may_not_be_read_nothing_asks_for_the_weights(tmp_path: Path, monkeypatch, context: str) -> None:
    """In both contexts the one function that loads a recogniser is never called."""
    monkeypatch.setattr("emotus.engine.network.load", lambda *_: pytest.fail("the weights were asked for"))
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # this process's own stay as they are
    out = tmp_path / "out.jsonl"
    with pytest.raises(SystemExit) as ended:
        main(["run", "-s", "synthetic:sad?speed=0", "-b", f"jsonl:{out}", "--context", context, "--seconds", "1"])
    assert ended.value.code == 0
    assert {json.loads(line)["type"] for line in out.read_text().splitlines()} <= {"qualities", "pose", "status"}


def test_workplace_and_education_are_contexts_of_the_command_line() -> None:
    """The two that PRIVACY.md names, and the four where emotions may be read."""
    assert MOVEMENT_ONLY == ("workplace", "education")
    assert set(CONTEXTS) == {"art", "research", "home", "medical", *MOVEMENT_ONLY}
