"""Recordings as signatures: any file or sensor address that ends, by the very path that runs live."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ..engine.clock import NS_PER_S, ManualClock
from ..engine.errors import InputError
from ..engine.intake import Intake
from ..engine.pose import Arrival, Hole, Pose
from ..engine.resample import Resampler
from ..engine.signature import Signature, signature_of
from ..engine.signature_definition import Definition
from ..engine.signature_references import References, make_references
from ..engine.signature_samples import Sampler
from ..engine.skeleton import Float64
from ..sensors.base import Sensor
from ..sensors.bvh_source import BvhSensor
from ..sensors.options import parse_uri
from ..sensors.points import PointsSensor
from ..sensors.uri import open_sensor, sensor_schemes
from . import signature_library

MAX_S: Final = 4 * 3600.0  # of one recording; more does not sharpen a distribution any further
_TABLES: Final = (".tsv", ".csv", ".tsv.xz", ".csv.xz", ".tsv.gz", ".csv.gz")
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Take:
    """Hold one recording as samples: rows (T, C) at the definition's rate, oldest first, NaN where unknown."""

    name: str
    place: str
    definition: Definition
    rows: Float64

    def signature(self, label: str = "") -> Signature:
        """Return its signature; raises InputError, naming the file, where too little of it is known."""
        made = signature_of(self.place, self.definition, self.rows, label)
        return Signature(
            self.name, made.definition, made.quantiles, made.counts, made.effective, made.seconds, made.label
        )


def open_recording(place: str) -> Sensor:
    """Return a sensor, not yet opened, that gives a file (or an address) all at once; raises InputError.

    BVH by its ending, tables of points by theirs; whatever else has an address: `scheme:PATH?speed=0`.
    """
    clock = ManualClock()
    path = Path(place)
    scheme = place.partition(":")[0]
    if scheme in sensor_schemes() and not path.exists():
        return open_sensor(_at_once(place), clock)
    if path.name.lower().endswith(".bvh"):
        return BvhSensor(path, clock=clock, speed=0.0)
    if path.name.lower().endswith(_TABLES):
        return PointsSensor(path, clock=clock, speed=0.0)
    if path.suffix.lower() == ".mvnx" and "mvnx" in sensor_schemes():
        return open_sensor(f"mvnx:{place}?speed=0", clock)
    raise InputError(place, "is no recording that can be read", mend="a .bvh, a table of points, or SCHEME:PATH")


def _at_once(uri: str) -> str:
    """Return the address of a sensor with speed=0, unless a speed is said."""
    if "speed" in parse_uri(uri).options:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}speed=0"


def read_poses(place: str, *, most: float = MAX_S) -> list[Pose]:
    """Return the poses of a recording as it has them; raises the EmotusError of a file that cannot be read.

    At most so many seconds of them. A live sensor has no end and is refused.
    """
    sensor = open_recording(place)
    poses: list[Pose] = []
    with contextlib.closing(sensor):
        sensor.open()
        if sensor.live:
            raise InputError(place, "is live, and has no end", mend="name a recording, or add speed=0")
        while sensor.health().state not in ("ended", "lost"):
            pose = sensor.read()
            if isinstance(pose, Pose):
                poses.append(pose)
            if poses and poses[-1].t_ns - poses[0].t_ns > most * NS_PER_S:
                break
    return poses


def at_rate(poses: Sequence[Pose], rate_hz: float) -> list[Arrival]:
    """Return poses at a steady rate and the holes between them: by the engine's own intake and resampler."""
    intake, resampler = Intake("recording"), Resampler(rate_hz)
    arrivals = [arrival for pose in poses for arrival in intake.push(pose)]
    return [frame for arrival in (*arrivals, *intake.flush()) for frame in resampler.push(arrival)]


def rows_of(frames: Sequence[Arrival], definition: Definition) -> Float64:
    """Return the samples (T, C) of frames at the definition's rate; nothing is computed across a hole."""
    sampler = Sampler(definition)
    rows: list[Float64] = []
    for frame in frames:
        if isinstance(frame, Hole):
            sampler.gap()
        else:
            rows.append(sampler.step(frame))
    return np.stack(rows) if rows else np.zeros((0, len(definition.columns()[0])))


def read_take(place: str, definition: Definition, name: str = "") -> Take:
    """Return the samples of a recording, as they would be live; raises the EmotusError of one that cannot be read."""
    frames = at_rate(read_poses(place), definition.rate_hz)
    return Take(name or stem_of(place), place, definition, rows_of(frames, definition))


def read_references(places: Sequence[str], definition: Definition, progress: Progress | None = None) -> References:
    """Return the references that recordings are, each `[NAME=]FILE`, and those of libraries, `NAME.signatures`.

    Raises the EmotusError of one that is neither.
    """
    libraries = [place for place in places if signature_library.is_library(Path(place))]
    named = [_named(place) for place in places if place not in libraries]
    names = unique_names([place for _, place in named])
    made = [each for place in libraries for each in signature_library.load(Path(place)).signatures()]
    for (said, place), name in zip(named, names, strict=True):
        made.append(read_take(place, definition, said or name).signature(said or name))
        if progress is not None:
            progress(f"reference {made[-1].name}: {made[-1].seconds:.0f} s of {place}")
    return make_references(made)


def _named(place: str) -> tuple[str, str]:
    """Return the name that is said before `=`, "" where none is, and the recording."""
    name, equals, rest = place.partition("=")
    if not equals or Path(place).exists() or not name.replace("_", "").replace("-", "").isalnum():
        return "", place
    return name, rest


def stem_of(place: str) -> str:
    """Return a short name after a file or an address."""
    path = Path(place.partition("?")[0])
    name = path.name
    for ending in (*_TABLES[::-1], ".bvh", ".mvnx"):
        if name.lower().endswith(ending):
            return name[: -len(ending)] or name
    return name or place


def read_takes(places: Sequence[str], definition: Definition, progress: Progress | None = None) -> list[Take]:
    """Return the samples of recordings, each under a name of its own."""
    names = unique_names(places)
    takes: list[Take] = []
    for i, (place, name) in enumerate(zip(places, names, strict=True)):
        if progress is not None and i % 25 == 0 and len(places) > 25:
            progress(f"reading {i} of {len(places)}")
        takes.append(read_take(place, definition, name))
    return takes


def unique_names(places: Sequence[str]) -> list[str]:
    """Return the stems of files; where two are alike, with the folder before it, and with a number if need be."""
    stems = [stem_of(place) for place in places]
    longer = [
        stem if stems.count(stem) == 1 else f"{Path(place).parent.name}/{stem}".lstrip("/")
        for stem, place in zip(stems, places, strict=True)
    ]
    seen: dict[str, int] = {}
    names: list[str] = []
    for name in longer:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names
