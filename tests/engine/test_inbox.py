"""The inbox is bounded, drops the oldest, and lets poses leave together when there are enough or the time is over."""

from __future__ import annotations

import threading
import time

from support.performers import walker

from emotus.engine.inbox import Inbox

POSES = list(walker(100))


def test_a_full_inbox_drops_the_oldest_and_counts_it():
    """The newest is always there."""
    inbox = Inbox(4)
    for pose in POSES[:10]:
        inbox.put(pose)
    assert inbox.take_batch(0.0) == POSES[6:10]
    stats = inbox.stats()
    assert (stats.used, stats.capacity, stats.dropped) == (0, 4, 6)


def test_a_batch_is_what_waits_and_no_more_than_asked_for():
    """Oldest first; what does not fit waits for the next."""
    inbox = Inbox(10)
    for pose in POSES[:7]:
        inbox.put(pose)
    assert inbox.take_batch(0.0, most=5) == POSES[:5]
    assert inbox.take_batch(0.0, most=5) == POSES[5:7]
    assert inbox.take_batch(0.0) == []


def test_a_held_batch_leaves_as_soon_as_it_is_full():
    """Others join while it is held, and it does not wait any longer than it must."""
    inbox = Inbox(10)
    inbox.put(POSES[0])
    later = threading.Timer(0.05, lambda: [inbox.put(pose) for pose in POSES[1:4]])
    later.start()
    began = time.monotonic()
    assert inbox.take_batch(0.0, most=4, hold_s=60.0) == POSES[:4]
    assert time.monotonic() - began < 30.0
    later.join()


def test_a_held_batch_leaves_when_its_first_would_be_late():
    """However few they are."""
    inbox = Inbox(10)
    inbox.put(POSES[0])
    assert inbox.take_batch(0.0, most=4, hold_s=0.02) == POSES[:1]


def test_whoever_waits_is_woken():
    """By a pose, or by being told to."""
    inbox = Inbox(10)
    waker = threading.Timer(0.05, inbox.wake)
    waker.start()
    began = time.monotonic()
    assert inbox.take_batch(60.0) == []
    assert time.monotonic() - began < 30.0
    waker.join()
