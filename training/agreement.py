"""Tell how well two recordings of the same movement by different sensors agree: in time, in space and in motion.

Both are brought to one clock by the lag at which their joint speeds correlate best, and to one room by the rigid
motion with the least squared distance (Kabsch, A solution for the best rotation to relate two sets of vectors, 1976).
What is left is what the sensors disagree about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ..engine.body import JOINT_INDEX, JOINT_NAMES
from ..engine.kinematics import BONE_CHILD
from ..engine.skeleton import Float64
from ..sensors.imu_mapping import ImuMapping
from ..sensors.imu_sample import samples_of
from ..sensors.replay import Recording
from ..sensors.table_file import read_table
from ..sensors.table_time import times_of

RATE_HZ: Final = 100.0  # of the common clock
WIDEST_LAG_S: Final = 8.0
SMOOTH_S: Final = 0.2  # speeds and accelerations are taken of motion smoothed so long
MOVING_M_S: Final = 0.03  # a joint whose speed varies less stands still: no motion of it can be compared
MOVING_M_S2: Final = 0.3  # the same for the magnitude of acceleration
_ACTIVE: Final = tuple(JOINT_INDEX[name] for name in ("LeftHand", "RightHand", "Head"))  # they move in every movement
_SEEN: Final = 0.3  # confidence from which a joint counts
_LIMBS: Final = tuple(
    f"{side}{part}" for side in ("Left", "Right") for part in ("UpperArm", "LowerArm", "UpperLeg", "LowerLeg")
)


@dataclass(frozen=True, eq=False)
class Track:
    """Hold one recording on the common clock: places (T, 21, 3) metres, NaN where a joint is unknown."""

    places: Float64


@dataclass(frozen=True)
class Agreement:
    """Tell how two bodies agree.

    lag_s: how much later the second recording's clock shows the same moment. distance_cm: mean distance of joints.
    angle_deg: mean angle between the limbs' bones. speed_r: joint -> correlation of its speed, for joints that move.
    """

    lag_s: float
    distance_cm: float
    angle_deg: float
    speed_r: Mapping[str, float]
    seconds: float

    @property
    def mean_r(self) -> float:
        """Return the mean correlation of joint speed."""
        return float(np.mean(list(self.speed_r.values()))) if self.speed_r else float("nan")


def track_of(recording: Recording) -> Track:
    """Bring a recording to the common clock, gaps of more than 0.1 s left open."""
    times = recording.t_ns / 1e9
    grid = np.arange(0.0, times[-1], 1.0 / RATE_HZ)
    out = np.full((len(grid), len(JOINT_NAMES), 3), np.nan)
    for joint in range(len(JOINT_NAMES)):
        known = recording.confidence[:, joint] >= _SEEN
        if known.any():
            out[:, joint] = _on_grid(times[known], recording.positions[known, joint].astype(np.float64), grid)
    return Track(out)


def _on_grid(times: Float64, values: Float64, grid: Float64, longest_s: float = 0.1) -> Float64:
    """Interpolate values (T, C) at grid times; NaN where the nearest samples lie further apart than longest_s."""
    out = np.stack(
        [np.interp(grid, times, values[:, c], left=np.nan, right=np.nan) for c in range(values.shape[1])], -1
    )
    after = np.clip(np.searchsorted(times, grid), 1, len(times) - 1)
    out[times[after] - times[after - 1] > longest_s] = np.nan
    return out


def compare(first: Track, second: Track) -> Agreement:
    """Align the second track to the first in time and space; raise ValueError where they share no movement."""
    joints = [
        j for j in _ACTIVE if all(np.isfinite(each.places[:, j]).all(-1).mean() > 0.5 for each in (first, second))
    ]
    lag = best_lag(_activity(first.places, joints), _activity(second.places, joints)) if joints else 0.0
    a, b = _overlap(first.places, second.places, lag)
    both = np.isfinite(a).all(-1) & np.isfinite(b).all(-1)  # (T, 21)
    if both.sum() < 10:
        raise ValueError("the two recordings share no joint")
    rotation, shift = rigid(b[both], a[both])
    moved = b @ rotation.T + shift
    distance = np.linalg.norm(moved - a, axis=-1)[both].mean()
    return Agreement(lag / RATE_HZ, 100.0 * float(distance), _bone_angle(a, moved), _speeds(a, moved), len(a) / RATE_HZ)


def best_lag(first: Float64, second: Float64, widest_s: float = WIDEST_LAG_S) -> float:
    """Return the lag in samples at which two signals (T,) correlate best: second[i + lag] belongs to first[i].

    Sub-sample by the parabola through the best three. Moments where either is unknown do not count.
    """
    widest = min(round(widest_s * RATE_HZ), min(len(first), len(second)) // 2)  # half of either must be shared
    lags = np.arange(-widest, widest + 1)
    values = np.array([correlation(*_overlap(first, second, float(lag))) for lag in lags])
    values = np.where(np.isfinite(values), values, -1.0)
    at = int(values.argmax())
    if not 0 < at < len(lags) - 1:
        return float(lags[at])
    before, here, after = values[at - 1 : at + 2]
    bend = before - 2 * here + after
    return float(lags[at] + (0.0 if bend == 0 else 0.5 * (before - after) / bend))


def _overlap(first: Float64, second: Float64, lag: float) -> tuple[Float64, Float64]:
    """Return the parts of both that belong together at a lag in samples, the second's taken at its nearest samples."""
    whole = round(lag)
    start = max(0, -whole)
    end = max(start, min(len(first), len(second) - whole))
    return first[start:end], second[start + whole : end + whole]


