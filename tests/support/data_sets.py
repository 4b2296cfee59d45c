"""Data sets in the formats of those that were published, written by a synthetic performer: nobody's data is in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from support.bvh_texts import body_hierarchy, rows_text, text
from support.mvnx_texts import performed, write_mvnx

from emotus.engine.skeleton import Float32
from emotus.engine.skeleton_tables import EMOTION_GAIT_NAMES, XSENS_NAMES
from emotus.sensors.xsens_writer import segments_of

_FINGERS = tuple(
    (f"{finger}{number}", 2.0)
    for finger, numbers in (
        ("HandThumb", "123"), ("InHandIndex", " "), ("HandIndex", "123"), ("InHandMiddle", " "), ("HandMiddle", "123"),
        ("InHandRing", " "), ("HandRing", "123"), ("InHandPinky", " "), ("HandPinky", "123"),
    )
    for number in numbers
)  # fmt: skip


def swing(frames: int, rate_hz: float, speed: float) -> np.ndarray:
    """Return rows (T, 66) of `body_hierarchy`: a walk along z whose limbs swing so fast."""
    t = np.arange(frames) / rate_hz
    rows = np.zeros((frames, 66))
    rows[:, 1], rows[:, 2] = 95.0, 120.0 * t
    for joint, amount in ((6, 30), (10, -30), (13, -30), (17, 30)):
        rows[:, 3 + 3 * joint + 1] = amount * np.sin(2 * np.pi * speed * t)
    for joint in (14, 18):  # knees bend forward, as a person's do
        rows[:, 3 + 3 * joint + 1] = 20.0 + 15.0 * np.sin(2 * np.pi * speed * t)
    return rows


def write_walk(path: Path, *, frames: int = 90, rate_hz: float = 30.0, speed: float = 1.0, lift: float = 0.0) -> Path:
    """Write a BVH walk on 21 joints; lift: added to the OFFSET of the hips, as a session of Bandai's adds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = body_hierarchy().replace("OFFSET 0 95 0", f"OFFSET 0 95 {lift:g}")
    motion = rows_text(swing(frames, rate_hz, speed))
    path.write_text(text(head, motion, f"Frames: {frames}", repr(1 / rate_hz)))
    return path


def perception_neuron() -> tuple[str, list[str]]:
    """Return the hierarchy of Perception Neuron's 59 joints, six channels each, in centimetres, and the names."""
    lines: list[str] = ["HIERARCHY"]
    names: list[str] = []

    def begin(name: str, offset: tuple[float, float, float]) -> None:
        lines.extend([f"{'JOINT' if names else 'ROOT'} {name}", "{", "OFFSET {} {} {}".format(*offset)])
        lines.append("CHANNELS 6 Xposition Yposition Zposition Yrotation Xrotation Zrotation")
        names.append(name)

    def chain(joints: Sequence[tuple[str, tuple[float, float, float]]]) -> None:
        for name, offset in joints:
            begin(name, offset)
        lines.extend(["End Site", "{", "OFFSET 0 -3 3", "}"])
        lines.extend("}" for _ in joints)

    begin("Hips", (0, 95, 0))
    for side, x in (("Right", -9.0), ("Left", 9.0)):
        chain([(f"{side}UpLeg", (x, 0, 0)), (f"{side}Leg", (0, -42, 0)), (f"{side}Foot", (0, -42, 0))])
    for name, y in (("Spine", 9.0), ("Spine1", 13.0), ("Spine2", 10.0), ("Spine3", 10.0)):
        begin(name, (0, y, 0))
    begin("Neck", (0, 9, 0))
    chain([("Head", (0, 9, 0))])
    lines.append("}")
    for side, x in (("Right", -1.0), ("Left", 1.0)):
        for name, offset in (
            ("Shoulder", (4, 6, 0)),
            ("Arm", (13, 0, 0)),
            ("ForeArm", (28, 0, 0)),
            ("Hand", (26, 0, 0)),
        ):
            begin(f"{side}{name}", (x * offset[0], offset[1], offset[2]))
        for finger, length in _FINGERS:
            begin(f"{side}{finger.strip()}", (x * length, 0, 0))
            lines.extend(["End Site", "{", f"OFFSET {x} 0 0", "}", "}"])
        lines.extend("}" for _ in range(4))
    lines.extend("}" for _ in range(5))
    return "\n".join(lines) + "\n", names


