"""Generated motion as a BVH file: on the body, with the bone names of VRM, or on the skeleton of one's own file."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from ..engine import quaternion
from ..engine.body import BODY
from ..engine.dressing import Dressed, dress
from ..engine.errors import SkeletonError
from ..engine.matching import Match, match_skeleton
from ..engine.skeleton import Float32, Float64, Skeleton
from ..models.primitive_store import PrimitiveInfo
from ..sensors.bvh import Bvh, EndSite, forward, read_bvh
from ..sensors.bvh_writer import save_bvh

VRM: Final = "vrm"
ORDER: Final = "ZXY"
_PLACE: Final = ("Xposition", "Yposition", "Zposition")
_TURN: Final = tuple(f"{axis}rotation" for axis in ORDER)
_FRAMES_READ: Final = 600
# Where the bones end that carry no joint, in metres from it: crown, fingers, tips of the toes.
_ENDS: Final = {
    "Head": (0.0, 0.2, 0.0),
    "LeftHand": (0.18, 0.0, 0.0),
    "RightHand": (-0.18, 0.0, 0.0),
    "LeftToes": (0.0, 0.0, 0.07),
    "RightToes": (0.0, 0.0, 0.07),
}


@dataclass(frozen=True)
class Generated:
    """Hold T frames of generated motion and what was asked for.

    joints: (T, 21, 3) world metres. rotations: (T, 21, 4) local wxyz. root: (T, 3).
    """

    joints: Float32
    rotations: Float32
    root: Float32
    rate_hz: float
    seed: int
    told: dict[str, object]


def label_of(made: Generated, info: PrimitiveInfo) -> dict[str, object]:
    """Return what is said of generated motion wherever it goes (PRIVACY 14)."""
    said: dict[str, object] = {"synthetic": True, "generator": "emotus", "model": info.name, "sha256": info.sha256}
    return said | {"seed": made.seed} | made.told | {"licence": info.licence, "attribution": info.attribution}


def save_motion(made: Generated, info: PrimitiveInfo, skeleton: str | None, path: Path) -> tuple[str, ...]:
    """Write the motion on a skeleton to a BVH file, and beside it, as PATH.json, that it is synthetic and how it was
    made; return what there is to say of the skeleton.

    skeleton: None for the body, "vrm", or the path of a BVH file. The file itself says it too: the name of its first
    End Site, which every reader passes over. Raises BvhError and SkeletonError.
    """
    if skeleton is None or skeleton.lower() == VRM:
        bvh, notes = _on_the_body(made, vrm=skeleton is not None), ("on the body of emotus, 1.70 m, in metres",)
    else:
        bvh, notes = _on_a_file(made, Path(skeleton))
    save_bvh(_marked(bvh, made, info), path)
    label = path.with_name(f"{path.name}.json")
    label.write_text(json.dumps(label_of(made, info), indent=1) + "\n", encoding="utf-8")
    return notes


def _marked(bvh: Bvh, made: Generated, info: PrimitiveInfo) -> Bvh:
    """Return the file with its first End Site named after what made it; one is added where there is none."""
    said = f"synthetic emotus {info.name} seed {made.seed} sha256 {info.sha256[:16]}"
    ends = bvh.end_sites or (EndSite(len(bvh.channels) - 1, (0.0, 0.0, 0.0)),)
    return replace(bvh, end_sites=(replace(ends[0], name=said), *ends[1:]))


def _on_the_body(made: Generated, *, vrm: bool) -> Bvh:
    """Return the body's own file, in metres: that is what Blender and game engines take a BVH unit for."""
    names = tuple(f"{name[0].lower()}{name[1:]}" if vrm else name for name in BODY.names)
    channels = tuple((*_PLACE, *_TURN) if joint == 0 else _TURN for joint in range(len(names)))
    ends = tuple(EndSite(j, _ENDS[name]) for j, name in enumerate(BODY.names) if name in _ENDS)
    angles = _angles(made.rotations.astype(np.float64), ORDER)  # (T, 21, 3) degrees
    rows = np.concatenate((made.root.astype(np.float64), angles.reshape(len(angles), -1)), axis=1)
    skeleton = Skeleton(names, BODY.parents, BODY.offsets)
    return Bvh("generated", skeleton, channels, ends, np.round(rows, 6), 1.0 / made.rate_hz)


def _on_a_file(made: Generated, path: Path) -> tuple[Bvh, tuple[str, ...]]:
    """Return the motion on the skeleton of a BVH file, whose bones and channels stay as they are."""
    own = read_bvh(path)
    positions, rotations = forward(replace(own, motion=own.motion[:_FRAMES_READ]))
    ends = [(end.parent, end.offset) for end in own.end_sites]
    match = match_skeleton(own.skeleton, place=str(path), positions=positions, rotations=rotations, ends=ends)
    dressed = dress(match, made.joints, made.rotations)
    rows = _rows(own, match, dressed)
    return replace(own, motion=np.round(rows, 6), frame_time_s=1.0 / made.rate_hz, warnings=()), dressed.notes


def _rows(own: Bvh, match: Match, dressed: Dressed) -> Float64:
    """Return the channels (T, C) of dressed motion; places of joints that do not carry the hips stay as recorded."""
    rows = np.repeat(own.motion[:1], len(dressed.hips), axis=0)
    carrier, offset = _carrier(own, match)
    column = 0
    for joint, words in enumerate(own.channels):
        places = [(i, word) for i, word in enumerate(words) if word.endswith("position")]
        turns = [(i, word) for i, word in enumerate(words) if word.endswith("rotation")]
        order = "".join(word[0] for _, word in turns)
        if len(set(order)) == 3:
            angles = _angles(dressed.local[:, joint], order)
            for (i, _), angle in zip(turns, angles.T, strict=True):
                rows[:, column + i] = angle
        elif turns and not np.allclose(dressed.local[:, joint, 0] ** 2, 1.0, atol=1e-6):
            name = own.skeleton.names[joint]
            raise SkeletonError(f"joint {name}", f"turns about {order} only", mend="give a file with three a joint")
        if joint == carrier:
            for i, word in places:
                rows[:, column + i] = dressed.hips[:, "XYZ".index(word[0])] - offset["XYZ".index(word[0])]
        column += len(words)
    return rows


def _carrier(own: Bvh, match: Match) -> tuple[int, Float64]:
    """Return the joint that can be moved and carries the hips, and the hips' offset from it; it and those above rest.

    Raises SkeletonError where none can be moved.
    """
    at: int = match.blends[0][0][0]
    offset = np.zeros(3)
    while at >= 0:
        if sum(word.endswith("position") for word in own.channels[at]) == 3:
            above = own.skeleton.parents[at]
            while above >= 0:  # they stay at rest, where only their offsets tell
                offset = offset + (own.skeleton.offsets[above] if own.skeleton.parents[above] >= 0 else 0.0)
                above = own.skeleton.parents[above]
            return at, offset
        offset = offset + own.skeleton.offsets[at]
        at = own.skeleton.parents[at]
    raise SkeletonError(own.place, "no joint of it can be moved", mend="give a file whose root has position channels")


def _angles(q: quaternion.Floats, order: str) -> Float64:
    """Return Euler angles (T, ..., 3) in degrees of rotations (T, ..., 4), without leaps from frame to frame."""
    return np.degrees(np.unwrap(quaternion.to_euler(q.astype(np.float64), order), axis=0))
