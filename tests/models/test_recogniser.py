"""The fused recogniser: both branches count."""

from __future__ import annotations

import torch
from support.frames import drawn_frames, small_network

from emotus.models.graph import JOINTS

_J = len(JOINTS)


def test_both_branches_count() -> None:
    """Taking the graph network's share away changes the logits and leaves the strangeness."""
    model, x = small_network(), drawn_frames()[None]
    with torch.inference_mode():
        both = model.forward(x)
        model.mix.zero_()
        alone = model.forward(x)
    assert not torch.allclose(both[..., :-1], alone[..., :-1])
    assert torch.equal(both[..., -1], alone[..., -1])
