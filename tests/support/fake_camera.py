"""Cameras, files and networks that do as they are told, for the worker's process: real processes, no hardware.

`settings["mode"]` is a file; the word in it says what the camera does just now.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path

import numpy as np

from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.errors import InputError
from emotus.engine.skeleton_tables import MEDIAPIPE_NAMES
from emotus.sensors.sighting import Person, Sighting, encode

PIXELS_A_METRE = 100.0
WIDTH, HEIGHT = 640, 480
STANDS = {
    "shoulder": "UpperArm", "elbow": "LowerArm", "wrist": "Hand", "hip": "UpperLeg", "knee": "LowerLeg",
    "ankle": "Foot", "foot_index": "Toes", "heel": "Foot", "pinky": "Hand", "index": "Hand", "thumb": "Hand",
}  # fmt: skip


def standing(*, lean_m: float = 0.0) -> np.ndarray:
    """Return world landmarks (33, 4) of a person at rest, her head moved to her left; all of them seen."""
    hips = BODY.rest_positions[JOINT_INDEX["Hips"]]
    points = np.zeros((33, 4), dtype=np.float32)
    for i, name in enumerate(MEDIAPIPE_NAMES):
        side, _, part = name.partition("_")
        joint = STANDS.get(part)
        place = BODY.rest_positions[JOINT_INDEX[f"{side.capitalize()}{joint}" if joint else "Head"]] - hips
        ear_m = 0.0 if joint else 0.08 * ((side == "left") - (side == "right"))
        x, y, z = place
        points[i] = x + ear_m + lean_m * (joint is None), -y, -z + 0.02 * (i % 3), 1.0
    middle = (points[23, :3] + points[24, :3]) / 2
    points[:, :3] -= middle
    return points


def person(
    world: np.ndarray | None = None, *, at: tuple[float, float] = (320.0, 240.0), scale: float = 100.0
) -> Person:
    """Return a person whose hips are at a pixel, drawn at so many pixels a metre."""
    points = standing() if world is None else world
    return Person(points.astype(np.float32), (points[:, :2] * scale + np.array(at)).astype(np.float32))


class Camera:
    """Give noise at 30 a second, or whatever the mode says; a mode file that says "gone" cannot be opened."""

    rate_hz = 30.0

    def __init__(self, settings):
        self._mode = Path(settings["mode"])
        if self._mode.read_text() == "busy":
            raise InputError(settings["place"], "the camera cannot be opened", mend="does another program use it?")
        self._old = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        self._new = np.random.default_rng(time.monotonic_ns()).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)

    def read(self):
        mode = self._mode.read_text()
        if mode == "block":
            time.sleep(3600)
        if mode in ("busy", "none"):  # False, or True with None: at once, again and again
            return None
        time.sleep(1 / 30)
        self._new = np.roll(self._new, 1, axis=1)
        return (self._old if mode == "frozen" else self._new), 0.0

    def close(self):
        pass


class Film:
    """Give a recording of settings["pictures"] pictures, each of which says its number."""

    def __init__(self, settings):
        self.rate_hz = float(settings.get("pictures_hz", 30.0))
        self._left = int(settings["pictures"])
        self._given = 0

    def read(self):
        if self._given >= self._left:
            return None
        self._given += 1
        return np.full((HEIGHT, WIDTH, 3), self._given % 256, dtype=np.uint8), (self._given - 1) / self.rate_hz

    def close(self):
        pass


class Seer:
    """See one person who stands there and sways, whatever the picture."""

    name = "a seer"
    bystanders = 0

    def __init__(self, settings):
        self._trouble = settings.get("trouble", "")
        self._seen = 0

    def see(self, pixels, t_ns, /):
        self._seen += 1
        if self._seen > 5:
            trouble(self._trouble)
        return [person(standing(lean_m=0.05 * np.sin(self._seen / 5)))]

    def reset(self):
        pass


def trouble(kind):
    """Make this process hang, die or fall over."""
    if kind == "hang":
        time.sleep(3600)
    if kind == "segfault":
        ctypes.string_at(0)
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


def film_for_a_while(channel, settings):
    """Say 40 sightings at settings["rate"] a second, with times that are exact, then end."""
    channel.ready(rate_hz=settings["rate"], estimator="a seer")
    start_ns, step_ns = time.monotonic_ns(), 1e9 / settings["rate"]
    for i in range(40):
        t_ns = start_ns + round(i * step_ns)
        time.sleep(max(0.0, (t_ns - time.monotonic_ns()) / 1e9))
        channel.send(encode(Sighting(i, t_ns, WIDTH, HEIGHT, (person(standing(lean_m=0.001 * i)),))))
        channel.beat()
