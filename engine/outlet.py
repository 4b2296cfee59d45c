"""The outlet: where events leave the engine for the bridges, each only where it may go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from .clock import NS_PER_S, Clock
from .consent import RECOGNISE, SIGNATURE, STREAM, Consent
from .events import EmotionEvent, Event, StatusEvent
from .ports import Sink

INFERRED = {EmotionEvent.type: RECOGNISE, "signature": SIGNATURE}  # what only this purpose allows to be told

NAMES_KEPT: Final = 256  # streams whose status events are numbered without a hole


@runtime_checkable
class Forgetful(Protocol):
    """A bridge that can take back what it has not passed on yet; others pass it on within milliseconds."""

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all for None; from when it returns on nothing more of it leaves."""
        ...


@runtime_checkable
class Keeping(Protocol):
    """A bridge that keeps what it was given, and can take a person out of it."""

    def erase(self, stream: str) -> None:
        """Drop what waits of a stream, and take it out of all that is kept; without waiting for that."""
        ...


@runtime_checkable
class Recording(Protocol):
    """A bridge that records, and can be told when."""

    def record(self, *, on: bool) -> None:
        """Go on in a new file, or end the file that there is; without waiting for that."""
        ...


class Outlet:
    """Pass events on to the bridges that consent lets them go to.

    A bridge's `purpose` ("stream" unless it says other, such as "record") is what the stream must be open for.
    `halt` may be called from any thread, and nothing leaves after it returns. The status events of a stream, whoever
    made them, are numbered here, one after another.
    """

    def __init__(
        self, sinks: Sequence[Sink], clock: Clock, consent: Consent | None, on_event: Callable[[Event], None]
    ) -> None:
        self._clock = clock
        self._consent = consent
        self._on_event = on_event
        self._sinks = [(sink, str(getattr(sink, "purpose", STREAM))) for sink in sinks]
        self._halted = threading.Event()
        self._numbers: dict[str, int] = {}
        self.raised: dict[int, str] = {}  # by the bridge's place: what its `send` raised, until it takes an event again
        self._sending = threading.RLock()  # a signal handler may halt in the middle of an event

    def emit(self, events: Iterable[Event]) -> None:
        """Count each event and give it to every bridge that may have it."""
        for event in events:
            with self._sending:
                if self._halted.is_set():
                    return
                if self._may_be_told(event):
                    self._on_event(event)
                    self._send(self._numbered(event) if isinstance(event, StatusEvent) else event)

    def emit_within(self, event: Event, seconds: float) -> bool:
        """Give out one event from another thread than the engine's; return False where that one is in the way."""
        if not self._sending.acquire(timeout=seconds):
            return False
        try:
            self.emit((event,))
        finally:
            self._sending.release()
        return True

    def _numbered(self, event: StatusEvent) -> StatusEvent:
        if event.stream not in self._numbers and len(self._numbers) >= NAMES_KEPT:
            return event
        number = self._numbers[event.stream] = self._numbers.get(event.stream, -1) + 1
        return event if event.seq == number else replace(event, seq=number)

    def _send(self, event: Event) -> None:
        consent = self._consent
        for k, (sink, purpose) in enumerate(self._sinks):
            if consent is not None and not consent.allows(event.stream, purpose):
                continue
            try:
                sink.send(event)
            except Exception as error:  # noqa: BLE001 - a bridge that breaks its promise takes no other with it
                self.raised[k] = f"{type(sink).__name__}: {type(error).__name__}: {error}"
            else:
                if k in self.raised:
                    del self.raised[k]

    def _may_be_told(self, event: Event) -> bool:
        needed = INFERRED.get(event.type)
        return needed is None or self._consent is None or self._consent.allows(event.stream, needed)

    def forget(self, stream: str | None) -> None:
        """Take back what waits of a stream, or of all, in every bridge that can."""
        for sink, _ in self._sinks:
            if isinstance(sink, Forgetful):
                sink.forget(stream)

    def erase(self, stream: str) -> None:
        """Take back what waits of a stream, and take it out of what bridges keep."""
        for sink, _ in self._sinks:
            if isinstance(sink, Keeping):
                sink.erase(stream)
            elif isinstance(sink, Forgetful):
                sink.forget(stream)

    def record(self, *, on: bool) -> bool:
        """Tell every bridge that records to go on or to end its file; return whether there is one."""
        recorders = [sink for sink, _ in self._sinks if isinstance(sink, Recording)]
        for recorder in recorders:
            recorder.record(on=on)
        return bool(recorders)

    def halt(self) -> None:
        """Let nothing leave any more, and take back what waits."""
        self._halted.set()
        with self._sending:  # an event that is being given out is out when this returns
            self.forget(None)

    def drain(self, waiting: int) -> None:
        """Wait up to a second until no bridge has more than `waiting` events to pass on."""
        deadline_ns = self._clock.now_ns() + NS_PER_S
        pause = threading.Event()
        while any(sink.stats().waiting > waiting for sink, _ in self._sinks) and self._clock.now_ns() < deadline_ns:
            pause.wait(0.001)

    @property
    def is_unheard(self) -> bool:
        """Tell whether every bridge's receiver has gone for good: the far end of a pipe, closed."""
        return bool(self._sinks) and all(sink.stats().gone for sink, _ in self._sinks)