def write_actor(path: Path, *, frames: int = 125, speed: float = 1.0) -> Path:
    """Write one trial as the Kinematic Dataset of Actors has it: 59 joints, position channels on each, 125 Hz."""
    head, names = perception_neuron()
    offsets = [line.split()[1:] for line in head.splitlines() if line.startswith("OFFSET")]
    joints = [o for o, before in zip(offsets, _befores(head), strict=True) if before != "End"]
    rows = np.zeros((frames, len(names) * 6))
    for i, offset in enumerate(joints):
        rows[:, 6 * i : 6 * i + 3] = [float(v) for v in offset]
    t = np.arange(frames) / 125.0
    for name, amount in (("RightUpLeg", 25.0), ("LeftUpLeg", -25.0), ("RightForeArm", 30.0), ("LeftForeArm", -30.0)):
        rows[:, 6 * names.index(name) + 4] = amount * np.sin(2 * np.pi * speed * t)
    for name in ("RightLeg", "LeftLeg"):
        rows[:, 6 * names.index(name) + 4] = 25.0
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(head, rows_text(rows), f"Frames: {frames}", "0.008"))
    return path


def _befores(head: str) -> list[str]:
    """Return what kind of joint each OFFSET line belongs to."""
    out: list[str] = []
    kind = ""
    for line in head.splitlines():
        word = line.split()[0]
        if word in ("ROOT", "JOINT", "End"):
            kind = word
        elif word == "OFFSET":
            out.append(kind)
    return out


def write_emokine_csv(folder: Path, *, frames: int = 240, emotion: str = "happy") -> Path:
    """Write position.csv as EMOKINE's converter does: frame_idx, ms, and 23 segments."""
    poses = performed(frames, rate_hz=240.0, emotion=emotion)
    columns = ["frame_idx", "ms", *(f"{name}_{axis}" for name in XSENS_NAMES for axis in "xyz")]
    lines = [",".join(columns)]
    for i, pose in enumerate(poses):
        places = segments_of(pose)[0].ravel()
        lines.append(",".join([str(i), str(1478188786272 + int(i * 1000 / 240)), *(f"{v:.6f}" for v in places)]))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "position.csv").write_text("\n".join(lines) + "\n")
    return folder


def write_emokine_mvnx(folder: Path, sequence: int, emotion: str, *, frames: int = 120) -> Path:
    """Write MVNX_seq1_angry.mvnx."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_mvnx(folder / f"MVNX_seq{sequence}_{emotion}.mvnx", frames)


def xem_rows(frames: int = 96, rate_hz: float = 60.0, emotion: str = "happy") -> np.ndarray:
    """Return one example of XEM: (T, 280) of time, 69 positions and what follows."""
    places = np.stack([segments_of(pose)[0].ravel() for pose in performed(frames, rate_hz=rate_hz, emotion=emotion)])
    rows = np.zeros((frames, 1 + 3 * 69 + 66 + 3))
    rows[:, 0] = np.arange(frames) / rate_hz
    rows[:, 1:70] = places
    rows[1:, 70:139] = np.diff(places, axis=0) * rate_hz
    return rows


def xem_cells(participants: int = 2, examples: int = 20) -> np.ndarray:
    """Return Data{action, participant, example} with walks (action 2) filled and the other cells empty."""
    data = np.empty((5, participants, examples), dtype=object)
    for place in np.ndindex(data.shape):
        data[place] = np.zeros((0, 0))
    words = ("angry", "neutral", "happy", "sad")
    for who in range(participants):
        for example in range(0, examples, 5):
            data[1, who, example] = xem_rows(emotion=words[example // 5])
    return data


def gait(frames: int = 75, emotion: str = "happy") -> Float32:
    """Return a gait (T, 48) in the order of Emotion-Gait."""
    from emotus.engine.body import JOINT_INDEX
    from emotus.training.clips import _GAIT_JOINTS

    joints = [JOINT_INDEX[_GAIT_JOINTS[name]] for name in EMOTION_GAIT_NAMES]
    places = np.stack([pose.positions[joints] for pose in performed(frames, rate_hz=30.0, emotion=emotion)])
    return places.reshape(frames, -1).astype(np.float32)  # (T, 16, 3) -> (T, 48)
