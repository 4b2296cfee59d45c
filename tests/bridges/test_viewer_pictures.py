"""The window with four performers in a real browser: on a desk, on a phone and on a stage, each legible in its way.

With EMOTUS_PICTURES=1 (`make pictures`) it shows what the engine says of four takes, and docs/ keeps the pictures.
"""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.chromium import BINARY, Chromium, wait_for
from support.window import enter, panel

from emotus.bridges.viewer import ViewerBridge
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.control import ControlInbox
from emotus.engine.events import Disclosure, EmotionEvent, Event, MotionEvent, PoseEvent, QualitiesEvent
from emotus.sensors.synthetic import SyntheticSensor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(BINARY is None, reason="no chromium on this machine (apt-get install chromium)"),
]

DOCS = Path(__file__).parents[2] / "docs"
KEEPS = os.environ.get("EMOTUS_PICTURES") == "1"
TAKES = Path.home() / ".cache" / "emotus" / "bandai-1"
CAST = {"anna": "happy", "ben": "sad", "cleo": "angry"}
PARTNER = "cleo.partner"
LABELS = ("angry", "happy", "sad", "proud", "unsure", "neutral")
LARGEST = 250_000  # bytes of a picture that is kept
NOTE_OFF = "[...document.querySelectorAll('.mantine-Notification-closeButton')].forEach(each => each.click())"


def perform(bridge: ViewerBridge, stream: str, emotion: str, halt: threading.Event) -> None:
    """Send what an engine would send of a synthetic performer, or of generated motion where the stream says so."""
    sensor = SyntheticSensor(emotion, rate_hz=15, stream=stream, clock=MonotonicClock())
    sensor.open()
    while not halt.is_set():
        pose = sensor.read()
        if pose is None:
            continue
        head = (stream, pose.seq, pose.t_ns)
        if stream == PARTNER:
            turns = np.tile(np.float32([1, 0, 0, 0]), (21, 1))
            asked = (emotion, 0.9, -0.5, 0.6, 7, "made", "c3" * 32)
            bridge.send(MotionEvent(*head, pose.positions, turns, pose.positions[0], *asked))
            continue
        told = Disclosure("witness", "ab" * 32)
        bridge.send(PoseEvent(*head, pose.positions, pose.confidence))
        bridge.send(QualitiesEvent(*head, {"energy": 0.4, "smoothness": 0.6}))
        probs = {emotion: 0.82, "neutral": 0.18}
        v, a = {"happy": (0.7, 0.5), "sad": (-0.6, -0.5), "angry": (-0.5, 0.7)}[emotion]
        bridge.send(EmotionEvent(*head, emotion, probs, v, a, 0.82, abstain=False, latency_ms=1.0, disclosure=told))
    sensor.close()


@contextmanager
def played() -> Iterator[int]:
    """Serve three performers and a generated partner; yield the port."""
    halt = threading.Event()
    bridge = ViewerBridge(port=0, clock=MonotonicClock(), control=ControlInbox(), labels=("happy", "sad"))
    bridge.start()
    cast = {**CAST, PARTNER: "angry"}
    threads = [threading.Thread(target=perform, args=(bridge, *each, halt)) for each in cast.items()]
    for thread in threads:
        thread.start()
    try:
        yield bridge.port
    finally:
        halt.set()
        for thread in threads:
            thread.join()
        bridge.close()
    assert bridge.stats().errors == 0


@contextmanager
def real() -> Iterator[int]:
    """Show what the engine says of four takes of acted emotions, as it said it, once a thirtieth of a second."""
    said = {stream: answers(stream, emotion) for stream, emotion in {**CAST, "dora": "proud"}.items()}
    bridge, halt = (
        ViewerBridge(port=0, clock=MonotonicClock(), control=ControlInbox(), labels=LABELS),
        threading.Event(),
    )
    bridge.start()

    def play() -> None:
        seq, began = 0, time.monotonic()
        while not halt.wait(max(began + seq / 30 - time.monotonic(), 0.0)):
            for frames in said.values():
                for event in frames[seq % len(frames)]:
                    bridge.send(replace(event, seq=seq, t_ns=seq * 33_333_333))
            seq += 1

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield bridge.port
    finally:
        halt.set()
        thread.join()
        bridge.close()


def answers(stream: str, emotion: str) -> list[list[Event]]:
    """Return the engine's events of a take, frame by frame, with the joints that carried each answer."""
    import torch

    from emotus.engine.network import load
    from emotus.engine.pipeline import Engine
    from emotus.sensors.uri import open_sensor

    torch.set_num_threads(1)
    clock = ManualClock()
    engine = Engine(load("bandai-stgcn"), clock, live=False, explain=True)
    take = min(TAKES.rglob(f"dataset-1_walk_{emotion}_*.bvh"))
    sensor = open_sensor(f"bvh:{take}?speed=0&stream={stream}", clock)
    sensor.open()
    frames: list[list[Event]] = []
    while sensor.health().state != "ended":
        pose = sensor.read()
        for event in () if pose is None else engine.step(pose):
            if event.type == "pose":
                frames.append([])
            if frames and event.type in ("pose", "qualities", "emotion"):
                frames[-1].append(event)
    sensor.close()
    return frames


