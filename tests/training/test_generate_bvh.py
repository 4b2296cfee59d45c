"""Generated motion in BVH files: Blender sees what we made, on our skeleton and on others, and each says what it is."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.bvh_texts import DATA

from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.errors import BvhError, InputError
from emotus.engine.generator import Generator, load_generator
from emotus.engine.matching import match_skeleton
from emotus.engine.retarget import Retargeter
from emotus.engine.wish import Wish
from emotus.sensors.bvh import forward, read_bvh
from emotus.training.generate_bvh import Generated, save_motion
from emotus.training.generate_commands import generate

# Heads of all bones, in Blender's axes, of every tenth frame, with its frame rate. Debian's Blender 3.4 runs on Python
# 3.11, which dropped the mode "rU" that its BVH importer still opens files with: that letter alone is taken out.
_ASK_BLENDER = """
import builtins, bpy, json, sys
plain = builtins.open
builtins.open = lambda file, mode="r", *args, **more: plain(file, mode.replace("U", ""), *args, **more)
path, out = sys.argv[sys.argv.index("--") + 1:]
bpy.ops.object.select_all(action="SELECT")
bpy.ops.object.delete()
bpy.ops.import_anim.bvh(filepath=path, update_scene_fps=True, update_scene_duration=True)
scene, figure = bpy.context.scene, bpy.context.object
heads = {}
last = int(figure.animation_data.action.frame_range[1])
for frame in range(scene.frame_start, last + 1, 10):
    scene.frame_set(frame)
    heads[frame] = {bone.name: list(figure.matrix_world @ bone.head) for bone in figure.pose.bones}
