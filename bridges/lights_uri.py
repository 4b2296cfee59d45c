"""Read the addresses of lamps: artnet:HOST?universe=0&fixtures=1,11 and sacn:HOST?universe=1&fixtures=1,11."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ..engine.errors import UriError
from ..engine.options import check_keys, choice, number, read_options, whole
from .address import parse_host_port
from .lights import MODES, LightsBridge, LightSettings, Mode
from .lights_color import BLACK
from .lights_wire import ARTNET_PORT, CHANNELS, SACN_PORT, ArtnetWire, SacnWire, multicast_address
from .osc_link import Target
from .osc_uri import streams_of
from .viewer_colors import Rgb

if TYPE_CHECKING:
    from .uri import Wish

MULTICAST: Final = "multicast"
MAX_FIXTURES: Final = 64
_COLOR: Final = re.compile(r"[0-9a-fA-F]{6}")
_OPTIONS: Final = ("universe", "fixtures", "mode", "stream", "colors", "idle", "bright", "end")


def make_artnet(wish: Wish) -> LightsBridge:
    """Make the bridge of `artnet:HOST[:6454]?universe=0&fixtures=1,11&mode=rgb&stream=anna,ben`; raises UriError."""
    where, options = _split(wish, _OPTIONS)
    universe = whole(wish.uri, options, "universe", 0, 0, 32767)
    target = _target(wish.uri, where, ARTNET_PORT)
    return LightsBridge(
        wish.uri, target, ArtnetWire(universe), clock=wish.clock, expose=wish.expose, settings=_settings(wish, options)
    )


def make_sacn(wish: Wish) -> LightsBridge:
    """Make the bridge of `sacn:HOST[:5568]?universe=1&priority=100` or `sacn:multicast`; raises UriError.

    Raises MissingPackageError without the package sacn.
    """
    where, options = _split(wish, (*_OPTIONS, "priority"))
    universe = whole(wish.uri, options, "universe", 1, 1, 63999)
    priority = whole(wish.uri, options, "priority", 100, 0, 200)
    place = multicast_address(universe) if where == MULTICAST else where
    settings, target = _settings(wish, options), _target(wish.uri, place, SACN_PORT)
    wire = SacnWire(universe, priority)
    return LightsBridge(wish.uri, target, wire, clock=wish.clock, expose=wish.expose, settings=settings)


def _split(wish: Wish, known: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    where, _, query = wish.rest.partition("?")
    options = read_options(wish.uri, query)
    check_keys(wish.uri, options, known)
    return where, options


def _target(uri: str, where: str, port: int) -> Target:
    """Return the node that is named, with the protocol's own port where none is."""
    has_port = re.search(r":\d+\Z", where) is not None and (where.count(":") == 1 or "]:" in where)
    if not where:
        raise UriError(uri, "no node is named", mend=f"such as {uri.partition(':')[0]}:192.168.1.50")
    host, found = parse_host_port(uri, where if has_port else f"{where}:{port}")
    return Target("udp", host, found)


def _settings(wish: Wish, options: Mapping[str, str]) -> LightSettings:
    modes: dict[str, Mode] = {"rgb": "rgb", "drgb": "drgb", "rgbw": "rgbw"}
    mode = modes[choice(wish.uri, options, "mode", "rgb", modes)]
    return LightSettings(
        addresses=_addresses(wish.uri, options.get("fixtures", "1"), MODES[mode]),
        mode=mode,
        streams=streams_of(wish.uri, options),
        colors=_colors(wish.uri, options["colors"]) if "colors" in options else {},
        idle=_color(wish.uri, "idle", options["idle"]) if "idle" in options else BLACK,
        bright=number(wish.uri, options, "bright", 1.0, 0.0, 1.0),
        hold=choice(wish.uri, options, "end", "black", ("black", "hold")) == "hold",
    )


def _addresses(uri: str, text: str, width: int) -> tuple[int, ...]:
    """Return the first channels of the fixtures, which must not overlap."""
    parts = text.split(",")
    last = CHANNELS - width + 1
    mend = f"first channels from 1 to {last}, at most {MAX_FIXTURES}, such as fixtures=1,11"
    if len(parts) > MAX_FIXTURES or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        raise UriError(uri, f"fixtures={text[:60]}", mend=mend)
    addresses = tuple(map(int, parts))
    if not all(1 <= address <= last for address in addresses):
        raise UriError(uri, f"fixtures={text[:60]}", mend=mend)
    ordered = sorted(addresses)
    if any(b - a < width for a, b in pairwise(ordered)):
        raise UriError(uri, f"fixtures={text[:60]} overlap", mend=f"each needs {width} channels")
    return addresses


def _colors(uri: str, text: str) -> dict[str, Rgb]:
    """Read `happy:ffc43d,sad:5692ff`."""
    found: dict[str, Rgb] = {}
    for part in text.split(",")[:256]:
        label, colon, color = part.rpartition(":")
        if not colon or not label:
            raise UriError(uri, f"colors={part[:40]}", mend="label:RRGGBB, such as colors=happy:ffc43d,sad:5692ff")
        found[label] = _color(uri, "colors", color)
    return found


def _color(uri: str, key: str, text: str) -> Rgb:
    if not _COLOR.fullmatch(text):
        raise UriError(uri, f"{key}={text[:40]}", mend="RRGGBB in hexadecimal, such as ffc43d")
    red, green, blue = bytes.fromhex(text)
    return red, green, blue
