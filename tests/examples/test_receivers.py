"""Each receiver of examples/ hears a real `emotus run`: what it prints is what was said, as JSON Lines tell it.

With EMOTUS_PICTURES=1 (`make pictures`) what they heard is drawn into their folders.
"""

from __future__ import annotations

import functools
import http.server
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.bvh_texts import body_text
from support.chromium import BINARY, Chromium, wait_for
from support.heard import LINE, Receiver, card, is_taken
from support.rosbridge_server import RosbridgeServer
from support.sayings import free_port

EXAMPLES = Path(__file__).parents[2] / "examples"
SECONDS = 5
PROGRAMS = {"godot": "godot3-server", "puredata": "pd", "liblo": "oscdump", "blender": "blender"}
COMMANDS = {
    "godot": "godot3 --path examples/godot",
    "puredata": "pd examples/puredata/emotus.pd",
    "liblo": "oscdump -L 9000",
    "roslibpy": "python examples/roslibpy/listen.py anna",
    "blender": "blender --python examples/blender/import_take.py -- take.bvh take.json",
}
DRAWS = os.environ.get("EMOTUS_PICTURES") == "1"


def needs(name: str) -> pytest.MarkDecorator:
    """Skip a test where the program of an example is missing."""
    program = PROGRAMS[name]
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"no {program} on this machine (apt-get install it)"
    )


class Show:
    """Hold what one run said (label and confidence of each answer), and what everybody heard of it."""

    def __init__(self, said: list[tuple[str, float]], heard: dict[str, str], title: str, picture: bytes) -> None:
        self.said, self.heard, self.title, self.picture = said, heard, title, picture

    def check(self, answers: list[tuple[str, float]], least: int = 10) -> None:
        """Hold every answer heard to what was said; in all at least so many."""
        assert len(answers) >= least
        for label, confidence in answers:
            assert any(label == told and abs(confidence - sure) < 0.006 for told, sure in self.said)


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Show:
    """Start every receiver there is, send all of them one short run, and keep what they heard."""
    folder = tmp_path_factory.mktemp("receivers")
    with ExitStack() as running:
        bridges, receivers, ready = listeners(folder, running)
        for is_ready in ready:
            wait_for(is_ready, seconds=60)
        ws, browser = free_port(socket.SOCK_STREAM), None
        if BINARY is not None:
            browser = running.enter_context(Chromium(640, 400))
            browser.open(f"http://127.0.0.1:{page_server(running)}/?ws=ws://127.0.0.1:{ws}")
        bridges += [f"ws:127.0.0.1:{ws}", f"jsonl:{folder}/said.jsonl"]
        run = run_emotus(bridges)
        if browser is not None:
            wait_for(
                lambda: run.poll() is not None or browser.evaluate("document.title").split()[:1] == ["60"], seconds=90
            )
        title = "" if browser is None else browser.evaluate("document.title")
        picture = b"" if browser is None else browser.picture()
        assert run.wait(90) == 0
        settle(receivers)
        heard = {receiver.name: receiver.said() for receiver in receivers}
    events = [json.loads(line) for line in (folder / "said.jsonl").read_text().splitlines()]
    return Show([(e["label"], e["confidence"]) for e in events if e["type"] == "emotion"], heard, title, picture)


