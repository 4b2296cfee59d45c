"""What a running show may be told from outside: commands as frozen values, and the bounded queue they wait in.

A command comes from a patch (OSC), a program (WebSocket) or a button (the page). All use the same words, `WORDS`;
`parse` makes a command of a word and its arguments, or raises ControlError and nothing else.
"""

from __future__ import annotations

import math
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from .buffers import BufferStats
from .errors import ControlError
from .events import UNKNOWN
from .steering import Steering, direction_of, generate_of, intensity_of, mirror_of, speed_of

MAX_LABEL: Final = 48  # characters; what an OSC address carries of a name
MAX_SECONDS: Final = 7 * 24 * 3600.0
CAPACITY: Final = 64  # commands that wait: the engine looks every 20 ms
WARM_UP_S: Final = 45.0  # of calibration, unless said
ALL_PURPOSES: Final = ("recognise", "signature", "record", "stream")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class TeachStart:
    """Begin to record a take of the label, after a count-in; stream None means the only performer there is."""

    label: str
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class TeachStop:
    """End the take that is being recorded, and learn from it."""

    stream: str | None = None


@dataclass(frozen=True, slots=True)
class TeachUndo:
    """Throw away the take that is being recorded, or else the last one, and learn again without it."""

    stream: str | None = None


@dataclass(frozen=True, slots=True)
class BaselineFreeze:
    """Let the performer's baseline stand as it is."""

    stream: str | None = None


@dataclass(frozen=True, slots=True)
class BaselineResume:
    """Let the performer's baseline follow her again."""

    stream: str | None = None


@dataclass(frozen=True, slots=True)
class Calibrate:
    """Make the performer's baseline anew from so many seconds of her usual movement, beginning now."""

    seconds: float = WARM_UP_S
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class RecordStart:
    """Go on recording, in a new file of the recorder that the run has."""


@dataclass(frozen=True, slots=True)
class RecordStop:
    """End the file that is being recorded, so that it can be played at once, and record nothing more for now."""


@dataclass(frozen=True, slots=True)
class ConsentGrant:
    """Open a stream, or all there are and will be, for these purposes, for ever or for so many seconds."""

    subject: str
    stream: str | None = None
    purposes: tuple[str, ...] = ALL_PURPOSES
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ConsentRevoke:
    """Close a stream, or all, and erase what is held of it."""

    stream: str | None = None


@dataclass(frozen=True, slots=True)
class StopEverything:
    """End the show at once: nothing more leaves."""


Command = (
    TeachStart
    | TeachStop
    | TeachUndo
    | BaselineFreeze
    | BaselineResume
    | ConsentGrant
    | ConsentRevoke
    | StopEverything
    | Calibrate
    | RecordStart
    | RecordStop
    | Steering
)
Arguments = Mapping[str, object]
URGENT: Final = (ConsentRevoke, StopEverything)


class ControlInbox:
    """Hold the commands between those who give them and the inference thread; safe from any thread.

    At most `capacity` wait; what finds no room is refused and counted, but a revocation or a stop always finds room:
    the newest other command makes way for it, and it is taken first.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._waiting: deque[Command] = deque()
        self._lock = threading.Lock()
        self._dropped = 0
        self._malformed = 0
        self._problem = ""

    def put(self, command: Command) -> bool:
        """Add a command; return whether there was room."""
        with self._lock:
            if command in self._waiting and isinstance(command, URGENT):
                return True
            if len(self._waiting) >= self._capacity:
                self._dropped += 1
                if not isinstance(command, URGENT):
                    return False
                self._waiting.pop()
            if isinstance(command, URGENT):
                self._waiting.appendleft(command)
            else:
                self._waiting.append(command)
            return True

    def refuse(self, problem: str) -> None:
        """Count a message that was no command, and remember why."""
        with self._lock:
            self._malformed += 1
            self._problem = problem

    def take(self) -> tuple[Command, ...]:
        """Return all that waits, the urgent first."""
        if not self._waiting:  # looked at after every pose: an empty queue costs nothing
            return ()
        with self._lock:
            commands = tuple(self._waiting)
            self._waiting.clear()
            return commands

    def problems(self) -> tuple[int, str]:
        """Return how many messages were no commands, and what was wrong with the last."""
        with self._lock:
            return self._malformed, self._problem

    def stats(self) -> BufferStats:
        """Return used, capacity and dropped."""
        with self._lock:
            return BufferStats(len(self._waiting), self._capacity, self._dropped)


def parse(word: str, arguments: Arguments) -> Command:
    """Return the command of a word of WORDS; raise ControlError for an unknown word or wrong arguments."""
    make = _MAKERS.get(word)
    if make is None:
        raise ControlError(f"no such command: {word[:40]!r} (there are {', '.join(WORDS)})")
    fields, maker = make
    unknown = sorted(set(arguments) - set(fields))
    if unknown:
        raise ControlError(f"{word} knows no {unknown[0][:40]!r} (it takes {', '.join(fields) or 'nothing'})")
    return maker({name: value for name, value in arguments.items() if value is not None})


def fields_of(word: str) -> tuple[str, ...]:
    """Return the names of a command's arguments in the order in which a message without names gives them."""
    return _MAKERS[word][0] if word in _MAKERS else ()


