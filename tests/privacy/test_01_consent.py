"""PRIVACY.md 1: nothing before consent, nothing left after it is taken back, in a process looked at from outside.

That no event leaves after a revocation, purpose by purpose: tests/faults/test_row29_consent.py.
"""

from __future__ import annotations

import itertools
import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from privacy.marked_show import HEAD, STREAM, marker
from support.network_senders import as_vmc, performance
from support.sayings import free_port, udp_receiver

from emotus.__main__ import main
from emotus.engine.recording_reader import RecordingReader

TESTS = Path(__file__).parents[1]
NEAR_M = 1e-3
FORMS = (marker().tobytes(), marker().astype(np.float64).tobytes())
MOST_LEFT = 60  # copies in memory that was given back; a window of 30 frames, held twice, would be more


def marked(folder: Path) -> dict[str, int]:
    """Return how many poses with the marker stand in the files of a folder, and how many lines are hers at all."""
    told = [line for path in folder.glob("*.jsonl") for line in path.read_bytes().splitlines()]
    for path in folder.glob("*.mcap"):
        with path.open("rb") as file:
            told += [message.data for message in RecordingReader(file, str(path))]
    events = [json.loads(line) for line in told if line.endswith(b"}")]
    hers = [event for event in events if event["stream"] == STREAM]
    poses = [np.array(event["joints"][HEAD]) for event in hers if event["type"] == "pose"]
    raw = sum(path.read_bytes().count(form) for path in folder.iterdir() for form in FORMS)
    return {"marked": raw + sum(bool(np.abs(pose - marker()).max() < NEAR_M) for pose in poses), "hers": len(hers)}


def open_files(pid: int) -> list[str]:
    """Return what a process has open beside sockets, pipes and the system's own: files in memory too."""
    found = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    return [name for name in found if not re.match(r"(socket|pipe|anon_inode):|/dev/(null|urandom|pts)|/proc/", name)]


def copies(pid: int) -> int:
    """Return how often the marker stands in a process's memory, that which was given back included."""
    count = 0
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            first, last, may = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            if may[:2] != "rw" or "[v" in line:
                continue
            memory.seek(int(first, 16))
            data = memory.read(int(last, 16) - int(first, 16))
            count += sum(data.count(form) for form in FORMS)
    return count


@contextmanager
def marked_show(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the marked show in a process of its own."""
    words = [sys.executable, "-m", "privacy.marked_show", str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, cwd=TESTS, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def go_on(process: subprocess.Popen[str], word: str) -> None:
    """Wait until the show says a word."""
    assert process.stdout.readline().strip() == word


@pytest.mark.skipif(sys.platform != "linux", reason="looks through /proc")
def test_who_revokes_has_left_no_marker_in_files_on_disk_or_in_memory(tmp_path: Path) -> None:
    """Her movement is in a recording and a file of lines; then she revokes, and no file holds a line of hers."""
    pytest.importorskip("mcap", reason="mcap is not installed (pip install 'emotus[record]')")
    with marked_show(tmp_path) as process:
        go_on(process, "read")
        before = marked(tmp_path)
        process.stdin.write("\n")
        process.stdin.flush()
        go_on(process, "revoked")
        after = marked(tmp_path)
        elsewhere = [name for name in open_files(process.pid) if not name.startswith(str(tmp_path))]
        try:
            left = copies(process.pid)
        except PermissionError:
            left = 0
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait(timeout=30) == 0
    print(f"privacy 1: marked poses in files {before['marked']} -> {after['marked']}, events of hers {before['hers']}")
    print(f"privacy 1: {left} copies of 12 bytes in memory that was given back and not used again")
    assert before["marked"] > 20
    assert after == {"marked": 0, "hers": 0}
    assert marked(tmp_path) == {"marked": 0, "hers": 0}
    assert [name for name in elsewhere if "memfd" in name or "/dev/shm" in name or "(deleted)" in name] == []  # noqa: S108
    assert left < MOST_LEFT


def test_a_show_starts_closed(tmp_path: Path, monkeypatch, capfd) -> None:
    """`emotus run` on a suit that sends, without --consent: not one event of a person, and every pose is counted."""
    port, over, out = free_port(socket.SOCK_DGRAM), threading.Event(), tmp_path / "out.jsonl"
    player = threading.Thread(target=play, args=(port, over))
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # this process's own stay as they are
    player.start()
    words = ["run", "-s", f"vmc:udp://127.0.0.1:{port}", "-b", f"jsonl:{out}", "--seconds", "2"]
    try:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--context", "workplace"])
    finally:
        over.set()
        player.join()
    told = capfd.readouterr().err
    assert ended.value.code == 0, told
    assert "closed until she consents" in told
    counted = re.search(r"received (\d+), dropped_unconsented (\d+)", told)
    assert counted is not None, told
    assert int(counted[1]) == int(counted[2]) > 10
    lines = out.read_text().splitlines() if out.exists() else []
    assert {json.loads(line)["type"] for line in lines} <= {"status"}


def play(port: int, over: threading.Event) -> None:
    """Send somebody's movement as VMC, sixty times a second, until it is over."""
    positions, local = performance(200)
    with udp_receiver() as sender:
        for k in itertools.count():
            for datagram in as_vmc(k, positions[k % 200], local[k % 200], k / 60):
                sender.sendto(datagram, ("127.0.0.1", port))
            if over.wait(1 / 60):
                return
