"""The command line as its users meet it: what works, and one line and exit 2 for what cannot."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emotus.__main__ import main
from emotus.training.menu import LINES

DATA = Path(__file__).parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not beside this checkout")

HEADER = "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n}\nMOTION\n"


def emotus(*words, stdin=None, timeout=60):
    return subprocess.run(
        [sys.executable, "-m", "emotus", *map(str, words)], capture_output=True, text=True, timeout=timeout, input=stdin
    )


@pytest.fixture
def fails_in_one_line(capfd):
    """Return a check for exit 2, nothing on standard output and one line on standard error that holds a part.

    The command runs within this process, whose libraries are loaded: a process of its own costs two seconds each.
    """

    def check(part, *words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        told = capfd.readouterr()
        lines = [line for line in told.err.splitlines() if line.strip()]
        assert ended.value.code == 2, told.err
        assert told.out == ""
        assert len(lines) == 1, told.err
        assert part in lines[0]

    return check


def test_help_names_every_command():
    """--help lists the commands of the house and exits 0."""
    result = emotus("--help")
    assert result.returncode == 0
    for command in ("run", "recognize", "demo", "train", "evaluate", "bench", "doctor"):
        assert f"\n  {command}" in result.stdout


def test_help_lists_whole_lines_in_the_order_of_the_menu():
    """Every command has its line there, none is cut off, and who is new meets the demo first."""
    told = emotus("--help").stdout.partition("Commands:\n")[2]
    assert [line.split()[0] for line in told.splitlines() if line.strip()] == list(LINES)
    assert "..." not in told


BAD_FILES = {
    "empty.bvh": b"",
    "binary.bvh": bytes(range(256)) * 20,
    "no_motion.bvh": HEADER.replace("MOTION\n", "").encode(),
    "short_row.bvh": (HEADER + "Frames: 2\nFrame Time: 0.03\n1 2 3\n4 5\n4 5\n").encode(),
    "many_frames.bvh": (HEADER + "Frames: 100000000\nFrame Time: 0.03\n").encode(),
    "huge_number.bvh": (HEADER + "Frames: 1\nFrame Time: 0.03\n1e400 0 0\n").encode(),
    "nul.bvh": (HEADER + "Frames: 1\nFrame Time: 0.03\n1\0 2 3\n").encode(),
    "deep.bvh": b"HIERARCHY\n"
    b"ROOT a\n{\nOFFSET 0 0 0\nCHANNELS 0\n" + b"JOINT a\n{\nOFFSET 0 0 0\nCHANNELS 0\n" * 10_000,
    "word.bvh": (HEADER + "Frames: 1\nFrame Time: 0.03\n1 two 3\n").encode(),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_broken_file_is_one_line_that_names_it(tmp_path, fails_in_one_line, name):
    """Every broken BVH ends in one line on standard error that names the file, and exit 2."""
    path = tmp_path / name
    path.write_bytes(BAD_FILES[name])
    fails_in_one_line(name, "recognize", path, "--json")


def test_a_missing_file_and_a_directory_are_named(tmp_path, fails_in_one_line):
    """A file that is not there and a folder are one line each."""
    fails_in_one_line("gone.bvh", "recognize", tmp_path / "gone.bvh")
    fails_in_one_line(str(tmp_path), "recognize", tmp_path)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["run", "-s", "nosuch:1"], "nosuch"),
        (["run", "-s", "synthetic:sad", "-b", "nosuch:1"], "nosuch"),
        (["run", "-s", "synthetic:nosuch"], "nosuch"),
        (["run", "-s", "synthetic:sad?speed=x"], "speed"),
        (["run", "-s", "bvh:/no/such/file.bvh"], "/no/such/file.bvh"),
        (["run", "-s", "synthetic:sad", "-b", "osc:127.0.0.1:99999"], "99999"),
        (["run", "-s", "synthetic:sad", "-b", "osc:no-such-host.invalid:9000"], "no-such-host.invalid"),
        (["run", "-s", "synthetic:sad", "-b", "ws:0.0.0.0:8765"], "--expose"),
        (["run", "-s", "synthetic:sad", "--view", "0.0.0.0:8080"], "--expose"),
        (["run", "-s", "synthetic:sad", "--view", "here"], "HOST:PORT"),
        (["run", "-s", "synthetic:sad", "--model", "nosuch"], "nosuch"),
        (["run", "-s", "synthetic:sad", "--context", "prison"], "workplace"),
        (["run", "-s", "synthetic:sad", "-b", "jsonl:/no/such/folder/x.jsonl"], "/no/such/folder"),
        (["run"], "--sensor"),
        (["recognise"], "recognise"),
        (["run", "-s", "synthetic:sad", "--blind", "--signature", "synthetic:sad"], "--blind"),
    ],
)
def test_a_wrong_command_line_is_one_line(fails_in_one_line, words, part):
    """Unknown sensors, bridges, hosts, ports, models and contexts end in one line that names them, and exit 2."""
    fails_in_one_line(part, *words, *(["--seconds", "1"] if words[0] == "run" and len(words) > 1 else []))


def test_a_port_in_use_is_named(fails_in_one_line):
    """A WebSocket port that something else holds is one line with the port, within a few seconds."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        fails_in_one_line(str(port), "run", "-s", "synthetic:sad", "-b", f"ws:127.0.0.1:{port}", "--seconds", "1")