def check_label(label: object) -> str:
    """Return a label without blanks around it; raise ControlError where it cannot be one."""
    text = " ".join(label.split()) if isinstance(label, str) else ""
    if not 1 <= len(text) <= MAX_LABEL or not text.isprintable():
        raise ControlError(f"a label has 1 to {MAX_LABEL} characters that can be printed")
    if text.lower() == UNKNOWN:
        raise ControlError(f"'{UNKNOWN}' is what is said when nothing can be said, and no label")
    return text


def check_purposes(purposes: object) -> tuple[str, ...]:
    """Return the purposes named; raise ControlError for one there is not, or none."""
    if not isinstance(purposes, list | tuple):
        raise ControlError(f"purposes are a list of {', '.join(ALL_PURPOSES)}")
    named = [str(each) for each in purposes]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    unknown = [each for each in named if each not in ALL_PURPOSES]
    if unknown or not named:
        wrong = unknown[0][:40] if unknown else "none"
        raise ControlError(f"no such purpose: {wrong!r} (there are {', '.join(ALL_PURPOSES)})")
    return tuple(each for each in ALL_PURPOSES if each in named)


def check_name(name: object, what: str) -> str:
    """Return the name of a stream or subject; raise ControlError where it cannot be one."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ControlError(f"{what} is 1 to 64 letters, digits, '_', '-' or '.'")
    return name


def _stream(arguments: Arguments) -> str | None:
    return check_name(arguments["stream"], "a stream") if "stream" in arguments else None


def _seconds(arguments: Arguments) -> float | None:
    seconds = arguments.get("seconds")
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise ControlError("seconds are a number")
    if not 0.0 < seconds <= MAX_SECONDS:
        raise ControlError(f"seconds are more than 0 and at most {MAX_SECONDS:.0f} (a week)")
    return float(seconds)


def _calibrate(arguments: Arguments) -> Command:
    seconds = _seconds(arguments)
    return Calibrate(WARM_UP_S if seconds is None else seconds, _stream(arguments))


def _grant(arguments: Arguments) -> Command:
    subject = check_name(arguments.get("subject", "performer"), "a subject")
    purposes = check_purposes(arguments.get("purposes", ALL_PURPOSES))
    return ConsentGrant(subject, _stream(arguments), purposes, _seconds(arguments))


_MAKERS: Final[dict[str, tuple[tuple[str, ...], Callable[[Arguments], Command]]]] = {
    "teach": (("label", "stream"), lambda a: TeachStart(check_label(a.get("label")), _stream(a))),
    "teach/stop": (("stream",), lambda a: TeachStop(_stream(a))),
    "teach/undo": (("stream",), lambda a: TeachUndo(_stream(a))),
    "baseline/freeze": (("stream",), lambda a: BaselineFreeze(_stream(a))),
    "baseline/resume": (("stream",), lambda a: BaselineResume(_stream(a))),
    "calibrate": (("stream", "seconds"), _calibrate),
    "record": ((), lambda _: RecordStart()),
    "record/stop": ((), lambda _: RecordStop()),
    "generate": (("emotion",), generate_of),
    "mirror": (("mode",), mirror_of),
    "intensity": (("value",), intensity_of),
    "direction": (("value",), direction_of),
    "speed": (("value",), speed_of),
    "consent/grant": (("subject", "stream", "purposes", "seconds"), _grant),
    "consent/revoke": (("stream",), lambda a: ConsentRevoke(_stream(a))),
    "stop": ((), lambda _: StopEverything()),
}
WORDS: Final = tuple(_MAKERS)
