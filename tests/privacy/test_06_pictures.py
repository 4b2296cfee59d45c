"""PRIVACY.md 6: no picture leaves the camera's process: what the system itself says that process writes.

By rule over the code: tests/sensors/test_webcam_privacy.py; with the real networks: tests/sensors/test_webcam_real.py.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PICTURES = 40
PICTURE_BYTES = 640 * 480 * 3
LARGEST = 2000  # bytes of one write; a sighting of one person is 818
CALLS = "open,openat,creat,write,writev,pwrite64,pwritev,sendfile,sendto,sendmsg,memfd_create,socket,connect,splice"
WROTE = re.compile(r"(?:write|writev|pwrite64|pwritev|sendto|sendmsg|sendfile|splice)\(.*= (\d+)$")
OPENED = re.compile(r"(?:open|openat)\(.*(?:O_WRONLY|O_RDWR|O_CREAT)")
NO_WAY_OUT = re.compile(r'"/dev/(?!shm)|\.pyc|/proc/')
OTHER_WAYS = re.compile(r"(?:memfd_create|socket|connect|creat)\(")
TRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-s", "8", "-e", f"trace={CALLS}", "-o")
WORK = """
import sys
from emotus.sensors.webcam_worker import play
from emotus.sensors.worker_channel import Channel
SEEN = {"place": "x", "capture": "support.fake_camera:Film", "estimator": "SEER", "pictures": PICTURES}
play(Channel(open("/dev/null", "wb")), SEEN)
"""


def calls_of(folder: Path, code: str) -> list[str]:
    """Run code under strace; return the system calls it made, without their process numbers."""
    trace = folder / "calls"
    ran = subprocess.run([*TRACE, str(trace), sys.executable, "-c", code], cwd=TESTS, capture_output=True, text=True)
    if ran.returncode and "ptrace" in ran.stderr:
        pytest.skip("strace may not trace here")
    assert ran.returncode == 0, ran.stderr
    return [line.split(maxsplit=1)[1] for line in trace.read_text().splitlines() if " " in line]


def work(seer: str) -> str:
    """Return the camera's work with a fake film, seen by an estimator."""
    return WORK.replace("PICTURES", str(PICTURES)).replace("SEER", seer)


def let_out(calls: list[str]) -> tuple[int, list[str]]:
    """Return the largest write, and the calls by which something could get out other than by the channel."""
    sizes = [int(found[1]) for found in map(WROTE.match, calls) if found]
    ways = [call for call in calls if OPENED.match(call) and not NO_WAY_OUT.search(call)]
    ways += [call for call in calls if OTHER_WAYS.match(call)]
    return max(sizes, default=0), ways


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("strace") is None, reason="strace is not here")
def test_the_process_that_sees_lets_only_joints_out(tmp_path: Path) -> None:
    """Of 40 pictures of 900 KB not one write is larger than a sighting; no file, socket or shared memory is opened."""
    largest, ways = let_out(calls_of(tmp_path, work("support.fake_camera:Seer")))
    print(f"privacy 6: {PICTURES} pictures of {PICTURE_BYTES} bytes, the largest write {largest} bytes, 0 of a picture")
    assert 500 < largest < LARGEST
    assert ways == []


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("strace") is None, reason="strace is not here")
@pytest.mark.parametrize(
    "leak",
    [
        "open('FOLDER/leak', 'wb').write(b'x' * PICTURE)",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "import os; os.memfd_create('leak')",
    ],
)
def test_a_picture_that_got_out_would_be_seen(tmp_path: Path, leak: str) -> None:
    """A file, a socket and shared memory are each noticed by the same watcher."""
    code = leak.replace("FOLDER", str(tmp_path)).replace("PICTURE", str(PICTURE_BYTES))
    largest, ways = let_out(calls_of(tmp_path, code))
    assert ways
    assert largest == PICTURE_BYTES or "open" not in leak
