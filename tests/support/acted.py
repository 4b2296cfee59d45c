"""Acted emotions that nobody acted: a small data set whose classes differ in how far and how fast the body swings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emotus.engine.body import BODY, JOINT_COUNT, JOINT_INDEX
from emotus.engine.features import FRAME_SIZE
from emotus.engine.skeleton import Float32
from emotus.training.data_set import DataSet, Sample
from emotus.training.windows import Examples, cut

LABELS = ("angry", "happy", "sad")
_LIMBS = [JOINT_INDEX[side + part] for side in ("Left", "Right") for part in ("Hand", "LowerArm", "Foot", "LowerLeg")]


def frames_of(label: int, seed: int, length: int = 48) -> Float32:
    """Return network frames (T, 90) of a body that swings its limbs as the label does."""
    rng = np.random.default_rng([label, seed])
    rest = np.zeros((JOINT_COUNT, 3))
    for joint, parent in enumerate(BODY.parents):
        rest[joint] = BODY.offsets[joint] + (rest[parent] if parent >= 0 else 0.0)
    places = np.tile(rest - rest[0], (length, 1, 1))
    t = np.arange(length)[:, None] / 30.0
    far, fast = (0.10, 0.25, 0.04)[label], (2.5, 1.2, 0.6)[label]
    phases = rng.uniform(0, 2 * np.pi, len(_LIMBS))
    swing = far * np.exp(rng.normal(0, 0.1)) * np.sin(2 * np.pi * fast * t + phases)
    places[:, _LIMBS, 2] += swing
    places[:, _LIMBS, 0] += swing / 2.0
    places += rng.normal(0, 0.003, places.shape)
    frames = np.zeros((length, FRAME_SIZE), dtype=np.float32)
    frames[:, : JOINT_COUNT * 3] = places.reshape(length, -1)
    frames[:, JOINT_COUNT * 3 : JOINT_COUNT * 4] = 1.0
    return frames


def samples_of(performers: int = 6, takes: int = 1, unlabelled: int = 0) -> tuple[Sample, ...]:
    """Return every performer acting every label, takes times, and takes that nobody labelled."""
    out: list[Sample] = []
    for who in range(performers):
        for label, name in enumerate(LABELS):
            for take in range(takes):
                frames = frames_of(label, 100 * who + take)
                content = f"content {take % 2}"
                out.append(Sample(f"{who}-{name}-{take}.bvh", name, frames, f"performer {who}", content, content))
        out += [
            Sample(f"{who}-unsaid-{take}.bvh", "", frames_of(take % 3, 100 * who + 50), f"performer {who}")
            for take in range(unlabelled)
        ]
    return tuple(out)


def set_of(samples: Sequence[Sample]) -> DataSet:
    """Return samples as a data set."""
    return DataSet("acted", "acted", LABELS, tuple(samples))


def examples(performers: int = 6, takes: int = 1, unlabelled: int = 0, window: int = 32) -> Examples:
    """Return the windows of such a set, grouped by performer."""
    data = set_of(samples_of(performers, takes, unlabelled))
    return cut(data, [sample.performer for sample in data.samples], window, 8)
