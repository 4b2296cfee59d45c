"""The far side of a worker: run one function in this process, and tell the sensor how it goes.

Started as `python -m emotus.sensors.worker_child MODULE:FUNCTION SETTINGS AGAIN` by sensors/worker.py.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final

from ..engine.clock import NS_PER_MS
from ..engine.errors import EmotusError
from .worker_message import pack, pack_facts

_BEAT_NS: Final = 50 * NS_PER_MS  # between two signs of life

Settings = Mapping[str, Any]
Target = Callable[["Channel", Settings], None]


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

    def fail(self, text: str, *, again: bool = False, mend: str = "") -> None:
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


def leave_with_the_sensor() -> None:
    """End this process as soon as the sensor closes our standard input, or dies: no camera stays on behind it."""
    while os.read(0, 1):
        pass
    os._exit(0)


def main(words: list[str]) -> None:
    """Run the target with its settings; whatever it raises is told, and the process ends."""
    target, settings, again = words
    pipe = os.fdopen(os.dup(1), "wb")  # ours alone: libraries that print must not garble it
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the sensor closes us
    threading.Thread(target=leave_with_the_sensor, daemon=True).start()
    channel = Channel(pipe, again=again == "again")
    try:
        find(target)(channel, json.loads(settings))
        channel.end()
    except BrokenPipeError:
        os._exit(0)
    except EmotusError as error:
        channel.fail(str(error))
    except Exception as error:  # noqa: BLE001 - the edge of the process: the sensor tells it in one line
        channel.fail(f"{type(error).__name__}: {error}", again=True)
    os._exit(0)  # networks and cameras may take seconds to tear down, or hang in it


if __name__ == "__main__":
    main(sys.argv[1:])
