"""Motion to generate from, and the one shape in which every generator's takes are judged.

Clips of both sets are brought to the body's own proportions (`engine.body.BODY`): the recorded turns of the joints,
the root scaled by the length of the legs, the soles set on the floor. Rate: 30 Hz, the sets' own and the engine's.

Split by content: HELD_OUT names the activities that no generator may learn from (with their kin in set 2). The
judge of generated takes learns from those alone, so that judge and generator share no clip.

Positions, turns and root of T frames:
  rotations  (T, 21, 6)  local, the first two columns of the matrix (Zhou et al., CVPR 2019), the hips in the heading
                         frame; identity in the T-pose is (1, 0, 0, 0, 1, 0)
  travel     (T, 4)      of the root: m/s to the left and ahead in the heading frame of the frame before, turning in
                         rad/s, height in m; what `travelled` adds up again to root and heading
  contacts   (T, 4)      1 where left foot, left toes, right foot, right toes stand
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ..engine import quaternion
from ..engine.body import BODY, JOINT_COUNT, JOINT_INDEX
from ..engine.errors import DataError
from ..engine.features import normalise
from ..engine.kinematics import forward_kinematics
from ..engine.matching import match_skeleton
from ..engine.retarget import Retargeter
from ..engine.skeleton import Float32
from ..sensors.bvh import forward, read_bvh
from .clips import LABELS, STYLE_OF_LABEL, cache_folder, unpack

FPS: Final = 30.0
EMOTIONS: Final = LABELS  # angry, happy, sad, proud, unsure, neutral
SESSION: Final = "-3"  # of set 1, in which the six styles were recorded side by side
HELD_OUT: Final = frozenset({"bye", "byebye", "run", "walk-left", "walk-right", "punch"})
_KIN: Final = ("run", "wave")  # set 2's activities that show a held-out one
FEET: Final = tuple(JOINT_INDEX[name] for name in ("LeftFoot", "LeftToes", "RightFoot", "RightToes"))
_SOLE_M: Final = 0.02  # the toes' height over the sole
_STANDING: Final = np.array([0.15, 0.055, 0.15, 0.055], dtype=np.float32)  # heights under which a foot may stand, m
_STILL_M_S: Final = 0.35
_CACHED: Final = ("rotations", "root", "heading")
Progress = Callable[[str], None]


@dataclass(frozen=True)
class MotionTake:
    """Hold one recording on the body, T frames at FPS.

    name: of the file. content: the activity. style: as the set names it. label: index of EMOTIONS, -1 where the style
    is none of them (angry or normal of another session too; `neutral` tells of those). session: block of recordings.
    rotations: (T, 21, 4) local wxyz, the hips' in the world. root: (T, 3) metres. heading: (T,) rad, unwrapped.
    """

    name: str
    content: str
    style: str
    session: str
    label: int
    rotations: Float32
    root: Float32
    heading: Float32

    @property
    def set2(self) -> bool:
        """Tell whether it is of Motiondataset-2."""
        return self.name.startswith("dataset-2")

    @property
    def held_out(self) -> bool:
        """Tell whether no generator may learn from it."""
        return self.content.startswith(_KIN) if self.set2 else self.content in HELD_OUT

    @property
    def emotion(self) -> str:
        """Return which of EMOTIONS a generator may take it for: its label, neutral in any session, or ''."""
        if self.label >= 0:
            return EMOTIONS[self.label]
        return "neutral" if self.style == "normal" else ""

    @cached_property
    def rotations_6d(self) -> Float32:
        """Return the local rotations (T, 21, 6), the hips in the heading frame."""
        return sixes(in_heading(self.rotations, self.heading))

    @cached_property
    def travel(self) -> Float32:
        """Return velocity, turning and height (T, 4)."""
        return travel_of(self.root, self.heading)

    @cached_property
    def positions(self) -> Float32:
        """Return the joints (T, 21, 3) in world metres."""
        return forward_kinematics(BODY, self.rotations, self.root).astype(np.float32)

    @cached_property
    def contacts(self) -> Float32:
        """Return which feet stand (T, 4), 1 or 0."""
        return contacts_of(self.positions)

    @cached_property
    def features(self) -> Float32:
        """Return rotations_6d, travel and contacts side by side: (T, 134)."""
        return np.concatenate((self.rotations_6d.reshape(len(self.root), -1), self.travel, self.contacts), axis=1)


@dataclass(frozen=True)
class GeneratedTake:
    """Hold what a generator made, T frames at rate_hz; real takes come in the same shape to be judged beside it.

    positions: (T, 21, 3) world metres, Y up. rotations: (T, 21, 4) local wxyz, the hips' in the world. root: (T, 3).
    """

    emotion: str
    intensity: float
    seed: int
    positions: Float32
    rotations: Float32
    root: Float32
    rate_hz: float = FPS
    model: str = ""
    extra: dict[str, float] = field(default_factory=dict)

    @cached_property
    def frames(self) -> Float32:
        """Return the network frames (T, 90) of the engine."""
        return normalise(self.positions, np.ones(self.positions.shape[:2], dtype=np.float32), self.rate_hz)


class TakeSource(Protocol):
    """Whatever makes takes: a generator, or a deck of real ones. The same arguments give the same take."""

    def __call__(self, emotion: str, intensity: float, seconds: float, seed: int) -> GeneratedTake:
        """Return a take; intensity 0 is neutral, 1 as the actors played it, up to 1.5 beyond."""
        ...


def as_take(take: MotionTake, part: slice = slice(None)) -> GeneratedTake:
    """Return a recording, or a part of it, as generated takes come."""
    return GeneratedTake(
        take.emotion or take.style, 1.0, 0, take.positions[part], take.rotations[part], take.root[part], model="real"
    )


def resampled(take: GeneratedTake, rate_hz: float = FPS) -> GeneratedTake:
    """Return a take at another rate, positions between frames on the straight way and turns by slerp."""
    if abs(take.rate_hz - rate_hz) < 1e-6 or len(take.root) < 2:
        return take
    last = len(take.root) - 1
    at = np.arange(0.0, last + 1e-6, take.rate_hz / rate_hz)
    low = np.minimum(at.astype(int), last - 1)
    share = (at - low).astype(np.float32)
    rotations = quaternion.slerp(take.rotations[low], take.rotations[low + 1], share[:, None]).astype(np.float32)
    root = (take.root[low] + share[:, None] * (take.root[low + 1] - take.root[low])).astype(np.float32)
    positions = forward_kinematics(BODY, rotations, root).astype(np.float32)
    return GeneratedTake(
        take.emotion, take.intensity, take.seed, positions, rotations, root, rate_hz, take.model, take.extra
    )


def sixes(q: NDArray[np.floating]) -> Float32:
    """Return the first two columns (..., 6) of the matrices of unit quaternions (..., 4)."""
    matrix = quaternion.to_matrix(q)  # (..., 3, 3)
    return np.concatenate((matrix[..., 0], matrix[..., 1]), axis=-1).astype(np.float32)


def quaternions(six: NDArray[np.floating]) -> Float32:
    """Return unit quaternions (..., 4) of six numbers (..., 6), made orthonormal by Gram and Schmidt."""
    x = six[..., :3] / np.maximum(np.linalg.norm(six[..., :3], axis=-1, keepdims=True), 1e-8)
    y = six[..., 3:] - (x * six[..., 3:]).sum(axis=-1, keepdims=True) * x
    y = y / np.maximum(np.linalg.norm(y, axis=-1, keepdims=True), 1e-8)
    return quaternion.from_matrix(np.stack((x, y, quaternion.cross(x, y)), axis=-1)).astype(np.float32)


def in_heading(rotations: Float32, heading: Float32) -> Float32:
    """Return rotations (T, 21, 4) with the hips turned back by the heading (T,)."""
    out = rotations.copy()
    out[:, 0] = quaternion.multiply(quaternion.from_axis("Y", -heading), rotations[:, 0])
    return out


def in_world(rotations: Float32, heading: Float32) -> Float32:
    """Return rotations (T, 21, 4) with the hips turned by the heading (T,): undoes `in_heading`."""
    return in_heading(rotations, -heading)


def travel_of(root: Float32, heading: Float32) -> Float32:
    """Return velocity to the left and ahead, turning and height (T, 4); the first frame's speeds are the second's."""
    step = np.diff(root, axis=0) * FPS  # (T - 1, 3)
    sine, cosine = np.sin(heading[:-1]), np.cos(heading[:-1])
    left = step[:, 0] * cosine - step[:, 2] * sine
    ahead = step[:, 0] * sine + step[:, 2] * cosine
    speeds = np.stack((left, ahead, np.diff(heading) * FPS), axis=1)
    speeds = np.concatenate((speeds[:1], speeds)) if len(speeds) else np.zeros((len(root), 3))
    return np.concatenate((speeds, root[:, 1:2]), axis=1).astype(np.float32)


def travelled(travel: Float32) -> tuple[Float32, Float32]:
    """Return root (T, 3) and heading (T,) of travel (T, 4), from the origin facing +z: undoes `travel_of`."""
    heading = np.concatenate(([0.0], np.cumsum(travel[1:, 2].astype(np.float64)) / FPS))
    sine, cosine = np.sin(heading[:-1]), np.cos(heading[:-1])
    left, ahead = travel[1:, 0], travel[1:, 1]
    step = np.stack((left * cosine + ahead * sine, ahead * cosine - left * sine), axis=1) / FPS  # (T - 1, 2)
    ground = np.concatenate((np.zeros((1, 2)), np.cumsum(step, axis=0)))
    root = np.stack((ground[:, 0], travel[:, 3], ground[:, 1]), axis=1)
    return root.astype(np.float32), heading.astype(np.float32)


def contacts_of(positions: Float32) -> Float32:
    """Return which of FEET stand (T, 4) in positions (T, 21, 3): low and slow."""
    feet = positions[:, FEET]  # (T, 4, 3)
    if len(feet) < 2:
        return (feet[..., 1] < _STANDING).astype(np.float32)
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * FPS  # (T, 4)
    return ((feet[..., 1] < _STANDING) & (speed < _STILL_M_S)).astype(np.float32)


def load_motion(data: Path, progress: Progress, *, sets: Sequence[int] = (1, 2)) -> list[MotionTake]:
    """Return the takes of the sets in the order of their names; read once, kept in the cache; raises DataError."""
    return [take for number in sets for take in _load_set(data, number, progress)]


def _load_set(data: Path, number: int, progress: Progress) -> list[MotionTake]:
    path = cache_folder() / f"motion-{number}-v1.npz"
    if not path.is_file():
        files = unpack(data / f"bandai-{number}.tar.xz", cache_folder() / f"bandai-{number}")
        if not files:
            raise DataError(str(data), f"bandai-{number} holds no BVH file")
        progress(f"bringing the {len(files)} clips of set {number} to the body")
        _keep(path, [_read(file) for file in files])
    with np.load(path, allow_pickle=False) as held:
        words = json.loads(str(held["words"]))
        ends = held["ends"].tolist()
        arrays = [np.split(held[name], ends[:-1]) for name in _CACHED]
    return [
        MotionTake(str(a), str(b), str(c), str(d), int(label), *parts)
        for (a, b, c, d, label), parts in zip(words, zip(*arrays, strict=True), strict=True)
    ]


def _keep(path: Path, takes: Sequence[MotionTake]) -> None:
    ends = np.cumsum([len(take.root) for take in takes])
    words = json.dumps([[take.name, take.content, take.style, take.session, take.label] for take in takes])
    part = path.with_name(f".{path.name}.part.npz")
    rotations, root, heading = (np.concatenate([getattr(take, name) for take in takes]) for name in _CACHED)
    np.savez(part, words=np.array(words), ends=ends, rotations=rotations, root=root, heading=heading)
    part.replace(path)


def _read(file: Path) -> MotionTake:
    """Read one file, named dataset-N_ACTIVITY_STYLE_NUMBER.bvh, and bring it to the body."""
    bvh = read_bvh(file)
    content, style = file.name.split("_")[1:3]
    session = f"{bvh.skeleton.offsets[1][2]:.0f}"  # told from the offset of the hips, and used for nothing else
    points, turns = forward(bvh)
    match = match_skeleton(bvh.skeleton, place=str(file), positions=points[:600], rotations=turns[:600])
    body = Retargeter(match).apply(points, turns)
    if body.rotations is None:
        raise DataError(str(file), "its joints turn in a way that no table knows")
    root = body.positions[:, 0] * _leg_share(body.positions)
    lowest = forward_kinematics(BODY, body.rotations, root)[:, FEET, 1].min(axis=1)
    root[:, 1] += _SOLE_M - float(np.quantile(lowest, 0.02))
    heading = heading_of(body.rotations)
    session_of_label = session == SESSION and file.name.startswith("dataset-1")
    label = LABELS.index(STYLE_OF_LABEL[style]) if session_of_label and style in STYLE_OF_LABEL else -1
    return MotionTake(file.name, content, style, session, label, body.rotations, root.astype(np.float32), heading)


def heading_of(rotations: Float32) -> Float32:
    """Return where the hips of rotations (T, 21, 4) face: radians about +y from +z, (T,), unwrapped."""
    left = quaternion.rotate(rotations[:, 0], np.array([1.0, 0.0, 0.0], dtype=np.float32))  # (T, 3)
    return np.unwrap(np.arctan2(-left[:, 2], left[:, 0])).astype(np.float32)


def _leg_share(positions: Float32) -> float:
    """Return how long the body's legs are beside those of positions (T, 21, 3)."""
    chain = [JOINT_INDEX[name] for name in ("LeftUpperLeg", "LeftLowerLeg", "LeftFoot")]
    legs = np.linalg.norm(np.diff(positions[:, chain], axis=1), axis=-1).sum(axis=1).mean()
    own = np.linalg.norm(BODY.offsets[chain[1:]], axis=-1).sum()
    return float(own / legs)


def split(takes: Iterable[MotionTake]) -> tuple[list[MotionTake], list[MotionTake]]:
    """Return what generators may learn from, and what is held out."""
    takes = list(takes)
    return [take for take in takes if not take.held_out], [take for take in takes if take.held_out]


def assembled(
    rotations_6d: Float32, travel: Float32, *, emotion: str, intensity: float, seed: int, model: str
) -> GeneratedTake:
    """Make a take of rotations (T, 21, 6) in the heading frame and travel (T, 4), from the origin facing +z."""
    if rotations_6d.shape[1:] != (JOINT_COUNT, 6) or travel.shape != (len(rotations_6d), 4):
        raise ValueError(f"rotations {rotations_6d.shape} and travel {travel.shape} make no take")
    root, heading = travelled(travel)
    rotations = in_world(quaternions(rotations_6d), heading)
    positions = forward_kinematics(BODY, rotations, root).astype(np.float32)
    return GeneratedTake(emotion, intensity, seed, positions, rotations, root, model=model)
