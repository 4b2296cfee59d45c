"""The Python and JavaScript programs of examples/ run as their READMEs say, and hear; `make pictures` draws what."""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.heard import LINE, card
from support.sayings import free_port

import emotus

EXAMPLES = Path(__file__).parents[2] / "examples"
DRAWS = os.environ.get("EMOTUS_PICTURES") == "1"


def run(program: Path, *words: str) -> str:
    """Run a Python program in this process, where PyTorch is loaded already; return what it prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(program), *words])
        runpy.run_path(str(program), run_name="__main__")
    return said.getvalue()


def draw(name: str, command: str, lines: list[str]) -> None:
    """Draw what was heard, where that is asked for."""
    if DRAWS:
        (EXAMPLES / name / "heard.svg").write_text(card(command, lines[:8]))


def test_the_loop_hears_a_performer():
    """listen.py prints an answer twice a second of the show's time."""
    said = run(EXAMPLES / "python_api" / "listen.py", "--seconds", "3")
    lines = [line for line in said.splitlines() if LINE.fullmatch(line)]
    assert len(lines) >= 3
    assert {LINE.fullmatch(line)["performer"] for line in lines} == {"anna"}
    draw("python_api", "python examples/python_api/listen.py", lines)


def test_the_async_loop_hears_beside_other_work():
    """The light is set by what was heard while it went on shining."""
    said = run(EXAMPLES / "python_api" / "listen_async.py")
    values = [float(each) for each in re.findall(r"light ([+-][\d.]+)", said)]
    assert len(values) >= 10
    assert len(set(values)) >= 2


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_node_hears_a_run():
    """listen.mjs beside `emotus run`: greeted, told answers, and told when it ends."""
    port = free_port()
    command = ["node", str(EXAMPLES / "javascript" / "listen.mjs"), f"ws://127.0.0.1:{port}"]
    node = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        with emotus.Engine().run("synthetic:tour?stream=anna", bridges=f"ws:127.0.0.1:{port}", seconds=6) as show:
            assert sum(event.type == "emotion" for event in show) > 30
        lines = []
        while not lines or not lines[-1].startswith("lost (emotus ends)"):
            lines.append(node.stdout.readline())
            assert lines[-1], "node ended before the show"
    finally:
        node.terminate()
        node.communicate(timeout=20)
    greeting = next(i for i, line in enumerate(lines) if line.startswith("emotus: angry, happy"))
    answers = [line.strip() for line in lines[greeting + 1 :] if re.match(r"anna \w+ \d+ % ", line)]
    assert len(answers) >= 5
    draw("javascript", "node examples/javascript/listen.mjs", [lines[greeting][:88], *answers])
