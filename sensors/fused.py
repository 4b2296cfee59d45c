"""Hear several sensors as one performer: `fuse:(URI)(URI)`, such as a camera and some inertial sensors."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import EmotusError, UriError
from ..engine.pose import Pose
from .base import Health, Sensor
from .fusion import Fuser
from .info import SensorInfo, stream_option
from .options import check_keys, parse_uri, stream_name

SCHEME: Final = "fuse"
MOST: Final = 4
INFOS: Final = (
    SensorInfo(
        SCHEME,
        "fuse:(SENSOR)(SENSOR)",
        "two to four sensors on one performer, each joint from the one that is surest of it",
        (stream_option("fused"),),
        "fuse:(webcam:0)(imu:udp://127.0.0.1:9770)?stream=anna",
        gives="what any of the sensors knows; the first is the reference of time and place",
    ),
)
_OPTIONS: Final[tuple[str, ...]] = tuple(option.name for option in INFOS[0].options)
_GROUP: Final = re.compile(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)")  # in brackets, with one level of brackets within
_WAIT_S: Final = 0.09  # what read() waits at most, with a little left for the work
_HELD: Final = 256  # poses that wait to be fused: more than a second of four sensors
_READ_S: Final = 0.02  # a sensor that has nothing and does not wait by itself is asked so often


class HeldClock:
    """Stand still while several recordings are opened one after another, so that they begin at one moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held_ns: int | None = None

    def hold(self) -> None:
        """Stand still."""
        self._held_ns = self._clock.now_ns()

    def release(self) -> None:
        """Go on."""
        self._held_ns = None

    def now_ns(self) -> int:
        """Return the time now, or that at which it was held."""
        held_ns = self._held_ns
        return self._clock.now_ns() if held_ns is None else held_ns

    def sleep_until_ns(self, t_ns: int) -> None:
        """Return once the clock shows t_ns."""
        self._clock.sleep_until_ns(t_ns)


