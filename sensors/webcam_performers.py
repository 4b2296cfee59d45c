"""From sightings to poses: each person in the picture becomes a stream of her own."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from ..engine.clock import NS_PER_MS
from ..engine.one_euro import SMOOTHINGS, OneEuro
from ..engine.pose import Pose
from ..engine.skeleton import Float32
from .sighting import Person, Sighting
from .webcam_body import Doubt, to_body
from .webcam_root import RootEstimator
from .webcam_tracker import Tracker

_BRIDGED_NS: Final = 450 * NS_PER_MS  # pictures farther apart than this are not joined


class Performers:
    """Make the poses of up to `people` persons.

    stream: the one person's name; of several, NAME-1 to NAME-4. smooth: off, light or strong. between: poses put
    between two pictures of a slow recording, marked as interpolated.
    """

    def __init__(
        self, stream: str, *, people: int = 1, smooth: str = "light", fov_deg: float = 60.0, between: int = 0
    ) -> None:
        names = [stream] if people == 1 else [f"{stream}-{k + 1}" for k in range(people)]
        self._tracker = Tracker(people)
        self._performers = [_Performer(name, smooth, fov_deg) for name in names]
        self.between = between
        self.reset()

    def reset(self) -> None:
        """Forget everyone."""
        self._tracker.reset()
        for performer in self._performers:
            performer.reset()
        self.nobody = self.bystanders = 0

    def poses(self, sighting: Sighting, t_ns: int) -> list[Pose]:
        """Return the poses that one sighting gives, in the order of time, the newest taken at t_ns."""
        places = self._tracker.step([_outline(one) for one in sighting.people], t_ns)
        self.nobody += not sighting.people
        self.bystanders += sighting.bystanders + places.count(None)
        poses: list[Pose] = []
        for place, one in zip(places, sighting.people, strict=True):
            if place is not None:
                poses += self._performers[place].step(one, (sighting.width, sighting.height), t_ns, self.between)
        return sorted(poses, key=lambda pose: pose.t_ns)

    def doubts(self) -> list[str]:
        """Return what speaks against the bodies seen, a line each."""
        return [f"{each.stream}: {each.doubt.why}" for each in self._performers if each.doubt.why]

    def delay_ms(self) -> float:
        """Return what the smoothing costs at this moment, the mean over joints and persons."""
        delays = [each.delay_ms for each in self._performers if each.seen]
        return sum(delays) / len(delays) if delays else 0.0


class _Performer:
    """One person: what is remembered of her from picture to picture."""

    def __init__(self, stream: str, smooth: str, fov_deg: float) -> None:
        smoothing = SMOOTHINGS[smooth]
        self.stream = stream
        self.doubt = Doubt()
        self._filter = None if smoothing is None else OneEuro(smoothing)
        self._root = RootEstimator(fov_deg)
        self.reset()

    def reset(self) -> None:
        self.seen = 0  # poses given; also the next one's number
        self._last: Pose | None = None
        self._forget()

    def _forget(self) -> None:
        self.doubt.reset()
        self._root.reset()
        if self._filter is not None:
            self._filter.reset()

    @property
    def delay_ms(self) -> float:
        return 0.0 if self._filter is None else self._filter.delay_ms

    def step(self, person: Person, size: tuple[int, int], t_ns: int, between: int) -> list[Pose]:
        """Return the pose of one sighting, after those between it and the last where they are wanted."""
        last = self._last
        if last is not None and t_ns - last.t_ns > 2 * _BRIDGED_NS:
            self._forget()  # she was away: it may be someone else
        positions, confidence = to_body(person)
        confidence = self.doubt.step(positions, confidence, t_ns)
        if self._filter is not None:
            positions = self._filter.step(positions, t_ns)
        root = self._root.step(person, positions, confidence, size, t_ns)
        placed = (positions + root).astype(np.float32)
        pose = Pose(self.stream, 0, t_ns, placed, confidence.astype(np.float32), travels=False)
        made = [] if last is None else _between(last, pose, between)
        self._last = pose
        return [self._number(each) for each in (*made, pose)]

    def _number(self, pose: Pose) -> Pose:
        self.seen += 1
        return replace(pose, seq=(self.seen - 1) % 2**32)


def _between(last: Pose, pose: Pose, count: int) -> list[Pose]:
    """Return `count` poses on the straight way from one to the next, none where they are far apart in time."""
    gap_ns = pose.t_ns - last.t_ns
    if not 0 < gap_ns <= _BRIDGED_NS:
        return []
    made: list[Pose] = []
    for k in range(1, count + 1):
        share = np.float32(k / (count + 1))
        positions = (last.positions + share * (pose.positions - last.positions)).astype(np.float32)
        confidence = np.minimum(last.confidence, pose.confidence)
        t_ns = last.t_ns + gap_ns * k // (count + 1)
        made.append(replace(pose, t_ns=t_ns, positions=positions, confidence=confidence, interpolated=True))
    return made


def _outline(person: Person) -> tuple[Float32, float]:
    """Return the middle (2,) of a person in the image and her size, in pixels."""
    places = person.image[np.isfinite(person.image).all(axis=1)]
    if not len(places):
        return np.zeros(2, dtype=np.float32), 1.0
    return places.mean(axis=0), float(np.linalg.norm(np.ptp(places, axis=0)))
