"""Retargeting of real recordings: people stand upright, face where they walk, and keep left on their left."""

from __future__ import annotations

import json
import re
import struct
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from emotus.engine import kinematics, quaternion
from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.kinematics import BONE_CHILD, hips_axes, knee_bend
from emotus.engine.retarget import BodyMotion, Match, knees_bend_forward, match_skeleton, mend_mirror, retarget
from emotus.engine.skeleton import Skeleton
from emotus.engine.skeleton_tables import EMOTION_GAIT_NAMES, MEDIAPIPE_NAMES, XSENS_NAMES, XSENS_PARENTS
from emotus.engine.tables import points_skeleton
from emotus.sensors.bvh import forward, parse_bvh

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
J = JOINT_INDEX


def data(*path: str) -> Path:
    found = DATA.joinpath(*path)
    if not found.exists():
        pytest.skip(f"{found} is missing")
    return found


def read(text: bytes, place: str) -> tuple[Match, BodyMotion]:
    bvh = parse_bvh(text, place)
    positions, rotations = forward(bvh)
    ends = [(end.parent, end.offset) for end in bvh.end_sites]
    match = match_skeleton(bvh.skeleton, place=place, positions=positions, rotations=rotations, ends=ends)
    return match, retarget(match, positions, rotations)


def upright(motion: BodyMotion, within_deg: float = 15) -> float:
    """Return the share of frames in which the way from hips to neck leans less than that."""
    trunk = motion.positions[:, J["Neck"]] - motion.positions[:, 0]
    return float(np.mean(trunk[:, 1] > np.cos(np.radians(within_deg)) * np.linalg.norm(trunk, axis=-1)))


def stands(motion: BodyMotion) -> bool:
    """Tell whether the head is above the hips and these above the feet, in every frame."""
    heights = motion.positions[..., 1]
    feet = np.minimum(heights[:, J["LeftFoot"]], heights[:, J["RightFoot"]])
    return bool((heights[:, J["Head"]] > heights[:, 0]).all() and (heights[:, 0] > feet).all())


def leg_m(motion: BodyMotion) -> float:
    hip, knee, foot = (motion.positions[:, J[f"Left{part}"]] for part in ("UpperLeg", "LowerLeg", "Foot"))
    return float(np.median(np.linalg.norm(hip - knee, axis=-1) + np.linalg.norm(knee - foot, axis=-1)))


def forwardness(motion: BodyMotion) -> float:
    """Return how much of the way over ground goes to where the hips face: 1 all of it, -1 all backward."""
    steps = np.diff(motion.positions[:, 0], axis=0)
    ahead = hips_axes(motion.positions)[:-1, :, 2]
    return float(np.sum((steps * ahead)[:, [0, 2]]) / np.sum(np.linalg.norm(steps[:, [0, 2]], axis=-1)))


def worst_limb_rad(match: Match, motion: BodyMotion) -> float:
    """Return the largest angle between FK and positions over limb bones whose both ends are joints of the source."""
    assert motion.rotations is not None
    turned = kinematics.globals_from_locals(BODY.parents, motion.rotations.astype(np.float64))
    worst = 0.0
    for joint, child in BONE_CHILD.items():
        if BODY.names[joint] in {"Spine", "Chest", "Neck"} or match.confidence[[joint, child]].min() < 1:
            continue
        made = quaternion.rotate(turned[:, joint], BODY.offsets[child])
        seen = (motion.positions[:, child] - motion.positions[:, joint]).astype(np.float64)
        angle = np.arctan2(np.linalg.norm(np.cross(made, seen), axis=-1), np.sum(made * seen, axis=-1))
        worst = max(worst, float(angle.max()))
    return worst


# file -> table, share of upright frames, length of the leg
FILES = {
    "131_01.bvh": ("cmu-anatomical", 0.7, 0.80),
    "AV_8Walk_Meredith_HVHA_Rep1.bvh": ("mixamo", 0.99, 0.82),
    "bvh_test1.bvh": ("axis-neuron", 0.99, 0.83),
    "test_mocapbank.bvh": ("mocapbank", 0.4, 0.88),  # bends down to the floor and comes up again
}


@pytest.mark.parametrize("name", FILES)
def test_a_bvh_file_becomes_a_person(name: str) -> None:
    """Upright, head over hips over feet, knees forward, a leg of plausible length, bones pointing as the source's."""
    table, share, leg = FILES[name]
    match, motion = read(data("bvh", name).read_bytes(), name)
    assert match.table == table
    assert np.isfinite(motion.positions).all()
    assert stands(motion)
    assert upright(motion) >= share
    assert leg_m(motion) == pytest.approx(leg, abs=0.02)
    assert float(np.mean(knee_bend(motion.positions))) > 0
    assert worst_limb_rad(match, motion) < 1e-3


def test_a_person_walks_to_where_she_faces() -> None:
    """In the walk nearly all of the way goes ahead of the hips, round curves too."""
    _, motion = read(data("bvh", "AV_8Walk_Meredith_HVHA_Rep1.bvh").read_bytes(), "walk")
    assert forwardness(motion) > 0.9


