"""The courier delivers in order, in its own thread, and ends within a second whatever happens."""

from __future__ import annotations

import threading
import time

from support.sayings import pose, wait_for

from emotus.bridges.courier import Courier
from emotus.bridges.outbox import Outbox
from emotus.engine.clock import MonotonicClock


def test_events_are_delivered_in_order_by_another_thread():
    """What is put comes out, once, in order, and not in the thread that put it."""
    outbox, heard, threads = Outbox(MonotonicClock()), [], set()

    def deliver(events):
        heard.extend(event.seq for event in events)
        threads.add(threading.current_thread().name)
        return len(events), 0

    courier = Courier(outbox, deliver, name="test courier")
    courier.start()
    for seq in range(500):
        outbox.put(pose(seq))
    assert courier.stop()
    assert heard == list(range(500))
    assert threads == {"test courier"}
    assert outbox.stats().sent == 500


def test_the_events_of_one_frame_are_delivered_together():
    """A courier that lingers hands over what came within that time in one piece."""
    outbox, sizes = Outbox(MonotonicClock()), []
    courier = Courier(outbox, lambda events: (sizes.append(len(events)) or len(events), 0), name="c", linger_s=0.1)
    courier.start()
    for seq in range(3):
        outbox.put(pose(seq))
    assert wait_for(lambda: sizes == [3])
    courier.stop()


def test_what_is_not_delivered_is_dropped_and_errors_are_counted():
    """Deliver says how many it passed on; the rest is dropped."""
    outbox = Outbox(MonotonicClock())
    courier = Courier(outbox, lambda _: (0, 2), name="c")
    courier.start()
    outbox.put(pose())
    courier.stop()
    stats = outbox.stats()
    assert (stats.sent, stats.dropped, stats.errors, stats.waiting) == (0, 1, 2, 0)


def test_a_delivery_that_hangs_does_not_hold_the_end_up():
    """Stop does not wait for it, says that the thread still runs, and everything counts as dropped."""
    outbox, never = Outbox(MonotonicClock()), threading.Event()

    def hang(events):
        never.wait(60)
        return len(events), 0

    courier = Courier(outbox, hang, name="hung courier")
    courier.start()
    outbox.put(pose())
    outbox.put(pose())
    wait_for(lambda: outbox.stats().waiting == 2)
    start = time.monotonic()
    assert not courier.stop()
    assert time.monotonic() - start < 20.0  # a second, and what a busy machine makes of it; the hang lasts a minute
    assert outbox.stats().waiting == 0
    never.set()
    assert wait_for(lambda: "hung courier" not in {thread.name for thread in threading.enumerate()})
    stats = outbox.stats()
    assert stats.received == stats.sent + stats.dropped == 2


def test_the_beat_goes_on_while_nothing_comes():
    """An idle courier looks up several times a second."""
    beats = []
    courier = Courier(Outbox(MonotonicClock()), lambda _: (0, 0), name="c", on_beat=lambda: beats.append(1))
    courier.start()
    assert wait_for(lambda: len(beats) >= 3)
    courier.stop()
