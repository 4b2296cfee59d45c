"""Open a sensor by its address: one table of schemes, one line each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Final

from ..engine.clock import Clock
from ..engine.errors import UriError
from . import (
    axis,
    bvh_source,
    fused,
    imu,
    lsl,
    mcap_source,
    mocopi,
    mvnx_source,
    points,
    rokoko,
    synthetic,
    trackers,
    video,
    vmc,
    webcam,
    xsens,
)
from .base import Sensor
from .info import SensorInfo
from .options import parse_uri

RECORDED: Final = frozenset(("bvh", "mcap", "mvnx", "points", "synthetic", "video"))
Factory = Callable[[str, Mapping[str, str], Clock], Sensor]


def sensor_schemes() -> tuple[str, ...]:
    """Return the schemes that can be opened."""
    return tuple(_FACTORIES)


def shows_a_person(uri: str) -> bool:
    """Tell whether a sensor shows somebody live, so that it stays closed until she consents (PRIVACY.md 1).

    A recording was consented to when it was made, and a performer made by rule is nobody. Every scheme is taken to
    show a person live unless it is in `RECORDED`: a new one that plays recordings has to be named there.
    """
    parts = parse_uri(uri)
    if parts.scheme == fused.SCHEME:
        return any(map(shows_a_person, fused.inner_uris(parts.path))) or not fused.inner_uris(parts.path)
    if parts.scheme == "imu" and "://" not in parts.path:  # a file
        return False
    return parts.scheme not in RECORDED


def sensor_infos() -> tuple[SensorInfo, ...]:
    """Return the description of each scheme, from the `INFOS` of the module that makes its sensors."""
    infos: list[SensorInfo] = []
    for scheme, factory in _FACTORIES.items():
        told: tuple[SensorInfo, ...] = getattr(sys.modules[factory.__module__], "INFOS", ())
        infos += [info for info in told if info.scheme == scheme]
    return tuple(infos)


def open_sensor(uri: str, clock: Clock) -> Sensor:
    """Return the sensor that `scheme:PATH?key=value&...` names, not yet opened; raises UriError."""
    parts = parse_uri(uri)
    factory = _FACTORIES.get(parts.scheme)
    if factory is None:
        raise UriError(uri, f"unknown sensor {parts.scheme}", mend=f"known are {', '.join(_FACTORIES)}")
    return factory(parts.path, parts.options, clock)


_FACTORIES: Final[dict[str, Factory]] = {
    "axis": axis.from_uri,
    "bvh": bvh_source.from_uri,
    "fuse": fused.from_uri,
    "imu": imu.from_uri,
    "lsl": lsl.from_uri,
    "mcap": mcap_source.from_uri,
    "mocopi": mocopi.from_uri,
    "mvnx": mvnx_source.from_uri,
    "points": points.from_uri,
    "rokoko": rokoko.from_uri,
    "slimevr": trackers.from_uri,
    "synthetic": synthetic.from_uri,
    "xsens": xsens.from_uri,
    "video": video.from_uri,
    "vmc": vmc.from_uri,
    "webcam": webcam.from_uri,
}
