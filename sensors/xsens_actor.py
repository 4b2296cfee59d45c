"""One character of MVN: its body, its time and the best of the pose types that it is sent in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from ..engine.clock import NS_PER_S
from ..engine.errors import SkeletonError
from ..engine.pose import Pose
from ..engine.skeleton import Float32, Float64
from ..engine.skeleton_tables import XSENS_NAMES
from .foreign_clock import ForeignClock
from .xsens_body import XsensBody, XsensPoints
from .xsens_wire import Header, Items, NullPose

_LOOK_EVERY: Final = 64  # frames between two looks at whether the bones are still the same
_LOOKS: Final = 2  # in a row at other bones, until they are believed
_STUCK: Final = 8  # samples with one time code: that clock stands still, and arrival counts
_BETTER_NS: Final = NS_PER_S  # for so long after a better pose type came, a lesser one is passed over
_RETRY_NS: Final = NS_PER_S // 10  # after a frame that shows nobody's bones
_SAME_PLACE: Final = 0.005  # metres, or less where MVN sends centimetres
_RATE_OVER: Final = 16  # frames
_COUNTER: Final = 1 << 32


class Frame(NamedTuple):
    """Hold one sample: how good its type is (3 is MXTP02), segments, positions (S, 3), rotations (S, 4) or None."""

    quality: int
    segments: tuple[int, ...]
    positions: Any
    rotations: Any


class Actor:
    """Turn the samples of one character into poses; its bones are taken from its first sound sample.

    latest: items by type, (sample counter, items), for types that only together make a pose. counts: what was dropped.
    """

    def __init__(self, stream: str, place: str, clock: ForeignClock, unit_m: float | None, up: str | None) -> None:
        self.stream = stream
        self.name = ""
        self.rate_hz = 0.0
        self.latest: dict[int, tuple[int, Items]] = {}
        self.counts: Counter[str] = Counter()
        self._place = place
        self._clock = clock
        self._unit_m = unit_m
        self._up = up
        self._body: XsensBody | XsensPoints | None = None
        self._kind: tuple[Sequence[int], bool] = ((), False)  # segments and whether there were orientations
        self._null_pose: Float64 | None = None
        self._retry_ns: int | None = None
        self._anew = False  # a null pose has come since the body was found
        self._odd = 0
        self._best = (0, 0)  # quality, and when it last came
        self._frames = 0
        self._last: tuple[int, int, int] | None = None  # sample counter, time code, time given
        self._stuck = 0
        self._paced_ns = 0

    @property
    def note(self) -> str:
        """Say in one line who it is and how it is read, once that is known."""
        called = f" ({self.name})" if self.name else ""
        return f"{self.stream}{called}: {self._body.note()}" if self._body else ""

    def pose(self, frame: Frame, header: Header, t_ns: int) -> Pose | None:
        """Return the pose of one sample that came at t_ns, unless a better type comes too or there is nobody in it."""
        quality, came_ns = self._best
        if frame.quality < quality and t_ns - came_ns < _BETTER_NS:
            self.counts["passed_over_type"] += 1
            return None
        points: Float32 = frame.positions.astype(np.float32)
        turned: Float32 | None = None if frame.rotations is None else frame.rotations.astype(np.float32)
        body = self._body_for(frame.segments, points, turned, t_ns)
        if body is None:
            self.counts["dropped_unmatched"] += 1
            return None
        self._best = (frame.quality, t_ns)
        motion = body.apply(points[None], None if turned is None else turned[None])
        at_ns = self._time_of(header, t_ns)
        rotations = None if motion.rotations is None else motion.rotations[0]
        return Pose(self.stream, header.sample, at_ns, motion.positions[0], motion.confidence, rotations)

    def _body_for(
        self, segments: Sequence[int], points: Float32, turned: Float32 | None, t_ns: int
    ) -> XsensBody | XsensPoints | None:
        """Return the body that fits a sample; it is found in the first sound one, and again for other bones."""
        self._frames += 1
        kind = (segments, turned is not None)
        known = self._body is not None and self._kind == kind and not self._anew
        if known and self._body is not None and self._is_same(self._body, points, turned):
            return self._body
        if self._retry_ns is not None and t_ns < self._retry_ns:
            return self._body if self._kind == kind else None
        try:
            self._body = self._matched(segments, points, turned)
        except SkeletonError:
            self._retry_ns = t_ns + _RETRY_NS
            return self._body if self._kind == kind else None
        self._kind, self._retry_ns, self._odd, self._anew = kind, None, 0, False
        return self._body

    def _is_same(self, body: XsensBody | XsensPoints, points: Float32, turned: Float32 | None) -> bool:
        """Look now and then whether the bones are still the same person's."""
        if turned is None or self._frames % _LOOK_EVERY:
            return True
        self._odd = 0 if body.fits(points) else self._odd + 1
        return self._odd < _LOOKS

    def _matched(self, segments: Sequence[int], points: Float32, turned: Float32 | None) -> XsensBody | XsensPoints:
        if turned is None:
            return XsensPoints(segments, points, self._place, unit_m=self._unit_m)
        return XsensBody(
            segments, points, turned, self._place, null_pose=self._null_pose, unit_m=self._unit_m, up=self._up
        )

    def take_null_pose(self, told: NullPose) -> None:
        """Learn the T-pose; the body is found anew with it where it is the first, or another than before."""
        origins = np.full((len(XSENS_NAMES), 3), np.nan)
        for segment, name in enumerate(XSENS_NAMES):
            origins[segment] = told.origins.get(name, origins[segment])
        known = self._null_pose
        if told.origins and (known is None or not np.allclose(origins, known, atol=_SAME_PLACE, equal_nan=True)):
            self._null_pose = origins
            self._anew = True

    def _time_of(self, header: Header, t_ns: int) -> int:
        """Return when a sample was taken: by MVN's clock where it runs, else when it came; later ones are later."""
        if self._last is None:
            at_ns = self._paced_ns = self._clock.to_ours(header.time_ms, t_ns)
        else:
            sample, time_ms, last_ns = self._last
            at_ns = self._mapped(header, sample, time_ms, t_ns)
            ahead = (header.sample - sample) % _COUNTER
            if 0 < ahead < _COUNTER // 2:
                at_ns = max(at_ns, last_ns + 1)
            elif at_ns <= last_ns:  # it came twice, or was overtaken on the way; else MVN counts anew
                return at_ns
        self._last = (header.sample, header.time_ms, at_ns)
        if self._frames % _RATE_OVER == 0 and at_ns > self._paced_ns:
            self.rate_hz = _RATE_OVER * NS_PER_S / (at_ns - self._paced_ns)
            self._paced_ns = at_ns
        return at_ns

    def _mapped(self, header: Header, sample: int, time_ms: int, t_ns: int) -> int:
        """Return the time by MVN's clock, or by arrival where its time code stands still."""
        if header.time_ms == time_ms:
            self._stuck += header.sample != sample
        else:
            if self._stuck >= _STUCK:
                self._clock.reset()
            self._stuck = 0
        return t_ns if self._stuck >= _STUCK else self._clock.to_ours(header.time_ms, t_ns)
