"""Read a sensor's address, scheme:PATH?key=value&key=value, and the values in it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from ..engine.errors import UriError

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)  # two letters or more: C:\ is a drive
_QUERY: Final = re.compile(r"(.*)\?([A-Za-z_][\w-]*=[^?]*)", re.DOTALL)
_STREAM: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
NESTED: Final = "fuse"
_TRUE: Final = frozenset(("1", "true", "yes", "on"))
_FALSE: Final = frozenset(("0", "false", "no", "off"))


@dataclass(frozen=True, slots=True)
class SensorUri:
    """Hold the parts of a sensor's address."""

    scheme: str
    path: str
    options: Mapping[str, str]


def parse_uri(uri: str) -> SensorUri:
    r"""Split a sensor's address.

    The path is taken as it stands (`bvh:C:\takes\a.bvh`, `bvh:/data/why?.bvh`): only a last `?key=value...` is split
    off, and in the path only %3F and %25 are decoded, so that a file whose name looks like options can be named.
    Raises UriError for no scheme, an option without a value or one given twice.
    """
    match = _SCHEME.fullmatch(uri)
    if match is None:
        raise UriError(uri, "has no scheme", mend=f"for a BVH file write bvh:{uri}")
    scheme, rest = match.groups()
    nested = scheme.lower() == NESTED  # in its brackets are addresses with options of their own
    query = None if nested and rest.endswith(")") else _QUERY.fullmatch(rest)
    path, text = query.groups() if query else (rest, "")
    return SensorUri(scheme.lower(), path if nested else _plain(path), _options(uri, text))


def _plain(path: str) -> str:
    return re.sub("%3f", "?", path, flags=re.IGNORECASE).replace("%25", "%")


def _options(uri: str, text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for part in text.split("&") if text else ():
        key, equals, value = part.partition("=")
        if not key or not equals:
            raise UriError(uri, f"option {part!r} has no value", mend="write key=value, with & between them")
        if key in options:
            raise UriError(uri, f"option {key} is given twice", mend="keep one of them")
        options[key] = unquote(value)
    return options


def check_keys(place: str, options: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Raise UriError for an option that the sensor does not know, naming those it does."""
    for key in options:
        if key not in known:
            raise UriError(place, f"unknown option {key}", mend=f"known are {', '.join(known)}")


def number(place: str, options: Mapping[str, str], key: str, default: float, low: float, high: float) -> float:
    """Return the number given for key, or the default; raises UriError outside low..high."""
    if key not in options:
        return default
    try:
        value = float(options[key])
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise UriError(place, f"{key}={options[key]}", mend=f"a number from {low:g} to {high:g}")
    return value


def whole(place: str, options: Mapping[str, str], key: str, default: int, low: int, high: int) -> int:
    """Return the whole number given for key, or the default; raises UriError outside low..high."""
    value = number(place, options, key, default, low, high)
    if value != int(value):
        raise UriError(place, f"{key}={options[key]}", mend=f"a whole number from {low} to {high}")
    return int(value)


def stream_name(place: str, options: Mapping[str, str], default: str) -> str:
    """Return the stream's name, which every bridge can carry, or the default; raises UriError for other characters."""
    name = options.get("stream", default)
    if not _STREAM.fullmatch(name):
        raise UriError(place, f"stream={name}", mend="1 to 64 letters, digits, _ or -")
    return name


def switch(place: str, options: Mapping[str, str], key: str, *, default: bool) -> bool:
    """Return whether key is on; raises UriError for anything but 1, 0 and their words."""
    text = options.get(key, "1" if default else "0").lower()
    if text not in _TRUE | _FALSE:
        raise UriError(place, f"{key}={text}", mend="1 or 0")
    return text in _TRUE
