"""Turn the samples of an LSL stream of a body into poses: its points are matched to the body once, by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np

from ..engine.body import BODY, JOINT_COUNT, JOINT_INDEX
from ..engine.clock import NS_PER_S
from ..engine.errors import PacketError, SkeletonError
from ..engine.matching import FARTHEST
from ..engine.pose import Pose
from ..engine.rate import SourceRate
from ..engine.retarget import Retargeter, match_skeleton, rotations_from_positions
from ..engine.skeleton import Float32, Skeleton
from ..engine.tables import points_skeleton
from .lsl_layout import LslLayout

_SAMPLE: Final = np.dtype("<f4")
_FARTHEST_M: Final = 1000.0
_TRIES: Final = 600  # samples after which points that make up no body are given up


class LslDecoder:
    """Read samples (C little-endian float32) of one layout, which is told before the first.

    up: the source's upward axis and unit_m its unit, guessed unless told; where every point is a joint of the body by
    its own name they are y and metres. A point that is not finite, or whose confidence is 0, is not known.
    """

    def __init__(self, *, stream: str = "lsl", up: str | None = None, unit_m: float | None = None) -> None:
        self._stream = stream
        self._up = up
        self._unit_m = unit_m
        self.reset()

    def reset(self) -> None:
        """Forget everything that was heard, the layout too."""
        self.rate_hz = 60.0
        self._is_stated = False  # whether the stream states its rate
        self._rate = SourceRate(NS_PER_S / 60)
        self._layout: LslLayout | None = None
        self._last_ns: int | None = None
        self._seq = 0
        self._counts: Counter[str] = Counter()
        self._forget_match()

    def _forget_match(self) -> None:
        self._joints: list[int] | None = None  # of the body, for each point; where all have its names
        self._retargeter: Retargeter | None = None
        self._tries = 0
        self._note = ""

    @property
    def counters(self) -> Mapping[str, int]:
        """Return the samples passed over, by reason."""
        return dict(self._counts)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what was matched."""
        return (self._note,) if self._note else ()

    def learn(self, layout: LslLayout, rate_hz: float) -> None:
        """Take the layout of the samples to come, and the rate that the stream states, 0 where it states none."""
        self._layout = layout
        self._forget_match()
        self._is_stated = 1.0 <= rate_hz <= 1000.0
        self.rate_hz = rate_hz if self._is_stated else 60.0
        if all(name in JOINT_INDEX for name in layout.names) and self._up in (None, "y"):
            self._joints = [JOINT_INDEX[name] for name in layout.names]
            self._note = f"{len(layout.names)} of {JOINT_COUNT} joints by their own names"

    def feed(self, data: bytes, t_ns: int) -> list[Pose]:
        """Return the pose of a sample; raises PacketError for one of another size, or that makes up no body."""
        layout = self._layout
        if layout is None or len(data) != layout.channels * _SAMPLE.itemsize:
            raise PacketError(f"a sample of {len(data)} bytes, where the stream has other channels")
        row = np.frombuffer(data, _SAMPLE)
        places = row[layout.columns].astype(np.float32)  # (P, 3)
        known = np.where(layout.confidence >= 0, row[layout.confidence], 1.0).astype(np.float32)
        known = np.where(np.isfinite(known) & (np.abs(places) < FARTHEST).all(axis=1), np.clip(known, 0.0, 1.0), 0.0)
        if self._last_ns is not None and t_ns <= self._last_ns:
            self._counts["dropped_late"] += 1
            return []
        pose = self._pose(layout, places, known.astype(np.float32), t_ns)
        self._counts["dropped_unseen"] += pose is None
        return [] if pose is None else [pose]

    def _pose(self, layout: LslLayout, places: Float32, known: Float32, t_ns: int) -> Pose | None:
        """Return a pose, None where the hips are unknown."""
        body = (
            self._by_name(layout, places, known) if self._joints is not None else self._matched(layout, places, known)
        )
        if body is None:
            return None
        positions, confidence = body
        if self._last_ns is not None and not self._is_stated:
            self._rate.update(t_ns - self._last_ns)
            self.rate_hz = NS_PER_S / self._rate.period_ns
        self._last_ns = t_ns
        seq, self._seq = self._seq % 2**32, self._seq + 1
        rotations = rotations_from_positions(positions[None])[0] if (confidence > 0).all() else None
        return Pose(self._stream, seq, t_ns, positions, confidence, rotations)

    def _by_name(self, layout: LslLayout, places: Float32, known: Float32) -> tuple[Float32, Float32] | None:
        """Return positions (21, 3) and confidence (21,) of points that are the body's own joints."""
        confidence = np.zeros(JOINT_COUNT, dtype=np.float32)
        positions = np.zeros((JOINT_COUNT, 3), dtype=np.float32)
        confidence[self._joints] = known
        positions[self._joints] = np.float32(self._unit_m or layout.unit_m or 1.0) * places
        if not confidence[0] or not (np.abs(positions[confidence > 0]) < _FARTHEST_M).all():
            return None
        for joint, parent in enumerate(BODY.parents):
            if not confidence[joint]:
                positions[joint] = positions[parent] + BODY.offsets[joint]
        return positions, confidence

    def _matched(self, layout: LslLayout, places: Float32, known: Float32) -> tuple[Float32, Float32] | None:
        """Return the same of points with names of another make, which the first whole sample settles."""
        if self._retargeter is None:
            if not known.all():
                return None
            self._retargeter = self._match(layout, places)
        confidence = self._retargeter.confidence(known[None])[0]
        body = self._retargeter.apply(np.where(known[:, None] > 0, places, places[known > 0].mean(axis=0))[None])
        positions = body.positions[0]
        if not confidence[0] or not (np.abs(positions) < _FARTHEST_M).all():
            return None
        return positions, confidence * (body.confidence > 0)

    def _match(self, layout: LslLayout, places: Float32) -> Retargeter:
        """Match the points to the body by their names and one sample; raises PacketError where that cannot be."""
        self._tries += 1
        if self._tries > _TRIES:
            raise PacketError("its points make up no body")
        skeleton: Skeleton = points_skeleton(layout.names)
        unit_m = self._unit_m or layout.unit_m
        try:
            match = match_skeleton(skeleton, place="lsl", positions=places[None], up=self._up, unit_m=unit_m)
        except SkeletonError as problem:
            raise PacketError(str(problem)) from None
        lacking = ", ".join(match.lacking) or "none"
        self._note = f"{len(layout.names)} points by {match.table}: {match.rest.notes[-1]}; joints unknown: {lacking}"
        return Retargeter(match)
