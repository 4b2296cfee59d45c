"""MVNX files for tests: a performer's poses as MVN would export them, in versions 3 and 4."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emotus.engine.clock import ManualClock
from emotus.engine.pose import Pose
from emotus.engine.skeleton_tables import XSENS_NAMES
from emotus.sensors.synthetic import SyntheticSensor
from emotus.sensors.xsens_writer import null_pose_of, segments_of

# What has a tracker of its own, on a suit of 17 of them.
SEVENTEEN = tuple(
    i for i, name in enumerate(XSENS_NAMES) if name not in ("L5", "T12", "LeftToe", "RightToe", "Neck", "L3")
)


@functools.cache
def performed(frames: int, *, rate_hz: float = 240.0, emotion: str = "happy") -> tuple[Pose, ...]:
    """Return so many poses of a synthetic performer."""
    sensor = SyntheticSensor(emotion, clock=ManualClock(), rate_hz=rate_hz, seconds=frames / rate_hz, speed=0)
    sensor.open()
    poses = [sensor.read() for _ in range(frames)]
    return tuple(pose for pose in poses if pose is not None)


def numbers(values: np.ndarray) -> str:
    """Spell numbers as MVN does."""
    return " ".join(f"{value:.6f}" for value in values.ravel().tolist())


def frame_text(
    kind: str, index: int, time_ms: int, positions: np.ndarray, rotations: np.ndarray, rest: str = ""
) -> str:
    """Return one <frame>."""
    return (
        f'<frame time="{time_ms}" index="{index}" tc="15:59:46:065" ms="{1478188786272 + time_ms}" type="{kind}">\n'
        f"<orientation>{numbers(rotations)}</orientation>\n<position>{numbers(positions)}</position>\n{rest}</frame>\n"
    )


def head_text(segments: Sequence[int], *, version: int = 4, rate_hz: float = 240.0) -> str:
    """Return everything before the first frame."""
    labels = "".join(f'<segment label="{XSENS_NAMES[s]}" id="{i + 1}"/>\n' for i, s in enumerate(segments))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<mvnx xmlns="http://www.xsens.com/mvn/mvnx" version="{version}">\n<mvn version="2021.0" build="1"/>\n'
        f'<comment>a &lt;comment&gt;</comment>\n<subject label="Anna" frameRate="{rate_hz:g}" '
        f'segmentCount="{len(segments)}" recDate="today">\n<segments>\n{labels}</segments>\n'
        f'<frames segmentCount="{len(segments)}" sensorCount="17" jointCount="22">\n'
    )


def mvnx_text(
    poses: Sequence[Pose],
    *,
    version: int = 4,
    rate_hz: float = 240.0,
    segments: Sequence[int] = tuple(range(23)),
    more: int = 0,
) -> str:
    """Return a whole file; more: numbers that each frame holds beside those that are wanted."""
    chosen = list(segments)
    still = np.tile((1.0, 0.0, 0.0, 0.0), (len(chosen), 1))
    rest = null_pose_of(segments_of(poses[0])[0])[chosen]
    ballast = "".join(
        f"<{name}>{numbers(np.zeros(more))}</{name}>\n" for name in ("velocity", "sensorOrientation") if more
    )
    first = "tpose" if version == 3 else "identity"
    texts = [head_text(chosen, version=version, rate_hz=rate_hz), frame_text(first, -2, 0, rest, still)]
    texts.append(frame_text("tpose-isb", -1, 0, rest, still))
    for i, pose in enumerate(poses):
        positions, rotations = segments_of(pose)
        texts.append(frame_text("normal", i, int(i * 1000 / rate_hz), positions[chosen], rotations[chosen], ballast))
    return "".join((*texts, "</frames>\n</subject>\n</mvnx>\n"))


def write_mvnx(path: Path, frames: int, **options) -> Path:
    """Write a recording of a synthetic performer."""
    path.write_text(mvnx_text(performed(frames), **options))
    return path
