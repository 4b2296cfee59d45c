"""Bridges by address: what the command line's -b means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ..engine.clock import Clock
from ..engine.control import ControlInbox
from ..engine.errors import UriError
from .address import parse_host_port
from .base import Bridge


@dataclass(frozen=True, slots=True)
class Wish:
    """Hold what a bridge is made from: its address, whole and after the scheme, and what all bridges are told."""

    uri: str
    rest: str
    labels: Sequence[str]
    expose: bool
    clock: Clock
    control: ControlInbox | None = None


def make_bridge(
    uri: str, *, labels: Sequence[str], expose: bool = False, clock: Clock, control: ControlInbox | None = None
) -> Bridge:
    """Return the bridge of an address: osc:HOST:PORT, ws:HOST:PORT, jsonl:PATH ("-" is standard output), mcap:PATH.

    labels: what the model can answer. expose: allow what other machines can reach. control: where what clients tell the
    show goes, None to take no commands. Raises UriError where the address
    cannot be understood; whether it can be reached shows when the bridge is started.
    """
    scheme, _, rest = uri.partition(":")
    make = SCHEMES.get(scheme)
    if make is None:
        raise UriError(
            uri, f"unknown bridge '{scheme[:20]}'", mend=f"one of {', '.join(f'{name}:' for name in SCHEMES)}"
        )
    return make(Wish(uri, rest, labels, expose, clock, control))


def make_control(uri: str, control: ControlInbox, clock: Clock) -> Bridge:
    """Return what hears commands at `osc:HOST:PORT` and puts them into the inbox; raises UriError."""
    scheme, _, rest = uri.partition(":")
    if scheme != "osc":
        raise UriError(f"--control {uri}", "is not osc:HOST:PORT", mend="such as osc:127.0.0.1:9001; ws: has its own")
    from .osc_control import OscControl

    host, port = parse_host_port(uri, rest)
    return OscControl(host, port, control, clock=clock)


def _osc(wish: Wish) -> Bridge:
    from .osc_uri import make_osc

    return make_osc(wish)


def _vmc(wish: Wish) -> Bridge:
    from .vmc import make_vmc

    return make_vmc(wish)


def _vrchat(wish: Wish) -> Bridge:
    from .vrchat import make_vrchat

    return make_vrchat(wish)


def _artnet(wish: Wish) -> Bridge:
    from .lights_uri import make_artnet

    return make_artnet(wish)


def _sacn(wish: Wish) -> Bridge:
    from .lights_uri import make_sacn

    return make_sacn(wish)


def _oscquery(wish: Wish) -> Bridge:
    from .oscquery import make_oscquery

    return make_oscquery(wish)


def _lsl(wish: Wish) -> Bridge:
    from .lsl import make_lsl

    return make_lsl(wish)


def _midi(wish: Wish) -> Bridge:
    from .midi_uri import make_midi

    return make_midi(wish)


def _ws(wish: Wish) -> Bridge:
    from .websocket import bridge_of

    return bridge_of(wish.uri, labels=wish.labels, clock=wish.clock, expose=wish.expose, control=wish.control)


def _rosbridge(wish: Wish) -> Bridge:
    from .rosbridge import bridge_of

    return bridge_of(wish.uri, wish.rest, wish.clock)


def _jsonl(wish: Wish) -> Bridge:
    from .jsonl import JsonlBridge

    if not wish.rest:
        raise UriError(wish.uri, "no file is named", mend="jsonl:PATH, or jsonl:- for standard output")
    return JsonlBridge(wish.rest, clock=wish.clock)


def _mcap(wish: Wish) -> Bridge:
    from .recorder import recorder_of

    return recorder_of(wish.uri, wish.rest, wish.clock)


# A new kind of bridge is one line here.
SCHEMES: Final[dict[str, Callable[[Wish], Bridge]]] = {
    "osc": _osc,
    "vmc": _vmc,
    "vrchat": _vrchat,
    "artnet": _artnet,
    "sacn": _sacn,
    "midi": _midi,
    "lsl": _lsl,
    "oscquery": _oscquery,
    "ws": _ws,
    "jsonl": _jsonl,
    "mcap": _mcap,
    "wss": _ws,
    "rosbridge": _rosbridge,
}
# The module that a kind of bridge cannot do without, and the extra that brings it.
NEEDS: Final[dict[str, tuple[str, str]]] = {
    "mcap": ("mcap", "record"),
    "sacn": ("sacn", "lights"),
    "midi": ("rtmidi", "midi"),
    "lsl": ("pylsl", "lsl"),
}
