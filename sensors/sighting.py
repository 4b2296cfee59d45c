"""What the camera's process passes on of one frame: where up to four people's 33 landmarks are, and nothing else."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import PacketError
from ..engine.skeleton import Float32

LANDMARKS: Final = 33
MOST_PEOPLE: Final = 4
Pixels = NDArray[np.uint8]  # (H, W, 3), blue green red; never leaves the process that took it

_HEAD: Final = struct.Struct("<IqHHBB")  # number, t_ns, width, height, people, bystanders
_PERSON: Final = LANDMARKS * 6 * 4  # bytes


@dataclass(frozen=True, slots=True)
class Person:
    """Hold one person: world (33, 4) float32 of x, y, z, visibility, image (33, 2) float32 pixels.

    World landmarks are in metres about the middle of the hips, x to the right of the image, y down, z away from the
    camera (PROTOCOLS 7.5); visibility is 0 to 1.
    """

    world: Float32
    image: Float32


@dataclass(frozen=True, slots=True)
class Sighting:
    """Hold one frame: its number, when it was taken, its size in pixels, the people in it and how many more were seen.

    t_ns: the machine's monotonic time for a camera, the recording's own for a file.
    """

    number: int
    t_ns: int
    width: int
    height: int
    people: tuple[Person, ...]
    bystanders: int = 0


def encode(sighting: Sighting) -> bytes:
    """Return a sighting as bytes: at most 3.2 KB."""
    head = _HEAD.pack(
        sighting.number % 2**32,
        sighting.t_ns,
        sighting.width,
        sighting.height,
        len(sighting.people),
        min(sighting.bystanders, 255),
    )
    each = (np.hstack((p.world, p.image)).astype("<f4").tobytes() for p in sighting.people)  # (33, 6)
    return head + b"".join(each)


def decode(data: bytes) -> Sighting:
    """Return the sighting of bytes; raises PacketError where they are none."""
    if len(data) < _HEAD.size:
        raise PacketError(f"a sighting of {len(data)} bytes, its head alone takes {_HEAD.size}")
    number, t_ns, width, height, people, bystanders = _HEAD.unpack_from(data)
    if people > MOST_PEOPLE or len(data) != _HEAD.size + people * _PERSON:
        raise PacketError(f"a sighting of {people} people in {len(data)} bytes")
    numbers = np.frombuffer(data, "<f4", offset=_HEAD.size).reshape(people, LANDMARKS, 6)  # (P, 33, 6)
    each = tuple(Person(one[:, :4].astype(np.float32), one[:, 4:].astype(np.float32)) for one in numbers)
    return Sighting(number, t_ns, width, height, each, bystanders)
