"""What a generated partner may be told while the show goes on: frozen words, checked as they are made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .errors import ControlError
from .wish import MAX_INTENSITY, MAX_SPEED_M_S

OFF: Final = "off"
SAME: Final = "same"
MODES: Final = (SAME, "opposite", "delayed", "amplified")


@dataclass(frozen=True, slots=True)
class Generate:
    """Show an emotion, whatever the performers do; "off" ends what is shown."""

    emotion: str


@dataclass(frozen=True, slots=True)
class Intensity:
    """Show it so strongly: 0 is neutral, 1 as it was played, 1.5 the most."""

    value: float


@dataclass(frozen=True, slots=True)
class MirrorAs:
    """Answer the performer: the same, the opposite, the same later, the same and more; "off" keeps what is shown."""

    mode: str


@dataclass(frozen=True, slots=True)
class Direction:
    """Face and go so many degrees from +Z (the audience) to +X."""

    degrees: float


@dataclass(frozen=True, slots=True)
class Speed:
    """Go at so many metres a second, backwards where it is below 0; 0 stays in place."""

    metres_a_second: float


Steering = Generate | Intensity | MirrorAs | Direction | Speed


def generate_of(arguments: Mapping[str, object]) -> Generate:
    """Return the word of its arguments; raises ControlError."""
    emotion = arguments.get("emotion")
    if not isinstance(emotion, str) or not 1 <= len(emotion.strip()) <= 48 or not emotion.isprintable():
        raise ControlError('generate takes an emotion, or "off"')
    return Generate(emotion.strip().lower())


def mirror_of(arguments: Mapping[str, object]) -> MirrorAs:
    """Return the word of its arguments; raises ControlError."""
    mode = arguments.get("mode", SAME)
    if mode not in (*MODES, OFF):
        raise ControlError(f"no such mirror: {str(mode)[:40]!r} (there are {', '.join((*MODES, OFF))})")
    return MirrorAs(str(mode))


def intensity_of(arguments: Mapping[str, object]) -> Intensity:
    """Return the word of its arguments; raises ControlError."""
    return Intensity(_number(arguments, "intensity", 0.0, MAX_INTENSITY))


def direction_of(arguments: Mapping[str, object]) -> Direction:
    """Return the word of its arguments; raises ControlError."""
    return Direction(math.remainder(_number(arguments, "direction", -3600.0, 3600.0), 360.0))


def speed_of(arguments: Mapping[str, object]) -> Speed:
    """Return the word of its arguments; raises ControlError."""
    return Speed(_number(arguments, "speed", -MAX_SPEED_M_S, MAX_SPEED_M_S))


def _number(arguments: Mapping[str, object], name: str, low: float, high: float) -> float:
    """Return a finite number brought within its bounds."""
    value = arguments.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ControlError(f"{name} is a number")
    return min(max(float(value), low), high)
