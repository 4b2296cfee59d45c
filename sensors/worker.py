"""A worker: a function in a process of its own that may hang or crash, watched, and started again.

What it says comes through one pipe in messages of at most 4096 bytes. Any sensor whose source can block for ever or
take the whole process down (cameras, drivers, native networks) belongs in one.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal, cast

from ..engine.errors import InputError, PacketError
from .worker_message import Message, read_message

State = Literal["closed", "starting", "live", "stale", "ended", "failed"]

_LOOK_S: Final = 0.05  # between two looks at the process while waiting
_GRACE_S: Final = 0.2  # for a process to leave by itself when its standard input closes
_QUIET: Final = {
    "OMP_NUM_THREADS": "1",
    "GLOG_minloglevel": "3",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "OPENCV_LOG_LEVEL": "ERROR",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """Say how long a worker may be silent (until it is ready, and after), and how often it is started again."""

    start_s: float = 40.0
    hang_s: float = 5.0
    restarts: int = 5
    window_s: float = 60.0
    pause_s: float = 0.1  # before the first restart; doubled with each further one in the window


class _Run:
    """One process and the thread that listens to it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.heard = time.monotonic()
        self.ready = False
        self.waiting = False  # its next message is held back until the sensor takes one
        self.gone = False
        self.reason = ""  # why it is gone, where it said so or where it could not be understood
        self.thread: threading.Thread | None = None


