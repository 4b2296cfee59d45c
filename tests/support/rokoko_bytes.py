"""Speak as Rokoko Studio does: one JSON datagram a frame, version 2 or 3, plain or as an LZ4 frame."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from emotus.engine import quaternion
from emotus.engine.body import BODY, JOINT_COUNT
from emotus.engine.kinematics import globals_from_locals
from emotus.sensors.rokoko_json import STUDIO_NAMES

# Studio's bones are not turned as ours at rest: any constant turn for each will do to stand for that.
RESTS = quaternion.normalise(np.random.default_rng(7).normal(size=(JOINT_COUNT, 4)))


def studio_bones(positions: np.ndarray, local: np.ndarray) -> dict[str, dict]:
    """Return the bones of a body at (21, 3) with local rotations (21, 4), as Studio has them: global, Unity's frame."""
    turned = quaternion.multiply(globals_from_locals(BODY.parents, local.astype(np.float64)), RESTS)
    bones = {}
    for name, (x, y, z), (w, a, b, c) in zip(STUDIO_NAMES, positions.tolist(), turned.tolist(), strict=True):
        bones[name] = {"position": {"x": -x, "y": y, "z": z}, "rotation": {"x": a, "y": -b, "z": -c, "w": w}}
    return bones


def version_3(actors: Sequence[tuple[str, dict]], time_s: float, version: object = "3,0") -> bytes:
    """Return a frame of JSON v3 with (name, bones) of each actor."""
    made = [
        {
            "name": name,
            "color": [255, 255, 255],
            "meta": {"hasGloves": False, "hasBody": True, "hasFace": False},
            "dimensions": {"totalHeight": 1.7, "hipHeight": 0.92},
            "body": bones,
        }
        for name, bones in actors
    ]
    scene = {"timestamp": time_s, "actors": made, "characters": [], "props": []}
    return json.dumps({"version": version, "fps": 60.0, "scene": scene}).encode()


def version_2(actors: Sequence[tuple[str, dict]], time_s: float, version: object = 2) -> bytes:
    """Return a frame of JSON v2, whose bones lie directly on the actor."""
    made = [{"name": name, "hipHeight": 0.92, **bones} for name, bones in actors]
    frame = {"version": version, "timestamp": time_s, "props": [], "trackers": [], "faces": [], "actors": made}
    return json.dumps(frame).encode()
