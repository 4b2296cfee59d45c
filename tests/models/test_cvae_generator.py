"""Movements on demand: seeds, intensities, blends, ways between two, the plane; and what is kept on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.movements import OFFSETS, movements

from emotus.models.cvae import FRAMES, CvaeShape
from emotus.models.cvae_generator import About, MovementGenerator
from emotus.models.cvae_prior import LatentPrior
from emotus.models.cvae_store import NAME, load_generator, save_generator
from emotus.models.store import FOLDER, WeightsProblem

EMOTIONS = ("happy", "sad", "neutral")
ABOUT = About("", "CC BY-NC 4.0", "nobody", {}, {"happy": 0.8}, {"happy": 0.5})
SHIPPED = pytest.mark.skipif(not (FOLDER / f"{NAME}.safetensors").is_file(), reason="the weights are not here")


@pytest.fixture(scope="module")
def model() -> MovementGenerator:
    torch.manual_seed(1)
    made = MovementGenerator(CvaeShape(EMOTIONS, 6, 32, 2, 1), EMOTIONS, 32, 4)
    made.cvae.fit_straight(movements(60), OFFSETS)
    for weights in made.prior.parameters():
        torch.nn.init.normal_(weights, std=0.1)
    made.prototypes.copy_(torch.randn(3, 6))
    return made.eval().requires_grad_(requires_grad=False)


def test_a_seed_gives_one_movement_whoever_is_drawn_with_it(model: MovementGenerator) -> None:
    """The same seed draws the same movement alone and among others; another seed draws another."""
    alone, among = model.draw("sad", 1.0, [7])[0], model.draw("sad", 1.0, [3, 7, 9])
    torch.testing.assert_close(alone, among[1], atol=1e-5, rtol=1e-5)
    assert (among[0] - alone).abs().max() > 1e-3


def test_no_intensity_is_neutral_and_more_goes_beyond(model: MovementGenerator) -> None:
    """At 0 every emotion draws what neutral draws; 1.5 is not 1, and more than 1.5 is 1.5."""
    neutral = model.draw("neutral", 1.0, [5])
    torch.testing.assert_close(model.draw("happy", 0.0, [5]), neutral)
    torch.testing.assert_close(model.draw("sad", 0.0, [5]), neutral)
    assert (model.draw("sad", 1.5, [5]) - model.draw("sad", 1.0, [5])).abs().max() > 1e-4
    torch.testing.assert_close(model.draw("sad", 9.0, [5]), model.draw("sad", 1.5, [5]))
    torch.testing.assert_close(model.prototype("sad", 0.0), model.prototype("neutral"))


def test_blends_lie_between(model: MovementGenerator) -> None:
    """A blend of one is that one, whatever its share; of two it is neither."""
    torch.testing.assert_close(model.draw({"sad": 3.0}, 1.0, [2]), model.draw("sad", 1.0, [2]))
    blend = model.draw({"sad": 1.0, "happy": 1.0}, 1.0, [2])
    for emotion in ("sad", "happy"):
        assert (blend - model.draw(emotion, 1.0, [2])).abs().max() > 1e-4


@pytest.mark.parametrize("wrong", ["furious", {}, {"sad": -1.0, "happy": 2.0}, {"sad": 0.0}, {"sad": float("inf")}])
def test_no_blend_of_emotions_lists_those_there_are(model: MovementGenerator, wrong: object) -> None:
    """An unknown emotion, or shares that are none, are named together with what is known."""
    with pytest.raises(ValueError, match="known are happy, sad, neutral"):
        model.draw(wrong, 1.0, [0])  # type: ignore[arg-type]


def test_between_two_recordings_lie_their_ends(model: MovementGenerator) -> None:
    """At share 0 it is the first as the network draws it again, at 1 the other."""
    one, other = movements(2)
    way = model.between(one, other, [0.0, 0.5, 1.0])
    lengths = torch.full((2,), FRAMES)
    ends = model.decoded(model.encode(torch.stack((one, other)), lengths), model.weights("neutral"))
    torch.testing.assert_close(way[[0, 2]], ends)


def test_a_move_to_where_it_is_changes_nothing(model: MovementGenerator) -> None:
    """Moved on the plane to its own place, a latent stays; moved elsewhere it does not."""
    latents = torch.randn(1, 6)
    valence, arousal = model.manifold.place(latents)[0].tolist()
    torch.testing.assert_close(model.manifold.moved(latents, valence, arousal), latents, atol=1e-5, rtol=1e-5)
    assert (model.manifold.moved(latents, valence + 1, arousal) - latents).abs().max() > 1e-3


def test_the_prior_learns_where_latents_are() -> None:
    """Taught two clusters under two conditions, it draws each under its own and both when nothing is told."""
    torch.manual_seed(0)
    prior = LatentPrior(2, 2, 32)
    optimiser = torch.optim.Adam(prior.parameters(), 3e-3)
    for _ in range(400):
        which = torch.randint(0, 2, (128,))
        places = torch.stack((4.0 * which - 2.0, torch.zeros(128)), dim=1) + 0.2 * torch.randn(128, 2)
        loss = prior.loss(places, torch.nn.functional.one_hot(which, 2).float())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    noise = torch.randn(200, 2)
    first, other = torch.tensor([[1.0, 0.0]]).expand(200, 2), torch.tensor([[0.0, 1.0]]).expand(200, 2)
    with torch.no_grad():
        there = prior.draw(noise, other, first, torch.ones(200))
        back = prior.draw(noise, other, first, torch.zeros(200))
    assert there.mean(dim=0)[0].item() == pytest.approx(2.0, abs=0.4)
    assert back.mean(dim=0)[0].item() == pytest.approx(-2.0, abs=0.4)


def test_a_flow_that_begins_late_stays_near_where_it_begins(model: MovementGenerator) -> None:
    """Between noise and a latent lies what their share says; begun at the very end, the latent is drawn again."""
    noise, latents, told = torch.randn(5, 6), torch.randn(5, 6), torch.eye(3)[:1].expand(5, 3)
    torch.testing.assert_close(model.prior.mixed(noise, latents, 0.0), noise)
    at_end = model.prior.draw(model.prior.mixed(noise, latents, 1.0), told, told, torch.ones(5), 1.0)
    torch.testing.assert_close(at_end, latents, atol=1e-5, rtol=1e-5)


def test_glide_is_the_speed_of_low_feet(model: MovementGenerator) -> None:
    """A body that stands does not glide; carried over the floor at 0.3 m/s it does so at 0.3; in the air at nothing."""
    still = movements(1)[:, :1].expand(1, FRAMES, -1).clone()
    still[..., -1] += 0.02 - model.cvae.joints(still)[1][..., 1].min()
    along = still.clone()
    along[..., -3] += torch.arange(FRAMES) / 30 * 0.3
    high = along.clone()
    high[..., -1] += 1.0
    found = [model.glide(each).item() for each in (still, along, high)]
    assert found == pytest.approx([0.0, 0.3, 0.0], abs=1e-3)


def test_the_place_is_half_what_the_reader_says(model: MovementGenerator) -> None:
    """Emotions moved on the plane move the place of a movement by half as far, the rest is what its latent says."""
    given, lengths = movements(3), torch.full((3,), FRAMES)
    before = model.place(given, lengths)
    model.plane += 0.4
    after = model.place(given, lengths)
    model.plane -= 0.4
    torch.testing.assert_close(after - before, torch.full((3, 2), 0.2))


def test_what_is_kept_comes_back_and_what_was_touched_does_not(model: MovementGenerator, tmp_path: Path) -> None:
    """half precision costs less than a centimetre; a changed byte, a changed size, no JSON: one line each."""
    path = save_generator(tmp_path, model, ABOUT)
    again, about = load_generator(path)
    assert about.licence == "CC BY-NC 4.0"
    joints = [each.cvae.joints(each.prototype("sad"))[1].numpy() for each in (again, model)]
    np.testing.assert_allclose(*joints, atol=1e-2)
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(WeightsProblem, match="hash"):
        load_generator(path)
    path.write_bytes(data)
    beside = path.with_suffix(".json")
    said = beside.read_text()
    for odd in (said.replace('"latent": 6', '"latent": 9999999'), said.replace('"heads": 2', '"heads": 3')):
        beside.write_text(odd)
        with pytest.raises(WeightsProblem, match="does not fit"):
            load_generator(path)
    beside.write_text("[]")
    with pytest.raises(WeightsProblem, match="no JSON object"):
        load_generator(path)


@SHIPPED
def test_the_shipped_weights_are_small_licensed_and_finite() -> None:
    """They open, are less than 20 MB, name licence and maker, and draw finite movements beyond the training range."""
    model, about = load_generator()
    assert (FOLDER / f"{NAME}.safetensors").stat().st_size < 20e6
    assert about.licence == "CC BY-NC 4.0"
    assert "Bandai" in about.attribution
    for emotion in model.emotions:
        assert torch.isfinite(model.draw(emotion, 1.5, [0, 1])).all()
    far = model.moved(model.encode(model.draw("neutral", 0.0, [0]), torch.tensor([FRAMES])), 50.0, -50.0)
    assert torch.isfinite(far).all()
