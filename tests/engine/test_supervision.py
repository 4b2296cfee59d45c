"""Supervision: what breaks is tried again with patience, what hangs is told of, and the show goes on meanwhile."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from dataclasses import dataclass, field

import pytest
from support.performers import CountingRecogniser, walker
from support.plain_packets import PlainDecoder, packet
from support.sayings import emotion, wait_for

from emotus.bridges.courier import Courier
from emotus.bridges.outbox import Outbox
from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.events import Event, StatusEvent
from emotus.engine.pipeline import Engine
from emotus.engine.runner import Runner
from emotus.engine.sink_news import SinkNews
from emotus.engine.supervision import Backoff, Watchdog
from emotus.sensors.datagram import DatagramSensor

CLOCK = MonotonicClock()


@dataclass
class Health:
    state: str
    message: str = ""


@dataclass
class Walking:
    """Give a walker's poses at 60 a second for as long as it is watched; do as told before each."""

    stream: str
    reopens: bool = False
    live: bool = True
    trouble: list = field(default_factory=list)  # what to do at the reads to come, one after another
    opened: int = 0
    given: int = 0
    closed: bool = False
    refuse: int = 0  # how often open fails before it succeeds again

    def open(self) -> None:
        if self.opened and self.refuse:
            self.refuse -= 1
            raise OSError("the network is down")
        self.opened += 1
        self.closed = False

    def read(self):
        if self.trouble:
            self.trouble.pop(0)()
        time.sleep(1 / 60)
        pose = next(walker(1, stream=self.stream))
        self.given += 1
        return type(pose)(pose.stream, self.given, CLOCK.now_ns(), pose.positions, pose.confidence)

    def close(self) -> None:
        self.closed = True

    def health(self) -> Health:
        return Health("ended" if self.closed else "live")


@dataclass
class Kept:
    """Keep what is told."""

    events: list[Event] = field(default_factory=list)
    before: list = field(default_factory=list)
    waiting: int = 0
    gone: bool = False

    def start(self) -> None:
        pass

    def send(self, event: Event) -> None:
        if self.before:
            self.before.pop(0)()
        self.events.append(event)

    def close(self) -> None:
        pass

    def stats(self):
        return self

    def said(self, code: str) -> list[str]:
        return [each.message for each in self.events if isinstance(each, StatusEvent) and each.code == code]


def break_it():
    raise OSError("the cable is out")


class Show:
    """Run sources in a thread until the block ends."""

    def __init__(self, *sources, recogniser=None, sinks=()):
        self.told = Kept()
        self.engine = Engine(recogniser, CLOCK)
        self.runner = Runner(sources, self.engine, [self.told, *sinks], CLOCK)
        self.thread = threading.Thread(target=self.runner.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.runner.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()


def test_five_tries_a_minute_and_no_more():
    """The waits double from 0.2 s, the sixth try is a minute after the first, and a good minute forgets them."""
    backoff, now_ns, tries = Backoff(), 0, []
    for _ in range(40):
        now_ns += backoff.wait_ns(now_ns)
        tries.append(now_ns)
    waits = [(b - a) / NS_PER_S for a, b in itertools.pairwise([0, *tries])]
    assert waits[:5] == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2])
    assert all(b - a >= 60 * NS_PER_S for a, b in zip(tries, tries[5:], strict=False))
    assert backoff.wait_ns(now_ns + 120 * NS_PER_S) == NS_PER_S // 5


def test_a_network_sensor_that_breaks_is_opened_again_and_others_go_on():
    """Its cable is out for two tries: it is told, tried again with patience, told when it is back, and poses go on."""
    broken, sound = Walking("b", reopens=True, refuse=2), Walking("a")
    with Show(broken, sound) as show:
        assert wait_for(lambda: broken.given > 5, 10)
        broken.trouble.append(break_it)
        assert wait_for(lambda: broken.opened == 2, 20)
        given, others = broken.given, sound.given
        assert wait_for(lambda: broken.given > given + 5 and sound.given > others, 20)
        assert wait_for(lambda: show.told.said("sensor-back") == ["Walking: open again"], 10)
    assert "OSError: the cable is out" in show.told.said("sensor-broken")[0]
    assert show.runner.summary.failures == []


def test_a_file_that_breaks_is_not_read_again():
    """Whoever does not say that it can be opened again is lost, and the other goes on."""
    broken, sound = Walking("b"), Walking("a")
    broken.trouble.append(break_it)
    with Show(broken, sound) as show:
        assert wait_for(lambda: show.told.said("lost") == ["Walking failed: OSError: the cable is out"], 10)
        given = sound.given
        assert wait_for(lambda: sound.given > given + 5, 10)
    assert broken.opened == 1


def test_a_sensor_that_hangs_is_told_of_and_holds_nobody_up():
    """A read that does not come back is told within seconds with where it hangs, others go on, and so does the end."""
    free = threading.Event()
    hung, sound = Walking("b"), Walking("a")
    hung.trouble.append(lambda: free.wait(30))
    with Show(hung, sound) as show:
        assert wait_for(lambda: show.told.said("stalled"), 20)
        given = sound.given
        assert wait_for(lambda: sound.given > given + 5, 10)
        show.runner.stop()
        begun = time.monotonic()
        show.thread.join(10)
        took_s = time.monotonic() - begun
    free.set()
    assert "Walking has not moved for" in show.told.said("stalled")[0]
    assert "it is in " in show.told.said("stalled")[0]
    assert took_s < 2.0


