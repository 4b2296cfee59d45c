"""Read records of inertial sensors from datagrams: JSON or CSV lines, or OSC messages. Pure and bounded."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..engine.errors import PacketError
from ..engine.osc_codec import OscMessage, decode
from .imu_dot import parse_dot
from .imu_mapping import ImuMapping
from .imu_sample import Field, Sample, samples_of

MOST_LINES: Final = 64  # records in one datagram
MOST_FIELDS: Final = 1024  # in one record: 64 sensors with 13 numbers each, and some words
DEEPEST: Final = 6


def samples_of_text(data: bytes, mapping: ImuMapping) -> list[Sample]:
    """Return the samples in a datagram of JSON objects or CSV lines; raise PacketError, and nothing else."""
    try:
        lines = [line for line in data.decode("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise PacketError("no text in UTF-8") from error
    if not 0 < len(lines) <= MOST_LINES:
        raise PacketError(f"{len(lines)} lines, expected 1 to {MOST_LINES}")
    samples: list[Sample] = []
    for line in lines:
        for record in _records(line, mapping):
            samples += _of_record(record, mapping)
    return samples


def _of_record(record: Mapping[str, Field], mapping: ImuMapping) -> list[Sample]:
    payload = record.get("payload")
    if not isinstance(payload, str):
        return samples_of(record, mapping)
    sensor, mode = record.get(mapping.sensor_field or "sensor"), record.get("mode")
    if sensor is None or not isinstance(mode, float) or not mode.is_integer():
        raise PacketError("a payload without its sensor and its mode")
    try:
        return [parse_dot(bytes.fromhex(payload), int(mode), str(sensor))]
    except ValueError as error:
        raise PacketError("a payload that is no hexadecimal text") from error


def _records(line: str, mapping: ImuMapping) -> Iterator[dict[str, Field]]:
    """Yield the records of one line."""
    if line.lstrip()[:1] not in ("{", "["):
        yield _csv(line, mapping)
        return
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PacketError(f"no JSON: {str(error)[:80]}") from error
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, dict):
            raise PacketError("a JSON record that is no object")
        out: dict[str, Field] = {}
        _flatten(each, "", 0, out)
        yield out


def _flatten(value: Any, name: str, depth: int, out: dict[str, Field]) -> None:
    """Spell an object out into fields: {"q": [1, 0]} -> q.0, q.1."""
    if depth > DEEPEST or len(out) >= MOST_FIELDS:
        raise PacketError(f"more than {MOST_FIELDS} fields, or deeper than {DEEPEST}")
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in pairs:
            _flatten(each, f"{name}.{key}" if name else str(key), depth + 1, out)
    elif isinstance(value, bool) or value is None:
        out[name] = math.nan if value is None else float(value)
    elif isinstance(value, int | float):
        out[name] = _number(value)
    else:
        out[name] = str(value)[:200]


def _number(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _csv(line: str, mapping: ImuMapping) -> dict[str, Field]:
    """Return the fields of one CSV line by the mapping's columns."""
    separator = "\t" if "\t" in line else (";" if ";" in line else ",")
    cells = [cell.strip() for cell in line.split(separator)]
    if len(cells) != len(mapping.columns):
        raise PacketError(f"{len(cells)} cells, the mapping has {len(mapping.columns)} columns")
    return {name: _cell(cell) for name, cell in zip(mapping.columns, cells, strict=True)}


def _cell(cell: str) -> Field:
    if not cell:
        return math.nan
    try:
        return float(cell)
    except ValueError:
        return cell[:200]


def samples_of_osc(data: bytes, mapping: ImuMapping) -> list[Sample]:
    """Return the samples in an OSC packet, messages to other addresses passed over; raise PacketError."""
    before, _, after = mapping.address.partition("{sensor}")
    samples: list[Sample] = []
    for message in decode(data):
        sensor = message.address.removeprefix(before).removesuffix(after)
        if message.address == f"{before}{sensor}{after}" and sensor.strip("/") == sensor:
            samples += samples_of(_arguments(message, sensor, mapping), mapping)
    return samples


def _arguments(message: OscMessage, sensor: str, mapping: ImuMapping) -> dict[str, Field]:
    """Return a message's arguments as fields: the mapping's columns but for the sensor, which the address names."""
    named = mapping.sensor_field or "sensor"
    columns = [name for name in mapping.columns if name != named]
    if len(message.args) != len(columns):
        raise PacketError(f"{len(message.args)} arguments, the mapping has {len(columns)} columns beside the sensor")
    out: dict[str, Field] = {named: sensor}
    for name, value in zip(columns, message.args, strict=True):
        out[name] = float(value) if isinstance(value, int | float) else str(value)[:200]
    return out
