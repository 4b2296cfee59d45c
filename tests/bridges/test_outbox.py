"""The outbox is bounded, keeps what must be kept, and settles every event once."""

from __future__ import annotations

import threading
import time

from hypothesis import given
from hypothesis import strategies as st
from support.sayings import emotion, pose, status

from emotus.bridges.base import BridgeStats
from emotus.bridges.outbox import Outbox, Waiting, fresh
from emotus.engine.clock import NS_PER_MS, ManualClock


def opened(capacity: int = 4) -> Outbox:
    """Return an open outbox."""
    outbox = Outbox(ManualClock(5), capacity=capacity)
    outbox.open()
    return outbox


def test_what_comes_before_opening_or_after_shutting_is_dropped_and_counted():
    """Nothing is taken in by a bridge that is not running, and it says so."""
    outbox = Outbox(ManualClock())
    outbox.put(emotion())
    outbox.open()
    outbox.put(emotion())
    outbox.shut()
    outbox.put(emotion())
    assert outbox.stats() == BridgeStats(received=3, dropped=2, waiting=1)


def test_a_full_outbox_drops_the_oldest_that_may_be_dropped():
    """A status stays while poses fall out before it, the oldest first."""
    outbox = opened(3)
    for event in (status(0), pose(1), pose(2), pose(3), pose(4)):
        outbox.put(event)
    assert [(item.event.type, item.event.seq) for item in outbox.take()] == [("status", 0), ("pose", 3), ("pose", 4)]
    assert outbox.stats().dropped == 2


def test_a_full_outbox_of_statuses_drops_the_oldest_status():
    """Even what is kept is bounded."""
    outbox = opened(2)
    for seq in range(3):
        outbox.put(status(seq))
    assert [item.event.seq for item in outbox.take()] == [1, 2]


def test_items_know_when_they_were_given():
    """The moment of the clock is kept with each event."""
    outbox = opened()
    outbox.put(pose())
    assert outbox.take()[0].since_ns == 5


def test_take_wakes_when_an_event_comes_and_when_the_outbox_is_shut():
    """Whoever waits is woken by news and by the end, not by the time-out."""
    for wake in (lambda box: box.put(pose()), lambda box: box.shut()):
        outbox = opened()
        threading.Timer(0.05, wake, (outbox,)).start()
        start = time.monotonic()
        outbox.take(5.0)
        assert time.monotonic() - start < 2.0


def test_what_is_settled_after_abandoning_is_not_counted_twice():
    """A thread that comes back late does not upset the sum."""
    outbox = opened()
    outbox.put(pose())
    outbox.take()
    outbox.abandon()
    outbox.settle(sent=1)
    assert outbox.stats() == BridgeStats(received=1, dropped=1)


@given(st.lists(st.sampled_from(["pose", "status", "take", "send one", "shut", "open"]), max_size=60))
def test_received_is_always_sent_and_dropped_and_waiting(steps):
    """Whatever happens in whatever order, the sum holds and the bound holds."""
    outbox = opened(5)
    taken = 0
    for step in steps:
        if step in ("pose", "status"):
            outbox.put(pose() if step == "pose" else status())
        elif step == "take":
            taken += len(outbox.take())
        elif step == "send one" and taken:
            outbox.settle(sent=1)
            taken -= 1
        elif step in ("shut", "open"):
            getattr(outbox, step)()
        stats = outbox.stats()
        assert stats.received == stats.sent + stats.dropped + stats.waiting
        assert 0 <= stats.waiting - taken <= 5


def test_only_what_is_overtaken_and_late_is_passed_over():
    """Within the latency budget everything goes out; later only the newest of each stream and type, and statuses."""
    events = [pose(0), emotion(0), status(0), pose(1), pose(0, stream="p2"), status(1), pose(2)]
    early = [Waiting(event, 0) for event in events]
    assert fresh(early, 40 * NS_PER_MS) == events
    assert fresh(early, 60 * NS_PER_MS) == [events[1], events[2], events[4], events[5], events[6]]