class Stumbling(CountingRecogniser):
    """Hang, or break, at the frames named."""

    def __init__(self, at: dict) -> None:
        super().__init__()
        self.at, self.count = at, 0

    def step(self, frame, evidence):
        self.count += 1
        self.at.pop(self.count, lambda: None)()
        return super().step(frame, evidence)


def test_an_inference_thread_that_stands_still_is_told_of_by_the_watchdog():
    """While the network takes seconds for a frame the bridges hear that it does, and afterwards that it goes on."""
    recogniser = Stumbling({20: lambda: time.sleep(3.5)})
    with Show(Walking("a"), recogniser=recogniser) as show:
        assert wait_for(lambda: show.told.said("stalled"), 20)
        assert wait_for(lambda: show.told.said("moving") == ["the inference thread moves again"], 20)
    assert show.told.said("stalled")[0].startswith("the inference thread has not moved for ")


def test_a_step_that_breaks_ends_nobody_s_show():
    """An exception in the midst of a frame is told, she starts afresh, and every pose is accounted for."""
    recogniser = Stumbling({30: break_it})
    with Show(Walking("a"), recogniser=recogniser) as show:
        assert wait_for(lambda: show.told.said("engine"), 20)
        answers = recogniser.count
        assert wait_for(lambda: recogniser.count > answers + 10, 20)
    assert show.told.said("engine") == ["a: OSError: the cable is out; starting afresh"]
    assert show.runner.summary.unexpected


def test_a_bridge_that_raises_takes_no_other_with_it():
    """It is named by the others, and named again when it takes events once more."""
    bad = Kept(before=[break_it] * 40)
    with Show(Walking("a"), sinks=(bad,)) as show:
        assert wait_for(lambda: show.told.said("bridge-well"), 20)
    assert show.told.said("bridge-failing") == ["Kept: OSError: the cable is out"]
    assert show.told.said("bridge-well") == ["over: Kept: OSError: the cable is out"]
    assert bad.events


def test_a_courier_that_stumbles_goes_on_and_its_events_are_counted():
    """What its bridge raises drops those events, is told by the outbox, and is over with the next that arrive."""
    outbox, delivered, trouble = Outbox(CLOCK), [], [break_it]

    def deliver(events):
        if trouble:
            trouble.pop()()
        delivered.extend(events)
        return len(events), 0

    courier = Courier(outbox, deliver, name="osc:there")
    courier.start()
    outbox.put(emotion(1))
    assert wait_for(lambda: outbox.stats().problem == "osc:there: OSError: the cable is out")
    outbox.put(emotion(2))
    assert wait_for(lambda: outbox.stats().problem == "")
    courier.stop()
    stats = outbox.stats()
    assert [each.seq for each in delivered] == [2]
    assert (stats.received, stats.sent, stats.dropped, stats.errors) == (2, 1, 1, 1)


def test_news_of_a_bridge_are_told_once_and_at_most_once_a_second():
    """Figures that change in a problem are no news; a problem that comes and goes is told once a second."""

    @dataclass
    class Stats:
        waiting: int = 0
        gone: bool = False
        problem: str = ""

    sink = Kept()
    stats = Stats()
    sink.stats = lambda: stats
    news = SinkNews([sink])
    told = []
    for tick in range(400):
        stats.problem = f"mcap: {tick} bytes lost" if 50 <= tick < 200 or (tick > 250 and tick % 2) else ""
        told += news.look(tick * NS_PER_S // 50)
    assert [each.code for each in told][:2] == ["bridge-failing", "bridge-well"]
    assert all(b.t_ns - a.t_ns >= NS_PER_S for a, b in itertools.pairwise(told))


def test_the_watchdog_tells_once_of_each_thread():
    """Once when it stands still, once when it goes on, and never of one that has ended."""
    clock, told = ManualClock(), []
    dog = Watchdog(clock, lambda *words: told.append(words))
    pulse = dog.watch("anna")
    clock.advance_ns(3 * NS_PER_S)
    dog.look(clock.now_ns())
    dog.look(clock.now_ns())
    assert [code for _, code, _ in told] == ["stalled"]
    pulse.beat()
    dog.look(clock.now_ns())
    assert [code for _, code, _ in told] == ["stalled", "moving"]
    dog.release(pulse)
    clock.advance_ns(9 * NS_PER_S)
    dog.look(clock.now_ns())
    assert len(told) == 2


def test_a_port_whose_socket_breaks_hears_the_next_datagram(monkeypatch):
    """A real sensor at a real port: its socket fails once in the midst of the show, and poses come again."""
    sensor = DatagramSensor("plain:here", "127.0.0.1", 0, PlainDecoder(), CLOCK)
    trouble = [break_it]
    listen = sensor._listen
    with Show(sensor) as show, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        assert wait_for(lambda: sensor.port, 10)
        counts = itertools.count(1)

        def one_comes(many: int) -> bool:
            time.sleep(0.02)
            out.sendto(packet(next(counts), CLOCK.now_ns()), ("127.0.0.1", sensor.port))
            return len([event for event in show.told.events if event.type == "pose"]) > many

        assert wait_for(lambda: one_comes(3), 10)
        monkeypatch.setattr(sensor, "_listen", lambda: trouble.pop()() if trouble else listen())
        assert wait_for(lambda: show.told.said("sensor-back") == ["plain:here: open again"], 10)
        so_far = len([event for event in show.told.events if event.type == "pose"]) + 3
        assert wait_for(lambda: one_comes(so_far), 20)
