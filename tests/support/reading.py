"""Read sensors in tests."""

from __future__ import annotations

from emotus.engine.pose import Pose
from emotus.sensors.base import Sensor


def read_all(sensor: Sensor, most: int = 10_000) -> list[Pose]:
    """Read until the sensor has ended, or so many poses."""
    poses: list[Pose] = []
    while sensor.health().state in ("live", "stale") and len(poses) < most:
        pose = sensor.read()
        if pose is not None:
            poses.append(pose)
    return poses
