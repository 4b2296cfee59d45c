"""The fused recogniser: both branches count, and it can say which joints did."""

from __future__ import annotations

import numpy as np
import torch

from emotus.models.graph import FRAME_SIZE, JOINTS
from emotus.models.recogniser import FusedRecogniser, Shape, explain

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


def test_shares_of_the_joints_sum_to_one() -> None:
    """An explanation shares the decision out among the joints that were seen."""
    frames = _frames()
    unseen = JOINTS.index("Head")
    frames[:, _J * 3 + unseen] = 0.0
    shares = explain(_model(), frames)
    assert shares.shape == (_J,)
    assert float(shares.sum()) == np.float32(1.0) or abs(float(shares.sum()) - 1) < 1e-5
    assert (shares >= 0).all()
    assert shares[unseen] == 0


def test_nothing_seen_is_explained_without_failing() -> None:
    """With no joint known, no joint has a share, and nothing is NaN."""
    shares = explain(_model(), torch.zeros(5, FRAME_SIZE))
    assert torch.isfinite(shares).all()
    assert float(shares.sum()) == 0.0
