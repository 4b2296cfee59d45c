"""Read what the channels of an LSL stream of a body mean: names and kinds -> joints and their columns.

Two ways to say it are understood. By label alone: `Hips_x, Hips_y, Hips_z` and so on, the axis behind any separator. By
the MoCap convention of the XDF wiki: `marker` (or `object`) names the point and `type` is PositionX, PositionY,
PositionZ, or Confidence; the other types, orientations among them, are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import PacketError

MAX_CHANNELS: Final = 2048
MAX_NAME: Final = 64
UNITS_M: Final = {
    "": None, "m": 1.0, "meters": 1.0, "metres": 1.0, "meter": 1.0, "metre": 1.0,
    "cm": 0.01, "centimeters": 0.01, "centimetres": 0.01, "mm": 0.001, "millimeters": 0.001, "millimetres": 0.001,
}  # fmt: skip
_AXIS_LABEL: Final = re.compile(r"(.+?)[ _.:/-]?([xyzc])", re.IGNORECASE)
_KINDS: Final = {"positionx": "x", "positiony": "y", "positionz": "z", "confidence": "c"}


class Channel(NamedTuple):
    """Hold what the stream says of one channel; "" for what it does not say."""

    label: str
    point: str = ""
    kind: str = ""
    unit: str = ""


@dataclass(frozen=True)
class LslLayout:
    """Say where the points are among the C channels.

    names: P points. columns: (P, 3) their x, y and z. confidence: (P,) their confidence's column, -1 for none. unit_m:
    metres in one unit, None where the stream does not say. channels: C.
    """

    names: tuple[str, ...]
    columns: NDArray[np.intp]
    confidence: NDArray[np.intp]
    unit_m: float | None
    channels: int


def layout_of(channels: Sequence[Channel]) -> LslLayout:
    """Return the layout of a stream; raises PacketError where its channels name no points."""
    if len(channels) > MAX_CHANNELS:
        raise PacketError(f"{len(channels)} channels: at most {MAX_CHANNELS}")
    found: dict[str, dict[str, int]] = {}
    units: set[str] = set()
    for column, channel in enumerate(channels):
        named = _point_of(channel)
        if named is not None:
            found.setdefault(named[0][:MAX_NAME], {}).setdefault(named[1], column)
            units.add(channel.unit.strip().casefold() if named[1] != "c" else "")
    points = {name: at for name, at in found.items() if at.keys() >= {"x", "y", "z"}}
    if not points:
        labels = ", ".join(channel.label[:24] for channel in channels[:4])
        raise PacketError(f"its {len(channels)} channels ({labels}) name no points: Hips_x, Hips_y, Hips_z are wanted")
    told = {UNITS_M.get(unit) for unit in units} - {None}
    columns = np.array([[at[axis] for axis in "xyz"] for at in points.values()], dtype=np.intp)
    confidence = np.array([at.get("c", -1) for at in points.values()], dtype=np.intp)
    return LslLayout(tuple(points), columns, confidence, told.pop() if len(told) == 1 else None, len(channels))


def _point_of(channel: Channel) -> tuple[str, str] | None:
    """Return the point's name and "x", "y", "z" or "c" for its confidence; None for a channel of something else."""
    kind = channel.kind.replace(" ", "").casefold()
    point = channel.point.strip()
    if kind.startswith("orientation"):
        return None
    match = _AXIS_LABEL.fullmatch(channel.label.strip())
    if kind in _KINDS:
        name = point or (match[1] if match else channel.label.strip())
        return (name, _KINDS[kind]) if name else None
    return (point or match[1], match[2].lower()) if match else None
