"""Turn the samples of the sensors on one wearer into poses: filter, calibrate, place. Bounded state, no socket."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ..engine import quaternion
from ..engine.body import HEIGHT_M, JOINT_INDEX
from ..engine.clock import NS_PER_MS, NS_PER_S
from ..engine.pose import Pose
from ..engine.quaternion import Floats
from ..engine.rate import SourceRate
from .imu_body import ImuBody
from .imu_calibration import HOLD_S, Calibration
from .imu_filter import OrientationFilter, need_vqf
from .imu_mapping import ImuMapping
from .imu_sample import Sample, Vector
from .source_time import SourceTime

SILENT_NS: Final = 200 * NS_PER_MS  # a sensor that is silent so long leaves its segment unknown
_TURN_COSINE: Final = math.cos(math.radians(170.0) / 2)  # a sensor that turns by 170 degrees at once is broken
_NEVER: Final = -(1 << 62)
_LARGEST: Final = 1e6  # beyond it no accelerometer, gyroscope or magnetometer reads


@dataclass
class _Heard:
    """Hold what was heard of one sensor."""

    clock: SourceTime = field(default_factory=SourceTime)
    turned: Floats | None = None
    t_ns: int = _NEVER
    stamp_s: float | None = None
    filter: OrientationFilter | None = None


class ImuPerformer:
    """Give the poses of one wearer, a frame whenever all her sensors have been heard again.

    stream: her name. pose: "n", "t" or "none", what she is calibrated in, held still for hold_s. height_m: scales her
    bones. live: whether samples come at their arrival time, so that the sender's clock is to be mapped to ours.
    """

    def __init__(
        self,
        mapping: ImuMapping,
        stream: str,
        *,
        pose: str = "n",
        hold_s: float = HOLD_S,
        height_m: float = HEIGHT_M,
        live: bool = True,
    ) -> None:
        if mapping.kind == "inertial":
            need_vqf()
        self.mapping = mapping
        self._stream = stream
        self._live = live
        self._body = ImuBody(height_m)
        self._rate = SourceRate(NS_PER_S / mapping.rate_hz)
        self._calibration = Calibration(mapping, "none" if mapping.kind == "acceleration" else pose, hold_s)
        self.reset()

    def reset(self) -> None:
        """Forget the wearer."""
        self._calibration.reset()
        self._heard: dict[str, _Heard] = {}
        self._fresh: set[str] = set()
        self._met = False  # whether every sensor that speaks has spoken once
        self._frame_ns = 0
        self._last_ns = -1
        self._phased_ns = -NS_PER_S
        self._rate.reset()
        self._seq = 0
        self._counts: Counter[str] = Counter()

    @property
    def rate_hz(self) -> float:
        """Return the frames a second: those of the mapping, then those that come."""
        return NS_PER_S / self._rate.period_ns

    @property
    def counters(self) -> Mapping[str, int]:
        """Return what was dropped, by reason."""
        return dict(self._counts)

    @property
    def notes(self) -> Sequence[str]:
        """Say how the calibration stands and which sensors are missing."""
        if self.mapping.kind == "acceleration":
            return ("accelerometers alone tell no orientation: no joint of the body is known",)
        late = sorted(self._calibration.waits_for.values()) if self.mapping.kind != "acceleration" else []
        missing = f"without a sensor since the calibration: {', '.join(late)}"
        return (self._calibration.note, missing) if late and self._calibration.done and self._named else (
            self._calibration.note,
        )  # fmt: skip

    @property
    def _named(self) -> bool:
        """Tell whether the mapping names the wearer's own sensors, so that one that is missing is worth a word."""
        return self.mapping.place != "imu"

    def take(self, samples: Sequence[Sample], t_ns: int) -> Iterator[Pose]:
        """Yield the poses that samples, heard at t_ns, complete."""
        for sample in samples:
            if sample.sensor not in self.mapping.segments:
                self._counts["dropped_unmapped"] += 1
            elif sample.quaternion is None and self.mapping.kind == "quaternion":
                self._counts["dropped_wrong_kind"] += 1
            elif sample.gap:
                self._counts["dropped_gaps"] += 1
            else:
                yield from self._hear(sample, t_ns)

    def _hear(self, sample: Sample, arrival_ns: int) -> Iterator[Pose]:
        heard = self._heard.setdefault(sample.sensor, _Heard())
        if self._live and sample.time_s is not None and sample.time_s == heard.stamp_s:
            self._counts["dropped_duplicate"] += 1
            return
        t_ns = heard.clock.of(sample.time_s, arrival_ns) if self._live else arrival_ns
        heard.stamp_s = sample.time_s
        if t_ns is None or t_ns <= heard.t_ns:
            self._counts["dropped_late"] += 1
            return
        turned = self._turned(sample, heard, t_ns)
        if turned is None:
            return
        if sample.sensor in self._fresh:  # it speaks again before others did: the frame is what was heard so far
            self._met = True
            yield from self._frame()
        period_ns = t_ns - heard.t_ns
        heard.turned, heard.t_ns = turned, t_ns
        self._fresh.add(sample.sensor)
        self._frame_ns = max(self._frame_ns, t_ns)
        if not self._calibration.done:
            self._calibration.watch(sample.sensor, turned, t_ns)
        if self._met and all(name in self._fresh or t_ns - each.t_ns > SILENT_NS for name, each in self._heard.items()):
            if self._straddles(t_ns, period_ns):
                return
            yield from self._frame()

    def _straddles(self, t_ns: int, period_ns: int) -> bool:
        """Tell whether the frame mixes two moments; what is of the earlier one then waits for the later, once a second.

        Where the sensors speak in turns, no phase is better than another, and the frame is given as it is.
        """
        early = {name for name in self._fresh if t_ns - self._heard[name].t_ns > max(period_ns // 2, NS_PER_MS)}
        if not early or t_ns - self._phased_ns < NS_PER_S:
            return False
        self._phased_ns = t_ns
        self._fresh -= early
        return True

    def _turned(self, sample: Sample, heard: _Heard, t_ns: int) -> Floats | None:
        """Return the sensor's orientation (4,) in its world, None for numbers that no sensor can read."""
        if sample.quaternion is not None:
            return self._checked(sample.quaternion, heard, t_ns)
        if not all(map(_sound, (sample.acceleration, sample.gyroscope, sample.magnetometer))):
            self._counts["dropped_impossible"] += 1
            return None
        if sample.gyroscope is None or sample.acceleration is None:
            return quaternion.IDENTITY
        if heard.filter is None:
            heard.filter = OrientationFilter(self.mapping.rate_hz)
        field = None if sample.magnetometer is None else np.array(sample.magnetometer)
        gyroscope, acceleration = np.array(sample.gyroscope), np.array(sample.acceleration)
        return heard.filter.update(gyroscope, acceleration, field, t_ns / NS_PER_S)

    def _checked(self, given: Vector, heard: _Heard, t_ns: int) -> Floats | None:
        """Return a quaternion made unit; None, counted, for one that is none or that jumped."""
        length = math.hypot(*given) if _sound(given) else 0.0
        if not 0.5 < length < 2.0:
            self._counts["dropped_impossible"] += 1
            return None
        q = np.array(given) / length
        if heard.turned is not None and t_ns - heard.t_ns < SILENT_NS and abs(float(heard.turned @ q)) < _TURN_COSINE:
            self._counts["dropped_impossible"] += 1
            heard.turned = None  # if it says so again, it is so
            return None
        return q

    def _frame(self) -> Iterator[Pose]:
        """Yield the frame of what was heard; none before the calibration, as nothing is known then."""
        self._fresh.clear()
        t_ns = self._frame_ns
        if not self._calibration.done or t_ns <= self._last_ns:
            return
        segments: dict[int, Floats] = {}
        if self.mapping.kind != "acceleration":
            fresh = {name: each.turned for name, each in self._heard.items() if t_ns - each.t_ns <= SILENT_NS}
            turned = self._calibration.apply({name: q for name, q in fresh.items() if q is not None})
            segments = {JOINT_INDEX[self.mapping.segments[name]]: q for name, q in turned.items()}
        positions, confidence, rotations = self._body.place(segments)
        if self._last_ns >= 0:
            self._rate.update(t_ns - self._last_ns)
        self._last_ns = t_ns
        seq, self._seq = self._seq, (self._seq + 1) % 2**32
        yield Pose(self._stream, seq, t_ns, positions, confidence, rotations, travels=False)


def _sound(vector: Vector | None) -> bool:
    """Tell whether a vector is one that a sensor can read; one that is lacking is."""
    return vector is None or all(abs(value) < _LARGEST for value in vector)
