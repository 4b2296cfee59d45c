"""The runner: threads, time and what happens when something breaks."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import pytest
from support.performers import CountingRecogniser, walker

from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import UriError
from emotus.engine.events import EmotionEvent, StatusEvent
from emotus.engine.inbox import Inbox
from emotus.engine.pipeline import Engine
from emotus.engine.runner import Runner


@dataclass
class State:
    state: str
    message: str = ""


class ListSource:
    """Give the poses of a list, live ones when their time has come."""

    def __init__(self, poses, *, live, clock, fail_after=None):
        self.live = live
        self._poses = list(poses)
        self._clock = clock
        self._i = 0
        self._fail_after = fail_after
        self.closed = False

    def open(self):
        self._start_ns = self._clock.now_ns()

    def read(self):
        if self._fail_after is not None and self._i >= self._fail_after:
            raise RuntimeError("cable pulled")
        pose = self._poses[self._i]
        self._i += 1
        if not self.live:
            return pose
        due_ns = self._start_ns + pose.t_ns
        self._clock.sleep_until_ns(due_ns)
        return type(pose)(pose.stream, pose.seq, due_ns, pose.positions, pose.confidence)

    def close(self):
        self.closed = True

    def health(self):
        return State("ended" if self._i >= len(self._poses) else "live")


class ListSink:
    """Keep what it is sent."""

    def __init__(self, *, error=None):
        self.events = []
        self.closed = False
        self._error = error
        self.waiting = 0
        self.gone = False

    def start(self):
        if self._error:
            raise self._error

    def send(self, event):
        self.events.append(event)

    def close(self):
        self.closed = True

    def stats(self):
        return self


def runner(source, sink, recogniser=None, *, live):
    clock = MonotonicClock()
    return Runner([source], Engine(recogniser or CountingRecogniser(), clock, live=live), [sink], clock)


def test_a_recording_runs_through_and_loses_nothing():
    """A source that is not live is read to its end and every frame is answered."""
    sink, source = ListSink(), ListSource(walker(300), live=False, clock=MonotonicClock())
    summary = runner(source, sink, live=False).run()
    assert summary.events["emotion"] == 300
    assert summary.counters["anna"]["received"] == 300
    assert sink.closed
    assert source.closed


def test_a_live_source_is_answered_in_time():
    """A live source's frames are answered while they are young, and the run ends with the source."""
    sink, source = ListSink(), ListSource(walker(20), live=True, clock=MonotonicClock())
    summary = runner(source, sink, live=True).run()
    assert summary.events["emotion"] >= 15
    assert max(summary.latencies_ms) < 70.0


def test_a_sensor_that_breaks_is_reported_and_the_rest_goes_on():
    """An unexpected exception in a sensor ends that sensor only, and a status names it."""
    clock = MonotonicClock()
    broken = ListSource(walker(20, stream="b"), live=True, clock=clock, fail_after=3)
    sound = ListSource(walker(20, stream="a"), live=True, clock=clock)
    sink = ListSink()
    summary = Runner([broken, sound], Engine(CountingRecogniser(), clock), [sink], clock).run()
    lost = [event for event in sink.events if isinstance(event, StatusEvent) and event.code == "lost"]
    assert [event.message for event in lost] == ["ListSource failed: RuntimeError: cable pulled"]
    assert summary.failures == ["ListSource failed: RuntimeError: cable pulled"]
    assert summary.counters["a"]["received"] == 20


def test_what_cannot_start_closes_what_had():
    """When a bridge cannot start, its error comes out and everything started before is closed."""
    first, second = ListSink(), ListSink(error=UriError("ws:127.0.0.1:1", "port in use"))
    source = ListSource(walker(3), live=False, clock=MonotonicClock())
    clock = MonotonicClock()
    with pytest.raises(UriError, match="port in use"):
        Runner([source], Engine(None, clock), [first, second], clock).run()
    assert first.closed


def test_stop_ends_a_run_at_once():
    """stop() from another thread ends a live run within a fraction of a second."""
    source = ListSource(walker(3000), live=True, clock=MonotonicClock())
    sink = ListSink()
    run = runner(source, sink, live=True)
    threading.Timer(0.2, run.stop).start()
    started = time.monotonic()
    run.run()
    assert time.monotonic() - started < 1.5
    assert source.closed


def test_the_time_limit_of_a_recording_is_its_own():
    """Two seconds of a recording are sixty of its frames, however fast they are read."""
    sink, source = ListSink(), ListSource(walker(300), live=False, clock=MonotonicClock())
    assert runner(source, sink, live=False).run(2.0).counters["anna"]["received"] == 60


def test_a_run_that_nobody_hears_ends():
    """When the receiver of every bridge has gone for good, the run ends by itself."""
    sink, source = ListSink(), ListSource(walker(3000), live=False, clock=MonotonicClock())
    sink.gone = True
    assert runner(source, sink, live=False).run().counters["anna"]["received"] == 1


def test_two_sensors_under_one_name_are_not_mixed():
    """A second sensor that gives a stream already given is refused by name; the first goes on alone."""
    clock = MonotonicClock()
    sources = [ListSource(walker(10, stream="a"), live=True, clock=clock) for _ in range(2)]
    summary = Runner(sources, Engine(CountingRecogniser(), clock), [ListSink()], clock).run()
    assert summary.failures == ["a: two sensors give this stream (add ?stream=NAME to one of them)"]
    assert summary.counters["a"]["received"] == 10


class SlowRecogniser(CountingRecogniser):
    """Take three strides for each answer."""

    def step(self, frame, evidence):
        time.sleep(0.1)
        return super().step(frame, evidence)


def test_a_network_slower_than_the_sensor_never_falls_further_behind():
    """With a network three times too slow the age of the answers stays bounded and the lost frames are counted."""
    source, sink = ListSource(walker(180, rate_hz=60.0), live=True, clock=MonotonicClock()), ListSink()
    summary = runner(source, sink, SlowRecogniser(), live=True).run()
    ages = [event.latency_ms for event in sink.events if isinstance(event, EmotionEvent) and event.confidence > 0]
    first, last = ages[len(ages) // 3 : 2 * len(ages) // 3], ages[2 * len(ages) // 3 :]
    assert max(last) < max(first) + 100.0
    assert max(last) < 600.0
    assert summary.counters["anna"]["late"] > 20


def test_a_full_inbox_drops_the_oldest():
    """The inbox keeps the newest poses, counts the rest and never grows."""
    inbox = Inbox(4)
    for pose in walker(10):
        inbox.put(pose)
    stats = inbox.stats()
    assert (stats.used, stats.capacity, stats.dropped) == (4, 4, 6)
    assert inbox.take(0.0).seq == 6
