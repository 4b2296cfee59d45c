"""The courier: one thread that empties an outbox, so that whoever fills it never waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from ..engine.events import Event
from .outbox import Outbox

BEAT_S = 0.2  # how often an idle courier looks up
FORGET_S = 0.04  # how long `forget` waits for what is on its way
CLOSE_S = 0.8  # how long `stop` waits for what is under way; a bridge has to close within a second


class Courier:
    """Hand what waits in an outbox to `deliver`, in order, until stopped.

    deliver: takes events, returns how many of them it passed on and how many errors it met; the rest are counted as
    dropped. Where it raises, all of them are, and the courier goes on: the outbox's `problem` says what was wrong until
    something could be delivered again. linger_s: how long to wait after the first event for those of the same frame.
    on_beat: called at least every BEAT_S.
    """

    def __init__(
        self,
        outbox: Outbox,
        deliver: Callable[[Sequence[Event]], tuple[int, int]],
        *,
        name: str,
        linger_s: float = 0.0,
        on_beat: Callable[[], None] | None = None,
    ) -> None:
        self._outbox = outbox
        self._deliver = deliver
        self._name = name
        self._linger_s = linger_s
        self._on_beat = on_beat
        self._stumbled = False
        self._stopping = threading.Event()
        self._busy = threading.Lock()  # held while events are on their way from the outbox to the receiver
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Open the outbox and begin; a courier runs once."""
        self._outbox.open()
        self._thread.start()

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all; what is on its way has arrived when this returns.

        A receiver that holds us up for longer than FORGET_S is not waited for.
        """
        self._outbox.forget(stream)
        if self._busy.acquire(timeout=FORGET_S):
            self._busy.release()

    def stop(self) -> bool:
        """Deliver what is left for up to CLOSE_S, drop the rest; return whether the thread has ended."""
        self._outbox.shut()
        self._stopping.set()
        self._thread.join(CLOSE_S)
        self._outbox.abandon()
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._outbox.wait(BEAT_S)
            if self._linger_s and self._outbox.stats().waiting:
                self._stopping.wait(self._linger_s)
            with self._busy:
                self._hand_over([item.event for item in self._outbox.take()])
            self._beat()
        self._hand_over([item.event for item in self._outbox.take()])

    def _beat(self) -> None:
        if self._on_beat is None:
            return
        try:
            self._on_beat()
        except Exception as error:  # noqa: BLE001 - as in _hand_over
            self._stumble(error)

    def _hand_over(self, events: Sequence[Event]) -> None:
        if not events:
            return
        try:
            sent, errors = self._deliver(events)
        except Exception as error:  # noqa: BLE001 - the edge of a thread: a bridge that stumbles goes on and says so
            self._outbox.settle(dropped=len(events))
            self._stumble(error)
            return
        self._outbox.settle(sent=sent, dropped=len(events) - sent, errors=errors)
        if self._stumbled:
            self._stumbled, self._outbox.problem = False, ""

    def _stumble(self, error: Exception) -> None:
        self._stumbled = True
        self._outbox.problem = f"{self._name}: {type(error).__name__}: {error}"
        self._outbox.settle(errors=1)
