"""The far side of a worker: run one function in this process, and tell the sensor how it goes.

Started as `python -m emotus.sensors.worker_child MODULE:FUNCTION SETTINGS first|again` by sensors/worker.py.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading

from ..engine.errors import EmotusError, InputError
from .worker_channel import Channel, StuckError, find


def _told(error: EmotusError) -> tuple[str, str]:
    """Return what is wrong and its mend; the sensor knows the place."""
    return (error.problem, error.mend) if isinstance(error, InputError) else (str(error), "")


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
        channel.fail(*_told(error))
    except StuckError as error:
        channel.fail(str(error), again=True)
    except Exception as error:  # noqa: BLE001 - the edge of the process: the sensor tells it in one line
        channel.fail(f"{type(error).__name__}: {error}", again=True)
    os._exit(0)  # networks and cameras may take seconds to tear down, or hang in it


if __name__ == "__main__":
    main(sys.argv[1:])
