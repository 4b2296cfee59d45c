"""The autoencoder of movements: its kinematics are the engine's, its masks hold, its linear way is the best plane."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from support.movements import OFFSETS, movements

from emotus.engine.body import MIRROR
from emotus.models.cvae import FRAMES, CvaeShape, MotionCvae, divergence, known
from emotus.models.cvae_kinematics import ROTATIONS, body_positions, leverage, mirrored, world_positions
from emotus.training.generation_data import take_of


def poses(seed: int, frames: int = 5) -> np.ndarray:
    """Return bodies turned at random, each headed and placed somewhere."""
    rng = np.random.default_rng(seed)
    matrix = Rotation.random(frames * 21, random_state=seed).as_matrix().reshape(frames, 21, 3, 3)
    sixes = np.concatenate((matrix[..., 0], matrix[..., 1]), axis=-1).reshape(frames, -1)
    return np.concatenate((sixes, rng.normal(size=(frames, 4))), axis=1).astype(np.float32)


def network(latent: int = 8) -> MotionCvae:
    torch.manual_seed(0)
    model = MotionCvae(CvaeShape(("happy", "sad"), latent, 32, 2, 1))
    model.fit_straight(movements(80), OFFSETS)
    return model.eval()


@given(st.integers(0, 500))
@settings(max_examples=15, deadline=None)
def test_places_are_those_of_the_engine(seed: int) -> None:
    """Both forward kinematics put every joint in one place, in the world and about the root."""
    given = poses(seed)
    given[0, ROTATIONS : ROTATIONS + 3] = 0.0  # a take begins at the origin, facing ahead
    take = take_of(given, emotion="", intensity=1, seed=0, model="")
    world = world_positions(torch.from_numpy(given), OFFSETS).numpy()
    np.testing.assert_allclose(world, take.positions, atol=2e-4)
    about = body_positions(torch.from_numpy(given), OFFSETS).numpy()
    far = np.linalg.norm(about - about[:, :1], axis=-1)
    np.testing.assert_allclose(far, np.linalg.norm(world - world[:, :1], axis=-1), atol=2e-4)


@given(st.integers(0, 500))
@settings(max_examples=15, deadline=None)
def test_a_mirror_turns_left_and_right_about(seed: int) -> None:
    """Joints of the mirrored pose are the partners' places with x turned about; twice mirrored is itself."""
    given = torch.from_numpy(poses(seed))
    seen = world_positions(mirrored(given), OFFSETS).numpy()
    np.testing.assert_allclose(seen, world_positions(given, OFFSETS).numpy()[:, list(MIRROR)] * [-1, 1, 1], atol=1e-5)
    np.testing.assert_allclose(mirrored(mirrored(given)), given, atol=1e-6)


def test_leverage_is_how_far_joints_move() -> None:
    """A small turn of a joint moves all joints by as much as its leverage says, in the mean over axes."""
    rest = torch.tensor([1.0, 0, 0, 0, 1, 0]).repeat(21)
    before = body_positions(torch.cat((rest, torch.zeros(4))), OFFSETS).numpy()
    for joint in (0, 2, 13):
        moved = []
        for axis in range(3):
            sixes = rest.reshape(21, 6).clone()
            turn = Rotation.from_rotvec(1e-2 * np.eye(3)[axis]).as_matrix()
            sixes[joint] = torch.tensor(np.concatenate((turn[:, 0], turn[:, 1])), dtype=torch.float32)
            after = body_positions(torch.cat((sixes.flatten(), torch.zeros(4))), OFFSETS).numpy()
            moved.append(np.square(after - before).sum(axis=1).mean() / 1e-4)
        said = leverage(OFFSETS)[6 * joint].item()
        assert said * (2 / 3) ** 0.5 == pytest.approx(np.sqrt(np.mean(moved)), rel=0.02)


def test_frames_beyond_the_length_say_nothing() -> None:
    """Whatever stands behind the end of a shorter movement, its latent is the same; lengths make a difference."""
    model, given = network(), movements(2)
    lengths = torch.tensor([40, 20])
    condition = model.condition(torch.eye(2))
    with torch.no_grad():
        one = model.encode(given, lengths, *condition)[0]
        other = model.encode(given + 9 * (1 - known(lengths))[..., None], lengths, *condition)[0]
        longer = model.encode(given, lengths + 8, *condition)[0]
    np.testing.assert_allclose(one, other, atol=1e-4)
    assert (one - longer).abs().max() > 1e-3


def test_the_linear_way_is_the_best_plane() -> None:
    """Before any training, six numbers draw six-dimensional movements again as numpy's own decomposition does."""
    model, given = network(6), movements(80)
    with torch.no_grad():
        bias, pair = model.condition(torch.tensor([[0.5, 0.5]]).expand(80, 2))
        made = model.decode(
            model.encode(given, torch.full((80,), FRAMES), bias, pair)[0], torch.full((80,), FRAMES), bias
        )
    scaled = model.scaled(given).flatten(1).numpy()
    middle = scaled.mean(axis=0)
    u, s, v = np.linalg.svd(scaled - middle, full_matrices=False)
    best = (u[:, :6] * s[:6]) @ v[:6] + middle
    error = np.square(model.scaled(made).flatten(1).numpy() - scaled).mean()
    assert error < 1e-4 * np.square(scaled - middle).mean() + 2 * np.square(best - scaled).mean()


def test_divergence_is_that_of_torch() -> None:
    """The Kullback-Leibler divergence from the standard normal is what torch.distributions says."""
    mean, log_variance = torch.randn(4, 7), torch.randn(4, 7)
    normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    wanted = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).sum(dim=1)
    torch.testing.assert_close(divergence(mean, log_variance), wanted)
