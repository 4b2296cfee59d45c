"""FAULTS.md 3, row 25: the same input gives the same events, twice, after a reset, and however it is fed."""

from __future__ import annotations

import pytest
from faults.checker import of, same_output
from faults.figures import figure
from faults.link import LossyLink, as_sent, deliver, doubled, random_pattern, shuffled
from faults.stand_in import WindowReader, performance, shipped

from emotus.engine.clock import NS_PER_MS, ManualClock
from emotus.engine.events import EmotionEvent
from emotus.engine.pipeline import Engine

READERS = {"stand-in": WindowReader, "shipped": shipped}


def troubled(packets):
    """Return packets lost, doubled and shuffled, the same ones every time."""
    return doubled(shuffled(LossyLink(random_pattern(0.05)).carry(packets), 3), 0.2, later_ns=7 * NS_PER_MS)


class Rewindable:
    """Show the time of another clock, which can be changed for one that starts again."""

    def __init__(self):
        self.clock = ManualClock()

    def now_ns(self):
        """Return the time of the clock in use."""
        return self.clock.now_ns()


@pytest.mark.parametrize("reader", READERS)
def test_a_replay_is_identical(reader):
    """Two engines and one that was reset give the same bits for the same packets, good ones and bad ones."""
    packets = troubled(as_sent(performance(10.0)))
    recogniser = READERS[reader]()
    time = Rewindable()
    engine = Engine(recogniser, time)
    first = deliver(engine, time.clock, packets)
    engine.reset()
    time.clock = ManualClock()
    again = deliver(engine, time.clock, packets)
    other_clock = ManualClock()
    other = deliver(Engine(recogniser, other_clock), other_clock, packets)
    print(f"row 25: {len(first)} events of the {reader} recogniser three times the same")
    assert len(of(EmotionEvent, first)) > 250
    assert same_output(first, again)
    assert same_output(first, other)
    figure(25, f"{reader}: events three times the same, to the last bit", len(first), None)


@pytest.mark.parametrize("reader", READERS)
def test_live_and_as_fast_as_possible_are_identical(reader):
    """A recording fed at its own pace with ticks, or all at once without, gives the same answers."""
    poses, recogniser = performance(10.0), READERS[reader]()
    clock = ManualClock()
    live = deliver(Engine(recogniser, clock), clock, as_sent(poses))
    quick = Engine(recogniser, ManualClock(), live=False)
    fast = [event for pose in poses for event in quick.step(pose)]
    assert same_output(live, [*fast, *quick.flush()])
    figure(25, f"{reader}: events that differ live and as fast as possible", 0, 0, better="==")
