"""Learn how each sensor sits on its segment from a pose that the wearer holds still: T-pose or N-pose.

In the pose every segment's orientation is known, so what the sensors read there tells how each is strapped on. The
T-pose is the body's rest: arms level to the sides, palms down. In the N-pose the arms hang beside the body.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

import numpy as np

from ..engine import quaternion
from ..engine.axes import axis_vector
from ..engine.body import JOINT_INDEX, JOINT_NAMES
from ..engine.quaternion import Floats
from .imu_mapping import ImuMapping

POSES: Final = ("n", "t", "none")
HOLD_S: Final = 2.0  # how long the pose must be held still
STILL_DEG: Final = 4.0  # a sensor that turns farther within it has moved; a person who stands sways by one or two
_KEPT: Final = 4096  # readings of one sensor, four seconds at 1000 Hz
_ARMS: Final = ("UpperArm", "LowerArm", "Hand")


def pose_orientations(pose: str) -> Floats:
    """Return the global orientation (21, 4) of every segment in the pose "t" or "n", facing +Z."""
    out = np.tile(quaternion.IDENTITY, (len(JOINT_NAMES), 1))
    if pose == "n":
        for side, angle in (("Left", -np.pi / 2), ("Right", np.pi / 2)):
            down = quaternion.from_axis("Z", np.array(angle))
            out[[JOINT_INDEX[side + part] for part in _ARMS]] = down
    return out


class Calibration:
    """Wait until every sensor is still for hold_s, then tell how each sits on its segment; reset forgets.

    pose: "n", "t", or "none" for sensors whose orientation is the segment's own already.
    """

    def __init__(self, mapping: ImuMapping, pose: str, hold_s: float = HOLD_S) -> None:
        self._mapping = mapping
        self._pose = pose
        self._known = pose_orientations(pose)
        self._hold_ns = round(hold_s * 1e9)
        self._world = world_to_house(mapping.up)
        self._facing = quaternion.from_axis("Y", np.array(-np.radians(mapping.facing_deg)))
        self.reset()

    def reset(self) -> None:
        """Forget the wearer."""
        self._readings: dict[str, deque[tuple[int, Floats]]] = {}
        self._since_ns: int | None = None
        self._moved = ""
        self.done = self._pose == "none"
        self._left: dict[str, Floats] = {}  # sensor -> what turns its world to the house, heading included
        self._right: dict[str, Floats] = {}  # sensor -> what turns its axes to the segment's

    @property
    def note(self) -> str:
        """Say what the wearer should do, or what was done."""
        if self._pose == "none":
            return "not calibrated: each sensor's orientation is taken as its segment's"
        name = f"{self._pose.upper()}-pose"
        if self.done:
            return f"calibrated in the {name}: {', '.join(sorted(self._mapping.segments[s] for s in self._right))}"
        moved = f"; {self._moved}" if self._moved else ""
        return f"calibrating: stand in the {name} and hold still for {self._hold_ns / 1e9:g} s{moved}"

    def watch(self, sensor: str, turned: Floats, t_ns: int) -> None:
        """Take in one reading (4,) of a sensor while the pose is held; done tells when that was enough."""
        self._since_ns = t_ns if self._since_ns is None else self._since_ns
        readings = self._readings.setdefault(sensor, deque(maxlen=_KEPT))
        readings.append((t_ns, turned))
        while t_ns - readings[0][0] > self._hold_ns:
            readings.popleft()
        held_ns = t_ns - self._since_ns
        if held_ns >= self._hold_ns and self._still(t_ns):
            self._settle()

    def _still(self, t_ns: int) -> bool:
        """Tell whether every sensor heard lately was still all the while; note who was not."""
        heard = {sensor: kept for sensor, kept in self._readings.items() if t_ns - kept[-1][0] < self._hold_ns / 2}
        for sensor, kept in heard.items():
            turns = np.stack([turned for _, turned in kept])
            angle = float(np.degrees(quaternion.angle_between(turns[0], turns).max()))
            if angle > STILL_DEG:
                self._moved = f"{self._mapping.segments[sensor]} turned by {angle:.0f} degrees"
                self._since_ns = t_ns - self._hold_ns + self._hold_ns // 8  # look again an eighth later
                return False
            if kept[-1][0] - kept[0][0] < self._hold_ns // 2:
                return False
        self._readings = {sensor: kept for sensor, kept in self._readings.items() if sensor in heard}
        return bool(heard)

    def _settle(self) -> None:
        """Work out how each sensor sits from the mean of what it read."""
        for sensor, kept in self._readings.items():
            self._place(sensor, mean_rotation(np.stack([turned for _, turned in kept])))
        self._readings.clear()
        self._moved = ""
        self.done = True

    def _place(self, sensor: str, turned: Floats) -> None:
        segment = self._mapping.segments[sensor]
        house = quaternion.multiply(self._world, turned)
        heading = self._heading(segment, house)
        self._left[sensor] = quaternion.multiply(heading, self._world)
        inverse = quaternion.conjugate(quaternion.multiply(heading, house))
        self._right[sensor] = quaternion.multiply(inverse, self._known[JOINT_INDEX[segment]])

    def _heading(self, segment: str, house: Floats) -> Floats:
        """Return the turn about the vertical that makes the wearer face +Z."""
        front = self._mapping.front.get(segment)
        if front is None:
            return self._facing
        points = quaternion.rotate(house, axis_vector(front))
        return quaternion.from_axis("Y", np.array(-np.arctan2(points[0], points[2])))

    def apply(self, turned: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return the segments' global orientations (4,) in the house, for the sensors that were there in the pose."""
        if self._pose == "none":
            left, right = quaternion.multiply(self._facing, self._world), quaternion.conjugate(self._world)
            names = list(turned)
        else:
            names = [name for name in turned if name in self._right]
            left = np.array([self._left[name] for name in names])
            right = np.array([self._right[name] for name in names])
        if not names:
            return {}
        own = np.array([turned[name] for name in names])  # (S, 4)
        return dict(zip(names, quaternion.multiply(quaternion.multiply(left, own), right), strict=True))

    @property
    def waits_for(self) -> Mapping[str, str]:
        """Return the sensors that were not there when the pose was held, with their segments."""
        return {} if not self.done else {s: g for s, g in self._mapping.segments.items() if s not in self._right}


def mean_rotation(turns: Floats) -> Floats:
    """Return the mean (4,) of nearby rotations (N, 4), whichever of q and -q each of them is."""
    signs = np.where(turns @ turns[0] < 0, -1.0, 1.0)
    return quaternion.normalise((signs[:, None] * turns).mean(axis=0))


def world_to_house(up: str) -> Floats:
    """Return the turn (4,) from a right-handed world with this axis up to the house: y up.

    The first level axis in the order x, y, z becomes the house's forward, as x does in a world with z up.
    """
    above = axis_vector(up)
    ahead = next(axis for axis in np.eye(3) if abs(axis @ above) < 0.5)
    rows = np.stack((np.cross(above, ahead), above, ahead))
    return quaternion.from_matrix(rows)
