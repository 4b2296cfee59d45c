"""A pose: where the 21 joints of one performer are at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from .skeleton import Float32


@dataclass(frozen=True, slots=True)
class Pose:
    """Hold one performer at one moment, on the body of `engine.body`, in the house frame.

    stream: performer's stream id. seq: the source's counter, rising by one a frame, wrapping at 2**32. t_ns: monotonic
    nanoseconds at capture. positions: (21, 3) float32 world metres. confidence: (21,) float32 in 0..1, 0 for a joint
    that the source lacks or that is masked. rotations: (21, 4) float32 local quaternions (w, x, y, z), identity in the
    T-pose, or None. travels: False where the source knows no root motion (the root then rests at its place).
    interpolated: True where the frame was made between two received ones. Arrays are never written to.
    """

    stream: str
    seq: int
    t_ns: int
    positions: Float32
    confidence: Float32
    rotations: Float32 | None = None
    travels: bool = True
    interpolated: bool = False

    @property
    def root(self) -> Float32:
        """Return the (3,) world position of the Hips in metres."""
        return self.positions[0]


@dataclass(frozen=True, slots=True)
class Hole:
    """Mark time in which nothing is known of a stream: nothing may be computed across it.

    from_ns is the last moment known before, to_ns the first known after it (or the moment it was noticed).
    """

    stream: str
    from_ns: int
    to_ns: int
    reason: str


Arrival = Pose | Hole