def correlation(a: Float64, b: Float64) -> float:
    """Return Pearson's correlation of what both know, NaN where that is too little or does not vary."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < RATE_HZ:
        return float("nan")
    x, y = a[both] - a[both].mean(), b[both] - b[both].mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else float("nan")


def rigid(source: Float64, target: Float64) -> tuple[Float64, Float64]:
    """Return rotation (3, 3) and shift (3,) that bring points (N, 3) nearest to their targets."""
    centre, goal = source.mean(axis=0), target.mean(axis=0)
    u, _, vt = np.linalg.svd((target - goal).T @ (source - centre))
    rotation = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    return rotation, goal - rotation @ centre


def _bone_angle(a: Float64, b: Float64) -> float:
    """Return the mean angle in degrees between the limb bones of two bodies (T, 21, 3)."""
    starts = [JOINT_INDEX[name] for name in _LIMBS]
    ends = [BONE_CHILD[start] for start in starts]
    bones = [unit(each[:, ends] - each[:, starts]) for each in (a, b)]
    angles = np.arccos(np.clip((bones[0] * bones[1]).sum(-1), -1.0, 1.0))
    return float(np.degrees(np.nanmean(angles))) if np.isfinite(angles).any() else float("nan")


def unit(v: Float64) -> Float64:
    """Scale vectors (..., 3) to unit length."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def smooth(values: Float64) -> Float64:
    """Smooth along the first axis with a Hann window of SMOOTH_S; what is unknown makes its surroundings unknown."""
    width = round(SMOOTH_S * RATE_HZ) | 1
    window = np.hanning(width + 2)[1:-1]
    window /= window.sum()
    flat = values.reshape(len(values), -1)
    out = np.full(flat.shape, np.nan)
    half = width // 2
    for column in range(flat.shape[1]):
        out[half:-half, column] = np.convolve(flat[:, column], window, mode="valid")
    return out.reshape(values.shape)


def speeds(places: Float64) -> Float64:
    """Return the speed in m/s (T, J) of places (T, J, 3)."""
    return np.linalg.norm(np.gradient(smooth(places), 1.0 / RATE_HZ, axis=0), axis=-1)


def accelerations(places: Float64) -> Float64:
    """Return the magnitude of acceleration in m/s2 (T, J) of places (T, J, 3)."""
    velocity = np.gradient(smooth(places), 1.0 / RATE_HZ, axis=0)
    return np.linalg.norm(np.gradient(velocity, 1.0 / RATE_HZ, axis=0), axis=-1)


def _activity(places: Float64, joints: Sequence[int]) -> Float64:
    """Return the mean speed (T,) of some joints."""
    moving = speeds(places[:, joints])
    known = np.isfinite(moving)
    total = np.where(known, moving, 0.0).sum(axis=1)
    return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)


def _speeds(a: Float64, b: Float64) -> dict[str, float]:
    """Return the correlation of speed of every joint that moves in the first body."""
    fast, slow = speeds(a), speeds(b)
    out: dict[str, float] = {}
    for joint, name in enumerate(JOINT_NAMES):
        known = fast[np.isfinite(fast[:, joint]), joint]
        if known.size > RATE_HZ and known.std() > MOVING_M_S:
            r = correlation(fast[:, joint], slow[:, joint])
            if np.isfinite(r):
                out[name] = r
    return out


@dataclass(frozen=True, eq=False)
class Jolts:
    """Hold what accelerometers without orientation tell: joint -> acceleration without gravity (T, 3) in m/s2."""

    seconds: Float64
    of: Mapping[str, Float64]


def load_jolts(path: str | Path, mapping: ImuMapping) -> Jolts:
    """Read a table of accelerometers from which gravity was taken already; raise TableError where it is none."""
    table = read_table(path)
    t_ns, _, _ = times_of(table, None, None)
    of = {joint: np.full((len(t_ns), 3), np.nan) for joint in mapping.segments.values()}
    for row, values in enumerate(table.rows.tolist()):
        for sample in samples_of(dict(zip(table.columns, values, strict=True)), mapping):
            if not sample.gap and sample.acceleration is not None:
                of[mapping.segments[sample.sensor]][row] = sample.acceleration
    return Jolts(t_ns / 1e9, of)


def compare_jolts(body: Track, jolts: Jolts) -> tuple[float, dict[str, tuple[float, float]]]:
    """Return the lag in s, and of each joint that is shaken the correlation and the ratio of acceleration magnitudes.

    An accelerometer that does not know which way it points tells how strongly it is shaken, and no more.
    """
    grid = np.arange(0.0, jolts.seconds[-1], 1.0 / RATE_HZ)
    felt: dict[str, Float64] = {}
    for name, values in jolts.of.items():
        known = np.isfinite(values).all(axis=-1)
        felt[name] = np.linalg.norm(smooth(_on_grid(jolts.seconds[known], values[known], grid)), axis=-1)
    seen = accelerations(body.places)
    moving = [name for name, shaken in felt.items() if np.nanstd(shaken) > MOVING_M_S2]
    if not moving:
        raise ValueError("nothing with a sensor on it moves")
    lag = best_lag(_mean([seen[:, JOINT_INDEX[name]] for name in moving]), _mean([felt[name] for name in moving]))
    out: dict[str, tuple[float, float]] = {}
    for name in moving:
        a, b = _overlap(seen[:, JOINT_INDEX[name]], felt[name], lag)
        out[name] = correlation(a, b), float(np.nanstd(b) / np.nanstd(a))
    return lag / RATE_HZ, out


def _mean(signals: Sequence[Float64]) -> Float64:
    return np.mean(np.stack(signals), axis=0)