def shape(browser: Chromium, width: int, height: int) -> None:
    """Give the page another size, as a window of another machine has."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.call("Emulation.setDeviceMetricsOverride", **metrics)


def look(browser: Chromium, name: str) -> np.ndarray:
    """Return what the page shows, (H, W, 3), and keep the picture where that is asked for."""
    browser.evaluate(NOTE_OFF)
    image = Image.open(io.BytesIO(browser.picture())).convert("RGB")
    small = io.BytesIO()
    image.save(small, "PNG", optimize=True)
    if KEEPS:
        assert small.tell() < LARGEST
        (DOCS / name).write_bytes(small.getvalue())
    return np.asarray(image).astype(int)


def colourful(image: np.ndarray) -> np.ndarray:
    """Return where (H, W) bodies and words stand out from the dark stage."""
    return (image.max(axis=2) - image.min(axis=2) > 45) & (image.max(axis=2) > 90)


def box(browser: Chromium, element: str) -> dict[str, float]:
    """Return where an element lies in the page; nowhere while it is not there."""
    script = f"""(() => {{ const found = document.querySelector('{element}');
        const r = found ? found.getBoundingClientRect() : new DOMRect(-1, -1, 0, 0);
        return {{left: r.left, top: r.top, width: r.width, height: r.height}}; }})()"""
    return browser.evaluate(script)


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    """Open the window for the first time, on a desk."""
    with real() if KEEPS else played() as port, Chromium(1280, 800) as opened:
        opened.port = port  # type: ignore[attr-defined]
        yield opened


def test_at_first_exposure_the_notice_covers_everything(browser: Chromium) -> None:
    """The card fills the page and says what is inferred and by which model, until somebody says that it was read."""
    browser.open(f"http://127.0.0.1:{browser.port}/")
    wait_for(lambda: "Inferred by" in browser.text(), seconds=90)
    assert box(browser, "#emotus-card") == {"left": 0, "top": 0, "width": 1280, "height": 800}
    assert "apparent expression" in browser.text()
    shape(browser, 390, 844)
    look(browser, "window-notice.png")
    button = box(browser, "#emotus-card button")
    assert 0 < button["top"] < 844 - button["height"]
    enter(browser, browser.port)
    assert browser.evaluate("document.getElementById('emotus-card').hidden")
    browser.open(f"http://127.0.0.1:{browser.port}/")
    wait_for(lambda: browser.evaluate("document.getElementById('emotus-card')?.hidden"))  # once read, not asked again


def test_on_a_desk_bodies_stand_beside_the_panel(browser: Chromium) -> None:
    """Four bodies to the left; everybody's label, the plane and a lamp beside them or below."""
    shape(browser, 1280, 800)
    wait_for(lambda: all(name in panel(browser) for name in CAST))
    wait_for(lambda: "arousal" in panel(browser))
    wait_for(lambda: colourful(look(browser, "viewer.png"))[100:700, :900].sum() > 6000, seconds=90, step_s=1.0)
    if KEEPS:
        threading.Event().wait(12)  # for the ribbon and the trails
        look(browser, "viewer.png")
    lamp = browser.evaluate("document.getElementById('emotus-lamp').innerText")
    assert "apparent expression, inferred from movement" in lamp
    if not KEEPS:
        assert "synthetic angry" in panel(browser)


def test_on_a_phone_the_panel_leaves_the_bodies_the_upper_half(browser: Chromium) -> None:
    """At 390 x 844 the panel is a sheet below, as wide as the page; the bodies are in the picture above it."""
    shape(browser, 390, 844)
    wait_for(lambda: box(browser, ".emotus-panel")["top"] > 844 * 0.5)
    assert box(browser, ".emotus-panel")["width"] == 390
    wait_for(lambda: colourful(look(browser, "window-phone.png"))[60:420].sum() > 800, seconds=90, step_s=1.0)
    seen = np.flatnonzero(colourful(look(browser, "window-phone.png"))[60:420].any(axis=0))
    assert 5 < seen.min() < 150
    assert 240 < seen.max() < 385  # all four are within the picture
    assert box(browser, "button.mantine-Button-root")["top"] < 844  # the red one, without scrolling


def test_on_a_stage_the_labels_can_be_read_from_the_back(browser: Chromium) -> None:
    """With ?stage=1 there is no panel; four labels stand large over the whole width, and the notice goes by itself."""
    shape(browser, 1280, 720)
    browser.open(f"http://127.0.0.1:{browser.port}/?stage=1")
    wait_for(lambda: browser.evaluate("document.querySelectorAll('#emotus-stage .label').length") == 4, seconds=60)
    size = browser.evaluate("parseFloat(getComputedStyle(document.querySelector('#emotus-stage .label')).fontSize)")
    assert size >= 0.05 * 720
    hidden = "getComputedStyle(document.querySelector('.emotus-panel')).visibility"
    assert browser.evaluate(hidden) == "hidden"
    wait_for(lambda: browser.evaluate("document.getElementById('emotus-card').hidden"))
    wait_for(lambda: browser.evaluate("document.querySelector('canvas').clientWidth") == 1280)
    wait_for(lambda: colourful(look(browser, "window-stage.png"))[150:480].sum() > 6000, seconds=90, step_s=1.0)
    assert browser.problems == []