def listeners(folder: Path, running: ExitStack) -> tuple[list[str], list[Receiver], list]:
    """Start what is installed; return the bridges they hear, the receivers, and what tells that each listens."""
    bridges: list[str] = []
    receivers: list[Receiver] = []
    ready: list = []

    def start(name: str, command: list[str], bridge: str, is_ready, **environment: str) -> None:
        receiver = Receiver(name, command, folder, **environment)
        running.callback(receiver.end)
        receivers.append(receiver)
        bridges.append(bridge)
        ready.append(is_ready)

    ports = {name: free_port(socket.SOCK_DGRAM) for name in ("godot", "puredata", "liblo")}
    if shutil.which("godot3-server"):
        shutil.copytree(EXAMPLES / "godot", folder / "project")
        command = ["godot3-server", "--path", str(folder / "project")]
        uri = f"osc:127.0.0.1:{ports['godot']}?template=godot"
        start("godot", command, uri, lambda: is_taken(ports["godot"]), EMOTUS_PORT=str(ports["godot"]))
    if shutil.which("pd"):
        flags = ["-nogui", "-noaudio", "-nomidi", "-stderr", "-send", f"emotus-port {ports['puredata']}"]
        uri = f"osc:127.0.0.1:{ports['puredata']}?template=puredata"
        command = ["pd", *flags, str(EXAMPLES / "puredata" / "emotus.pd")]
        start("puredata", command, uri, lambda: is_taken(ports["puredata"]))
    if shutil.which("oscdump"):
        command = ["oscdump", "-L", str(ports["liblo"])]
        start("liblo", command, f"osc:127.0.0.1:{ports['liblo']}", lambda: is_taken(ports["liblo"]))
    if importlib.util.find_spec("roslibpy"):
        server = running.enter_context(RosbridgeServer())
        command = [sys.executable, str(EXAMPLES / "roslibpy" / "listen.py"), "anna", "--port", str(server.port)]
        topic = "/emotus/anna/emotion"
        start("roslibpy", command, f"rosbridge:ws://127.0.0.1:{server.port}", lambda: server.subscribed.get(topic))
    return bridges, receivers, ready


def run_emotus(bridges: list[str]) -> subprocess.Popen[bytes]:
    """Begin the real command with all the bridges."""
    command = [sys.executable, "-m", "emotus", "run", "-s", f"synthetic:sad?stream=anna&seconds={SECONDS}"]
    words = [word for bridge in bridges for word in ("-b", bridge)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*command, *words], env={**os.environ, "OMP_NUM_THREADS": "1"}, **quiet)


def settle(receivers: list[Receiver]) -> None:
    """Wait until nobody has anything more to say; what they say last may take a moment to be written."""
    before: list[str] = []

    def is_quiet() -> bool:
        nonlocal before
        before, now = [each.said() for each in receivers], before
        return before == now

    wait_for(is_quiet, seconds=20, step_s=0.4)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serve files and say nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def page_server(running: ExitStack) -> int:
    """Serve examples/chromium as its README says; return the port."""
    handler = functools.partial(Quiet, directory=str(EXAMPLES / "chromium"))
    server = running.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    running.callback(server.shutdown)
    return server.server_address[1]


def appearances(text: str) -> list[tuple[str, float]]:
    """Return label and confidence of each line that tells of anna."""
    found = [LINE.search(line) for line in text.splitlines()]
    return [(m["label"], float(m["confidence"])) for m in found if m and m["performer"] == "anna"]


def draw(name: str, lines: list[str]) -> None:
    """Keep a picture of what was heard beside the example, where that is asked for."""
    if DRAWS:
        (EXAMPLES / name / "heard.svg").write_text(card(COMMANDS[name], lines))


@needs("godot")
def test_godot_heard_the_labels(show: Show) -> None:
    """The scene runs in Godot without an error of its own, and prints each label with its confidence."""
    text = show.heard["godot"]
    assert "SCRIPT ERROR" not in text
    show.check(appearances(text))
    draw("godot", [line for line in text.splitlines() if "appears" in line][20:28])


@needs("puredata")
def test_pure_data_heard_the_labels(show: Show) -> None:
    """Vanilla Pd parses our bundles; confidence and label come out of the patch."""
    text = show.heard["puredata"]
    pairs = re.findall(r"^confidence: ([\d.]+)\s+label: (\w+)$", text, re.MULTILINE)
    show.check([(label, float(confidence)) for confidence, label in pairs])
    assert "couldn't create" not in text
    draw("puredata", [line for line in text.splitlines() if line.startswith(("label", "confidence"))][40:48])


