"""What a function that runs in a worker's process is given: a channel to its sensor."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final

from ..engine.clock import NS_PER_MS
from .worker_message import pack, pack_facts

_BEAT_NS: Final = 50 * NS_PER_MS  # between two signs of life

Settings = Mapping[str, Any]
Target = Callable[["Channel", Settings], None]


class StuckError(Exception):
    """Report that this process cannot go on, and that a new one may."""


class Channel:
    """Say things to the sensor.

    Every message is a sign of life; whoever says nothing for Patience.hang_s is taken to hang and is killed. `again`
    is True where an earlier worker of the same sensor died.
    """

    def __init__(self, pipe: BinaryIO, *, again: bool = False) -> None:
        self._pipe = pipe
        self._beat_ns = 0
        self._lock = threading.Lock()
        self.again = again

    def ready(self, **facts: object) -> None:
        """Say that work begins, and what was found (names and plain values)."""
        self._say(pack_facts("ready", facts))

    def beat(self) -> None:
        """Give a sign of life; cheap enough for every turn of a loop."""
        if time.monotonic_ns() - self._beat_ns >= _BEAT_NS:
            self._say(pack("beat"))

    def send(self, data: bytes) -> None:
        """Pass a result of up to 4096 bytes on, waiting where the sensor wants every one; raises ValueError beyond."""
        self._say(pack("data", data))

    def tell(self, state: str, text: str = "") -> None:
        """Say in a word how it goes ("live", "stale"), and in a line why."""
        self._say(pack_facts("told", {"state": state, "text": text}))

    def fail(self, text: str, mend: str = "", *, again: bool = False) -> None:
        """Say that this cannot go on; again: that a new process may do better."""
        self._say(pack_facts("failed", {"text": text, "again": again, "mend": mend}))

    def end(self) -> None:
        """Say that all is done."""
        self._say(pack("ended"))

    def _say(self, message: bytes) -> None:
        with self._lock:
            self._beat_ns = time.monotonic_ns()
            self._pipe.write(message)
            self._pipe.flush()


def find(name: str) -> Any:
    """Return what MODULE:NAME names; raises ImportError or AttributeError."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
