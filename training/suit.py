"""The command that plays any performance as an Xsens suit would send it, for whoever has no suit."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from .console import note

if TYPE_CHECKING:
    from ..sensors.base import Sensor


def suit(
    sensor: Annotated[str, typer.Argument(help="What to play: bvh:FILE, mvnx:FILE, synthetic:happy ...")],
    to: Annotated[str, typer.Option("--to", help="HOST:PORT that listens.")] = "127.0.0.1:9763",
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.0, help="Stop after so long.")] = None,
) -> None:
    """Play a performance as an Xsens suit would send it; `emotus run -s xsens:udp://127.0.0.1:9763` hears it."""
    from ..engine.clock import NS_PER_S, MonotonicClock
    from ..sensors.endpoint import parse_endpoint, resolve
    from ..sensors.uri import open_sensor
    from ..sensors.xsens_layout import DEFAULT_PORT

    clock = MonotonicClock()
    endpoint = parse_endpoint(f"--to {to}", to, default_port=DEFAULT_PORT)
    family, address = resolve(f"--to {to}", endpoint.host, endpoint.port, socket.SOCK_DGRAM)[0]
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    end_ns = None if seconds is None else clock.now_ns() + round(seconds * NS_PER_S)
    with contextlib.closing(open_sensor(sensor, clock)) as source, socket.socket(family, socket.SOCK_DGRAM) as out:
        source.open()
        note(f"playing {sensor} to {endpoint} as an Xsens suit (MXTP02, 12 and 13); Ctrl-C ends it")
        frames = 0
        for datagrams in _datagrams(source):
            if stop.is_set() or (end_ns is not None and clock.now_ns() >= end_ns):
                break
            frames += bool(datagrams)
            for datagram in datagrams:
                with contextlib.suppress(ConnectionRefusedError):  # nobody listens yet
                    out.sendto(datagram, address)
    note(f"sent {frames} poses")


def _datagrams(source: Sensor) -> Iterator[list[bytes]]:
    """Yield the datagrams of each pose until the performance ends; an empty list where none has come yet."""
    from ..sensors.xsens_writer import XsensWriter

    writer = XsensWriter()
    while source.health().state not in ("ended", "lost"):
        pose = source.read()
        yield [] if pose is None else writer.write(pose)
