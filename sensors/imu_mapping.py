"""Say which inertial sensor sits on which segment, and how its numbers come: the mapping file of `imu:`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from ..engine.body import JOINT_NAMES
from ..engine.errors import MappingError
from .mapping_file import Section, read_mapping

KINDS: Final = ("quaternion", "inertial", "acceleration")
AXES: Final = ("x", "y", "z", "-x", "-y", "-z")
ACCELERATION_UNITS: Final = {"m/s2": 1.0, "g": 9.80665}
GYROSCOPE_UNITS: Final = {"rad/s": 1.0, "deg/s": math.pi / 180.0}
TIME_UNITS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
MOST_SENSORS: Final = 64
_FIELD_KEYS: Final = (
    "kind", "sensor", "columns", "address", "quaternion", "order", "acceleration", "acceleration_unit", "gyroscope",
    "gyroscope_unit", "magnetometer", "time", "time_unit",
)  # fmt: skip
_WORLD_KEYS: Final = ("up", "front", "facing", "rate")


@dataclass(frozen=True, slots=True)
class Fields:
    """Name the fields of one sensor's numbers; an empty tuple where it has none of a kind."""

    quaternion: tuple[str, ...]
    acceleration: tuple[str, ...]
    gyroscope: tuple[str, ...]
    magnetometer: tuple[str, ...]

    @property
    def first(self) -> str:
        """Return a field that every record of the sensor has."""
        return (self.quaternion or self.acceleration)[0]


@dataclass(frozen=True)
class ImuMapping:
    """Hold which sensor is on which segment and how its numbers are read.

    segments: sensor id -> segment, a joint of the body and the bone that begins there. kind: "quaternion", "inertial"
    (accelerometer and gyroscope, magnetometer where `fields` names one) or "acceleration" alone. fields: with
    {sensor} in them where one record holds all sensors; then sensor_field is None. columns: the fields of a CSV line or
    of an OSC message. address: the OSC address, with {sensor} for the sensor's id. up: the upward axis of the
    sensors' world. front: segment -> axis of its sensor that points forward while the wearer is calibrated; those
    without one share a world in which the wearer faces facing_deg from its first level axis. rate_hz: samples a second
    of each sensor, needed to integrate gyroscopes.
    """

    segments: Mapping[str, str]
    kind: str = "quaternion"
    fields: Fields = field(default_factory=lambda: Fields(_numbered("q", 4), (), (), ()))
    order: str = "wxyz"
    sensor_field: str | None = "sensor"
    columns: tuple[str, ...] = ("sensor", "q.0", "q.1", "q.2", "q.3")
    address: str = "/imu/{sensor}"
    time: str | None = "t"
    time_unit_s: float = 1.0
    acceleration_unit: float = 1.0
    gyroscope_unit: float = 1.0
    up: str = "z"
    front: Mapping[str, str] = field(default_factory=dict[str, str])
    facing_deg: float = 0.0
    rate_hz: float = 60.0
    place: str = "imu"

    def fields_of(self, sensor: str) -> Fields:
        """Return the fields of one sensor, its id put in."""
        return self.fields if self.sensor_field is not None else _filled(self.fields, sensor)


@lru_cache(maxsize=4 * MOST_SENSORS)
def _filled(fields: Fields, sensor: str) -> Fields:
    each = (fields.quaternion, fields.acceleration, fields.gyroscope, fields.magnetometer)
    return Fields(*(tuple(name.replace("{sensor}", sensor) for name in names) for names in each))


def _numbered(name: str, count: int) -> tuple[str, ...]:
    """Return the fields of a list in JSON: q.0, q.1, ..."""
    return tuple(f"{name}.{i}" for i in range(count))


def plain_mapping() -> ImuMapping:
    """Return the mapping where none is given: every sensor is named after its segment and tells a quaternion."""
    return ImuMapping({name: name for name in JOINT_NAMES})


def load_mapping(path: str | Path) -> ImuMapping:
    """Read a mapping file; raise MappingError that names the line and the key for anything that cannot be meant."""
    return understand(read_mapping(path))


