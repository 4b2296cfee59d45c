"""Supervision: when to try again what broke, and a watchdog that tells of threads that stand still."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from .clock import NS_PER_S, Clock

TRIES: Final = 5
WINDOW_NS: Final = 60 * NS_PER_S
FIRST_NS: Final = NS_PER_S // 5
MOST_NS: Final = 10 * NS_PER_S
PATIENCE_S: Final = 2.0  # reads return within 0.1 s, steps within milliseconds
LOOK_S: Final = 0.25
Tell = Callable[[Literal["info", "error"], str, str], None]


class Backoff:
    """Say how long to wait before the next try: 0.2 s, then twice as long each time; five tries a minute at most."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all tries."""
        self._tries: deque[int] = deque(maxlen=TRIES)

    def wait_ns(self, now_ns: int) -> int:
        """Return how long from now the next try is due, and count it."""
        while self._tries and now_ns - self._tries[0] >= WINDOW_NS:
            self._tries.popleft()
        wait_ns = min(FIRST_NS * 2 ** len(self._tries), MOST_NS)
        if len(self._tries) == TRIES:
            wait_ns = max(wait_ns, self._tries[0] + WINDOW_NS - now_ns)
        self._tries.append(now_ns + wait_ns)
        return wait_ns


class Pulse:
    """Let a thread show that it moves; written by that thread, read by the watchdog."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self.beat()
        self.told = False

    def beat(self) -> None:
        """Show that this thread moves."""
        self.thread_id = threading.get_ident()
        self.last_ns = self._clock.now_ns()


class Watchdog:
    """Look four times a second whether every thread moves; tell once when one stands still, and once when it goes on.

    Nothing can end a thread that hangs: what may hang for ever belongs in a worker (sensors/worker.py), which is killed
    and started again. tell: called with level, code and a line, from the watchdog's own thread.
    """

    def __init__(self, clock: Clock, tell: Tell, *, patience_s: float = PATIENCE_S) -> None:
        self._clock = clock
        self._tell = tell
        self._patience_ns = round(patience_s * NS_PER_S)
        self._pulses: list[Pulse] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def watch(self, name: str) -> Pulse:
        """Return the pulse of one more thread."""
        pulse = Pulse(name, self._clock)
        self._pulses.append(pulse)
        return pulse

    def release(self, pulse: Pulse) -> None:
        """Watch a thread no longer: it has ended."""
        if pulse in self._pulses:
            self._pulses.remove(pulse)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        looked_ns = self._clock.now_ns()
        while not self._over.wait(LOOK_S):
            before_ns, looked_ns = looked_ns, self._clock.now_ns()
            if looked_ns - before_ns < 4 * LOOK_S * NS_PER_S:  # or the whole process stood still: nobody's fault
                self.look(looked_ns)

    def look(self, now_ns: int) -> None:
        """Tell of each thread that stands still now or moves again."""
        for pulse in tuple(self._pulses):
            still_ns = now_ns - pulse.last_ns
            if still_ns > self._patience_ns and not pulse.told:
                pulse.told = True
                where = _stands_in(pulse.thread_id)
                self._tell("error", "stalled", f"{pulse.name} has not moved for {still_ns / NS_PER_S:.1f} s{where}")
            elif still_ns <= self._patience_ns and pulse.told:
                pulse.told = False
                self._tell("info", "moving", f"{pulse.name} moves again")


def _stands_in(thread_id: int) -> str:
    """Say in which function of ours or of a library a thread is."""
    frame = sys._current_frames().get(thread_id)  # pyright: ignore[reportPrivateUsage] - the only way to see into it
    if frame is None:
        return ""
    return f": it is in {frame.f_code.co_name} of {Path(frame.f_code.co_filename).name}"
