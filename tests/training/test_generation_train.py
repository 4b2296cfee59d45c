"""Training the offline generator: recipes, batches, going on from a checkpoint, joined movements, sources."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.movements import movements, take

from emotus.engine.errors import InputError
from emotus.models.cvae_prior import LatentPrior
from emotus.models.manifold import Manifold
from emotus.training.generation_data import Drawer, conditions_of, poses_of, stacked, take_of, windows_of
from emotus.training.generation_fit import Latents, train_manifold, train_prior
from emotus.training.generation_sources import joined, make_source
from emotus.training.generation_train import GeneratorRecipe, train_cvae
from emotus.training.motion_data import MotionTake, heading_of


def recording(seed: int, style: str, frames: int = 64) -> MotionTake:
    made = take(seed)
    label = {"happy": 1, "sad": 2}.get(style, -1)
    rotations, root = made.rotations[:frames], made.root[:frames]
    return MotionTake(f"dataset-1_walk_{style}_00{seed}.bvh", "walk", style, "-3", label, rotations, root,
                      heading_of(rotations))  # fmt: skip


TAKES = [recording(i, style) for i, style in enumerate(("happy", "sad", "normal", "old", "happy", "sad"))]
TINY = GeneratorRecipe(latent=4, width=16, layers=1, steps=4, batch=4)


def test_takes_come_apart_and_together_again() -> None:
    """Poses of a take, put together again, are the take seen from where it begins."""
    given = take(5)
    again = take_of(poses_of(recording(5, "sad")), emotion="sad", intensity=1, seed=5, model="")
    apart = [np.linalg.norm(t.positions[:, :, None] - t.positions[:, None, :], axis=-1) for t in (given, again)]
    np.testing.assert_allclose(*apart, atol=1e-3)
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(given.root, axis=0), axis=1),
        np.linalg.norm(np.diff(again.root, axis=0), axis=1),
        atol=1e-4,
    )


def test_batches_hold_every_emotion_and_short_takes_their_end() -> None:
    """Conditions begin with the emotions; a take shorter than a window holds its last pose; batches are of all."""
    conditions = conditions_of(TAKES)
    assert conditions[:6] == ("angry", "happy", "sad", "proud", "unsure", "neutral")
    assert conditions[6:] == ("1:old",)
    short = recording(1, "sad", 30)
    poses, lengths = stacked([short], windows_of([short], 8))
    assert lengths.tolist() == [30]
    torch.testing.assert_close(poses[0, 30:], poses[0, 29:30].expand(34, -1))
    _, _, numbers = Drawer(TAKES, conditions, 0).draw(64)
    assert {conditions[i] for i in numbers.tolist()} >= {"happy", "sad", "neutral", "1:old"}


def test_training_goes_on_where_it_stood(tmp_path: Path) -> None:
    """Stopped after two steps and taken up, it ends after four; another recipe begins anew; weights have moved."""
    path = tmp_path / "checkpoint.safetensors"
    said: list[str] = []
    first = train_cvae(TAKES, replace(TINY, steps=2), path, said.append)
    assert said[-1].startswith("step 2 of 2")
    said.clear()
    second = train_cvae(TAKES, TINY, path, said.append)
    assert not any(line.startswith(("principal", "step 1 ")) for line in said)
    assert said[-1].startswith("step 4 of 4")
    assert (first.out.weight - second.out.weight).abs().max() > 0
    said.clear()
    train_cvae(TAKES, replace(TINY, width=32, steps=1), path, said.append)
    assert said[0].startswith("principal")


def test_prior_and_plane_learn_from_latents() -> None:
    """Both draws know whom to believe: neutral of no compared session is told nothing; all that is learnt is finite."""
    recipe = replace(TINY, prior_steps=4, prior_batch=8, steps=1)
    latents = Latents(train_cvae(TAKES, recipe, None, lambda _: None), TAKES)
    untold = latents.told(strictly=True).sum(dim=1) == 0
    assert untold.sum() == (latents.numbers == 5).sum() == 2  # and its mirror image
    assert latents.labelled_mostly()[latents.labels.numpy() >= 0].sum() == pytest.approx(0.9)
    prior, plane = LatentPrior(4, latents.conditions, 16), Manifold(4, 3, 16)
    train_prior(latents, prior, recipe, lambda _: None)
    train_manifold(latents, plane, steps=4, seed=0, progress=lambda _: None)
    assert all(bool(weights.isfinite().all()) for weights in (*prior.parameters(), *plane.parameters()))
    assert prior.out.weight.abs().max() > 0


def test_a_recipe_is_one_file_of_known_names(tmp_path: Path) -> None:
    """What a file says overrules; an unknown name, another kind of value, no TOML and no file are one line each."""
    path = tmp_path / "recipe.toml"
    path.write_text("steps = 7\nkl = 1e-3\n")
    assert GeneratorRecipe.read(path) == replace(GeneratorRecipe(), steps=7, kl=1e-3)
    for wrong in ("stops = 7\n", "steps = 'many'\n", "steps = \n"):
        path.write_text(wrong)
        with pytest.raises(InputError):
            GeneratorRecipe.read(path)
    with pytest.raises(InputError, match="no such file"):
        GeneratorRecipe.read(tmp_path / "none.toml")


def test_movements_join_without_a_jump() -> None:
    """Joined poses are longer by 52 frames, go on from where and whither they were, and never jump."""
    every = movements(9).numpy()
    poses = joined(every[0], every[1:])
    assert len(poses) == 64 + 52
    first = take_of(every[0], emotion="", intensity=1, seed=0, model="").positions
    made = take_of(poses, emotion="", intensity=1, seed=0, model="").positions
    np.testing.assert_allclose(made[:52], first[:52], atol=1e-5)
    steps = np.linalg.norm(np.diff(made, axis=0), axis=-1)
    assert steps[50:66].max() < 3 * steps[:50].max() + 0.05


def test_unknown_generators_are_named() -> None:
    """A model that is none lists those there are."""
    with pytest.raises(InputError, match="cvae, manifold, stream"):
        make_source("gan")
