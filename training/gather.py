"""Gather what one performer shows, from a sensor or a recording: her baseline, her body, a take; as a run would."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..engine.acquaintance import Acquaintance
from ..engine.clock import NS_PER_S, Clock, MonotonicClock
from ..engine.errors import InputError
from ..engine.events import Event, StatusEvent
from ..engine.pipeline import Engine
from ..engine.recognise import Recogniser
from ..sensors.base import Sensor
from ..sensors.options import parse_uri
from ..sensors.uri import open_sensor, sensor_schemes, shows_a_person

LOST_S: Final = 10.0  # a live sensor that shows nobody for so long will not show anybody
_SCHEMES: Final = {".bvh": "bvh", ".mvnx": "mvnx", ".tsv": "points", ".csv": "points"}
OnSecond = Callable[[int, Acquaintance], None]
OnStatus = Callable[[StatusEvent], None]


def open_place(place: str) -> tuple[Sensor, bool]:
    """Return the sensor of an address or a file, not yet opened, and whether it shows somebody live.

    Recordings are read as fast as they come unless the address says a speed. Raises UriError and InputError.
    """
    clock = MonotonicClock()
    path = Path(place)
    if path.is_file():
        scheme = _SCHEMES.get(path.suffix.lower(), "")
        if scheme not in sensor_schemes():
            raise InputError(place, "is no recording that can be read", mend="a .bvh file, or SCHEME:PATH")
        escaped = place.replace("%", "%25").replace("?", "%3F")
        return open_sensor(f"{scheme}:{escaped}?speed=0", clock), False
    if ":" not in place:
        raise InputError(place, "there is no such file", mend="name a recording, or a sensor as SCHEME:PATH")
    return open_sensor(_at_once(place), clock), shows_a_person(place)


def _at_once(uri: str) -> str:
    """Return the address of a recording with speed=0, unless it says a speed or that it is still being written."""
    parts = parse_uri(uri)
    if shows_a_person(uri) or {"speed", "follow"} & set(parts.options) or parts.scheme == "video":
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}speed=0"


class Stage:
    """Introduce one performer and nobody else; whoever comes second is an error, for all this is about one person."""

    def __init__(self, place: str, acquaintance: Acquaintance) -> None:
        self._place = place
        self._acquaintance = acquaintance
        self._stream: str | None = None

    def meet(self, stream: str) -> Acquaintance:
        """Return the acquaintance to be made; raises InputError for a second performer."""
        if self._stream not in (None, stream):
            raise two_people(self._place)
        self._stream = stream
        return self._acquaintance

    def forget(self, stream: str) -> None:
        """Know of nobody: nothing is kept here."""


def two_people(place: str) -> InputError:
    """Return the error of more than one performer where there should be one."""
    return InputError(place, "shows two people", mend="one performer alone, whom the profile is of")


def gather(
    place: str,
    recogniser: Recogniser,
    acquaintance: Acquaintance,
    *,
    seconds: float | None,
    on_second: OnSecond | None = None,
    on_status: OnStatus | None = None,
) -> float:
    """Run one performer through the engine into an acquaintance; return for how many seconds she was seen.

    seconds: of the recording or of the clock; None to its end. Raises InputError for two people, one after the other
    too, and for a sensor that shows nobody.
    """
    sensor, _ = open_place(place)
    clock = MonotonicClock()
    with contextlib.closing(sensor):
        sensor.open()
        engine = Engine(recogniser, clock, live=sensor.live, acquaintances=Stage(place, acquaintance), max_performers=2)
        run = _Run(place, engine, acquaintance, on_second, on_status)
        run.through(sensor, clock, seconds)
    if run.frames == 0:
        raise InputError(place, "shows nobody", mend="see with `emotus doctor` that the sensor sees the performer")
    return run.seconds


class _Run:
    """Count the frames of one run and tell of its seconds."""

    def __init__(
        self,
        place: str,
        engine: Engine,
        acquaintance: Acquaintance,
        on_second: OnSecond | None,
        on_status: OnStatus | None,
    ) -> None:
        self._place = place
        self._engine = engine
        self._acquaintance = acquaintance
        self._on_second = on_second
        self._on_status = on_status
        self.frames = 0
        self._first_ns = self._last_ns = 0
        self._told = 0

    @property
    def seconds(self) -> float:
        """Return how long the performer has been there."""
        return (self._last_ns - self._first_ns) / NS_PER_S if self.frames else 0.0

    def through(self, sensor: Sensor, clock: Clock, seconds: float | None) -> None:
        """Read the sensor until its end or the seconds are over."""
        waiting_ns = clock.now_ns()
        while sensor.health().state not in ("ended", "lost"):
            pose = sensor.read()
            if sensor.live:
                self._take(self._engine.tick(clock.now_ns()))
                if not self.frames and clock.now_ns() - waiting_ns > LOST_S * NS_PER_S:
                    return
            if pose is not None:
                self._take(self._engine.step(pose))
            if seconds is not None and self.seconds >= seconds:
                return
        self._take(self._engine.flush())

    def _take(self, events: tuple[Event, ...]) -> None:
        for event in events:
            if isinstance(event, StatusEvent):
                if self._on_status is not None:
                    self._on_status(event)
            elif event.type == "pose":
                self._first_ns = event.t_ns if self.frames == 0 else self._first_ns
                self._last_ns = event.t_ns
                self.frames += 1
        if self._acquaintance.is_suspended:
            raise two_people(self._place)
        if self._on_second is not None and int(self.seconds) > self._told:
            self._told = int(self.seconds)
            self._on_second(self._told, self._acquaintance)
