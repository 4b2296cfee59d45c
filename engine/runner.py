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
from typing import TYPE_CHECKING

from .buffers import BufferStats
from .clock import NS_PER_MS, NS_PER_S, Clock
from .consent import Consent
from .control import ControlInbox
from .desk import ENGINE, Desk
from .events import EmotionEvent, Event, StatusEvent
from .gate import Gate
from .inbox import INBOX_POSES, POSES_EACH, Inbox
from .notices import Level, Notices
from .outlet import Outlet
from .pipeline import Engine
from .ports import Sink, Source
from .pose import Pose
from .sensor_threads import SensorThreads
from .sink_news import SinkNews
from .source_news import SourceNews
from .supervision import Watchdog

if TYPE_CHECKING:
    from .partner import Partner

TICK_NS = 20 * NS_PER_MS
CROWDED = 24  # performers from whom on poses wait for one another
HOLD_S = 0.004  # at most: an eighth of a frame
DRAIN_WAITING = 512  # a recording read as fast as possible waits for bridges that have so many events to pass on
LATENCIES_KEPT = 20_000
FAILURES_KEPT = 32


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
    partner: a generated performer, whose frames leave between the answers.
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
        partner: Partner | None = None,
    ) -> None:
        self._sources = sources
        self._engine = engine
        self._sinks = sinks
        self._clock = clock
        self._on_open = on_open
        self._news = SourceNews(sources)
        self._watchdog = Watchdog(clock, self._tell_now)
        self._live = False
        self._stop = threading.Event()
        self._inbox = Inbox(max(INBOX_POSES, POSES_EACH * engine.max_performers))
        self._notices = Notices(ENGINE)
        self._gate = Gate(consent, persons)
        self._threads = SensorThreads(sources, self._inbox, self._gate, clock, self._watchdog, stop=self._stop)
        self.summary = Summary()
        self._outlet = Outlet(sinks, clock, consent, self.summary.note)
        self._sink_news = SinkNews(sinks, self._outlet.raised)
        self._partner = partner
        control = control or ControlInbox()
        self._consent = consent
        self._desk = Desk(control, engine, consent, self._outlet, self._inbox, clock, halt=self.halt, partner=partner)

    def stop(self) -> None:
        """End the run within a few milliseconds; callable from any thread and from a signal handler."""
        self._stop.set()

    def halt(self) -> None:
        """End the run and let nothing leave any more, not even what waits; callable from any thread."""
        self._outlet.halt()
        self._stop.set()
        if self._consent is not None:
            self._consent.note_stop()  # last: a slow disk under the trail holds up nothing

    def run(self, seconds: float | None = None) -> Summary:
        """Open everything, run, close everything; raise the EmotusError of whatever could not be opened.

        seconds: of the clock where a source is live, of each recording's own time otherwise.
        """
        with contextlib.ExitStack() as opened:
            for sink in self._sinks:
                opened.callback(sink.close)
                sink.start()
            for source in self._sources:
                opened.callback(self._threads.close, source)
                source.open()
                if self._on_open is not None:
                    self._on_open(source)
            self._news.look(self._clock.now_ns())  # what is so from the start is no news
            self._live = any(source.live for source in self._sources)
            if self._live:
                self._run_live(None if seconds is None else self._clock.now_ns() + round(seconds * NS_PER_S))
            else:
                self._run_through(None if seconds is None else round(seconds * NS_PER_S))
            self._emit(self._engine.flush())
            self.summary.counters = self._gate.add_to(self._engine.counters())
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
                self._gate.claim(pose.stream, source)
                first_ns = pose.t_ns if first_ns is None else first_ns
                if limit_ns is not None and pose.t_ns - first_ns >= limit_ns:
                    break
                if self._gate.may_enter(pose, source):
                    self._take(pose)
                self._play(pose.t_ns)
                self._emit(self._desk.work())
                self._emit(self._news.look(self._clock.now_ns()))
                self._outlet.drain(DRAIN_WAITING)
                self._stop_unheard()

    def _run_live(self, end_ns: int | None) -> None:
        own = self._watchdog.watch("the inference thread")
        self._threads.start()
        self._watchdog.start()
        next_tick_ns = self._clock.now_ns() + TICK_NS
        while not self._over(end_ns):
            own.beat()
            poses = self._inbox.take_batch(self._wait_s(), hold_s=self._hold_s())
            taken_ns = self._clock.now_ns()
            self._emit(self._desk.work())
            if poses:
                self._take_live(poses)
            self._play(self._clock.now_ns())
            now_ns = self._clock.now_ns()
            if now_ns >= next_tick_ns:
                self._tick(now_ns, taken_ns)
                next_tick_ns = now_ns + TICK_NS
            if not poses and self._threads.are_over() and not self._inbox.stats().used:
                break
        self._stop.set()
        self._watchdog.stop()
        self._threads.join()
        self._tick(self._clock.now_ns(), self._clock.now_ns())

    def _take(self, pose: Pose) -> None:
        """Let the engine read a pose of a recording, unless consent has ended."""
        if self._gate.may_be_read(pose):
            self._emit(self._engine.step(pose))

    def _take_live(self, poses: Sequence[Pose]) -> None:
        """Let the engine read what waits, unless consent has ended meanwhile; what breaks it ends nobody's show."""
        allowed = [pose for pose in poses if self._gate.may_be_read(pose)]

        def fail(stream: str, error: Exception) -> None:
            self._start_afresh((stream,), error)

        try:
            if allowed:
                self._emit(self._engine.step_many(allowed, fail))
        except Exception as error:  # noqa: BLE001 - what answers for all of them at once broke
            self._start_afresh({pose.stream for pose in allowed}, error)

    def _start_afresh(self, streams: Iterable[str], error: Exception) -> None:
        """Let performers leave the stage and come again, whose movement could not be gone through, and say so."""
        names = tuple(streams)
        for stream in names:
            self._engine.send_off(stream)
        message = f"{', '.join(names[:4])}: {type(error).__name__}: {error}; starting afresh"
        self.summary.unexpected = True
        if message not in self.summary.failures:
            self._note_failure(message)
        self._emit(self._notices.say("error", "engine", message, self._clock.now_ns()))

    def _wait_s(self) -> float:
        """Return how long poses may be waited for: until the partner's next frame, and never longer than a tick."""
        due_ns = None if self._partner is None else self._partner.due_ns
        wait_ns = TICK_NS if due_ns is None else min(max(due_ns - self._clock.now_ns(), 0), TICK_NS)
        return wait_ns / NS_PER_S

    def _hold_s(self) -> float:
        """Return how long a pose may wait for others': in a crowd four of them together cost what one does alone."""
        return HOLD_S if self._partner is None and self._engine.present >= CROWDED else 0.0

    def _play(self, now_ns: int) -> None:
        """Let the partner's frames leave that are due; what breaks it ends the partner, and nothing else."""
        if self._partner is None:
            return
        try:
            self._emit(self._partner.tick(now_ns))
        except Exception as error:  # noqa: BLE001 - as in _take_live
            self._partner.reset()
            message = f"the partner: {type(error).__name__}: {error}; starting afresh"
            self.summary.unexpected = True
            if message not in self.summary.failures:
                self._note_failure(message)
            self._emit(self._notices.say("error", "generate", message, now_ns))

    def _stop_unheard(self) -> None:
        if self._outlet.is_unheard:
            self.stop()

    def _tick(self, now_ns: int, taken_ns: int) -> None:
        """Let time pass in the engine, and report the sensors that broke since the last tick.

        For the engine it is as late as when poses were last taken for it: what came while it was busy with those waits
        in the inbox, and is no silence.
        """
        try:
            self._emit(self._engine.tick(taken_ns))
        except Exception as error:  # noqa: BLE001 - as in _take; whose it was is not known
            self._start_afresh(self._engine.performers(), error)
        self._emit(self._desk.look_round())
        self._emit(self._news.look(now_ns))
        self._emit(self._sink_news.look(now_ns))
        self._stop_unheard()
        while self._threads.said:
            level, code, message = self._threads.said.popleft()
            self._emit(self._notices.say(level, code, message, now_ns))
        self.summary.unexpected |= self._threads.unexpected
        while self._threads.broken:
            message = self._threads.broken.popleft()
            self._note_failure(message)
            self._emit((StatusEvent(ENGINE, 0, now_ns, "error", "lost", message),))

    def _note_failure(self, message: str) -> None:
        if len(self.summary.failures) < FAILURES_KEPT:
            self.summary.failures.append(message)

    def _tell_now(self, level: Level, code: str, message: str) -> None:
        """Let the watchdog speak, which cannot wait for the inference thread: that may be what stands still."""
        event = StatusEvent(ENGINE, 0, self._clock.now_ns(), level, code, message)
        if not self._outlet.emit_within(event, 0.2):
            self._threads.said.append((level, code, message))  # a bridge holds that thread up: told when it goes on

    def _emit(self, events: Iterable[Event]) -> None:
        self._outlet.emit(events if self._partner is None else self._partner.listen(events))

    def _over(self, end_ns: int | None) -> bool:
        return self._stop.is_set() or (end_ns is not None and self._clock.now_ns() >= end_ns)
