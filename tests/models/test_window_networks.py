"""The networks of the documents do what their papers say: attention weighs, rotations turn, encoders look back only."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from emotus.models.attention_stgcn import Attention, WindowStgcn, partitions
from emotus.models.motion_lstm import MotionLstm
from emotus.models.walk import (
    Walk,
    WalkShape,
    affective_loss,
    bone_rotations,
    euler_angles,
    label_loss,
    reconstruction_loss,
)
from emotus.training.network_classifiers import parents_of_sixteen
from emotus.training.network_fit import mixed

SHAPE = WalkShape(((0, 1), (2,), (3, 4)), classes=4, affective=6, latent=12, hidden=4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_bones_rotation_turns_its_first_direction_into_the_present_one(seed: int) -> None:
    """By scipy's rotations: the quaternion since the first frame brings the bone where it is."""
    bones = np.random.default_rng(seed).normal(size=(5, 3, 3)) + np.array([0.0, 2.0, 0.0])
    q = bone_rotations(torch.from_numpy(bones)).numpy()
    turn = Rotation.from_quat(q.reshape(-1, 4), scalar_first=True)
    first = np.tile(bones[:1], (5, 1, 1)).reshape(-1, 3)
    now = bones.reshape(-1, 3)
    turned = turn.apply(first / np.linalg.norm(first, axis=1, keepdims=True))
    np.testing.assert_allclose(turned, now / np.linalg.norm(now, axis=1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(q[0], np.tile([1.0, 0.0, 0.0, 0.0], (3, 1)), atol=1e-6)


def test_euler_angles_are_those_of_scipy() -> None:
    """About x, y, z, for rotations away from the poles."""
    angles = np.random.default_rng(0).uniform(-1.2, 1.2, (50, 3))
    q = Rotation.from_euler("xyz", angles).as_quat(scalar_first=True)
    np.testing.assert_allclose(euler_angles(torch.from_numpy(q)).numpy(), angles, atol=1e-6)


def test_a_perfect_copy_costs_nothing() -> None:
    """Neither angles nor lengths differ; a quaternion of another length costs, one of another angle costs more."""
    q = torch.from_numpy(Rotation.random(20, random_state=1).as_quat(scalar_first=True)).view(1, 4, 5, 4)
    assert float(reconstruction_loss(q, q, 2.0)) == pytest.approx(0.0, abs=1e-9)
    assert float(reconstruction_loss(2.0 * q, q, 2.0)) == pytest.approx(2.0, abs=1e-6)
    assert float(reconstruction_loss(q.flip(2), q, 0.0)) > 0.1


def test_a_gait_may_have_several_labels() -> None:
    """Every label with more than its part of the annotators counts, the others do not."""
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]], requires_grad=True)
    shares = torch.tensor([[0.45, 0.45, 0.1, 0.0]])
    log_probs = torch.log_softmax(logits, dim=1)[0].detach()
    weight = torch.exp(-shares[0])
    expected = -(weight[0] * log_probs[0] + weight[1] * log_probs[1])
    assert float(label_loss(logits, shares).detach()) == pytest.approx(float(expected))


def test_the_encoder_looks_back_only_and_its_first_numbers_are_affective() -> None:
    """What comes later changes no latent number of before; the affective loss sees the first numbers alone."""
    torch.manual_seed(0)
    walk = Walk(SHAPE).eval()
    x = torch.randn(2, 10, 5, 4)
    other = x.clone()
    other[:, 6:] += 1.0
    with torch.no_grad():
        z, later = walk.encoder(x), walk.encoder(other)
    assert torch.allclose(z[:, :6], later[:, :6], atol=1e-6)
    assert not torch.allclose(z[:, 6:], later[:, 6:], atol=1e-3)
    assert float(affective_loss(z, z[..., :6])) == 0.0
    assert walk.decoder(z, x, 0.5).shape == (2, 10, 5, 4)
    assert walk(x).shape == (2, 4)


def test_attention_weighs_and_loses_nothing() -> None:
    """Every value keeps its sign and grows by at most a factor of eight: three weights from one to two."""
    torch.manual_seed(0)
    x = torch.randn(2, 8, 12, 16)
    with torch.no_grad():
        ratio = Attention(8)(x) / x
    assert float(ratio.min()) >= 1.0
    assert float(ratio.max()) <= 8.0


@pytest.mark.parametrize("attends", [False, True])
def test_the_graph_network_has_the_size_of_the_anchor(attends: bool) -> None:
    """Four blocks on sixteen joints answer a window; without attention about a tenth of a million weights."""
    network = WindowStgcn(parents_of_sixteen(), 6, 4, attends=attends).eval()
    assert network(torch.randn(3, 32, 96)).shape == (3, 4)
    assert 0.05e6 < sum(p.numel() for p in network.parameters()) < 0.15e6


def test_every_joint_but_the_hips_has_one_parent() -> None:
    """The graph is a tree with the hips as root: one way inward from each of the others."""
    graph = partitions(parents_of_sixteen())
    assert graph.shape == (3, 16, 16)
    assert graph[1].sum(dim=1).tolist() == [0.0] + [1.0] * 15
    assert parents_of_sixteen().count(-1) == 1


def test_the_lstm_reads_both_ways() -> None:
    """The answer to a window depends on its first and on its last frame."""
    torch.manual_seed(0)
    network = MotionLstm(12, 3).eval()
    x = torch.randn(1, 9, 12)
    for frame in (0, 8):
        other = x.clone()
        other[:, frame] += 1.0
        assert not torch.allclose(network(x), network(other), atol=1e-5)


def test_mixup_blends_inputs_and_labels_alike() -> None:
    """A row that is a share of two rows has the same share of their labels."""
    torch.manual_seed(0)
    shares = torch.eye(4)
    inputs, target = mixed(shares[:, None, :].repeat(1, 3, 1), shares, 0.5)
    assert torch.allclose(inputs[:, 0], target)
    assert torch.allclose(target.sum(dim=1), torch.ones(4))
