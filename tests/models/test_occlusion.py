"""What carried an answer: shares that are what losing each joint really does."""

from __future__ import annotations

import numpy as np
import torch
from support.frames import drawn_frames, small_network

from emotus.models.graph import FRAME_SIZE, JOINTS
from emotus.models.occlusion import explain
from emotus.models.store import load_recogniser

_J = len(JOINTS)


def _swing(t: int = 60) -> torch.Tensor:
    """Return frames of a body that moves slowly, each joint in its own way."""
    rng = np.random.default_rng(2)
    places = rng.normal(0, 0.4, (1, _J * 3)) + 0.2 * np.sin(np.arange(t)[:, None] * 0.15 + rng.uniform(0, 6, _J * 3))
    frames = np.ones((t, FRAME_SIZE), dtype=np.float32)
    frames[:, : _J * 3] = places
    frames[:, _J * 4 : -1] = 0.3
    return torch.from_numpy(frames)


def test_shares_of_the_joints_sum_to_one() -> None:
    """An explanation shares the decision out among the joints that were seen."""
    frames = drawn_frames()
    unseen = JOINTS.index("Head")
    frames[:, _J * 3 + unseen] = 0.0
    shares = explain(small_network(), frames)
    assert shares.shape == (_J,)
    assert abs(float(shares.sum()) - 1) < 1e-5
    assert (shares >= 0).all()
    assert shares[unseen] == 0


def test_nothing_seen_is_explained_without_failing() -> None:
    """With no joint known, no joint has a share, and nothing is NaN."""
    shares = explain(small_network(), torch.zeros(5, FRAME_SIZE))
    assert torch.isfinite(shares).all()
    assert float(shares.sum()) == 0.0


def test_a_share_is_the_fall_of_the_probability_without_that_joint() -> None:
    """Asking the shipped network 21 times, each time with one joint lost, gives the shares to a few hundredths."""
    model, _ = load_recogniser()
    frames, divisor = _swing(), 10.0
    bodies = frames.repeat(_J + 1, 1, 1)
    for joint in range(_J):
        bodies[joint + 1, :, _J * 3 + joint] = 0.0
    with torch.inference_mode():
        probs = torch.softmax(model.forward(bodies)[:, -1, :-1].double() / divisor, dim=-1)
    best = int(probs[0].argmax())
    falls = (probs[0, best] - probs[1:, best]).clamp(min=0)
    assert float(falls.max()) > 0.01
    assert torch.allclose((falls / falls.sum()).float(), explain(model, frames, divisor), atol=0.03)


def test_one_frame_is_explained_too() -> None:
    """The first frame of a show has shares that sum to one."""
    model, _ = load_recogniser()
    assert abs(float(explain(model, _swing(1)).sum()) - 1) < 1e-5
