"""The features tell how a body moves: the same in a mirror, blind to joints that nobody saw."""

from __future__ import annotations

import numpy as np
import torch

from emotus.models.feature_table import feature_table
from emotus.models.features import MotionFeatures
from emotus.models.graph import FRAME_SIZE, JOINTS, mirror_partners

_J = len(JOINTS)


def _frames(t: int = 60) -> np.ndarray:
    rng = np.random.default_rng(0)
    frames = np.zeros((t, FRAME_SIZE), dtype=np.float32)
    frames[:, : _J * 3] = rng.normal(0, 0.3, (1, _J * 3)) + 0.1 * rng.normal(0, 1, (t, _J * 3)).cumsum(axis=0) / 10
    frames[:, _J * 3 : _J * 4] = 1.0
    frames[:, _J * 4 :] = (0.1, 0.2, 0.3, 0.4, 0.7, 1.0)
    return frames


def _features(frames: np.ndarray) -> torch.Tensor:
    model = MotionFeatures(30.0, (1.0, 3.0), 5.0)
    return model.forward(torch.from_numpy(frames)[None])[0]


def test_a_mirrored_movement_has_the_same_features() -> None:
    """Left and right are folded: who waves with the other hand waves alike."""
    frames = _frames()
    other = frames.copy()
    partners = list(mirror_partners(JOINTS))
    points = frames[:, : _J * 3].reshape(-1, _J, 3)[:, partners] * np.array([-1, 1, 1], np.float32)
    other[:, : _J * 3] = points.reshape(-1, _J * 3)
    other[:, _J * 4] *= -1
    other[:, _J * 4 + 3] *= -1
    assert torch.allclose(_features(frames), _features(other), atol=1e-5)


def test_an_unknown_joint_says_nothing() -> None:
    """Where a joint is unknown, its position changes no feature."""
    frames = _frames()
    joint = JOINTS.index("LeftToes")
    frames[:, _J * 3 + joint] = 0.0
    other = frames.copy()
    other[:, 3 * joint : 3 * joint + 3] = 7.0
    assert torch.allclose(_features(frames), _features(other))


def test_faster_means_higher_speeds() -> None:
    """Twice the swing gives more in every power mean of the hands' speed and no other body."""
    frames = _frames()
    wide = frames.copy()
    mean = frames[:, : _J * 3].mean(axis=0)
    wide[:, : _J * 3] = mean + 2 * (frames[:, : _J * 3] - mean)
    model = MotionFeatures(30.0, (1.0,), 0.0)
    s, k = model.static_count, model.kinetic_count
    slow, fast = (_last(model, each)[2 * s :] for each in (frames, wide))
    moving = list(range(len(feature_table().movers)))
    assert all(bool(fast[i + block * k] > slow[i + block * k]) for i in moving for block in range(3))


def _last(model: MotionFeatures, frames: np.ndarray) -> torch.Tensor:
    return model.forward(torch.from_numpy(frames)[None])[0, -1]
