"""The sensors' threads: one each, from the sensor to the inbox; one that breaks or hangs takes nobody with it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

from .clock import NS_PER_S, Clock
from .errors import EmotusError
from .gate import Gate
from .inbox import Inbox
from .notices import Level
from .ports import Source
from .supervision import Backoff, Pulse, Watchdog

LEAVE_S: Final = 1.0  # what all sensors together may take to end; Ctrl-C has two seconds in all


class SensorThreads:
    """Read every sensor in a thread of its own until it ends or `stop` is set.

    A live sensor that says `reopens` (a network, not a file) is opened again where it breaks, five times a minute at
    most. broken: what ended a sensor for good, a line each. said: level, code and line of what else there is to tell.
    unexpected: something broke that was not wrong input. All three are for the inference thread to take.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        inbox: Inbox,
        gate: Gate,
        clock: Clock,
        watchdog: Watchdog,
        *,
        stop: threading.Event,
    ) -> None:
        self._sources = sources
        self._inbox = inbox
        self._gate = gate
        self._clock = clock
        self._watchdog = watchdog
        self._stop = stop
        self._threads: list[threading.Thread] = []
        self._hung: set[int] = set()
        self.broken: deque[str] = deque(maxlen=len(sources))
        self.said: deque[tuple[Level, str, str]] = deque(maxlen=8 * (1 + len(sources)))
        self.unexpected = False

    def start(self) -> None:
        """Begin to read."""
        self._threads = [
            threading.Thread(target=self._run, args=(source,), name=f"sensor-{i}", daemon=True)
            for i, source in enumerate(self._sources)
        ]
        for thread in self._threads:
            thread.start()

    def are_over(self) -> bool:
        """Tell whether every sensor has ended."""
        return not any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        """Wait until all have ended, a second at most for all of them together."""
        deadline_ns = self._clock.now_ns() + round(LEAVE_S * NS_PER_S)
        for thread, source in zip(self._threads, self._sources, strict=True):
            thread.join(max(0.0, (deadline_ns - self._clock.now_ns()) / NS_PER_S))
            if thread.is_alive():
                self._hung.add(id(source))

    def close(self, source: Source) -> None:
        """Close a sensor; one whose thread hangs is closed by another thread, for which nobody waits."""
        if id(source) not in self._hung:
            source.close()
            return
        threading.Thread(target=source.close, name="closing", daemon=True).start()

    def _run(self, source: Source) -> None:
        pulse, backoff = self._watchdog.watch(_name(source)), Backoff()
        try:
            while not self._stop.is_set() and source.health().state not in ("ended", "lost"):
                pulse.beat()
                self._read(source, backoff, pulse)
        except EmotusError as error:
            self.broken.append(str(error))
        except Exception as error:  # noqa: BLE001 - the edge of a thread: whatever broke, the show goes on and says so
            self.unexpected = True
            self.broken.append(f"{type(source).__name__} failed: {type(error).__name__}: {error}")
        finally:
            self._watchdog.release(pulse)
            self._inbox.wake()

    def _read(self, source: Source, backoff: Backoff, pulse: Pulse) -> None:
        """Move one pose on, or open again what broke and can be opened again."""
        try:
            pose = source.read()
        except EmotusError:
            raise  # it knows what it says: no second try will help
        except Exception as error:
            if not getattr(source, "reopens", False):
                raise
            self._reopen(source, error, backoff, pulse)
            return
        if pose is not None:
            self._gate.claim(pose.stream, source)
            if self._gate.may_enter(pose, source):
                self._inbox.put(pose)

    def _reopen(self, source: Source, error: Exception, backoff: Backoff, pulse: Pulse) -> None:
        """Open a sensor that broke again, as often as it takes and no oftener than the back-off allows."""
        name = _name(source)
        while self._waits(backoff, pulse, f"{name}: {type(error).__name__}: {error}; it is opened again"):
            try:
                source.close()
                source.open()
            except Exception as again:  # noqa: BLE001 - a port not free yet, a network not there yet: the next try tells
                error = again
                continue
            self.said.append(("info", "sensor-back", f"{name}: open again"))
            return

    def _waits(self, backoff: Backoff, pulse: Pulse, why: str) -> bool:
        """Say what is wrong and wait for the next try; return False where the show is over before."""
        self.said.append(("warning", "sensor-broken", why))
        now_ns = self._clock.now_ns()
        due_ns = now_ns + backoff.wait_ns(now_ns)
        while self._clock.now_ns() < due_ns and not self._stop.wait(0.05):
            pulse.beat()
        return not self._stop.is_set()


def _name(source: Source) -> str:
    """Return what a sensor is called where it is told of: its address, where it knows it."""
    return str(getattr(source, "place", "") or type(source).__name__)
