"""The viewer in a real browser: a body that moves, the words beside it, and nothing fetched from anywhere else."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from support.chromium import BINARY, Chromium, wait_for
from support.window import enter, panel

from emotus.bridges.viewer import ViewerBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.events import Disclosure, EmotionEvent, PoseEvent, QualitiesEvent, StatusEvent
from emotus.sensors.synthetic import SyntheticSensor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BINARY is None, reason="no chromium on this machine (apt-get install chromium)"),
]

PANEL_PX = 360
DISCLOSURE = Disclosure("test", "0" * 64)


def perform(bridge: ViewerBridge, emotion: str, halt: threading.Event) -> None:
    """Send what an engine would send of a synthetic performer."""
    sensor = SyntheticSensor(emotion, rate_hz=30, stream=emotion, clock=MonotonicClock())
    sensor.open()
    while not halt.is_set():
        pose = sensor.read()
        if pose is None:
            continue
        stream, seq, t_ns = pose.stream, pose.seq, pose.t_ns
        bridge.send(PoseEvent(stream, seq, t_ns, pose.positions, pose.confidence))
        bridge.send(QualitiesEvent(stream, seq, t_ns, {"energy": 0.4}))
        probs = {emotion: 0.82, "neutral": 0.18}
        bridge.send(
            EmotionEvent(
                stream, seq, t_ns, emotion, probs, 0.1, 0.2, 0.82, abstain=False, latency_ms=1.0, disclosure=DISCLOSURE
            )
        )
        if seq % 30 == 0:
            bridge.send(StatusEvent(stream, seq, t_ns, "info", "intake", "", {"received": seq + 1}))
    sensor.close()


@pytest.fixture
def served() -> Iterator[ViewerBridge]:
    """Serve two performers."""
    bridge, halt = ViewerBridge(port=0, clock=MonotonicClock()), threading.Event()
    bridge.start()
    threads = [threading.Thread(target=perform, args=(bridge, each, halt)) for each in ("happy", "sad")]
    for thread in threads:
        thread.start()
    yield bridge
    halt.set()
    for thread in threads:
        thread.join()
    bridge.close()


def picture(browser: Chromium) -> np.ndarray:
    """Return what the page shows, as (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(browser.picture())).convert("RGB")).astype(int)


def stage(browser: Chromium) -> np.ndarray:
    """Return the picture without the panel, and without the top, where viser may warn of a slow machine."""
    return picture(browser)[200:, :-PANEL_PX]


def bodies(image: np.ndarray, pixels: int = 500) -> bool:
    """Tell whether there is as much of the sad one's blue and of the happy one's yellow."""
    red, green, blue = np.moveaxis(image, 2, 0)
    sad = (blue - red > 40) & (blue > 90)
    happy = (red - blue > 40) & (green > 60)
    return bool(sad.sum() > pixels and happy.sum() > pixels)


def test_a_browser_shows_bodies_that_move_and_says_what_they_appear_to_express(served: ViewerBridge) -> None:
    """Chromium draws both bodies, each in its colour, each moving; the label, the bars and the intake are in words."""
    with Chromium(1280, 800) as browser:
        enter(browser, served.port)
        wait_for(lambda: panel(browser).count("apparent expression") == 2)
        text = panel(browser)
        assert "apparent expression: happy 0.82" in text
        assert "apparent expression: sad 0.82" in text
        assert "energy" in text
        assert "received" in text
        wait_for(lambda: bodies(stage(browser)))  # the colours are reached gradually
        before = stage(browser)
        time.sleep(0.6)
        after = stage(browser)
        assert (np.abs(after - before).max(axis=2) > 25).sum() > 500
        here = f"127.0.0.1:{served.port}"
        assert [each for each in browser.requests if not each.startswith(("data:", "blob:")) and here not in each] == []
        assert browser.problems == []
        assert wait_for(lambda: served.stats().clients) == 1
    assert served._errors == 0
