"""Hear Xsens MVN: `xsens:udp://HOST:9763`, and `xsens:tcp://HOST:PORT`, where MVN calls us unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from ..engine.clock import Clock
from ..engine.errors import UriError
from .base import Sensor
from .datagram import LIVE_OPTIONS, hear_datagrams
from .endpoint import parse_endpoint
from .info import Option, SensorInfo, stream_option
from .options import check_keys, number, stream_name, switch
from .packets import STALE_AFTER_MS
from .tcp_feed import TcpSensor
from .xsens_decoder import XsensDecoder
from .xsens_framer import XsensFramer
from .xsens_layout import DEFAULT_PORT

_T = TypeVar("_T")

MOST_PER_S: Final = 16_000  # datagrams: eight suits at 240 Hz with seven types each, and some
HINT: Final = "in MVN: Options, Network Streamer, this machine and port, Position + Orientation (Quaternion)"
_OPTIONS: Final = (*LIVE_OPTIONS, "connect", "stream", "unit", "up")
_UNITS_M: Final = {"auto": None, "m": 1.0, "cm": 0.01}
_UP: Final = {"auto": None, "y": "y", "z": "z"}

INFOS: Final = (
    SensorInfo(
        "xsens",
        f"xsens:udp://HOST:{DEFAULT_PORT} or xsens:tcp://HOST:PORT",
        "Xsens MVN Analyze or Animate through its network streamer, a stream a character",
        (
            Option("from", "hosts to hear, with commas between them; unless given, the first that sends poses"),
            Option("unit", "of the positions: m, cm or auto", "auto"),
            Option("up", "axis that points up: z, y or auto", "auto"),
            Option("connect", "with tcp, 1: call HOST:PORT; 0: be called there, as MVN does", "0"),
            Option("timeout", "seconds of silence after which it ends, 0 for never", "0"),
            Option("stale", "milliseconds of silence after which it is stale", f"{STALE_AFTER_MS:g}"),
            Option("most", "datagrams a second that are read", str(MOST_PER_S)),
            stream_option("xsens"),
        ),
        f"xsens:udp://0.0.0.0:{DEFAULT_PORT}",
        port=DEFAULT_PORT,
        gives="23 segments with positions and orientations",
    ),
)


def from_uri(path: str, options: Mapping[str, str], clock: Clock) -> Sensor:
    """Make the sensor of `xsens:[udp|tcp]://HOST:PORT?from=&unit=auto&up=auto&timeout=0&stale=200&most=&stream=`.

    Raises UriError.
    """
    place = f"xsens:{path}"
    check_keys(place, options, _OPTIONS)
    decoder = XsensDecoder(
        place,
        stream=stream_name(place, options, "xsens"),
        unit_m=_choice(place, options, "unit", _UNITS_M),
        up=_choice(place, options, "up", _UP),
    )
    endpoint = parse_endpoint(place, path, default_port=DEFAULT_PORT, transports=("udp", "tcp"))
    if endpoint.transport == "udp":
        if "connect" in options:
            raise UriError(place, "connect is for tcp", mend="leave out connect")
        return hear_datagrams(
            place, path, options, decoder, clock, default_port=DEFAULT_PORT, hint=HINT, most_per_s=MOST_PER_S
        )
    connect = switch(place, options, "connect", default=False)
    if "most" in options or (connect and "from" in options):
        raise UriError(place, "TCP needs no limit, and hears the host it calls", mend="leave out most, and from")
    return TcpSensor(
        place,
        endpoint.host,
        endpoint.port,
        decoder,
        XsensFramer(),
        clock,
        listen=not connect,
        allow=tuple(filter(None, options.get("from", "").split(","))),
        stale_after_ms=number(place, options, "stale", STALE_AFTER_MS, 20.0, 60_000.0),
        end_after_s=number(place, options, "timeout", 0.0, 0.0, 86_400.0),
        hint=HINT,
    )


def _choice(place: str, options: Mapping[str, str], key: str, known: Mapping[str, _T]) -> _T:
    """Return what the word given for key stands for; raise UriError for another word."""
    word = options.get(key, "auto")
    if word not in known:
        raise UriError(place, f"{key}={word}", mend=f"one of {', '.join(known)}")
    return known[word]
