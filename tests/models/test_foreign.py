"""A body unlike those learnt from is told, and its posture is not read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.frames import close, movement
from support.people import build_of, mover

from emotus.engine.features import Normaliser
from emotus.models.lean import LeanRecogniser
from emotus.models.recogniser import FusedRecogniser, Shape
from emotus.models.store import load_recogniser, save_recogniser
from emotus.training.clips import load_gaits
from emotus.training.foreign import Foreign

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not (DATA / "emotion_gait.npz").is_file(), reason="../shared/data is missing")


@pytest.fixture(scope="module")
def network() -> FusedRecogniser:
    """Return what ships."""
    torch.set_num_threads(1)
    return load_recogniser("bandai-stgcn")[0]


def _flat(network: FusedRecogniser, frames: np.ndarray) -> torch.Tensor:
    """Return the squashed deviations (T, F) of frames (T, 90)."""
    with torch.inference_mode():
        standard = network.feature_readout.standard(network.features.forward(torch.from_numpy(frames)[None])[0])
        return network.feature_readout.flat(standard)


def _walk(build: np.ndarray) -> np.ndarray:
    normaliser = Normaliser(30.0)
    return np.stack([normaliser.step(pose) for pose in mover(build, 3.0)])


def test_odd_proportions_are_foreign_and_our_own_are_less_so(network):
    """A body whose bones are far from anybody's is wholly foreign within a second, and stays so."""
    shares = network.foreign.share(_flat(network, _walk(build_of(3, spread=0.6))))[:, 0]
    own = network.foreign.share(_flat(network, _walk(build_of(0, spread=0.0))))[:, 0]
    assert shares[30:].min() > 0.99
    assert own.max() < shares[30:].min()


def test_the_posture_of_a_foreign_body_is_not_read(network):
    """Where a body is wholly foreign, an answer depends on its speeds; what its posture seems to say changes none."""
    flat = _flat(network, _walk(build_of(3, spread=0.6)))[-1:]
    other = flat.clone()
    other[:, network.foreign.posture] *= 1.5
    assert network.foreign.share(other) == network.foreign.share(flat) == 1
    torch.testing.assert_close(network.foreign.forward(other), network.foreign.forward(flat))
    faster = flat.clone()
    faster[:, network.foreign.movement] += 1.0
    assert not torch.allclose(network.foreign.forward(faster), network.foreign.forward(flat))


def test_the_lean_step_knows_foreign_bodies_too(network):
    """What is random is foreign, and answered alike; a stranger beside her changes nothing for whoever is none."""
    frames = movement(np.random.default_rng(4), 60, gaps=False)
    assert network.foreign.share(_flat(network, frames))[30:].min() == 1
    known = _walk(build_of(0, spread=0.0))[:60]
    lean = LeanRecogniser(network)
    seats = [lean.enter(), lean.enter()]
    ours = np.stack([lean.step(np.stack(pair), seats) for pair in zip(frames, known, strict=True)], axis=1)
    with torch.inference_mode():
        wanted = network.forward(torch.from_numpy(np.stack((frames, known)))).numpy()
    assert close(ours[0], wanted[0])
    assert close(ours[1], wanted[1])


def test_training_measures_with_what_the_network_does(network):
    """The shares and answers that figures are made of are those of the network, on bodies near and far."""
    part = network.foreign
    own = Foreign(
        part.posture.numpy(),
        part.movement.numpy(),
        part.centre.numpy(),
        part.axes.numpy(),
        (float(part.bounds[0]), float(part.bounds[1])),
        part.head.weight.detach().numpy(),
        part.head.bias.detach().numpy(),
    )
    flat = torch.cat([_flat(network, _walk(build_of(3, spread=spread)))[::10] for spread in (0.0, 0.1, 0.6)])
    known = torch.randn(len(flat), 6, dtype=torch.float64)
    shares = part.share(flat)
    assert shares.min() < 0.5 < shares.max()
    wanted = torch.lerp(known, part.forward(flat), shares)
    np.testing.assert_allclose(own.correct(known.numpy(), flat.numpy()), wanted.detach().numpy(), atol=1e-9)


def test_weights_made_before_there_was_such_an_answer_give_it_no_say(network, tmp_path):
    """They are opened, and no body is foreign to them."""
    import safetensors.torch

    _, info = load_recogniser("bandai-stgcn")
    path = save_recogniser(tmp_path, network, info)
    tensors = {
        name: value for name, value in safetensors.torch.load(path.read_bytes()).items() if "foreign" not in name
    }
    path.write_bytes(safetensors.torch.save(tensors))
    import hashlib

    about = path.with_suffix(".json")
    about.write_text(about.read_text().replace(info.sha256, hashlib.sha256(path.read_bytes()).hexdigest()))
    old, _ = load_recogniser(path)
    assert old.foreign.share(torch.full((1, old.features.feature_count), 3.0, dtype=torch.float64)) == 0


def test_an_untrained_network_calls_nobody_foreign():
    """As long as nothing was learnt, the two branches answer alone."""
    blank = FusedRecogniser(Shape(channels=(8, 8))).eval()
    flat = torch.randn(5, blank.features.feature_count, dtype=torch.float64) * 3.0
    assert blank.foreign.share(flat).max() == 0


@needs_data
def test_walkers_of_another_laboratory_are_foreign(network):
    """All twenty gaits looked at are, since their skeleton is another one."""
    shares = [network.foreign.share(_flat(network, clip.frames))[-1, 0] for clip in load_gaits(DATA)[::6]]
    assert min(shares) > 0.9
