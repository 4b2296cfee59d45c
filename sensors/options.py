"""Read a sensor's address, scheme:PATH?key=value&key=value, and the values in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..engine.errors import UriError
from ..engine.options import check_keys, number, read_options, switch, whole

__all__ = ["SensorUri", "check_keys", "number", "parse_uri", "stream_name", "switch", "whole"]

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)  # two letters or more: C:\ is a drive
_QUERY: Final = re.compile(r"(.*)\?([A-Za-z_][\w-]*=[^?]*)", re.DOTALL)
_STREAM: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
NESTED: Final = "fuse"


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
    return SensorUri(scheme.lower(), path if nested else _plain(path), read_options(uri, text))


def _plain(path: str) -> str:
    return re.sub("%3f", "?", path, flags=re.IGNORECASE).replace("%25", "%")


def stream_name(place: str, options: Mapping[str, str], default: str) -> str:
    """Return the stream's name, which every bridge can carry, or the default; raises UriError for other characters."""
    name = options.get("stream", default)
    if not _STREAM.fullmatch(name):
        raise UriError(place, f"stream={name}", mend="1 to 64 letters, digits, _ or -")
    return name
