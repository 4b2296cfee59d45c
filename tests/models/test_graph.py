"""The graph of the body, which models keep for themselves, must be that of the engine."""

from __future__ import annotations

import torch

from emotus.engine import body, features
from emotus.models.graph import FRAME_SIZE, JOINTS, PARENTS, adjacency, body_parts, mirror_partners


def test_the_body_is_the_engines() -> None:
    """Names, parents, mirror partners and frame size agree with the engine, which models may not import."""
    assert (*JOINTS,) == body.JOINT_NAMES
    assert body.BODY.parents == PARENTS
    assert mirror_partners(JOINTS) == body.MIRROR
    assert FRAME_SIZE == features.FRAME_SIZE


def test_every_neighbourhood_is_an_average() -> None:
    """Rows of each adjacency sum to one, or to none where a joint has no such neighbour."""
    sums = adjacency(PARENTS).sum(dim=-1)
    assert ((sums - 1).abs().lt(1e-6) | sums.eq(0)).all()
    assert sums[0].eq(1).all()
    assert int(sums[1].eq(0).sum()) == 1  # only the root has no parent


def test_every_joint_is_of_one_part() -> None:
    """Trunk, arms and legs share the body out."""
    assert (body_parts(JOINTS).gt(0).sum(dim=0) == 1).all()
    assert torch.allclose(body_parts(JOINTS).sum(dim=1), torch.ones(3))
