"""A process of its own in which somebody who carries a marker is read, recorded and streamed, and then revokes.

Run by the tests: `python -m privacy.marked_show FOLDER` in tests/. It says a word and waits for a line on standard
input, so that its memory can be looked through from outside: `read` while she is read, `revoked` after she has revoked
and moves on without the marker.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
import threading
import time
from pathlib import Path

import numpy as np
from support.performers import walker

from emotus.bridges.jsonl import JsonlBridge
from emotus.bridges.recorder import RecorderBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.consent import Consent
from emotus.engine.control import ConsentGrant, ConsentRevoke, ControlInbox
from emotus.engine.events import Disclosure
from emotus.engine.pipeline import Engine
from emotus.engine.recognise import Evidence, Reading
from emotus.engine.runner import Runner

CLOCK = MonotonicClock()
HEAD = 4
RATE_HZ = 100.0
STREAM = "anna"


def marker() -> np.ndarray:
    """Return the marker (3,), made anew each time so that nothing but her poses holds it."""
    return (np.array([0.0, 1.52, 0.0]) + np.random.default_rng(20).uniform(0.01, 0.03, 3)).astype(np.float32)


class Window:
    """Read nothing, and hold the last 30 frames for it: more of her than the shipped recogniser ever holds."""

    labels = ("moving", "still")
    disclosure = Disclosure("window", "0" * 64)

    def start(self) -> Evidence:
        """Return no evidence."""
        return Evidence((), 0)

    def step(self, frame: np.ndarray, evidence: Evidence) -> tuple[Reading, Evidence]:
        """Take one frame more."""
        reading = Reading("moving", {"moving": 1.0, "still": 0.0}, 0.0, 0.0, 1.0, abstain=False)
        return reading, Evidence((*evidence.state, frame.copy())[-30:], evidence.frames + 1)  # type: ignore[arg-type]


class Person:
    """Move live for as long as she is watched; where her head is, is the marker, until it is taken off."""

    live = True

    def __init__(self) -> None:
        self.is_marked = True
        self.given = 0
        self._poses = walker(100_000, rate_hz=RATE_HZ, stream=STREAM)
        self._closed = False

    def open(self) -> None:
        self._start_ns = CLOCK.now_ns()

    def read(self):
        pose = next(self._poses)
        positions = pose.positions.copy()
        positions[:, 2] -= positions[0, 2]  # on the spot
        if self.is_marked:
            positions[HEAD] = marker()
        due_ns = self._start_ns + pose.t_ns
        CLOCK.sleep_until_ns(due_ns)
        self.given += 1
        return dataclasses.replace(pose, t_ns=due_ns, positions=positions)

    def close(self) -> None:
        self._closed = True

    def health(self):
        return dataclasses.make_dataclass("Health", ["state", "message"])("ended" if self._closed else "live", "")


def main(folder: Path) -> None:
    """Run the show to the words on standard input."""
    person = Person()
    control, consent = ControlInbox(), Consent(CLOCK)
    engine = Engine(Window(), CLOCK, may_read=lambda stream: consent.allows(stream, "recognise"))
    sinks = [RecorderBridge(folder / "show.mcap", clock=CLOCK), JsonlBridge(str(folder / "out.jsonl"), clock=CLOCK)]
    runner = Runner([person], engine, sinks, CLOCK, control=control, consent=consent, persons=[person])
    thread = threading.Thread(target=runner.run)
    thread.start()
    control.put(ConsentGrant("s-17"))
    wait(lambda: runner.summary.events.get("emotion", 0) > 60)
    say("read")
    control.put(ConsentRevoke(STREAM))
    wait(lambda: engine.performers() == {} and len(sinks[0].files) >= 2)
    person.is_marked = False
    given = person.given
    wait(lambda: person.given > given + 200)
    say("revoked")
    runner.stop()
    thread.join()


def say(word: str) -> None:
    """Say how far it is, and wait to be told to go on."""
    print(word, flush=True)
    sys.stdin.readline()


def wait(condition) -> None:
    """Wait until something is so; end the process where it does not come to be."""
    for _ in itertools.repeat(None, 6000):
        if condition():
            return
        time.sleep(0.01)
    sys.exit("it did not come to be")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
