"""Read the address of an OSC bridge: osc:HOST:PORT,tcp://HOST:PORT?template=...&rate=...&changes=..."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ..engine.errors import UriError
from ..engine.options import check_keys, choice, number, read_options, switch
from .address import parse_host_port
from .coordinates import AXES
from .osc import OscBridge, OscSettings
from .osc_gate import MAX_RATE, read_rules
from .osc_link import Target, read_targets
from .osc_template import KINDS, choose, fill

if TYPE_CHECKING:
    from .uri import Wish

MAX_STREAMS: Final = 64
MAX_DELAY_MS: Final = 2000.0
_LARGEST: Final = 1e6
_OPTIONS: Final = (
    "template", "axes", "stream", "rate", "changes", "bundle", "timetag", "delay", "framing", *KINDS
)  # fmt: skip


def make_osc(wish: Wish) -> OscBridge:
    """Make the bridge of `osc:HOST:PORT,tcp://HOST:PORT?template=NAME&rate=10&changes=0.01&...`; raises UriError."""
    targets, options = split(wish.uri, wish.rest)
    check_keys(wish.uri, options, _OPTIONS)
    settings = read_settings(wish.uri, targets, options)
    told: dict[str, Any] = {"labels": wish.labels, "clock": wish.clock, "expose": wish.expose}
    return OscBridge(targets[0].host, targets[0].port, settings=settings, **told)


def split(uri: str, rest: str) -> tuple[list[Target], dict[str, str]]:
    """Return the receivers and the options of an address."""
    where, _, query = rest.partition("?")
    return read_targets(uri, where, parse_host_port), read_options(uri, query)


def split_udp(uri: str, rest: str, known: tuple[str, ...]) -> tuple[list[Target], dict[str, str]]:
    """Return the receivers and the options of an address that goes by UDP alone and knows these options."""
    targets, options = split(uri, rest)
    check_keys(uri, options, known)
    if any(target.transport == "tcp" for target in targets):
        raise UriError(uri, "this goes by UDP", mend="leave tcp:// out")
    return targets, options


def read_settings(uri: str, targets: list[Target], options: Mapping[str, str]) -> OscSettings:
    """Return what the options ask for; raises UriError naming the one that cannot be."""
    choice(uri, options, "axes", "house", AXES)
    template = choose(uri, options)
    patterns = {kind: pattern_of(address) for kind, address in template.addresses.items()}
    changes = read_rules(uri, "changes", options["changes"], patterns, _LARGEST) if "changes" in options else ()
    delay_ms = number(uri, options, "delay", 0.0, 0.0, MAX_DELAY_MS)
    if delay_ms and options.get("timetag") != "capture":
        raise UriError(uri, "delay needs time tags", mend="add timetag=capture")
    return OscSettings(
        template=template,
        streams=streams_of(uri, options),
        rates=read_rules(uri, "rate", options["rate"], patterns, MAX_RATE) if "rate" in options else (),
        changes=changes,
        bundle=switch(uri, options, "bundle", default=True) if "bundle" in options else None,
        framing="size" if choice(uri, options, "framing", "slip", ("slip", "size")) == "size" else "slip",
        timetag="capture" if choice(uri, options, "timetag", "immediate", TIMETAGS) == "capture" else "immediate",
        delay_ms=delay_ms,
        targets=targets,
    )


TIMETAGS: Final = ("immediate", "capture")


def streams_of(uri: str, options: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of `stream=anna,*.partner`, () for everybody; raises UriError."""
    names = tuple(options["stream"].split(",")) if "stream" in options else ()
    if not all(names) or len(names) > MAX_STREAMS:
        raise UriError(uri, "stream names nobody", mend="stream=NAME,NAME; * stands for anything")
    return names


def pattern_of(address: str) -> str:
    """Return the pattern of all addresses that a template's address can become."""
    return fill(address, **dict.fromkeys(("stream", "person", "label", "name", "joint", "axis"), "*"))