class Worker:
    """Run `target` ("MODULE:FUNCTION", called with a Channel and the settings) in a process, again where it dies.

    capacity: results held for the sensor. lossless: the process waits when so many are held; otherwise the oldest is
    dropped and counted, so that what is taken is the newest. A process that is silent for patience.hang_s is killed.
    After patience.restarts restarts within patience.window_s the state is "failed" and stays so.

    `receive` does the watching: call it at least every second. Real processes keep real time, so no clock is injected.
    """

    def __init__(
        self,
        target: str,
        settings: Mapping[str, object],
        *,
        place: str,
        patience: Patience = Patience(),
        capacity: int = 4,
        lossless: bool = False,
    ) -> None:
        self._command = (sys.executable, "-m", "emotus.sensors.worker_child", target, json.dumps(settings))
        self._place = place
        self._patience = patience
        self._capacity = capacity
        self._lossless = lossless
        self._changed = threading.Condition()
        self._run: _Run | None = None
        self._buried: deque[_Run] = deque(maxlen=64)  # ended; their threads are joined on closing
        self._reset()

    def _reset(self) -> None:
        self._inbox: deque[bytes] = deque()
        self._restarts: deque[float] = deque(maxlen=self._patience.restarts + 1)
        self._due = 0.0
        self.restarted = 0
        self.dropped = 0
        self.state: State = "closed"
        self.message = ""
        self.mend = ""
        self.facts: dict[str, object] = {}

    @property
    def pid(self) -> int | None:
        """Return the process's id, None where there is none just now."""
        run = self._run
        return None if run is None else run.process.pid

    def start(self) -> dict[str, object]:
        """Start the process and return the facts it is ready with; raises InputError where it never is."""
        self.close()
        self._reset()
        self.state = "starting"
        self._begin(again=False)
        with self._changed:
            while self.state == "starting":
                self._watch()
                self._changed.wait(_LOOK_S)
            if self.state not in ("failed", "closed"):
                return self.facts
        message, mend = self.message or "closed before it was ready", self.mend
        self.close()
        raise InputError(self._place, message, mend=mend)

    def receive(self, wait_s: float) -> bytes | None:
        """Return the next result, waiting at most so long; None where there is none yet, or none any more."""
        deadline = time.monotonic() + wait_s
        with self._changed:
            while not self._inbox:
                self._watch()
                left_s = deadline - time.monotonic()
                if self.state in ("closed", "ended", "failed") or left_s <= 0:
                    return None
                self._changed.wait(min(left_s, _LOOK_S))
            self._changed.notify_all()
            return self._inbox.popleft()

    def close(self) -> None:
        """End the process and free everything; harmless when repeated or never started."""
        with self._changed:
            run, self._run = self._run, None
            self.state = "closed"
            self._inbox.clear()
            self._changed.notify_all()
        if run is not None:
            _kill(run.process, _GRACE_S)
            self._buried.append(run)
        while self._buried:
            thread = self._buried.popleft().thread
            if thread is not None:
                thread.join(1.0)

    def _begin(self, *, again: bool) -> None:
        """Start a process, and a thread that listens to it."""
        environment = {**os.environ, **_QUIET, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        loud = bool(os.environ.get("EMOTUS_DEBUG"))
        run = _Run(
            subprocess.Popen(  # noqa: S603 - our own interpreter and module
                (*self._command, "again" if again else "first"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=None if loud else subprocess.DEVNULL,
                env=environment,
            )
        )
        run.thread = threading.Thread(target=self._listen, args=(run,), name="worker-pipe", daemon=True)
        self._run = run
        run.thread.start()

    def _listen(self, run: _Run) -> None:
        """Take in what one process says until its pipe ends."""
        pipe = cast("BinaryIO", run.process.stdout)
        try:
            while (message := read_message(pipe)) is not None:
                with self._changed:
                    if run is not self._run:
                        return
                    self._take(run, message)
        except (PacketError, OSError) as error:
            run.reason = run.reason or f"the worker could not be understood: {error}"
        finally:
            pipe.close()
            with self._changed:
                run.gone = True
                self._changed.notify_all()

    def _take(self, run: _Run, message: Message) -> None:
        """Act on one message; with the lock held."""
        run.heard = time.monotonic()
        if message.kind == "ready":
            run.ready = True
            self.facts = message.facts()
            self.state, self.message = "live", ""
        elif message.kind == "data":
            self._put(run, message.body)
        elif message.kind == "told":
            facts = message.facts()
            self.state = "stale" if facts.get("state") == "stale" else "live"
            self.message = str(facts.get("text", ""))
        elif message.kind == "failed":
            facts = message.facts()
            run.reason, self.mend = str(facts.get("text", "")), str(facts.get("mend", ""))
            if not facts.get("again"):
                self.state, self.message = "failed", run.reason
        elif message.kind == "ended":
            self.state = "ended"
        self._changed.notify_all()

    def _put(self, run: _Run, data: bytes) -> None:
        """Hold a result: after waiting for room, or in place of the oldest."""
        if self._lossless:
            run.waiting = True
            while len(self._inbox) >= self._capacity and run is self._run:
                self._changed.wait(_LOOK_S)
            run.waiting, run.heard = False, time.monotonic()
            if run is not self._run:
                return
        elif len(self._inbox) >= self._capacity:
            self._inbox.popleft()
            self.dropped += 1
        self._inbox.append(data)

    def _watch(self) -> None:
        """Start again what died, kill what hangs; with the lock held."""
        run = self._run
        if self.state in ("closed", "ended", "failed"):
            return
        if run is None:
            if time.monotonic() >= self._due:
                self._begin(again=True)
            return
        silent_s = time.monotonic() - run.heard
        allowed_s = self._patience.hang_s if run.ready else self._patience.start_s
        if run.gone:
            self._bury(run, run.reason or f"the worker {_last_words(run.process)}")
        elif silent_s > allowed_s and not run.waiting:
            self._bury(run, f"the worker gave no sign of life for {silent_s:.1f} s and was killed")

    def _bury(self, run: _Run, why: str) -> None:
        """End a process, and say when the next begins, if any; with the lock held."""
        self._run = None
        self._buried.append(run)
        _kill(run.process)
        now = time.monotonic()
        recent = [each for each in self._restarts if now - each < self._patience.window_s]
        if self.state == "starting" or not self._patience.restarts:  # whoever opens the sensor wants to know now
            self.state, self.message = "failed", why
        elif len(recent) >= self._patience.restarts:
            tried = f"started {len(recent)} times again within {self._patience.window_s:g} s"
            self.state, self.message = "failed", f"{why}; {tried}, now given up"
        else:
            self._restarts.append(now)
            self._due = now + min(self._patience.pause_s * 2 ** len(recent), 2.0)
            self.restarted += 1
            self.state, self.message = "stale", f"{why}; starting again"


def _kill(process: subprocess.Popen[bytes], grace_s: float = 0.0) -> None:
    """End a process: by closing its standard input, and where that does not help within grace_s, by force."""
    with contextlib.suppress(OSError):
        cast("BinaryIO", process.stdin).close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace_s)
    if process.poll() is None:
        process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):  # a driver may hold even a killed process for a while
        process.wait(2.0)


def _last_words(process: subprocess.Popen[bytes]) -> str:
    """Say how a process ended, by its status."""
    try:
        status = process.wait(2.0)  # its pipe ends a little before it does
    except subprocess.TimeoutExpired:
        return "closed its pipe"
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
