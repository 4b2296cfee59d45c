"""The example that wires sensors, engine and viewer by hand runs as its README says."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

from support.chromium import wait_for

SCRIPT = Path(__file__).parents[2] / "examples" / "watch_a_performer" / "watch.py"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_example_serves_the_page_and_sends_three_performers() -> None:
    """While it runs the page is there; at the end it tells of pose and quality events of three performers."""
    port = free_port()
    started = time.monotonic()
    with subprocess.Popen([sys.executable, SCRIPT, "2", str(port)], stdout=subprocess.PIPE, text=True) as process:
        wait_for(lambda: _answers(port), seconds=20)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert f"http://127.0.0.1:{port}" in out
    poses = int(out.split(" pose events")[0].split()[-1])
    assert 3 * 30 < poses <= 3 * 65
    assert time.monotonic() - started < 25


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
