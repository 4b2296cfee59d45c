"""Play a table of points, as optical and depth cameras export them: `points:PATH?map=NAME&speed=1&loop=0`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.body import JOINT_COUNT
from ..engine.clock import Clock
from ..engine.errors import SkeletonError, TableError, UriError
from ..engine.retarget import Retargeter, match_skeleton, rotations_from_positions
from ..engine.skeleton import Float32, Float64
from ..engine.tables import Blend, points_skeleton
from .info import Option, SensorInfo, stream_option
from .options import check_keys, number, stream_name, switch
from .points_map import AXES_UP, HANDED, UNITS_M, PointsMap, fitting, points_map
from .replay import Recording, Replay, stream_of
from .table_file import NumberTable, read_table
from .table_time import RATES_HZ, times_of

INFOS: Final = (
    SensorInfo(
        "points",
        "points:PATH",
        "a CSV or TSV table (also .xz, .gz) of named 3-D points: optical markers, Kinect joints, any export",
        (
            Option("map", "kinect, markers41, or a TOML file: which points are which joint; found unless given"),
            Option("speed", "1 plays at the file's rate, 2 twice as fast, 0 every frame at once", "1"),
            Option("loop", "1 begins again at the end", "0"),
            Option("rate", "rows a second; overrules the file's clock"),
            Option("unit", "the file's unit: m, cm, mm, in; guessed from the person's height unless given"),
            Option("up", "the file's upward axis: x, y, z, -x, -y, -z; guessed from how the person stands"),
            Option("handed", "right, or left for the axes of a left-handed tool such as Unity", "right"),
            stream_option("the file's name"),
        ),
        "points:trial11.tsv.xz?map=kinect",
        gives="the joints whose points there are",
    ),
)
_OPTIONS: Final = tuple(option.name for option in INFOS[0].options)
_OVERRULING: Final = ("unit_m", "up", "time", "rate_hz", "left_handed")
_AXES: Final = (("x", "y", "z"), ("X", "Y", "Z"))
_SEPARATORS: Final = (" ", "_", ".", ":", "-", "")
Bools = NDArray[np.bool_]


class PointsSensor(Replay):
    """Perform a table of points. told: overrules what the mapping or the file says of unit, axis, rate and joints."""

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Clock,
        told: PointsMap | None = None,
        stream: str | None = None,
        speed: float = 1.0,
        loop: bool = False,
    ) -> None:
        super().__init__(
            lambda: load_points(path, told), clock=clock, stream=stream or stream_of(path), speed=speed, loop=loop
        )


def load_points(path: str | Path, told: PointsMap | None = None) -> Recording:
    """Read a table of points and bring it to the body; raise TableError, MappingError or SkeletonError.

    A row in which the hips are unknown is left out and counted; any other joint that a row lacks keeps its place to
    the hips with confidence 0. Three zeros, which cameras write for a point they do not see, are no place.
    """
    table = read_table(path)
    names, places = points_of(table)
    if told and told.left_handed:
        places[..., 2 if told.up in ("x", "-x") else 0] *= -1.0  # any axis but up: the other handedness
    chosen = told if told and told.joints else _found(names, told)
    t_ns, rate_hz, clock_note = times_of(table, chosen.time, chosen.rate_hz)
    positions, confidence, notes = _body(places, names, chosen, table.place)
    whole = confidence[:, 0] > 0  # (T,) rows whose hips are known
    if not whole.any():
        raise TableError(table.place, "no row in which the hips are known", mend="check map=")
    rotations = rotations_from_positions(positions[whole])
    return Recording(
        t_ns[whole] - t_ns[whole][0],
        np.flatnonzero(whole) - np.flatnonzero(whole)[0],
        positions[whole],
        confidence[whole],
        rotations,
        rate_hz,
        counters={"dropped_unseen": int(np.sum(~whole))},
        notes=tuple(note for note in (*notes, clock_note) if note),
    )


def points_of(table: NumberTable) -> tuple[tuple[str, ...], Float64]:
    """Return the names of the points and their places (T, P, 3), NaN where a point is not seen.

    A point is three columns: its name with X, Y and Z behind it, joined by a blank, _, ., :, - or nothing.
    """
    at = {column: i for i, column in enumerate(table.columns)}
    found: dict[str, list[int]] = {}
    for column in table.columns:
        for letters in _AXES:
            for separator in _SEPARATORS:
                name = column.removesuffix(separator + letters[0])
                triple = [f"{name}{separator}{letter}" for letter in letters]
                if name.strip(" _.:-") == name != column and all(each in at for each in triple):
                    found.setdefault(name, [at[each] for each in triple])
    if not found:
        mend = "columns such as 'Head X', 'Head Y', 'Head Z'"
        raise TableError(table.place, "no named points in its columns", line=table.first_line, mend=mend)
    places = table.rows[:, list(found.values())]  # (T, P, 3)
    unseen = np.isnan(places).any(axis=-1) | (places == 0).all(axis=-1)
    places[unseen] = np.nan
    return tuple(found), places


def _found(names: tuple[str, ...], told: PointsMap | None) -> PointsMap:
    """Return a preset that fits these points, or every point by its own name."""
    preset = fitting(names) or PointsMap("names", {})
    if told is None:
        return preset
    overrules = {k: v for k in _OVERRULING if (v := getattr(told, k)) is not None}
    return replace(preset, **overrules)


def _body(
    places: Float64, names: tuple[str, ...], chosen: PointsMap, place: str
) -> tuple[Float32, Float32, tuple[str, ...]]:
    """Return positions (T, 21, 3), confidence (T, 21) and notes of points (T, P, 3)."""
    if chosen.joints:
        blends = chosen.blends(names)
        if not blends:
            raise TableError(place, f"none of its points is known to map={chosen.name}", mend="write a mapping file")
        names, places = tuple(blends), _blended(places, tuple(blends.values()))
    match = match_skeleton(
        points_skeleton(names),
        place=place,
        positions=_whole_rows(places),
        up=chosen.up,
        unit_m=chosen.unit_m,
        table="vrm" if chosen.joints else None,
    )
    if any("mirrored" in note for note in match.rest.notes):
        mend = "handed=left if the axes are left-handed, else exchange left and right in the map"
        raise SkeletonError(place, "the feet point backward: the person is mirrored", mend=mend)
    retargeter = Retargeter(match)
    seen = np.isfinite(places).all(axis=-1)  # (T, P)
    motion = retargeter.apply(_held(places))
    confidence = retargeter.confidence(seen)
    confidence[:, list(match.tips)] = 0.0
    lacking = ", ".join(match.lacking) or "none"
    note = f"{len(names)} points by {chosen.name}: {match.rest.notes[-1]}; joints unknown: {lacking}"
    return _rested(motion.positions, confidence), confidence, (note,)


def _blended(places: Float64, blends: tuple[Blend, ...]) -> Float64:
    """Return the joints (T, J, 3) that the points make up; NaN where one of a joint's points is not seen."""
    return np.stack([sum(weight * places[:, at] for at, weight in blend) for blend in blends], axis=1)