def test_a_run_writes_json_lines_and_nothing_else_on_standard_output():
    """jsonl:- gives one finite JSON object a line, emotions with their disclosure among them."""
    result = emotus("run", "-s", "synthetic:sad?speed=0", "-b", "jsonl:-", "--seconds", "3")
    assert result.returncode == 0, result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    emotions = [event for event in events if event["type"] == "emotion"]
    assert {event["v"] for event in events} == {1}
    assert emotions[0]["disclosure"]["kind"] == "apparent expression"
    assert all(abs(sum(event["probs"].values()) - 1) < 1e-3 for event in emotions)


def test_workplaces_get_movement_and_no_emotion():
    """In a workplace the stream holds qualities and poses, and not one emotion."""
    result = emotus("run", "-s", "synthetic:sad?speed=0", "-b", "jsonl:-", "--context", "workplace", "--seconds", "2")
    kinds = {json.loads(line)["type"] for line in result.stdout.splitlines()}
    assert "qualities" in kinds
    assert "emotion" not in kinds


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_run_within_two_seconds(tmp_path, number):
    """Ctrl-C and SIGTERM close everything within two seconds, exit 0, and leave whole lines behind."""
    out = tmp_path / "events.jsonl"
    words = [sys.executable, "-m", "emotus", "run", "-s", "synthetic:sad", "-b", f"jsonl:{out}"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}) as process:
        deadline = time.monotonic() + 30
        while not (out.exists() and out.stat().st_size > 10_000) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        started = time.monotonic()
        code = process.wait(timeout=10)
        assert time.monotonic() - started < 2.0
        process.stderr.close()
    assert code == 0
    assert all(json.loads(line)["v"] == 1 for line in out.read_text().splitlines())


def test_a_closed_pipe_ends_quietly():
    """`emotus recognize ... | head -1` ends without a complaint."""
    command = f"{sys.executable} -m emotus run -s 'synthetic:sad?speed=0' -b jsonl:- --seconds 600 | head -1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in result.stderr
    assert json.loads(result.stdout)["v"] == 1


@needs_data
def test_real_recordings_are_recognised_with_time_lines():
    """Five recordings of five dialects give five labelled results with time lines."""
    files = sorted((DATA / "bvh").glob("*.bvh"))
    result = emotus("recognize", *files, "--json", timeout=120)
    assert result.returncode == 0, result.stderr
    takes = [json.loads(line) for line in result.stdout.splitlines()]
    assert [take["file"] for take in takes] == [str(file) for file in files]
    for take in takes:
        assert take["label"] in (*take["probs"], "unknown")
        assert take["timeline"]
        assert take["timeline"][0]["start_s"] == 0.0


def test_a_broken_recording_on_standard_input_is_wrong_input():
    """Half a recording on standard input ends with exit 2 and one line that says what it lacks."""
    result = emotus("run", "-s", "bvh:-", "-b", "jsonl:-", stdin="HIERARCHY\n")
    assert result.returncode == 2
    assert result.stderr.splitlines() == ["emotus: bvh:-: has no MOTION (a BVH text has a HIERARCHY and a MOTION part)"]


@needs_data
def test_a_recording_comes_in_through_standard_input():
    """`bvh:-` reads a recording from a pipe and answers it."""
    text = (DATA / "bvh" / "test_mocapbank.bvh").read_text()
    result = emotus("run", "-s", "bvh:-?speed=0", "-b", "jsonl:-", stdin=text, timeout=90)
    assert result.returncode == 0, result.stderr
    emotions = [event for event in map(json.loads, result.stdout.splitlines()) if event["type"] == "emotion"]
    assert len(emotions) > 400