def test_four_joints_become_what_they_can() -> None:
    """A skeleton of hips, spine, head and one leg is matched, and everything else has confidence 0."""
    match, motion = read(data("bvh", "rotation_first_root.bvh").read_bytes(), "part")
    assert np.isfinite(motion.positions).all()
    assert stands(motion)
    assert np.flatnonzero(motion.confidence).tolist() == [
        J[name] for name in ("Hips", "Spine", "Chest", "Neck", "Head", "LeftLowerLeg", "LeftFoot")
    ]
    assert match.table == "names and hierarchy"


def bandai(*wanted: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(data("bandai-1.tar.xz")) as archive:
        for member in archive:
            name = Path(member.name).stem.removeprefix("dataset-1_")
            file = archive.extractfile(member) if name in wanted else None
            if file is not None:
                yield name, file.read()


def test_bandai_files_without_a_rest_pose_become_people() -> None:
    """Bones drawn along their own x at rest are understood by the table's pose, the same way in every file."""
    seen, turns = {}, []
    for name, text in bandai("bow_sad_001", "bye_tired_001", "dash_angry_001", "bow_giant_001"):
        match, motion = read(text, name)
        turns.append(match.turns)
        assert stands(motion)
        assert leg_m(motion) == pytest.approx(0.80, abs=0.03)
        assert worst_limb_rad(match, motion) < 1e-3
        assert float(np.mean(knee_bend(motion.positions))) > 0
        seen[name] = forwardness(motion)
    assert len(seen) == 4
    assert np.ptp(turns, axis=0).max() < 2e-3
    assert seen["dash_angry_001"] > 0.9


def from_first(positions: np.ndarray, rotations: np.ndarray) -> Skeleton:
    """Return the 23 segments with the offsets that one frame shows."""
    offsets = positions - positions[list(XSENS_PARENTS)]
    offsets[1:] = quaternion.rotate(quaternion.conjugate(rotations[list(XSENS_PARENTS[1:])]), offsets[1:])
    offsets[0] = 0
    return Skeleton(XSENS_NAMES, XSENS_PARENTS, offsets)


def test_an_xsens_datagram_becomes_a_person() -> None:
    """The 23 segments of one packet, z up and in metres, stand upright with the left hand on the left."""
    payload = data("xsens", "mxtp02.bin").read_bytes()[24:]
    items = np.array([struct.unpack_from(">7f", payload, 32 * i + 4) for i in range(23)])
    positions, rotations = items[None, :, :3], items[None, :, 3:]
    match = match_skeleton(from_first(positions[0], rotations[0]), place="xsens")
    motion = retarget(match, positions, rotations)
    assert match.table == "xsens"
    assert match.rest.to_house.tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert match.rest.unit_m == 1.0
    assert upright(motion) == 1.0
    assert stands(motion)
    assert worst_limb_rad(match, motion) < 1e-3
    assert motion.positions[0, J["LeftUpperArm"], 0] > motion.positions[0, J["RightUpperArm"], 0]


def test_an_mvnx_file_becomes_a_person() -> None:
    """The segments of an MVNX file, with offsets from its T-pose, stand upright and keep the T-pose the identity."""
    text = data("mvnx", "Meri-020.mvnx").read_text()
    frames = re.findall(r'type="(\w+)">\s*<orientation>([^<]*)</orientation>\s*<position>([^<]*)<', text)
    rotations = np.array([np.array(q.split(), dtype=float).reshape(23, 4) for _, q, _ in frames])
    positions = np.array([np.array(p.split(), dtype=float).reshape(23, 3) for *_, p in frames])
    normal = [i for i, (kind, *_) in enumerate(frames) if kind == "normal"]
    match = match_skeleton(from_first(positions[1], rotations[1]), place="mvnx")
    motion = retarget(match, positions[normal], rotations[normal])
    assert upright(motion) == 1.0
    assert stands(motion)
    assert leg_m(motion) == pytest.approx(0.84, abs=0.02)
    assert worst_limb_rad(match, motion) < 1e-3


def test_webcam_landmarks_become_a_person() -> None:
    """33 landmarks of squats: head over hips over feet, knees forward, all 21 joints known."""
    points = np.array(json.loads(data("webcam", "pose_squats_3d.full.json").read_text()), dtype=np.float32)
    match = match_skeleton(points_skeleton(MEDIAPIPE_NAMES), place="webcam", positions=points)
    motion = retarget(match, points)
    assert match.table == "mediapipe"
    assert match.lacking == ()
    assert motion.rotations is None
    assert stands(motion)
    assert upright(motion, 40) > 0.9
    assert knees_bend_forward(motion.positions)
    assert leg_m(motion) == pytest.approx(0.77, abs=0.05)


def test_mirrored_gaits_are_found_by_their_knees() -> None:
    """Of the Emotion-Gait set all of Scene and four fifths of the CMU-style gaits are mirrored, none of BML is."""
    with np.load(data("emotion_gait.npz")) as archive:
        gaits, origins = archive["positions"], archive["source"]
    match = match_skeleton(points_skeleton(EMOTION_GAIT_NAMES), place="gaits", positions=gaits[:20].reshape(-1, 16, 3))
    mirrored: Counter[str] = Counter()
    for gait, origin in zip(gaits, origins, strict=True):
        body = retarget(match, gait).positions
        mirrored[str(origin)] += not knees_bend_forward(body)
        assert knees_bend_forward(mend_mirror(body))
    assert mirrored["Scene"] == 24
    assert mirrored["CMU-like ##_##"] == 73
    assert mirrored["BML"] == 0
