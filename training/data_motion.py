"""Read one file of motion, of whatever kind, and bring it to network frames by the very steps that run live."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ..engine.body import JOINT_COUNT
from ..engine.clock import NS_PER_S, MonotonicClock
from ..engine.errors import DataError
from ..engine.features import Normaliser
from ..engine.pose import Pose
from ..engine.resample import Resampler
from ..engine.retarget import Retargeter, knees_bend_forward, match_skeleton
from ..engine.skeleton import Float32
from ..engine.streams import MODEL_RATE_HZ
from ..engine.tables import points_skeleton
from ..sensors.bvh import read_bvh
from ..sensors.bvh_body import BvhBody, Reading
from ..sensors.mvnx_source import load_recording
from ..sensors.points import load_points
from ..sensors.replay import Recording
from ..sensors.uri import open_sensor

VIDEOS: Final = (".mp4", ".mov", ".avi", ".mkv", ".webm")
TABLES: Final = (".csv", ".tsv")
KINDS: Final = (".bvh", ".mvnx", *TABLES, *VIDEOS)
_RATES_HZ: Final = (5.0, 2000.0)
_FARTHEST_M: Final = 10_000.0
_LONGEST_S: Final = 3600.0


@dataclass(frozen=True, eq=False)
class Motion:
    """Hold one recording: network frames (T, 90) at 30 Hz, and what the file tells beside the movement.

    rate_hz: of the file, 0 where nobody knows it (30 is taken then). seconds: its length. session: offsets that stay
    the same over a whole recording session, written out; "" where the format has none.
    mirrored: the knees bent or the feet pointed backward; left and right have been exchanged then.
    """

    frames: Float32
    rate_hz: float
    seconds: float
    session: str = ""
    mirrored: bool = False


def read_motion(path: Path) -> Motion:
    """Read a BVH, MVNX, CSV or TSV file, or a film; raises InputError, and MissingPackageError for MediaPipe."""
    suffix = path.suffix.lower()
    if suffix == ".bvh":
        return _bvh(path)
    if suffix == ".mvnx":
        return _recorded(load_recording(path))
    if suffix in TABLES:
        return _recorded(load_points(path))
    if suffix in VIDEOS:
        return _video(path)
    raise DataError(str(path), "is of no kind that can be read", mend=f"one of {', '.join(KINDS)}")


def of_points(points: Float32, names: tuple[str, ...], rate_hz: float, place: str, table: str) -> Motion:
    """Return the motion of named points (T, P, 3) in metres, z up, by a table of joints; raises DataError."""
    if len(points) < 2 or not np.isfinite(points).all():
        problem = "holds fewer than two frames" if len(points) < 2 else "holds a number that is not finite"
        raise DataError(place, problem, mend="leave it out, or export it again")
    if np.abs(points).max() > _FARTHEST_M:
        raise DataError(place, f"a position beyond {_FARTHEST_M:g} m", mend="are positions in metres?")
    match = match_skeleton(points_skeleton(names), place=place, positions=points[:600], up="z", unit_m=1.0, table=table)
    motion = Retargeter(match).apply(points)
    mirrored = _is_mirrored(match.rest.notes)
    return _motion(motion.positions, motion.confidence, rate_hz, place, mirrored=mirrored)


def _bvh(path: Path) -> Motion:
    bvh = read_bvh(path)
    if len(bvh.motion) < 2:
        raise DataError(str(path), "holds fewer than two frames", mend="leave it out, or export it again")
    body = BvhBody(bvh.skeleton, bvh.channels, bvh.end_sites, bvh.motion, str(path), Reading())
    moved = body.apply(bvh.motion)
    offsets = np.asarray(bvh.skeleton.offsets)[: 2 if len(bvh.skeleton.names) > 1 else 1]
    session = " ".join(f"{value:g}" for value in np.round(offsets, 2).ravel())  # the root's and its first child's
    return _motion(
        moved.positions, moved.confidence, bvh.rate_hz, str(path),
        session=session, mirrored=_is_mirrored(body.match.rest.notes), travels=body.travels,
    )  # fmt: skip


def _recorded(recording: Recording) -> Motion:
    mirrored = _is_mirrored(recording.notes) or not knees_bend_forward(recording.positions)
    poses = (
        Pose("", i, int(t), p, c, travels=recording.travels)
        for i, (t, p, c) in enumerate(zip(recording.t_ns, recording.positions, recording.confidence, strict=True))
    )
    seconds = float(recording.t_ns[-1] - recording.t_ns[0]) / NS_PER_S
    return Motion(_frames(poses), recording.rate_hz, seconds, mirrored=mirrored)


def _video(path: Path) -> Motion:
    """See a film with the webcam's own eyes; the film itself is kept nowhere."""
    escaped = str(path).replace("%", "%25").replace("?", "%3F")
    sensor = open_sensor(f"video:{escaped}?speed=0", MonotonicClock())
    poses: list[Pose] = []
    with contextlib.closing(sensor):
        sensor.open()
        while sensor.health().state not in ("ended", "lost"):
            pose = sensor.read()
            if pose is not None:
                poses.append(pose)
                if pose.t_ns - poses[0].t_ns > _LONGEST_S * NS_PER_S:
                    raise DataError(str(path), "is longer than an hour", mend="cut it into takes")
    if len({pose.stream for pose in poses}) != 1:
        problem = "shows nobody" if not poses else "shows more than one person"
        raise DataError(str(path), problem, mend="one performer alone in each film")
    seconds = (poses[-1].t_ns - poses[0].t_ns) / NS_PER_S
    return Motion(_frames(iter(poses)), len(poses) / max(seconds, 1e-3), seconds)


def _motion(
    positions: Float32, confidence: Float32, rate_hz: float, place: str,
    *, session: str = "", mirrored: bool = False, travels: bool = True,
) -> Motion:  # fmt: skip
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise DataError(place, f"{rate_hz:g} frames a second", mend="5 to 2000; mend the frame time of the file")
    known = np.broadcast_to(confidence, (len(positions), JOINT_COUNT))
    times = np.round(np.arange(len(positions)) * (NS_PER_S / rate_hz)).astype(np.int64)
    poses = (
        Pose("", i, int(t), p, c, travels=travels)
        for i, (t, p, c) in enumerate(zip(times, positions, known, strict=True))
    )
    return Motion(_frames(poses), rate_hz, len(positions) / rate_hz, session, mirrored)


def _frames(poses: Iterable[Pose]) -> Float32:
    resampler, normaliser = Resampler(), Normaliser(MODEL_RATE_HZ)
    frames = [normaliser.step(due) for pose in poses for due in resampler.push(pose) if isinstance(due, Pose)]
    return np.stack(frames)


def _is_mirrored(notes: tuple[str, ...]) -> bool:
    return any("mirrored" in note for note in notes)
