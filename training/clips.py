"""Clips to learn from: files of the data sets, brought to network frames by the very path that runs live."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ..engine.body import JOINT_COUNT, JOINT_INDEX
from ..engine.errors import DataError
from ..engine.features import normalise
from ..engine.matching import match_skeleton
from ..engine.retarget import Retargeter, mend_mirror
from ..engine.skeleton import Float32, Skeleton
from ..engine.streams import MODEL_RATE_HZ
from ..sensors.bvh import forward, read_bvh

LABELS: Final = ("angry", "happy", "sad", "proud", "unsure", "neutral")
STYLE_OF_LABEL: Final[dict[str, str]] = dict(
    zip(("angry", "happy", "sad", "proud", "not-confident", "normal"), LABELS, strict=True)
)
GAIT_LABELS: Final = {"happy": "happy", "angry": "angry", "sad": "sad", "neutral": "neutral"}
Progress = Callable[[str], None]

# Emotion-Gait names its joints after the bones' ends; all sixteen are joints of the body.
_GAIT_JOINTS: Final = {
    "root": "Hips", "spine": "Spine", "neck": "Neck", "head": "Head",
    "l_shoulder": "LeftUpperArm", "l_elbow": "LeftLowerArm", "l_hand": "LeftHand",
    "r_shoulder": "RightUpperArm", "r_elbow": "RightLowerArm", "r_hand": "RightHand",
    "l_hip": "LeftUpperLeg", "l_knee": "LeftLowerLeg", "l_foot": "LeftFoot",
    "r_hip": "RightUpperLeg", "r_knee": "RightLowerLeg", "r_foot": "RightFoot",
}  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """Hold one recording: network frames (T, 90), what is done in it, in which style, and in which session.

    label: index of LABELS, -1 where the style is none of them or the session is not the one that is compared.
    family: of activities, as in the folds; -1 for those that belong to no fold.
    """

    name: str
    activity: str
    style: str
    session: str
    label: int
    family: int
    frames: Float32


@dataclass(frozen=True)
class Folds:
    """Hold the fixed folds: file name -> fold, leaving out one activity, or one family of activities."""

    content: dict[str, int]
    family: dict[str, int]


def load_folds(data_dir: Path) -> Folds:
    """Read bandai-1-folds.json; raises DataError."""
    path = data_dir / "bandai-1-folds.json"
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Folds(dict(said["content"]), dict(said["family"]))
    except OSError:
        raise DataError(str(path), "is missing", mend="name the folder of the data with --data") from None
    except (ValueError, KeyError):
        raise DataError(str(path), "holds no folds") from None


def cache_folder() -> Path:
    """Return where archives are unpacked: $EMOTUS_CACHE, else ~/.cache/emotus."""
    return Path(os.environ.get("EMOTUS_CACHE", Path.home() / ".cache" / "emotus"))


def unpack(archive: Path, into: Path) -> list[Path]:
    """Unpack a data set once and list its BVH files; raises DataError when the archive is missing or broken."""
    done = into / ".complete"
    if not done.is_file():
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(into, filter="data")
        except FileNotFoundError:
            raise DataError(str(archive), "is missing", mend="name the folder of the data with --data") from None
        except (tarfile.TarError, OSError, EOFError) as error:
            raise DataError(str(archive), f"cannot be unpacked: {error}") from None
        done.touch()
    return sorted(into.rglob("*.bvh"))


def load_bandai(data_dir: Path, number: int, folds: Folds, progress: Progress) -> list[Clip]:
    """Return every clip of Motiondataset-1 or -2, in the order of their names."""
    files = unpack(data_dir / f"bandai-{number}.tar.xz", cache_folder() / f"bandai-{number}")
    if not files:
        raise DataError(str(data_dir), f"bandai-{number} holds no BVH file")
    families = {_activity(name): family for name, family in folds.family.items()}
    clips: list[Clip] = []
    for i, file in enumerate(files):
        if i % 500 == 0:
            progress(f"reading set {number}: {i} of {len(files)}")
        clips.append(_clip(file, folds, families))
    return clips


def _activity(name: str) -> str:
    return name.split("_")[1]


def _clip(file: Path, folds: Folds, families: dict[str, int]) -> Clip:
    """Read one file, named dataset-N_ACTIVITY_STYLE_NUMBER.bvh."""
    bvh = read_bvh(file)
    activity, style = file.name.split("_")[1:3]
    label = LABELS.index(STYLE_OF_LABEL[style]) if file.name in folds.content else -1
    session = f"{bvh.skeleton.offsets[1][2]:.0f}"  # told from the offset of the hips, and used for nothing else
    frames = _frames(bvh.skeleton, *forward(bvh), place=str(file))
    return Clip(file.name, activity, style, session, label, family_of(activity, families), frames)


def family_of(activity: str, families: dict[str, int]) -> int:
    """Return the family of an activity; one that is in no fold belongs to its nearest kin, gestures in the end."""
    if activity in families:
        return families[activity]
    kin = activity.partition("-")[0]
    return families.get(kin, families.get("bye", -1))


def _frames(skeleton: Skeleton, positions: Float32, rotations: Float32, *, place: str) -> Float32:
    match = match_skeleton(skeleton, place=place, positions=positions[:600], rotations=rotations[:600])
    motion = Retargeter(match).apply(positions, rotations)
    confidence = np.broadcast_to(motion.confidence, motion.positions.shape[:2])
    return normalise(motion.positions, confidence, MODEL_RATE_HZ)


def load_gaits(data_dir: Path) -> list[Clip]:
    """Return the gaits of Emotion-Gait whose intended emotion is known; never learnt from, tested on only."""
    path = data_dir / "emotion_gait.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {name: file[name] for name in ("positions", "intended", "walker", "joints", "label_names", "names")}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(str(path), f"cannot be read: {error}") from None
    joints = [JOINT_INDEX[_GAIT_JOINTS[str(name)]] for name in data["joints"]]
    return list(_gaits(data, joints))


def _gaits(data: dict[str, np.ndarray], joints: list[int]) -> Iterable[Clip]:
    for i in np.flatnonzero(data["intended"] >= 0):
        points = data["positions"][i].astype(np.float32)  # (75, 16, 3)
        style = GAIT_LABELS[str(data["label_names"][data["intended"][i]])]
        frames = _gait_frames(points, joints)
        yield Clip(str(data["names"][i]), "gait", style, str(data["walker"][i]), LABELS.index(style), -1, frames)


def load_every_gait(data_dir: Path, name: str = "emotion_gait.npz") -> list[Clip]:
    """Return all gaits of Emotion-Gait in their order, without a label: that depends on who is asked."""
    path = data_dir / name
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {name: file[name] for name in ("positions", "walker", "joints", "names")}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(str(path), f"cannot be read: {error}") from None
    joints = [JOINT_INDEX[_GAIT_JOINTS[str(name)]] for name in data["joints"]]
    frames = [_gait_frames(points.astype(np.float32), joints) for points in data["positions"]]
    told = zip(data["names"], data["walker"], frames, strict=True)
    return [Clip(str(name), "gait", "", str(walker), -1, -1, each) for name, walker, each in told]


def gait_points(gaits: np.ndarray) -> list[Float32]:
    """Return gaits (N, T, 16, 3) on the body, each (T, 21, 3), as they were recorded: mirrored ones are not mended."""
    joints = [JOINT_INDEX[name] for name in _GAIT_JOINTS.values()]
    out = np.zeros((*gaits.shape[:2], JOINT_COUNT, 3), dtype=np.float32)
    out[:, :, joints] = gaits
    return list(out)


def load_gait_bodies(data_dir: Path) -> list[tuple[str, str, Float32, Float32]]:
    """Return of each gait of Emotion-Gait walker, source, positions (T, 21, 3) and confidence (T, 21)."""
    path = data_dir / "emotion_gait.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {name: file[name] for name in ("positions", "walker", "source", "joints")}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(str(path), f"cannot be read: {error}") from None
    joints = [JOINT_INDEX[_GAIT_JOINTS[str(name)]] for name in data["joints"]]
    told = zip(data["walker"], data["source"], data["positions"], strict=True)
    return [(str(w), str(s), *_laid_out(points.astype(np.float32), joints)) for w, s, points in told]


def gait_frames(points: Float32) -> Float32:
    """Return the network frames (T, 90) of a gait's sixteen joints (T, 16, 3), in the benchmark's own order."""
    return _gait_frames(points, [JOINT_INDEX[name] for name in _GAIT_JOINTS.values()])


def _gait_frames(points: Float32, joints: list[int]) -> Float32:
    """Return the network frames of a gait."""
    return normalise(*_laid_out(points, joints), MODEL_RATE_HZ, travels=False)


def _laid_out(points: Float32, joints: list[int]) -> tuple[Float32, Float32]:
    """Lay 16 joints out on the body: the chest lies between spine and neck, shoulders and toes are unknown."""
    positions = np.zeros((len(points), JOINT_COUNT, 3), dtype=np.float32)
    confidence = np.zeros((len(points), JOINT_COUNT), dtype=np.float32)
    positions[:, joints], confidence[:, joints] = points, 1.0
    chest, spine, neck = (JOINT_INDEX[name] for name in ("Chest", "Spine", "Neck"))
    positions[:, chest] = 0.58 * positions[:, spine] + 0.42 * positions[:, neck]
    confidence[:, chest] = 0.8
    return mend_mirror(positions), confidence