said = {"fps": scene.render.fps / scene.render.fps_base, "frames": last, "heads": heads}
open(out, "w").write(json.dumps(said))
"""
FOREIGN = ("131_01", "AV_8Walk_Meredith_HVHA_Rep1", "bvh_test1", "test_mocapbank")


@pytest.fixture(scope="module")
def model():
    return load_generator()


@pytest.fixture(scope="module")
def walk(model) -> Generated:
    generator = Generator(model, seed=4)
    generator.ask(Wish("happy", travels=True, direction_deg=40.0))
    joints, rotations, root = (each[0] for each in generator.take(180))
    return Generated(joints, rotations, root, 60.0, 4, {"emotion": "happy"})


def _in_blender(path: Path, tmp_path: Path) -> dict:
    blender = shutil.which("blender")
    if blender is None:
        pytest.skip("Blender is not installed")
    script, out = tmp_path / "ask.py", tmp_path / "said.json"
    script.write_text(_ASK_BLENDER)
    command = [blender, "-b", "--factory-startup", "-P", str(script), "--", str(path), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert out.is_file(), done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(out.read_text())


@pytest.mark.parametrize("skeleton", [None, "vrm"])
def test_blender_imports_it_to_the_millimetre(walk, model, tmp_path, skeleton) -> None:
    """The real Blender, as it is set at first: size, facing, rate and every joint of every tenth frame agree."""
    path = tmp_path / "walk.bvh"
    save_motion(walk, model.info, skeleton, path)
    said = _in_blender(path, tmp_path)
    assert (said["fps"], said["frames"]) == (60.0, 180)
    for frame, heads in said["heads"].items():
        names = [name if skeleton is None else f"{name[0].lower()}{name[1:]}" for name in BODY.names]
        x, y, z = np.array([heads[name] for name in names]).T
        there = np.stack((x, z, -y), axis=-1)  # Blender's z is up, and its figures face -y
        assert np.abs(there - walk.joints[int(frame) - 1]).max() < 1e-3


def test_it_reads_back_as_it_was(walk, model, tmp_path) -> None:
    """Our own reader finds the same body, joints to a tenth of a millimetre."""
    save_motion(walk, model.info, None, tmp_path / "walk.bvh")
    bvh = read_bvh(tmp_path / "walk.bvh")
    positions, rotations = forward(bvh)
    match = match_skeleton(bvh.skeleton, place="walk", positions=positions, rotations=rotations)
    assert np.abs(Retargeter(match).apply(positions, rotations).positions - walk.joints).max() < 1e-4


def test_every_file_says_that_it_is_synthetic(walk, model, tmp_path) -> None:
    """Beside the file a label with seed, model and hash; within it the same in the name of an End Site."""
    save_motion(walk, model.info, None, tmp_path / "walk.bvh")
    label = json.loads((tmp_path / "walk.bvh.json").read_text())
    assert label["synthetic"] is True
    assert (label["seed"], label["model"], label["sha256"]) == (4, model.info.name, model.info.sha256)
    marks = [end.name for end in read_bvh(tmp_path / "walk.bvh").end_sites if end.name]
    assert marks == [f"synthetic emotus {model.info.name} seed 4 sha256 {model.info.sha256[:16]}"]


@pytest.mark.parametrize("name", FOREIGN)
def test_it_fits_on_other_skeletons(walk, model, tmp_path, name) -> None:
    """Bones keep their length, limbs point as ours do, feet that stand stay and none goes through the floor."""
    source = DATA / "bvh" / f"{name}.bvh"
    if not source.is_file():
        pytest.skip(f"{source} is missing")
    notes = save_motion(walk, model.info, str(source), tmp_path / "on.bvh")
    assert notes[0].startswith("animated: Hips")
    before, after = read_bvh(source), read_bvh(tmp_path / "on.bvh")
    bones = [_bones(bvh) for bvh in (before, after)]
    assert np.abs(bones[1] - bones[0]).max() <= 0.01 * bones[0].max()
    positions, rotations = forward(after)
    first, turned = forward(before)
    match = match_skeleton(before.skeleton, place=name, positions=first[:600], rotations=turned[:600])
    body = Retargeter(match).apply(positions, rotations).positions
    for part in ("UpperArm", "LowerArm", "UpperLeg", "LowerLeg"):
        for side in ("Left", "Right"):
            a, b = JOINT_INDEX[f"{side}{part}"], JOINT_INDEX[f"{side}{_NEXT[part]}"]
            assert _angles_deg(body[:, b] - body[:, a], walk.joints[:, b] - walk.joints[:, a]).max() < 2.0
    _check_feet(body, walk.joints)


_NEXT = {"UpperArm": "LowerArm", "LowerArm": "Hand", "UpperLeg": "LowerLeg", "LowerLeg": "Foot"}


def _bones(bvh) -> np.ndarray:
    positions, _ = forward(bvh)
    edges = [(p, j) for j, p in enumerate(bvh.skeleton.parents) if p >= 0 and bvh.skeleton.parents[p] >= 0]
    return np.array([np.linalg.norm(positions[:, j] - positions[:, p], axis=-1).max() for p, j in edges])


def _angles_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    cosine = (a * b).sum(axis=-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


def _check_feet(body: np.ndarray, ours: np.ndarray) -> None:
    """The lower ankle is as far from the floor as ours, within 2 cm, and where ours stands it stands."""
    ankles = [JOINT_INDEX["LeftFoot"], JOINT_INDEX["RightFoot"]]
    low, own = body[:, ankles, 1].min(axis=1), ours[:, ankles, 1].min(axis=1)
    assert np.ptp(low - own) < 0.04
    theirs, own = (np.linalg.norm(np.diff(b[:, ankles], axis=0)[..., [0, 2]], axis=-1) * 60.0 for b in (body, ours))
    still = own < np.quantile(own, 0.2)  # as feet do that stand: an ankle rolls over its toes
    assert np.median(theirs[still]) < np.median(own[still]) + 0.1


def test_a_skeleton_without_legs_says_so(model, walk, tmp_path) -> None:
    """What will and what will not be animated is said, and what there is moves."""
    text = (tmp_path / "half.bvh", "HIERARCHY\nROOT Hips\n{\nOFFSET 0 90 0\n" + _CHANNELS.format("6", _PLACE))
    text[0].write_text(text[1] + _TRUNK + "}\nMOTION\nFrames: 1\nFrame Time: 0.0333333\n" + "0 " * 42 + "\n")
    notes = save_motion(walk, model.info, str(text[0]), tmp_path / "out.bvh")
    assert any(note.startswith("not animated") and "LeftUpperLeg" in note for note in notes)
    assert any("no whole legs" in note for note in notes)
    assert np.ptp(read_bvh(tmp_path / "out.bvh").motion, axis=0).max() > 1.0


_PLACE = "Xposition Yposition Zposition "
_CHANNELS = "CHANNELS {} {}Zrotation Xrotation Yrotation\n"
_JOINT = "JOINT {}\n{{\nOFFSET {}\n" + _CHANNELS.format("3", "")
_TRUNK = (
    _JOINT.format("Spine", "0 10 0")
    + _JOINT.format("Chest", "0 17 0")
    + _JOINT.format("Neck", "0 24 0")
    + _JOINT.format("Head", "0 10 0")
    + "}\n}\n"
    + "".join(
        _JOINT.format(f"{side}Shoulder", f"{5 * sign} 18 0")
        + _JOINT.format(f"{side}UpperArm", f"{13 * sign} 0 0")
        + _JOINT.format(f"{side}LowerArm", f"{29 * sign} 0 0")
        + _JOINT.format(f"{side}Hand", f"{25 * sign} 0 0")
        + "}\n" * 4
        for side, sign in (("Left", 1), ("Right", -1))
    )
    + "}\n}\n"
)


def test_the_command_writes_what_was_asked_for(tmp_path, capsys) -> None:
    """The same seed gives the same file, another another."""
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate(emotion="sad", intensity=0.9, seconds=1.0, seed=seed, out=tmp_path / f"{name}.bvh")
    a, b, c = ((tmp_path / f"{name}.bvh").read_bytes() for name in "abc")
    assert a == b != c
    assert "60 frames at 60 Hz, synthetic, seed 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"emotion": "melancholy"}, "it knows angry, happy, sad, proud, unsure, neutral"),
        ({"emotion": "sadd"}, "did you mean sad?"),
        ({}, "no emotion is asked for"),
        ({"valence": 0.3}, "one is given without the other"),
        ({"valence": float("nan"), "arousal": 0.1}, "is no number"),
        ({"emotion": "sad", "out": None}, "nowhere to go to"),
        ({"emotion": "sad", "out": Path("take.fbx")}, "is no .bvh"),
        ({"emotion": "sad", "skeleton": "missing.bvh"}, "missing.bvh"),
        ({"emotion": "sad", "seconds": 90000.0}, "an hour at most"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path, asked, said) -> None:
    """Unknown emotions list what there is; every mistake names the mend."""
    with pytest.raises((InputError, BvhError), match=said.replace("?", r"\?")) as told:
        generate(**({"seconds": 0.5, "out": tmp_path / "x.bvh"} | asked))
    assert "\n" not in str(told.value)
