"""A wearer of inertial sensors for tests: what her sensors read, worked out with scipy's rotations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation
from support.tables import performed

from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.osc_codec import encode_message
from emotus.sensors.imu_mapping import ImuMapping, load_mapping

# A world with z up whose x the wearer faces, as columns of the house: x -> forward (z), y -> left (x), z -> up (y).
HOUSE_TO_WORLD = Rotation.from_matrix([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
FULL_SET = (
    "Hips", "Spine", "Chest", "Neck", "Head",
    *(f"{side}{part}" for side in ("Left", "Right") for part in (
        "Shoulder", "UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")),
)  # fmt: skip


def pose_rotations(pose: str) -> list[Rotation]:
    """Return the global rotations of the 21 segments in the N-pose or the T-pose."""
    turns = []
    for name in BODY.names:
        arm = name.endswith(("UpperArm", "LowerArm", "Hand"))
        angle = (-90 if name.startswith("Left") else 90) if arm and pose == "n" else 0
        turns.append(Rotation.from_euler("z", angle, degrees=True))
    return turns


def globals_of(local: np.ndarray) -> list[Rotation]:
    """Return the global rotations of local quaternions (21, 4) wxyz."""
    out: list[Rotation] = []
    for joint, parent in enumerate(BODY.parents):
        own = Rotation.from_quat(local[joint], scalar_first=True)
        out.append(out[parent] * own if parent >= 0 else own)
    return out


@dataclass
class Wearer:
    """Hold what each sensor is strapped on by, and the wearer's heading in the sensors' world."""

    seed: int = 0
    heading_deg: float = 0.0

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.mounts = Rotation.random(len(BODY.names), rng=rng)

    def read(self, turned: list[Rotation], segment: str) -> np.ndarray:
        """Return the quaternion wxyz that the sensor on a segment tells."""
        return self.read_all(turned, (segment,))[0]

    def read_all(self, turned: list[Rotation], segments) -> np.ndarray:
        """Return the quaternions (S, 4) wxyz that the sensors on some segments tell."""
        joints = [JOINT_INDEX[segment] for segment in segments]
        heading = Rotation.from_euler("y", self.heading_deg, degrees=True)
        body = Rotation.concatenate([turned[joint] for joint in joints])
        mounts = Rotation.concatenate([self.mounts[joint] for joint in joints])
        return (HOUSE_TO_WORLD * heading * body * mounts).as_quat(scalar_first=True)


def moving(seconds: float, rate_hz: float = 30.0) -> list[list[Rotation]]:
    """Return the global rotations of a synthetic performer, frame by frame."""
    return [globals_of(pose.rotations) for pose in performed(round(seconds * rate_hz), rate_hz=rate_hz)]


def expected(turned: list[Rotation], height_m: float = 1.7) -> np.ndarray:
    """Return where the joints (21, 3) are about the hips, by forward kinematics with scipy."""
    out = np.zeros((len(BODY.names), 3))
    for joint, parent in enumerate(BODY.parents):
        if parent >= 0:
            out[joint] = out[parent] + turned[parent].apply(BODY.offsets[joint] * height_m / 1.7)
    return out


def json_lines(wearer: Wearer, turned: list[Rotation], segments, t_s: float) -> bytes:
    """Return one datagram with a JSON line for each sensor, named by its segment."""
    read = wearer.read_all(turned, segments).tolist()
    lines = (
        json.dumps({"sensor": segment, "t": round(t_s, 6), "q": q}) for segment, q in zip(segments, read, strict=True)
    )
    return "\n".join(lines).encode()


def write_table(path: Path, wearer: Wearer, frames, segments, *, held: int, rate_hz: float = 30.0) -> Path:
    """Write a wide table of quaternions with a clock: the N-pose held for some rows, and then the frames."""
    columns = [f"{s} {letter}" for s in segments for letter in "wxyz"]
    lines = [",".join(["t", *columns])]
    for i, turned in enumerate([*[pose_rotations("n")] * held, *frames]):
        numbers = wearer.read_all(turned, segments).ravel()
        lines.append(",".join([f"{i / rate_hz:.5f}", *(f"{x:.7f}" for x in numbers)]))
    path.write_text("\n".join(lines))
    return path


def write_wide_mapping(path: Path, segments) -> Path:
    """Write the mapping of such a table."""
    fields = ", ".join(f'"{{sensor}} {letter}"' for letter in "wxyz")
    named = "".join(f'{s} = "{s}"\n' for s in segments)
    path.write_text(f"[segments]\n{named}[fields]\nquaternion = [{fields}]\n")
    return path


def wear(folder: Path, frames: float = 1.3) -> tuple[Path, ImuMapping]:
    """Write a short table of a whole set of sensors, and return it with its mapping."""
    table = write_table(folder / "take.csv", Wearer(), moving(frames), FULL_SET, held=12)
    return table, load_mapping(write_wide_mapping(folder / "map.toml", FULL_SET))


def _uncalibrated(local: np.ndarray) -> list[tuple[str, list[float]]]:
    """Return what sensors tell whose axes are the world's in the T-pose, of local rotations (21, 4)."""
    turned = Rotation.concatenate([globals_of(local)[JOINT_INDEX[segment]] for segment in FULL_SET])
    read = (HOUSE_TO_WORLD * turned * HOUSE_TO_WORLD.inv()).as_quat(scalar_first=True)
    return list(zip(FULL_SET, read.tolist(), strict=True))


def as_imu_lines(_: int, positions: np.ndarray, local: np.ndarray, t_s: float) -> list[bytes]:
    """Return a frame of a whole set, a line of JSON a sensor, in one datagram."""
    lines = (json.dumps({"sensor": segment, "t": t_s, "q": q}) for segment, q in _uncalibrated(local))
    return ["\n".join(lines).encode()]


def as_imu_osc(_: int, positions: np.ndarray, local: np.ndarray, t_s: float) -> list[bytes]:
    """Return a frame of a whole set, a message a sensor, each in a datagram of its own."""
    return [encode_message(f"/imu/{segment}", *q) for segment, q in _uncalibrated(local)]