def understand(root: Section) -> ImuMapping:
    """Understand a mapping: [segments], [fields], [world] and [front]; raise MappingError."""
    root.check_keys(("segments", "fields", "world", "front"))
    segments, fields, world = root.section("segments"), root.section("fields"), root.section("world")
    fields.check_keys(_FIELD_KEYS)
    world.check_keys(_WORLD_KEYS)
    kind = fields.choice("kind", KINDS, "quaternion")
    named = _fields(fields, kind)
    wide = "{sensor}" in named.first
    by_sensor = _segments(segments)
    columns = _columns(fields)
    return ImuMapping(
        by_sensor,
        kind,
        named,
        fields.choice("order", ("wxyz", "xyzw"), "wxyz"),
        None if wide else fields.text_of("sensor", "sensor"),
        columns or _usual_columns(named, wide),
        fields.text_of("address", "/imu/{sensor}") or "",
        fields.text_of("time", "t"),
        TIME_UNITS[fields.choice("time_unit", tuple(TIME_UNITS), "s")],
        ACCELERATION_UNITS[fields.choice("acceleration_unit", tuple(ACCELERATION_UNITS), "m/s2")],
        GYROSCOPE_UNITS[fields.choice("gyroscope_unit", tuple(GYROSCOPE_UNITS), "rad/s")],
        world.choice("up", AXES, "z"),
        _fronts(root, world, tuple(by_sensor.values()), needed=kind == "inertial" and not named.magnetometer),
        world.number("facing", 0.0, -360.0, 360.0) or 0.0,
        world.number("rate", 60.0, 1.0, 2000.0) or 60.0,
        root.place,
    )


def _segments(section: Section) -> dict[str, str]:
    """Return sensor -> segment; each segment and each sensor once."""
    section.check_keys(JOINT_NAMES)
    found: dict[str, str] = {}
    for segment in section.values:
        sensor = section.text_of(segment) or ""
        if sensor in found:
            raise section.wrong(
                segment, f"sensor {sensor!r} is already on {found[sensor]}", mend="one segment a sensor"
            )
        found[sensor] = segment
    if not found:
        mend = '[segments] with lines such as LeftLowerArm = "sensor-7"'
        raise MappingError(section.place, "no sensor is on any segment", line=section.line_of("segments"), mend=mend)
    return found


def _fields(section: Section, kind: str) -> Fields:
    """Return the fields that the kind needs."""

    def named(key: str, count: int, default: str) -> tuple[str, ...]:
        value = section.values.get(key, default)
        return _numbered(value, count) if isinstance(value, str) and value else section.names(key, count) or ()

    if kind == "quaternion":
        return Fields(named("quaternion", 4, "q"), (), (), ())
    acceleration = named("acceleration", 3, "acc")
    if kind == "acceleration":
        return Fields((), acceleration, (), ())
    magnetometer = named("magnetometer", 3, "") if "magnetometer" in section.values else ()
    return Fields((), acceleration, named("gyroscope", 3, "gyr"), magnetometer)


def _columns(section: Section) -> tuple[str, ...]:
    """Return the fields of a CSV line in their order, an empty tuple where they are not told."""
    value = section.values.get("columns")
    return () if value is None else section.names("columns", len(value) if isinstance(value, list) else 1) or ()


def _usual_columns(named: Fields, wide: bool) -> tuple[str, ...]:
    """Return the columns of a CSV line where they are not told: the sensor, then its numbers."""
    numbers = (*named.quaternion, *named.acceleration, *named.gyroscope, *named.magnetometer)
    return () if wide else ("sensor", *numbers)


def _fronts(root: Section, world: Section, segments: tuple[str, ...], *, needed: bool) -> dict[str, str]:
    """Return which axis of each segment's sensor points forward during calibration."""
    section = root.section("front")
    section.check_keys(segments)
    shared = world.choice("front", AXES, "x") if "front" in world.values else None
    fronts = {each: shared for each in segments if shared is not None}
    fronts |= {segment: section.choice(segment, AXES, "x") for segment in section.values}
    without = [segment for segment in segments if segment not in fronts]
    if needed and without:
        problem = f"without magnetometers each sensor has a heading of its own, and nothing tells that of {without[0]}"
        mend = 'front = "z" in [world]: which axis of the sensor points forward while the wearer is calibrated'
        raise MappingError(root.place, problem, line=world.line_of("front"), mend=mend)
    return fronts
