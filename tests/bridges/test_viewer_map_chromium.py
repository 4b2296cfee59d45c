"""The signature map in a real browser: references, their names, and a dot that goes where the events say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from support.chromium import BINARY, Chromium, wait_for
from support.sayings import pose, signature
from support.window import enter

from emotus.bridges.viewer import ViewerBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.plane import Plane
from emotus.engine.signature_definition import Definition
from emotus.engine.signature_references import References

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BINARY is None, reason="no chromium on this machine (apt-get install chromium)"),
]

POINTS = np.array([[-2.0, 0.0], [2.0, 0.0]])
NAMES = ("anna", "ben")
REFERENCES = References(
    Definition(), NAMES, NAMES, np.zeros((2, 5, 96)), np.zeros((2, 2)), Plane(POINTS, 0.0), np.array([0, 1])
)
ACROSS = "n => [...document.querySelectorAll(`circle[data-name=${n}]`)].map(e => e.getAttribute('cx'))"
PLACES = f"JSON.stringify(['reference', 'dot'].map({ACROSS}))"


@pytest.fixture
def bridge() -> Iterator[ViewerBridge]:
    """Serve a page that knows two references."""
    served = ViewerBridge(port=0, clock=MonotonicClock(), references=REFERENCES)
    served.start()
    yield served
    served.close()


def test_a_browser_shows_the_dot_on_the_reference_that_she_moves_like(bridge: ViewerBridge) -> None:
    """The map names both references, and the dot goes from the one to the other as the events do."""

    def moves_like(which: int, seq: int) -> object:
        told = replace(signature(seq), nearest=NAMES[which], label="", cluster=which, xy=tuple(POINTS[which].tolist()))
        bridge.send(pose(seq))
        bridge.send(told)
        references, dot = json.loads(browser.evaluate(PLACES) or "[[], []]")
        return dot and dot[0] == references[which] and f"moves most like {NAMES[which]}" in words(browser)

    with Chromium(1280, 800) as browser:
        enter(browser, bridge.port)
        assert wait_for(lambda: moves_like(0, 0), seconds=120)
        assert wait_for(lambda: moves_like(1, 30), seconds=120)
        assert browser.problems == []
    assert bridge._errors == 0


def words(browser: Chromium) -> str:
    return " ".join(browser.text().split())
