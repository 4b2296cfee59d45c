"""Training the streaming generator: walks without end, a recipe from one file, a training that can be broken off."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from support.bvh_texts import DATA

from emotus.engine.errors import DataError
from emotus.engine.generator import Generator, load_generator
from emotus.engine.wish import Wish
from emotus.models.primitive import Primitive, PrimitiveShape
from emotus.training import partner_training
from emotus.training.motion_data import EMOTIONS, HELD_OUT
from emotus.training.partner_chains import _apart, _kinds
from emotus.training.partner_corpus import FADE, _Bank, string_together
from emotus.training.partner_data import load_footage, make_basis
from emotus.training.partner_training import PartnerRecipe, read_recipe, train_generator

NEEDS_DATA = pytest.mark.skipif(not (DATA / "bandai-1.tar.xz").is_file(), reason="needs ../shared/data")
SMALL = PartnerRecipe(corpus=3000, steps=4, batch=4, pieces=(1, 2), width=32, latent=4, poses=8, chains=4, alone=0.0)


@pytest.fixture(scope="module")
def footage():
    return load_footage(DATA, lambda _: None)


@NEEDS_DATA
def test_coordinates_are_the_motion(footage) -> None:
    """Forty axes and back: turns within a few centimetres of what they move, the root exactly."""
    basis = make_basis(footage, 40)
    for each in footage[::20]:
        turns, root = basis.decode(basis.encode(each.turns, each.root))
        assert np.sqrt(np.mean(((turns - each.turns) * basis.weights) ** 2)) < 0.03
        assert np.allclose(root, each.root, atol=1e-4)


@NEEDS_DATA
def test_walks_without_end_tear_nothing_and_show_every_mood(footage) -> None:
    """A thousand clips in a row: no step is larger than those of the clips, and commands say what is shown."""
    basis = make_basis(footage, 40)
    corpus = string_together(footage, basis, len(EMOTIONS), 20_000, seed=1)
    largest = max(float(np.abs(np.diff(basis.encode(f.turns, f.root)[:, :40], axis=0)).max()) for f in footage)
    assert np.abs(np.diff(corpus.coordinates[:, :40], axis=0)).max() < 2.0 * largest
    assert (corpus.commands[:, : len(EMOTIONS)].sum(axis=1) == 1.0).all()
    assert corpus.commands[:, : len(EMOTIONS)].mean(axis=0).min() > 0.05
    assert 0.2 < corpus.commands[:, -1].mean() < 0.9
    assert FADE < 12  # a change of mood is over within half a second
    again = string_together(footage, basis, len(EMOTIONS), 500, seed=1)
    assert np.array_equal(again.coordinates, corpus.coordinates[:500])


@NEEDS_DATA
def test_a_training_that_was_broken_off_goes_on_to_the_same(tmp_path, monkeypatch) -> None:
    """Resumed after half of its steps it gives the same weights to the last bit; the weights generate."""
    monkeypatch.setattr(partner_training, "_OFTEN", 1)
    whole = train_generator(DATA, tmp_path / "a", seed=3, progress=lambda _: None, recipe=SMALL)

    class StopError(Exception):
        pass

    def stop_at_two(said: str) -> None:
        if said.startswith("step 2"):
            raise StopError

    with pytest.raises(StopError):
        train_generator(DATA, tmp_path / "b", seed=3, progress=stop_at_two, recipe=SMALL)
    said: list[str] = []
    resumed = train_generator(DATA, tmp_path / "b", seed=3, progress=said.append, recipe=SMALL, resume=True)
    assert any(line.startswith("going on at step 2") for line in said)
    assert resumed.read_bytes() == whole.read_bytes()
    generator = Generator(load_generator(whole), seed=0)
    generator.ask(Wish("sad"))
    assert np.isfinite(generator.take(60)[0]).all()
    about = json.loads(whole.with_suffix(".json").read_text())
    assert about["licence"] == "CC BY-NC 4.0"
    assert "Bandai" in about["attribution"]


@NEEDS_DATA
def test_what_the_judge_learns_from_is_left_out(footage) -> None:
    """Weights for an independent figure learn from no activity of the judge's, in no mirror image either."""
    own = load_footage(DATA, lambda _: None, held_out=False)
    assert not {each.activity for each in own} & HELD_OUT
    assert {each.name for each in own} < {each.name for each in footage}
    assert PartnerRecipe().held_out is False


@NEEDS_DATA
def test_no_clip_is_passed_over(footage) -> None:
    """Within ten minutes of walks every clip of more than a second and a half was shown, none of them mostly."""
    bank = _Bank(footage, make_basis(footage, 40), len(EMOTIONS))
    rng, at = np.random.default_rng(0), None
    for _ in range(1000):
        label, way = int(rng.integers(len(EMOTIONS))), int(rng.integers(3))
        at = bank.enter(rng, at, label, way)
        stays = min(int(bank.left[at]) - 1, 60)
        bank.shown[bank.clip[at]] += stays
        at += stays
    lengths = np.array([len(each.root) for each in footage])
    assert bank.shown[lengths > 45].min() > 0
    assert bank.shown.max() < 0.1 * bank.shown.sum()


@NEEDS_DATA
def test_chains_tell_what_stands_still_and_what_trembles(footage) -> None:
    """Recorded frames are near their own moments; frozen ones, and ones with noise on them, are far from them."""
    basis = make_basis(footage, 40)
    walk = next(each for each in footage if each.activity == "walk" and len(each.root) > 100)
    kinds = _kinds(footage, basis, Primitive(PrimitiveShape()))
    kind = next(each for each in kinds if each.commands[0, walk.label] == 1.0 and each.commands[0, -2] > 0.2)
    frames = torch.from_numpy(basis.encode(walk.turns, walk.root))[None]
    torch.manual_seed(0)
    frozen, noisy = frames[:, :1].expand_as(frames), frames + 0.3 * torch.randn(frames.shape)
    assert _apart(frames, kind) < 0.3 * min(_apart(frozen, kind), _apart(noisy, kind))


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "no JSON object"), ('{"speeed": 1}', "no such word: 'speeed'"), ('{"steps": "many"}', "steps cannot be")],
)
def test_a_recipe_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """One line names the file and the word."""
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(DataError, match=said):
        read_recipe(tmp_path / "r.json")


def test_a_recipe_changes_what_it_names(tmp_path: Path) -> None:
    """And nothing else."""
    (tmp_path / "r.json").write_text('{"steps": 7, "pieces": [1, 2]}')
    assert read_recipe(tmp_path / "r.json") == PartnerRecipe(steps=7, pieces=(1, 2))
    assert read_recipe(None) == PartnerRecipe()
