"""What workers do in tests, run in processes of their own."""

from __future__ import annotations

import time

from support.fake_camera import trouble

from emotus.engine.errors import InputError
from emotus.sensors.worker_channel import StuckError


def count(channel, settings):
    """Send the numbers from 0 on, then end."""
    channel.ready(of=settings["numbers"])
    for i in range(settings["numbers"]):
        channel.send(i.to_bytes(4, "little"))
        time.sleep(settings.get("pause_s", 0.0))


def stumble(channel, settings):
    """Send one result, then get into trouble; after the first time only where settings["always"] says so."""
    channel.ready(again=channel.again)
    channel.send(b"again" if channel.again else b"first")
    if settings.get("always") or not channel.again:
        trouble(settings["trouble"])
    while True:
        channel.send(b"well")
        time.sleep(0.01)


def never_ready(channel, settings):
    """Hang before anything is said."""
    time.sleep(3600)


def refuse(channel, settings):
    """Say that it cannot be done, in one of the ways there are."""
    if settings["how"] == "input":
        raise InputError("elsewhere", "there is no such thing", mend="look again")
    if settings["how"] == "stuck":
        raise StuckError("it does not answer")
    if settings["how"] == "bug":
        raise KeyError("left")
    trouble(settings["how"])


def babble(channel, settings):
    """Print what no sensor understands, then work."""
    import os

    print("a library greets", flush=True)
    channel.ready()
    channel.send(b"sense")
    channel._pipe.write(b"\xff\xff\xff nonsense")
    channel._pipe.flush()
    os.close(channel._pipe.fileno())
    time.sleep(3600)


def show(channel, settings):
    """Try to pass a picture on."""
    channel.ready()
    channel.send(bytes(64 * 64 * 3))
