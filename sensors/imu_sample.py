"""What one inertial sensor tells at one moment, read out of named fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..engine.errors import PacketError
from .imu_mapping import Fields, ImuMapping

Field = float | str
Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold one sensor's reading, in SI units, in the sensor's own axes and its own world.

    sensor: its id. time_s: the sender's clock, None where it tells none. quaternion: (w, x, y, z) from the sensor's
    axes to its world. acceleration: m/s2, gravity included. gyroscope: rad/s. magnetometer: in any unit. What is
    lacking is None. gap: True where the numbers are missing for this moment though the sensor is there.
    """

    sensor: str
    time_s: float | None = None
    quaternion: Vector | None = None
    acceleration: Vector | None = None
    gyroscope: Vector | None = None
    magnetometer: Vector | None = None
    gap: bool = False


def samples_of(fields: Mapping[str, Field], mapping: ImuMapping) -> list[Sample]:
    """Return the samples that one record holds: one where it names its sensor, one a sensor where columns do.

    Raises PacketError for a record that lacks what the mapping says it has, or has words where numbers belong.
    """
    if mapping.sensor_field is None:
        found = [_sample(sensor, fields, mapping.fields_of(sensor), mapping) for sensor in mapping.segments]
        samples = [sample for sample in found if sample is not None]
        if not samples:
            raise PacketError(f"none of the fields of {', '.join(list(mapping.segments)[:4])} is in it")
        return samples
    sensor = fields.get(mapping.sensor_field)
    if sensor is None:
        raise PacketError(f"no field {mapping.sensor_field!r} that names the sensor")
    name = sensor if isinstance(sensor, str) else f"{sensor:g}"
    sample = _sample(name, fields, mapping.fields_of(name), mapping)
    if sample is None:
        raise PacketError(f"no field {mapping.fields_of(name).first!r}")
    return [sample]


def _sample(sensor: str, fields: Mapping[str, Field], names: Fields, mapping: ImuMapping) -> Sample | None:
    """Return one sensor's sample, None where the record has none of its fields."""
    time_s = _time(fields, mapping)
    if mapping.kind == "quaternion":
        turned = _vector(fields, names.quaternion)
        if turned is None:
            return None
        w, x, y, z = turned if mapping.order == "wxyz" else (turned[3], *turned[:3])
        return Sample(sensor, time_s, (w, x, y, z), gap=_is_gap(turned))
    pulled = _vector(fields, names.acceleration)
    if pulled is None:
        return None
    acceleration = tuple(mapping.acceleration_unit * value for value in pulled)
    if mapping.kind == "acceleration":
        return Sample(sensor, time_s, acceleration=acceleration, gap=_is_gap(pulled))
    spun, field = _vector(fields, names.gyroscope), _vector(fields, names.magnetometer)
    if spun is None or (names.magnetometer and field is None):
        raise PacketError(f"sensor {sensor[:40]}: acceleration without the other numbers of the mapping")
    gyroscope = tuple(mapping.gyroscope_unit * value for value in spun)
    return Sample(
        sensor, time_s, None, acceleration, gyroscope, field, gap=_is_gap(pulled) or not all(map(math.isfinite, spun))
    )


def _is_gap(values: Vector) -> bool:
    """Tell whether a moment is missing: empty cells, or nothing but exact zeros, as recorders write them."""
    return not all(map(math.isfinite, values)) or not any(values)


def _vector(fields: Mapping[str, Field], names: tuple[str, ...]) -> Vector | None:
    """Return the numbers of some fields; None where the record has not a single one of them."""
    if not any(name in fields for name in names):
        return None
    out: list[float] = []
    for name in names:
        value = fields.get(name)
        if not isinstance(value, float):
            raise PacketError(f"field {name[:60]!r} is {'missing' if value is None else 'no number'}")
        out.append(value)
    return tuple(out)


def _time(fields: Mapping[str, Field], mapping: ImuMapping) -> float | None:
    """Return the sender's time in seconds."""
    value = None if mapping.time is None else fields.get(mapping.time)
    return value * mapping.time_unit_s if isinstance(value, float) and math.isfinite(value) else None
