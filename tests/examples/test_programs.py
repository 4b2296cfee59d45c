"""The Python and JavaScript programs of examples/ run as their READMEs say, and hear; `make pictures` draws what."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.heard import LINE, card
from support.sayings import free_port

EXAMPLES = Path(__file__).parents[2] / "examples"
DRAWS = os.environ.get("EMOTUS_PICTURES") == "1"


def run(command: list[str], *, seconds: float = 100.0) -> str:
    """Return what a program prints until it ends."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stderr
    return done.stdout


def draw(name: str, command: str, lines: list[str]) -> None:
    """Draw what was heard, where that is asked for."""
    if DRAWS:
        (EXAMPLES / name / "heard.svg").write_text(card(command, lines[:8]))


def test_the_loop_hears_a_performer():
    """listen.py prints an answer twice a second of the show's time."""
    said = run([sys.executable, str(EXAMPLES / "python_api" / "listen.py"), "--seconds", "3"])
    lines = [line for line in said.splitlines() if LINE.fullmatch(line)]
    assert len(lines) >= 3
    assert {LINE.fullmatch(line)["performer"] for line in lines} == {"anna"}
    draw("python_api", "python examples/python_api/listen.py", lines)


def test_the_async_loop_hears_beside_other_work():
    """The light is set by what was heard while it went on shining."""
    said = run([sys.executable, str(EXAMPLES / "python_api" / "listen_async.py")])
    values = [float(each) for each in re.findall(r"light ([+-][\d.]+)", said)]
    assert len(values) >= 10
    assert len(set(values)) >= 2


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_node_hears_a_run():
    """listen.mjs beside `emotus run`: greeted, told answers, and told when it ends."""
    port = free_port()
    node = subprocess.Popen(
        ["node", str(EXAMPLES / "javascript" / "listen.mjs"), f"ws://127.0.0.1:{port}"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        uris = ["-s", "synthetic:tour?stream=anna", "-b", f"ws:127.0.0.1:{port}", "--seconds", "8"]
        subprocess.run([sys.executable, "-m", "emotus", "run", *uris], capture_output=True, timeout=100, check=True)
    finally:
        node.terminate()
        lines = node.communicate(timeout=20)[0].splitlines()
    greeting = next(i for i, line in enumerate(lines) if line.startswith("emotus: angry, happy"))
    answers = [line for line in lines[greeting + 1 :] if re.match(r"anna \w+ \d+ % ", line)]
    assert len(answers) >= 5
    assert any(line.startswith("lost (emotus ends)") for line in lines)
    draw("javascript", "node examples/javascript/listen.mjs", [lines[greeting][:88], *answers])