class FusedSensor:
    """Give one performer from several sensors: each is read in a thread of its own, so that none holds up the others.

    names: their addresses, for messages. clock: the sensors' own too; those of a HeldClock begin at one moment.
    Where no sensor is live they are read in the order of their times, without threads, as fast as they go. open raises
    what the first sensor that cannot be opened raises. One that dies later leaves the others.
    """

    def __init__(self, sensors: Sequence[Sensor], names: Sequence[str], clock: Clock, stream: str = "fused") -> None:
        self._start = clock if isinstance(clock, HeldClock) else HeldClock(clock)
        self._sensors = tuple(sensors)
        self._names = tuple(names)
        self._clock = clock
        self._fuser = Fuser(len(self._sensors), stream)
        self.live = any(sensor.live for sensor in self._sensors)
        self._lock = threading.Condition()
        self._state: Literal["closed", "live", "ended"] = "closed"
        self._threads: list[threading.Thread] = []
        self._rewind()

    def _rewind(self) -> None:
        self._came: deque[tuple[int, Pose, int]] = deque(maxlen=_HELD)
        self._ready: deque[Pose] = deque(maxlen=_HELD)
        self._problems: dict[int, str] = {}
        self._backlog = 0
        self._given = 0
        self._over: set[int] = set()  # sensors that have ended
        self._next: dict[int, Pose] = {}  # of each recording, where none is live

    @property
    def rate_hz(self) -> float:
        """Return the rate of the reference, the first sensor."""
        return self._sensors[0].rate_hz

    def open(self) -> None:
        """Open every sensor; where one cannot be opened none stays open."""
        self.close()
        opened: list[Sensor] = []
        self._start.hold()
        try:
            for sensor in self._sensors:
                sensor.open()
                opened.append(sensor)
        except BaseException:
            for sensor in opened:
                sensor.close()
            raise
        finally:
            self._start.release()
        with self._lock:
            self._rewind()
            self._fuser.reset()
            self._state = "live"
        if self.live:
            self._threads = [
                threading.Thread(target=self._listen, args=(i,), name=f"fuse-{i}", daemon=True)
                for i in range(len(self._sensors))
            ]
            for thread in self._threads:
                thread.start()

    def _listen(self, index: int) -> None:
        """Read one sensor until it ends or all are closed."""
        sensor = self._sensors[index]
        while self._state == "live":
            pose = self._read(index)
            with self._lock:
                if pose is not None:
                    self._backlog += len(self._came) == _HELD
                    self._came.append((index, pose, self._clock.now_ns()))
                    self._lock.notify()
            if pose is None and (index in self._problems or sensor.health().state in ("ended", "lost", "closed")):
                break
            if pose is None:
                threading.Event().wait(_READ_S)
        with self._lock:
            self._over.add(index)
            self._fuser.end(index)
            self._lock.notify()

    def _read(self, index: int) -> Pose | None:
        """Read one sensor; one that breaks is told, and the others go on."""
        try:
            return self._sensors[index].read()
        except EmotusError as error:
            with self._lock:
                self._problems[index] = str(error)
            return None

    def read(self) -> Pose | None:
        """Return the next fused pose, waiting for one at most 0.1 s."""
        if self._state != "live":
            return None
        if not self.live:
            self._advance()
        with self._lock:
            if self.live and not self._ready:
                self._drain()
                if not self._ready and len(self._over) < len(self._sensors):
                    self._lock.wait(_WAIT_S / 3)
                    self._drain()
            if self._ready and self._state == "live":
                self._given += 1
                return self._ready.popleft()
            if len(self._over) == len(self._sensors) and not (self._came or self._next) and self._state == "live":
                self._state = "ended"
        return None

    def _drain(self) -> None:
        """Fuse what has come; the lock is held."""
        while self._came:
            index, pose, came_ns = self._came.popleft()
            self._ready.extend(self._fuser.push(index, pose, came_ns))
        everything = len(self._over) == len(self._sensors)
        self._ready.extend(self._fuser.settle(self._clock.now_ns() + (NS_PER_S if everything else 0)))

    def _advance(self) -> None:
        """Read recordings in the order of their times until a frame is fused."""
        while not self._ready and (len(self._over) < len(self._sensors) or self._next):
            for index in range(len(self._sensors)):
                if index not in self._over and index not in self._next:
                    self._look(index)
            if self._next:
                index = min(self._next, key=lambda each: self._next[each].t_ns)
                self._ready.extend(self._fuser.push(index, self._next.pop(index), 0))
            elif len(self._over) < len(self._sensors):
                return  # one of them has nothing yet
        if len(self._over) == len(self._sensors) and not self._next:
            self._ready.extend(self._fuser.settle(NS_PER_S))

    def _look(self, index: int) -> None:
        """Take the next pose of a recording, or note that it has ended."""
        pose = self._read(index)
        if pose is not None:
            self._next[index] = pose
        elif index in self._problems or self._sensors[index].health().state != "live":
            self._over.add(index)
            self._fuser.end(index)

    def close(self) -> None:
        """Close every sensor; harmless when repeated or never opened."""
        with self._lock:
            self._state = "closed"
            self._lock.notify_all()
        for sensor in self._sensors:
            sensor.close()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def health(self) -> Health:
        """Return the state, live while any sensor is, with what each of them says, and all their counters added."""
        each = [sensor.health() for sensor in self._sensors]
        with self._lock:
            state, problems, backlog, given = self._state, dict(self._problems), self._backlog, self._given
        counters: dict[str, int] = {}
        for health in each:
            for reason, count in health.counters.items():
                if reason != "received":
                    counters[reason] = counters.get(reason, 0) + count
        counters |= {"received": given, "dropped_backlog": counters.get("dropped_backlog", 0) + backlog}
        for reason, count in self._fuser.counters.items():
            counters[reason] = counters.get(reason, 0) + count
        told = [problems.get(i) or health.message or health.state for i, health in enumerate(each)]
        lines = [f"{name}: {line}" for name, line in zip(self._names, told, strict=True)]
        if state != "live":
            return Health(state, "\n".join(lines), counters)
        alive = any(health.state == "live" for health in each)
        return Health("live" if alive else "stale", "\n".join(lines), counters)


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> FusedSensor:
    """Make the sensor of `fuse:(URI)(URI)?stream=NAME`; raises UriError for fewer than two or more than four."""
    from .uri import open_sensor

    place = f"fuse:{path}"
    check_keys(place, options, _OPTIONS)
    names = inner_uris(path)
    for name in names:
        if parse_uri(name).scheme == SCHEME:
            raise UriError(place, "a fusion within a fusion", mend="list up to four sensors side by side")
    if not 2 <= len(names) <= MOST:
        mend = f"two to {MOST} sensors, each in brackets: fuse:(webcam:0)(imu:udp://127.0.0.1:9770)"
        raise UriError(place, "not a list of sensors", mend=mend)
    held = HeldClock(clock)
    return FusedSensor([open_sensor(name, held) for name in names], names, held, stream_name(place, options, "fused"))


def inner_uris(path: str) -> tuple[str, ...]:
    """Return the addresses in the brackets of a fusion, nothing where it is none."""
    found = tuple(_GROUP.findall(path))
    return found if "".join(f"({each})" for each in found) == path else ()
