"""Teaching while a show runs: one performer's takes, the head learnt from them, and what there is to say about both.

A head is fitted somewhere else (`Fitter`) while the old one goes on answering; it takes over only when it has passed
its own check. A take that nothing can be learnt from is let go, with one sentence why, and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, Literal

from .clock import NS_PER_S
from .errors import EmotusError, TeachError
from .events import StatusEvent
from .lesson import Lesson
from .skeleton import Float32
from .taking import TakeRecorder
from .taught import TaughtHead, TaughtTake

Takes = tuple[TaughtTake, ...]
Fitter = Callable[[Takes], Future[Lesson]]  # the result is a Lesson, or the TeachError why there is none

CODE: Final = "teach"
COUNT_IN_S: Final = 3
MOST_S: Final = 60.0  # a take ends by itself after so long
MOST_TAKES: Final = 120
Level = Literal["info", "warning"]


@dataclass(slots=True)
class _Recording:
    """Hold the take under way: from when on it is recorded, and the second that was announced last."""

    recorder: TakeRecorder
    from_ns: int
    announced: int = -1


@dataclass(slots=True)
class _Fit:
    """Hold the fit under way: of which takes, and which one of them is new."""

    takes: Takes
    newest: TaughtTake | None
    result: Future[Lesson] = field(default_factory=Future[Lesson])


class Teaching:
    """Record takes of one performer, learn from them, take them back.

    State is the takes, the head and what is under way. features: the name of the feature set that takes are recorded
    in. fitter: fits a head to takes, now or later. Every method that is told something yields the statuses (code
    "teach") that it gives rise to.
    """

    def __init__(self, stream: str, features: str, fitter: Fitter) -> None:
        self._stream = stream
        self._features = features
        self._fitter = fitter
        self.reset()

    def reset(self) -> None:
        """Forget every take and what was learnt."""
        self.takes: Takes = ()
        self.head: TaughtHead | None = None
        self.lesson: Lesson | None = None
        self._recording: _Recording | None = None
        self._fit: _Fit | None = None
        self._seq = 0

    def adopt(self, takes: Takes, head: TaughtHead | None) -> None:
        """Begin with takes of an earlier day and the head that was fitted to them."""
        self.takes, self.head = takes, head

    @property
    def is_recording(self) -> bool:
        """Tell whether a take is under way, its count-in included."""
        return self._recording is not None

    @property
    def is_fitting(self) -> bool:
        """Tell whether a head is being fitted."""
        return self._fit is not None

    def start(self, label: str, t_ns: int, *, count_in_s: int = COUNT_IN_S) -> Iterator[StatusEvent]:
        """Begin a take after the count-in; raise TeachError for a label that is none."""
        if self._recording is not None:
            yield self._say(t_ns, f"already recording {self._recording.recorder.label!r}; stop it first", "warning")
            return
        if len(self.takes) >= MOST_TAKES:
            yield self._say(t_ns, f"{MOST_TAKES} takes are kept already; undo some first", "warning")
            return
        recorder = TakeRecorder(label, self._features, f"take {len(self.takes) + 1}")
        self._recording = _Recording(recorder, t_ns + count_in_s * NS_PER_S)
        yield from self._announce(t_ns)

    def hear(self, frame: Float32, described: Float32, seen: int, t_ns: int) -> Iterator[StatusEvent]:
        """Take one frame in where a take is under way: what `TakeRecorder.add` takes, and when it was."""
        recording = self._recording
        if recording is None:
            return
        if t_ns >= recording.from_ns:
            recording.recorder.add(self._stream, frame, described, seen)
        yield from self._announce(t_ns)
        if recording.recorder.seconds >= MOST_S:
            yield from self.stop(t_ns)

    def stop(self, t_ns: int) -> Iterator[StatusEvent]:
        """End the take and learn from it; one that is too short, still or empty is let go."""
        recording, self._recording = self._recording, None
        if recording is None:
            yield self._say(t_ns, "nothing is being recorded", "warning")
            return
        try:
            take = recording.recorder.finish()
        except TeachError as error:
            yield self._say(t_ns, f"not kept: {error}", "warning")
            return
        yield from self.add(take, t_ns)

    def add(self, take: TaughtTake, t_ns: int) -> Iterator[StatusEvent]:
        """Keep a take and learn from it."""
        self.takes = (*self.takes, take)
        yield self._say(t_ns, f"{take.label!r}: {take.seconds:.1f} s recorded, take {len(self.takes)}")
        yield from self._learn(take, t_ns)

    def undo(self, t_ns: int) -> Iterator[StatusEvent]:
        """Throw away the take under way, or else the last one, and learn again without it."""
        if self._recording is not None:
            label, self._recording = self._recording.recorder.label, None
            yield self._say(t_ns, f"{label!r}: thrown away")
        elif self.takes:
            yield from self.remove(len(self.takes), t_ns)
        else:
            yield self._say(t_ns, "there is no take to undo", "warning")

    def remove(self, number: int, t_ns: int) -> Iterator[StatusEvent]:
        """Throw away take `number`, counted from 1 and there, and learn again without it."""
        gone = self.takes[number - 1]
        self.takes = (*self.takes[: number - 1], *self.takes[number:])
        yield self._say(t_ns, f"{gone.label!r}: take {number} thrown away")
        yield from self._learn(None, t_ns)

    def interrupt(self, t_ns: int, why: str) -> Iterator[StatusEvent]:
        """Throw away the take under way: what is seen is not the performer any more."""
        if self._recording is not None:
            label, self._recording = self._recording.recorder.label, None
            yield self._say(t_ns, f"{label!r}: thrown away, {why}", "warning")

    def poll(self, t_ns: int) -> Iterator[StatusEvent]:
        """Take over a head that is ready and has passed its check; tell why where there is none."""
        fit = self._fit
        if fit is None or not fit.result.done():
            return
        self._fit = None
        error = fit.result.exception()
        if fit.takes != self.takes:  # takes came or went meanwhile: what was learnt is out of date
            newest = self.takes[-1] if self.takes and self.takes[-1] not in fit.takes else None
            yield from self._learn(newest, t_ns)
        elif error is None:
            self.lesson = fit.result.result()
            self.head = self.lesson.head
            yield self._say(t_ns, f"learnt {_listed(self.head.labels)}. {self.lesson.advice}")
        else:
            yield from self._let_go(fit, error, t_ns)

    def _learn(self, newest: TaughtTake | None, t_ns: int) -> Iterator[StatusEvent]:
        """Have a head fitted to the takes; with fewer than two labels there is nothing to tell apart."""
        labels = sorted({take.label for take in self.takes})
        if len(labels) >= 2:
            if self._fit is None:
                self._fit = _Fit(self.takes, newest, self._fitter(self.takes))
            return
        self.head = self.lesson = None
        if labels:
            yield self._say(t_ns, f"{labels[0]!r} is the only label; teach a second one to tell it from")

    def _let_go(self, fit: _Fit, error: BaseException, t_ns: int) -> Iterator[StatusEvent]:
        why = str(error) if isinstance(error, EmotusError) else f"{type(error).__name__}: {error}"
        if fit.newest is not None:
            self.takes = tuple(take for take in self.takes if take is not fit.newest)
            why += f"; the take of {fit.newest.label!r} is not kept, and what was learnt before holds on"
        yield self._say(t_ns, why, "warning")

    def _announce(self, t_ns: int) -> Iterator[StatusEvent]:
        """Count in, and then count the seconds recorded, each once."""
        recording = self._recording
        if recording is None:
            return
        label, left_ns = recording.recorder.label, recording.from_ns - t_ns
        second = -(-left_ns // NS_PER_S) if left_ns > 0 else -int(recording.recorder.seconds)
        if second == recording.announced:
            return
        recording.announced = second
        if left_ns > 0:
            yield self._say(t_ns, f"{label!r} in {second}", count_in=second)
        else:
            yield self._say(t_ns, f"{label!r}: {-second} s", seconds=-second)

    def _say(self, t_ns: int, message: str, level: Level = "info", **counters: int) -> StatusEvent:
        self._seq += 1
        recording = int(self._recording is not None)
        counts = {"takes": len(self.takes), "recording": recording} | counters
        return StatusEvent(self._stream, self._seq - 1, t_ns, level, CODE, message, counts)


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(map(repr, words[:-1])) + f" and {words[-1]!r}"
