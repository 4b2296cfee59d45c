"""The fused recogniser: both branches count."""

from __future__ import annotations

import numpy as np
import torch

from emotus.models.graph import FRAME_SIZE, JOINTS
from emotus.models.recogniser import FusedRecogniser, Shape

_J = len(JOINTS)


def _model() -> FusedRecogniser:
    torch.manual_seed(0)
    model = FusedRecogniser(Shape(channels=(8, 8))).eval()
    model.mix.fill_(1.0)
    return model


def _frames(t: int = 40) -> torch.Tensor:
    rng = np.random.default_rng(1)
    frames = np.zeros((t, FRAME_SIZE), dtype=np.float32)
    frames[:, : _J * 3] = rng.normal(0, 0.3, (t, _J * 3))
    frames[:, _J * 3 : _J * 4] = 1.0
    return torch.from_numpy(frames)


def test_both_branches_count() -> None:
    """Taking the graph network's share away changes the logits and leaves the strangeness."""
    model, x = _model(), _frames()[None]
    with torch.inference_mode():
        both = model.forward(x)
        model.mix.zero_()
        alone = model.forward(x)
    assert not torch.allclose(both[..., :-1], alone[..., :-1])
    assert torch.equal(both[..., -1], alone[..., -1])