@needs("liblo")
def test_liblo_heard_the_labels(show: Show) -> None:
    """liblo reads every message of our bundles, joints with seven numbers among them."""
    text = show.heard["liblo"]
    pairs = re.findall(r'/emotus/anna/confidence f ([\d.]+)\n[^\n]*/emotus/anna/label s "(\w+)"', text)
    show.check([(label, float(confidence)) for confidence, label in pairs])
    assert re.search(r"/emotus/anna/joint/LeftHand fffffff -?[\d.]+", text)
    lines = [
        line.split(" ", 1)[1]
        for line in text.splitlines()
        if re.search(r"/(label|valence|LeftHand|happy|sad|frame) ", line)
    ]
    draw("liblo", lines[60:68])


@pytest.mark.skipif(importlib.util.find_spec("roslibpy") is None, reason="roslibpy is not installed")
def test_a_ros_program_heard_the_labels(show: Show) -> None:
    """A roslibpy listener hears each answer through a server that speaks rosbridge."""
    text = show.heard["roslibpy"]
    show.check(appearances(text), least=5)
    draw("roslibpy", text.splitlines()[10:18])


@pytest.mark.skipif(BINARY is None, reason="no chromium on this machine (apt-get install chromium)")
def test_a_plain_page_heard_the_labels(show: Show) -> None:
    """The page of one file connects, subscribes, and shows label and confidence of the newest answer."""
    heard, performer, label, confidence = show.title.split()
    assert int(heard) >= 10
    assert performer == "anna"
    show.check([(label, float(confidence))], least=1)
    assert show.picture.startswith(b"\x89PNG")
    if DRAWS:
        (EXAMPLES / "chromium" / "page.png").write_bytes(show.picture)


@needs("blender")
def test_blender_has_the_take_with_its_markers(tmp_path: Path) -> None:
    """Blender reads the take as we do, to a tenth of a millimetre, and marks where the label changes."""
    take, told = tmp_path / "take.bvh", tmp_path / "take.json"
    take.write_text(body_text(150))
    with told.open("wb") as out:
        subprocess.run([sys.executable, "-m", "emotus", "recognize", str(take), "--json"], stdout=out, check=True)
    look = (
        "import bpy; bpy.context.scene.frame_set(31); body = bpy.context.object;"
        "print('PLACE', *(body.matrix_world @ body.pose.bones['LeftHand'].head))"
    )
    script = str(EXAMPLES / "blender" / "import_take.py")
    command = ["blender", "--background", "--factory-startup", "--python", script, "--python-expr", look, "--"]
    done = subprocess.run([*command, str(take), str(told)], capture_output=True, text=True, timeout=90, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    assert "21 bones, 150 frames, 30.00 Hz" in done.stdout
    timeline = json.loads(told.read_text())["timeline"]
    assert re.findall(r"appears (\w+)", done.stdout)[0] == timeline[0]["label"]
    place = [float(each) for each in re.findall(r"PLACE (\S+) (\S+) (\S+)", done.stdout)[0]]
    x, y, z = hand_at(take, 30)
    assert place == pytest.approx([x, -z, y], abs=1e-4)
    draw("blender", [line for line in done.stdout.splitlines() if re.search(r"bones|appears", line)])


def hand_at(take: Path, seq: int) -> list[float]:
    """Return where our own reader has the left hand in one frame, in metres."""
    from emotus.engine.body import JOINT_INDEX
    from emotus.engine.clock import ManualClock
    from emotus.sensors.uri import open_sensor

    sensor = open_sensor(f"bvh:{take}?speed=0", ManualClock())
    sensor.open()
    poses = iter(sensor.read, "never")
    place = next(pose.positions[JOINT_INDEX["LeftHand"]] for pose in poses if pose is not None and pose.seq == seq)
    sensor.close()
    return place.tolist()
