"""What the camera's process does: pictures in, landmarks out.

With camera.py, capture.py and the pose back ends this is the only code that ever holds a picture. It keeps none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from ..engine.clock import NS_PER_S
from .camera import Camera, Limits
from .capture import Capture
from .sighting import Person, Pixels, Sighting, encode
from .worker_channel import Channel, StuckError, find

_WAIT_S = 0.1


class Estimator(Protocol):
    """Find people in pictures."""

    name: str
    bystanders: int  # seen in the last picture beside those returned

    def see(self, pixels: Pixels, t_ns: int, /) -> list[Person]:
        """Return the people in a picture, BGR, taken at t_ns, which rises."""
        ...

    def reset(self) -> None:
        """Forget the pictures before: another recording begins."""
        ...


def film(channel: Channel, settings: Mapping[str, Any]) -> None:
    """Follow a camera: each newest picture, those between passed over; raises InputError, or StuckError."""
    opener = find(settings["capture"])
    camera = Camera(lambda: opener(settings), Limits(**settings.get("limits", {})))
    camera.start(patient=channel.again)
    estimator: Estimator = find(settings["estimator"])(settings)
    _warm_up(estimator, settings)
    channel.ready(rate_hz=camera.rate_hz, estimator=estimator.name)
    told = ""
    while not camera.blocked():
        shot = camera.newest(_WAIT_S)
        trouble = "" if shot is not None else camera.trouble()
        if trouble != told and (trouble or shot is not None):
            channel.tell("stale" if trouble else "live", trouble)
            told = trouble
        if shot is None:
            channel.beat()
            continue
        channel.send(encode(_look(estimator, _upright(shot.pixels, settings), shot.number, shot.t_ns)))
    raise StuckError("the camera's driver does not answer")


def play(channel: Channel, settings: Mapping[str, Any]) -> None:
    """Go through a video file, every picture of it; raises InputError where it cannot be read."""
    opener = find(settings["capture"])
    capture: Capture = opener(settings)
    estimator: Estimator = find(settings["estimator"])(settings)
    channel.ready(rate_hz=capture.rate_hz, estimator=estimator.name)
    number, start_ns, t_ns = 0, 0, 0
    while True:
        read = capture.read()
        if read is None:
            capture.close()
            if not settings.get("loop") or not number:
                return
            capture = opener(settings)
            estimator.reset()
            start_ns = t_ns + round(NS_PER_S / capture.rate_hz)
            continue
        pixels, t_s = read
        t_ns = start_ns + round(t_s * NS_PER_S)
        channel.send(encode(_look(estimator, _upright(pixels, settings), number, t_ns)))
        number += 1


def _look(estimator: Estimator, pixels: Pixels, number: int, t_ns: int) -> Sighting:
    """Return what is seen in one picture."""
    height, width = pixels.shape[:2]
    people = tuple(estimator.see(pixels, t_ns))
    return Sighting(number, t_ns, width, height, people, estimator.bystanders)


def _upright(pixels: Pixels, settings: Mapping[str, Any]) -> Pixels:
    """Turn a picture clockwise by the degrees that were told, and mirror it where that was."""
    turned = np.rot90(pixels, -int(settings.get("rotate", 0)) // 90)
    return np.ascontiguousarray(turned[:, ::-1] if settings.get("mirror") else turned)


def _warm_up(estimator: Estimator, settings: Mapping[str, Any]) -> None:
    """Let the networks run once before anybody waits for them: the first picture takes many times the others."""
    size = (int(settings.get("height", 480)), int(settings.get("width", 640)), 3)
    estimator.see(np.zeros(size, dtype=np.uint8), 0)
    estimator.reset()
