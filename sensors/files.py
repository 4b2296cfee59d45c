"""Open a recording by its name: which sensor reads it is told by its ending."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..engine.clock import Clock
from ..engine.errors import InputError
from .base import Sensor
from .bvh_source import BvhSensor
from .mcap_source import McapSensor
from .mvnx_source import MvnxSensor
from .video import FILM_ENDINGS, open_film

_READERS: Final[dict[str, Callable[[Path, Clock], Sensor]]] = {
    ".bvh": lambda path, clock: BvhSensor(path, speed=0.0, clock=clock),
    ".mcap": lambda path, clock: McapSensor(path, speed=0.0, clock=clock),
    ".mvnx": lambda path, clock: MvnxSensor(path, speed=0.0, clock=clock),
    **dict.fromkeys(FILM_ENDINGS, open_film),
}


def recording_endings() -> tuple[str, ...]:
    """Return the endings of the recordings that can be opened."""
    return tuple(_READERS)


def open_recording(path: str | Path, clock: Clock) -> Sensor:
    """Return the sensor that reads a recording as fast as possible, not yet opened; raises InputError.

    A file of another ending is taken for BVH where it begins as one does.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower()) or (_READERS[".bvh"] if _is_bvh(path) else None)
    if reader is None:
        known = ", ".join(_READERS)
        raise InputError(str(path), f"'{path.suffix}' is no ending of a recording", mend=f"known are {known}")
    return reader(path, clock)


def _is_bvh(path: Path) -> bool:
    """Tell whether a file begins with HIERARCHY, or cannot be opened, which its reader then tells better."""
    try:
        with path.open("rb") as file:
            return b"HIERARCHY" in file.read(256).upper()
    except OSError:
        return True