def _whole_rows(places: Float64) -> Float64:
    """Return the rows in which every point is seen, or where there are none of these, the fullest row."""
    seen = np.isfinite(places).all(axis=(1, 2))
    return places[seen] if seen.any() else places[[int(np.isfinite(places).sum(axis=(1, 2)).argmax())]]


def _held(places: Float64) -> Float32:
    """Return places (T, P, 3) with each unseen point where it last was, or first will be."""
    out = np.empty(places.shape, dtype=np.float32)
    for point in range(places.shape[1]):
        seen: Bools = np.logical_and.reduce(np.isfinite(places[:, point]), axis=1)  # (T,)
        last = np.maximum.accumulate(np.where(seen, np.arange(len(places)), -1))
        last[last < 0] = int(np.argmax(seen)) if seen.any() else 0
        out[:, point] = places[last, point] if seen.any() else 0.0
    return out


def _rested(positions: Float32, confidence: Float32) -> Float32:
    """Move each joint that is unknown in a row along with the hips, from where both were last known."""
    out = positions.copy()
    for joint in range(1, JOINT_COUNT):
        known = (confidence[:, joint] > 0) & (confidence[:, 0] > 0)
        if known.all() or not known.any():
            continue
        last = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
        last[last < 0] = int(np.argmax(known))
        away = positions[last, joint] - positions[last, 0]
        out[:, joint] = np.where(known[:, None], positions[:, joint], positions[:, 0] + away)
    return out


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> PointsSensor:
    """Make the sensor of `points:PATH?map=NAME&speed=1&loop=0&rate=100&unit=mm&up=y&handed=left&stream=NAME`.

    Raises UriError, and MappingError for a mapping file that cannot be understood.
    """
    place = f"points:{path}"
    check_keys(place, options, _OPTIONS)
    if not path:
        raise UriError(place, "no file is named", mend="write points:PATH")
    for option, known in (("unit", tuple(UNITS_M)), ("up", AXES_UP), ("handed", HANDED)):
        if options.get(option, known[0]) not in known:
            raise UriError(place, f"{option}={options[option]}", mend=f"one of {', '.join(known)}")
    told = points_map(options["map"]) if "map" in options else PointsMap("names", {})
    overrules: dict[str, object] = {}
    if "unit" in options:
        overrules["unit_m"] = UNITS_M[options["unit"]]
    if "up" in options:
        overrules["up"] = options["up"]
    if "handed" in options:
        overrules["left_handed"] = options["handed"] == "left"
    if "rate" in options:
        overrules["rate_hz"] = number(place, options, "rate", 0.0, *RATES_HZ)
    return PointsSensor(
        path,
        clock=clock,
        told=replace(told, **overrules),  # pyright: ignore[reportArgumentType]
        stream=stream_name(place, options, stream_of(path)),
        speed=number(place, options, "speed", 1.0, 0.0, 100.0),
        loop=switch(place, options, "loop", default=False),
    )
