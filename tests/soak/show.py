"""The show that soaks: three performers in trouble, the shipped recogniser, three bridges, and all of it watched."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from faults.checker import Invariants, check_bridge, check_counts
from soak.troubled import Troubled

from emotus.bridges.osc import OscBridge
from emotus.bridges.recorder import RecorderBridge
from emotus.bridges.websocket import WebSocketBridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.consent import Consent
from emotus.engine.control import ConsentGrant, ControlInbox
from emotus.engine.events import EmotionEvent, Event
from emotus.engine.pipeline import Engine
from emotus.engine.recognise import Recogniser
from emotus.engine.recording_reader import RecordingReader
from emotus.engine.runner import Runner
from emotus.sensors.synthetic import SyntheticSensor

PERFORMERS = {"anna": "tour", "ben": "happy", "cleo": "sad"}
ROTATE_S = 120.0  # short files: what the library of the format keeps of one in memory is given back often
_BINS = np.geomspace(0.1, 10_000.0, 1000)  # ms; 1.2 % apart


class Ages:
    """Keep how old the answers were, in ten parts of the show: counts by age, of a bounded size."""

    def __init__(self, begin_s: float, seconds: float) -> None:
        self._begin_s, self._part_s = begin_s, seconds / 10
        self.counts = np.zeros((10, len(_BINS) + 1), dtype=np.int64)

    def note(self, age_ms: float) -> None:
        """Count one answer."""
        part = min(9, int((time.monotonic() - self._begin_s) / self._part_s))
        self.counts[part, np.searchsorted(_BINS, age_ms)] += 1

    def quantile(self, part: int, level: float) -> float:
        """Return an age in ms of one part, to 1.2 %; not a number where there is no answer in it."""
        total = np.cumsum(self.counts[part])
        if not total[-1]:
            return float("nan")
        return float(_BINS[min(int(np.searchsorted(total, level * total[-1])), len(_BINS) - 1)])


class Watcher(Invariants):
    """Check every event that leaves, and note how old the answers are."""

    def __init__(self, ages: Ages) -> None:
        super().__init__(strict_seq=True)
        self._ages = ages

    def see(self, event: Event) -> None:
        """Check one event."""
        super().see(event)
        if isinstance(event, EmotionEvent) and event.confidence > 0:
            self._ages.note(event.latency_ms)


@dataclass
class Readings:
    """Hold what the process took, every few seconds: seconds from the start, bytes, descriptors, threads."""

    seconds: list[float] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)
    fds: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def take(self, since: float, process: psutil.Process) -> None:
        """Take one reading."""
        self.seconds.append(time.monotonic() - since)
        self.rss.append(process.memory_info().rss)
        self.fds.append(process.num_fds())
        self.threads.append(process.num_threads())


@dataclass
class Soaked:
    """Hold everything a soak came to."""

    seconds: float
    watcher: Watcher
    ages: Ages
    readings: Readings
    sources: dict[str, Troubled]
    counters: dict[str, dict[str, int]]
    inbox_dropped: int
    inbox_left: int
    failures: list[str]
    bridges: dict[str, Any]
    recorded: int
    torn: list[str]
    heard: dict[str, int]
    cpu_s: float


def soak(
    seconds: float,
    recogniser: Recogniser,
    folder: Path,
    *,
    pace: float = 1.0,
    every_s: float = 5.0,
    progress: Callable[[str], None] = lambda _: None,
) -> Soaked:
    """Run the show for so long and return what it came to; pace: how much faster the script of faults goes."""
    clock = MonotonicClock()
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("listener.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as listener:
        assert listener.stdin is not None
        assert listener.stdout is not None
        osc_port = int(listener.stdout.readline())
        watcher = Watcher(Ages(time.monotonic(), seconds))
        web = WebSocketBridge("127.0.0.1", 0, labels=recogniser.labels, clock=clock)
        recorder = RecorderBridge(folder / "soak.mcap", clock=clock, rotate_s=ROTATE_S)
        osc = OscBridge("127.0.0.1", osc_port, labels=recogniser.labels, clock=clock)
        sources = {
            name: Troubled(
                SyntheticSensor(emotion, clock=clock, seed=k, stream=name), clock, seed=k, phase_s=80.0 * k, pace=pace
            )
            for k, (name, emotion) in enumerate(PERFORMERS.items())
        }
        runner = _runner(sources, recogniser, [watcher, web, osc, recorder], clock)
        start, before = time.monotonic(), time.process_time()
        thread = threading.Thread(target=runner.run, args=(seconds,), name="show")
        thread.start()
        readings = _watch(thread, start, every_s, lambda: _tell_port(listener, web), progress, watcher)
        thread.join(30.0)
        listener.stdin.close()
        heard = json.loads(listener.stdout.read())
    recorded, torn = _messages(folder)
    summary = runner.summary
    return Soaked(
        time.monotonic() - start,
        watcher,
        watcher._ages,
        readings,
        sources,
        summary.counters,
        summary.inbox.dropped,
        summary.inbox.used,
        list(summary.failures),
        {"ws": web.stats(), "osc": osc.stats(), "mcap": recorder.stats()},
        recorded,
        torn,
        heard,
        time.process_time() - before,
    )


def _runner(sources: dict[str, Troubled], recogniser: Recogniser, sinks: list[Any], clock: MonotonicClock) -> Runner:
    """Return a runner governed by consent, as the command line makes it."""
    consent = Consent(clock)
    consent.grant(ConsentGrant("soak"))
    engine = Engine(recogniser, clock, may_read=lambda stream: consent.allows(stream, "recognise"))
    persons = list(sources.values())
    return Runner(persons, engine, sinks, clock, control=ControlInbox(), consent=consent, persons=persons)


def _tell_port(listener: subprocess.Popen[str], web: WebSocketBridge) -> None:
    assert listener.stdin is not None
    listener.stdin.write(web.address.rpartition(":")[2].strip("/") + "\n")
    listener.stdin.flush()


def _watch(
    thread: threading.Thread,
    start: float,
    every_s: float,
    tell_port: Callable[[], None],
    progress: Callable[[str], None],
    watcher: Watcher,
) -> Readings:
    """Take readings until the show is over, telling the listener where to connect when it has begun."""
    readings, process, told = Readings(), psutil.Process(), False
    while thread.is_alive():
        if not told and watcher.events:
            tell_port()
            told = True
        thread.join(every_s if told else 0.05)
        if thread.is_alive() and told:
            readings.take(start, process)
            if len(readings.seconds) % 12 == 0:
                rss = readings.rss[-1] / 1e6
                progress(f"{readings.seconds[-1]:.0f} s: {rss:.1f} MB, {watcher.events}, {watcher.wrong} wrong")
    return readings


def _messages(folder: Path) -> tuple[int, list[str]]:
    """Return how many messages all recordings hold, and those of them that are not sound."""
    count, torn = 0, []
    for path in sorted(folder.glob("*.mcap")):
        with path.open("rb") as file:
            reader = RecordingReader(file, str(path))
            count += sum(1 for _ in reader)
            if reader.torn:
                torn.append(f"{path.name}: {reader.torn}")
    return count, torn


def unaccounted(soaked: Soaked) -> int:
    """Return how many frames were lost without a word between sensors and recording; check each step on the way."""
    for name, source in soaked.sources.items():
        assert source.given == source.made - source.withheld + source.doubled - source.held, name
        check_counts(soaked.counters[name])
    given = sum(source.given for source in soaked.sources.values())
    received = sum(counts["received"] for counts in soaked.counters.values())
    missing = abs(given - received - soaked.inbox_dropped - soaked.inbox_left)
    for counts, name in ((soaked.counters[name], name) for name in soaked.sources):
        assert counts["frames"] == counts["recognised"] + counts["late"], name
    assert soaked.watcher.events["pose"] == sum(counts["frames"] for counts in soaked.counters.values())
    for stats in soaked.bridges.values():
        check_bridge(stats)
        assert stats.received == sum(soaked.watcher.events.values())
    return missing + abs(soaked.bridges["mcap"].sent - soaked.recorded)
