"""The runner: a thread a sensor, one inference thread, and time. The only file of the engine that is not pure.

A late pose is dropped and counted, never queued: each sensor thread fills one bounded inbox from which the oldest
falls out, and the inference thread takes what is there, so the age of the newest output stays bounded for ever.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from .buffers import BufferStats
from .clock import NS_PER_MS, NS_PER_S, Clock
from .consent import Consent
from .control import ControlInbox
from .desk import ENGINE, Desk
from .errors import EmotusError, InputError
from .events import EmotionEvent, Event, StatusEvent
from .inbox import INBOX_POSES, Inbox
from .outlet import Outlet
from .pipeline import Engine
from .ports import Sink, Source
from .pose import Pose
from .source_news import SourceNews

TICK_NS = 20 * NS_PER_MS
DRAIN_WAITING = 512  # a recording read as fast as possible waits for bridges that have so many events to pass on
LATENCIES_KEPT = 20_000
NAMES_KEPT = 256  # names of streams remembered; the engine follows far fewer performers


@dataclass(slots=True)
class Summary:
    """Tell how a run went: events by type, latencies of the emotions, poses the inbox dropped, what failed.

    unexpected: something failed that was not wrong input.
    """

    events: dict[str, int] = field(default_factory=dict[str, int])
    latencies_ms: deque[float] = field(default_factory=lambda: deque[float](maxlen=LATENCIES_KEPT))
    inbox: BufferStats = field(default_factory=lambda: BufferStats(0, INBOX_POSES, 0))
    counters: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    failures: list[str] = field(default_factory=list[str])
    unexpected: bool = False

    def note(self, event: Event) -> None:
        """Count one event."""
        self.events[event.type] = self.events.get(event.type, 0) + 1
        if isinstance(event, EmotionEvent):
            self.latencies_ms.append(event.latency_ms)

    def lines(self) -> list[str]:
        """Return the counters of each stream and the age of the answers, a line each."""
        lines = [
            f"{stream}: " + ", ".join(f"{name} {count}" for name, count in counts.items() if count)
            for stream, counts in self.counters.items()
        ]
        if self.latencies_ms:
            ordered = sorted(self.latencies_ms)
            p50, p99 = ordered[len(ordered) // 2], ordered[int((len(ordered) - 1) * 0.99)]
            lines.append(f"age of the answers: p50 {p50:.1f} ms, p99 {p99:.1f} ms; inbox dropped {self.inbox.dropped}")
        return lines


class Runner:
    """Drive sensors through the engine into bridges until the sensors end, the time is over or `stop` is called.

    control: what the run is told while it goes on. consent: asked before anything is done with a stream of one of the
    `persons`, the sources that show somebody live; the poses of streams without it are dropped here and counted.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        engine: Engine,
        sinks: Sequence[Sink],
        clock: Clock,
        *,
        on_open: Callable[[Source], None] | None = None,
        control: ControlInbox | None = None,
        consent: Consent | None = None,
        persons: Collection[Source] = (),
    ) -> None:
        self._sources = sources
        self._engine = engine
        self._sinks = sinks
        self._clock = clock
        self._on_open = on_open
        self._consent = consent
        self._persons = persons
        self._news = SourceNews(sources)
        self._stop = threading.Event()
        self._inbox = Inbox()
        self._broken: deque[str] = deque(maxlen=len(sources))
        self._owners: dict[str, Source] = {}
        self._closed: dict[str, int] = {}
        self.summary = Summary()
        self._outlet = Outlet(sinks, clock, consent, self.summary.note)
        self._desk = Desk(
            control or ControlInbox(), engine, consent, self._outlet, self._inbox, clock, stop=self._stop.set
        )

    def stop(self) -> None:
        """End the run within a few milliseconds; callable from any thread and from a signal handler."""
        self._stop.set()

    def halt(self) -> None:
        """End the run and let nothing leave any more, not even what waits; callable from any thread."""
        self._outlet.halt()
        self._stop.set()

    def run(self, seconds: float | None = None) -> Summary:
        """Open everything, run, close everything; raise the EmotusError of whatever could not be opened.

        seconds: of the clock where a source is live, of each recording's own time otherwise.
        """
        with contextlib.ExitStack() as opened:
            for sink in self._sinks:
                opened.callback(sink.close)
                sink.start()
            for source in self._sources:
                opened.callback(source.close)
                source.open()
                if self._on_open is not None:
                    self._on_open(source)
            self._news.look(self._clock.now_ns())  # what is so from the start is no news
            if any(source.live for source in self._sources):
                self._run_live(None if seconds is None else self._clock.now_ns() + round(seconds * NS_PER_S))
            else:
                self._run_through(None if seconds is None else round(seconds * NS_PER_S))
            self._emit(self._engine.flush())
            self.summary.counters = self._counters()
            self._outlet.drain(0)
        self.summary.inbox = self._inbox.stats()
        return self.summary

    def _run_through(self, limit_ns: int | None) -> None:
        """Read recordings one after another as fast as they come, each for limit_ns of its own time.

        Nothing is late, so nothing is dropped.
        """
        for source in self._sources:
            first_ns: int | None = None
            while not self._stop.is_set() and source.health().state not in ("ended", "lost"):
                pose = source.read()
                if pose is None:
                    continue
                self._claim(pose.stream, source)
                first_ns = pose.t_ns if first_ns is None else first_ns
                if limit_ns is not None and pose.t_ns - first_ns >= limit_ns:
                    break
                if self._may_enter(pose, source):
                    self._take(pose)
                self._emit(self._desk.work())
                self._emit(self._news.look(self._clock.now_ns()))
                self._outlet.drain(DRAIN_WAITING)
                self._stop_unheard()

    def _run_live(self, end_ns: int | None) -> None:
        threads = [
            threading.Thread(target=self._read_from, args=(source,), name=f"sensor-{i}", daemon=True)
            for i, source in enumerate(self._sources)
        ]
        for thread in threads:
            thread.start()
        next_tick_ns = self._clock.now_ns() + TICK_NS
        while not self._over(end_ns):
            pose = self._inbox.take(TICK_NS / NS_PER_S)
            self._emit(self._desk.work())
            if pose is not None:
                self._take(pose)
            now_ns = self._clock.now_ns()
            if now_ns >= next_tick_ns:
                self._tick(now_ns)
                next_tick_ns = now_ns + TICK_NS
            if pose is None and not any(thread.is_alive() for thread in threads) and not self._inbox.stats().used:
                break
        self._stop.set()
        for thread in threads:
            thread.join(timeout=1.0)
        self._tick(self._clock.now_ns())

    def _read_from(self, source: Source) -> None:
        """Move poses from one sensor to the inbox until it ends; a sensor that breaks takes nobody with it."""
        try:
            while not self._stop.is_set() and source.health().state not in ("ended", "lost"):
                pose = source.read()
                if pose is not None:
                    self._claim(pose.stream, source)
                    if self._may_enter(pose, source):
                        self._inbox.put(pose)
        except EmotusError as error:
            self._broken.append(str(error))
        except Exception as error:  # noqa: BLE001 - the edge of a thread: whatever broke, the show goes on and says so
            self.summary.unexpected = True
            self._broken.append(f"{type(source).__name__} failed: {type(error).__name__}: {error}")
        finally:
            self._inbox.wake()

    def _may_enter(self, pose: Pose, source: Source) -> bool:
        """Tell whether a pose may be taken in; those of persons who have not consented end here, counted."""
        if self._consent is None or source not in self._persons or self._consent.guard(pose.stream):
            return True
        if pose.stream in self._closed or len(self._closed) < NAMES_KEPT:
            self._closed[pose.stream] = self._closed.get(pose.stream, 0) + 1
        return False

    def _take(self, pose: Pose) -> None:
        """Let the engine read a pose, unless consent has ended while it waited."""
        if self._consent is None or self._consent.admits(pose.stream):
            self._emit(self._engine.step(pose))

    def _counters(self) -> dict[str, dict[str, int]]:
        """Return the counters of each stream, with the poses that were not let in."""
        counters = self._engine.counters()
        for stream, closed in self._closed.items():
            counts = counters.setdefault(stream, {"received": 0})
            counts["received"] += closed
            counts["dropped_unconsented"] = closed
        return counters

    def _stop_unheard(self) -> None:
        if self._outlet.is_unheard:
            self.stop()

    def _claim(self, stream: str, source: Source) -> None:
        """Refuse a second sensor under one name: two performers mixed into one would be read as neither."""
        if len(self._owners) > NAMES_KEPT:
            self._owners.clear()
        if self._owners.setdefault(stream, source) is not source:
            raise InputError(stream, "two sensors give this stream", mend="add ?stream=NAME to one of them")

    def _tick(self, now_ns: int) -> None:
        """Let time pass in the engine, and report the sensors that broke since the last tick."""
        self._emit(self._engine.tick(now_ns))
        self._emit(self._desk.look_round())
        self._emit(self._news.look(now_ns))
        self._stop_unheard()
        while self._broken:
            message = self._broken.popleft()
            self.summary.failures.append(message)
            self._emit((StatusEvent(ENGINE, len(self.summary.failures), now_ns, "error", "lost", message),))

    def _emit(self, events: Iterable[Event]) -> None:
        self._outlet.emit(events)

    def _over(self, end_ns: int | None) -> bool:
        return self._stop.is_set() or (end_ns is not None and self._clock.now_ns() >= end_ns)
